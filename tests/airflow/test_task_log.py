"""The task log is folded by batch and gives signs of life."""

import logging
import threading
from dataclasses import dataclass

import pytest

from customer_sync.http.pacing import RequestUse
from customer_sync.model.outcome import LogEntry
from customer_sync_airflow.tasks.task_log import print_batch, reporting_requests


@dataclass
class Counting:
    """A client that has sent so many requests."""

    asked: threading.Event

    def requests_used(self) -> RequestUse:
        """What it used; remembers that somebody asked."""
        self.asked.set()
        return RequestUse(total=7, refused=1, retried=2, by_method={"GET": 7}, by_status={200: 7})


def test_batch_is_folded_when_it_has_entries(caplog: pytest.LogCaptureFixture) -> None:
    """Entries stand between the marks that Airflow folds, one record each, at their own level."""
    caplog.set_level(logging.INFO)
    entries = [
        LogEntry(customer_id="C1", outcome="created"),
        LogEntry(customer_id="C2", outcome="quarantined", level="warning"),
    ]
    print_batch("C1 and C2 (2)", entries)
    texts = [record.getMessage() for record in caplog.records]
    assert texts[0] == "::group::C1 and C2 (2)"
    assert texts[-1] == "::endgroup::"
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "WARNING", "INFO"]
    assert texts[1].startswith("C1")


def test_summary_is_not_folded_when_there_are_no_entries(caplog: pytest.LogCaptureFixture) -> None:
    """A summary of several lines becomes as many records, in sight without a click."""
    caplog.set_level(logging.INFO)
    print_batch("Summary\n  extracted 3", [])
    assert [record.getMessage() for record in caplog.records] == ["Summary", "  extracted 3"]


def test_watch_ends_with_the_work_when_it_fails() -> None:
    """Signs of life come while the work lasts; when it fails, the watcher is gone and the error passes."""
    client = Counting(threading.Event())
    threads = threading.active_count()

    def work() -> None:
        with reporting_requests("Better B2B", client, every_s=0.01):  # type: ignore[arg-type]  # only requests_used is asked
            assert client.asked.wait(10)
            raise LookupError

    with pytest.raises(LookupError):
        work()
    assert threading.active_count() == threads
