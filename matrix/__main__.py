"""Makes the environments, asks each the same questions, prints a table: ``python -m matrix --rows 3.2.1``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from subprocess import SubprocessError

from rich.console import Console
from rich.table import Table
from urllib3.exceptions import HTTPError

from demo.errors import DemoError
from matrix.environment import Environment, MatrixError, make_environment
from matrix.rows import PYTHONS, ROWS, Row, interpreters
from matrix.trial import QUESTIONS, lacking
from matrix.world import TrialError, running_world

ROOT = Path(__file__).resolve().parent.parent
SHOWN = ("apache-airflow", "apache-airflow-providers-standard", "sqlalchemy", "pandas")


def ask_all(environment: Environment, console: Console) -> dict[str, str]:
    """Ask every question in turn; the answers by column, *failed* where one was wrong.

    Args:
        environment: Where they are asked.
        console: Takes what went wrong.
    """
    answers: dict[str, str] = {}
    with running_world(ROOT, environment) as world:
        for column, question in QUESTIONS.items():
            begin = time.monotonic()
            try:
                answers[column] = question(world)
            except (TrialError, DemoError, HTTPError, SubprocessError, OSError, ValueError, KeyError) as error:
                answers[column] = "failed"
                console.print(f"{environment.folder.name}, {column}: {type(error).__name__}: {error}", markup=False)
            seconds = time.monotonic() - begin
            console.print(f"{environment.folder.name}, {column}: {answers[column]} ({seconds:.0f} s)", markup=False)
        for sentence in lacking(world):
            console.print(f"{environment.folder.name}: {sentence}", markup=False)
    return answers


def main(arguments: list[str] | None = None) -> int:
    """Try the rows; the result is 0 when every question of each was answered well.

    Args:
        arguments: Command line without the program's name.
    """
    parser = argparse.ArgumentParser(prog="matrix", description=__doc__)
    parser.add_argument("--rows", nargs="*", choices=[row.name for row in ROWS], help="those alone")
    parser.add_argument("--pythons", nargs="*", choices=PYTHONS, help="on those alone")
    chosen = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    (wheel,) = (ROOT / "dist").glob("acumatica_better_b2b_sync-*.whl")
    found = interpreters(chosen.pythons or PYTHONS)
    table = Table("row", "Python", "Airflow", "standard", "SQLAlchemy", "pandas", *QUESTIONS)
    is_green = True
    for row in ROWS:
        for python, interpreter in found.items():
            is_for_it = row.name in (chosen.rows or [row.name]) and (not row.lowest or python == PYTHONS[0])
            if interpreter is not None and is_for_it:
                cells = _try(row, python, interpreter, wheel, console)
                is_green = is_green and "failed" not in cells
                table.add_row(row.name, python, *cells)
    console.print(table)
    missing = [version for version, path in found.items() if path is None]
    if missing:
        console.print(f"Not tried, since this machine has no such interpreter: Python {', '.join(missing)}.")
    return 0 if is_green else 1


def _try(row: Row, python: str, interpreter: str, wheel: Path, console: Console) -> list[str]:
    console.print(f"{row.name} on Python {python}: environment", markup=False)
    try:
        environment = make_environment(ROOT, wheel, row, python, interpreter)
    except MatrixError as error:
        console.print(str(error), markup=False)
        return ["failed", *[""] * (len(SHOWN) + len(QUESTIONS) - 1)]
    versions = environment.versions()
    answers = ask_all(environment, console)
    return [*(versions.get(name, "") for name in SHOWN), *(answers[column] for column in QUESTIONS)]


if __name__ == "__main__":
    sys.exit(main())
