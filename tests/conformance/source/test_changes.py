from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from customer_sync.model.customer import Customer
from customer_sync.sources.port import Changes, Source
from tests.conformance.people import People

EDITS: dict[str, Callable[[Customer], Customer]] = {
    "customer": lambda c: replace(c, name=f"{c.name} II"),
    "contact": lambda c: replace(c, contacts=(replace(c.contacts[0], last_name="Changed"), *c.contacts[1:])),
    "location": lambda c: replace(c, locations=(replace(c.locations[0], name="Changed"), *c.locations[1:])),
}
ENTITIES = list(EDITS)


def reported(changes: dict[str, Changes]) -> set[str]:
    """Customers that any stream names."""
    return set().union(*(each.owners for each in changes.values()))


def of(changes: dict[str, Changes], entity: str) -> Changes:
    """The stream of an entity."""
    (found,) = (each for each in changes.values() if each.entity == entity)
    return found


@pytest.mark.parametrize("entity", ENTITIES)
def test_an_edit_is_reported_with_its_customer(people: People, entity: str) -> None:
    """Whatever part of a customer is edited, the customer is named; those at rest are not."""
    made, other = people.add("A"), people.add("B")
    moment = people.moment()
    people.under_test.change(EDITS[entity](made))
    changes = people.changed_since(moment)
    assert made.customer_id in of(changes, entity).owners
    assert other.customer_id not in reported(changes)


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_new_record_is_reported(people: People, entity: str) -> None:
    """What was added shows like what was edited."""
    made = people.add("A")
    moment = people.moment()
    if entity == "customer":
        made = people.add("B")
    elif entity == "contact":
        people.under_test.change(replace(made, contacts=(*made.contacts, people.contact("new"))))
    else:
        people.under_test.change(replace(made, locations=(*made.locations, people.location("NEW"))))
    assert made.customer_id in of(people.changed_since(moment), entity).owners


@pytest.mark.parametrize("entity", ["customer", "contact"])
def test_records_are_named_by_their_own_ids(people: People, entity: str) -> None:
    """The record that changed is named, not only its customer."""
    made = people.add()
    moment = people.moment()
    people.under_test.change(EDITS[entity](made))
    key = made.customer_id if entity == "customer" else made.contacts[0].contact_id
    assert key in of(people.changed_since(moment), entity).records


def test_a_quiet_window_reports_nothing(people: People) -> None:
    """Every stream answers, and none has a stamp."""
    people.add()
    changes = people.changed_since(people.moment())
    assert changes
    for each in changes.values():
        assert (each.owners, each.records, each.latest_utc) == (frozenset(), frozenset(), None)


def test_a_stream_without_a_beginning_is_read_from_its_own(people: People, source: Source) -> None:
    """A stream that has no watermark yet reports everything."""
    made = people.add()
    moment = people.moment()
    first, *others = [each.stream for each in source.changes({}, "")]
    changes = {each.stream: each for each in source.changes(dict.fromkeys(others, moment), "")}
    assert made.customer_id in changes[first].owners
    for name in others:
        assert made.customer_id not in changes[name].owners


@pytest.mark.parametrize("entity", ENTITIES)
def test_each_stream_has_a_window_of_its_own(people: People, source: Source, entity: str) -> None:
    """One stream's watermark leaves the others alone."""
    made = people.add()
    moment = people.moment()
    streams = {each.entity: each.stream for each in source.changes({}, "")}
    since = dict.fromkeys(streams.values(), moment)
    since[streams[entity]] = "2001-01-01T00:00:00+00:00"  # type: ignore[index]  # the three names are literals
    changes = {each.entity: each for each in source.changes(since, "")}
    assert [kind for kind, each in changes.items() if made.customer_id in each.owners] == [entity]


@pytest.mark.parametrize("entity", ["customer", "contact"])
def test_a_window_begins_with_its_first_moment(people: People, entity: str) -> None:
    """A record whose stamp is exactly the beginning is in the window: a watermark is never stepped over."""
    made = people.add()
    found = people.read(made.customer_id)
    stamp = found.modified_at_utc if entity == "customer" else found.contacts[-1].modified_at_utc
    assert made.customer_id in of(people.changed_since(stamp), entity).owners


@pytest.mark.parametrize("entity", ["customer", "contact"])
def test_a_window_ends_before_its_last_moment(people: People, entity: str) -> None:
    """A record whose stamp is exactly the end is in the next window, so that none is in two."""
    before = people.moment()
    made = people.add(contacts=1)
    found = people.read(made.customer_id)
    stamp = found.modified_at_utc if entity == "customer" else found.contacts[0].modified_at_utc
    assert made.customer_id not in of(people.changed_since(before, until=stamp), entity).owners


def test_windows_that_touch_report_what_the_whole_reports(people: People) -> None:
    """No change falls between two windows."""
    start = people.moment()
    people.add("A")
    middle = people.moment()
    people.add("B")
    end = people.moment()
    people.add("C")
    whole = people.changed_since(start, end)
    halves = people.changed_since(start, middle), people.changed_since(middle, end)
    for name, each in whole.items():
        assert each.records == halves[0][name].records | halves[1][name].records
        assert not halves[0][name].records & halves[1][name].records
        assert each.latest_utc == halves[1][name].latest_utc


def test_the_latest_stamp_is_of_a_record_in_the_window(people: People, source: Source) -> None:
    """A watermark follows stamps that were seen, and is never ahead of the source's own clock."""
    start = people.moment()
    people.add()
    for each in people.changed_since(start).values():
        assert each.latest_utc is not None
        assert datetime.fromisoformat(start) <= each.latest_utc <= source.now_utc() + timedelta(seconds=1)
        assert each.latest_utc.utcoffset() == timedelta()


def test_streams_come_in_the_same_order_under_different_names(source: Source) -> None:
    """Streams are told apart by name, whatever is in the window."""
    first = [(each.stream, each.entity) for each in source.changes({}, "")]
    second = [
        (each.stream, each.entity)
        for each in source.changes(dict.fromkeys(dict(first), "2001-01-01T00:00:00+00:00"), "")
    ]
    assert first == second
    assert len(dict(first)) == len(first)
    assert first[0][1] == "customer"


def test_a_change_is_reported_to_every_session(people: People) -> None:
    """Reading a window does not empty it."""
    moment = people.moment()
    made = people.add()
    for _ in range(2):
        assert made.customer_id in reported(people.changed_since(moment))
