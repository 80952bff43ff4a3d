"""What a run is measured by, from its book in the ledger. (docs/metrics.md)

Tags name the connector, and besides it only words from short lists: no customer, no user, no run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from customer_sync.ledger import Ledger
from customer_sync.reporting.request_count import STATUS
from customer_sync.run import Run

CUSTOMERS = "customer_sync.customers"
"""Customers of the run, by outcome."""
RUNS = "customer_sync.runs"
"""Runs that ended, by status."""
RUN_DURATION = "customer_sync.run_duration"
"""From the start of extract to the end of audit."""
REQUESTS = "customer_sync.requests"
"""Requests sent, by system and HTTP status; ``none`` where no answer came."""
REQUESTS_REFUSED = "customer_sync.requests_refused"
"""Requests that were refused for want of budget or seats."""
OLDEST_UNSYNCED_CHANGE_S = "customer_sync.oldest_unsynced_change_s"
"""Age in seconds of the oldest change of the ERP that may not be in the store yet."""
ACCESS_REMOVAL = "customer_sync.access_removal"
"""From the end of an access in the ERP to the confirmed write that takes it away in the store."""

PUSH_MISSED = "customer_sync.push_missed"
"""Changes that a scheduled run applied and no push notification had told of; only where notifications are taken."""

Kind = Literal["counter", "gauge", "timing"]


class Measurement(NamedTuple):
    """One value: a counter's increment, a gauge's value, or a duration."""

    kind: Kind
    name: str
    value: float | timedelta
    tags: dict[str, str]


def measure_run(run: Run, *, now_utc: datetime) -> list[Measurement]:
    """Measure a run after its audit.

    Args:
        run: The run; its summary is in the ledger, unless it never began.
        now_utc: The moment to judge by.

    Returns:
        The measurements; just a failed run when it never began to extract.
    """
    tags = {"connector": run.connector.id}
    row = run.ledger.runs.get(run.run_id)
    if row is None:
        return [Measurement("counter", RUNS, 1, {**tags, "status": "failed"})]
    status = {**tags, "status": "success" if row["state"] == "success" else "failed"}
    found = [
        Measurement("counter", RUNS, 1, status),
        Measurement("timing", RUN_DURATION, (row["ended_at_utc"] or now_utc) - row["started_at_utc"], status),
    ]
    found += [
        Measurement("counter", CUSTOMERS, count, {**tags, "outcome": outcome})
        for outcome, count in ((row["summary"] or {}).get("outcomes") or {}).items()
    ]
    found += _requests(row["usage"] or {}, tags)
    pushed = (row["summary"] or {}).get("push")
    if pushed is not None:
        found.append(Measurement("counter", PUSH_MISSED, pushed["missed"], tags))
    since_utc = oldest_unsynced_change(run.ledger)
    if since_utc is not None:
        found.append(Measurement("gauge", OLDEST_UNSYNCED_CHANGE_S, (now_utc - since_utc).total_seconds(), tags))
    last_utc = run.ledger.runs.last_good_start(before_utc=row["started_at_utc"])
    removals = run.ledger.intents.access_removals(run.run_id, ended_since_utc=last_utc)
    return [*found, *(Measurement("timing", ACCESS_REMOVAL, duration, tags) for duration in removals)]


def oldest_unsynced_change(ledger: Ledger) -> datetime | None:
    """The moment before which every change of the ERP is in the store, or told why it is not.

    Returns:
        The start of the last good run, or, where that is earlier, the moment when the first of the customers
        failed that are still to be finished; before the first good run the start of the first one. ``None``
        when there was no run.
    """
    seen = ledger.runs.last_good_start() or ledger.runs.first_start()
    return min([*ledger.runs.unfinished().values(), *([seen] if seen else [])], default=None)


def _requests(usage: dict[str, dict[str, Any]], tags: dict[str, str]) -> Iterator[Measurement]:
    for system, numbers in sorted(usage.items()):
        of_system = {**tags, "system": system}
        for name, count in sorted(numbers.items()):
            if name.startswith(STATUS):
                status = name.removeprefix(STATUS)
                words = {**of_system, "status": "none" if status == "0" else status}
                yield Measurement("counter", REQUESTS, count, words)
        yield Measurement("counter", REQUESTS_REFUSED, numbers.get("refused", 0), of_system)
