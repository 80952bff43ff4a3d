"""Retention: what is old goes, what a later run depends on stays however old it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.ledger import CustomerOutcome, CustomerState, IntendedWrite, Ledger, PlannedCustomer
from customer_sync.ledger.journal.access_revocations import AccessRemoval
from customer_sync.ledger.storage import retention as retention_module
from customer_sync.ledger.storage.schema import run, story
from customer_sync.model.company import UserFields
from customer_sync.model.operation import Action, AppliedCompany, AppliedUser, UserOperation
from customer_sync.model.outcome import Finding, LogEntry, Outcome, Reason

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KEEP = timedelta(days=100)
RUN: dict[str, Any] = {"mode": "full", "dry_run": False, "moves_watermark": True, "window": {"interval": []}}
A_WRITE = UserOperation(action=Action.DELETE_USER, key="7", store_id=7)


def an_old_run(ledger: Ledger, run_id: str, **columns: Any) -> None:
    """A run of two hundred days ago with a customer, a settled write, a difference and a line of the log."""
    ended = NOW - timedelta(days=200)
    with ledger.write() as connection:
        ledger.runs.begin(connection, run_id, **{**RUN, **columns})
        ledger.runs.add_customers(connection, run_id, "batch_000", [f"C-{run_id}"])
        ledger.runs.put_outcomes(connection, run_id, [CustomerOutcome(f"C-{run_id}", Outcome.UPDATED)])
        ids = ledger.intents.open(connection, run_id, 1, [[IntendedWrite(f"C-{run_id}", A_WRITE)]])
        ledger.intents.settle(connection, ids, "confirmed")
        row = {"kind": "drift", "customer_id": f"C-{run_id}", "entity": "customer"}
        ledger.differences.append(connection, run_id, [row])
        planned = PlannedCustomer(f"C-{run_id}", "No•••", "sync", 1, "0" * 32)
        ledger.plans.replace(connection, run_id, "batch_000", [planned], [b"[]"])
        ledger.log.append(connection, run_id, "load", 1, [LogEntry(customer_id=f"C-{run_id}")])
        ledger.runs.update(connection, run_id, state="success", started_at_utc=ended, ended_at_utc=ended)
        aged = sa.update(story).where(story.c.run_id == run_id)
        connection.execute(aged.values(logged_at_utc=ended))


def runs_of(ledger: Ledger) -> set[str]:
    """Ids of the runs that are left."""
    with ledger.write() as connection:
        return set(
            connection.execute(sa.select(run.c.run_id).where(run.c.connector_id == ledger.connector_id)).scalars()
        )


def test_old_run_goes_with_all_that_belongs_to_it(ledger: Ledger, other: Ledger) -> None:
    """Customers, settled writes and differences of an old run go; another connector's stay."""
    an_old_run(ledger, "old")
    an_old_run(other, "old")
    removed = ledger.retention.clean_runs(NOW, KEEP)
    assert removed == {
        "run": 1,
        "batch": 1,
        "plan": 1,
        "journal": 1,
        "difference": 1,
        "access_removal": 0,
    }
    assert runs_of(ledger) == set()
    assert ledger.intents.counts("old") == {}
    assert ledger.differences.counts("old") == {}
    assert runs_of(other) == {"old"}
    assert other.intents.counts("old") == {"confirmed": 1}
    assert other.differences.counts("old") == {"drift": 1}


def test_young_run_stays_with_all_that_belongs_to_it(ledger: Ledger) -> None:
    """Age is counted from the end of the run."""
    an_old_run(ledger, "young")
    assert ledger.retention.clean_runs(NOW, timedelta(days=201))["run"] == 0
    assert ledger.runs.outcome_counts("young") == {"updated": 1}


def _keep_watermark(ledger: Ledger, run_id: str) -> None:
    with ledger.write() as connection:
        ledger.watermarks.put(connection, run_id, {"customers": "2026-01-01T00:00:00+00:00"})


def _keep_open_write(ledger: Ledger, run_id: str) -> None:
    with ledger.write() as connection:
        ledger.intents.open(connection, run_id, 1, [[IntendedWrite(f"C-{run_id}", A_WRITE)]])


def _keep_quarantine(ledger: Ledger, run_id: str) -> None:
    with ledger.write() as connection:
        found = [(f"C-{run_id}", Finding(reason=Reason.REJECTED_BY_STORE))]
        ledger.quarantine.replace(connection, run_id, [f"C-{run_id}"], found)


def _keep_unfinished(ledger: Ledger, run_id: str) -> None:
    with ledger.write() as connection:
        ledger.runs.put_outcomes(connection, run_id, [CustomerOutcome(f"C-{run_id}", Outcome.FAILED)])
        ledger.runs.refresh_unfinished(connection, run_id)


