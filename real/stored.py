"""What the store's twin holds of a customer of the ERP's twin, by neutral places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from real.folder import decoded
from real.twin_api import STORE_PREFIX, TwinApi


def stored_by(store: TwinApi, countries: AbstractSet[str]) -> Stored:
    """Read the whole store, and of which of these countries it lists states."""
    with_states = {each for each in countries if _lists_states(store, each)}
    return Stored(store.control("GET", "state"), with_states)


def _lists_states(store: TwinApi, country: str) -> bool:
    answer = store.send("GET", f"{STORE_PREFIX}/states", query=[("countryCode", country)])
    body = decoded(answer.body)
    return bool(isinstance(body, dict) and body.get("data"))


class Stored:
    """What the store holds, by the customer's number."""

    def __init__(self, state: Mapping[str, Any], with_states: AbstractSet[str]) -> None:
        self._with_states = with_states
        self._companies: dict[str, dict[str, Any]] = {}
        for company in state["companies"]:
            for extra in company.get("extraFields") or []:
                if extra["fieldName"] == "Acumatica Customer ID":
                    self._companies[extra["fieldValue"]] = company
        self._users, self._addresses = _by_company(state["users"]), _by_company(state["addresses"])

    def has_states(self, country: str) -> bool:
        """Whether the store lists states of a country."""
        return country in self._with_states

    def value(self, customer_id: str, place: str) -> str | None:
        """The value at a neutral place, ``None`` where the record is not there or nothing of it is sent."""
        company = self._companies.get(customer_id)
        if company is None:
            return None
        part, _, name = place.rpartition(".")
        record: Mapping[str, Any] | None = company
        if part == "contact":
            record = next(iter(self._users[company["companyId"]]), None)
        elif part == "location":
            mine = self._addresses[company["companyId"]]
            record = next((each for each in mine if str(each.get("externalId")).endswith(":UGLY")), None)
        wire = _WIRE[part].get(name)
        return None if record is None or wire is None else str(record.get(wire) or "")


_NOT_COMPARED: Final = frozenset({"attention", "location.attention"})
"""What goes into the names of an address together with other values."""
_ADDRESS: Final = {"line1": "addressLine1", "line2": "addressLine2", "city": "city", "postal_code": "zipCode"}
_WIRE: Final[Mapping[str, Mapping[str, str]]] = {
    "": {"name": "companyName", "email": "companyEmail", "phone": "companyPhone"},
    "main_address": {**_ADDRESS, "state": "state", "country": "country"},
    "contact": {"first_name": "firstName", "last_name": "lastName", "email": "email", "phone": "phoneNumber"},
    "location": {**_ADDRESS, "name": "label", "phone": "phoneNumber", "state": "stateName", "country": "countryCode"},
}


def _by_company(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        found[int(row["companyId"])].append(row)
    return found
