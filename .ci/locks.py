# ruff: noqa: INP001 - a script of the continuous integration, imported by nobody
"""The locks of the project: write them anew (`compile`), or say whether they are stale (`check`).

`check` needs no network and gives the same answer tomorrow: it never resolves again, since a new release
upstream must not turn an untouched tree red. Every lock carries a digest of the dependencies it was compiled
from; besides, each declared dependency must be pinned within its range, each pin must have a hash, and the
locks must agree with each other.

Beside the locks stands `requirements-managed.txt`: the declared run-time dependencies with their lowest versions, for
an Airflow whose own constraints fix the rest (docs/dependencies.md#beside-others).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_DIGEST = re.compile(r"^# Declared dependencies: sha256:([0-9a-f]{64})$", re.MULTILINE)
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
_PYTHON_VERSION = "3.11"
_MANAGED = "requirements-managed.txt"
_MANAGED_HEAD = """\
# What this package needs beside Airflow, each from the lowest version that was tried (`make matrix`).
# For use with the constraints of an Airflow that is there already; requirements.txt is the full lock.
# Written by `make lock`; not to be edited by hand.
"""


@dataclass(frozen=True)
class Lock:
    """One lock file: where it is, what it is compiled from, and how.

    Attributes:
        path: File name in the project's root.
        declared: The requirement strings that it must satisfy.
        arguments: Arguments of `uv pip compile` that are its own.
        start: Another lock whose versions are kept wherever they fit.
        differs: Packages that cannot have the version of the other locks.
        stdin: Requirements given on standard input, for a lock whose source is not in `pyproject.toml`.
    """

    path: str
    declared: tuple[str, ...]
    arguments: tuple[str, ...]
    start: str | None = None
    differs: frozenset[str] = frozenset()
    stdin: str | None = None

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the declared requirements, independent of their order."""
        return hashlib.sha256(json.dumps(sorted(self.declared)).encode()).hexdigest()


def locks_of(root: Path) -> tuple[Lock, ...]:
    """Read `pyproject.toml` and return the locks it asks for, in the order in which they are compiled.

    Args:
        root: The project's root.

    Returns:
        Run-time lock first; the others follow its versions.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = tuple(project["project"]["dependencies"])
    extras = {name: tuple(each) for name, each in project["project"]["optional-dependencies"].items()}
    # The twins run from the checkout, in the tests as well as in the containers.
    dev = runtime + extras["demo"] + extras["postgres"] + tuple(project["dependency-groups"]["dev"])
    compose = runtime + extras["demo"] + extras["compose"]
    bench = tuple(project["dependency-groups"]["bench"])
    # What makes the environment itself: the installer, and the back end that builds the editable install
    # ("editables" is what that back end asks for at build time).
    bootstrap = ("uv", "editables", *project["build-system"]["requires"])
    # flask-appbuilder, behind the FAB provider, refuses python-dateutil 3 and newer.
    older = frozenset({"python-dateutil"})
    everywhere = ("--universal",)
    in_container = ("--python-platform", "linux", "pyproject.toml", "--extra", "demo", "--extra", "compose")
    in_checkout = ("pyproject.toml", "--extra", "demo", "--extra", "postgres", "--group", "dev")
    return (
        Lock("requirements.txt", runtime, (*everywhere, "pyproject.toml")),
        Lock("requirements-dev.txt", dev, (*everywhere, *in_checkout, "-c", "requirements.txt")),
        Lock("requirements-compose.txt", compose, in_container, start="requirements.txt", differs=older),
        Lock(
            "requirements-bootstrap.txt",
            bootstrap,
            (*everywhere, "-", "-c", "requirements-dev.txt"),
            stdin="\n".join(bootstrap),
        ),
        Lock(
            "requirements-bench.txt",
            bench,
            (*everywhere, "-", "-c", "requirements-dev.txt"),
            stdin="\n".join(bench),
        ),
    )


def managed_requirements(root: Path) -> str:
    """The text of `requirements-managed.txt`: what is declared, without Airflow itself, which is there.

    Args:
        root: The project's root.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    declared = sorted(each for each in project["project"]["dependencies"] if Requirement(each).name != "apache-airflow")
    return _MANAGED_HEAD + "".join(f"{each}\n" for each in declared)


