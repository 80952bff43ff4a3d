"""Parts that a list cannot be trusted with: what it cannot be asked for, and what it shows as empty though it is not.

Source: docs/api/acumatica.md#optimiser and #expand.
"""

from collections.abc import Sequence
from typing import Any

from customer_sync.sources.acumatica.answers import CannotOptimize
from customer_sync.sources.acumatica.field_types import LINKED
from customer_sync.sources.acumatica.selection import Row, Selection


def without_culprits(selection: Selection, refusal: CannotOptimize) -> Selection:
    """Return a smaller selection that the ERP may be able to list.

    First goes what the ERP names: fields, or the parts that hold them. It may name a field of a view
    that is not in the selection; then the details go, then every part.

    Raises:
        CannotOptimize: Nothing is left that could be dropped.
    """
    culprits = set(refusal.culprits)
    named = [path for path in selection.fields if culprits & set(path.split("/"))]
    parts = [path.rpartition("/")[0] for path in named if "/" in path]
    details = [part for part in selection.expansions if part.split("/")[-1] not in LINKED]
    for dropped in (parts, details, list(selection.expansions)):
        smaller = selection.without(dropped)
        kept = tuple(path for path in smaller.fields if path not in named)
        if kept and kept != selection.fields:
            return Selection(selection.entity, kept, selection.custom)
    raise refusal


def empty_parts(selection: Selection, rows: Sequence[Row]) -> list[str]:
    """Name the parts that hold nothing in any of some rows; none where there are no rows.

    A part that every record has, or that some record of a page has, is not missing in all of them for long: on some
    sites lists show expansions empty, and those are no proof that there is nothing.
    """
    empty = list(selection.expansions) if rows else []
    for row in rows:
        empty = [part for part in empty if _holds_nothing(selection.part_of(row, part))]
        if not empty:
            break
    return empty


def _holds_nothing(part: Any) -> bool:
    return not part if part is None or isinstance(part, list) else bool(part == type(part)())


def lost_parts(selection: Selection, empty: Sequence[str], by_key: Row) -> list[str]:
    """Of parts that a list showed as empty, those that one of its records holds something in."""
    return [part for part in empty if not _holds_nothing(selection.part_of(by_key, part))]
