# ruff: noqa: RUF001 - names in Greek letters, as the ERP holds them
"""After a full sync the store holds what the ERP says: by hand for some customers, by a second calculation for all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pycountry
import pytest

from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, shipped_connector

EMPTY_STORE = {"status": 1, "payments": ["cheque", "purchase_order"], "terms": {"isEnabled": True, "paymentTerms": 30}}
US, CA, DE = ("United States", "US"), ("Canada", "CA"), ("Germany", "DE")
GB, FR, JP = ("United Kingdom", "GB"), ("France", "FR"), ("Japan", "JP")


def _company(key: str, name: str, email: str, phone: str, place: tuple[str, ...], **parts: Any) -> dict[str, Any]:
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


def _user(email: str, first: str, last: str, phone: str, role: str = "Junior Buyer") -> dict[str, str]:
    return {"email": email, "firstName": first, "lastName": last, "phoneNumber": phone, "role": role}


def _address(
    external_id: str,
    label: str,
    names: tuple[str, str],
    place: tuple[str, str, str, str, str, str],
    country: tuple[str, str],
    phone: str,
    *,
    is_default: bool = False,
) -> dict[str, Any]:
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


_ELBE = ("Lindenallee 249", "", "Berlin", "Berlin", "BE", "56147")
_HARBOR = ("71 Orchard Lane", "", "Tampa", "Florida", "FL", "72803")
_NORTHWIND = ("343 Foundry St", "", "Bristol", "", "", "BN6 7EE")
_LARKSPUR = ("166 Orchard Lane", "", "Perth", "Western Australia", "WA", "2848")
_DENVER = ("56 Foundry St", "Suite 31", "Denver", "Colorado", "CO", "20011")
_RIVERBEND = ("288 Station Way", "", "Chicago", "Illinois", "IL", "21438")
_KYOTO = ("中央269番地", "Suite 37", "京都市中京区", "Kyoto", "26", "120-7572")
_KENT = ("3 Castle Street", "", "Canterbury", "", "", "CT1 2QT")
_TORONTO = ("55 Harbor Ave", "", "Toronto", "Ontario", "ON", "R6G 3N4")
_CHENNAI = ("Plot 8, Industrial Area", "", "Chennai", "Tamil Nādu", "TN", "478184")
_LYON = ("128 quai des Brumes", "", "Lyon", "", "", "27078")

BY_HAND: dict[str, dict[str, Any]] = {
    # Germany: umlauts, a state that is also a city, three contacts.
    "C000001": _company(
        "C000001",
        "Elbe Großhandel KG",
        "orders@elbe1.example",
        "+49 30 23125 759",
        ("Lindenallee 249", "", "Berlin", "Berlin", "56147", "DE"),
        users=[
            _user("aenne.weiss@elbe1.example", "Änne", "Weiß", "+49 30 23125 160", "Admin"),
            _user("bjoern.schaefer@elbe1.example", "Björn", "Schäfer", "+49 30 23125 550"),
            _user("juergen.boehm@elbe1.example", "Jürgen", "Böhm", "+49 30 23125 975"),
        ],
        addresses=[
            _address("C000001:BILLING", "Billing", ("Elbe Großhandel KG",) * 2, _ELBE, DE, "+49 30 23125 759"),
            _address(
                "C000001:MAIN",
                "Primary Location",
                ("Elbe Großhandel", "KG"),
                _ELBE,
                DE,
                "+49 30 23125 759",
                is_default=True,
            ),
        ],
    ),
    # United States: three locations, one of them with an attention.
    "C000002": _company(
        "C000002",
        "Blue Harbor Medical LLC",
        "ap@blueharbor2.example",
        "+1 (555) 017-3903",
        ("71 Orchard Lane", "", "Tampa", "Florida", "72803", "US"),
        users=[
            _user("quinn.ives@blueharbor2.example", "Quinn", "Ives", "+1 (555) 016-0353"),
            _user("robin.stone@blueharbor2.example", "Robin", "Stone", "+1 (555) 014-1607", "Admin"),
        ],
        addresses=[
            _address("C000002:BILLING", "Billing", ("Blue Harbor Medical LLC",) * 2, _HARBOR, US, "+1 (555) 017-3903"),
            _address(
                "C000002:EAST",
                "East warehouse",
                ("Blue Harbor Medical", "LLC"),
                ("186 Harbor Ave", "Suite 13", "Washington", "District of Columbia", "DC", "11409"),
                US,
                "+1 (555) 017-3903",
            ),
            _address(
                "C000002:MAIN",
                "Primary Location",
                ("Blue Harbor Medical", "LLC"),
                _HARBOR,
                US,
                "+1 (555) 017-3903",
                is_default=True,
            ),
            _address(
                "C000002:WEST",
                "West warehouse",
                ("Receiving", "Receiving"),
                ("19 Harbor Ave", "", "Washington", "District of Columbia", "DC", "88992"),
                US,
                "+1 (555) 017-3903",
            ),
        ],
    ),
    # France: no states there; only Phone 2 in the main contact; locations with phones of their own.
    "C000022": _company(
        "C000022",
        "Côte Bleue Distribution SAS",
        "ap@cotebleue22.example",
        "+1 (555) 010-2222",
        ("128 quai des Brumes", "", "Lyon", "", "27078", "FR"),
        users=[
            _user("noel.macon@cotebleue22.example", "Noël", "Maçon", "+33 1 99 00 91 99"),
            _user("zoe.beranger@cotebleue22.example", "Zoé", "Béranger", "+33 1 99 00 05 91", "Admin"),
        ],
        addresses=[
            _address(
                "C000022:BILLING", "Billing", ("Côte Bleue Distribution SAS",) * 2, _LYON, FR, "+1 (555) 010-2222"
            ),
            _address(
                "C000022:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("246 quai des Brumes", "", "Besançon", "", "", "59177"),
                FR,
                "+33 1 99 00 69 69",
            ),
            _address(
                "C000022:MAIN",
                "Primary Location",
                ("Côte Bleue Distribution", "SAS"),
                _LYON,
                FR,
                "+1 (555) 010-2222",
                is_default=True,
            ),
            _address(
                "C000022:WEST",
                "West warehouse",
                ("Côte Bleue Distribution", "SAS"),
                ("343 rue de l'Église", "Suite 25", "Besançon", "", "", "62563"),
                FR,
                "+33 1 99 00 06 92",
            ),
        ],
    ),
    # United Kingdom: the second contact has no e-mail and is left out.
    "C000029": _company(
        "C000029",
        "Northwind Paper Ltd",
        "orders@northwind29.example",
        "+44 20 7946 0833",
        ("343 Foundry St", "", "Bristol", "", "BN6 7EE", "GB"),
        users=[
            _user("jamie.hughes@northwind29.example", "Jamie", "Hughes", "+44 20 7946 0128", "Admin"),
            _user("morgan.ives@northwind29.example", "Morgan", "Ives", "+44 20 7946 0658"),
        ],
        addresses=[
            _address("C000029:BILLING", "Billing", ("Northwind Paper Ltd",) * 2, _NORTHWIND, GB, "+44 20 7946 0833"),
            _address(
                "C000029:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("116 Mill Road", "", "Bristol", "", "", "JM3 3TE"),
                GB,
                "+44 20 7946 0833",
            ),
            _address(
                "C000029:MAIN",
                "Primary Location",
                ("Northwind Paper", "Ltd"),
                _NORTHWIND,
                GB,
                "+44 20 7946 0833",
                is_default=True,
            ),
        ],
    ),
    # Emirates: right-to-left script, no postal code, terms that are not in the connector's table.
    "C000035": _company(
        "C000035",
        "الواحة للتوريدات ذ.م.م",
        "ap@alwaha35.example",
        "+971 4 555 7366",
        ("شارع الشيخ زايد 180", "", "أبوظبي", "Abū Z̧aby", "", "AE"),
        payments=[],
        terms=None,
        users=[
            _user("khalid.alnuaimi@alwaha35.example", "خالد", "النعيمي", "+971 4 555 8262"),
            _user("layla.almansoori@alwaha35.example", "ليلى", "المنصوري", "+971 4 555 3068", "Admin"),
        ],
        addresses=[
            _address(
                "C000035:BILLING",
                "Billing",
                ("الواحة للتوريدات ذ.م.م",) * 2,
                ("شارع الشيخ زايد 180", "", "أبوظبي", "Abū Z̧aby", "AZ", ""),
                ("United Arab Emirates", "AE"),
                "+971 4 555 7366",
            ),
            _address(
                "C000035:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("شارع النخيل 290", "", "دبي", "Dubayy", "DU", ""),
                ("United Arab Emirates", "AE"),
                "+971 4 555 4521",
            ),
            _address(
                "C000035:MAIN",
                "Primary Location",
                ("الواحة للتوريدات", "ذ.م.م"),
                ("شارع الشيخ زايد 180", "", "أبوظبي", "Abū Z̧aby", "AZ", ""),
                ("United Arab Emirates", "AE"),
                "+971 4 555 7366",
                is_default=True,
            ),
        ],
    ),
    # Australia: no primary contact, so the first by ContactID is the admin.
    "C000038": _company(
        "C000038",
        "Larkspur Packaging LLC",
        "orders@larkspur38.example",
        "+61 2 5550 2194",
        ("166 Orchard Lane", "", "Perth", "Western Australia", "2848", "AU"),
        users=[
            _user("avery.obrien@larkspur38.example", "Avery", "O'Brien", "+61 2 5550 5738"),
            _user("jordan.obrien@larkspur38.example", "Jordan", "O'Brien", "+61 2 5550 4382", "Admin"),
            _user("sam.obrien@larkspur38.example", "Sam", "O'Brien", "+61 2 5550 2606"),
        ],
        addresses=[
            _address(
                "C000038:BILLING",
                "Billing",
                ("Larkspur Packaging LLC",) * 2,
                _LARKSPUR,
                ("Australia", "AU"),
                "+61 2 5550 2194",
            ),
            _address(
                "C000038:MAIN",
                "Primary Location",
                ("Larkspur Packaging", "LLC"),
                _LARKSPUR,
                ("Australia", "AU"),
                "+61 2 5550 2194",
                is_default=True,
            ),
        ],
    ),
    # No contact at all: the account itself is the admin.
    "C000039": _company(
        "C000039",
        "Blue Harbor Medical LLC",
        "office@blueharbor39.example",
        "+1 (555) 014-1341",
        ("56 Foundry St", "Suite 31", "Denver", "Colorado", "20011", "US"),
        users=[
            _user(
                "office@blueharbor39.example",
                "Blue Harbor Medical LLC",
                "Blue Harbor Medical LLC",
                "+1 (555) 014-1341",
                "Admin",
            ),
        ],
        addresses=[
            _address("C000039:BILLING", "Billing", ("Blue Harbor Medical LLC",) * 2, _DENVER, US, "+1 (555) 014-1341"),
            _address(
                "C000039:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("345 Orchard Lane", "", "Tampa", "Florida", "FL", "98836"),
                US,
                "+1 (555) 019-4257",
            ),
            _address(
                "C000039:MAIN",
                "Primary Location",
                ("Blue Harbor Medical", "LLC"),
                _DENVER,
                US,
                "+1 (555) 014-1341",
                is_default=True,
            ),
        ],
    ),
    # India: twelve contacts.
    "C000044": _company(
        "C000044",
        "Himgiri Exports Pvt. Ltd.",
        "office@himgiri44.example",
        "+91 22 5555 0091",
        ("Plot 8, Industrial Area", "", "Chennai", "Tamil Nādu", "478184", "IN"),
        users=sorted(
            [
                _user("kabir.iyer@himgiri44.example", "Kabir", "Iyer", "+91 22 5555 3536", "Admin"),
                _user("kabir.kulkarni@himgiri44.example", "Kabir", "Kulkarni", "+91 22 5555 0018"),
                *(
                    _user(f"buyer{number}@himgiri44.example", f"Buyer{number}", "Marsh", "+1 (555) 010-4400")
                    for number in range(3, 13)
                ),
            ],
            key=lambda user: user["email"],
        ),
        addresses=[
            _address(
                "C000044:BILLING",
                "Billing",
                ("Himgiri Exports Pvt. Ltd.",) * 2,
                _CHENNAI,
                ("India", "IN"),
                "+91 22 5555 0091",
            ),
            _address(
                "C000044:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("Plot 231, Industrial Area", "", "Mumbai", "Mahārāshtra", "MH", "666698"),
                ("India", "IN"),
                "+91 22 5555 0091",
            ),
            _address(
                "C000044:MAIN",
                "Primary Location",
                ("Himgiri Exports Pvt.", "Ltd."),
                _CHENNAI,
                ("India", "IN"),
                "+91 22 5555 0091",
                is_default=True,
            ),
            _address(
                "C000044:WEST",
                "West warehouse",
                ("Himgiri Exports Pvt.", "Ltd."),
                ("Plot 4, Industrial Area", "", "New Delhi", "Delhi", "DL", "925541"),
                ("India", "IN"),
                "+91 22 5555 9208",
            ),
        ],
    ),
    # A billing contact and a billing address of its own, in another country.
    "C000049": _company(
        "C000049",
        "Elbe Möbel GmbH & Co. KG",
        "info@elbe49.example",
        "+49 30 23125 294",
        ("Lindenallee 78", "Suite 25", "Hamburg", "Hamburg", "03353", "DE"),
        users=[
            _user("juergen.boehm3@elbe49.example", "Jürgen", "Böhm", "+49 30 23125 519"),
            _user("juergen.boehm@elbe49.example", "Jürgen", "Böhm", "+49 30 23125 228", "Admin"),
            _user("lothar.mueller@elbe49.example", "Lothar", "Müller", "+49 30 23125 554"),
        ],
        addresses=[
            _address(
                "C000049:BILLING",
                "Billing",
                ("Accounts", "Payable"),
                ("89 Foundry St", "", "Halifax", "Nova Scotia", "NS", "A9A 8J7"),
                CA,
                "+49 30 23125 294",
            ),
            _address(
                "C000049:MAIN",
                "Primary Location",
                ("Elbe Möbel GmbH & Co.", "KG"),
                ("Lindenallee 78", "Suite 25", "Hamburg", "Hamburg", "HH", "03353"),
                DE,
                "+49 30 23125 294",
                is_default=True,
            ),
        ],
    ),
    # No contact is switched on: the account itself is the admin, the contacts stay out.
    "C000053": _company(
        "C000053",
        "Riverbend Marine LLC",
        "info@riverbend53.example",
        "+1 (555) 015-5640",
        ("288 Station Way", "", "Chicago", "Illinois", "21438", "US"),
        users=[
            _user(
                "info@riverbend53.example",
                "Riverbend Marine LLC",
                "Riverbend Marine LLC",
                "+1 (555) 015-5640",
                "Admin",
            ),
        ],
        addresses=[
            _address("C000053:BILLING", "Billing", ("Riverbend Marine LLC",) * 2, _RIVERBEND, US, "+1 (555) 015-5640"),
            _address(
                "C000053:EAST",
                "East warehouse",
                ("Riverbend Marine", "LLC"),
                ("358 Orchard Lane", "", "Honolulu", "Hawaii", "HI", "84803"),
                US,
                "+1 (555) 015-5640",
            ),
            _address(
                "C000053:MAIN",
                "Primary Location",
                ("Riverbend Marine", "LLC"),
                _RIVERBEND,
                US,
                "+1 (555) 015-5640",
                is_default=True,
            ),
            _address(
                "C000053:WEST",
                "West warehouse",
                ("Riverbend Marine", "LLC"),
                ("123 Harbor Ave", "", "Boston", "Massachusetts", "MA", "04721"),
                US,
                "+1 (555) 014-8010",
            ),
        ],
    ),
    # Japan: a prefecture by number; the second contact was a plain shopper of the store before.
    "C000055": _company(
        "C000055",
        "桜 工業 株式会社",
        "info@sakura55.example",
        "+81 3 0000 6213",
        ("中央269番地", "Suite 37", "京都市中京区", "Kyoto", "120-7572", "JP"),
        users=[
            _user("shopper@plainshop.example", "美咲", "田中", "+81 3 0000 5969"),
            _user("shota.watanabe@sakura55.example", "翔太", "渡辺", "+81 3 0000 2041", "Admin"),
        ],
        addresses=[
            _address("C000055:BILLING", "Billing", ("桜 工業 株式会社",) * 2, _KYOTO, JP, "+81 3 0000 6213"),
            _address(
                "C000055:MAIN",
                "Primary Location",
                ("桜 工業", "株式会社"),
                _KYOTO,
                JP,
                "+81 3 0000 6213",
                is_default=True,
            ),
        ],
    ),
    # A state where the country's addresses carry none: the company keeps the text, the address book leaves it out.
    "C000059": _company(
        "C000059",
        "Δελφοί Εμπορική Ε.Π.Ε.",
        "office@delfoi59.example",
        "+30 21 0555 1371",
        ("3 Castle Street", "", "Canterbury", "Kent", "CT1 2QT", "GB"),
        users=[
            _user("giorgos.nikolaou@delfoi59.example", "Γιώργος", "Νικολάου", "+30 21 0555 7348", "Admin"),
            _user("sofia.nikolaou3@delfoi59.example", "Σοφία", "Νικολάου", "+30 21 0555 7625"),
            _user("sofia.nikolaou@delfoi59.example", "Σοφία", "Νικολάου", "+30 21 0555 6442"),
        ],
        addresses=[
            _address("C000059:BILLING", "Billing", ("Δελφοί Εμπορική Ε.Π.Ε.",) * 2, _KENT, GB, "+30 21 0555 1371"),
            _address(
                "C000059:MAIN",
                "Primary Location",
                ("Δελφοί Εμπορική", "Ε.Π.Ε."),
                _KENT,
                GB,
                "+30 21 0555 1371",
                is_default=True,
            ),
        ],
    ),
    # Canada: a key with blanks.
    "ACME WEST 46": _company(
        "ACME WEST 46",
        "Lakeside Medical",
        "office@lakeside46.example",
        "+1 (555) 019-0246",
        ("55 Harbor Ave", "", "Toronto", "Ontario", "R6G 3N4", "CA"),
        users=[
            _user("jamie.stone@lakeside46.example", "Jamie", "Stone", "+1 (555) 014-3704", "Admin"),
            _user("robin.hughes@lakeside46.example", "Robin", "Hughes", "+1 (555) 016-1583"),
        ],
        addresses=[
            _address("ACME WEST 46:BILLING", "Billing", ("Lakeside Medical",) * 2, _TORONTO, CA, "+1 (555) 019-0246"),
            _address(
                "ACME WEST 46:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("249 Orchard Lane", "", "Calgary", "Alberta", "AB", "G8R 0L0"),
                CA,
                "+1 (555) 015-1712",
            ),
            _address(
                "ACME WEST 46:MAIN",
                "Primary Location",
                ("Lakeside", "Medical"),
                _TORONTO,
                CA,
                "+1 (555) 019-0246",
                is_default=True,
            ),
            _address(
                "ACME WEST 46:WEST",
                "West warehouse",
                ("Lakeside", "Medical"),
                ("306 rue Saint-Denis", "", "Calgary", "Alberta", "AB", "T5L 6X5"),
                CA,
                "+1 (555) 019-0246",
            ),
        ],
    ),
}
"""What the rules (incumbent_connector.md section 4.2) make of thirteen customers of the seed, worked out by hand."""


def test_company_equals_the_expectation_by_hand_when_synced_for_the_first_time(world: World) -> None:
    """Every field of company, users with roles, addresses, payment methods and terms is what the rules say."""
    world.sync(mode="full")

    book = world.book()
    assert {key: book[key] for key in BY_HAND} == BY_HAND


def test_users_carry_their_contact_id_when_made_beside_the_admin(world: World) -> None:
    """A user's uuid is the ContactID, so that people find the contact (the store takes none for the first admin)."""
    world.sync(mode="selected", customer_ids=["C000001"])

    users = {user["email"]: user["uuid"] for user in world.store_state()["users"]}
    assert users["juergen.boehm@elbe1.example"] == "100022"
    assert users["bjoern.schaefer@elbe1.example"] == "100023"


