"""The field tables of docs/api are those that the adapters read and write by.

``python -m tests.unit.frame.test_field_tables`` writes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from customer_sync.model.fields import EntityFields, FieldRule
from customer_sync.sources.acumatica.field_table import CONTACT, CUSTOMER, LOCATION, Field
from customer_sync.targets.better_b2b.field_table import FIELDS

ROOT = Path(__file__).resolve().parents[3]
BETTER_B2B = ROOT / "docs/api/better_b2b.md"
ACUMATICA = ROOT / "docs/api/acumatica.md"


def source_table(prefix: str, setting: str, fields: Iterable[Field]) -> str:
    """A source's fields: ours, where they are read from, the setting that names another place, what people see."""
    lines = ["| our field | read from | form | setting | on the screen | masked as |", "|---|---|---|---|---|---|"]
    for field in fields:
        paths = ", else ".join(f"`{path}`" for path in field.paths) or "none"
        place = f"`{setting}.{field.setting}`" if field.setting else ""
        form = f"{field.form}, switch" if field.is_switch and field.form != "flag" else field.form
        lines.append(f"| `{prefix}{field.name}` | {paths} | {form} | {place} | {field.words} | {field.mask or ''} |")
    return "\n".join(lines)


TABLES: dict[tuple[Path, str], Callable[[], str]] = {
    (ACUMATICA, "customer"): lambda: source_table("", "source.customer", CUSTOMER),
    (ACUMATICA, "contact"): lambda: source_table("contact.", "source.contact", CONTACT),
    (ACUMATICA, "location"): lambda: source_table("location.", "source.location", LOCATION),
}


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- fields:{name} begin -->\n).*?(?=\n<!-- fields:{name} end -->)", re.DOTALL)


@pytest.mark.parametrize(("page", "name"), list(TABLES), ids=lambda item: getattr(item, "stem", item))
def test_a_field_table_of_the_docs_is_the_one_of_the_code(page: Path, name: str) -> None:
    """Whoever adds a field renews the page with one command, and nobody maintains a second list."""
    found = _block(name).search(page.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == TABLES[page, name]()


def _described(name: str) -> dict[str, tuple[str, int]]:
    """Our field -> its wire name and longest text, as a table of the store's page says."""
    found = _block(name).search(BETTER_B2B.read_text(encoding="utf-8"))
    assert found is not None
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in found[0].splitlines())
    place = header.index("longest")
    return {
        ours: (wire, int(re.match(r"\d*", row[place])[0] or 0))  # type: ignore[index] # the pattern fits any text
        for row in rows
        for ours, wire in zip(re.findall(r"`(\w+)`", row[0]), re.findall(r"`(\w+)`", row[1]), strict=False)
    }


@pytest.mark.parametrize("entity", EntityFields._fields)
def test_the_stores_page_describes_every_field_that_is_written(entity: str) -> None:
    """Under the name that goes over the wire, and with the length to which the rules cut."""
    table: Mapping[str, FieldRule] = getattr(FIELDS, entity)
    described = _described(entity)
    assert {name: described.get(name) for name in table} == {
        name: (rule.wire, rule.most_chars) for name, rule in table.items()
    }


def renew() -> None:
    """Write all tables into their pages."""
    for (page, name), table in TABLES.items():
        text = page.read_text(encoding="utf-8")
        page.write_text(_block(name).sub(lambda _, table=table: table(), text), encoding="utf-8")


if __name__ == "__main__":
    renew()
