"""Windows: no moment falls between two of them, none into both."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from customer_sync.planning.window import Window, read_request, resolve_window

moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
zones = st.integers(-12, 12)
STREAMS = ("customers", "contacts", "locations")


def covers(window: Window, stream: str, stamp: datetime) -> bool:
    """Tell whether a run with this window reads a change with this stamp."""
    since, until = window.since.get(stream, ""), window.until
    return (not since or stamp >= datetime.fromisoformat(since)) and (
        not until or stamp < datetime.fromisoformat(until)
    )


@given(st.lists(moments, min_size=2, max_size=6, unique=True), st.lists(moments, min_size=1, max_size=20), st.data())
def test_windows_that_partition_a_range_cover_it_once_each(
    cuts: list[datetime], stamps: list[datetime], data: st.DataObject
) -> None:
    """Runs over [a,b) and [b,c) read what one run over [a,c) reads, each change once."""
    cuts = sorted(cuts)
    use_backfill = data.draw(st.booleans())

    def window(lower: datetime, upper: datetime) -> Window:
        if use_backfill:
            request = read_request({})
            return resolve_window(
                request,
                streams=STREAMS,
                watermarks={},
                overlap_minutes=10,
                is_backfill=True,
                data_interval=(lower, upper),
            )
        params = {"modified_from": lower.isoformat(), "modified_to": upper.isoformat()}
        return resolve_window(read_request(params), streams=STREAMS, watermarks={}, overlap_minutes=10)

    parts = [window(lower, upper) for lower, upper in pairwise(cuts)]
    whole = window(cuts[0], cuts[-1])
    for stamp in [*stamps, *cuts]:
        for stream in STREAMS:
            assert sum(covers(part, stream, stamp) for part in parts) == int(covers(whole, stream, stamp))


@given(moments, zones, st.integers(0, 1440), st.lists(moments, max_size=20))
def test_an_incremental_run_covers_everything_from_the_overlap_on(
    mark: datetime, zone: int, overlap: int, stamps: list[datetime]
) -> None:
    """Whatever zone the stamp was written in, nothing after it is left out."""
    text = mark.astimezone(timezone(timedelta(hours=zone))).isoformat()
    window = resolve_window(
        read_request({}), streams=STREAMS, watermarks=dict.fromkeys(STREAMS, text), overlap_minutes=overlap
    )
    for stamp in [*stamps, mark, mark - timedelta(minutes=overlap)]:
        for stream in STREAMS:
            assert covers(window, stream, stamp) is (stamp >= mark - timedelta(minutes=overlap))


class Reading:
    """A simulated ERP stream and the runs over it: what has been read, and where the watermark stands."""

    def __init__(self, overlap: int) -> None:
        self.overlap = overlap
        self.marks: dict[str, str] = {}
        self.read: set[datetime] = set()

    def scheduled(self, stamps: list[datetime], now: datetime) -> Window:
        """A run of the schedule: reads what exists by now, and moves the watermark to what it saw."""
        window = resolve_window(read_request({}), streams=STREAMS, watermarks=self.marks, overlap_minutes=self.overlap)
        seen = {stamp for stamp in stamps if stamp <= now and covers(window, "customers", stamp)}
        self.read |= seen
        if window.moves_watermark and seen:
            known = self.marks.get("customers", "")
            largest = max(max(seen).isoformat(), known)
            self.marks = dict.fromkeys(STREAMS, largest)
        return window

    def backfill(self, stamps: list[datetime], lower: datetime, upper: datetime) -> Window:
        """A backfill's run over one interval."""
        window = resolve_window(
            read_request({}),
            streams=STREAMS,
            watermarks=self.marks,
            overlap_minutes=self.overlap,
            is_backfill=True,
            data_interval=(lower, upper),
        )
        self.read |= {stamp for stamp in stamps if covers(window, "customers", stamp)}
        return window


@given(st.lists(moments, min_size=2, max_size=8, unique=True), st.lists(moments, max_size=30), st.randoms())
def test_backfills_in_any_order_and_again_read_the_whole_and_move_nothing(
    cuts: list[datetime], stamps: list[datetime], random: Random
) -> None:
    """Intervals in any order, some of them several times: together they read the range, and no watermark moves."""
    cuts = sorted(cuts)
    intervals = list(pairwise(cuts))
    order = [*intervals, *random.sample(intervals, random.randint(0, len(intervals)))]
    random.shuffle(order)
    reading = Reading(10)
    reading.marks = dict.fromkeys(STREAMS, cuts[0].isoformat())
    windows = [reading.backfill(stamps, lower, upper) for lower, upper in order]
    assert reading.read == {stamp for stamp in stamps if cuts[0] <= stamp < cuts[-1]}
    assert not any(window.moves_watermark for window in windows)
    assert {window.interval for window in windows} == {(a.isoformat(), b.isoformat()) for a, b in intervals}


@given(
    st.lists(moments, min_size=1, max_size=30),
    st.lists(moments, min_size=1, max_size=12, unique=True),
    st.integers(0, 60),
    st.data(),
)
def test_nothing_is_missed_when_runs_fail_or_the_dag_is_paused(
    stamps: list[datetime], clock: list[datetime], overlap: int, data: st.DataObject
) -> None:
    """Whatever runs the pause or an outage swallowed, the next good run reads all that changed until then."""
    reading = Reading(overlap)
    for now in sorted(clock):
        if data.draw(st.booleans(), label="paused"):
            continue
        if data.draw(st.booleans(), label="a backfill beside it"):
            reading.backfill(stamps, now - timedelta(days=3), now)
        reading.scheduled(stamps, now)
        assert {stamp for stamp in stamps if stamp <= now} <= reading.read
