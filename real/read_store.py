"""What our client of the store makes of a recorded answer: which call gets it, and which values it must give."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from customer_sync.model.company import PaymentTerms
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from real.clients import store_client
from real.error_classes import error_of
from real.folder import Exchange
from real.read_erp import Value

_NEW_COMPANY: Final = {"company_name": "Replayed", "company_email": "replayed@example.com"}
_NEW_USER: Final = {"email": "replayed@example.com", "first_name": "R", "last_name": "P", "company_id": 1}
_NEW_ADDRESS: Final = {"address_line1": "1 Replay Way", "company_id": 1}

_COMPANY: Final = {"companyId": "id", "companyName": "fields.company_name", "companyEmail": "fields.company_email"}
_USER: Final = {"id": "id", "email": "fields.email", "firstName": "fields.first_name", "lastName": "fields.last_name"}
_ADDRESS: Final = {
    "addressId": "id",
    "addressLine1": "fields.address_line1",
    "city": "fields.city",
    "stateCode": "fields.state_code",
    "countryCode": "fields.country_code",
}


class _Call(NamedTuple):
    """A call of the client, and the names of the values that it must give: wire name -> attribute."""

    method: str
    path: str
    ask: Callable[[BetterB2BTarget, list[int], int], Any]
    values: dict[str, str]


def _ids(wire_name: str) -> dict[str, str]:
    return {wire_name: ""}


_CALLS: Final = (
    _Call("GET", r"/companies", lambda store, _, __: list(store.companies()), _COMPANY),
    _Call("GET", r"/companies/(\d+)", lambda store, ids, _: store.company(ids[0]), _COMPANY),
    _Call("GET", r"/users", lambda store, _, __: list(store.users()), _USER),
    _Call("GET", r"/users/(\d+)", lambda store, ids, _: store.user(ids[0]), _USER),
    _Call("GET", r"/addresses", lambda store, _, __: list(store.addresses()), _ADDRESS),
    _Call("GET", r"/addresses/(\d+)", lambda store, ids, _: store.address(ids[0]), _ADDRESS),
    _Call("GET", r"/companies/roles", lambda store, _, __: sorted(store.role_ids.values()), _ids("id")),
    _Call("GET", r"/companies/extra-fields", lambda store, _, __: store.extra_fields("company"), {}),
    _Call("GET", r"/users/extra-fields", lambda store, _, __: store.extra_fields("user"), {}),
    _Call("GET", r"/addresses/extra-fields", lambda store, _, __: store.extra_fields("address"), {}),
    _Call("GET", r"/payments", lambda store, _, __: store.payment_methods, {}),
    _Call("GET", r"/channels", lambda store, _, __: store.channels, {}),
    _Call("GET", r"/countries", lambda store, _, __: store.countries, {"countryCode": "code", "countryName": "name"}),
    _Call("GET", r"/states", lambda store, _, __: store.states("US"), {"stateCode": "code", "stateName": "name"}),
    _Call(
        "GET",
        r"/companies/(\d+)/payments",
        lambda store, ids, _: store.payment_settings(ids[0], methods=True, terms=False),
        {},
    ),
    _Call(
        "GET",
        r"/companies/(\d+)/payment-terms",
        lambda store, ids, _: store.payment_settings(ids[0], methods=False, terms=True),
        {},
    ),
    _Call("POST", r"/companies", lambda store, _, __: store.create_companies([_NEW_COMPANY]), _ids("companyId")),
    _Call("POST", r"/companies/bulk", lambda store, _, n: store.create_companies([_NEW_COMPANY] * n), {}),
    _Call("POST", r"/users", lambda store, _, __: store.create_users([_NEW_USER]), _ids("userId")),
    _Call("POST", r"/users/bulk", lambda store, _, n: store.create_users([_NEW_USER] * n), {}),
    _Call("POST", r"/addresses", lambda store, _, __: store.create_addresses([_NEW_ADDRESS]), _ids("addressId")),
    _Call("POST", r"/addresses/bulk", lambda store, _, n: store.create_addresses([_NEW_ADDRESS] * n), {}),
    _Call("PUT", r"/companies/(\d+)", lambda store, ids, _: store.update_companies([(ids[0], {"city": "X"})]), {}),
    _Call(
        "PUT",
        r"/companies/bulk",
        lambda store, _, __: store.update_companies([(1, {"city": "X"}), (2, {"city": "X"})]),
        {},
    ),
    _Call("PUT", r"/companies/(\d+)/status", lambda store, ids, _: store.set_company_status(ids[0], 1), {}),
    _Call(
        "PUT", r"/companies/(\d+)/payments", lambda store, ids, _: store.set_payment_methods(ids[0], {"cod": True}), {}
    ),
    _Call(
        "PUT",
        r"/companies/(\d+)/payment-terms",
        lambda store, ids, _: store.set_payment_terms(ids[0], PaymentTerms(is_enabled=True, days=30)),
        {},
    ),
    _Call("PUT", r"/users/(\d+)", lambda store, ids, _: store.update_user(ids[0], {"first_name": "X"}), {}),
    _Call("PUT", r"/addresses/(\d+)", lambda store, ids, _: store.update_address(ids[0], {"city": "X"}), {}),
    _Call("DELETE", r"/companies/(\d+)", lambda store, ids, _: store.delete_company(ids[0]), {}),
    _Call("DELETE", r"/users/(\d+)", lambda store, ids, _: store.delete_user(ids[0]), {}),
    _Call("DELETE", r"/addresses/(\d+)", lambda store, ids, _: store.delete_address(ids[0]), {}),
)


def is_asked_by_us(exchange: Exchange) -> bool:
    """Whether the product makes such a call."""
    return _find(exchange) is not None


def read_with_client(url: str, exchange: Exchange) -> Iterator[Value]:
    """Ask what was asked when the exchange was recorded, and compare what comes of it.

    Yields:
        Values that are not the recorded ones.

    Raises:
        SyncError: The client refused the answer, or the answer was a refusal.
    """
    call = _find(exchange)
    # What the client takes for an answer by design, such as a 404 to a read, is no error of its own.
    refusal = error_of(exchange)
    if call is None or refusal is not None:
        if refusal is not None:
            raise refusal
        return
    ids = [int(each) for each in re.fullmatch(call.path, exchange.path).groups()]  # type: ignore[union-attr]  # it matched
    data = (exchange.json() or {}).get("data")
    rows = data if isinstance(data, list) else [data]
    with store_client(url) as store:
        found = call.ask(store, ids, max(2, len(rows)))
    if not call.values:
        return
    ours = found if isinstance(found, list) else [found]
    if len(ours) != len(rows):
        yield "rows", str(len(ours)), str(len(rows))
        return
    for wire_name, attribute in call.values.items():
        got = sorted(_text(_at(each, attribute)) for each in ours)
        recorded = sorted(_text(_recorded(row, wire_name)) for row in rows)
        if got != recorded:
            yield wire_name, ", ".join(got), ", ".join(recorded)


def _find(exchange: Exchange) -> _Call | None:
    return next(
        (each for each in _CALLS if each.method == exchange.method and re.fullmatch(each.path, exchange.path)), None
    )


def _at(value: Any, attribute: str) -> Any:
    for name in attribute.split(".") if attribute else ():
        value = getattr(value, name)
    return value


def _recorded(row: Any, wire_name: str) -> Any:
    return row.get(wire_name, row.get("id") if wire_name.endswith("Id") else None) if isinstance(row, dict) else None


def _text(value: Any) -> str:
    return "" if value is None else str(value)
