"""A warmed-up process that forks one victim per order: a case costs its requests, not its imports.

Started as ``python -m tests.reliability.crash.fork_server``; an order is one line of
JSON on its standard input, the answer one line with the victim's exit status on its
standard output. It has no threads, so that forking it is safe.
"""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from customer_sync.errors import SyncError
from customer_sync.ledger import Ledger
from tests.integration.twin_world import World, shipped_connector
from tests.reliability.crash.kill_point import Event, KillPoint, KillSwitch
from tests.reliability.crash.staged_run import StagedRun

ROOT = Path(__file__).resolve().parents[3]
FINISHED, STOPPED, BROKEN = 0, 3, 4
"""Exit codes of a victim that was not killed: done, ended by an error of ours, ended by any other."""


class Order(msgspec.Struct, kw_only=True):
    """What a victim is to do: one attempt of one run, and where it dies."""

    erp_url: str
    store_url: str
    ledger_url: str
    folder: str
    run_id: str
    rules: dict[str, dict[str, Any]]
    try_number: int = 1
    params: dict[str, Any] = {}
    read_timeout_s: float = 0.25
    kill: KillPoint | None = None
    most_file_bytes: int = 0
    """Largest size of any file that the victim writes, as on a full disk; 0 is no bound."""

    def world(self) -> World:
        """The world that it works in."""
        return World(self.erp_url, self.store_url, shipped_connector(), self.ledger_url).with_rules(**self.rules)


class Ending(msgspec.Struct, kw_only=True):
    """How a victim ended: ``signal`` is the one that killed it, else ``code`` is its exit code."""

    signal: int = 0
    code: int = 0


class ForkServer:
    """The parent's side of the warmed-up process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def perform(self, order: Order) -> Ending:
        """Have one victim carry out an order and wait for its end."""
        orders, answers = _pipes(self._process)
        orders.write(msgspec.json.encode(order) + b"\n")
        orders.flush()
        return msgspec.json.decode(answers.readline(), type=Ending)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("the process was started without pipes")
    return process.stdin, process.stdout


@contextmanager
def running_fork_server() -> Iterator[ForkServer]:
    """Start the process; it ends when its standard input is closed."""
    command = [sys.executable, "-m", "tests.reliability.crash.fork_server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own module
        yield ForkServer(process)
        orders, _ = _pipes(process)
        orders.close()
        process.wait(timeout=30)


def events_of(folder: Path) -> list[Event]:
    """What a finished victim did, in order."""
    return msgspec.json.decode((folder / "events.json").read_bytes(), type=list[Event])


def _be_victim(order: Order) -> int:
    if order.most_file_bytes:
        # Python ignores the signal, so that the write itself fails, as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.most_file_bytes, resource.RLIM_INFINITY))
    switch = KillSwitch(order.kill)
    switch.watch_commits()
    world = order.world()
    world.wrap_erp = lambda transport: switch.wrap("erp", transport)
    world.wrap_store = lambda transport: switch.wrap("store", transport)
    folder = Path(order.folder)
    options = {"read_timeout_s": order.read_timeout_s}
    try:
        with Ledger.open(world.connector.id, order.ledger_url) as ledger:
            staged = StagedRun(
                world,
                ledger,
                folder,
                order.run_id,
                try_number=order.try_number,
                client_options=options,
                params=order.params,
            )
            staged.proceed()
    except SyncError:
        _tell_trouble(folder)
        return STOPPED
    except BaseException:  # noqa: BLE001 - a victim must never get back into the loop; the case fails with this trace
        _tell_trouble(folder)
        return BROKEN
    (folder / "events.json").write_bytes(msgspec.json.encode(switch.events))
    return FINISHED


def _tell_trouble(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    (folder / "error.txt").write_text(traceback.format_exc())


def _serve() -> None:
    logging.disable(logging.CRITICAL)  # the retries of thousands of victims
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        child = os.fork()
        if child == 0:
            # Never back into the loop, and no exit handlers of the parent's.
            os._exit(_be_victim(order))
        _, status = os.waitpid(child, 0)
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
        sys.stdout.buffer.write(msgspec.json.encode(Ending(signal=killed_by, code=code)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