def compile_locks(root: Path) -> None:
    """Resolve every lock anew with uv and stamp it with the digest of what it was compiled from.

    Args:
        root: The project's root.

    Raises:
        subprocess.CalledProcessError: uv found no solution; its own words are on standard error.
    """
    (root / _MANAGED).write_text(managed_requirements(root), encoding="utf-8")
    uv = Path(sys.executable).with_name("uv")
    for lock in locks_of(root):
        print(f"{lock.path} ...", flush=True)  # noqa: T201 - a command's progress line
        if lock.start is not None:
            # uv keeps what it finds in its output file, as far as the requirements allow.
            shutil.copyfile(root / lock.start, root / lock.path)
        fixed = ("--generate-hashes", "--python-version", _PYTHON_VERSION, "--no-header", "--quiet")
        command = [str(uv), "pip", "compile", *fixed, "-o", lock.path, *lock.arguments]
        subprocess.run(command, cwd=root, check=True, text=True, input=lock.stdin)  # noqa: S603 - arguments are our own
        path = root / lock.path
        stamp = f"# Declared dependencies: sha256:{lock.digest}\n# Written by `make lock`; not to be edited by hand.\n"
        path.write_text(stamp + path.read_text(encoding="utf-8"), encoding="utf-8")


def findings(root: Path) -> list[str]:
    """Everything that makes a lock stale or unsafe, as sentences; empty when all is well.

    Args:
        root: The project's root.
    """
    found: list[str] = []
    seen: dict[str, tuple[str, set[str]]] = {}
    for lock in locks_of(root):
        path = root / lock.path
        if not path.is_file():
            found.append(f"{lock.path} is missing.")
            continue
        text = path.read_text(encoding="utf-8")
        pins = _pins(text)
        found += _stale(lock, text) + _unpinned(lock, pins) + _without_hash(lock, text)
        for name, versions in sorted(pins.items()):
            first, known = seen.setdefault(name, (lock.path, versions))
            # A universal lock may pin several versions, one per environment; one of them is enough here.
            if not versions & known and name not in lock.differs:
                told = ", ".join(sorted(versions)), ", ".join(sorted(known))
                found.append(f"{lock.path} pins {name} {told[0]}, but {first} pins {told[1]}.")
    managed = root / _MANAGED
    if not managed.is_file() or managed.read_text(encoding="utf-8") != managed_requirements(root):
        found.append(f"{_MANAGED} is not what pyproject.toml declares now.")
    return found


def _pins(text: str) -> dict[str, set[str]]:
    """All versions that a lock pins for each package; a universal lock may pin several, one per environment."""
    pins: dict[str, set[str]] = {}
    for match in _PIN.finditer(text):
        pins.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return pins


def _stale(lock: Lock, text: str) -> list[str]:
    """Whether the dependencies were changed after the lock was written."""
    stamp = _DIGEST.search(text)
    if stamp is not None and stamp[1] == lock.digest:
        return []
    return [f"{lock.path} was not compiled from the dependencies that pyproject.toml declares now."]


def _unpinned(lock: Lock, pins: dict[str, set[str]]) -> list[str]:
    """Declared dependencies that the lock lacks or pins outside their range."""
    found = []
    for declared in map(Requirement, lock.declared):
        versions = pins.get(canonicalize_name(declared.name), set())
        if not versions:
            found.append(f"{lock.path} does not pin {declared.name}.")
        found += [
            f"{lock.path} pins {declared.name} {version}, outside '{declared.specifier}'."
            for version in sorted(versions)
            if not declared.specifier.contains(version, prereleases=True)
        ]
    return found


def _without_hash(lock: Lock, text: str) -> list[str]:
    """Pins that the installer could not verify."""
    starts = [match.start() for match in _PIN.finditer(text)]
    blocks = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [f"{lock.path} has no hash for {block.split()[0]}." for block in blocks if "--hash=sha256:" not in block]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the result is its exit code.

    Args:
        arguments: Command line without the program's name; `None` takes the process's own.
    """
    parser = argparse.ArgumentParser(prog="locks", description=__doc__)
    parser.add_argument("command", choices=("check", "compile"))
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    chosen = parser.parse_args(arguments)
    if chosen.command == "compile":
        compile_locks(chosen.root)
        return 0
    found = findings(chosen.root)
    for sentence in found:
        print(sentence, file=sys.stderr)  # noqa: T201 - a command's answer
    if found:
        print("Run `make lock` and commit the requirements files.", file=sys.stderr)  # noqa: T201 - the same
        return 1
    print("The locks fit pyproject.toml.")  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main())
