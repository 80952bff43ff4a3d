"""Read the next page while the present one is worked on; never more than one page ahead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, cast

from customer_sync.machine import machine

T = TypeVar("T")

_END = object()


def read_ahead(pages: Iterator[T]) -> Iterator[T]:
    """Iterate over pages, with the next one being read in a thread of its own.

    An ERP's session answers one request at a time; so it is never left waiting for us, and
    memory holds two pages at most. Closing the iterator waits for the page under way.

    Args:
        pages: Reads a page at each step.

    Yields:
        The pages, in order; an error of the reading is raised in its place.
    """
    with machine().executor(1, "read-ahead") as pool:
        coming = pool.submit(next, pages, _END)
        while (page := coming.result()) is not _END:
            coming = pool.submit(next, pages, _END)
            yield cast("T", page)
