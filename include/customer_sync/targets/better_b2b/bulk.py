"""Which rows of a bulk call an answer speaks of.

Source: docs/api/better_b2b.md#company-bulk and #unknown-outcome.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from customer_sync.targets.better_b2b.answers import Envelope
from customer_sync.targets.better_b2b.records import as_int, as_text, required_id


def ids_in_order(envelope: Envelope, name: str, expected: int) -> list[int | None] | None:
    """Read the ids of a bulk answer, if they can be attributed to the rows of the request.

    The documented example has them under ``meta``, a live client reads them under ``data``
    (docs/api/better_b2b.md#company-bulk): the list is accepted in either place.

    Returns:
        The ids in order, or ``None`` when there is not exactly one for every row.
    """
    for rows in _lists_in(envelope.data, envelope.meta):
        ids = [as_int(row.get(name)) if isinstance(row, dict) else None for row in rows]
        if None not in ids and len(ids) == expected == len(set(ids)):
            return ids
    return None


def ids_of_addresses(envelope: Envelope, sent: Sequence[Mapping[str, Any]]) -> list[int | None] | None:
    """Read the ids of a bulk answer whose rows come whole, so that their order need not be taken on trust."""
    rows = envelope.data
    if not isinstance(rows, list) or len(rows) != len(sent) or not all(isinstance(row, dict) for row in rows):
        return None
    ids: list[int | None] = [required_id(row, "addressId", "id") for row in rows]
    agree = all(
        as_text(row.get("externalId")) == each.get("externalId", "") for row, each in zip(rows, sent, strict=True)
    )
    return ids if agree else None


def _lists_in(*places: Any) -> Iterator[list[Any]]:
    for place in places:
        if isinstance(place, list):
            yield place
        elif isinstance(place, dict):
            yield from (item for item in place.values() if isinstance(item, list))
