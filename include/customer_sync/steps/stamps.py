"""Up to where a run has read: which stamps the watermarks may move to, and which watermarks can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from customer_sync.planning.window import Window, whole
from customer_sync.run import Run
from customer_sync.sources.port import Source

CLOCK_JITTER = timedelta(seconds=5)
"""The clocks of a source's servers may differ by so much, and an answer's date is cut to the second."""


def bounded_stamps(stamps: Mapping[str, datetime], now_utc: datetime) -> dict[str, datetime]:
    """No stamp beyond the source's own time: a record that was saved while its clock was ahead hides no later edit."""
    return {name: min(stamp, now_utc) for name, stamp in stamps.items()}


def marks_of(run: Run) -> dict[str, datetime]:
    """The watermarks as they are."""
    marks = run.ledger.watermarks.load()
    return {name: datetime.fromisoformat(marks[name]) for name in run.connector.source.streams if marks.get(name)}


def trusted(run: Run, source: Source, window: Window) -> Window:
    """The window; all that there is where a watermark lies beyond the source's own time.

    Its clock was ahead then and was put back: what was edited since bears stamps before the watermark.
    """
    if not window.from_watermarks:
        return window
    limit_utc = source.now_utc() + CLOCK_JITTER
    ahead = [name for name, stamp in marks_of(run).items() if stamp > limit_utc]
    if not ahead:
        return window
    window = whole(window, f"the watermark of {', '.join(ahead)} lies beyond the source's own time")
    run.sink(f"Reading {window.mode}: {window.why}.", [])
    with run.ledger.write() as connection:
        described = {"why": window.why, "since": {}, "until": "", "interval": [], "resume_after": ""}
        described["mapping"] = run.mapping_fingerprint()
        run.ledger.runs.update(connection, run.run_id, mode=window.mode, window=described)
    return window


def safe_stamps(stamps: dict[str, datetime], took: timedelta, overlap_minutes: int) -> dict[str, datetime]:
    """Lower the largest stamps of a read that took longer than the overlap can make up for.

    A record that changes after its page was read is seen by the next run, whose window
    begins an overlap before the largest stamp. In a longer read a later page may show a
    stamp so much younger that the change would fall before that window; its stamp is
    never older than the largest one less the time that the read took.

    Args:
        stamps: Largest stamp seen per stream.
        took: Duration of the read.
        overlap_minutes: The connector's overlap.

    Returns:
        The stamps that the watermarks may move to.
    """
    if took < timedelta(minutes=overlap_minutes) / 2:
        return stamps
    return {name: stamp - took for name, stamp in stamps.items()}
