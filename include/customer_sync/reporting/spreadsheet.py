"""The one writer of CSV files: spreadsheets open them, and must not take somebody's text for a formula.

A customer's city may be ``=HYPERLINK("https://…";A1)``. A quote goes before a text that a spreadsheet might run, which
spreadsheets read as *this is text*; :func:`original_text` takes it away again.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    # Half a second that only those pay for who have a table already.
    from pathlib import Path

    import pandas as pd

_BEGINS_FORMULA: Final = frozenset("=+-@\N{MINUS SIGN}")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
_BLANK: Final = "Zs"


def safe_cell(value: object) -> object:
    """A cell's value as it is written: a quote before a text that a spreadsheet might run; all else as it is."""
    return f"'{value}" if isinstance(value, str) and _is_risky(value.lstrip("'")) else value


def original_text(cell: str) -> str:
    """The text that :func:`safe_cell` wrote."""
    return cell[1:] if cell.startswith("'") and _is_risky(cell.lstrip("'")) else cell


def _is_risky(text: str) -> bool:
    """Say whether a text begins a formula, behind blanks or in full width too, or with what a spreadsheet drops."""
    if not text or text[0].isalnum():
        return False
    for character in text:
        category = unicodedata.category(character)
        if category in _INVISIBLE:
            return True
        if category != _BLANK:
            return unicodedata.normalize("NFKC", character)[0] in _BEGINS_FORMULA
    return False


class SpreadsheetWriter:
    """Writes rows as CSV.

    Args:
        out: Where to; opened with ``newline=""`` where it is a file.
        columns: The heading, written at once.
    """

    def __init__(self, out: TextIO, columns: Sequence[str]) -> None:
        self._writer = csv.writer(out)
        self._writer.writerow(columns)

    def write(self, rows: Iterable[Iterable[Any]]) -> None:
        """Write rows, in the order of the columns."""
        self._writer.writerows(map(safe_cell, row) for row in rows)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, with its columns as heading."""
    texts = table.select_dtypes(include=["object", "string"]).columns
    safe = table.assign(**{name: table[name].map(safe_cell, na_action="ignore") for name in texts})
    # With both characters, because only those of the line's end are put in quotes inside of a cell.
    safe.to_csv(path, index=False, lineterminator="\r\n")
