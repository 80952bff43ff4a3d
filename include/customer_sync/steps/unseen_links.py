"""Which customers with a company a read of the whole source did not show: some bytes for each of them."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from customer_sync.ledger.state.links import Links


class UnseenLinks:
    """Notes who was shown.

    Args:
        links: The links as they are when the read begins.
    """

    def __init__(self, links: Links) -> None:
        self._links = links
        marks = (_mark(customer_id) for part in links.companies() for customer_id, _ in part)
        self._marks = array("Q", sorted(marks))
        self._is_seen = bytearray(len(self._marks))

    def note(self, customer_ids: Iterable[str]) -> None:
        """Somebody was shown."""
        for customer_id in customer_ids:
            mark = _mark(customer_id)
            position = bisect_left(self._marks, mark)
            while position < len(self._marks) and self._marks[position] == mark:
                self._is_seen[position] = True
                position += 1

    def left(self) -> Iterator[list[str]]:
        """The customers that were linked from the beginning and not shown since, in parts."""
        if all(self._is_seen):
            return
        for part in self._links.companies():
            found = [customer_id for customer_id, _ in part if self._was_linked_and_not_shown(customer_id)]
            if found:
                yield found

    def _was_linked_and_not_shown(self, customer_id: str) -> bool:
        position = bisect_left(self._marks, mark := _mark(customer_id))
        return position < len(self._marks) and self._marks[position] == mark and not self._is_seen[position]


def _mark(customer_id: str) -> int:
    """Sixty-four bits: two customers that share them are both taken for shown, which withdraws nobody."""
    return int.from_bytes(hashlib.blake2b(customer_id.casefold().encode(), digest_size=8).digest())
