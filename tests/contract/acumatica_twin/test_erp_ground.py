"""The ground that both twins share: bounds of the call log, times of faults, size of the world."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sandbox.calls import CallLog, masked
from sandbox.clock import Clock
from sandbox.exchange import Call
from sandbox.faults import FaultList
from sandbox.settings import SettingError, Settings, Switch


def _call(body: bytes = b"", path: str = "/x") -> Call:
    return Call("GET", path, path, "", {}, body)


def _log(**bounds: int) -> CallLog:
    log = CallLog(Clock(), **bounds)
    for number in range(10):
        log.record(_call(b"x" * 100, f"/{number}"), status=200, duration_ms=1.0, answer=b"", fault=None, at_s=0.0)
    return log


def test_oldest_calls_leave_when_the_log_is_full() -> None:
    """The log is bounded by rows and by bytes, and the newest stay."""
    assert [row["path"] for row in _log(max_rows=3).rows()] == ["/7", "/8", "/9"]
    assert [row["path"] for row in _log(max_held_bytes=250).rows()] == ["/8", "/9"]
    assert [row["seq"] for row in _log(max_rows=3).rows(since=9)] == [10]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "password": "hunter\\"2"}',
        "grant_type=password&password=hunter2&client_secret=hunter2",
        '{"access_token":"hunter2","refresh_token" : "hunter2"}',
        "token=hunter2",
    ],
)
def test_secrets_are_masked_when_calls_are_shown(text: str) -> None:
    """No secret-named value is readable in the log."""
    assert "hunter" not in masked(text)
    assert "***" in masked(text)


def test_burst_ends_when_its_seconds_are_over() -> None:
    """A burst hits every matching call of its time by sandbox clock, as often as ordered."""
    clock = Clock()
    clock.freeze()
    book = FaultList(clock, frozenset(), frozenset())
    book.replace([{"effect": "burst_429", "seconds": 10, "times": 2, "after": 1}])
    hits = []
    for advance_s in (0, 0, 5, 6, 5, 6, 1):
        clock.advance_s(advance_s)
        hits.append(book.pick(_call()) is not None)
    assert hits == [False, True, True, True, True, False, False]


def test_first_matching_fault_is_taken_when_several_fit() -> None:
    """Faults are tried in order; a spent one makes way for the next."""
    book = FaultList(Clock(), frozenset(("own",)), frozenset(("message",)))
    book.replace([{"effect": "html", "times": 1}, {"effect": "own"}, {"effect": "message"}])
    picked = [book.pick(_call()) for _ in range(2)]
    assert [fault.effect for fault in picked if fault] == ["html", "own"]
    message = book.pick_for_message(_call())
    assert message is not None
    assert message.effect == "message"


@pytest.mark.parametrize(
    ("default", "value", "fits"),
    [
        (5, 6, True),
        (5, 6.0, False),
        (5, True, False),
        (5, -1, False),
        (1.0, 2, True),
        (True, 1, False),
        ("a", "b", True),
    ],
)
def test_setting_takes_its_own_type_only_when_changed(default: Any, value: Any, fits: bool) -> None:  # noqa: FBT001 - a table
    """A switch accepts values of its default's type and range, and nothing else."""
    is_number = isinstance(default, int | float) and not isinstance(default, bool)
    settings = Settings([Switch("x", default, "Some switch.", minimum=0 if is_number else None)])
    if fits:
        settings.update({"x": value})
        assert settings["x"] == value
        settings.reset()
    else:
        with pytest.raises(SettingError):
            settings.update({"x": value})
    assert settings["x"] == default


@pytest.mark.long
def test_world_of_100_000_customers_is_ready_in_time_when_started(start_twin: Any) -> None:
    """100,000 customers load in under 30 seconds, and a page of 500 answers in well under a second."""
    began = time.process_time()  # of this process, in which the twin runs: other tests beside it do not count
    erp = start_twin(customers=100_000)
    assert time.process_time() - began < 30
    erp.login()
    for entity, text in (("Customer", "CustomerID gt 'C050000'"), ("Contact", "BusinessAccount eq 'C050000'")):
        began = time.process_time()
        assert erp.get(f"{erp.default}/{entity}", {"$filter": text, "$top": 500}).status_code == 200
        assert time.process_time() - began < 0.5
