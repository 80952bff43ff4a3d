from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from customer_sync.sources.port import Source
from tests.conformance.people import OAKLAND, People, customers

TEXTS = {
    "umlauts": "Bäckerei Größe & Söhne",
    "accents": "Café Zoë Nuñez Łódź",
    "four bytes": "𠮷野家 🍞",
    "right to left": "מאפייה אלון",
    "markup": "<b>Smith</b> 'Ltd' \"x\"",
    "backslashes": "C:\\path %41 + #",
}


@pytest.mark.parametrize("name", ["name", "email", "phone", "main_address"])
def test_a_customer_reads_as_people_wrote_it(people: People, name: str) -> None:
    """Each value that was entered is read."""
    made = people.add()
    assert getattr(people.read(made.customer_id), name) == getattr(people.customer(), name)


@pytest.mark.parametrize("name", ["first_name", "last_name", "email", "phone"])
def test_a_contact_reads_as_people_wrote_it(people: People, name: str) -> None:
    """Each contact comes with its customer, with the values that were entered."""
    made = people.add()
    assert [getattr(each, name) for each in people.read(made.customer_id).contacts] == [
        getattr(each, name) for each in made.contacts
    ]


@pytest.mark.parametrize("name", ["name", "phone", "address"])
def test_a_location_reads_as_people_wrote_it(people: People, name: str) -> None:
    """Each location comes with its customer, with the values that were entered."""
    made = people.add(locations=2)
    found = {each.location_id: getattr(each, name) for each in people.read(made.customer_id).locations}
    assert {each.location_id: getattr(each, name) for each in made.locations}.items() <= found.items()


@pytest.mark.parametrize("which", TEXTS)
def test_names_are_read_to_the_letter(people: People, which: str) -> None:
    """No character is lost or changed on the way."""
    customer = people.customer(contacts=1)
    contact = replace(customer.contacts[0], first_name=TEXTS[which], last_name=TEXTS[which])
    made = people.under_test.add(replace(customer, name=TEXTS[which], contacts=(contact,)))
    found = people.read(made.customer_id)
    assert (found.name, found.contacts[0].first_name, found.contacts[0].last_name) == (TEXTS[which],) * 3


def test_texts_are_trimmed(people: People) -> None:
    """Blanks around a value are no part of it."""
    made = people.under_test.add(replace(people.customer(), name="  Padded  ", phone=" 123 "))
    found = people.read(made.customer_id)
    assert (found.name, found.phone) == ("Padded", "123")


def test_a_customer_without_contacts_is_read(people: People) -> None:
    """Nobody is an answer."""
    made = people.add(contacts=0)
    assert people.read(made.customer_id).contacts == ()


def test_what_is_not_filled_in_is_empty_text(people: People) -> None:
    """Absent values are the empty text, never a blank, a null or a word."""
    address = replace(OAKLAND, line2="")
    made = people.under_test.add(replace(people.customer(contacts=1), main_address=address, phone=""))
    found = people.read(made.customer_id)
    assert (found.phone, found.main_address.line2, found.reference_id) == ("", "", "")


def test_contacts_and_locations_come_in_the_order_of_their_keys(people: People) -> None:
    """Two readings of the same customer are equal."""
    made = people.add(contacts=4, locations=3)
    found = people.read(made.customer_id)
    keys = [int(each.contact_id) if each.contact_id.isdigit() else each.contact_id for each in found.contacts]
    assert keys == sorted(keys)
    assert [each.location_id for each in found.locations] == sorted(each.location_id for each in found.locations)
    assert people.read(made.customer_id) == found


def test_nobody_elses_contacts_and_locations_are_read(people: People) -> None:
    """Each customer has its own parts, also when several are read together."""
    made = [people.add(name, contacts=2) for name in ("A", "B", "C")]
    found = {each.customer_id: each for each in customers(people.source.customers_of([m.customer_id for m in made]))}
    for each in made:
        assert {c.email for c in found[each.customer_id].contacts} == {c.email for c in each.contacts}


def test_a_customer_that_is_not_there_is_in_no_page(people: People, source: Source) -> None:
    """An unknown id is an answer, not an error, and keeps nobody else out."""
    made = people.add()
    found = customers(source.customers_of(["NOSUCH99", made.customer_id, "NOSUCH98"]))
    assert [each.customer_id for each in found] == [made.customer_id]


def test_repeated_ids_count_once(people: People, source: Source) -> None:
    """A customer comes once, however often it was asked for."""
    made = people.add()
    assert len(customers(source.customers_of([made.customer_id] * 3))) == 1


def test_no_ids_read_nobody(people: People, source: Source) -> None:
    """An empty question does not answer with everybody."""
    people.add()
    assert customers(source.customers_of([])) == []


