"""Requests start evenly, within the share of the budget, and follow what the server says."""

import threading
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from customer_sync.errors import ConfigError
from customer_sync.http.pacing import LONGEST_PAUSE_S, Pacer, RequestCounter


def _starts(pacer: Pacer, clock: Any, count: int) -> list[float]:
    first_s = clock.read()
    starts = []
    for _ in range(count):
        pacer.acquire()
        starts.append(round(clock.read() - first_s, 3))
        pacer.release()
    return starts


@pytest.fixture
def make_pacer(clock: Any) -> Any:
    """Make pacers that live by the test's clock."""

    def make(per_minute: float, **changes: Any) -> Pacer:
        return Pacer(per_minute, **{"clock": clock.read, "sleep": clock.sleep, "burst": 1, **changes})

    return make


def test_requests_are_even_when_many_come_at_once(make_pacer: Any, clock: Any) -> None:
    """60 a minute is one a second, not sixty and a long wait."""
    assert _starts(make_pacer(60), clock, 5) == [0, 1, 2, 3, 4]


def test_a_few_start_at_once_when_it_was_quiet(make_pacer: Any, clock: Any) -> None:
    """After a pause the burst may start together, and no more than it."""
    pacer = make_pacer(60, burst=3)
    clock.now_s += 100
    assert _starts(pacer, clock, 6) == [0, 0, 0, 1, 2, 3]


def test_nothing_waits_when_there_is_no_limit(make_pacer: Any, clock: Any) -> None:
    """0 a minute stands for no limit."""
    assert _starts(make_pacer(0), clock, 100) == [0] * 100


@pytest.mark.parametrize(("allocated", "share", "per_minute"), [(6_000, 0.8, 4_800), (100, 0.8, 80), (150, 1.0, 150)])
def test_pace_follows_the_server_when_it_names_its_budget(
    make_pacer: Any, allocated: float, share: float, per_minute: float
) -> None:
    """The share of what the server allocates is used, faster or slower than configured."""
    pacer = make_pacer(120, share=share)
    pacer.observe(allocated=allocated, window_s=60, remaining=allocated - 1, resets_after_s=59.9)
    assert pacer.requests_per_minute == pytest.approx(per_minute, rel=0.01)


def test_pace_slows_when_others_use_the_budget(make_pacer: Any, clock: Any) -> None:
    """What is left is spread over the rest of the window, and the next window starts afresh."""
    pacer = make_pacer(120, share=0.8)
    pacer.observe(allocated=150, window_s=60, remaining=10, resets_after_s=30)
    assert pacer.requests_per_minute == pytest.approx(20)
    clock.now_s += 30
    assert pacer.requests_per_minute == pytest.approx(120)


def test_nothing_starts_when_the_budget_is_empty(make_pacer: Any, clock: Any) -> None:
    """With nothing left the next request waits for the window, and is not refused."""
    pacer = make_pacer(150, share=1.0)
    _starts(pacer, clock, 1)
    pacer.observe(allocated=150, window_s=60, remaining=0, resets_after_s=41.4)
    assert _starts(pacer, clock, 1)[0] >= 41.4


def test_nothing_starts_when_a_pause_was_asked_for(make_pacer: Any, clock: Any) -> None:
    """After a 429 every thread waits, not only the one that met it."""
    pacer = make_pacer(6_000)
    pacer.pause(40)
    assert _starts(pacer, clock, 2)[0] == 40


def test_pace_holds_when_answers_say_nothing(make_pacer: Any) -> None:
    """Answers without rate headers change nothing."""
    pacer = make_pacer(120)
    pacer.observe(allocated=None, window_s=60, remaining=None, resets_after_s=None)
    assert pacer.requests_per_minute == pytest.approx(120)


