"""Several calls in flight from one thread: while one waits for its server, the others go on.

A thread per request costs more than sending it does (docs/performance.md#clients). A call is an ordinary function that
runs in a greenlet of its own. Only :func:`wait_for` and :func:`pause` let others go on; between them nothing changes
hands, so what a call shares with the others needs no lock. Outside of a call both do what their names say and wait.
"""

from __future__ import annotations

import math
import select
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, Self

from greenlet import GreenletExit, getcurrent, greenlet

Work = Callable[[], Any]

_LONGEST_LOOK_S: Final = 3_600.0
"""No timer of the system goes beyond some weeks; a longer wait looks again."""


class Exchange(Protocol):
    """Something that takes time and goes on when bytes come, or when its time is over."""

    def advance(self) -> bool:
        """Do what can be done without waiting; returns whether it is over."""

    def descriptors(self) -> list[tuple[int, int]]:
        """What it waits for: file descriptors, each with its events for :func:`select.poll`."""

    def due_in_s(self) -> float:
        """Seconds until it wants to go on though no bytes come."""


class Call(greenlet):
    """One call: not begun, waiting, or done with an answer or an error.

    Attributes:
        answer: What the work returned.
        failure: What it raised instead, ``None`` if nothing.
    """

    def __init__(self, work: Work, calls: CallsInFlight) -> None:
        super().__init__()
        self._work = work
        self.calls = calls
        self.answer: Any = None
        self.failure: BaseException | None = None
        self.undivided = 0

    def run(self) -> None:
        """Do the work; whoever waits for the call gets what came of it."""
        try:
            self.answer = self._work()
        except BaseException as error:  # noqa: BLE001 - an interruption hits whichever call runs; `wait` raises it
            self.failure = error


class CallsInFlight:
    """Begins calls, and collects those that are done. It belongs to one thread, and waits only in :meth:`wait`.

    At the end of a ``with`` block what is still in flight is given up: its connection is closed.
    """

    def __init__(self) -> None:
        self._not_begun: deque[Call] = deque()
        self._waiting: dict[Call, Exchange] = {}
        self._done: list[Call] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for call in list(self._waiting):
            call.throw(GreenletExit)

    def submit(self, work: Work) -> Call:
        """Take a call; it begins with the next :meth:`poll` or :meth:`wait`."""
        call = Call(work, self)
        self._not_begun.append(call)
        return call

    def poll(self) -> bool:
        """Begin what was submitted, and let go on what has bytes or whose pause is over, without waiting.

        Work that never lets others go on is done one at a time, so that each can be settled before the next begins.

        Returns:
            Whether any call is done.
        """
        while self._not_begun and not self._done:
            self._go_on(self._not_begun.popleft())
        if self._waiting:
            self._look(0.0)
        return bool(self._done)

    def wait(self, most_s: float = math.inf) -> list[Call]:
        """Wait until a call is done, at most so many seconds.

        Returns:
            All calls that are; none when nothing is in flight, or the time is over.

        Raises:
            BaseException: What interrupted this thread while a call ran, such as the end of the task.
        """
        until_s = time.monotonic() + most_s
        while not self.poll() and self._waiting and (left_s := until_s - time.monotonic()) > 0:
            self._look(min(left_s, _LONGEST_LOOK_S))
        done, self._done = self._done, []
        for call in done:
            if call.failure is not None and not isinstance(call.failure, Exception):
                raise call.failure
        return done

    def park(self, call: Call, exchange: Exchange) -> None:
        """Let others go on until the exchange is over; called in the call itself."""
        self._waiting[call] = exchange
        try:
            if call.parent:
                call.parent.switch()
        finally:
            del self._waiting[call]

    def _look(self, most_s: float) -> None:
        _await_any(self._waiting.values(), most_s)
        # Whoever goes on may end, or begin to wait for something else.
        for call, exchange in list(self._waiting.items()):
            if exchange.advance():
                self._go_on(call)

    def _go_on(self, call: Call) -> None:
        call.switch()
        if call.dead:
            self._done.append(call)


class _Pause:
    """Nothing but time."""

    def __init__(self, seconds: float) -> None:
        self._until_s = time.monotonic() + seconds

    def advance(self) -> bool:
        return time.monotonic() >= self._until_s

    def descriptors(self) -> list[tuple[int, int]]:
        return []

    def due_in_s(self) -> float:
        return self._until_s - time.monotonic()


def pause(seconds: float) -> None:
    """Sleep, and let other calls in flight go on meanwhile."""
    call = _current()
    if call is None:
        time.sleep(seconds)
    else:
        call.calls.park(call, _Pause(seconds))


def wait_for(exchange: Exchange) -> None:
    """Wait until an exchange is over, and let other calls in flight go on meanwhile."""
    if exchange.advance():
        return
    call = _current()
    if call is not None:
        call.calls.park(call, exchange)
        return
    while not exchange.advance():
        _await_any([exchange], _LONGEST_LOOK_S)


@contextmanager
def undivided() -> Iterator[None]:
    """Keep other calls from going on while the block runs, even while it waits; for what only one may use at a time."""
    call = getcurrent()
    if not isinstance(call, Call):
        yield
        return
    call.undivided += 1
    try:
        yield
    finally:
        call.undivided -= 1


def side_by_side(questions: Sequence[Work]) -> list[Any]:
    """Ask several questions at once; within a call one after the other.

    Args:
        questions: What to do. None may need what another one brings.

    Returns:
        The answers, in the order of the questions.

    Raises:
        Exception: What the first of the questions that failed raised; the others were asked all the same.
    """
    if isinstance(getcurrent(), Call):
        return [question() for question in questions]
    with CallsInFlight() as calls:
        asked = [calls.submit(question) for question in questions]
        left = len(asked)
        while left:
            left -= len(calls.wait())
    for call in asked:
        if call.failure is not None:
            raise call.failure
    return [call.answer for call in asked]


def _await_any(exchanges: Any, most_s: float) -> None:
    """Wait until one of them can go on, at most so many seconds."""
    poll = select.poll()
    wait_s = most_s
    for exchange in exchanges:
        wait_s = min(wait_s, exchange.due_in_s())
        for descriptor, events in exchange.descriptors():
            poll.register(descriptor, events)
    # Rounded up: a look before its time finds nothing and looks again at once.
    poll.poll(max(0.0, wait_s) * 1000 + 1 if wait_s > 0 else 0)


def _current() -> Call | None:
    call = getcurrent()
    return call if isinstance(call, Call) and not call.undivided else None