def _keep_interval(ledger: Ledger, run_id: str) -> None:
    with ledger.write() as connection:
        ledger.runs.update(connection, run_id, window={"interval": ["2026-01-01", "2026-01-02"]})


def _keep_running(ledger: Ledger, run_id: str) -> None:
    with ledger.write() as connection:
        ledger.runs.update(connection, run_id, state="running", ended_at_utc=None)


@pytest.mark.parametrize(
    "need",
    [_keep_watermark, _keep_open_write, _keep_quarantine, _keep_unfinished, _keep_interval, _keep_running],
)
def test_run_stays_however_old_when_a_later_one_depends_on_it(ledger: Ledger, need: Any) -> None:
    """Watermarks, open writes, quarantine, unfinished customers, backfills and live runs keep their run."""
    an_old_run(ledger, "needed")
    an_old_run(ledger, "idle")
    need(ledger, "needed")
    ledger.retention.clean_runs(NOW, KEEP)
    assert runs_of(ledger) == {"needed"}
    if need is _keep_interval:
        assert ledger.runs.of_interval(("2026-01-01", "2026-01-02")) == {"C-needed"}


def test_log_goes_by_age_in_bounded_steps(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old lines go, a few at a time so that nobody waits for long; young ones stay."""
    monkeypatch.setattr(retention_module, "STEP", 3)
    entries = [LogEntry(customer_id=f"C{number}") for number in range(10)]
    with ledger.write() as connection:
        ledger.log.append(connection, "r1", "load", 1, entries)
        connection.execute(sa.update(story).values(logged_at_utc=NOW - timedelta(days=200)))
        ledger.log.append(connection, "r2", "load", 1, entries[:2])
        ledger.log.append(connection, "r3", "load", 1, entries)
        connection.execute(sa.update(story).where(story.c.run_id == "r3").values(logged_at_utc=NOW - timedelta(days=1)))
    assert ledger.retention.clean_log(NOW, KEEP) == 10
    assert {row["run_id"] for row in ledger.log.rows(limit=None)} == {"r2", "r3"}


def test_the_latest_story_of_a_customer_stays_however_old(ledger: Ledger) -> None:
    """Who left the ERP years ago is still answered for, when the run is gone, too; older stories of the same go."""
    for run_id, days, reason in (("first", 300, "not_enabled"), ("last", 200, "email_missing")):
        an_old_run(ledger, run_id)
        with ledger.write() as connection:
            entry = LogEntry(customer_id="C1", outcome="filtered", reasons=(reason,), next_step="Add one.")
            ledger.log.append(connection, run_id, "filter", 1, [entry])
            aged = sa.update(story).where(story.c.customer_id == "C1", story.c.run_id == run_id)
            connection.execute(aged.values(logged_at_utc=NOW - timedelta(days=days)))
    ledger.retention.clean_log(NOW, KEEP)
    ledger.retention.clean_runs(NOW, KEEP)
    assert runs_of(ledger) == set()
    assert [row["run_id"] for row in ledger.log.rows(customer_id="C1")] == ["last"]
    told = ledger.stories.of("C1")
    assert told is not None
    assert (told.outcome, told.reasons, told.runs[0].run_id) == ("filtered", ("email_missing",), "last")


def test_what_can_be_undone_stays(ledger: Ledger) -> None:
    """A run stays as long as it may be undone, though its rows are kept for less long otherwise."""
    an_old_run(ledger, "old")
    ledger.retention.clean_runs(NOW, timedelta(days=1), timedelta(days=201))
    assert ledger.intents.counts("old") == {"confirmed": 1}
    ledger.retention.clean_runs(NOW, timedelta(days=1), timedelta(days=199))
    assert ledger.intents.counts("old") == {}


def test_links_and_quarantine_are_never_touched(ledger: Ledger) -> None:
    """Retention may take everything else away, and the next sync still knows what is whose."""
    an_old_run(ledger, "old")
    _keep_quarantine(ledger, "another")
    applied = AppliedCompany(company_id=5, users={"7": AppliedUser(store_id=7, fields=UserFields())})
    removal = AccessRemoval("C1", "7", NOW - timedelta(days=200), NOW - timedelta(days=201), "contact")
    with ledger.write() as connection:
        ledger.links.put(connection, "old", [CustomerState("C1", applied)])
        ledger.access.put(connection, "old", [removal])
    removed = ledger.retention.clean_runs(NOW, timedelta(0))
    assert removed["access_removal"] == 1
    assert ledger.links.counts() == (1, 1)
    assert ledger.quarantine.customer_ids() == ["C-another"]
