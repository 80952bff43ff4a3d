"""A second calculation of what a store must hold, from the reference documents alone.

It shares no code with the product, so that an error of the rules is not repeated here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pycountry

EMPTY_STORE = {"status": 1, "payments": ["cheque", "purchase_order"], "terms": {"isEnabled": True, "paymentTerms": 30}}


def company(key: str, name: str, email: str, phone: str, place: tuple[str, ...], **parts: Any) -> dict[str, Any]:
    """A company as the store shows it."""
    names = ("addressLine1", "addressLine2", "city", "state", "zipCode", "country")
    return {
        **EMPTY_STORE,
        "companyName": name,
        "companyEmail": email,
        "companyPhone": phone,
        **dict(zip(names, place, strict=True)),
        "extraFields": {"Acumatica Customer ID": key},
        **parts,
    }


def user(email: str, first: str, last: str, phone: str, role: str = "Junior Buyer") -> dict[str, str]:
    """A company user as the store shows it."""
    return {"email": email, "firstName": first, "lastName": last, "phoneNumber": phone, "role": role}


def address(
    external_id: str,
    label: str,
    names: tuple[str, str],
    place: tuple[str, str, str, str, str, str],
    country: tuple[str, str],
    phone: str,
    *,
    is_default: bool = False,
) -> dict[str, Any]:
    """An address as the store shows it."""
    is_billing = external_id.endswith(":BILLING")
    return {
        "externalId": external_id,
        "label": label,
        "firstName": names[0],
        "lastName": names[1],
        **dict(zip(("addressLine1", "addressLine2", "city", "stateName", "stateCode", "zipCode"), place, strict=True)),
        "countryName": country[0],
        "countryCode": country[1],
        "phoneNumber": phone,
        "isBilling": is_billing,
        "isDefaultBilling": is_billing,
        "isShipping": not is_billing,
        "isDefaultShipping": is_default,
    }


STATES = frozenset("AR AU AT BR CA CL DE IN ID IE IT JP MY MX MM NZ PH QA RO ZA ES CH AE US".split())  # noqa: SIM905 - a table
TERMS = {
    "30D": (["cheque", "purchase_order"], 30),
    "15D": (["cheque", "purchase_order"], 15),
    "45D": (["purchase_order"], 45),
    "60D": (["purchase_order"], 60),
    "COD": (["cod"], 0),
}
MAIL = re.compile(r"[^@\s;()]+@[^@\s;()]+\.[^@\s;()]+")


def _is_on(record: dict[str, Any]) -> bool:
    first = record["SiteAssociations"][0] if record["SiteAssociations"] else {}
    return bool(first.get("Active")) and first.get("ConnectionType") == "KNB"


def _is_eligible(customer: dict[str, Any]) -> bool:
    values = customer["values"]
    return bool(
        values["CustomerClass"] == "B2B"
        and MAIL.fullmatch(customer["Email"] or "")
        and _is_on(customer)
        and values.get("Status", "Active") in {"Active", "Credit Hold", "One-Time"}
    )


LISTS = json.loads(Path("sandbox/better_b2b/places.json").read_text(encoding="utf-8"))
"""The store's countries and states."""
COUNTRIES = dict(LISTS["countries"])
OTHER_CODES = {
    # What the seeded ERP writes -> the store's code, where these differ.
    "JP": {"13": "TK", "27": "OS", "26": "KY", "01": "HK"},
    "MX": {"CMX": "DF", "JAL": "JL", "NLE": "NL"},
}


def _state(country: str, text: str) -> tuple[str, str] | None:
    """Name and code of a state as the store lists it, or, where it lists none, as ISO 3166 has it."""
    if country not in LISTS["states"]:
        known = pycountry.subdivisions.get(code=f"{country}-{text}")  # type: ignore[no-untyped-call] # pycountry has no types
        return (known.name, text) if known else None
    code = OTHER_CODES.get(country, {}).get(text, text)
    return next(((name, each) for each, name in LISTS["states"].get(country, ()) if each == code), None)


def _phone(card: dict[str, Any] | None) -> str:
    return str((card or {}).get("Phone1") or (card or {}).get("Phone2") or "")


def _split(text: str) -> tuple[str, str]:
    head, _, tail = text.rpartition(" ")
    return head or tail, tail


def _is_holdable(customer: dict[str, Any]) -> bool:
    place = customer["MainAddress"]
    country = place.get("Country") or ""
    known = country in COUNTRIES
    is_state_fine = country not in STATES or not place.get("State") or _state(country, place["State"]) is not None
    return bool(
        customer["values"]["CustomerName"].strip() and _phone(customer["MainContact"]) and known and is_state_fine
    )


