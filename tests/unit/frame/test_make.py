"""The Makefile: what it lists, and what it says to a machine that lacks something."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run make, free of the settings of a make that may have started these tests."""
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "PYTHON"}}
    command = ["make", *arguments]
    return subprocess.run(  # noqa: S603 - the command is our own
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the set-up reads, and no environment."""
    for name in ("Makefile", "pyproject.toml", "requirements-dev.txt", "requirements-bootstrap.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def interpreter(folder: Path, script: str) -> str:
    """A stand-in for a Python that lacks something."""
    path = folder / "python-of-this-machine"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_help_lists_only_what_make_can_do_when_no_target_is_named() -> None:
    """`make` alone lists the targets, and each of them exists."""
    result = make()
    assert result.returncode == 0
    plain = re.sub(r"\x1b\[\d*m", "", result.stdout)
    listed = re.findall(r"^  ([a-z-]+) +\S", plain, re.MULTILINE)
    assert {"help", "check", "lock", "test", "test-fast", "test-all", "demo", "clean"} <= set(listed)
    for target in listed:
        assert make("-n", target).returncode == 0, target


def test_one_sentence_is_said_when_python_is_too_old(clone: Path) -> None:
    """An old interpreter is refused in one line that names the remedy, and nothing is left behind."""
    old = interpreter(clone, 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    result = make("setup", f"PYTHON={old}", folder=clone)
    assert result.returncode != 0
    told = result.stderr.splitlines()[0]
    assert told == "Python 3.9.2 is too old: Python 3.11 or newer is needed; name one with PYTHON=/path/to/python3."
    assert not (clone / ".venv").exists()


def test_one_sentence_is_said_when_venv_is_missing(clone: Path) -> None:
    """Debian's Python without its venv package is told which package to install."""
    bare = interpreter(clone, 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')
    result = make("setup", f"PYTHON={bare}", folder=clone)
    assert result.returncode != 0
    assert result.stderr.splitlines()[0].endswith("install it (Debian and Ubuntu: apt-get install python3-venv).")
    assert not (clone / ".venv").exists()


def test_one_sentence_is_said_when_there_is_no_python(clone: Path) -> None:
    """A machine without Python is told so by make, not by a shell."""
    result = make("setup", "PYTHON=no-such-python", folder=clone)
    assert result.returncode != 0
    assert result.stderr.splitlines()[0].startswith("No 'no-such-python' on this machine: install Python 3.11 or newer")


def test_the_environment_is_made_again_when_a_lock_is_newer(clone: Path) -> None:
    """A stamp says for which locks the environment was made; a newer lock makes it stale, nothing else does."""
    stamp = clone / ".venv" / ".ready"
    stamp.parent.mkdir()
    stamp.touch()
    newest = stamp.stat().st_mtime
    for name in ("pyproject.toml", "requirements-dev.txt", "requirements-bootstrap.txt"):
        os.utime(clone / name, (newest - 10, newest - 10))
    assert make("-q", "setup", folder=clone).returncode == 0
    for name in ("pyproject.toml", "requirements-dev.txt", "requirements-bootstrap.txt"):
        os.utime(clone / name, (newest + 10, newest + 10))
        assert make("-q", "setup", folder=clone).returncode == 1, name
        os.utime(clone / name, (newest - 10, newest - 10))
