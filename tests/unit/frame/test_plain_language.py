"""Product and documentation speak the field's words: phrases that read like riddles do not come back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLACES = ("include", "plugins", "dags", "docs", "README.md")
SUFFIXES = {".py", ".md", ".j2", ".js", ".yaml"}

# Their words change together with their tables and protocols; each goes from this list with that change.
NOT_YET = ("include/customer_sync/ledger/", "include/customer_sync/steps/")

RIDDLES = {
    "accused": "reported",
    "before anybody is": "before it is reported",
    "extract told of": "extract reported",
    "judged so": "seen N times",
    "nobody's news": "silences Alembic's up-to-date messages",
    "are nobody's": "is not counted",
    "crosswise": "in a fixed order, to avoid deadlocks",
    "past all lists": "one by one, bypassing list pages",
    "open its book": "insert the run row",
    "opens its book": "inserts the run row",
    "taken as they come": "read without conversion",
    "stands twice": "appears twice",
    "uncollected": "gc_paused",
    "surroundings": "context, or environment",
    "was not told": "could not be sent",
}
"""What is not written, and what is written instead; the glossary in docs/glossary.md has the words themselves."""

_RIDDLE = re.compile("|".join(rf"\b{re.escape(phrase)}\b" for phrase in RIDDLES), re.IGNORECASE)


def riddles(root: Path) -> Iterator[str]:
    """Where a phrase is written, also over the end of a line, and what to write."""
    for place in PLACES:
        path = root / place
        files = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES) if path.is_dir() else [path]
        for file in (each for each in files if each.is_file()):
            if file.relative_to(root).as_posix().startswith(NOT_YET):
                continue
            text = re.sub(r"\s*\n[\s#]*|\s+", " ", file.read_text(encoding="utf-8"))
            for found in _RIDDLE.finditer(text):
                phrase = found[0].lower()
                yield f"{file.relative_to(root)}: for {phrase!r} write {RIDDLES[phrase]!r}"


def test_nothing_reads_like_a_riddle() -> None:
    """No phrase of the list is in code, templates or documentation of the product."""
    assert not list(riddles(ROOT))


@pytest.mark.parametrize("phrase", sorted(RIDDLES))
def test_every_phrase_would_be_found(tmp_path: Path, phrase: str) -> None:
    """Whatever its case, in a page and in a comment that goes over two lines of code."""
    (tmp_path / "include").mkdir()
    (tmp_path / "README.md").write_text(f"So it is {phrase.capitalize()}.\n", encoding="utf-8")
    (tmp_path / "include" / "x.py").write_text(
        f"    # so {phrase.replace(' ', chr(10) + '    # ')}.\n", encoding="utf-8"
    )
    write = f"for {phrase!r} write {RIDDLES[phrase]!r}"
    assert list(riddles(tmp_path)) == [f"include/x.py: {write}", f"README.md: {write}"]
