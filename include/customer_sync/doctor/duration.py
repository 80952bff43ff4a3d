"""How long the first load takes, and whether a nightly full run fits: from what was counted and measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from customer_sync.doctor.sample import Sample, hours_and_minutes
from customer_sync.machine import machine
from customer_sync.model.check import Probe, Verdict, bad, good, not_looked_at, warning
from customer_sync.settings.connector import Connector

_SECONDS_OF_A_REFERENCE: Final = 3.5
"""As one real site was seen to take for saving a customer (docs/api/acumatica.md); it cannot be measured by reading."""


class Durations:
    """Looks at the schedule, and at what a first load and a nightly run take.

    Args:
        connector: Schedules and budgets.
        sample: What was read.
    """

    def __init__(self, connector: Connector, sample: Sample) -> None:
        self._connector = connector
        self._sample = sample

    def probes(self) -> Iterator[Probe]:
        """Every look."""
        yield Probe("time.first_load", "the first load", self._first_load, ("erp.customers",))
        yield Probe("time.nightly", "the nightly full run", self._nightly, ("erp.customers", "file.schedule"))

    def _first_load(self) -> Verdict:
        sample, rules = self._sample, self._connector.store
        pace = rules.requests_per_minute * rules.share
        writing_s = sample.store_requests * 60 / pace
        references_s = sample.references * self._seconds_of_a_reference()
        at_least = "" if sample.is_whole else "at least "
        return good(
            f"A first load into an empty store takes {at_least}about "
            f"{hours_and_minutes(sample.seconds + writing_s + references_s)}: reading "
            f"{hours_and_minutes(sample.seconds)}, {sample.store_requests:,} requests to "
            f"{self._connector.target.label} {hours_and_minutes(writing_s)} at {pace:.0f} a minute, "
            f"{sample.references:,} references into {self._connector.source.label} {hours_and_minutes(references_s)}."
        )

    def _seconds_of_a_reference(self) -> float:
        pace = self._connector.erp.requests_per_minute
        return 60 / pace if pace else _SECONDS_OF_A_REFERENCE

    def _nightly(self) -> Verdict:
        """A full run keeps the others waiting; one that is not over before the next begins never lets them run."""
        connector, sample = self._connector, self._sample
        if connector.full_schedule is None:
            return warning(
                "There is no nightly full run (full_schedule): what stamps do not show is found by nobody.",
                f"Set full_schedule in {connector.id}.yaml, such as '30 2 * * *'.",
            )
        if not sample.is_whole:
            return not_looked_at("not all customers were read, so that how long a full run reads is not known.")
        between, ordinary = interval_of(connector.full_schedule), interval_of(connector.schedule)
        reading = timedelta(seconds=sample.seconds)
        sentence = f"A nightly full run reads for about {hours_and_minutes(sample.seconds)}"
        remedy = f"Raise erp.page_size, set erp.server_filter, or name fewer fields in {connector.id}.yaml."
        if reading > between:
            return bad(f"{sentence}, and the next begins after {_long(between)}.", remedy)
        if reading > ordinary:
            return warning(f"{sentence}: {int(reading / ordinary)} scheduled runs wait for it.", remedy)
        return good(f"{sentence}, which fits between two runs of the schedule ({_long(ordinary)} apart).")


def interval_of(schedule: str) -> timedelta:
    """The shortest time between the next few ticks of a schedule.

    Args:
        schedule: Five cron columns.
    """
    from croniter import croniter  # type: ignore[import-untyped] # noqa: PLC0415 - it brings calendars along

    ticks = croniter(schedule, machine().utc_now().astimezone(UTC))
    moments: list[datetime] = [ticks.get_next(datetime) for _ in range(4)]
    return min(later - earlier for earlier, later in pairwise(moments))


def _long(interval: timedelta) -> str:
    return hours_and_minutes(interval.total_seconds())


def schedule_probe(connector: Connector) -> Probe:
    """The look at the schedules of a connector file."""
    return Probe("file.schedule", "the schedule", lambda: _schedule(connector), ("file.readable",))


def _schedule(connector: Connector) -> Verdict:
    wrong = []
    settings = {"schedule": connector.schedule, "full_schedule": connector.full_schedule}
    for name, schedule in settings.items():
        try:
            if schedule is not None:
                interval_of(schedule)
        except ValueError:  # what croniter raises for a text that is no schedule, and for one that no day fits
            wrong.append(f"{name} '{schedule}'")
    if wrong:
        return bad(
            f"{connector.id}.yaml: {', '.join(wrong)} is no schedule, or no day fits it.",
            "Write five cron columns such as '*/15 * * * *'; times are UTC.",
        )
    if not connector.active:
        return warning(
            "The connector is switched off (active: false): nothing runs by itself.",
            f"Write active: true in {connector.id}.yaml when it is to run.",
        )
    return good(f"Runs every {_long(interval_of(connector.schedule))}, in full at '{connector.full_schedule}' UTC.")
