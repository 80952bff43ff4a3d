"""Make companies, and what belongs to them without waiting for the last company. (docs/performance.md#choices)

A company's addresses follow as soon as it is confirmed, filled up to whole bulk requests
across companies. When the last company is there, one crawl beside these writes reads back
what the store made of them; users, status and payment settings follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from customer_sync.loading.addresses import CreateAddresses
from customer_sync.loading.companies import UNKNOWN_STATUS, CreateCompanies
from customer_sync.loading.context import Surroundings
from customer_sync.loading.created import LearnCreated
from customer_sync.loading.customer_load import Work
from customer_sync.loading.dispatch import Write
from customer_sync.model.operation import Action, Operation

Part = tuple[Work, Operation]


class Creation:
    """The writes that make new companies whole.

    Args:
        around: The run.
        works: The customers of the load.
        others: Makes the writes of any operations, in bulk where the store can.
    """

    def __init__(
        self, around: Surroundings, works: Sequence[Work], others: Callable[[Sequence[Part]], Iterable[Write]]
    ) -> None:
        self._around = around
        self._works = works
        self._others = others
        self._size = around.connector.store.bulk_size
        self._unsent: list[Part] = []
        self._is_read_back = False

    def begin(self) -> Iterator[Write]:
        """The companies that are to be made; without any, what an earlier attempt left to be read back."""
        parts = [
            (work, operation)
            for work in self._works
            for operation in work.remaining()
            if operation.action is Action.CREATE_COMPANY
        ]
        for start in range(0, len(parts), self._size):
            yield CreateCompanies(self._around, parts[start : start + self._size])
        if not parts:
            yield from self.rest()

    def then(self, write: Write) -> Iterator[Write]:
        """What a confirmed write allows."""
        if isinstance(write, CreateCompanies):
            self._unsent += [
                (work, operation)
                for work, _ in write.parts
                if work.applied is not None
                for operation in work.remaining()
                if operation.action is Action.CREATE_ADDRESS
            ]
            while len(self._unsent) >= self._size:
                yield self._addresses()
            if not any(work.applied is None and work.problem is None for work in self._works):
                yield from self.rest()
        elif isinstance(write, LearnCreated):
            # Addresses are on their way; what takes something away comes last of all
            # (docs/api/better_b2b.md#order-of-writes).
            yield from self._others(
                [
                    (work, operation)
                    for work in write.works
                    for operation in work.remaining()
                    if operation.action not in {Action.CREATE_ADDRESS, Action.CREATE_COMPANY}
                ]
            )

    def rest(self) -> Iterator[Write]:
        """The last addresses, and the reading back, where these are still to come."""
        if self._unsent:
            yield self._addresses()
        learn = LearnCreated(self._around, self._works)
        if learn.works and not self._is_read_back:
            self._is_read_back = True
            yield learn

    @property
    def is_unfinished(self) -> bool:
        """Whether :meth:`rest` has anything, because the last company was refused instead of confirmed."""
        is_unknown = any(w.applied is not None and w.applied.status == UNKNOWN_STATUS for w in self._works)
        return bool(self._unsent) or (is_unknown and not self._is_read_back)

    def _addresses(self) -> CreateAddresses:
        parts, self._unsent = self._unsent[: self._size], self._unsent[self._size :]
        return CreateAddresses(self._around, parts)
