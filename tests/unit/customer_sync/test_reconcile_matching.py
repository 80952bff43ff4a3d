"""Which company of somebody else's store is whose: by the sync's evidence; never by name, never by guess."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from customer_sync.errors import ConfigError
from customer_sync.model.company import Address, CompanyFields, CompanyStatus
from customer_sync.reconcile.adopt.match_list import read_matches, write_matches
from customer_sync.reconcile.adopt.matching import Candidates, Match, match_addresses, match_company, without_rivals
from customer_sync.reconcile.compare.sides import ErpSide
from customer_sync.targets.port import StoredAddress, StoredCompany
from tests.unit.customer_sync.builders import a_company, an_entry

ERP = ErpSide(
    customer_id="C001042", claim="eligible", record_id="record", reference_id="7", email="ap@northwind.example"
)


EMAIL = "AP@northwind.example"


def a_candidate(company_id: int, key: str = "", email: str = "", **facts: Any) -> StoredCompany:
    """A company of the store."""
    return StoredCompany(id=company_id, fields=CompanyFields(company_email=email), key=key, **facts)


def everywhere(*companies: StoredCompany) -> dict[str, list[StoredCompany]]:
    """Found by each sign that it has."""
    return {
        "by_reference": [each for each in companies if each.id == 7],
        "by_key": [each for each in companies if each.key == "C001042"],
        "by_email": [each for each in companies if each.fields.company_email],
    }


PENDING, INACTIVE = CompanyStatus.PENDING, CompanyStatus.INACTIVE

CASES: dict[str, tuple[dict[str, object], tuple[str, int, str]]] = {
    "nothing": ({}, ("none", 0, "")),
    "reference id": (everywhere(a_candidate(7)), ("proposed", 7, "reference id")),
    "key": (everywhere(a_candidate(8, "C001042")), ("proposed", 8, "key")),
    "e-mail": (everywhere(a_candidate(9, email=EMAIL)), ("proposed", 9, "e-mail")),
    "reference id and e-mail": (everywhere(a_candidate(7, email=EMAIL)), ("accepted", 7, "reference id, e-mail")),
    "key and e-mail": (everywhere(a_candidate(8, "C001042", EMAIL)), ("accepted", 8, "key, e-mail")),
    "reference id and key": (everywhere(a_candidate(7, "C001042")), ("accepted", 7, "reference id, key")),
    "one for each sign": (everywhere(a_candidate(7), a_candidate(9, email=EMAIL)), ("ambiguous", 0, "")),
    "reference id and key differ": (everywhere(a_candidate(7), a_candidate(8, "C001042")), ("ambiguous", 0, "")),
    "proven beside a copied key": (
        everywhere(a_candidate(7, email=EMAIL), a_candidate(8, "C001042")),
        ("accepted", 7, "reference id, e-mail"),
    ),
    "two with the key": (everywhere(a_candidate(8, "C001042"), a_candidate(9, "C001042")), ("ambiguous", 0, "")),
    "two with the e-mail": (everywhere(a_candidate(8, email=EMAIL), a_candidate(9, email=EMAIL)), ("ambiguous", 0, "")),
    "e-mail of two customers": (
        {**everywhere(a_candidate(8, email=EMAIL)), "email_claimants": 2},
        ("ambiguous", 0, ""),
    ),
    "reference id of two customers": ({**everywhere(a_candidate(7)), "reference_claimants": 2}, ("ambiguous", 0, "")),
    "linked to another customer": ({**everywhere(a_candidate(8, email=EMAIL)), "taken": {8}}, ("none", 0, "")),
    "key of another customer": (everywhere(a_candidate(7, "C009999", EMAIL)), ("none", 0, "")),
    "two with the e-mail, one is another's": (
        everywhere(a_candidate(8, email=EMAIL), a_candidate(9, "C009999", EMAIL)),
        ("proposed", 8, "e-mail"),
    ),
    "record id of another customer": (
        everywhere(a_candidate(7, "C001042", EMAIL, record_id="another")),
        ("none", 0, ""),
    ),
    "record id": (
        everywhere(a_candidate(9, email=EMAIL, record_id="RECORD")),
        ("accepted", 9, "record id, e-mail"),
    ),
    "closed in the store": (
        everywhere(a_candidate(7, "C001042", status=INACTIVE)),
        ("refused", 7, "reference id, key"),
    ),
    "pending, with what anybody can fill in": (
        everywhere(a_candidate(8, "C001042", EMAIL, status=PENDING)),
        ("none", 0, ""),
    ),
    "pending, with the reference id": (
        everywhere(a_candidate(7, email=EMAIL, status=PENDING)),
        ("accepted", 7, "reference id, e-mail"),
    ),
    "an Admin whom the ERP does not know": (
        {**everywhere(a_candidate(7, "C001042")), "unknown_admins": {7}},
        ("proposed", 7, "reference id, key"),
    ),
}


@pytest.mark.parametrize(("found", "expected"), CASES.values(), ids=CASES.keys())
def test_match_needs_the_evidence_that_a_sync_needs(found: dict[str, object], expected: tuple[str, int, str]) -> None:
    """Two signs or the record id are enough; one sign is a proposal; nothing is guessed."""
    match = match_company(ERP, msgspec.convert(found, Candidates))
    assert (match.verdict, match.company_id, match.matched_by) == expected


def test_company_that_two_customers_match_goes_to_neither() -> None:
    """Both are in the list for a person; who is proven stays against who is only proposed."""
    both = [
        Match(customer_id=key, company_id=7, matched_by="key, e-mail", verdict="accepted", candidates=(7,))
        for key in ("C1", "C2")
    ]
    other = Match(customer_id="C3", company_id=8, matched_by="key, e-mail", verdict="accepted", candidates=(8,))
    rival = Match(customer_id="C4", company_id=8, matched_by="reference id", verdict="proposed", candidates=(8,))
    assert [(each.verdict, each.company_id) for each in without_rivals([*both, other, rival])] == [
        ("ambiguous", 0),
        ("ambiguous", 0),
        ("accepted", 8),
        ("ambiguous", 0),
    ]


def test_addresses_are_matched_by_id_then_by_place_and_each_only_once() -> None:
    """Our external id, the location's id alone, the place with its flags, the place: in this order."""
    main, east, west = an_entry("MAIN"), an_entry("EAST", city="Leeds"), an_entry("WEST", city="York")
    billing = an_entry("BILLING", city="York", is_shipping=False, is_billing=True)

    def stored(number: int, address: Address, external_id: str, **changes: Any) -> StoredAddress:
        fields = msgspec.structs.replace(address, external_id=external_id, **changes)
        return StoredAddress(id=number, fields=fields)

    records = [
        stored(1, billing, ""),
        stored(2, west, "", city="  YORK "),
        stored(3, main, "C001042:MAIN", city="Elsewhere"),
        stored(4, east, "EAST", city="Elsewhere"),
        stored(5, east, ""),
    ]
    desired = a_company(addresses=(main, east, west, billing))
    found = match_addresses(desired, records)
    assert {key.rpartition(":")[2]: record.id for key, record in found.items()} == {
        "MAIN": 3,
        "EAST": 4,
        "WEST": 2,
        "BILLING": 1,
    }


