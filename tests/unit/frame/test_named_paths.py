"""Pages name only files, folders and modules that exist, by their whole path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

_SPAN = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"(?<![\w./<>*-])(?:[\w<>*-][\w.<>*-]*/)*[\w<>*-][\w.<>*-]*/?")
_IS_OURS = re.compile(r"(include|plugins|dags|tests|sandbox)/.|.*\.py$")
_MODULE = re.compile(r"python3? -m ((?:customer_sync|sandbox|bench|demo|distributed|matrix|real|tests)[\w.]*)")


def _pages(root: Path) -> list[Path]:
    return [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]


def missing_paths(root: Path) -> Iterator[str]:
    """Paths in backticks that begin with a folder of ours, or end in ``.py``; ``*`` and ``<id>`` stand for anything."""
    for page in _pages(root):
        text = page.read_text(encoding="utf-8")
        for span in _SPAN.findall(text):
            for path in _PATH.findall(span):
                if _IS_OURS.match(path) and not any(root.glob(re.sub(r"<[\w-]+>", "*", path))):
                    yield f"{page.relative_to(root)}: no {path}"


def missing_modules(root: Path) -> Iterator[str]:
    """Modules of ours that a page runs by ``python -m``."""
    for page in _pages(root):
        for name in _MODULE.findall(page.read_text(encoding="utf-8")):
            try:
                is_there = find_spec(name) is not None
            except ModuleNotFoundError:  # a package above it is missing
                is_there = False
            if not is_there:
                yield f"{page.relative_to(root)}: no module {name}"


def test_pages_name_what_exists() -> None:
    """README, CHANGELOG and docs name no path and no module that is not there."""
    assert [*missing_paths(ROOT), *missing_modules(ROOT)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`include/x/gone.py`", ["README.md: no include/x/gone.py"]),
        ("rules in `gone.py` and `include/x/here.py`", ["README.md: no gone.py"]),
        ("`include/gone/`", ["README.md: no include/gone/"]),
        ("`include/x/`, `include/x/<id>.yaml`, `include/*/here.py`", []),
        ("`python include/x/gone.py --all`", ["README.md: no include/x/gone.py"]),
        ("gone.py, `docs/gone.html`, `/opt/include/gone`, `https://example.com/tests/gone`", []),
        ("run `python -m customer_sync.gone.twice`", ["README.md: no module customer_sync.gone.twice"]),
        ("run `python -m sandbox acumatica` and `python -m pip`", []),
    ],
)
def test_what_does_not_exist_is_found(tmp_path: Path, text: str, found: list[str]) -> None:
    """A path or module that is not there is named; others, and paths outside of the project, are not."""
    (tmp_path / "include" / "x").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    for name in ("here.py", "knb.yaml"):
        (tmp_path / "include" / "x" / name).touch()
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").touch()
    assert [*missing_paths(tmp_path), *missing_modules(tmp_path)] == found
