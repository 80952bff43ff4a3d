"""Start and end the demonstration's processes: by process id, and wholly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

_GRACE_S = 30
"""How long a process may take to end by itself."""


def _ready_for_interrupts() -> None:
    """Give a child the usual meaning of SIGINT, which a shell's `&` would have taken away."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Processes:
    """The processes of one demonstration, each the leader of a session and process group of its own.

    Their ids are written down, so that the next start can end what a killed demonstration left behind.

    Args:
        record: File for the process ids.
        root: Working folder of the processes, and the mark by which leftovers are known.
        elsewhere: Folders to which some of them move, as database servers do.
    """

    def __init__(self, record: Path, root: Path, *elsewhere: Path) -> None:
        self._record = record
        self._root = root
        self._marks = {root, *elsewhere}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._output: dict[str, Path] = {}

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        output: Path,
        *,
        user_id: int | None = None,
    ) -> None:
        """Start a process; it gets none of the terminal's signals.

        Args:
            name: What messages call it.
            command: Program and arguments.
            environment: Its whole environment.
            output: File that takes what it prints; the previous start's is replaced.
            user_id: The account that it runs under, where not our own; only root may give one.
        """
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("wb") as file:
            self._running[name] = subprocess.Popen(  # noqa: S603 - the commands are our own
                list(command),
                cwd=self._root,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user_id,
                group=user_id,
                preexec_fn=_ready_for_interrupts,  # noqa: PLW1509 - no thread runs yet, and nothing else resets SIGINT
            )
        self._output[name] = output
        self._record.write_text(json.dumps([each.pid for each in self._running.values()]), encoding="utf-8")

    def wait_until(self, name: str, answers: Callable[[], bool], timeout_s: float, poll_s: float = 0.2) -> None:
        """Wait until a process is of use.

        Args:
            name: The process.
            answers: Asks it; true ends the wait.
            timeout_s: Longest wait in seconds.
            poll_s: Pause between two questions in seconds.

        Raises:
            DemoError: It ended, or did not answer in time; the last lines of its output are in the message.
        """
        deadline = time.monotonic() + timeout_s
        while not answers():
            self.check(name)
            if time.monotonic() > deadline:
                raise DemoError(f"{name} did not respond for {timeout_s:.0f} s.\n{self.last_lines(name)}")
            time.sleep(poll_s)

    def check(self, only: str | None = None) -> None:
        """See that every process, or one of them, is still running.

        Args:
            only: The one that is meant.

        Raises:
            DemoError: One ended by itself; the last lines of its output are in the message.
        """
        for name, process in self._running.items():
            code = process.poll()
            if code is not None and only in {None, name}:
                raise DemoError(f"{name} ended by itself (exit code {code}).\n{self.last_lines(name)}")

    def said(self, name: str) -> str:
        """All that a process has printed since its start."""
        return self._output[name].read_text(encoding="utf-8", errors="replace")

    def last_lines(self, name: str, lines: int = 25) -> str:
        """The end of what a process printed, with the file's name above."""
        path = self._output[name]
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        return "\n".join((f"The last lines of {path}:", *text))

    def ended(self) -> list[str]:
        """Names of the processes that ended by themselves; each can be started again."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def pid(self, name: str) -> int:
        """The process's id, which is its session's id as well."""
        return self._running[name].pid

    def kill(self, name: str, with_signal: signal.Signals = signal.SIGKILL, timeout_s: float = _GRACE_S) -> None:
        """End a process at once, with everything that it started and that stayed in its session.

        Args:
            name: The process; it can be started again.
            with_signal: What its leader gets; others of its session are killed once it has ended.
            timeout_s: Longest wait for its end in seconds.
        """
        process = self._running.pop(name)
        process.send_signal(with_signal)
        if with_signal is signal.SIGKILL:
            _kill_session(process.pid)
        process.wait(timeout_s)
        _kill_session(process.pid)

    def stop(self) -> None:
        """End all processes, the last started first, and whatever they started."""
        for name in reversed(list(self._running)):
            process = self._running.pop(name)
            # To the leader alone: Airflow's standalone command ends its parts in order, a twin saves its state.
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                pass  # what the group kill below is for
            finally:
                _kill_group(process.pid)
                _kill_session(process.pid)
            process.wait()
        self._record.unlink(missing_ok=True)

    def end_leftovers(self) -> int:
        """End what an earlier demonstration left running because it was killed itself.

        A recorded process group is ours only if its members still work in our folders; anything else may
        have got the number since.

        Returns:
            How many process groups were ended.
        """
        if not self._record.exists():
            return 0
        recorded = set(json.loads(self._record.read_text(encoding="utf-8")))
        ours = recorded & _groups_working_in(self._marks)
        for group in ours:
            _kill_group(group)
        # A killed process holds its port until the system has taken it down.
        deadline = time.monotonic() + _GRACE_S
        while ours & _groups_working_in(self._marks) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._record.unlink()
        return len(ours)


def _kill_session(session: int) -> None:
    """Kill what left a process's group and stayed in its session, such as the tasks of a worker."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(entry.name)) == session:
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue  # ended already, or somebody else's


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return  # all of it ended by itself


def _groups_working_in(folders: AbstractSet[Path]) -> set[int]:
    """Process groups with a member whose working folder is one of these; empty where the system does not show them."""
    groups: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() in folders:
                groups.add(os.getpgid(int(entry.name)))
        except OSError:
            continue  # ended already, or somebody else's
    return groups
