"""Make companies, and what belongs to them without waiting for the last company. (docs/performance.md#choices)

A company's addresses follow as soon as it is confirmed, filled up to whole bulk requests
across companies. When the last company is there, one crawl beside these writes reads back
what the store made of them; users, status and payment settings follow it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from customer_sync.loading.context import LoadContext
from customer_sync.loading.created import ReadBackCreated
from customer_sync.loading.customer_load import CustomerLoad, Part
from customer_sync.loading.dispatch import Write
from customer_sync.loading.write import OperationWrite, writes_of
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import Action
from customer_sync.planning.diff import is_late


class Creation:
    """The writes that make new companies whole.

    Args:
        context: The run.
        loads: The customers of the load.
    """

    def __init__(self, context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
        self._context = context
        self._loads = loads
        self._size = context.target.cost(Action.CREATE_ADDRESS).rows
        self._addresses_of: dict[str, list[Part]] = {}
        self._unsent: list[Part] = []
        self._is_read_back = False
        self.first_seen_s: int | None = None  # when the store made one of the first, where it was looked at
        self._unsettled = deque(loads)

    def to_make(self) -> list[Part]:
        """The companies that are to be made now."""
        parts: list[Part] = []
        for load in self._loads:
            found = load.remaining()
            if found and found[0].action is Action.CREATE_COMPANY:
                parts.append(Part(load, found[0]))
                # A company that is made has no address yet: what follows is known without comparing again.
                self._addresses_of[load.customer_id] = [
                    Part(load, operation) for operation in found if operation.action is Action.CREATE_ADDRESS
                ]
        return parts

    def begin(self) -> Iterator[Write]:
        """The companies that are to be made; without any, what an earlier attempt left to be read back."""
        parts = self.to_make()
        yield from writes_of(self._context, parts)
        if not parts:
            yield from self.rest()

    def then(self, write: Write) -> Iterator[Write]:
        """What a confirmed write allows."""
        if isinstance(write, OperationWrite) and write.action is Action.CREATE_COMPANY:
            for load, _ in write.parts:
                if load.applied is not None and load.problem is None:
                    self._unsent += self._addresses_of.get(load.customer_id, ())
            while len(self._unsent) >= self._size:
                yield self._addresses()
            if self._are_all_settled():
                yield from self.rest()
        elif isinstance(write, ReadBackCreated):
            # Addresses are on their way. What takes something away comes last of all, when these are answered: a
            # former admin cannot go before the next one is there (docs/api/better_b2b.md#order-of-writes).
            role = self._context.connector.contacts.primary_role
            parts = [
                Part(load, operation)
                for load in write.loads
                for operation in load.remaining()
                if operation.action not in {Action.CREATE_ADDRESS, Action.CREATE_COMPANY}
                and not is_late(operation, role)
            ]
            yield from writes_of(self._context, parts)

    def rest(self) -> Iterator[Write]:
        """The last addresses, and the reading back, where these are still to come."""
        if self._unsent:
            yield self._addresses()
        read_back = ReadBackCreated(self._context, self._loads, self.first_seen_s)
        if read_back.loads and not self._is_read_back:
            self._is_read_back = True
            yield read_back

    @property
    def is_unfinished(self) -> bool:
        """Whether :meth:`rest` has anything, because the last company was refused instead of confirmed."""
        is_unknown = any(
            load.applied is not None and load.applied.status == CompanyStatus.UNKNOWN for load in self._loads
        )
        return bool(self._unsent) or (is_unknown and not self._is_read_back)

    def _are_all_settled(self) -> bool:
        """Whether every customer has a company, or is known to get none now."""
        while self._unsettled and (self._unsettled[0].applied is not None or self._unsettled[0].problem is not None):
            self._unsettled.popleft()
        return not self._unsettled

    def _addresses(self) -> OperationWrite:
        parts, self._unsent = self._unsent[: self._size], self._unsent[self._size :]
        return OperationWrite(self._context, Action.CREATE_ADDRESS, parts)
