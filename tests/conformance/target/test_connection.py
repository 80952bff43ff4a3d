from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from customer_sync.errors import RecordRejected
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import Action
from customer_sync.targets.port import Order, Target
from tests.conformance.harness import TargetUnderTest
from tests.conformance.records import Records

THREADS = 6
FACTS: dict[str, Callable[[Any], Any]] = {
    "roles": lambda facts: facts.roles,
    "payment_methods": lambda facts: facts.payment_methods,
    "extra_fields of companies": lambda facts: facts.extra_fields("company"),
    "extra_fields of users": lambda facts: facts.extra_fields("user"),
    "extra_fields of addresses": lambda facts: facts.extra_fields("address"),
    "countries": lambda facts: facts.countries,
}


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Do something in several threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(THREADS)))


def test_a_target_has_a_name(target: Target) -> None:
    """People learn which system they read about."""
    assert target.name.strip()


def test_a_target_says_which_store_it_is(target: Target, target_under_test: TargetUnderTest) -> None:
    """Every connection to one store says the same."""
    with target_under_test.make() as another:
        assert another.identity == target.identity


def test_facts_that_the_suite_needs_are_there(target: Target, target_under_test: TargetUnderTest) -> None:
    """Two roles, two payment methods, and the two extra fields of the harness."""
    assert len(target.facts.roles) >= 2
    assert len(target.facts.payment_methods) >= 2
    named = {target_under_test.key_field.casefold(), target_under_test.plain_extra_field.casefold()}
    assert named <= target.facts.extra_fields("company").keys()


def test_roles_are_found_by_their_folded_names(target: Target) -> None:
    """A connector file may write a role in any case."""
    assert all(folded == name.casefold() for folded, name in target.facts.roles.items())


def test_places_are_listed_as_addresses_take_them(target: Target, records: Records) -> None:
    """An address in a listed state of a listed country reads back as it was sent; a country without states has none."""
    countries = {place.code: place.name for place in target.facts.countries}
    assert {"US", "NL"} <= countries.keys()
    assert list(target.facts.states("NL")) == []
    company_id = records.make_company().id
    for number, state in enumerate(target.facts.states("US")[:3]):
        place = {"state_name": state.name, "state_code": state.code, "country_name": countries["US"]}
        made = records.make_address(company_id, f"P{number}", **place)
        assert (made.fields.state_name, made.fields.state_code, made.fields.country_name) == tuple(place.values())


@pytest.mark.parametrize("name", FACTS)
def test_facts_are_read_once(target: Target, name: str) -> None:
    """The second question costs no request."""
    first = FACTS[name](target.facts)
    before = target.requests_used().total
    assert FACTS[name](target.facts) == first
    assert target.requests_used().total == before


def test_no_request_is_sent_before_it_is_needed(target_under_test: TargetUnderTest) -> None:
    """Making a target and asking for its limits and costs costs nothing."""
    with target_under_test.make() as made:
        assert made.limits.term_days
        assert all(made.cost(action).rows >= 1 for action in Action if action is not Action.WRITE_REFERENCE)
        assert made.useful_in_flight() >= 1
        assert made.requests_used().total == 0


def test_requests_are_counted(target: Target, records: Records) -> None:
    """Reads and writes show in the count, by method and status."""
    before = target.requests_used()
    records.make_company()
    after = target.requests_used()
    assert after.total >= before.total + 2
    assert sum(after.by_method.values()) == sum(after.by_status.values()) == after.total


def test_the_longest_time_of_a_request_is_named(target: Target) -> None:
    """A retry knows how long the store may still work on what an earlier attempt sent."""
    assert target.limits.longest_work_s >= 0
    assert target.limits.stamps_settle_s >= 0


def test_companies_are_created_from_several_threads(records: Records) -> None:
    """One connection serves several threads: each creation makes its own company."""
    orders = [records.new_company(f"T{number}") for number in range(THREADS)]
    ids = at_once(lambda number: records.send(orders[number])[0])
    assert ids == [records.only_company(f"T{number}").id for number in range(THREADS)]


def test_one_email_goes_to_one_of_several_threads(target: Target, records: Records) -> None:
    """However many ask at once, an e-mail has one user in the end, and the others are refused."""
    company_id = records.make_company().id
    order = records.new_user(company_id)

    def ask(_: int) -> str:
        try:
            records.send(order)
        except RecordRejected as error:
            return "taken" if error.is_email_taken else "refused"
        return "created"

    assert sorted(at_once(ask)) == ["created"] + ["taken"] * (THREADS - 1)
    assert len(list(target.users(company_id=company_id))) == 2


def test_one_record_is_changed_from_several_threads(target: Target, records: Records) -> None:
    """Concurrent changes of different records of a company do not get in each other's way."""
    company_id = records.make_company().id
    made = [records.make_address(company_id, f"L{number}") for number in range(THREADS)]
    at_once(lambda number: records.send(records.address_change(made[number], city=f"City {number}")))
    found = {each.fields.external_id: each.fields.city for each in target.addresses(company_id=company_id)}
    assert found == {each.fields.external_id: f"City {number}" for number, each in enumerate(made)}


def test_reading_and_writing_go_on_at_once(target: Target, records: Records) -> None:
    """A crawl in one thread and writes in others end well."""
    company_id = records.make_company().id
    orders = [records.new_address(company_id, f"L{number}") for number in range(THREADS)]

    def work(number: int) -> int:
        return len(list(target.addresses())) if number == 0 else len(records.send(orders[number]))

    at_once(work)
    assert len(list(target.addresses(company_id=company_id))) == THREADS - 1


REPEATABLE: dict[str, Callable[[Records], Order]] = {
    "company update": lambda r: r.company_change(r.only_company(), city="Elsewhere"),
    "status": lambda r: r.status(r.only_company().id, CompanyStatus.INACTIVE),
    "user update": lambda r: r.user_change(r.user_named("ann"), last_name="Changed"),
    "user deletion": lambda r: r.user_end(r.user_named("ann")),
    "address update": lambda r: r.address_change(_address(r), city="Elsewhere", is_default_shipping=True),
    "address deletion": lambda r: r.address_end(_address(r)),
    "methods": lambda r: r.methods(r.only_company().id, **{min(r.target.facts.payment_methods): True}),
    "terms": lambda r: r.terms(r.only_company().id, is_enabled=True, days=r.target.limits.term_days[-1]),
    "company deletion": lambda r: r.company_end(r.only_company().id),
}


def _address(records: Records) -> Any:
    return records.target.addresses_by_key([f"{records.key()}:MAIN"])[0]


@pytest.mark.parametrize("what", REPEATABLE)
def test_whatever_makes_no_record_may_be_repeated(target: Target, records: Records, what: str) -> None:
    """A change or removal that is sent again, because nobody knew, ends in the same store."""
    company_id = records.make_company().id
    records.make_user(company_id)
    records.make_address(company_id)
    order = REPEATABLE[what](records)

    def state() -> list[Any]:
        return [
            [(each.fields, each.status) for each in target.companies_by_key(records.key())],
            [each.fields for each in target.users(company_id=company_id)],
            [each.fields for each in target.addresses(company_id=company_id)],
            target.payment_settings(company_id, methods=True, terms=True),
        ]

    before = state()
    records.send(order)
    once = state()
    records.send(order)
    assert state() == once != before
