"""Run one contender as a process, and measure what it used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
PEERS_PYTHON = ROOT / ".cache" / "bench-venv" / "bin" / "python"
"""The peers' own environment, made by `make bench` from requirements-bench.txt."""

_LOOK_S = 0.05


@dataclass(frozen=True)
class Measured:
    """What one process used, its children included.

    Attributes:
        wall_s: From its start to its end.
        cpu_s: User and system time.
        peak_mb: Largest resident memory of the process, or of its largest child.
        told: What it said of its work: a JSON object on its last line.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    told: dict[str, Any]


class ContenderFailed(RuntimeError):
    """A contender ended with an error; its output is the message."""


class PeakMemory:
    """Follows the largest resident memory of a process, or of its largest child, while the block runs.

    The kernel's sum at the process's end (``ru_maxrss``) would not do: it begins with what the benchmark's own process
    held when it started the contender.

    Args:
        pid: The process.

    Attributes:
        peak_mb: What was seen, in MB; 0 where there is no ``/proc``.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.peak_mb = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self.peak_mb = max([self.peak_mb, *map(_high_water_mb, _family(self._pid))])


def _family(pid: int) -> list[int]:
    """A process and its descendants that are alive."""
    try:
        told = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []
    return [pid, *(each for child in told.split() for each in _family(int(child)))]


def _high_water_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def run_ours(module: str, order: dict[str, Any]) -> Measured:
    """Run a module of the project in an interpreter of its own.

    Args:
        module: Module with a ``main`` that reads the order from its first argument.
        order: What to do, as JSON.
    """
    return _run([sys.executable, "-m", module, json.dumps(order)])


def run_peer(script: str, order: dict[str, Any]) -> Measured:
    """Run a script of ``bench/peers`` in the peers' environment."""
    return _run([str(PEERS_PYTHON), str(ROOT / "bench" / "peers" / script), json.dumps(order)])


def _run(command: list[str]) -> Measured:
    # A package is installed with its bytecode; an environment that writes none would have it compiled at each start.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {
        **inherited,
        "AIRFLOW_HOME": str(ROOT / ".cache" / "airflow-home"),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    }
    started = time.perf_counter()
    # Files, not pipes: nothing has to be read while it runs, and wait4 alone ends it.
    with tempfile.TemporaryFile("w+") as out_file, tempfile.TemporaryFile("w+") as error_file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out_file, stderr=error_file)  # noqa: S603 - our own command
        with PeakMemory(process.pid) as memory:
            _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out_file.seek(0)
        error_file.seek(0)
        out, error = out_file.read(), error_file.read()
    if process.returncode:
        said = f"{out[-2000:]}\n{error[-4000:]}"
        raise ContenderFailed(f"{' '.join(command[:2])} ended with {process.returncode}:\n{said}")
    lines = [line for line in out.splitlines() if line.startswith("{")]
    told = json.loads(lines[-1]) if lines else {}
    return Measured(wall_s, usage.ru_utime + usage.ru_stime, memory.peak_mb, told)