def test_window_is_kept_when_a_whole_one_is_paced(make_pacer: Any, clock: Any) -> None:
    """Over ten windows of a store that counts strictly, nothing is refused and the budget is used to 95 %."""
    pacer = make_pacer(120, share=1.0, burst=4)
    started_s = clock.read()
    window_s, used, refused, total = started_s, 0, 0, 0
    while clock.read() - started_s < 600:
        pacer.acquire()
        if clock.read() - window_s >= 60:
            window_s, used = clock.read(), 0
        refused += used >= 150
        used += 1
        total += 1
        pacer.release()
        pacer.observe(
            allocated=150, window_s=60, remaining=max(150 - used, 0), resets_after_s=60 - (clock.read() - window_s)
        )
    assert refused == 0
    assert total >= 0.95 * 1_500


@pytest.mark.parametrize("changes", [{"requests_per_minute": -1}, {"share": 0}, {"share": 1.5}])
def test_setting_is_named_when_a_number_is_out_of_range(changes: dict[str, Any]) -> None:
    """A pace below zero or a share beyond the whole is refused by name."""
    with pytest.raises(ConfigError) as caught:
        Pacer(**({"requests_per_minute": 60} | changes))
    assert caught.value.evidence["setting"] in changes


def test_turns_are_distinct_when_threads_compete() -> None:
    """Eight threads get as many turns as they ask for, each at a time of its own."""
    now_s = threading.local()
    waits: Counter[float] = Counter()
    lock = threading.Lock()
    pacer = Pacer(60, burst=1, clock=lambda: getattr(now_s, "value", 0.0), sleep=lambda s: setattr(now_s, "value", s))

    def work() -> None:
        for _ in range(5):
            now_s.value = 0.0
            waited_s = pacer.acquire()
            pacer.release()
            with lock:
                waits[waited_s] += 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [float(turn) for turn in range(40)]
    assert set(waits.values()) == {1}


def test_counts_add_up_when_threads_count() -> None:
    """Totals, methods and statuses agree, and a copy does not move any more."""
    counter = RequestCounter()
    for _ in range(3):
        counter.count("GET", 200)
    counter.count("PUT", 0)
    counter.count_refused()
    counter.count_retried()
    use = counter.snapshot()
    counter.count("GET", 200)
    assert (use.total, use.refused, use.retried) == (4, 1, 1)
    assert use.by_method == {"GET": 3, "PUT": 1}
    assert use.by_status == {200: 3, 0: 1}


YEAR_S = 31_536_000.0


def test_pause_is_capped_when_a_year_was_asked_for(make_pacer: Any, clock: Any) -> None:
    """A server may ask for any pause; it gets one window of its budget."""
    pacer = make_pacer(6_000)
    pacer.pause(YEAR_S)
    assert _starts(pacer, clock, 1)[0] == LONGEST_PAUSE_S


@pytest.mark.parametrize(
    "budget",
    [
        {"allocated": 150, "window_s": 60, "remaining": 0, "resets_after_s": YEAR_S},
        {"allocated": 150, "window_s": 60, "remaining": 1, "resets_after_s": YEAR_S},
        {"allocated": 1, "window_s": YEAR_S, "remaining": None, "resets_after_s": None},
    ],
)
def test_pace_stays_bearable_when_the_budget_is_absurd(make_pacer: Any, clock: Any, budget: dict[str, Any]) -> None:
    """No header of a server makes two requests stand further apart than one window."""
    pacer = make_pacer(6_000)
    pacer.observe(**budget)
    starts = _starts(pacer, clock, 4)
    assert all(later - earlier <= LONGEST_PAUSE_S for earlier, later in pairwise([0.0, *starts]))


def test_shared_pause_is_capped_when_a_year_was_asked_for(clock: Any) -> None:
    """Processes that share the budget are not blocked for a year either."""
    blocked: list[float] = []

    class Turns:
        def reserve(self, count: int, interval_s: float, burst: int) -> float:
            return 0.0 * count * interval_s * burst

        def admit(self) -> None: ...

        def block(self, seconds: float) -> None:
            blocked.append(seconds)

    Pacer(6_000, schedule=Turns(), clock=clock.read, sleep=clock.sleep).pause(YEAR_S)
    assert blocked == [LONGEST_PAUSE_S]
