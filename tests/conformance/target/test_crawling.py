from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from customer_sync.targets.port import Target
from tests.conformance.harness import TargetUnderTest
from tests.conformance.records import Records

KINDS = ["companies", "users", "addresses"]
GAP_S = 60


def fill(records: Records, companies: int = 3) -> dict[str, set[int]]:
    """Companies with two users and two addresses each; ids by kind."""
    made: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for number in range(companies):
        company_id = records.make_company(f"C{number}").id
        made["companies"].add(company_id)
        made["users"] |= {records.make_user(company_id, f"ann{number}").id, records.user_named(f"boss-c{number}").id}
        made["addresses"] |= {records.make_address(company_id, f"{place}{number}").id for place in ("EAST", "WEST")}
    return made


def crawl(target: Target, kind: str, **only: Any) -> list[Any]:
    """All records of a kind."""
    read: Callable[..., Iterable[Any]] = getattr(target, kind)
    return list(read(**only))


@pytest.mark.parametrize("kind", KINDS)
def test_a_crawl_shows_every_record_once(target: Target, records: Records, kind: str) -> None:
    """Nothing is left out and nothing comes twice."""
    made = fill(records)
    counts = Counter(record.id for record in crawl(target, kind))
    assert made[kind] <= counts.keys()
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_crawl_is_longer_than_a_page(target: Target, records: Records, kind: str) -> None:
    """Lists that do not fit into one answer are read to their end."""
    made = fill(records, 6)
    company_id = min(made["companies"])
    for number in range(115):
        if kind == "companies":
            records.send(records.new_company(f"P{number}", admin=records.user(f"p{number}")))
        elif kind == "users":
            records.send(records.new_user(company_id, f"p{number}"))
        else:
            records.send(records.new_address(company_id, f"P{number}"))
    found = [record.id for record in crawl(target, kind)]
    assert len(found) == len(set(found)) >= 115 + len(made[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_crawl_shows_what_a_look_up_shows(target: Target, records: Records, kind: str) -> None:
    """Both ways of reading give the same record."""
    made = fill(records, 1)
    look_up: dict[str, Callable[[int], Any]] = {
        "companies": target.company,
        "users": target.user,
        "addresses": target.address,
    }
    shown = [record for record in crawl(target, kind) if record.id in made[kind]]
    assert shown == [look_up[kind](record.id) for record in shown]


@pytest.mark.parametrize("kind", ["users", "addresses"])
def test_a_crawl_of_one_company_shows_no_other(target: Target, records: Records, kind: str) -> None:
    """A company's own records, all of them, and nobody else's."""
    made = fill(records)
    for company_id in made["companies"]:
        found = crawl(target, kind, company_id=company_id)
        assert len(found) == 2
        assert {record.company_id for record in found} == {company_id}


@pytest.mark.parametrize("kind", ["users", "addresses"])
def test_a_crawl_of_a_company_that_does_not_exist_is_empty(target: Target, kind: str) -> None:
    """An unknown company has no records; the filter is not ignored."""
    assert crawl(target, kind, company_id=2_000_000_000) == []


@pytest.mark.parametrize("kind", ["companies", "users"])
def test_a_crawl_since_a_moment_shows_what_was_created_after(
    target: Target, records: Records, target_under_test: TargetUnderTest, kind: str
) -> None:
    """New records are found without reading the whole store."""
    old = fill(records, 1)
    target_under_test.pass_time(GAP_S)
    since_s = target_under_test.now_s() - GAP_S // 2
    young = fill(Records(target, records.key_field), 1)
    found = {record.id for record in crawl(target, kind, created_since_s=since_s)}
    assert young[kind] <= found
    assert not old[kind] & found


def test_a_crawl_of_addresses_since_a_moment_shows_what_was_modified_after(
    target: Target, records: Records, target_under_test: TargetUnderTest
) -> None:
    """New and changed addresses are found without reading all."""
    company_id = records.make_company().id
    changed, untouched = records.make_address(company_id, "ONE"), records.make_address(company_id, "TWO")
    target_under_test.pass_time(GAP_S)
    since_s = target_under_test.now_s() - GAP_S // 2
    records.send(records.address_change(changed, city="Elsewhere"))
    young = records.make_address(company_id, "THREE")
    found = {record.id for record in target.addresses(modified_since_s=since_s)}
    assert {changed.id, young.id} <= found
    assert untouched.id not in found


@pytest.mark.parametrize("kind", ["companies", "users"])
def test_stamps_are_the_stores_time(
    target: Target, records: Records, target_under_test: TargetUnderTest, kind: str
) -> None:
    """Where a record shows when it was created, it is now; a change does not make it younger."""
    first_s = target_under_test.now_s()
    made = fill(records, 1)
    last_s = target_under_test.now_s()
    for record in [record for record in crawl(target, kind) if record.id in made[kind]]:
        for stamp_s in (record.created_at_s, record.updated_at_s):
            assert stamp_s is None or first_s - 1 <= stamp_s <= last_s + 1


def test_a_change_keeps_the_moment_of_creation(records: Records, target_under_test: TargetUnderTest) -> None:
    """A company that was changed is not taken for a new one."""
    made = records.make_company()
    target_under_test.pass_time(GAP_S)
    records.send(records.company_change(made, city="Elsewhere"))
    assert records.only_company().created_at_s == made.created_at_s


def write_between(reading: Iterator[Any], write: Callable[[int], object]) -> list[Any]:
    """Read to the end, and write something after every tenth record."""
    found = []
    for number, record in enumerate(reading):
        found.append(record)
        if number % 10 == 0:
            write(number)
    return found


@pytest.mark.parametrize("what", ["created", "changed", "deleted"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_crawl_is_whole_while_others_write(
    target: Target, records: Records, target_under_test: TargetUnderTest, kind: str, what: str
) -> None:
    """Records that are there all the time are shown, each once, whatever is written meanwhile."""
    made = fill(records, 4)
    with target_under_test.make() as connection:
        other = Records(connection, records.key_field)
        spare = iter([other.make_company(f"S{number}", admin=other.user(f"s{number}")) for number in range(60)])
        stays = min(made["companies"])

        def write(number: int) -> None:
            if what == "created":
                company = other.make_company(f"W{number}", admin=other.user(f"w{number}"))
                other.make_address(company.id, f"W{number}", company=f"W{number}")
            elif what == "changed":
                have = connection.company(stays)
                assert have is not None
                other.send(other.company_change(have, company_name=f"Zz {number}"))
            elif (gone := next(spare, None)) is not None:
                other.send(other.company_end(gone.id))

        reading: Iterator[Any] = getattr(target, kind)()
        found = Counter(record.id for record in write_between(reading, write))
    assert made[kind] <= found.keys()
    assert set(found.values()) == {1}


def test_the_number_of_companies_follows_their_coming_and_going(target: Target, records: Records) -> None:
    """A count agrees with what a crawl shows."""
    before = target.count_companies()
    made = [records.make_company(name) for name in ("A", "B", "C")]
    assert target.count_companies() == before + 3
    records.send(records.company_end(made[0].id))
    assert target.count_companies() == before + 2
    assert len(list(target.companies())) == before + 2