def test_list_comes_back_as_it_was_decided() -> None:
    """What was accepted or proposed is filled in; what a person adds is followed; skipped and empty rows are not."""
    matches = [
        Match(customer_id="C1", company_id=7, matched_by="e-mail", verdict="proposed", candidates=(7,)),
        Match(customer_id="C2", verdict="ambiguous", candidates=(8, 9), detail="several companies have this e-mail"),
        Match(customer_id="=C3", customer_name="=1+1", verdict="none"),
    ]
    text = write_matches(matches)
    assert "'=1+1" in text
    assert read_matches(text) == {"C1": 7}
    lines = text.splitlines()
    lines[2] = "C2,,9,,ambiguous,8 9,,ADOPT"
    lines[3] = "'=C3,,12,,none,,,adopt"
    assert read_matches("\ufeff" + "\r\n".join(lines)) == {"C1": 7, "C2": 9, "=C3": 12}


@pytest.mark.parametrize("row", ["C1,,adopt", "C1,x7,adopt", ",7,adopt", "C1,7,yes", "C1,7,adopt\nC1,8,adopt"])
def test_list_is_refused_by_line_when_a_row_cannot_be_meant(row: str) -> None:
    """No row is guessed at."""
    with pytest.raises(ConfigError, match=r"Line \d of the file of matches"):
        read_matches(f"customer_id,company_id,decision\n{row}\n")
