"""Random histories end as an independent calculation says, and the next run writes nothing.

``python -m tests.simulation`` lives through as many as one likes, of all kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.simulation.generator import ALL, FAULTS, make_history
from tests.simulation.ledger_file import LedgerFile
from tests.simulation.shrink import shrink
from tests.simulation.world import CONNECTOR, Event, World, relive

NOT_YET = {
    "move": "people who move round between three customers wait for each other",
    "merge": "a withdrawn company keeps the e-mails of people who work for another customer now",
    "handover": "an e-mail that goes to another customer is not waited for",
    "emailswap": "e-mails that people of two customers exchange stay where they were",
    "contest": "a user whose e-mail changes to one that is taken keeps its former one",
}
"""Groups of events that break a promise still, and by what."""

_EDITS = ("values", "emails", "people", "status", "gone_contact", "refused", "rename", "swap")

HOLDING = (
    (*_EDITS, "hold", "delete", "empty"),
    # Without e-mails that change: one that a stranger takes first is contested.
    ("values", "people", "status", "gone_contact", "refused", "rename", "swap", "hold", "delete", "stranger"),
    (*_EDITS, FAULTS),
)
"""Groups whose histories keep every promise, together."""

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


def test_every_group_is_tried_or_said_why_not() -> None:
    """No group of events is left out without a reason."""
    assert set().union(*HOLDING) == set(ALL) - NOT_YET.keys()


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


def test_a_history_is_shortened_to_what_it_needs() -> None:
    """Of many events those two stay without which nothing breaks, and of a run the one fault."""
    needed = [Event("call", ("c1", "Firm")), Event("run", ("full", 1, (9, "lost")))]
    others = [Event("wait", (number,)) for number in range(20)]
    events = [*others[:7], needed[0], *others[7:], Event("run", ("full", 1, (2, "late"), (9, "lost")))]
    shortest = shrink(events, lambda some: needed[0] in some and any((9, "lost") in each.args for each in some))
    assert shortest == needed
