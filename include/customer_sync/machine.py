"""What the product takes from the machine that it runs on: the time, waiting, and threads.

Whatever waits for an answer in a thread, sleeps, or asks for the time, asks here, so that a simulation can put a
machine of its own in place: then one seed decides the order of all that happens.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol


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

    def wait_for_any(self, running: Collection[Future[Any]]) -> list[Future[Any]]:
        """Wait until one of the tasks at least is done; those that are, in the order given."""


class _ThisMachine:
    def utc_now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def executor(self, threads: int, name: str) -> Executor:
        return ThreadPoolExecutor(threads, thread_name_prefix=name)

    def wait_for_any(self, running: Collection[Future[Any]]) -> list[Future[Any]]:
        done = wait(running, return_when=FIRST_COMPLETED).done
        return [future for future in running if future in done]


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
