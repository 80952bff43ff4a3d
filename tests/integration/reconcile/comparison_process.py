"""A comparison in a process of its own, whose memory is measured: python -m … ERP STORE LEDGER."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.integration.reconcile.corruption import new_run_id
from tests.integration.twin_world import World, shipped_connector


def main() -> None:
    """Compare once; print what was found, the peak of memory before and after, and the seconds, as JSON."""
    erp_url, store_url, ledger_url = sys.argv[1:]
    before_mb = peak_mb()
    began = time.perf_counter()
    report = World(erp_url, store_url, shipped_connector(), ledger_url).reconcile(run_id=new_run_id())
    seconds = time.perf_counter() - began
    facts = {"standings": report.standings, "classes": report.classes, "sizes": report.facts["sizes"]}
    print(json.dumps({**facts, "before_mb": before_mb, "peak_mb": peak_mb(), "seconds": seconds}))  # noqa: T201 - read by the test


def peak_mb() -> float:
    """The largest resident size of this program so far.

    Not ``ru_maxrss``: that one keeps the size of the process that started it (Linux, exec).
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell VmHWM")


if __name__ == "__main__":
    main()
