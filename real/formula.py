"""What a spreadsheet would run."""

from __future__ import annotations

import unicodedata
from typing import Final

_BEGINS_FORMULA: Final = "=+-@"


def is_run(cell: str) -> bool:
    """Whether a spreadsheet takes a cell for a formula: what it drops, and full width, counted in."""
    for character in cell:
        if unicodedata.category(character)[0] in "CZ":
            continue
        return unicodedata.normalize("NFKC", character)[:1] in _BEGINS_FORMULA and not _is_number(cell)
    return False


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii()
