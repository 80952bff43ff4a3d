"""Cutting a list into parts whose texts fit one request. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def cut_by_length(items: Iterable[T], chars_of: Callable[[T], int], most_chars: int) -> Iterator[list[T]]:
    """Cut items into lists, in order, none longer than ``most_chars`` unless one item alone is."""
    part: list[T] = []
    length = 0
    for item in items:
        added = chars_of(item)
        if part and length + added > most_chars:
            yield part
            part, length = [], 0
        part.append(item)
        length += added
    if part:
        yield part
