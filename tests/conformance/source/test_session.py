from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from customer_sync.errors import NotFound
from customer_sync.model.customer import Customer
from customer_sync.sources.port import Reference, Source
from tests.conformance.harness import SourceUnderTest
from tests.conformance.people import People, customers


def reference(customer: Customer, reference_id: str) -> Reference:
    """What is written back for a customer."""
    return Reference(customer.customer_id, customer.record_id, reference_id)


def without(customer: Customer) -> Customer:
    """A customer but for its reference and stamp."""
    return replace(customer, reference_id="", modified_at_utc="")


def test_a_reference_is_written_and_read(people: People, source: Source) -> None:
    """The store's id of a customer comes back with the customer."""
    made = people.read(people.add().customer_id)
    source.write_reference(reference(made, "61427"))
    assert people.read(made.customer_id).reference_id == "61427"


def test_a_reference_changes_nothing_else(people: People, source: Source) -> None:
    """Contacts, locations and values stay as people wrote them."""
    made = people.read(people.add(locations=2).customer_id)
    source.write_reference(reference(made, "61427"))
    assert without(people.read(made.customer_id)) == without(made)


@pytest.mark.parametrize("times", [2, 3])
def test_a_reference_may_be_written_again(people: People, source: Source, times: int) -> None:
    """A repetition, because nobody knew, is no error."""
    made = people.read(people.add().customer_id)
    for _ in range(times):
        source.write_reference(reference(made, "61427"))
    assert people.read(made.customer_id).reference_id == "61427"


def test_a_reference_is_replaced(people: People, source: Source) -> None:
    """A wrong reference is put right."""
    made = people.read(people.add().customer_id)
    for reference_id in ("61427", "61428"):
        source.write_reference(reference(made, reference_id))
    assert people.read(made.customer_id).reference_id == "61428"


def test_a_reference_needs_no_record_id(people: People, source: Source) -> None:
    """A customer is found by its number where the record id is unknown."""
    made = people.add()
    source.write_reference(Reference(made.customer_id, "", "61427"))
    assert people.read(made.customer_id).reference_id == "61427"


def test_a_reference_of_one_customer_is_not_anothers(people: People, source: Source) -> None:
    """Only the customer that was named is written."""
    first, second = people.add("A"), people.add("B")
    source.write_reference(reference(people.read(first.customer_id), "61427"))
    assert people.read(second.customer_id).reference_id == ""


def test_a_written_reference_shows_as_a_change_of_the_customer_alone(people: People, source: Source) -> None:
    """Our own write moves the customer's stamp, which the next run has to recognise; it moves no other."""
    made = people.read(people.add().customer_id)
    moment = people.moment()
    source.write_reference(reference(made, "61427"))
    owners = {each.entity: each.owners for each in people.changed_since(moment).values()}
    assert made.customer_id in owners["customer"]
    assert made.customer_id not in owners["contact"] | owners["location"]


def test_a_reference_never_makes_a_customer(people: People, source: Source) -> None:
    """A customer that is gone stays gone, and the caller learns so."""
    made = people.read(people.add().customer_id)
    people.under_test.delete(made.customer_id)
    before = len(customers(source.customers_after("")))
    with pytest.raises(NotFound):
        source.write_reference(reference(made, "61427"))
    assert len(customers(source.customers_after(""))) == before


def test_a_session_opens_when_it_is_needed(source_under_test: SourceUnderTest) -> None:
    """A task with nothing to read takes no seat and sends no request."""
    with source_under_test.make() as session:
        assert session.limits.useful_in_flight >= 1
        assert session.requests_used().total == 0


def test_a_session_can_be_entered_again(source_under_test: SourceUnderTest, people: People) -> None:
    """What was closed opens anew at its next request."""
    made = people.add()
    session = source_under_test.make()
    for _ in range(2):
        with session:
            assert len(customers(session.customers_of([made.customer_id]))) == 1


def test_a_session_ends_also_after_an_error(source_under_test: SourceUnderTest, people: People) -> None:
    """The error of a block comes through, and another session can be opened."""
    made = people.add()
    for _ in range(4):
        with pytest.raises(ZeroDivisionError), source_under_test.make() as session:
            assert 1 / (len(customers(session.customers_of([made.customer_id]))) - 1)
    with source_under_test.make() as session:
        assert customers(session.customers_of([made.customer_id]))


def test_requests_are_counted(source_under_test: SourceUnderTest, people: People) -> None:
    """Reads show in the count, by method and status."""
    made = people.add()
    with source_under_test.make() as session:
        assert customers(session.customers_of([made.customer_id]))
        used = session.requests_used()
    assert used.total >= 1
    assert sum(used.by_method.values()) == sum(used.by_status.values()) == used.total


def test_the_sources_time_goes_on(people: People, source: Source) -> None:
    """Its own clock is read, not ours."""
    before = source.now_utc()
    people.under_test.pass_time(100)
    people.read(people.add().customer_id)
    after = source.now_utc()
    assert before.utcoffset() == timedelta()
    assert timedelta(seconds=99) <= after - before <= timedelta(seconds=160)


def test_the_sources_time_is_not_behind_its_stamps(people: People, source: Source) -> None:
    """A record that was just written does not come from the future."""
    made = people.read(people.add().customer_id)
    stamp = datetime.fromisoformat(made.modified_at_utc)
    assert stamp <= source.now_utc() + timedelta(seconds=1)


def test_a_contract_says_what_is_served(source: Source) -> None:
    """For people, in at most one request beside those that open the session."""
    source.now_utc()
    before = source.requests_used().total
    contract = source.contract()
    assert source.requests_used().total <= before + 1
    assert contract.fingerprint
    assert contract.served_by
    assert contract.remedy


def test_a_contract_that_did_not_change_has_the_same_fingerprint(source_under_test: SourceUnderTest) -> None:
    """The fields are checked again only when something changed."""
    seen = set()
    for _ in range(2):
        with source_under_test.make() as session:
            seen.add(session.contract().fingerprint)
    assert len(seen) == 1


def test_no_field_is_missing(source: Source) -> None:
    """A source under test has all that its connector file reads."""
    assert source.missing_fields() == []


def test_every_look_at_a_healthy_source_is_good(people: People, source: Source) -> None:
    """Each has a name of its own, one is the sign-in, and none writes."""
    people.add()
    probes = source.probes()
    ids = [probe.id for probe in probes]
    assert "erp.sign_in" in ids
    assert len(set(ids)) == len(ids)
    assert all(each.startswith("erp.") for each in ids)
    verdicts = {probe.id: probe.look() for probe in probes}
    assert {each.level for each in verdicts.values()} == {"good"}, verdicts
    assert set(source.requests_used().by_method) <= {"GET", "POST"}
