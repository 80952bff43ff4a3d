"""No spreadsheet takes a text of somebody's for a formula, and what is read back is what was written."""

import ast
import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.reconcile.adopt.match_list import read_matches, write_matches
from customer_sync.reconcile.adopt.matching import Match
from customer_sync.reporting.log_entry import LOG_COLUMNS
from customer_sync.reporting.spreadsheet import SpreadsheetWriter, original_text, safe_cell, write_table
from customer_sync_airflow.pages.export import csv_lines

ROOT = Path(__file__).parents[3]

HIDDEN = ["", " ", "\u00a0", "\n", "\r", "\t", "\v", "\f", "\ufeff", "\u200b", "\u202e", "\x00", " \ufeff\t", "\u3000"]
SIGNS = ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\N{MINUS SIGN}", "\ufe62", "\u207a"]
FORMULAS = [f"{hidden}{sign}SUM(1;1)" for hidden in HIDDEN for sign in SIGNS]
HARMLESS = [
    "",
    "Boston",
    "'t Hart",
    "'",
    "a=b",
    "a@b.example",
    "3 - 4",
    "Überlingen",
    "東京",
    "(1)",
    "{}",
    "…",
    " Rome",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_formula_is_text_when_it_is_written(text: str) -> None:
    """Whatever stands before the sign, and in whatever width: a quote comes first."""
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [*HARMLESS, -5, -1.5, None, True])
def test_value_is_unchanged_when_it_is_harmless(value: object) -> None:
    """Ordinary texts and real numbers are written as they are."""
    assert safe_cell(value) is value


@given(st.text(alphabet=st.sampled_from("'=+-@\t\n\ufeff\u200b\uff1d ab1"), max_size=6) | st.text(max_size=8))
def test_text_is_the_same_when_it_is_read_back(text: str) -> None:
    """Quotes that were there stay, and the one that was added goes."""
    cell = safe_cell(text)
    assert isinstance(cell, str)
    assert original_text(cell) == text
    assert not cell or safe_cell(cell.removeprefix("'")) == cell or cell == text


def _cells(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")) for cell in row]


def _harmless(text: str) -> bool:
    return all(cell == "-1" or safe_cell(cell) == cell or cell.startswith("'") for cell in _cells(text))


@pytest.mark.parametrize("text", FORMULAS)
def test_every_file_is_harmless_when_a_customer_bears_a_formula(tmp_path: Path, text: str) -> None:
    """The writer of rows, the writer of tables, the pages' export and the list of matches agree."""
    rows, table = io.StringIO(), tmp_path / "table.csv"
    SpreadsheetWriter(rows, ["city"]).write([[text]])
    write_table(pd.DataFrame({"city": [text, None], "count": [-1, 2]}), table)
    export = "".join(csv_lines(LOG_COLUMNS, [[dict.fromkeys(LOG_COLUMNS, text)]]))
    matches = write_matches([Match(customer_id="C1", customer_name=text, verdict="none")])
    for written in (rows.getvalue(), table.read_bytes().decode(), export, matches):
        assert f"'{text}" in _cells(written)
        assert _harmless(written)
    assert "-1" in _cells(table.read_bytes().decode())


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_cell_begins_no_row_when_it_holds_a_line_end(tmp_path: Path, end: str) -> None:
    """What follows a line's end inside of a cell is no new row, and so no formula."""
    path, text = tmp_path / "table.csv", f"x{end}=SUM(1;1)"
    rows = io.StringIO(newline="")
    SpreadsheetWriter(rows, ["city"]).write([[text]])
    write_table(pd.DataFrame({"city": [text]}), path)
    for written in (rows.getvalue(), path.read_bytes().decode()):
        assert _cells(written) == ["city", text]


def test_match_is_read_back_when_its_number_looks_like_a_formula() -> None:
    """A customer whose number begins with a sign is adopted under that number."""
    numbers = ["=C1", "+C2", "-C3", "@C4", "\uff1dC5", "'=C6", "C7"]
    matches = [Match(customer_id=key, company_id=n, verdict="accepted") for n, key in enumerate(numbers, start=1)]
    assert read_matches(write_matches(matches)) == {key: n for n, key in enumerate(numbers, start=1)}


@pytest.mark.parametrize("folder", ["include", "plugins"])
def test_nothing_else_writes_spreadsheets(folder: str) -> None:
    """One module makes CSV; a second writer would be one too many."""
    writers = []
    for path in (ROOT / folder).rglob("*.py"):
        calls = [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)
        ]
        names = {node.attr for node in calls if node.attr in {"to_csv", "DictWriter"}} | {
            "csv.writer" for node in calls if node.attr == "writer" and getattr(node.value, "id", "") == "csv"
        }
        if names:
            writers.append(path.name)
    assert writers == (["spreadsheet.py"] if folder == "include" else [])
