"""`docs/dependencies.md` gives the reason of every declared dependency."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]


def reasons() -> dict[str, str]:
    """The documented packages with their reasons."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a package is listed twice"
    return dict(rows)


def declared() -> set[str]:
    """All packages that pyproject.toml declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    return {Requirement(each).name.lower() for group in groups for each in group}


def test_every_dependency_has_a_reason_when_it_is_declared() -> None:
    """No package without a documented reason, and no reason without a package."""
    assert set(reasons()) == declared()


def test_a_reason_says_something_when_it_is_given() -> None:
    """A reason is a phrase, not a repetition of the name."""
    for name, reason in reasons().items():
        assert len(reason.replace(name, "").split()) >= 2, name
