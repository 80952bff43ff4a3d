"""Environments with the wheel and one version of Airflow, made on demand below ``.cache/matrix/``."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from matrix.rows import Row

TOOLS = Path(sys.executable).parent
_INSTALL_S = 900


class MatrixError(Exception):
    """An environment could not be made, or is not what was declared; the message says why."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        folder: Where it is.
        row: What it was made from.
        python: Version of its interpreter, such as ``3.11``.
    """

    folder: Path
    row: Row
    python: str

    @property
    def bin(self) -> Path:
        """Its programs."""
        return self.folder / "bin"

    def versions(self) -> dict[str, str]:
        """What is installed in it, by name."""
        found = distributions(path=[str(path) for path in self.folder.glob("lib/python3*/site-packages")])
        return {each.name.lower().replace("_", "-"): each.version for each in found}


def make_environment(root: Path, wheel: Path, row: Row, python: str, interpreter: str) -> Environment:
    """Resolve the wheel beside the row's pins, and install it with all it needs.

    Args:
        root: The project's root.
        wheel: What ``make wheel`` has built.
        row: The environment that is wanted.
        python: Version of the interpreter.
        interpreter: Its path.

    Raises:
        MatrixError: The wheel does not fit beside the pins, or a package could not be installed.
    """
    folder = root / ".cache" / "matrix" / f"{row.name}-py{python}"
    environment = Environment(folder, row, python)
    folder.parent.mkdir(parents=True, exist_ok=True)
    declared = _declared(root) if row.lowest else []
    locked = root / "requirements.txt" if row.day is None else _resolve(folder, wheel, row, python, declared)
    stamp = folder / "installed.sha256"
    digest = hashlib.sha256(locked.read_bytes()).hexdigest()
    target = ("pip", "install", "--quiet", "--python", str(environment.bin / "python"))
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != digest:
        _uv("venv", "--quiet", "--clear", "--python", interpreter, str(folder))
        hashes = ("--require-hashes",) if row.day is None else ()
        _uv(*target, *hashes, "--requirement", str(locked))
        stamp.write_text(digest, encoding="utf-8")
    # The wheel's version stays while its content changes.
    _uv(*target, "--no-deps", "--reinstall", str(wheel))
    _uv("pip", "check", "--quiet", "--python", str(environment.bin / "python"))
    if row.lowest:
        check_floors(declared, environment.versions())
    return environment


def _declared(root: Path) -> list[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [str(each) for each in project["dependencies"]]


def check_floors(declared: Iterable[str], installed: dict[str, str]) -> None:
    """See that each declared floor is the version that was installed.

    Args:
        declared: Requirements of `pyproject.toml`.
        installed: Versions by name.

    Raises:
        MatrixError: Another version was; all such are named.
    """
    wrong = [
        f"pyproject.toml declares {each}, but {installed[each.name]} was tried"
        for each in map(Requirement, declared)
        if Version(installed[each.name]) not in {Version(bound.version) for bound in each.specifier}
    ]
    if wrong:
        raise MatrixError("; ".join(wrong))


def _resolve(folder: Path, wheel: Path, row: Row, python: str, direct: Iterable[str]) -> Path:
    """Every package of a row by version; resolving fails where the wheel does not fit beside the pins.

    What the wheel asks for counts as indirect, so that of which the lowest is wanted is named beside it.
    """
    constraints = folder.with_name(f"{folder.name}.constraints.txt")
    constraints.write_text("".join(f"{pin}\n" for pin in row.pins), encoding="utf-8")
    wanted = folder.with_name(f"{folder.name}.in.txt")
    lines = (f"acumatica-better-b2b-sync @ {wheel.as_uri()}", *direct)
    wanted.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    locked = folder.with_name(f"{folder.name}.txt")
    locked.unlink(missing_ok=True)  # uv would keep the versions that it holds
    _uv(
        *("pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python-version", python),
        *("--exclude-newer", str(row.day), "--constraint", str(constraints)),
        *(("--resolution", "lowest-direct") if row.lowest else ()),
        *("--no-emit-package", "acumatica-better-b2b-sync"),
        *(str(wanted), "--output-file", str(locked)),
    )
    return locked


def _uv(*arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - the commands are our own
        [str(TOOLS / "uv"), *arguments],
        env={**os.environ, "UV_LINK_MODE": "copy", "UV_HTTP_TIMEOUT": "180", "UV_COMPILE_BYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=_INSTALL_S,
    )
    if done.returncode:
        raise MatrixError(f"uv {arguments[0]} {arguments[1]}: {done.stderr.strip()}")
