"""A write without an answer fails only when the server cannot work on it any more."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from customer_sync.errors import ConnectFailed, ReplyLost, SyncError, Unavailable
from customer_sync.http.exchange import Exchange
from customer_sync.http.pacing import Pacer, RequestCounter
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.machine import running_on
from tests.simulation.virtual_machine import VirtualMachine

POST = HttpRequest("POST", "/companies", body=b"{}", system="Store")
GET = HttpRequest("GET", "/companies", system="Store")
WORK_S = 60.0


@pytest.fixture
def machine() -> Iterator[VirtualMachine]:
    """Waiting costs nothing."""
    virtual = VirtualMachine()
    with running_on(virtual):
        yield virtual


class Line:
    """A transport on which a request ends after some seconds, in an error or with a status."""

    def __init__(self, machine: VirtualMachine, after_s: float, end: SyncError | int) -> None:
        self._machine, self._after_s, self._end = machine, after_s, end

    def send(self, _request: HttpRequest) -> HttpResponse:
        """Let time pass, and end."""
        self._machine.pass_time(self._after_s)
        if isinstance(self._end, SyncError):
            raise self._end
        return HttpResponse(self._end)

    def close(self) -> None:
        """Nothing is open."""


def took_s(
    machine: VirtualMachine, request: HttpRequest, after_s: float, end: SyncError | int, *, work_s: float = WORK_S
) -> float:
    """Seconds from sending to failing."""

    def read(answer: HttpResponse) -> None:
        raise Unavailable("The server failed.", status=answer.status)

    exchange = Exchange(
        Line(machine, after_s, end),
        pacer=Pacer(0),
        retry=RetryPolicy(attempts=1, clock=machine.monotonic_s),
        counter=RequestCounter(),
        on_answer=lambda _: None,
        longest_work_s=work_s,
    )
    begun_s = machine.monotonic_s()
    effect = Effect.READ if request is GET else Effect.WRITE
    with pytest.raises(SyncError):
        exchange.run(lambda: request, effect, read)
    return machine.monotonic_s() - begun_s


LOST = ReplyLost("The connection was reset.", system="Store")
CUT = ReplyLost("The body was cut.", system="Store", status=200)
NOT_SENT = ConnectFailed("Nothing was sent.", system="Store")


@pytest.mark.parametrize(
    ("request_", "after_s", "end", "expected_s"),
    [
        (POST, 1.0, LOST, WORK_S),
        (POST, WORK_S + 5, LOST, WORK_S + 5),
        (POST, 1.0, 502, WORK_S),
        (POST, 30.0, 504, WORK_S),
        (POST, 1.0, 524, WORK_S),
        (POST, 1.0, 500, 1.0),
        (POST, 1.0, 503, 1.0),
        (POST, 1.0, CUT, 1.0),
        (POST, 1.0, NOT_SENT, 1.0),
        (GET, 1.0, LOST, 1.0),
        (GET, 1.0, 504, 1.0),
    ],
    ids=str,
)
def test_a_write_fails_when_the_server_cannot_work_on_it_any_more(
    machine: VirtualMachine, request_: HttpRequest, after_s: float, end: SyncError | int, expected_s: float
) -> None:
    """Without an answer or given up by a gateway: after its longest work; answered, unsent or a read: at once."""
    assert took_s(machine, request_, after_s, end) == pytest.approx(expected_s)


def test_nothing_is_waited_for_where_a_late_write_does_no_harm(machine: VirtualMachine) -> None:
    """A server whose writes may be late, such as an ERP that is only told the ids, is not waited for."""
    assert took_s(machine, POST, 1.0, LOST, work_s=0.0) == pytest.approx(1.0)


def test_the_log_says_what_is_waited_for_and_until_when(
    machine: VirtualMachine, caplog: pytest.LogCaptureFixture
) -> None:
    """System, request, seconds, and the time at which it goes on."""
    with caplog.at_level(logging.WARNING):
        took_s(machine, POST, 1.0, LOST)
    assert caplog.messages == [
        "Store POST /companies got no answer: waiting 59 s, until 08:01:00 UTC, since the server may still work on it."
    ]
