"""A machine on virtual time whose threads are scheduled by a seed: what the product does on it happens in one order.

A task begins when somebody waits for it, or for one of several: then the seed decides which come first. So a seed
tries the orders in which answers may arrive, and tries the same one whenever it is the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from customer_sync.machine import Calls


@dataclass
class VirtualMachine:
    """A machine; ``now`` moves when somebody sleeps, or when :meth:`pass_time` is called."""

    now: datetime = datetime(2026, 3, 2, 8, tzinfo=UTC)
    order: random.Random = field(default_factory=lambda: random.Random(0))

    def utc_now(self) -> datetime:
        return self.now

    def unix_s(self) -> float:
        return self.now.timestamp()

    def monotonic_s(self) -> float:
        return self.now.timestamp()

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)

    def executor(self, _threads: int, _name: str) -> Executor:
        return _LazyExecutor()

    def calls(self) -> Calls:
        return _ShuffledCalls(self.order)

    def repeat(self, _every_s: float, _work: Callable[[], bool], _name: str) -> Callable[[], None]:
        """Nothing happens by itself: a holder is as silent as one that is stopped, and asks the ledger instead."""
        return lambda: None


@dataclass(eq=False)
class _Call:
    work: Callable[[], Any]
    answer: Any = None
    failure: BaseException | None = None

    def perform(self) -> None:
        try:
            self.answer = self.work()
        except BaseException as error:  # noqa: BLE001 - as a call hands over whatever ended it
            self.failure = error


class _ShuffledCalls:
    def __init__(self, order: random.Random) -> None:
        self._order = order
        self._begun: list[_Call] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for call in self._begun:
            call.perform()

    def submit(self, work: Callable[[], Any]) -> _Call:
        call = _Call(work)
        self._begun.append(call)
        return call

    def poll(self) -> bool:
        return False

    def wait(self, _most_s: float = 0.0) -> list[_Call]:
        if not self._begun:
            return []
        done = self._order.sample(self._begun, self._order.randint(1, len(self._begun)))
        self._begun = [call for call in self._begun if call not in done]
        for call in done:
            call.perform()
        return done


class _LazyFuture(Future[Any]):
    """A task that is done when its result is asked for at the latest."""

    def __init__(self, task: Callable[[], Any]) -> None:
        super().__init__()
        self._task = task

    def perform(self) -> None:
        if self.done():
            return
        try:
            self.set_result(self._task())
        except BaseException as error:  # noqa: BLE001 - as a thread hands over whatever ended its task
            self.set_exception(error)

    def result(self, timeout: float | None = None) -> Any:
        self.perform()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self.perform()
        return super().exception(timeout)


class _LazyExecutor(Executor):
    def __init__(self) -> None:
        self._begun: list[_LazyFuture] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = _LazyFuture(lambda: fn(*args, **kwargs))
        self._begun.append(future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - as Executor has it
        for future in self._begun:
            future.perform()
