"""The check of the locks: `.ci/locks.py check`, on copies of the project's files."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-compose.txt",
    "requirements-bootstrap.txt",
    "requirements-bench.txt",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the check reads."""
    for name in ("pyproject.toml", "requirements-managed.txt", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def check(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the check as `make check` does, on another root."""
    command = [sys.executable, str(ROOT / ".ci" / "locks.py"), "check", "--root", str(tree)]
    return subprocess.run(  # noqa: S603 - the command is our own
        command, check=False, capture_output=True, text=True, timeout=60
    )


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Change a file, and see that it changed."""
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def test_locks_pass_when_they_fit_the_declared_dependencies(tree: Path) -> None:
    """The committed locks are those of the committed pyproject.toml."""
    result = check(tree)
    assert (result.returncode, result.stdout, result.stderr) == (0, "The locks fit pyproject.toml.\n", "")


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ('"tenacity>=9.0",', '"tenacity>=9.0",\n    "attrs>=20",', LOCKS[:3]),
        ('"ruff>=0.9",', '"ruff>=0.9.1",', LOCKS[1:2]),
        ('"asyncpg>=0.30",', "", LOCKS[2:3]),
        ('"hatchling>=1.27"', '"hatchling>=1.26"', LOCKS[3:4]),
        ('"dlt>=1.10"', '"dlt>=1.11"', LOCKS[4:]),
    ],
    ids=["run time", "dev", "compose", "build", "bench"],
)
def test_exactly_the_locks_compiled_from_it_are_stale_when_a_dependency_changes(
    tree: Path, old: str, new: str, stale: tuple[str, ...]
) -> None:
    """A changed declaration makes those locks stale that were compiled from it, and says how to renew them."""
    edit(tree / "pyproject.toml", lambda text: text.replace(old, new))
    result = check(tree)
    told = re.findall(r"^(\S+) was not compiled", result.stderr, re.MULTILINE)
    assert (result.returncode, tuple(told)) == (1, stale)
    assert "make lock" in result.stderr


def test_a_lock_is_refused_when_a_pin_lies_outside_the_declared_range(tree: Path) -> None:
    """A version edited by hand below the declared minimum is named."""
    edit(tree / "requirements.txt", lambda text: re.sub(r"^tenacity==\S+", "tenacity==8.0.0", text, flags=re.MULTILINE))
    result = check(tree)
    assert result.returncode == 1
    assert "requirements.txt pins tenacity 8.0.0, outside '>=9.0'." in result.stderr


def test_a_lock_is_refused_when_a_declared_package_is_not_pinned(tree: Path) -> None:
    """A pin that was deleted is missed."""
    edit(
        tree / "requirements-dev.txt",
        lambda text: re.sub(r"^tenacity==.*?(?=^[a-z])", "", text, flags=re.MULTILINE | re.DOTALL),
    )
    result = check(tree)
    assert result.returncode == 1
    assert "requirements-dev.txt does not pin tenacity." in result.stderr


def test_a_lock_is_refused_when_a_pin_has_no_hash(tree: Path) -> None:
    """A pin that the installer could not verify is named."""
    edit(
        tree / "requirements.txt",
        lambda text: re.sub(r"^(tenacity==\S+) \\\n(    --hash=\S+( \\)?\n)+", r"\1\n", text, flags=re.MULTILINE),
    )
    result = check(tree)
    assert result.returncode == 1
    assert re.search(r"requirements\.txt has no hash for tenacity==", result.stderr)


def test_locks_are_refused_when_they_disagree(tree: Path) -> None:
    """What is tested and what runs in the containers have the same version."""
    edit(
        tree / "requirements-compose.txt",
        lambda text: re.sub(r"^tenacity==\S+", "tenacity==9.0.0", text, flags=re.MULTILINE),
    )
    result = check(tree)
    assert result.returncode == 1
    assert "requirements-compose.txt pins tenacity 9.0.0, but requirements.txt pins" in result.stderr


def test_a_missing_lock_is_named_when_it_was_deleted(tree: Path) -> None:
    """A deleted lock is no pass."""
    (tree / "requirements-compose.txt").unlink()
    result = check(tree)
    assert (result.returncode, result.stderr.splitlines()[0]) == (1, "requirements-compose.txt is missing.")


def test_no_lock_names_where_packages_come_from_when_it_is_installed() -> None:
    """The locks work with any package index: they name none."""
    for name in LOCKS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text


def test_what_stands_beside_the_pins_of_others_follows_the_declaration(tree: Path) -> None:
    """A raised floor makes `requirements-managed.txt` stale; it names no Airflow and no hash."""
    text = (tree / "requirements-managed.txt").read_text(encoding="utf-8")
    assert "\ntenacity>=9.0\n" in text
    assert not re.search(r"^apache-airflow[><=]|--hash", text, re.MULTILINE)
    edit(tree / "pyproject.toml", lambda declared: declared.replace('"tenacity>=9.0"', '"tenacity>=9.1"'))
    assert "requirements-managed.txt is not what pyproject.toml declares now." in check(tree).stderr
