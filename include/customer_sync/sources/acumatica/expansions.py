"""Parts that a list cannot be trusted with: what it cannot be asked for, and what it shows as empty though it is not.

Source: docs/api/acumatica.md#optimiser and #expand.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from customer_sync.sources.acumatica.answers import CannotOptimize
from customer_sync.sources.acumatica.field_types import LINKED
from customer_sync.sources.acumatica.pages import BadRow, Page
from customer_sync.sources.acumatica.selection import Row, Selection

TRIES: Final = 3
"""So many records by key that say the same as a list are enough to believe it of a part."""

TRIES_OF_COMPANIES: Final = 100
"""The same for records of customers that have a company: what is believed there takes access away."""

Found = Row | BadRow | None
"""What a read by key brings: the row, one that does not fit, or nothing."""


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


class ListedParts:
    """What one session has learnt about the parts that lists of one selection show as empty.

    On some sites a list shows expansions as empty that are not, in all rows or in some. So a few such rows are read by
    key. As soon as one of them holds what the list did not show, every row in which that part is empty is read by key.

    Args:
        selection: What the lists are asked for.
        read_by_key: Reads the record of a row by itself.
    """

    def __init__(self, selection: Selection, read_by_key: Callable[[Row], Found]) -> None:
        self._selection = selection
        self._read_by_key = read_by_key
        self._really_empty: Counter[str] = Counter()
        self._hidden: set[str] = set()

    @property
    def hidden(self) -> frozenset[str]:
        """The parts that lists were seen to show as empty although they are not."""
        return frozenset(self._hidden)

    def confirmed(self, page: Page) -> Page:
        """The page of a list, with what its rows hold where the list hides it."""
        # Nearly every row of nearly every list has all of its parts.
        if not self._selection.expansions or not (places := [*self._with_empty_parts(page.rows)]):
            return page
        found: dict[int, Found] = {}
        for part in self._selection.expansions:
            lacking = [place for place, empty in places if part in empty]
            for place in _spread(lacking, TRIES):
                if place not in found and self._is_doubted([part], TRIES):
                    found[place] = self._read_again(page.rows[place])
        for place, empty in places:
            if place not in found and not self._hidden.isdisjoint(empty):
                found[place] = self._read_again(page.rows[place])
        if not found:
            return page
        rows = [found.get(place, row) for place, row in enumerate(page.rows)]
        bad_rows = [row for row in rows if isinstance(row, BadRow)]
        return Page([row for row in rows if row and not isinstance(row, BadRow)], [*page.bad_rows, *bad_rows])

    def confirmed_row(self, row: Row) -> Found:
        """A row of a list, read by key where one of its parts is empty: for a customer that has a company."""
        return self._read_again(row) if self._is_doubted(self._empty(row), TRIES_OF_COMPANIES) else row

    def _is_doubted(self, empty: Sequence[str], tries: int) -> bool:
        return any(part in self._hidden or self._really_empty[part] < tries for part in empty)

    def _read_again(self, row: Row) -> Found:
        found = self._read_by_key(row)
        if found is not None and not isinstance(found, BadRow):
            still_empty = set(self._empty(found))
            for part in self._empty(row):
                if part in still_empty:
                    self._really_empty[part] += 1
                else:
                    self._hidden.add(part)
        return found

    def _with_empty_parts(self, rows: Sequence[Row]) -> Iterator[tuple[int, list[str]]]:
        for place, row in enumerate(rows):
            if empty := self._empty(row):
                yield place, empty

    def _empty(self, row: Row) -> list[str]:
        parts = self._selection.parts(row)
        return [
            name
            for name, part in zip(self._selection.expansions, parts, strict=True)
            if not part or part == _nothing(type(part))  # type: ignore[arg-type]  # every class is hashable
        ]


@lru_cache(maxsize=64)
def _nothing(of_kind: type[Any]) -> Any:
    return of_kind()


def _spread(places: Sequence[int], number: int) -> Sequence[int]:
    """A few of some places, from the first to the last: neighbours were often made alike."""
    steps = max(number - 1, 1)
    return sorted({places[step * (len(places) - 1) // steps] for step in range(number)}) if places else ()
