# ruff: noqa: RUF001 - names in Greek letters, as the ERP holds them
"""After a full sync the store holds what the ERP says: by hand for some customers, by a second calculation for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.second_calculation import address, company, expected_book, user
from tests.integration.twin_world import World, shipped_connector

US, CA, DE = ("United States", "US"), ("Canada", "CA"), ("Germany", "DE")
GB, FR, JP = ("United Kingdom", "GB"), ("France", "FR"), ("Japan", "JP")


_ELBE = ("Lindenallee 249", "", "Berlin", "Berlin", "BE", "56147")
_HARBOR = ("71 Orchard Lane", "", "Tampa", "Florida", "FL", "72803")
_NORTHWIND = ("343 Foundry St", "", "Bristol", "", "", "BN6 7EE")
_LARKSPUR = ("166 Orchard Lane", "", "Perth", "Western Australia", "WA", "2848")
_DENVER = ("56 Foundry St", "Suite 31", "Denver", "Colorado", "CO", "20011")
_RIVERBEND = ("288 Station Way", "", "Chicago", "Illinois", "IL", "21438")
_KYOTO = ("中央269番地", "Suite 37", "京都市中京区", "Kyoto", "KY", "120-7572")
_KENT = ("3 Castle Street", "", "Canterbury", "", "", "CT1 2QT")
_TORONTO = ("55 Harbor Ave", "", "Toronto", "Ontario", "ON", "R6G 3N4")
_CHENNAI = ("Plot 8, Industrial Area", "", "Chennai", "Tamil Nadu", "TN", "478184")
_LYON = ("128 quai des Brumes", "", "Lyon", "", "", "27078")

BY_HAND: dict[str, dict[str, Any]] = {
    # Germany: umlauts, a state that is also a city, three contacts.
    "C000001": company(
        "C000001",
        "Elbe Großhandel KG",
        "orders@elbe1.example",
        "+49 30 23125 759",
        ("Lindenallee 249", "", "Berlin", "Berlin", "56147", "DE"),
        users=[
            user("aenne.weiss@elbe1.example", "Änne", "Weiß", "+49 30 23125 160", "Admin"),
            user("bjoern.schaefer@elbe1.example", "Björn", "Schäfer", "+49 30 23125 550"),
            user("juergen.boehm@elbe1.example", "Jürgen", "Böhm", "+49 30 23125 975"),
        ],
        addresses=[
            address("C000001:BILLING", "Billing", ("Elbe Großhandel KG",) * 2, _ELBE, DE, "+49 30 23125 759"),
            address(
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
    "C000002": company(
        "C000002",
        "Blue Harbor Medical LLC",
        "ap@blueharbor2.example",
        "+1 (555) 017-3903",
        ("71 Orchard Lane", "", "Tampa", "Florida", "72803", "US"),
        users=[
            user("quinn.ives@blueharbor2.example", "Quinn", "Ives", "+1 (555) 016-0353"),
            user("robin.stone@blueharbor2.example", "Robin", "Stone", "+1 (555) 014-1607", "Admin"),
        ],
        addresses=[
            address("C000002:BILLING", "Billing", ("Blue Harbor Medical LLC",) * 2, _HARBOR, US, "+1 (555) 017-3903"),
            address(
                "C000002:EAST",
                "East warehouse",
                ("Blue Harbor Medical", "LLC"),
                ("186 Harbor Ave", "Suite 13", "Washington", "District of Columbia", "DC", "11409"),
                US,
                "+1 (555) 017-3903",
            ),
            address(
                "C000002:MAIN",
                "Primary Location",
                ("Blue Harbor Medical", "LLC"),
                _HARBOR,
                US,
                "+1 (555) 017-3903",
                is_default=True,
            ),
            address(
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
    "C000022": company(
        "C000022",
        "Côte Bleue Distribution SAS",
        "ap@cotebleue22.example",
        "+1 (555) 010-2222",
        ("128 quai des Brumes", "", "Lyon", "", "27078", "FR"),
        users=[
            user("noel.macon@cotebleue22.example", "Noël", "Maçon", "+33 1 99 00 91 99"),
            user("zoe.beranger@cotebleue22.example", "Zoé", "Béranger", "+33 1 99 00 05 91", "Admin"),
        ],
        addresses=[
            address("C000022:BILLING", "Billing", ("Côte Bleue Distribution SAS",) * 2, _LYON, FR, "+1 (555) 010-2222"),
            address(
                "C000022:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("246 quai des Brumes", "", "Besançon", "", "", "59177"),
                FR,
                "+33 1 99 00 69 69",
            ),
            address(
                "C000022:MAIN",
                "Primary Location",
                ("Côte Bleue Distribution", "SAS"),
                _LYON,
                FR,
                "+1 (555) 010-2222",
                is_default=True,
            ),
            address(
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
    "C000029": company(
        "C000029",
        "Northwind Paper Ltd",
        "orders@northwind29.example",
        "+44 20 7946 0833",
        ("343 Foundry St", "", "Bristol", "", "BN6 7EE", "GB"),
        users=[
            user("jamie.hughes@northwind29.example", "Jamie", "Hughes", "+44 20 7946 0128", "Admin"),
            user("morgan.ives@northwind29.example", "Morgan", "Ives", "+44 20 7946 0658"),
        ],
        addresses=[
            address("C000029:BILLING", "Billing", ("Northwind Paper Ltd",) * 2, _NORTHWIND, GB, "+44 20 7946 0833"),
            address(
                "C000029:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("116 Mill Road", "", "Bristol", "", "", "JM3 3TE"),
                GB,
                "+44 20 7946 0833",
            ),
            address(
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
    "C000035": company(
        "C000035",
        "الواحة للتوريدات ذ.م.م",
        "ap@alwaha35.example",
        "+971 4 555 7366",
        ("شارع الشيخ زايد 180", "", "أبوظبي", "Abu Dhabi", "", "AE"),
        payments=[],
        terms=None,
        users=[
            user("khalid.alnuaimi@alwaha35.example", "خالد", "النعيمي", "+971 4 555 8262"),
            user("layla.almansoori@alwaha35.example", "ليلى", "المنصوري", "+971 4 555 3068", "Admin"),
        ],
        addresses=[
            address(
                "C000035:BILLING",
                "Billing",
                ("الواحة للتوريدات ذ.م.م",) * 2,
                ("شارع الشيخ زايد 180", "", "أبوظبي", "Abu Dhabi", "AZ", ""),
                ("United Arab Emirates", "AE"),
                "+971 4 555 7366",
            ),
            address(
                "C000035:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("شارع النخيل 290", "", "دبي", "Dubai", "DU", ""),
                ("United Arab Emirates", "AE"),
                "+971 4 555 4521",
            ),
            address(
                "C000035:MAIN",
                "Primary Location",
                ("الواحة للتوريدات", "ذ.م.م"),
                ("شارع الشيخ زايد 180", "", "أبوظبي", "Abu Dhabi", "AZ", ""),
                ("United Arab Emirates", "AE"),
                "+971 4 555 7366",
                is_default=True,
            ),
        ],
    ),
    # Australia: no primary contact, so the first by ContactID is the admin.
    "C000038": company(
        "C000038",
        "Larkspur Packaging LLC",
        "orders@larkspur38.example",
        "+61 2 5550 2194",
        ("166 Orchard Lane", "", "Perth", "Western Australia", "2848", "AU"),
        users=[
            user("avery.obrien@larkspur38.example", "Avery", "O'Brien", "+61 2 5550 5738"),
            user("jordan.obrien@larkspur38.example", "Jordan", "O'Brien", "+61 2 5550 4382", "Admin"),
            user("sam.obrien@larkspur38.example", "Sam", "O'Brien", "+61 2 5550 2606"),
        ],
        addresses=[
            address(
                "C000038:BILLING",
                "Billing",
                ("Larkspur Packaging LLC",) * 2,
                _LARKSPUR,
                ("Australia", "AU"),
                "+61 2 5550 2194",
            ),
            address(
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
    "C000039": company(
        "C000039",
        "Blue Harbor Medical LLC",
        "office@blueharbor39.example",
        "+1 (555) 014-1341",
        ("56 Foundry St", "Suite 31", "Denver", "Colorado", "20011", "US"),
        users=[
            user(
                "office@blueharbor39.example",
                "Blue Harbor Medical LLC",
                "Blue Harbor Medical LLC",
                "+1 (555) 014-1341",
                "Admin",
            ),
        ],
        addresses=[
            address("C000039:BILLING", "Billing", ("Blue Harbor Medical LLC",) * 2, _DENVER, US, "+1 (555) 014-1341"),
            address(
                "C000039:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("345 Orchard Lane", "", "Tampa", "Florida", "FL", "98836"),
                US,
                "+1 (555) 019-4257",
            ),
            address(
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
    "C000044": company(
        "C000044",
        "Himgiri Exports Pvt. Ltd.",
        "office@himgiri44.example",
        "+91 22 5555 0091",
        ("Plot 8, Industrial Area", "", "Chennai", "Tamil Nadu", "478184", "IN"),
        users=sorted(
            [
                user("kabir.iyer@himgiri44.example", "Kabir", "Iyer", "+91 22 5555 3536", "Admin"),
                user("kabir.kulkarni@himgiri44.example", "Kabir", "Kulkarni", "+91 22 5555 0018"),
                *(
                    user(f"buyer{number}@himgiri44.example", f"Buyer{number}", "Marsh", "+1 (555) 010-4400")
                    for number in range(3, 13)
                ),
            ],
            key=lambda user: user["email"],
        ),
        addresses=[
            address(
                "C000044:BILLING",
                "Billing",
                ("Himgiri Exports Pvt. Ltd.",) * 2,
                _CHENNAI,
                ("India", "IN"),
                "+91 22 5555 0091",
            ),
            address(
                "C000044:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("Plot 231, Industrial Area", "", "Mumbai", "Maharashtra", "MH", "666698"),
                ("India", "IN"),
                "+91 22 5555 0091",
            ),
            address(
                "C000044:MAIN",
                "Primary Location",
                ("Himgiri Exports Pvt.", "Ltd."),
                _CHENNAI,
                ("India", "IN"),
                "+91 22 5555 0091",
                is_default=True,
            ),
            address(
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
    "C000049": company(
        "C000049",
        "Elbe Möbel GmbH & Co. KG",
        "info@elbe49.example",
        "+49 30 23125 294",
        ("Lindenallee 78", "Suite 25", "Hamburg", "Hamburg", "03353", "DE"),
        users=[
            user("juergen.boehm3@elbe49.example", "Jürgen", "Böhm", "+49 30 23125 519"),
            user("juergen.boehm@elbe49.example", "Jürgen", "Böhm", "+49 30 23125 228", "Admin"),
            user("lothar.mueller@elbe49.example", "Lothar", "Müller", "+49 30 23125 554"),
        ],
        addresses=[
            address(
                "C000049:BILLING",
                "Billing",
                ("Accounts", "Payable"),
                ("89 Foundry St", "", "Halifax", "Nova Scotia", "NS", "A9A 8J7"),
                CA,
                "+49 30 23125 294",
            ),
            address(
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
    "C000053": company(
        "C000053",
        "Riverbend Marine LLC",
        "info@riverbend53.example",
        "+1 (555) 015-5640",
        ("288 Station Way", "", "Chicago", "Illinois", "21438", "US"),
        users=[
            user(
                "info@riverbend53.example",
                "Riverbend Marine LLC",
                "Riverbend Marine LLC",
                "+1 (555) 015-5640",
                "Admin",
            ),
        ],
        addresses=[
            address("C000053:BILLING", "Billing", ("Riverbend Marine LLC",) * 2, _RIVERBEND, US, "+1 (555) 015-5640"),
            address(
                "C000053:EAST",
                "East warehouse",
                ("Riverbend Marine", "LLC"),
                ("358 Orchard Lane", "", "Honolulu", "Hawaii", "HI", "84803"),
                US,
                "+1 (555) 015-5640",
            ),
            address(
                "C000053:MAIN",
                "Primary Location",
                ("Riverbend Marine", "LLC"),
                _RIVERBEND,
                US,
                "+1 (555) 015-5640",
                is_default=True,
            ),
            address(
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
    "C000055": company(
        "C000055",
        "桜 工業 株式会社",
        "info@sakura55.example",
        "+81 3 0000 6213",
        ("中央269番地", "Suite 37", "京都市中京区", "Kyoto", "120-7572", "JP"),
        users=[
            user("shopper@plainshop.example", "美咲", "田中", "+81 3 0000 5969"),
            user("shota.watanabe@sakura55.example", "翔太", "渡辺", "+81 3 0000 2041", "Admin"),
        ],
        addresses=[
            address("C000055:BILLING", "Billing", ("桜 工業 株式会社",) * 2, _KYOTO, JP, "+81 3 0000 6213"),
            address(
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
    "C000059": company(
        "C000059",
        "Δελφοί Εμπορική Ε.Π.Ε.",
        "office@delfoi59.example",
        "+30 21 0555 1371",
        ("3 Castle Street", "", "Canterbury", "Kent", "CT1 2QT", "GB"),
        users=[
            user("giorgos.nikolaou@delfoi59.example", "Γιώργος", "Νικολάου", "+30 21 0555 7348", "Admin"),
            user("sofia.nikolaou3@delfoi59.example", "Σοφία", "Νικολάου", "+30 21 0555 7625"),
            user("sofia.nikolaou@delfoi59.example", "Σοφία", "Νικολάου", "+30 21 0555 6442"),
        ],
        addresses=[
            address("C000059:BILLING", "Billing", ("Δελφοί Εμπορική Ε.Π.Ε.",) * 2, _KENT, GB, "+30 21 0555 1371"),
            address(
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
    "ACME WEST 46": company(
        "ACME WEST 46",
        "Lakeside Medical",
        "office@lakeside46.example",
        "+1 (555) 019-0246",
        ("55 Harbor Ave", "", "Toronto", "Ontario", "R6G 3N4", "CA"),
        users=[
            user("jamie.stone@lakeside46.example", "Jamie", "Stone", "+1 (555) 014-3704", "Admin"),
            user("robin.hughes@lakeside46.example", "Robin", "Hughes", "+1 (555) 016-1583"),
        ],
        addresses=[
            address("ACME WEST 46:BILLING", "Billing", ("Lakeside Medical",) * 2, _TORONTO, CA, "+1 (555) 019-0246"),
            address(
                "ACME WEST 46:EAST",
                "East warehouse",
                ("Receiving", "Receiving"),
                ("249 Orchard Lane", "", "Calgary", "Alberta", "AB", "G8R 0L0"),
                CA,
                "+1 (555) 015-1712",
            ),
            address(
                "ACME WEST 46:MAIN",
                "Primary Location",
                ("Lakeside", "Medical"),
                _TORONTO,
                CA,
                "+1 (555) 019-0246",
                is_default=True,
            ),
            address(
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
"""What the rules (docs/api/incumbent.md#field-map) make of thirteen customers of the seed, worked out by hand."""


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


@pytest.fixture
def large_world(tmp_path: Path) -> Iterator[World]:
    """The seed as the twins ship it: 500 customers."""
    with running_acumatica(customers=500) as erp, running_better_b2b() as store:
        yield World(erp.url, store.url, shipped_connector(), f"sqlite:///{tmp_path / 'ledger.db'}")


def test_all_companies_agree_with_a_second_calculation_when_the_whole_seed_is_synced(large_world: World) -> None:
    """The companies with our key are exactly the eligible customers of all 500, field by field."""
    taken = {user["email"].casefold() for user in large_world.store_state()["users"]}
    expected = expected_book(large_world.erp_state(), taken)

    large_world.sync(mode="full")

    book = large_world.book()
    assert len(expected) > 300
    assert set(book) == set(expected)
    assert {key: book[key] for key in expected if book[key] != expected[key]} == {
        key: expected[key] for key in expected if book[key] != expected[key]
    }
