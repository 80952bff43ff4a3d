"""Rows of a bulk call, and which of them an answer speaks of.

Source: docs/api/better_b2b.md#company-bulk and #unknown-outcome.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from customer_sync.targets.better_b2b.answers import Envelope
from customer_sync.targets.better_b2b.records import as_int
from customer_sync.targets.better_b2b.settings import BULK_ROWS_MAX

Row = TypeVar("Row")


def bulk_rows(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the rows of a bulk call.

    Raises:
        ValueError: There are none, or more than ten (the store would answer 413).
    """
    if not 1 <= len(rows) <= BULK_ROWS_MAX:
        raise ValueError(f"A bulk call takes 1 to {BULK_ROWS_MAX} rows, not {len(rows)}.")
    return rows


def ids_in_order(envelope: Envelope, name: str, expected: int) -> list[int] | None:
    """Read the ids of a bulk answer, if they can be attributed to the rows of the request.

    The documented example has them under ``meta``, a live client reads them under ``data``
    (docs/api/better_b2b.md#company-bulk): the list is accepted in either place.

    Returns:
        The ids in order, or ``None`` when there is not exactly one for every row.
    """
    for rows in _lists_in(envelope.data, envelope.meta):
        ids = [as_int(row.get(name)) if isinstance(row, dict) else None for row in rows]
        known = [found for found in ids if found is not None]
        if len(known) == len(ids) == expected == len(set(known)):
            return known
    return None


def _lists_in(*places: Any) -> Iterator[list[Any]]:
    for place in places:
        if isinstance(place, list):
            yield place
        elif isinstance(place, dict):
            yield from (item for item in place.values() if isinstance(item, list))
