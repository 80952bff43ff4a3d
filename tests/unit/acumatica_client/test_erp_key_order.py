"""A whole list is read, each row once, in whatever order the ERP returns it."""

import operator
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_sync.errors import ContractError, ReplyTooLarge
from customer_sync.sources.acumatica.key_order import KeyOrderRead, OrderTrust, collated
from customer_sync.sources.acumatica.odata_filter import Filter
from customer_sync.sources.acumatica.pages import BadRow, Key, Page

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "lt": operator.lt,
    "le": operator.le,
}


@dataclass(frozen=True)
class Record:
    id: str
    key: Key


@dataclass
class Table:
    """A list of the ERP that filters by its own collation and returns rows in an order of its own."""

    keys: Sequence[Key]
    order: Callable[[list[Key]], list[Key]]
    collation: Callable[[Key], Any] = collated
    requests: int = 0
    tops: list[int] = field(default_factory=list)
    bad: frozenset[Key] = frozenset()
    largest_page: int = 10**9
    ignores_filter: bool = False

    def fetch(self, where: Filter | None, top: int) -> Page:
        self.requests += 1
        self.tops.append(top)
        if top > self.largest_page:
            raise ReplyTooLarge("Too large.")
        chosen = self.order([key for key in self.keys if self._holds(key, where)])[:top]
        return Page(
            [Record(repr(key), key) for key in chosen if key not in self.bad],
            [BadRow(key, repr(key), "bad", "") for key in chosen if key in self.bad],
        )

    def _holds(self, key: Key, where: Filter | None) -> bool:
        return where is None or self.ignores_filter or self._is_true(key, where.text)

    def _is_true(self, key: Key, text: str) -> bool:
        """Judge a filter as a key-ordered read makes it, by this table's collation; 'and' binds tighter than 'or'."""
        held: list[str] = []

        def hold(found: re.Match[str]) -> str:
            held.append(found[1])
            return f"${len(held) - 1}"

        flat = re.sub(r"\(([^()]*)\)", hold, text)
        while flat != text:
            text, flat = flat, re.sub(r"\(([^()]*)\)", hold, flat)
        return self._judge(key, flat, held)

    def _judge(self, key: Key, text: str, held: list[str]) -> bool:
        if " or " in text:
            return any(self._judge(key, part, held) for part in text.split(" or "))
        if " and " in text:
            return all(self._judge(key, part, held) for part in text.split(" and "))
        if text.startswith("$"):
            return self._judge(key, held[int(text[1:])], held)
        name, word, literal = text.split(" ", 2)
        value = literal[1:-1] if literal.startswith("'") else int(literal)
        return OPERATORS[word](self.collation((key["AB".index(name)],)), self.collation((value,)))


def in_key_order(keys: list[Key]) -> list[Key]:
    """Return rows as the documentation of the older advice has them."""
    return sorted(keys, key=collated)


def reversed_order(keys: list[Key]) -> list[Key]:
    """Return the last row first."""
    return sorted(keys, key=collated, reverse=True)


def shuffled(seed: int) -> Callable[[list[Key]], list[Key]]:
    """Return rows in a new order with every request."""
    rng = random.Random(seed)

    def order(keys: list[Key]) -> list[Key]:
        return rng.sample(keys, len(keys))

    return order


def a_block_first(start: int, stop: int) -> Callable[[list[Key]], list[Key]]:
    """The rows of a block, ascending, before all others: what 'recently changed first' gives after a mass update."""

    def order(keys: list[Key]) -> list[Key]:
        ascending = in_key_order(keys)
        block = [key for key in ascending if f"C{start:05}" <= key[0] < f"C{stop:05}"]
        return [*block, *[key for key in ascending if key not in block]]

    return order


def customers(count: int) -> list[Key]:
    """Make customer keys."""
    return [(f"C{number:05}",) for number in range(count)]


def read(table: Table, page_size: int, fields: Sequence[str] = ("A",), trust: OrderTrust | None = None) -> list[Page]:
    """Read a whole table."""
    return list(
        KeyOrderRead(
            fetch=table.fetch,
            fetch_keys=table.fetch,
            key_fields=fields,
            key_of=lambda row: row.key,
            where=None,
            page_size=page_size,
            trust=trust or OrderTrust(),
        ).pages()
    )


def keys_of(pages: Sequence[Page]) -> list[Key]:
    """Collect the keys in the order of arrival."""
    return [row.key for page in pages for row in page.rows]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1_000, 1_234])
@pytest.mark.parametrize("order", [in_key_order, reversed_order, shuffled(1), a_block_first(500, 700)])
def test_every_row_comes_once_when_the_order_is_any(count: int, order: Any) -> None:
    """Whatever the order, all rows come, each once, ascending from page to page."""
    assert keys_of(read(Table(customers(count), order), 100)) == customers(count)


