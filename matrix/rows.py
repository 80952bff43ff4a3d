"""Which versions of Airflow are tried, each with the packages of its time, and on which interpreters."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13")
"""What is tried where the machine has it."""


@dataclass(frozen=True)
class Row:
    """One environment.

    Attributes:
        name: What the table calls it.
        day: Packages published later do not exist for it; ``None`` installs the lock of the project.
        pins: Versions that somebody else's constraints fix (docs/dependencies.md#beside-others).
        lowest: Whether every declared package is taken in the lowest version that fits; on the oldest interpreter
            alone, since younger ones have no such old packages.
    """

    name: str
    day: str | None
    pins: tuple[str, ...] = ()
    lowest: bool = False


ROWS = (
    # The floors of pyproject.toml are what this row installs.
    Row("lowest", "2026-04-25", ("apache-airflow-core==3.2.0",), lowest=True),
    Row(
        "3.2.1",
        "2026-04-25",
        (
            "apache-airflow==3.2.1",
            "apache-airflow-providers-standard==1.12.3",
            "apache-airflow-providers-http==6.0.2",
            "apache-airflow-providers-common-io==1.7.2",
            "sqlalchemy==2.0.49",
            "pandas==2.3.3",
            "pyarrow==23.0.1",
        ),
    ),
    Row(
        "3.3.1",
        "2026-08-13",
        (
            "apache-airflow==3.3.1",
            "apache-airflow-providers-standard==1.17.0",
            "apache-airflow-providers-http==6.0.5",
            "apache-airflow-providers-common-io==1.8.0",
            "sqlalchemy==2.0.51",
            "pandas==3.0.5",
        ),
    ),
    Row("lock", None),
)


def interpreters(versions: Iterable[str] = PYTHONS) -> dict[str, str | None]:
    """The path of an interpreter of each version; ``None`` where the machine has none.

    Args:
        versions: Such as ``3.11``.
    """
    return {version: next(filter(_runs, _places(version)), None) for version in versions}


def _places(version: str) -> Iterator[str]:
    """Where an interpreter of a version may be: on the path, or where pyenv keeps those that are not on it."""
    if found := shutil.which(f"python{version}"):
        yield found
    yield from map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")))


def _runs(path: str) -> bool:
    """Whether it is an interpreter; pyenv puts a name on the path also where it then runs none."""
    return subprocess.run([path, "-c", ""], check=False, capture_output=True, timeout=60).returncode == 0  # noqa: S603
