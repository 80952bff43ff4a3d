"""One page of a list: from the order alone when nothing is filtered, from an index where one knows the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sandbox.better_b2b.envelope import Page
from sandbox.better_b2b.tables import Stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sandbox.better_b2b.tables import Order, Table

Row = TypeVar("Row", bound=Stamped)


def page_of(
    table: Table[Row],
    limits: tuple[int, int],
    *,
    order: Order | None = None,
    descending: bool = True,
    only: set[int] | None = None,
    tests: Sequence[Callable[[Row], bool]] = (),
) -> tuple[list[Row], Page]:
    """The records of one page, and what `pagination` says.

    Args:
        table: The table.
        limits: Offset and limit.
        order: Order of the list; by `updatedAt` when left out, ties by id.
        descending: Whether the order runs downwards.
        only: Only these ids; none is no restriction.
        tests: What each record must pass.
    """
    offset, limit = limits
    order = order or table.by_updated
    rows = table.rows
    if only is None and not tests:
        ids = order.cut(offset, limit, descending=descending)
        return [rows[row_id] for row_id in ids], Page(offset, limit, len(table))
    found = [
        row_id
        for row_id in _ordered(table, order, only, descending=descending)
        if all(test(rows[row_id]) for test in tests)
    ]
    return [rows[row_id] for row_id in found[offset : offset + limit]], Page(offset, limit, len(found))


def _ordered(table: Table[Row], order: Order, only: set[int] | None, *, descending: bool) -> Iterable[int]:
    if only is None:
        return order.ids(descending=descending)
    chosen = {row_id for row_id in only if row_id in table.rows}
    if len(chosen) <= 1:
        return chosen
    if order is table.by_updated:
        # A handful out of many is sorted by itself; walking the whole order would make look-ups slow in a large store.
        return sorted(chosen, key=lambda row_id: (table.rows[row_id].updated_at, row_id), reverse=descending)
    return [row_id for row_id in order.ids(descending=descending) if row_id in chosen]
