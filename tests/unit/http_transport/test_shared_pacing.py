"""Several pacers, as in several processes, that reserve their turns in one schedule stay within one budget."""

import threading
from bisect import bisect_left
from itertools import pairwise
from typing import Any

import pytest

from customer_sync.http.pacing import Pacer
from tests.unit.http_transport.conftest import PatientClock


class OneSchedule:
    """A schedule in memory, as one process sees it by its own clock; counts what all were given."""

    def __init__(self, clock: Any, shared: "OneSchedule | None" = None) -> None:
        self._clock = clock
        self._shared = shared or self
        self._next_s = clock.read()
        self.reserved: list[int] = []

    def reserve(self, count: int, interval_s: float, burst: int) -> float:
        """Take turns as the ledger does."""
        now_s = self._clock.read()
        first_s = max(self._shared._next_s, now_s - (burst - 1) * interval_s)
        self._shared._next_s = first_s + count * interval_s
        self._shared.reserved.append(count)
        return first_s - now_s

    def admit(self) -> None:
        """Every request may leave."""

    def block(self, seconds: float) -> None:
        """Push the next turn back."""
        self._shared._next_s = max(self._shared._next_s, self._clock.read() + seconds)


@pytest.fixture
def schedule(clock: Any) -> OneSchedule:
    """One schedule for all pacers of a test."""
    return OneSchedule(clock)


@pytest.fixture
def make_pacer(clock: Any, schedule: OneSchedule) -> Any:
    """Make pacers that live by the test's clock and share the schedule."""

    def make(per_minute: float, **changes: Any) -> Pacer:
        facts = {"share": 1.0, "burst": 1, "schedule": schedule, "clock": clock.read, "sleep": clock.sleep}
        return Pacer(per_minute, **{**facts, **changes})

    return make


def take(pacers: list[Pacer], clock: Any, rounds: int) -> list[float]:
    """Let every pacer take a turn, round by round; returns the starts in seconds from the first."""
    begin_s = clock.read()
    starts = []
    for _ in range(rounds):
        for pacer in pacers:
            pacer.acquire()
            starts.append(clock.read() - begin_s)
            pacer.release()
    return starts


def most_in_a_minute(starts: list[float]) -> int:
    """The largest number of starts in any 60 seconds."""
    ordered = sorted(starts)
    return max(bisect_left(ordered, begin + 60) - number for number, begin in enumerate(ordered))


@pytest.mark.parametrize(
    ("per_minute", "answer_s", "transactions_each"),
    [(30, 0.3, 1.0), (120, 0.3, 0.5), (6_000, 0.002, 0.1), (6_000, 0.1, 1.0)],
)
def test_one_budget_holds_when_three_processes_draw_on_it(
    schedule: OneSchedule, per_minute: int, answer_s: float, transactions_each: float
) -> None:
    """No minute sees more requests than the budget, and the budget, or what three can send, is used to 85 %."""
    clocks = [PatientClock() for _ in range(3)]
    pacers = [
        Pacer(per_minute, share=1.0, burst=1, schedule=OneSchedule(each, schedule), clock=each.read, sleep=each.sleep)
        for each in clocks
    ]
    begin_s, starts = clocks[0].read(), []
    while (now := min(clocks, key=lambda each: each.now_s)).read() - begin_s < 180:
        pacer = pacers[clocks.index(now)]
        pacer.acquire()
        starts.append(now.read() - begin_s)
        pacer.release()
        now.now_s += answer_s
    assert most_in_a_minute(starts) <= per_minute + 1
    assert len(starts) >= 0.85 * 3 * min(per_minute, 3 * 60 / answer_s)
    assert len(schedule.reserved) <= transactions_each * len(starts)


def test_a_short_task_leaves_few_turns_unused(make_pacer: Any, clock: Any, schedule: OneSchedule) -> None:
    """Blocks begin with one turn and grow."""
    take([make_pacer(6_000)], clock, rounds=7)
    assert schedule.reserved == [1, 2, 4]


def test_all_processes_wait_when_one_was_refused(make_pacer: Any, clock: Any) -> None:
    """What one learns from a 429 holds for the others' next turns."""
    one, other = make_pacer(60), make_pacer(60)
    one.pause(40)
    assert take([other], clock, rounds=1)[0] >= 40


def test_reserved_turns_are_given_up_when_the_server_allows_far_less(make_pacer: Any, clock: Any) -> None:
    """The new pace holds from the next request on, not after a whole block at the old one."""
    pacer = make_pacer(6_000)
    take([pacer], clock, rounds=10)
    pacer.observe(allocated=60, window_s=60, remaining=59, resets_after_s=59.0)
    starts = take([pacer], clock, rounds=4)
    assert [round(later - earlier) for earlier, later in pairwise(starts[1:])] == [1, 1]


def test_nothing_is_reserved_when_there_is_no_limit(make_pacer: Any, clock: Any, schedule: OneSchedule) -> None:
    """A licence without a limit costs no transaction."""
    assert take([make_pacer(0)], clock, rounds=50) == [0.0] * 50
    assert schedule.reserved == []


def test_turns_that_went_by_are_not_made_up_for(make_pacer: Any, clock: Any) -> None:
    """After a slow answer the reserved turns of the past are dropped: no burst beyond the one that is allowed."""
    pacer = make_pacer(120)
    take([pacer], clock, rounds=6)
    clock.now_s += 30
    starts = take([pacer], clock, rounds=4)
    assert [round(later - earlier, 3) for earlier, later in pairwise(starts)] == [0.5, 0.5, 0.5]


class HeldSchedule:
    """A schedule whose database is held by somebody, until they let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.free = threading.Event()

    def reserve(self, _count: int, _interval_s: float, _burst: int) -> float:
        """Wait for the database, as SQLite does while another connection writes."""
        self.asked.set()
        assert self.free.wait(20)
        return 0.0

    def admit(self) -> None:
        """Every request may leave."""

    def block(self, _seconds: float) -> None:
        """Nobody is blocked here."""


def test_the_pace_is_told_at_once_while_a_thread_waits_to_reserve_its_turn() -> None:
    """Who holds the database may ask for the pace without waiting for a thread that waits for the database."""
    schedule = HeldSchedule()
    pacer = Pacer(60, share=1.0, schedule=schedule)
    waiting = threading.Thread(target=pacer.acquire, daemon=True)
    waiting.start()
    assert schedule.asked.wait(20)
    told: list[float] = []
    asking = threading.Thread(target=lambda: told.append(pacer.requests_per_minute), daemon=True)
    asking.start()
    asking.join(20)
    schedule.free.set()
    waiting.join(20)
    assert told == [60.0]
