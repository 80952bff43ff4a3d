"""Every reference to the documentation leads to a page and an anchor that exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = (
    "include",
    "plugins",
    "dags",
    "sandbox",
    "tests",
    "demo",
    "bench",
    "distributed",
    "matrix",
    "real",
    "config",
    "docs",
    ".ci",
)
SUFFIXES = {".py", ".md", ".yaml", ".html", ".js", ".toml", ".ini", ""}

# A page with an anchor, and further anchors of the same page behind it, joined by comma or *and*.
_CITATION = re.compile(r"(?<![\w/.-])docs/(?P<page>[\w/-]+\.md)(?P<anchors>#[\w-]+(?:(?:,|,? and)\s+(?:# )?#[\w-]+)*)?")
_PAGE_NAME = re.compile(r"(?<![\w./:-])[\w.][\w./-]*\.md\b")
_SECTION = re.compile(r"(?<!RFC \d{4} )\bsections? \d", re.IGNORECASE)
_LINK = re.compile(r"\]\((?![a-z]+:)(?P<path>[^()#\s]*)(?:#(?P<anchor>[^()\s]*))?\)")
_MARK = re.compile(r'<a id="([^"]*)">')
_HEADING = re.compile(r"#{1,6} +(.*\S)")

Search = Callable[[Path], Iterator[str]]


def _files(root: Path) -> list[Path]:
    found = [path for path in root.iterdir() if path.is_file()]
    for folder in FOLDERS:
        found += [path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    # The samples below lead nowhere on purpose; the licence has sections of its own.
    return sorted(
        path for path in found if path.suffix in SUFFIXES and path.name not in {Path(__file__).name, "LICENSE"}
    )


@cache
def _lines(path: Path) -> list[str]:
    """A page's lines; those of code blocks are empty."""
    is_code = False
    lines = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        is_fence = line.lstrip().startswith("```")
        lines.append("" if is_code or is_fence else line)
        is_code ^= is_fence
    return lines


@cache
def _anchors(page: Path) -> Counter[str]:
    """A page's anchors: its marks, and the slugs of those headings that have no mark of their own above."""
    lines = _lines(page)
    anchors = Counter(mark for line in lines for mark in _MARK.findall(line))
    for above, line in pairwise(["", *lines]):
        heading = _HEADING.fullmatch(line)
        if heading and not _MARK.match(above):
            anchors[re.sub(r"[^\w -]", "", heading[1].lower()).replace(" ", "-")] += 1
    return anchors


def dead_citations(root: Path) -> Iterator[str]:
    """Citations of pages or anchors that do not exist, and of sections of something that is no page."""
    for file in _files(root):
        name, text = file.relative_to(root), file.read_text(encoding="utf-8")
        for citation in _CITATION.finditer(text):
            page = root / "docs" / citation["page"]
            for anchor in re.findall(r"#([\w-]+)", citation["anchors"] or ""):
                if page.is_file() and anchor not in _anchors(page):
                    yield f"{name}: no anchor #{anchor} in docs/{citation['page']}"
        for named in set(_PAGE_NAME.findall(text)):
            if not any((folder / named).is_file() for folder in (root, root / "docs", file.parent)):
                yield f"{name}: no page {named}"
        for section in _SECTION.finditer(text):
            yield f"{name}: cite a page and its anchor, not {section[0]!r}"


def dead_links(root: Path) -> Iterator[str]:
    """Relative links of Markdown pages to a missing file or anchor."""
    for page in _files(root):
        for link in _LINK.finditer("\n".join(_lines(page)) if page.suffix == ".md" else ""):
            target = page.parent / link["path"] if link["path"] else page
            if not target.exists():
                yield f"{page.relative_to(root)}: no file {link['path']}"
            elif link["anchor"] and target.suffix == ".md" and link["anchor"] not in _anchors(target):
                yield f"{page.relative_to(root)}: no anchor #{link['anchor']} in {link['path'] or 'the page itself'}"


def repeated_anchors(root: Path) -> Iterator[str]:
    """Anchors that a page has more than once: a link would lead to the first of them only."""
    for page in _files(root):
        if page.suffix == ".md":
            repeated = [anchor for anchor, number in _anchors(page).items() if number > 1]
            yield from (f"{page.relative_to(root)}: #{anchor} more than once" for anchor in repeated)


@pytest.mark.parametrize("search", [dead_citations, dead_links, repeated_anchors])
def test_every_reference_leads_somewhere(search: Search) -> None:
    """Pages and anchors that code, tests and pages cite exist, and no page has an anchor twice."""
    assert not list(search(ROOT))


@pytest.mark.parametrize(
    ("search", "name", "text", "found"),
    [
        (dead_citations, "sandbox/x.py", "docs/page.md#gone", "no anchor #gone in docs/page.md"),
        (dead_citations, "sandbox/x.py", "docs/page.md#here and #gone", "no anchor #gone in docs/page.md"),
        (dead_citations, "sandbox/x.py", "docs/page.md#here,\n# #gone", "no anchor #gone in docs/page.md"),
        (dead_citations, "sandbox/x.py", "docs/gone.md#here", "no page docs/gone.md"),
        (dead_citations, "Makefile", "notes/gone.md", "no page notes/gone.md"),
        (dead_citations, "sandbox/x.py", "as " + "section 4 says", "not 'section 4'"),
        (dead_citations, "sandbox/x.py", "RFC 5321 " + "section 4", ""),
        (dead_citations, "sandbox/x.py", "docs/page.md#here, #a-heading and #here", ""),
        (dead_links, "docs/x.md", "[a](page.md#gone)", "no anchor #gone in page.md"),
        (dead_links, "docs/x.md", "[a](gone.png)", "no file gone.png"),
        (dead_links, "docs/x.md", "[a](#gone)", "no anchor #gone in the page itself"),
        (dead_links, "docs/x.md", "[a](page.md#a-heading) [b](https://example.com/gone.md)", ""),
        (dead_links, "docs/x.md", "[a](page.md#marked-heading)", "no anchor #marked-heading in page.md"),
        (repeated_anchors, "docs/x.md", "# Twice\n\n# Twice", "#twice more than once"),
        (repeated_anchors, "docs/x.md", '# Once\n\n```sh\n# Once\n```\n<a id="twice"></a>', ""),
    ],
)
def test_what_leads_nowhere_is_found(tmp_path: Path, search: Search, name: str, text: str, found: str) -> None:
    """Dead pages, anchors, links and sections are named; what leads somewhere is not."""
    (tmp_path / "docs").mkdir()
    page = '# Title\n\n<a id="here"></a>\nText.\n\n## A heading\n\n<a id="short"></a>\n## Marked heading\n'
    (tmp_path / "docs" / "page.md").write_text(page, encoding="utf-8")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    problems = list(search(tmp_path))
    assert found in problems[0] if found else not problems, problems
