"""Random histories end as an independent calculation says, and the next run writes nothing.

``python -m tests.simulation`` lives through as many as one likes, of all kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from msgspec.structs import replace

from tests.adapters.ledger_file import LedgerFile
from tests.simulation.generator import ALL, FAULTS, make_history
from tests.simulation.shrink import shrink
from tests.simulation.world import CONNECTOR, Event, World, relive

_EDITS = ("values", "emails", "people", "status", "gone_contact", "refused", "rename", "swap")

_EMAILS = ("move", "merge", "handover", "emailswap", "contest")

HOLDING = (
    ALL,
    (*_EDITS, "hold", "delete", "empty", *_EMAILS),
    _EMAILS,
    # Without e-mails that change: one that a stranger takes first is contested.
    ("values", "people", "status", "gone_contact", "refused", "rename", "swap", "hold", "delete", "stranger"),
    (*_EDITS, FAULTS),
)
"""Groups whose histories keep every promise, together: all at once, and fewer, so that each comes more often."""

_SEEDS_OF_A_SHARE = 15


@pytest.fixture(scope="module")
def ledger_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerFile]:
    """The ledger of all worlds of this file."""
    file = LedgerFile(tmp_path_factory.mktemp("ledger"), CONNECTOR.id)
    yield file
    file.close()


def broken(ledger_file: LedgerFile, seeds: range, groups: Sequence[str]) -> list[str]:
    """What went wrong in the histories of some seeds."""
    worlds = {seed: relive(make_history(seed, groups), ledger_file, seed) for seed in seeds}
    return [
        f"{kind}: {detail}; python -m tests.simulation --seed {seed} --kinds {','.join(groups)}"
        for seed, world in worlds.items()
        for kind, detail in world.found
    ]


@pytest.mark.parametrize("groups", HOLDING, ids="+".join)
def test_histories_end_as_calculated(
    ledger_file: LedgerFile, groups: Sequence[str], record_property: Callable[[str, object], None]
) -> None:
    """After a history, whatever it was, the store is what the ERP says, and one more run writes nothing."""
    record_property("figure", f"simulated histories: {_SEEDS_OF_A_SHARE} of {'+'.join(groups)}")
    assert broken(ledger_file, range(_SEEDS_OF_A_SHARE), groups) == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("groups", HOLDING, ids="+".join)
@pytest.mark.parametrize("share", [0, *(pytest.param(each, marks=pytest.mark.nightly) for each in range(1, 17))])
def test_many_histories_end_as_calculated(
    ledger_file: LedgerFile, share: int, groups: Sequence[str], record_property: Callable[[str, object], None]
) -> None:
    """The same for 100 seeds, and for 1,600 more at night."""
    seeds = range(1000 + share * 100, 1100 + share * 100)
    record_property("figure", f"simulated histories: seeds {seeds.start} to {seeds.stop - 1} of {'+'.join(groups)}")
    assert broken(ledger_file, seeds, groups) == []


_FOUND = {
    "moved out of a deleted customer": [
        Event("add_customer", ("c1", "N1", 3)),
        Event("add_customer", ("c2", "N2", 0)),
        Event("run", ("incremental", 0)),
        Event("move_contact", ("c1p3", "c2")),
        Event("delete_customer", ("c1",)),
        Event("run", ("incremental", 1)),
        Event("set_status", ("c2", "On Hold")),
    ],
    "on hold before the e-mail is free": [
        Event("add_customer", ("c1", "N1", 3)),
        Event("add_customer", ("c2", "N2", 3)),
        Event("share_email", ("c1p3", "c1p2")),
        Event("move_contact", ("c1p2", "c2")),
        Event("run", ("incremental", 0)),
        Event("set_status", ("c2", "On Hold")),
        Event("set_email", ("c1p3", "fresh@mail.example")),
    ],
    "two contacts with one e-mail, one moves": [
        Event("add_customer", ("c1", "N1", 3)),
        Event("add_customer", ("c2", "N2", 1)),
        Event("add_customer", ("c3", "N3", 3)),
        Event("move_contact", ("c1p2", "c2")),
        Event("share_email", ("c2p1", "c1p2")),
        Event("run", ("incremental", 0)),
        Event("move_contact", ("c1p2", "c3")),
    ],
    "on hold while a stranger has the number": [
        Event("add_customer", ("c1", "N1", 1)),
        Event("register", ("c1", "stranger@else.example", 0)),
        Event("run", ("full", 0)),
        Event("set_status", ("c1", "On Hold")),
        Event("renumber", ("c1", "N2")),
    ],
    "an e-mail goes to a colleague of the same name, and who had it moves away": [
        Event("add_customer", ("c1", "N1", 2)),
        Event("marry", ("c1p2", "Same")),
        Event("add_contact", ("c1q2", "c1")),
        Event("add_customer", ("c2", "N2", 0)),
        Event("run", ("full", 0)),
        Event("hand_over", ("c1p2", "c1p1", "fresh@mail.example")),
        Event("marry", ("c1p1", "Same")),
        Event("move_contact", ("c1p2", "c2")),
        Event("make_primary", ("c1q2",)),
    ],
    "who followed the admin on hold gets another e-mail": [
        Event("add_customer", ("c1", "N1", 1)),
        Event("run", ("full", 0)),
        Event("set_status", ("c1", "On Hold")),
        Event("add_contact", ("c1p2", "c1")),
        Event("set_contact", ("c1p1", 0)),
        Event("run", ("full", 0)),
        Event("set_email", ("c1p2", "fresh@mail.example")),
    ],
}


@pytest.mark.parametrize("events", _FOUND.values(), ids=_FOUND.keys())
def test_what_seeds_found_stays_mended(ledger_file: LedgerFile, events: Sequence[Event]) -> None:
    """Histories in which once the product, or the calculation, was wrong."""
    assert relive(events, ledger_file, 0).found == []


@pytest.mark.parametrize(
    "seed",
    [500085, 500411, 600403, 600844, 600944, 601948, 601978, 601982, 603389, 700154, 702174, 702583, 804767, 807121],
)
def test_seeds_that_found_something_stay_mended(ledger_file: LedgerFile, seed: int) -> None:
    """The same for histories whose faults are the point of them."""
    assert relive(make_history(seed, ALL), ledger_file, seed).found == []


@pytest.mark.parametrize("order", [0, 5])
def test_the_next_admin_of_a_company_that_was_not_read_back_comes_first(ledger_file: LedgerFile, order: int) -> None:
    """Requests that are in flight together arrive in any order: the former admin is not sent beside the next one."""
    made = [Event("add_customer", ("c1", "N1", 1)), Event("add_customer", ("c2", "N2", 1))]
    rehearsal = World(ledger_file)
    for event in (*made, Event("run", ("full", 0))):
        rehearsal.happen(event)
    requests = [line.split()[1] for line in rehearsal.log if line.startswith(("  ledger", "  source", "  target"))]
    world = World(ledger_file)
    for event in (*made, Event("run", ("full", 0, (requests.index("users") + 1, "never_arrived")))):
        world.happen(event)
    assert {status for (status,) in ledger_file.rows("SELECT status FROM customer_state")} == {-1}
    for event in (
        Event("add_contact", ("c1p2", "c1")),
        Event("make_primary", ("c1p2",)),
        Event("run", ("full", order)),
    ):
        world.happen(event)
    writes = [line.split(" company")[0] for line in world.store.writes]
    assert writes.index("create_user c1p2") < writes.index("update_user c1p1")
    assert world.found == []


def test_who_left_goes_first_also_where_the_next_admin_waits_for_an_email(ledger_file: LedgerFile) -> None:
    """On hold: as soon as another customer's user gives the e-mail up, and before anything is given to others."""
    world = World(ledger_file)
    for event in (
        Event("add_customer", ("c1", "N1", 2)),
        Event("add_customer", ("c2", "N2", 1)),
        Event("set_contact", ("c1p2", 0)),
        Event("run", ("full", 0)),
        Event("set_status", ("c1", "On Hold")),
        Event("set_contact", ("c1p2", 1)),
        Event("swap_emails", ("c2p1", "c1p2")),
        Event("set_contact", ("c1p1", 0)),
        Event("add_customer", ("c3", "N3", 1)),
        Event("run", ("full", 0)),
    ):
        world.happen(event)
    writes = [line.split(" company")[0] for line in world.store.writes]
    assert writes.index("delete_user c1p1") < writes.index("create_company N3")
    assert world.found == []