def test_customers_are_read_by_their_record_ids(people: People, source: Source) -> None:
    """Whole, whatever their numbers are; a record that is gone, and what is no record id, is in no page."""
    made = [people.read(people.add(name, contacts=1).customer_id) for name in ("A", "B", "C")]
    people.under_test.delete(made[2].customer_id)
    found = customers(source.customers_of_records([*(each.record_id for each in made), "no record"]))
    assert sorted(found, key=lambda each: each.customer_id) == sorted(made[:2], key=lambda each: each.customer_id)


@pytest.mark.parametrize("number", [2, 5, 11])
def test_many_customers_are_read_by_their_ids(people: People, source: Source, number: int) -> None:
    """However many are asked for, each comes once."""
    made = [people.add(f"N{each}", contacts=1).customer_id for each in range(number)]
    assert sorted(each.customer_id for each in customers(source.customers_of(made))) == sorted(made)


def test_all_customers_come_once_in_the_order_of_their_keys(people: People, source: Source) -> None:
    """A full reading is whole and ordered."""
    made = {people.add(f"N{each}", contacts=1).customer_id for each in range(7)}
    found = [each.customer_id for each in customers(source.customers_after(""))]
    assert made <= set(found)
    assert found == sorted(set(found))


@pytest.mark.parametrize("place", [0, 2, 3, -1])
def test_a_reading_goes_on_after_a_key(people: People, source: Source, place: int) -> None:
    """What was read before is not read again, and nothing is left out."""
    for each in range(5):
        people.add(f"N{each}", contacts=1)
    everybody = [each.customer_id for each in customers(source.customers_after(""))]
    key = everybody[place]
    found = [each.customer_id for each in customers(source.customers_after(key))]
    assert found == [each for each in everybody if each > key]


def test_a_reading_goes_on_after_a_key_that_is_gone(people: People, source: Source) -> None:
    """The key that a reading stopped at may have been deleted since."""
    first, second = people.add("A"), people.add("B")
    people.under_test.delete(first.customer_id)
    assert second.customer_id in {each.customer_id for each in customers(source.customers_after(first.customer_id))}


def test_a_reading_is_whole_while_others_add_customers(people: People, source: Source) -> None:
    """Customers that were there before are read once, whatever is added meanwhile."""
    made = {people.add(f"N{each}", contacts=1).customer_id for each in range(7)}
    found: list[str] = []
    for number, page in enumerate(source.customers_after("")):
        found += [each.customer_id for each in page.customers]
        if number < 4:
            people.add(f"M{number}", contacts=1)
    assert made <= set(found)
    assert len(found) == len(set(found))


def test_a_record_id_stays_when_a_customer_changes(people: People) -> None:
    """What identifies a customer is not one of its values."""
    made = people.add()
    before = people.read(made.customer_id)
    people.under_test.change(replace(made, name="Renamed", email=f"new@{people.mark}.example"))
    assert people.read(made.customer_id).record_id == before.record_id != ""


def test_each_customer_has_a_record_id_of_its_own(people: People, source: Source) -> None:
    """No two customers are the same record."""
    for name in ("A", "B", "C"):
        people.add(name)
    ids = [each.record_id for each in customers(source.customers_after(""))]
    assert len(set(ids)) == len(ids)


def test_stamps_are_moments_in_utc(people: People) -> None:
    """Stamps of customers and contacts are ISO 8601 with an offset of zero."""
    found = people.read(people.add().customer_id)
    for stamp in (found.modified_at_utc, *(each.modified_at_utc for each in found.contacts)):
        assert datetime.fromisoformat(stamp).utcoffset() == timedelta()


def test_a_page_names_the_largest_stamp_of_each_stream(people: People, source: Source) -> None:
    """A watermark can be taken from pages: no record of them is younger, and none is from the future."""
    made = [people.add(name).customer_id for name in ("A", "B")]
    streams = [each.stream for each in source.changes({}, "")]
    for page in source.customers_of(made):
        assert set(page.stamps) <= set(streams)
        newest = max(datetime.fromisoformat(each.modified_at_utc) for each in page.customers)
        assert page.stamps[streams[0]] == newest
        assert all(stamp <= source.now_utc() + timedelta(seconds=1) for stamp in page.stamps.values())


def test_a_deleted_customer_is_not_read(people: People, source: Source) -> None:
    """Neither by id nor in a full reading."""
    made = people.add()
    people.under_test.delete(made.customer_id)
    assert customers(source.customers_of([made.customer_id])) == []
    assert made.customer_id not in {each.customer_id for each in customers(source.customers_after(""))}


def test_deletions_are_named_where_the_source_tells(people: People, source: Source) -> None:
    """Who was deleted is named with a moment; who is there is not."""
    stays, goes = people.add("A"), people.add("B")
    people.under_test.delete(goes.customer_id)
    told = source.deleted()
    if told:
        assert goes.customer_id in told
        assert stays.customer_id not in told
        assert datetime.fromisoformat(told[goes.customer_id]).utcoffset() == timedelta()
