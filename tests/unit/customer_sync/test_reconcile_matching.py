"""Which company of somebody else's store is whose: by reference id, key, e-mail; never by name, never by guess."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from customer_sync.errors import ConfigError
from customer_sync.model.company import Address, CompanyFields
from customer_sync.reconcile.adopt.match_list import read_matches, write_matches
from customer_sync.reconcile.adopt.matching import Candidates, Match, match_addresses, match_company, without_rivals
from customer_sync.reconcile.compare.sides import ErpSide
from customer_sync.targets.port import StoredAddress, StoredCompany
from tests.unit.customer_sync.builders import a_company, an_entry

ERP = ErpSide(customer_id="C001042", claim="eligible", reference_id="7", email="ap@northwind.example")


def a_candidate(company_id: int, key: str = "") -> StoredCompany:
    """A company of the store."""
    return StoredCompany(id=company_id, fields=CompanyFields(), key=key)


CASES = {
    "nothing": ({}, ("none", 0, "")),
    "reference id": ({"by_reference": [a_candidate(7)]}, ("accepted", 7, "reference")),
    "key": ({"by_key": [a_candidate(8, "C001042")]}, ("accepted", 8, "key")),
    "e-mail": ({"by_email": [a_candidate(9)]}, ("accepted", 9, "email")),
    "reference id before e-mail": (
        {"by_reference": [a_candidate(7)], "by_email": [a_candidate(9)]},
        ("accepted", 7, "reference"),
    ),
    "reference id and key agree": (
        {"by_reference": [a_candidate(7, "C001042")], "by_key": [a_candidate(7, "C001042")]},
        ("accepted", 7, "reference"),
    ),
    "reference id and key differ": (
        {"by_reference": [a_candidate(7)], "by_key": [a_candidate(8, "C001042")]},
        ("ambiguous", 0, ""),
    ),
    "two with the key": (
        {"by_key": [a_candidate(8, "C001042"), a_candidate(9, "C001042")]},
        ("ambiguous", 0, ""),
    ),
    "two with the e-mail": ({"by_email": [a_candidate(8), a_candidate(9)]}, ("ambiguous", 0, "")),
    "e-mail of two customers": ({"by_email": [a_candidate(8)], "email_claimants": 2}, ("ambiguous", 0, "")),
    "linked to another customer": ({"by_email": [a_candidate(8)], "taken": {8}}, ("none", 0, "")),
    "key of another customer": ({"by_reference": [a_candidate(7, "C009999")]}, ("none", 0, "")),
    "two with the e-mail, one is another's": (
        {"by_email": [a_candidate(8), a_candidate(9, "C009999")]},
        ("accepted", 8, "email"),
    ),
}


@pytest.mark.parametrize(("found", "expected"), CASES.values(), ids=CASES.keys())
def test_match_follows_the_strongest_sign_when_it_is_unambiguous(
    found: dict[str, object], expected: tuple[str, int, str]
) -> None:
    """One row per sign, and on each side of every ambiguity."""
    match = match_company(ERP, msgspec.convert(found, Candidates))
    assert (match.verdict, match.company_id, match.matched_by) == expected


def test_company_that_two_customers_match_goes_to_neither() -> None:
    """Both stand in the list for a person."""
    both = [
        Match(customer_id=key, company_id=7, matched_by="reference", verdict="accepted", candidates=(7,))
        for key in ("C1", "C2")
    ]
    other = Match(customer_id="C3", company_id=8, matched_by="email", verdict="accepted", candidates=(8,))
    assert [(each.verdict, each.company_id) for each in without_rivals([*both, other])] == [
        ("ambiguous", 0),
        ("ambiguous", 0),
        ("accepted", 8),
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
    """What was accepted is filled in; what a person adds is followed; skipped and empty rows are not."""
    matches = [
        Match(customer_id="C1", company_id=7, matched_by="email", verdict="accepted", candidates=(7,)),
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
