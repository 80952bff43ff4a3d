"""What a source gives to tell whether anything of a customer changed, without a record of it being made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import pytest
from msgspec.structs import replace

from customer_sync.model.customer import Contact, Customer, Location
from customer_sync.sources.port import CustomerPage, Known, Source
from tests.conformance.people import ALAMEDA, People


def rows_of(pages: Iterable[CustomerPage]) -> dict[str, str]:
    """What identifies the rows of all customers in some pages."""
    return {key: row for page in pages for key, row in page.rows.items()}


def first_contact(customer: Customer, **fields: str) -> Customer:
    """The customer with another first contact."""
    return replace(customer, contacts=(replace(customer.contacts[0], **fields), *customer.contacts[1:]))


def more(customer: Customer, *parts: Contact | Location) -> Customer:
    """The customer with further contacts and locations."""
    contacts = [each for each in parts if isinstance(each, Contact)]
    locations = [each for each in parts if isinstance(each, Location)]
    return replace(customer, contacts=(*customer.contacts, *contacts), locations=(*customer.locations, *locations))


CHANGES: dict[str, Callable[[People, Customer], Customer]] = {
    "name": lambda _, made: replace(made, name="Other"),
    "email": lambda people, made: replace(made, email=f"other@{people.mark}.example"),
    "phone": lambda _, made: replace(made, phone="+1 555 010 0199"),
    "first name of a contact": lambda _, made: first_contact(made, first_name="Other"),
    "e-mail of a contact": lambda people, made: first_contact(made, email=f"other@{people.mark}.example"),
    "phone of a contact": lambda _, made: first_contact(made, phone="+1 555 010 0199"),
    "a new contact": lambda people, made: more(made, people.contact("new")),
    "a new location": lambda _, made: more(made, Location(location_id="NEW", name="New", address=ALAMEDA)),
}


def test_two_readings_of_what_did_not_change_are_equal(people: People, source: Source) -> None:
    """Whether it is read alone or with others, by number or with everybody."""
    made = [people.add(name).customer_id for name in ("A", "B", "C")]
    alone = rows_of(source.customers_of([made[1]]))
    assert alone.keys() == {made[1]}
    assert alone.items() <= rows_of(source.customers_of(made)).items()
    assert alone.items() <= rows_of(source.customers_after("")).items()
    with people.under_test.make() as another:
        assert rows_of(another.customers_of([made[1]])) == alone


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_of_a_customer_shows(people: People, source: Source, what: str) -> None:
    """And what changes of one shows at nobody else."""
    made, other = people.add("A"), people.add("B")
    before = rows_of(source.customers_of([made.customer_id, other.customer_id]))
    people.under_test.change(CHANGES[what](people, made))
    after = rows_of(source.customers_of([made.customer_id, other.customer_id]))
    assert after[made.customer_id] != before[made.customer_id]
    assert after[other.customer_id] == before[other.customer_id]


def test_every_customer_that_is_read_has_its_own(people: People, source: Source) -> None:
    """No two are taken for each other."""
    for name in ("A", "B", "C"):
        people.add(name)
    pages = list(source.customers_after(""))
    assert all({each.customer_id for each in page.customers} == page.rows.keys() for page in pages)
    rows = rows_of(pages)
    assert len(set(rows.values())) == len(rows) > 2


@pytest.mark.parametrize("way", ["all", "by number"])
def test_of_whom_all_is_known_no_record_is_made(people: People, source: Source, way: str) -> None:
    """It is named; its neighbours are read whole, and the page's stamps are those of both."""
    known, other = people.add("A"), people.add("B")
    asked: dict[str, str] = {}

    class Knows:
        def __call__(self, rows: Mapping[str, str]) -> Collection[str]:
            asked.update(rows)
            return [key for key in rows if key == known.customer_id]

        def with_company(self, customer_ids: Collection[str]) -> Collection[str]:
            return customer_ids

    def read(*answers: Known) -> list[CustomerPage]:
        if way == "all":
            return list(source.customers_after("", *answers))
        return list(source.customers_of([known.customer_id, other.customer_id], *answers))

    whole, pages = read(), read(Knows())
    assert [key for page in pages for key in page.as_before] == [known.customer_id]
    assert known.customer_id not in {each.customer_id for page in pages for each in page.customers}
    assert other.customer_id in {each.customer_id for page in pages for each in page.customers}
    assert asked == rows_of(whole)
    assert [page.stamps for page in pages] == [page.stamps for page in whole]