@pytest.mark.parametrize("seed", [3, 4])
def test_a_seed_is_one_history(ledger_file: LedgerFile, seed: int) -> None:
    """The same seed gives the same log, line for line: requests, commits, writes, outcomes."""
    logs = [relive(make_history(seed, ALL), ledger_file, seed).log for _ in range(2)]
    assert logs[0] == logs[1]
    assert any("store: create_company" in line for line in logs[0])


def test_what_no_run_did_is_seen(ledger_file: LedgerFile) -> None:
    """A customer that nobody synced, and a user that somebody deleted, are both missing."""
    world = World(ledger_file)
    world.happen(Event("add_customer", ("c1", "N1", 2)))
    assert [each.kind for each in world.judge()] == ["company missing"]
    world.happen(Event("run", ("full", 0)))
    assert world.judge() == []
    del world.store.users[max(world.store.users)]
    assert [each.kind for each in world.judge()] == ["user missing"]


def test_who_is_new_in_a_company_on_hold_is_seen(ledger_file: LedgerFile) -> None:
    """Whoever follows the admin may be there, whatever his e-mail becomes; a colleague who only joined may not."""
    world = World(ledger_file)
    for event in [*_FOUND["who followed the admin on hold gets another e-mail"], Event("run", ("full", 0))]:
        world.happen(event)
    assert world.judge() == []
    (user,) = world.store.users.values()
    newcomer = replace(user, id=user.id + 1000, fields=replace(user.fields, email="new@mail.example"))
    world.store.users[newcomer.id] = newcomer
    assert [each.kind for each in world.judge()] == ["somebody new in a company on hold"]


