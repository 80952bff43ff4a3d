"""Takes looks one after the other: a failure is a finding and hides no other, and what needs it is passed over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from customer_sync.errors import SyncError, TransientApiError
from customer_sync.model.check import Check, Probe, Verdict, bad, checked, fault_of, not_looked_at, waits_for

log = logging.getLogger(__name__)

LONGEST_S: Final = 600.0
"""No look begins later than so many seconds after the first one, whatever the systems do."""

Say = Callable[[str], None]
"""Tells a person how far it is."""


class Examination:
    """Collects checks in the order in which the looks were taken.

    Args:
        say: Hears the title of each look before it is taken.
        longest_s: No look begins later than that many seconds after this was made.
        clock: Seconds of a clock that nobody sets.
    """

    def __init__(self, say: Say, *, longest_s: float = LONGEST_S, clock: Callable[[], float] = time.monotonic) -> None:
        self.checks: list[Check] = []
        self._found: dict[str, Check] = {}
        self._say = say
        self._clock = clock
        self._ends_s = clock() + longest_s

    @property
    def left_s(self) -> float:
        """Seconds until no look begins any more."""
        return self._ends_s - self._clock()

    @property
    def is_ok(self) -> bool:
        """Whether nothing was found that a run would fail by."""
        return all(check.ok is not False for check in self.checks)

    def take(self, probes: Iterable[Probe]) -> None:
        """Take some looks."""
        for probe in probes:
            check = checked(probe, self._verdict(probe))
            self.checks.append(check)
            self._found[check.id] = check

    def _verdict(self, probe: Probe) -> Verdict:
        first = next((found for each in probe.needs if (found := self._found.get(each)) and not found.ok), None)
        if first is not None:
            # What was not looked at itself says what comes first of all.
            return Verdict("unknown", first.sentence, first.remedy) if first.ok is None else waits_for(first.title)
        if self.left_s <= 0:
            return not_looked_at("the time for all looks is over.", "See which look took so long, and look again.")
        self._say(probe.title)
        try:
            return probe.look()
        except SyncError as error:
            return verdict_of(error)
        except Exception as error:  # a defect of one look must not hide what the others find
            log.exception("The check %s failed by itself", probe.id)
            return bad(
                f"This check failed by itself ({type(error).__name__}).",
                "Report it with the traceback on standard error; the other checks are not touched by it.",
            )


def verdict_of(error: SyncError) -> Verdict:
    """What an error says, as a finding."""
    fault = fault_of(error.message)
    return bad(fault.what, fault.remedy or _usual_remedy(error))


def _usual_remedy(error: SyncError) -> str:
    if isinstance(error, TransientApiError):
        return "See that host, port, proxy and certificate of the connection are right and that the system is up."
    return "Correct what the sentence names, and look again."
