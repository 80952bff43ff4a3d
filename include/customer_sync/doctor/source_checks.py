"""Looks at the source that need no word of it: its seats, and its clock beside the others'."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

from customer_sync.errors import SessionLimit
from customer_sync.machine import machine
from customer_sync.model.check import Verdict, bad, good, not_looked_at, warning
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Source
from customer_sync.targets.port import Target

MOST_SESSIONS: Final = 3
"""So many sessions are opened at once at most, however many the connector file may use."""

LARGEST_DIFFERENCE: Final = timedelta(seconds=60)
"""Clocks that differ by more are worth a word: nothing is lost by it, and logs cannot be laid beside each other."""

GRAVEST_DIFFERENCE: Final = timedelta(minutes=5)
"""Tokens and certificates are refused by clocks that differ so much."""


def seats(connector: Connector, source: Source, another: Callable[[], Source]) -> Verdict:
    """Open as many sessions as runs may have at once, for a moment.

    Args:
        connector: Says how many.
        source: The session that is open.
        another: Makes a further one.
    """
    if not source.limits.takes_seat:
        return good(f"{connector.source.label} counts no seats.")
    wanted = min(connector.erp.seats, MOST_SESSIONS)
    with ExitStack() as opened:
        for number in range(2, wanted + 1):
            try:
                opened.enter_context(another()).contract()
            except SessionLimit as error:
                if error.system == "ledger":
                    return not_looked_at(
                        f"runs of ours hold the other seats now ({error.message})", "Look again when they are over."
                    )
                return bad(
                    f"{connector.source.label} has seats for {number - 1} of the {connector.erp.seats} sessions that "
                    f"erp.seats in {connector.id}.yaml lets runs open at once.",
                    f"Set erp.seats to {number - 1}, sign other integrations out, or have the licence allow more API "
                    "users.",
                )
    return good(f"{connector.source.label} has seats for {wanted} sessions of ours at once.")


def clocks(connector: Connector, source: Source, target: Target) -> Verdict:
    """Compare the time of both systems with this machine's."""
    here = machine().utc_now()
    told = {connector.source.label: source.now_utc(), target.name: target.now_utc()}
    known = {name: moment for name, moment in told.items() if moment is not None}
    apart = {name: moment - here for name, moment in known.items()}
    sentence = "; ".join(f"{name} is {_apart(difference)}" for name, difference in apart.items())
    sentence += "".join(f"; {name} does not say its time" for name in told.keys() - known.keys())
    largest = max((abs(difference) for difference in apart.values()), default=timedelta())
    remedy = "Set the clock of whichever is wrong by a time server (NTP)."
    if largest > GRAVEST_DIFFERENCE:
        return bad(f"The clocks differ: {sentence}.", remedy)
    if largest > LARGEST_DIFFERENCE:
        return warning(f"The clocks differ: {sentence}.", remedy)
    return good(f"The clocks agree: {sentence}.")


def _apart(difference: timedelta) -> str:
    seconds = round(difference.total_seconds())
    if abs(seconds) <= 1:
        return "as this machine"
    return f"{abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'} this machine"


def beyond(moment: datetime, now_utc: datetime) -> bool:
    """Whether a stamp lies beyond the source's own time, more than its clock's jitter."""
    return moment > now_utc + timedelta(seconds=5)
