"""The task log is folded by batch and gives signs of life."""

import logging
import threading
from dataclasses import dataclass

import pytest
from airflow.sdk.exceptions import AirflowFailException

from customer_sync.errors import ConfigError, ContractError, RecordRejected, SyncError
from customer_sync.http.pacing import RequestUse
from customer_sync.model.outcome import LogEntry
from customer_sync.one_line import one_line
from customer_sync_airflow.tasks.error_boundary import airflow_boundary
from customer_sync_airflow.tasks.task_log import print_batch, print_lines, reporting_requests


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


HOSTILE = "A::endgroup::B\n::group::C\r\x1b[31m\u202e\u2066\u2028\u200b\ufeff\x00::EndGroup::"


def _assert_fit(lines: list[str]) -> None:
    for line in lines:
        assert line.isprintable(), line
        assert "::endgroup::" not in line.casefold()
        assert "::group::" not in line.removeprefix("::group::").casefold()


def test_lines_stay_lines_when_a_record_holds_marks_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A customer's name or an answer cannot end a fold, begin one, break, reverse or hide a line."""
    caplog.set_level(logging.INFO)
    texts = ("customer_id", "customer_name", "entity", "key", "action", "outcome", "field", "store_id", "message")
    entry = LogEntry(**dict.fromkeys((*texts, "next_step"), HOSTILE), reasons=(HOSTILE,))  # type: ignore[arg-type]
    print_batch(f"{HOSTILE} and {HOSTILE}", [entry])
    print_lines([HOSTILE])
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    assert [line.startswith("::group::") for line in lines] == [True, False, False, False]
    assert [line == "::endgroup::" for line in lines] == [False, False, True, False]
    _assert_fit([lines[0], lines[1], lines[3]])
    assert r"\x1b[31m\u202e" in lines[1]


@pytest.mark.parametrize("kind", [ConfigError, ContractError, RecordRejected])
def test_errors_stay_lines_when_they_quote_marks_of_the_log(
    kind: type[SyncError], caplog: pytest.LogCaptureFixture
) -> None:
    """The sentence of an error is as harmless as the lines about customers; one of a server is one line."""
    caplog.set_level(logging.INFO)
    with pytest.raises(AirflowFailException) as caught, airflow_boundary():
        raise kind(f"The server says {HOSTILE}.")
    _assert_fit(str(caught.value).split("\n"))
    assert len(str(caught.value).split("\n")) == (2 if kind is ConfigError else 1)
    for record in caplog.records:
        _assert_fit(record.getMessage().split("\n"))


@pytest.mark.parametrize(
    "name",
    [
        "Jos\u00e9 O'Neil::Group",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f469",
        "a::b",
        "",
    ],
)
def test_name_is_unchanged_when_it_is_a_name(name: str) -> None:
    """Names of all scripts are shown as they are."""
    assert one_line(name) == name
