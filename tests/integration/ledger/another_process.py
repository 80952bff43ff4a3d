"""A process beside the test that holds something of the ledger, to be killed or stopped."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def another_process(ledger_url: str, what: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that takes something and works on for ever; it has it when the block begins."""
    script = f"""
import sys, time
from customer_sync.ledger import Ledger
ledger = Ledger.open("knb", sys.argv[1])
{what}
print("taken", flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", script, ledger_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own script
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"taken\n"
            yield process
        finally:
            process.kill()
