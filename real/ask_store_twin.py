"""A recorded request to the store, sent to its twin after seeding what the request needs."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from customer_sync.http.transport import HttpResponse
from real.folder import Exchange
from real.twin_api import STORE_PREFIX, TwinApi

_ENTITY: Final = re.compile(r"/(companies|users|addresses)(?:/(\d+))?(?=/|$)")
_NOT_FOUND: Final = 404
_COMPANY: Final[dict[str, Any]] = {
    "companyName": "Replayed Ltd",
    "companyPhone": "555 0100",
    "companyEmail": "replayed@example.com",
    "country": "US",
    "addressLine1": "1 Replay Way",
    "city": "Austin",
    "state": "Texas",
    "zipCode": "78701",
    "adminFirstName": "Rita",
    "adminLastName": "Replay",
    "adminEmail": "rita@example.com",
    "channelIds": [1],
    "originChannelId": 1,
}
_ADDRESS: Final[dict[str, Any]] = {
    "firstName": "Rita",
    "lastName": "Replay",
    "addressLine1": "1 Replay Way",
    "city": "Austin",
    "stateName": "Texas",
    "stateCode": "TX",
    "countryName": "United States",
    "countryCode": "US",
    "zipCode": "78701",
    "label": "Main",
    "isShipping": True,
}


def ask(twin: TwinApi, exchange: Exchange) -> HttpResponse:
    """Send it; ids of recorded records become those of records made for it."""
    twin.control("POST", "reset")
    ids = {} if exchange.status == _NOT_FOUND else _seed(twin)
    path = _ENTITY.sub(lambda found: _with_id(found, ids), exchange.path)
    query = [(name, _own_id(name, value, ids)) for name, value in exchange.query]
    sent = exchange.sent_json()
    body = exchange.sent if sent is None else json.dumps(_with_ids(sent, ids)).encode()
    return twin.send(exchange.method, STORE_PREFIX + path, body or None, query)


def _seed(twin: TwinApi) -> dict[str, int]:
    """A company with its admin and an address."""
    made = twin.json("POST", f"{STORE_PREFIX}/companies", _COMPANY)
    company_id = made["data"]["companyId"]
    users = twin.json("GET", f"{STORE_PREFIX}/users?companyId={company_id}")
    address = twin.json("POST", f"{STORE_PREFIX}/addresses", {**_ADDRESS, "companyId": company_id})
    return {
        "companies": company_id,
        "users": users["data"][0]["id"],
        "addresses": address["data"].get("addressId", address["data"].get("id")),
    }


def _with_id(found: re.Match[str], ids: dict[str, int]) -> str:
    own = ids.get(found[1])
    return f"/{found[1]}/{own}" if found[2] and own is not None else found[0]


# Roles and storefronts have other ids in every store; these are those that the twin begins with.
_OF_THE_STORE: Final = {"companyRoleId": 2, "channelIds": [1], "originChannelId": 1}
_NAMED: Final = {"companyId": "companies", "userId": "users", "addressId": "addresses"}


def _own_id(name: str, value: str, ids: dict[str, int]) -> str:
    own = ids.get(_NAMED.get(name, ""))
    return value if own is None else str(own)


def _with_ids(sent: Any, ids: dict[str, int]) -> Any:
    if isinstance(sent, list):
        return [_with_ids(each, ids) for each in sent]
    if not isinstance(sent, dict):
        return sent
    own: dict[str, Any] = {name: ids[entity] for name, entity in _NAMED.items() if name in sent and entity in ids}
    return {**sent, **own, **{name: value for name, value in _OF_THE_STORE.items() if name in sent}}