@settings(max_examples=150, deadline=None)
@given(
    numbers=st.sets(st.integers(0, 400), max_size=120),
    page_size=st.integers(2, 40),
    seed=st.integers(0, 10_000),
    honest_pages=st.integers(0, 4),
)
def test_every_row_comes_once_when_the_order_turns(
    numbers: set[int], page_size: int, seed: int, honest_pages: int
) -> None:
    """Even with tiny pages, and an order that seems right at first, nothing is lost and nothing doubled."""
    shuffle, served = shuffled(seed), [0]

    def order(keys: list[Key]) -> list[Key]:
        served[0] += 1
        return in_key_order(keys) if served[0] <= honest_pages else shuffle(keys)

    table = Table([(number,) for number in numbers], order, collation=lambda key: key)
    assert keys_of(read(table, page_size)) == [(number,) for number in sorted(numbers)]


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 20)), max_size=90), st.integers(2, 20), st.integers(0, 99))
def test_every_row_comes_once_when_the_key_has_two_fields(
    pairs: set[tuple[int, int]], page_size: int, seed: int
) -> None:
    """Locations: Customer gt … or (Customer eq … and LocationID gt …), in any order of rows."""
    table = Table(sorted(pairs), shuffled(seed), collation=lambda key: key)
    assert keys_of(read(table, page_size, ("A", "B"))) == sorted(pairs)


@pytest.mark.parametrize("order", [None, shuffled(3)])
def test_every_row_comes_once_when_the_erp_sorts_unlike_us(order: Any) -> None:
    """A collation that ignores hyphens, as Windows' does, costs requests and no rows."""

    def without_hyphens(key: Key) -> tuple[str, ...]:
        return (key[0].replace("-", "").upper(), key[0])

    keys = [(text,) for number in range(200) for text in (f"A-{number:03}", f"A{number:03}-X")]
    table = Table(keys, order or (lambda found: sorted(found, key=without_hyphens)), collation=without_hyphens)
    assert sorted(keys_of(read(table, 20))) == sorted(keys)


def test_one_extra_request_is_made_when_the_order_is_right() -> None:
    """Ten pages and the proof of the first; a second read with the same client needs no proof."""
    trust, table = OrderTrust(), Table(customers(950), in_key_order)
    read(table, 100, trust=trust)
    assert table.requests == 11
    table.requests = 0
    read(table, 100, trust=trust)
    assert table.requests == 10


def test_one_request_is_made_when_all_fits_a_page() -> None:
    """A short page is the whole set: no proof and no empty page are asked for."""
    table = Table(customers(99), reversed_order)
    read(table, 100)
    assert table.requests == 1


def test_requests_stay_few_when_the_order_is_useless() -> None:
    """Narrowing by halves costs a few requests per page, not one per row."""
    table = Table(customers(2_000), shuffled(7))
    read(table, 200)
    assert table.requests < 60


def test_pages_are_halved_when_an_answer_is_too_large() -> None:
    """Rows of a megabyte each are read in smaller pages instead of not at all."""
    table = Table(customers(300), in_key_order, largest_page=60)
    assert keys_of(read(table, 200)) == customers(300)


def test_error_is_raised_when_even_two_rows_are_too_large() -> None:
    """What cannot be read is said, not looped over."""
    with pytest.raises(ReplyTooLarge):
        read(Table(customers(300), in_key_order, largest_page=1), 200)


@pytest.mark.parametrize("order", [in_key_order, shuffled(5)])
def test_bad_rows_come_too_when_some_are_among_the_others(order: Any) -> None:
    """A bad row, also at a page's edge, comes once, and costs no neighbour."""
    keys = customers(250)
    bad = frozenset([keys[0], keys[49], keys[50], keys[99], keys[120], keys[249]])
    pages = read(Table(keys, order, bad=bad), 50)
    assert keys_of(pages) == [key for key in keys if key not in bad]
    assert sorted(row.key for page in pages for row in page.bad_rows) == sorted(bad)


def test_error_is_raised_when_the_filter_is_ignored() -> None:
    """An ERP that returns the same rows whatever is asked must not keep a task busy for ever."""
    table = Table(customers(500), in_key_order)
    table.ignores_filter = True
    with pytest.raises(ContractError, match="cannot be read completely"):
        read(table, 100)


def test_error_is_raised_when_no_row_of_a_page_has_a_key() -> None:
    """Without keys there is no next page, and stopping silently would lose the rest."""
    page = Page([], [BadRow((None,), str(number), "bad", "") for number in range(10)])
    reading = KeyOrderRead(
        fetch=lambda _, __: page,
        fetch_keys=lambda _, __: page,
        key_fields=("A",),
        key_of=lambda row: row.key,
        where=None,
        page_size=10,
        trust=OrderTrust(),
    )
    with pytest.raises(ContractError, match="readable A"):
        list(reading.pages())


def test_rows_are_dropped_by_id_when_they_come_twice() -> None:
    """A row that two pages show, because its key changed meanwhile, comes once."""
    pages = iter(
        [
            Page([Record("1", ("A",)), Record("2", ("B",)), Record("2", ("B",))]),
            Page([Record("1", ("A",)), Record("2", ("B",))]),
            Page([Record("2", ("C",)), Record("3", ("D",))]),
        ]
    )
    reading = KeyOrderRead(
        fetch=lambda _, __: next(pages),
        fetch_keys=lambda _, __: next(pages),
        key_fields=("A",),
        key_of=lambda row: row.key,
        where=None,
        page_size=3,
        trust=OrderTrust(),
    )
    assert keys_of(list(reading.pages())) == [("A",), ("B",), ("D",)]
