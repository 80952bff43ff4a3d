"""Windows: no moment falls between two of them, none into both."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from customer_sync.window import STREAMS, Window, read_request, resolve_window

moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
zones = st.integers(-12, 12)


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
                request, watermarks={}, overlap_minutes=10, is_backfill=True, data_interval=(lower, upper)
            )
        params = {"modified_from": lower.isoformat(), "modified_to": upper.isoformat()}
        return resolve_window(read_request(params), watermarks={}, overlap_minutes=10)

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
    window = resolve_window(read_request({}), watermarks=dict.fromkeys(STREAMS, text), overlap_minutes=overlap)
    for stamp in [*stamps, mark, mark - timedelta(minutes=overlap)]:
        for stream in STREAMS:
            assert covers(window, stream, stamp) is (stamp >= mark - timedelta(minutes=overlap))