# A second calculation of everything, from the reference documents alone.

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


def _state(country: str, text: str) -> Any:
    return pycountry.subdivisions.get(code=f"{country}-{text}")  # type: ignore[no-untyped-call] # pycountry has no types


def _phone(card: dict[str, Any] | None) -> str:
    return str((card or {}).get("Phone1") or (card or {}).get("Phone2") or "")


def _split(text: str) -> tuple[str, str]:
    head, _, tail = text.rpartition(" ")
    return head or tail, tail


def _is_holdable(customer: dict[str, Any]) -> bool:
    place = customer["MainAddress"]
    country = place.get("Country") or ""
    known = bool(country) and pycountry.countries.get(alpha_2=country) is not None
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
    ]
    if not able:
        name = customer["values"]["CustomerName"]
        return [_user(customer["Email"], name[:100], name[:100], _phone(customer["MainContact"]), "Admin")]
    users: dict[str, dict[str, str]] = {}
    for contact in able:
        email = contact["Email"]
        if email.casefold() in users:
            continue
        role = "Junior Buyer" if users else "Admin"
        users[email.casefold()] = _user(email, contact["FirstName"], contact["LastName"], _phone(contact), role)
    return [user for key, user in users.items() if key not in taken]


def _expected_address(
    customer: dict[str, Any], key: str, label: str, names: tuple[str, str], place: dict[str, Any], phone: str
) -> dict[str, Any] | None:
    country = pycountry.countries.get(alpha_2=place.get("Country") or "??")
    if not (place.get("AddressLine1") and place.get("City") and country):
        return None
    state = _state(country.alpha_2, place.get("State") or "") if country.alpha_2 in STATES else None
    if country.alpha_2 in STATES and state is None:
        return None
    texts = (place["AddressLine1"], place.get("AddressLine2") or "", place["City"])
    region = (state.name, state.code.partition("-")[2]) if state else ("", "")
    return _address(
        f"{customer['CustomerID']}:{key}",
        label,
        (names[0][:100].strip(), names[1][:100].strip()),
        (*texts, *region, place.get("PostalCode") or ""),
        # The store completes an address from its own table of everyday names.
        (getattr(country, "common_name", country.name), country.alpha_2),
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


def _expected_book(erp: dict[str, Any], taken: set[str]) -> dict[str, dict[str, Any]]:
    eligible = [row for row in erp["customers"] if _is_eligible(row) and _is_holdable(row)]
    emails = [row["Email"].casefold() for row in eligible]
    book = {}
    for row in eligible:
        key, values, place = row["CustomerID"], row["values"], row["MainAddress"]
        if emails.count(row["Email"].casefold()) > 1:
            continue
        contacts = [contact for contact in erp["contacts"] if contact["BusinessAccount"] == key]
        locations = [location for location in erp["locations"] if location["Customer"] == key]
        state = _state(place["Country"], place.get("State") or "")
        methods, days = TERMS.get(values["Terms"], ([], None))
        texts = (place["AddressLine1"], place.get("AddressLine2") or "", place["City"])
        # C000040 and C000041 share a contact's e-mail: companies and their admins are made before other users.
        users = _expected_users(row, contacts, taken | ({"consultant@agency.example"} if key == "C000041" else set()))
        book[key] = _company(
            key,
            values["CustomerName"].strip()[:200].strip(),
            row["Email"],
            _phone(row["MainContact"]),
            (
                *texts,
                state.name if state else place.get("State") or "",
                place.get("PostalCode") or "",
                place["Country"],
            ),
            payments=methods,
            terms=None if days is None else {"isEnabled": True, "paymentTerms": days},
            users=sorted(users, key=lambda user: user["email"]),
            addresses=_expected_addresses(row, locations),
        )
    return book


@pytest.fixture
def large_world(tmp_path: Path) -> Iterator[World]:
    """The seed as the twins ship it: 500 customers."""
    with running_acumatica(customers=500) as erp, running_better_b2b() as store:
        yield World(erp.url, store.url, shipped_connector(), f"sqlite:///{tmp_path / 'ledger.db'}")


def test_all_companies_agree_with_a_second_calculation_when_the_whole_seed_is_synced(large_world: World) -> None:
    """The companies with our key are exactly the eligible customers of all 500, field by field."""
    taken = {user["email"].casefold() for user in large_world.store_state()["users"]}
    expected = _expected_book(large_world.erp_state(), taken)

    large_world.sync(mode="full")

    book = large_world.book()
    assert len(expected) > 300
    assert set(book) == set(expected)
    assert {key: book[key] for key in expected if book[key] != expected[key]} == {
        key: expected[key] for key in expected if book[key] != expected[key]
    }
