"""The list of matches as CSV: out for a person to decide, and in with the decisions. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from customer_sync.errors import ConfigError
from customer_sync.reconcile.adopt.matching import Match
from customer_sync.reporting.spreadsheet import SpreadsheetWriter, original_text

COLUMNS = ("customer_id", "customer_name", "company_id", "matched_by", "verdict", "candidates", "detail", "decision")
ADOPT, SKIP = "adopt", "skip"
FILLED_IN = frozenset({"accepted", "proposed"})
"""Verdicts whose rows are adopted by a list that is handed back as it is: that is one approval for all."""
MAX_ROWS = 200_000


def write_matches(matches: Iterable[Match]) -> str:
    """The list as CSV; ``decision`` is filled in where one company was found."""
    out = io.StringIO()
    SpreadsheetWriter(out, COLUMNS).write(
        (
            match.customer_id,
            match.customer_name,
            match.company_id or "",
            match.matched_by,
            match.verdict,
            " ".join(map(str, match.candidates)),
            match.detail,
            ADOPT if match.verdict in FILLED_IN else "",
        )
        for match in matches
    )
    return out.getvalue()


def read_matches(text: str) -> dict[str, int]:
    """Read a list back: CustomerID -> company id of the rows whose decision is ``adopt``.

    Raises:
        ConfigError: The file is not such a list; the message names line and column.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    lacking = {"customer_id", "company_id", "decision"} - set(rows.fieldnames or ())
    if lacking:
        raise ConfigError(
            f"The file of matches lacks the columns {', '.join(sorted(lacking))}; take the one that mode adopt wrote.",
            setting="matches",
        )
    chosen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        decision = (row["decision"] or "").strip().casefold()
        if number > MAX_ROWS:
            raise ConfigError(f"The file of matches has more than {MAX_ROWS} rows.", setting="matches")
        if decision in {"", SKIP}:
            continue
        key, company_id = original_text(row["customer_id"] or "").strip(), (row["company_id"] or "").strip()
        if decision != ADOPT or not key or not company_id.isdecimal() or key in chosen:
            raise ConfigError(
                f"Line {number} of the file of matches: decision must be '{ADOPT}', '{SKIP}' or empty, and a row to be "
                "adopted needs customer_id, each once, and the company_id as a number.",
                setting="matches",
            )
        chosen[key] = int(company_id)
    return chosen
