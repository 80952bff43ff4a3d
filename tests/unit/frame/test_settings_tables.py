"""The tables of docs/connector-file.md are those of the settings themselves.

``python -m tests.unit.frame.test_settings_tables`` writes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from customer_sync.settings.connector import Connector
from customer_sync.settings.described import Setting, described_settings, yaml_text

PAGE = Path(__file__).resolve().parents[3] / "docs/connector-file.md"
_BLOCK = re.compile(r"(<!-- settings:([a-z.]+) begin [^>]*-->\n)(.*?)(\n<!-- settings:\2 end -->)", re.DOTALL)


def table_of(path: str) -> str:
    """The table that a setting stands in: its section, and for the two systems' adapters one of their own."""
    first, _, rest = path.partition(".")
    if not rest:
        return "connector"
    if path == "source.kind" or first == "target":
        return "adapters"
    return ".".join(path.split(".")[:2]) if first == "source" else first


def table(settings: Iterable[Setting]) -> str:
    """Some settings as Markdown."""
    lines = ["| setting | default | accepted | meaning | example |", "|---|---|---|---|---|"]
    for each in settings:
        default = "none" if each.is_required else f"`{yaml_text(each.default)}`"
        lines.append(f"| `{each.path}` | {default} | {each.accepted} | {each.says} | `{yaml_text(each.example)}` |")
    return "\n".join(lines)


def tables() -> dict[str, str]:
    """Every table by its name."""
    found: dict[str, list[Setting]] = {}
    for each in described_settings(Connector(id="x")):
        found.setdefault(table_of(each.path), []).append(each)
    return {name: table(settings) for name, settings in found.items()}


def written() -> str:
    """The page with its tables as they are to be."""
    made = tables()
    return _BLOCK.sub(lambda block: f"{block[1]}{made[block[2]]}{block[4]}", PAGE.read_text(encoding="utf-8"))


def test_every_section_has_its_table() -> None:
    """A new section of the file needs its heading on the page."""
    assert {name for _, name, _, _ in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))} == set(tables())


@pytest.mark.parametrize("name", sorted(tables()))
def test_a_table_of_the_page_is_the_one_of_the_settings(name: str) -> None:
    """Whoever adds a setting renews the page with one command, and nobody maintains a second list."""
    found = {each[2]: each[3] for each in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert found[name] == tables()[name]


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