def _expected_users(customer: dict[str, Any], contacts: list[dict[str, Any]], taken: set[str]) -> list[dict[str, str]]:
    primary = customer["values"].get("PrimaryContactID")
    able = [
        contact["values"]
        for contact in sorted(contacts, key=lambda row: (row["ContactID"] != primary, row["ContactID"]))
        if _is_on(contact)
        and contact["values"].get("Active", True)
        and contact["values"].get("FirstName")
        and contact["values"].get("LastName")
        and MAIL.fullmatch(contact["values"].get("Email") or "")
        and contact["values"]["Email"].casefold() not in taken
    ]
    if not able:
        name = customer["values"]["CustomerName"]
        return [user(customer["Email"], name[:100], name[:100], _phone(customer["MainContact"]), "Admin")]
    users: dict[str, dict[str, str]] = {}
    for contact in able:
        email = contact["Email"]
        if email.casefold() in users:
            continue
        role = "Junior Buyer" if users else "Admin"
        users[email.casefold()] = user(email, contact["FirstName"], contact["LastName"], _phone(contact), role)
    return list(users.values())


def _expected_address(
    customer: dict[str, Any], key: str, label: str, names: tuple[str, str], place: dict[str, Any], phone: str
) -> dict[str, Any] | None:
    country = place.get("Country") or ""
    if not (place.get("AddressLine1") and place.get("City") and country in COUNTRIES):
        return None
    state = _state(country, place.get("State") or "") if country in STATES else None
    if country in STATES and state is None:
        return None
    texts = (place["AddressLine1"], place.get("AddressLine2") or "", place["City"])
    region = state or ("", "")
    return address(
        f"{customer['CustomerID']}:{key}",
        label,
        (names[0][:100].strip(), names[1][:100].strip()),
        (*texts, *region, place.get("PostalCode") or ""),
        (COUNTRIES[country], country),
        phone or _phone(customer["MainContact"]),
    )


def _expected_addresses(customer: dict[str, Any], locations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    name = customer["values"]["CustomerName"]
    found = []
    for location in locations:
        values, card = location["values"], location["LocationContact"] or {}
        if not values.get("Active", True):
            continue
        names = _split(card.get("Attention") or name)
        place = location["Address"] or customer["MainAddress"]
        label = values.get("LocationName") or "Primary Location"
        address = _expected_address(customer, location["LocationID"], label, names, place, _phone(card))
        if address:
            found.append({**address, "isDefaultShipping": bool(values.get("Default"))})
    bill = customer["BillingContact"] or {}
    names = _split(bill["Attention"]) if bill.get("Attention") else (name, name)
    place = customer["BillingAddress"] or customer["MainAddress"]
    billing = _expected_address(customer, "BILLING", "Billing", names, place, _phone(bill))
    return sorted([*found, billing] if billing else found, key=lambda row: str(row["externalId"]))


def expected_book(erp: dict[str, Any], taken: set[str]) -> dict[str, dict[str, Any]]:
    """What the store holds of each customer after a first sync.

    Args:
        erp: The whole state of the ERP's twin.
        taken: E-mails, case-folded, that the store's own users have.
    """
    able = [row for row in erp["customers"] if _is_eligible(row) and _is_holdable(row)]
    emails = [row["Email"].casefold() for row in able]
    eligible = [row for row in able if emails.count(row["Email"].casefold()) == 1]
    contacts_of = {
        row["CustomerID"]: [each for each in erp["contacts"] if each["BusinessAccount"] == row["CustomerID"]]
        for row in eligible
    }
    # Of several customers the one that was made first has an e-mail, then the lower record.
    first: dict[str, str] = {}
    for row in sorted(eligible, key=lambda row: (row["created_ms"], row["note"])):
        for each in _expected_users(row, contacts_of[row["CustomerID"]], taken):
            first.setdefault(each["email"].casefold(), row["CustomerID"])
    book = {}
    for row in eligible:
        key, values, place = row["CustomerID"], row["values"], row["MainAddress"]
        locations = [location for location in erp["locations"] if location["Customer"] == key]
        state = _state(place["Country"], place.get("State") or "")
        methods, days = TERMS.get(values["Terms"], ([], None))
        texts = (place["AddressLine1"], place.get("AddressLine2") or "", place["City"])
        others = {email for email, holder in first.items() if holder != key}
        users = _expected_users(row, contacts_of[key], taken | others)
        book[key] = company(
            key,
            values["CustomerName"].strip()[:200].strip(),
            row["Email"],
            _phone(row["MainContact"]),
            (
                *texts,
                state[0] if state else place.get("State") or "",
                place.get("PostalCode") or "",
                place["Country"],
            ),
            payments=methods,
            terms=None if days is None else {"isEnabled": True, "paymentTerms": days},
            users=sorted(users, key=lambda user: user["email"]),
            addresses=_expected_addresses(row, locations),
        )
    return book
