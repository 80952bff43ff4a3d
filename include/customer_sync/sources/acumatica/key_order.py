"""Reading a whole list by key without trusting the order in which the ERP returns rows.

One thing is trusted: **a page shorter than** ``$top`` **is the whole set of its filter.** The order of
a list is documented nowhere (docs/api/acumatica.md#paging), and rows that change between pages make
``$skip`` lose or repeat some, so the next page is asked for by ``key gt last``. That alone would lose
rows if a page were not the *first* rows by key. Therefore

* a full page is proven by asking for the keys up to its last one; after enough rows were proven, a
  page that ascends is believed without it;
* a page that fails the proof is not used: an upper bound (``key le median``) narrows the filter
  until a page is short, and reading goes on behind the bound.

Every bound is compared by the ERP itself, so a difference between its collation and ours costs
requests and never rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import attrgetter, lt
from typing import Any, Final

from customer_sync.errors import ContractError, ReplyTooLarge
from customer_sync.sources.acumatica import odata_filter as erp_filter
from customer_sync.sources.acumatica.odata_filter import Filter, all_of, any_of, eq
from customer_sync.sources.acumatica.pages import BadRow, Key, Page
from customer_sync.sources.acumatica.selection import Row
from customer_sync.sources.acumatica.settings import SYSTEM

# So many rows in ascending order are no accident.
_PROOF_ROWS: Final = 50
# Halving reaches a short page of any table within far fewer steps.
_NARROWINGS_MAX: Final = 200
_TOP_MIN: Final = 2

_id_of = attrgetter("id")


@dataclass(slots=True)
class OrderTrust:
    """What has been learnt about one entity's order; kept for the life of a client.

    Args:
        proven_rows: Rows that came in ascending order and were checked to be the first ones.
        is_broken: Whether a full page ever came otherwise.
    """

    proven_rows: int = 0
    is_broken: bool = False


@dataclass(slots=True)
class KeyOrderRead:
    """One pass over a list, in ascending key order.

    Args:
        fetch: Reads the first rows (filter, ``$top``) with all fields.
        fetch_keys: Reads the same rows with their keys only, for checking.
        key_fields: The entity's key, in order.
        key_of: Takes the key out of a row.
        where: Condition of the whole read.
        page_size: Rows per request; halved when an answer is too large.
        trust: What is known about the entity's order.
    """

    fetch: Callable[[Filter | None, int], Page]
    fetch_keys: Callable[[Filter | None, int], Page]
    key_fields: Sequence[str]
    key_of: Callable[[Row], Key]
    where: Filter | None
    page_size: int
    trust: OrderTrust
    _lower: Key | None = None
    _bounds: list[Key] = field(default_factory=list)
    _last_ids: frozenset[Any] = frozenset()

    def pages(self) -> Iterator[Page]:
        """Yield every row once, page by page, and every bad row once.

        Raises:
            ContractError: The ERP ignores the filter, so no order of pages can be relied on.
        """
        while True:
            upper = self._bounds[-1] if self._bounds else None
            page, found, top = self._fetch_fitting(upper)
            keys = _all_collated(found)
            fresh = self._sorted_fresh(page, keys)
            if page.received < top:
                yield from self._shown(fresh)
                if upper is None:
                    return
                self._lower = upper
                self._bounds.pop()
            elif self._is_first_by_key(page, keys, top):
                if not fresh.received:
                    raise _filter_ignored(self.key_fields)
                self._lower = self._last_key(page)
                yield from self._shown(fresh)
            else:
                self._bounds.append(self._narrower_bound(page, upper))

    def _fetch_fitting(self, upper: Key | None) -> tuple[Page, list[Key], int]:
        """A page, the keys of its rows, and the ``$top`` that was asked for."""
        while True:
            try:
                page = self.fetch(self._range(upper), self.page_size)
            except ReplyTooLarge:
                if self.page_size <= _TOP_MIN:
                    raise
                self.page_size = max(self.page_size // 2, _TOP_MIN)
            else:
                return *_with_whole_keys(page, self.key_of), self.page_size

    def _range(self, upper: Key | None) -> Filter | None:
        above = None if self._lower is None else _beyond(self.key_fields, self._lower, erp_filter.gt, erp_filter.gt)
        return all_of(
            self.where, above, None if upper is None else _beyond(self.key_fields, upper, erp_filter.lt, erp_filter.le)
        )

    def _is_first_by_key(self, page: Page, keys: Sequence[Key], top: int) -> bool:
        """Say whether a full page holds the first rows of its range, so that reading can go on behind its last."""
        if self.trust.is_broken:
            return False
        floor = [] if self._lower is None else [collated(self._lower)]
        if _ascends([*floor, *keys]) and self.trust.proven_rows >= _PROOF_ROWS:
            return True
        # Asked in the ERP's own collation, so that a page which only seems disordered to us passes too.
        checked, _ = _with_whole_keys(self.fetch_keys(self._range(self._last_key(page)), top + 1), self.key_of)
        up_to_last = self._marks(checked)
        shown = self._marks(page)
        if not (up_to_last <= shown if page.bad_rows else up_to_last == shown):
            self.trust.is_broken = True
            return False
        self.trust.proven_rows += page.received
        return True

    def _narrower_bound(self, page: Page, upper: Key | None) -> Key:
        # Any key of the page but the bound itself makes the range smaller, whatever the collation.
        inside = sorted({key for key in _keys(page, self.key_of) if key not in (upper, self._lower)}, key=collated)
        if not inside or len(self._bounds) >= _NARROWINGS_MAX:
            raise _filter_ignored(self.key_fields)
        return inside[(len(inside) - 1) // 2]

    def _last_key(self, page: Page) -> Key:
        if page.rows and not page.bad_rows:
            return self.key_of(page.rows[-1])
        keys = _keys(page, self.key_of)
        if not keys:
            raise ContractError(
                f"{SYSTEM} returned a page of records without a readable {', '.join(self.key_fields)}.",
                system=SYSTEM,
                operation="list",
                excerpt=page.bad_rows[0].excerpt if page.bad_rows else "",
            )
        # With a bad row among them the last position is not known, and the largest key is the best guess;
        # a guess that is too low only reads rows again.
        return max(keys, key=collated)

    def _sorted_fresh(self, page: Page, keys: Sequence[Key]) -> Page:
        """Sort a page by key and drop rows that this or the previous page already had, by id."""
        if not page.bad_rows and _ascends(keys) and self._last_ids.isdisjoint(self._row_marks(page)):
            return page
        rows: dict[Any, Row] = {}
        for _, place in sorted((key, place) for place, key in enumerate(keys)):
            row = page.rows[place]
            rows.setdefault(self._mark(row), row)
        bad_rows: dict[Any, BadRow] = {bad.id or bad.key: bad for bad in page.bad_rows}
        return Page(
            [row for mark, row in rows.items() if mark not in self._last_ids],
            [bad for mark, bad in bad_rows.items() if mark not in self._last_ids],
        )

    def _shown(self, fresh: Page) -> Iterator[Page]:
        if fresh.received:
            self._last_ids = self._marks(fresh)
            yield fresh

    def _marks(self, page: Page) -> frozenset[Any]:
        return frozenset(self._row_marks(page) + [bad.id or bad.key for bad in page.bad_rows])

    def _row_marks(self, page: Page) -> list[Any]:
        ids = list(map(_id_of, page.rows))
        return ids if all(ids) else [self._mark(row) for row in page.rows]

    def _mark(self, row: Row) -> Any:
        return row.id or self.key_of(row)


def collated(key: Key) -> Key:
    """Make a key comparable as the ERP most likely compares: no case, no trailing blanks.

    Source: docs/api/acumatica.md#collation.
    """
    return _all_collated([key])[0]


def _all_collated(keys: Sequence[Key]) -> list[Key]:
    return list(zip(*map(_collated_column, zip(*keys, strict=True)), strict=True))


def _collated_column(parts: tuple[Any, ...]) -> list[Any]:
    # The leading flag keeps text and numbers apart, which Python would refuse to compare.
    return [(1, part.rstrip(" ").upper()) if isinstance(part, str) else (0, part) for part in parts]


def _with_whole_keys(page: Page, key_of: Callable[[Row], Key]) -> tuple[Page, list[Key]]:
    """A page and its rows' keys; rows without a complete key are set apart: they have no order."""
    keys = list(map(key_of, page.rows))
    if None not in chain.from_iterable(keys):
        return page, keys
    lacking = [
        BadRow(key, row.id, "The record has no key.", "")
        for key, row in zip(keys, page.rows, strict=True)
        if not is_whole(key)
    ]
    rows = [row for key, row in zip(keys, page.rows, strict=True) if is_whole(key)]
    return Page(rows, [*page.bad_rows, *lacking]), list(filter(is_whole, keys))


