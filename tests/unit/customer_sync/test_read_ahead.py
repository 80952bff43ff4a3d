from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from customer_sync.sources.read_ahead import read_ahead


def test_every_page_comes_once_and_in_order() -> None:
    """Nothing is dropped or read twice."""
    assert list(read_ahead(iter(range(5)))) == [0, 1, 2, 3, 4]
    assert list(read_ahead(iter(()))) == []


def test_the_next_page_is_read_while_the_present_one_is_worked_on_and_no_further() -> None:
    """Memory holds two pages, however long the list."""
    begun = [threading.Event() for _ in range(4)]

    def pages() -> Iterator[int]:
        for number, event in enumerate(begun):
            event.set()
            yield number

    ahead = read_ahead(pages())
    assert next(ahead) == 0
    assert begun[1].wait(5), "page 1 was not read while page 0 was worked on"
    assert not begun[2].wait(0.05), "page 2 was read although page 1 was not taken yet"
    assert list(ahead) == [1, 2, 3]


def test_an_error_comes_after_the_pages_before_it() -> None:
    """A page that was read is not lost with the next one."""

    def pages() -> Iterator[int]:
        yield 1
        raise LookupError("page 2")

    ahead = read_ahead(pages())
    assert next(ahead) == 1
    with pytest.raises(LookupError, match="page 2"):
        next(ahead)


def test_leaving_early_leaves_no_thread_behind() -> None:
    """A run that has enough batches stops reading."""
    ahead = read_ahead(iter(range(100)))
    next(ahead)
    ahead.close()  # type: ignore[attr-defined]  # a generator
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
