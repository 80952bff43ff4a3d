"""Runs the conformance suite: ``python -m tests.conformance --target NAME`` or ``--source NAME``.

Further arguments go to pytest, such as ``-k crawl``, ``-n 4``, or ``-m long`` for the whole crash matrix.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.conformance.harness import sources, targets


def main() -> int:
    """Choose the cases, and run them; the exit code is pytest's."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.partition("\n")[0])
    parser.add_argument("--target", action="append", default=[], choices=sorted(targets()))
    parser.add_argument("--source", action="append", default=[], choices=sorted(sources()))
    chosen, more = parser.parse_known_args()
    if not (chosen.target or chosen.source):
        parser.error("name a --target or a --source")
    folder = Path(__file__).parent
    paths = [*(["target", "pipeline"] if chosen.target else []), *(["source"] if chosen.source else [])]
    options = [f"--target={name}" for name in chosen.target] + [f"--source={name}" for name in chosen.source]
    # A process of its own: what was imported to find the adapters would be imported before pytest prepares it.
    command = [sys.executable, "-m", "pytest", *(str(folder / path) for path in paths), *options, *more]
    return subprocess.call(command, cwd=folder.parents[1])  # noqa: S603 - our own suite


if __name__ == "__main__":
    sys.exit(main())