def test_a_history_is_shortened_to_what_it_needs() -> None:
    """Of many events those two stay without which nothing breaks, and of a run the one fault."""
    needed = [Event("call", ("c1", "Firm")), Event("run", ("full", 1, (9, "lost")))]
    others = [Event("wait", (number,)) for number in range(20)]
    events = [*others[:7], needed[0], *others[7:], Event("run", ("full", 1, (2, "late"), (9, "lost")))]
    shortest = shrink(events, lambda some: needed[0] in some and any((9, "lost") in each.args for each in some))
    assert shortest == needed


def test_situations_are_counted(ledger_file: LedgerFile) -> None:
    """What a history came through is known: a number that is used again, who comes back, whom a fault met."""
    events = [
        Event("add_customer", ("c1", "N1", 1)),
        Event("add_customer", ("c2", "N2", 0)),
        Event("renumber", ("c1", "N3")),
        Event("add_customer", ("c3", "N1", 0)),
        Event("delete_customer", ("c2",)),
        Event("add_customer", ("c4", "N2", 0)),
        Event("swap_numbers", ("c3", "c4")),
        Event("set_contact", ("c1p1", 0)),
        Event("set_contact", ("c1p1", 1)),
        Event("set_status", ("c3", "Inactive")),
        Event("set_status", ("c3", "On Hold")),
        Event("set_status", ("c3", "Active")),
        Event("run", ("full", 0, (1, "crash_before"))),
    ]
    world = relive(events, ledger_file, 0)
    assert {name: times for name, times in world.situations.counts.items() if times} == {
        "a customer gets another number": 1,
        "a number is used again after a rename": 1,
        "a customer is deleted": 1,
        "a number is used again after a deletion": 1,
        "two customers exchange their numbers": 1,
        "a contact leaves": 1,
        "the last admin leaves": 1,
        "a contact comes back": 1,
        "a customer is withdrawn": 1,
        "a customer is put on hold": 1,
        "a withdrawn customer is put on hold": 1,
        "a customer on hold is released": 1,
        "a withdrawn customer is let back in": 1,
        "crash_before at ledger commit": 1,
    }
