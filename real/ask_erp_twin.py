"""A recorded request to the ERP, sent to its twin after seeding what the request needs."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from customer_sync.http.transport import HttpResponse
from real.folder import Exchange
from real.read_erp import fields_of
from real.twin_api import TwinApi, wrapped

_ENDPOINT: Final = re.compile(r"^(/+entity/)([^/]+)/([\d.]+)(/.*)?$")
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NEWEST: Final = ("Default", "24.200.001")
_UNAUTHORIZED: Final = 401
_SEEDED: Final = {"Customer", "Contact", "CustomerLocation"}


def ask(twin: TwinApi, exchange: Exchange) -> HttpResponse:
    """Send it; the endpoint that the twin does not serve becomes the one that it serves best."""
    twin.control("POST", "reset")
    # What a selector knows is the tenant's own, and no recording shows it.
    twin.turn(selectors="terms", require_customer_name=False)
    twin.headers.pop("Cookie", None)
    is_sign_in = exchange.path.startswith(("/entity/auth/login", "/identity/"))
    if is_sign_in:
        _make_user(twin, exchange)
    served = _served(twin)
    found = _ENDPOINT.match(exchange.path)
    path = exchange.path
    if found:
        name, version = (found[2], found[3]) if (found[2], found[3]) in served else _NEWEST
        own_id = _seed(twin, exchange, f"{found[1]}{name}/{version}", (found[4] or "").strip("/"))
        rest = _GUID.sub(own_id, found[4] or "") if own_id else found[4] or ""
        path = f"{found[1]}{name}/{version}{rest}"
    if not is_sign_in and exchange.status != _UNAUTHORIZED:
        twin.sign_in()
    return twin.send(exchange.method, path, exchange.sent or None, exchange.query)


def _make_user(twin: TwinApi, exchange: Exchange) -> None:
    """The credentials of a recorded success are somebody's; those of a refusal nobody's."""
    sent = exchange.sent_json()
    name, password = (sent.get("name"), sent.get("password")) if isinstance(sent, dict) else (None, None)
    if exchange.is_success and isinstance(name, str) and isinstance(password, str):
        twin.control("PUT", "settings", {"users": {name: {"password": password}}})


def _served(twin: TwinApi) -> set[tuple[str, str]]:
    body = twin.json("GET", "/entity")
    listed = body["endpoints"] if isinstance(body, dict) else body
    return {(each["name"], each["version"]) for each in listed}


def _seed(twin: TwinApi, exchange: Exchange, endpoint: str, rest: str) -> str:
    """Make the records that a recorded read shows, as far as the twin takes their values; return the last one's id."""
    entity = rest.partition("/")[0]
    if exchange.method != "GET" or not exchange.is_success or entity not in _SEEDED:
        return ""
    own_id = ""
    recorded = exchange.json()
    twin.turn(auto_number_customers=False)
    twin.sign_in()
    for row in recorded if isinstance(recorded, list) else [recorded]:
        if isinstance(row, dict):
            fields = {name: value for name, value in fields_of(row).items() if value != ""}
            for customer_id in {fields.get("Customer"), fields.get("BusinessAccount")} - {None}:
                _put(twin, f"{endpoint}/Customer", {"CustomerID": customer_id, "CustomerName": customer_id})
            own_id = _put(twin, f"{endpoint}/{entity}", fields) or own_id
    twin.sign_out()
    twin.turn(auto_number_customers=True)
    return own_id


def _put(twin: TwinApi, path: str, fields: dict[str, Any]) -> str:
    """Write a record and return its id; a field that the twin refuses is left out."""
    fields = {name: value for name, value in fields.items() if value is not None and "/" not in name}
    while fields:
        answer = twin.send("PUT", path, json.dumps(wrapped(fields)).encode())
        body = json.loads(answer.body or b"{}")
        refused = [name for name in fields if isinstance(body.get(name), dict) and "error" in body[name]]
        if answer.status < 400 or not refused:  # noqa: PLR2004 - an HTTP status
            return str(body.get("id") or "")
        for name in refused:
            del fields[name]
    return ""
