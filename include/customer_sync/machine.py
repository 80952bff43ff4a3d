"""What the product takes from the machine that it runs on: the time, waiting, and threads.

Whatever waits for an answer in a thread, sleeps, or asks for the time, asks here, so that a simulation can put a
machine of its own in place: then one seed decides the order of all that happens.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self

from customer_sync.calls_in_flight import CallsInFlight, pause


class Call(Protocol):
    """A call in flight, and what came of it.

    Attributes:
        answer: What it returned.
        failure: What it raised instead, ``None`` if nothing.
    """

    answer: Any
    failure: BaseException | None


class Calls(Protocol):
    """Several calls in flight, begun and collected by one thread."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def submit(self, work: Callable[[], Any], /) -> Call:
        """Take a call."""

    def poll(self) -> bool:
        """Let calls go on, without waiting; returns whether any is done."""

    def wait(self, most_s: float = ..., /) -> list[Any]:
        """Wait until a call is done, at most so many seconds; all that are, none when nothing is in flight."""


class Machine(Protocol):
    """A machine."""

    def utc_now(self) -> datetime:
        """The time now, aware, in UTC."""

    def monotonic_s(self) -> float:
        """Seconds of a clock that nobody sets, for durations."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def executor(self, threads: int, name: str) -> Executor:
        """Run tasks beside the caller, at most so many at once."""

    def calls(self) -> Calls:
        """Have several calls in flight from the caller's thread."""

    def repeat(self, every_s: float, work: Callable[[], bool], name: str) -> Callable[[], None]:
        """Do something beside the caller now and then, until it returns false or what this returns is called."""


class _ThisMachine:
    def utc_now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        pause(seconds)

    def executor(self, threads: int, name: str) -> Executor:
        return ThreadPoolExecutor(threads, thread_name_prefix=name)

    def calls(self) -> Calls:
        return CallsInFlight()

    def repeat(self, every_s: float, work: Callable[[], bool], name: str) -> Callable[[], None]:
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(every_s) and work():
                pass

        thread = threading.Thread(target=go_on, name=name, daemon=True)
        thread.start()

        def end() -> None:
            over.set()
            thread.join()

        return end


_machine: Machine = _ThisMachine()


def machine() -> Machine:
    """The machine that the product runs on."""
    return _machine


def sleep(seconds: float) -> None:
    """Wait, on whatever machine this is: a default for those who take a function that sleeps."""
    _machine.sleep(seconds)


@contextmanager
def running_on(other: Machine) -> Iterator[None]:
    """Run the whole process on another machine for the length of a block."""
    global _machine  # noqa: PLW0603 - a process runs on one machine
    before, _machine = _machine, other
    try:
        yield
    finally:
        _machine = before