def is_whole(key: Key) -> bool:
    """Say whether every part of a key is there."""
    return all(part is not None for part in key)


def _ascends(keys: Sequence[Key]) -> bool:
    return all(map(lt, keys, islice(keys, 1, None)))


def _keys(page: Page, key_of: Callable[[Row], Key]) -> list[Key]:
    # A bad row's key may be the very thing that is bad, so it counts only where there is nothing better.
    return [key_of(row) for row in page.rows] or [bad.key for bad in page.bad_rows if is_whole(bad.key)]


def _filter_ignored(key_fields: Sequence[str]) -> ContractError:
    return ContractError(
        f"{SYSTEM} returns the same rows whatever the filter on {', '.join(key_fields)} says: its list cannot be "
        "read completely. Check that these fields can be filtered on this endpoint.",
        system=SYSTEM,
        operation="list",
    )


def _beyond(
    fields: Sequence[str],
    key: Key,
    strictly: Callable[[str, Any], Filter],
    at_last: Callable[[str, Any], Filter],
) -> Filter:
    """``A gt a or (A eq a and B gt b)`` for as many key fields as there are (docs/api/acumatica.md#paging)."""
    first, rest = fields[0], fields[1:]
    if not rest:
        return at_last(first, key[0])
    same = all_of(eq(first, key[0]), _beyond(rest, key[1:], strictly, at_last))
    return any_of(strictly(first, key[0]), *([same] if same else []))
