"""One request that writes, whatever its action: sent, confirmed, refused or without an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec
import sqlalchemy as sa

from customer_sync.errors import AmbiguousWriteError, BatchTooLarge, PermanentApiError, SyncError, TransientApiError
from customer_sync.ledger.coordination.watermarks import LOST
from customer_sync.ledger.state.catching_up import KEPT_BY_JOURNAL
from customer_sync.loading.actions import ACTIONS
from customer_sync.loading.applied_parts import save, save_begun
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import Part
from customer_sync.loading.dispatch import Write
from customer_sync.machine import machine
from customer_sync.model.operation import Action
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.targets.port import Order

_CARRIES_KEY: Final = frozenset({Action.CREATE_COMPANY, Action.UPDATE_COMPANY})


class OperationWrite:
    """A request with operations of one action; :data:`~customer_sync.loading.actions.ACTIONS` says what is special."""

    def __init__(self, context: LoadContext, action: Action, parts: Sequence[Part], *, is_repeat: bool = False) -> None:
        self.action = action
        self.parts = list(parts)
        self._context = context
        self._rule = ACTIONS[action]
        self._is_repeat = is_repeat

    def send(self) -> Sequence[int | None]:
        """Send the operations; what was made and not named in the answer is looked up at once."""
        is_welcomed = self._context.connector.contacts.welcomes(machine().utc_now())
        orders = [
            Order(operation, load.company_id, load.plan.record_id, load.channel_ids, is_welcomed)
            for load, operation in self.parts
        ]
        ids = self._context.perform(self.action, orders, [load.plan.record_id for load, _ in self.parts])
        if self._rule.look_up is None or None not in ids:
            return ids
        with _reading_back():
            return self._rule.look_up(self._context, self.parts)

    def confirm(self, connection: sa.Connection, answer: Sequence[int | None], /) -> None:
        """Remember what the store holds now."""
        self._rule.confirm(self.parts, answer)
        self._save(connection)
        for (load, operation), store_id in zip(self.parts, answer, strict=True):
            if store_id is not None:
                load.done.append(msgspec.structs.replace(operation, store_id=operation.store_id or store_id))

    def _save(self, connection: sa.Connection) -> None:
        run, loads = self._context.run, [load for load, _ in self.parts]
        if self.action is Action.CREATE_COMPANY:
            save_begun(run, connection, loads)
        elif self.action in KEPT_BY_JOURNAL:
            save(run, connection, [load for load in loads if not load.is_being_made])
        else:
            save(run, connection, loads)

    def may_be_done(self, error: SyncError) -> bool:
        """Whether nobody has looked: one without an answer, or some rows of a request that keeps the good ones."""
        if self._rule.find_made is not None or isinstance(error, BatchTooLarge):
            return False
        return not isinstance(error, PermanentApiError) or not self._context.target.cost(self.action).is_atomic

    def refused(self, error: SyncError) -> Iterable[Write]:
        """Several: each alone, those looked up first that may have been stored. One: what the action makes of it."""
        if len(self.parts) > 1:
            is_atomic = self._context.target.cost(self.action).is_atomic
            return self._singly(self.parts if is_atomic else self._missing(self.parts), is_repeat=self._is_repeat)
        self._rule.refused(self._context, self.parts[0], error)
        return self._with_another_admin() if self.action is Action.CREATE_COMPANY else ()

    def _with_another_admin(self) -> Iterable[Write]:
        """The creation once more where another contact may be the company's first admin."""
        load = self.parts[0].load
        found = load.remaining() if load.applied is None else ()
        if found and found[0].action is Action.CREATE_COMPANY:
            yield OperationWrite(self._context, self.action, [Part(load, found[0])])

    def unknown(self, error: SyncError) -> Iterable[Write] | None:
        """Repeat once: at once where that does no harm, else what is not found in the store."""
        if self._rule.find_made is None:
            if not self._is_repeat:
                return [OperationWrite(self._context, self.action, self.parts, is_repeat=True)]
            self._stop(self.parts, error)
            return None
        missing = self._missing(self.parts)
        if not self._is_repeat:
            return self._singly(missing, is_repeat=True)
        self._stop(missing, error)
        return ()

    def _missing(self, parts: Sequence[Part]) -> list[Part]:
        """The parts whose record is not in the store; those that are were linked."""
        if self._rule.find_made is None:
            return list(parts)
        found = self._rule.find_made(self._context, parts)
        for load, operation in parts:
            if operation.key in found:
                load.found.append(operation)
        return [part for part in parts if part.operation.key not in found and part.load.problem is None]

    def _singly(self, parts: Iterable[Part], *, is_repeat: bool) -> list[Write]:
        return [OperationWrite(self._context, self.action, [part], is_repeat=is_repeat) for part in parts]

    def _stop(self, parts: Iterable[Part], error: SyncError) -> None:
        for load, _ in parts:
            load.stop(Outcome.FAILED, Reason.OUTCOME_UNKNOWN, str(error))


@contextmanager
def _reading_back() -> Iterator[None]:
    """Mark look-ups that follow a write in the same ``send``.

    When they fail, for whatever reason, the write was done all the same: its outcome
    is unknown, and must not pass for a write that the server refused.

    Raises:
        AmbiguousWriteError: In place of an error that says the server did nothing.
    """
    try:
        yield
    except (TransientApiError, PermanentApiError) as error:
        raise AmbiguousWriteError(
            f"The write was done, and reading back which records it made failed: {error.message}",
            system=error.system,
            operation=error.operation,
            status=error.status,
        ) from error


def writes_of(context: LoadContext, parts: Sequence[Part]) -> Iterator[OperationWrite]:
    """The requests of any operations, filled up to what the store takes at once, in the order of the actions."""
    for action in ACTIONS:
        alike = [part for part in parts if part.operation.action is action]
        rows = rows_of(context, action)
        for start in range(0, len(alike), rows):
            yield OperationWrite(context, action, alike[start : start + rows])


def rows_of(context: LoadContext, action: Action) -> int:
    """How many operations of an action travel in one request; 1 where the system would take more and should not."""
    is_single = action is Action.CREATE_COMPANY and context.connector.store.is_one_by_one
    is_single |= context.census.keys_in_bulk == LOST and action in _CARRIES_KEY
    return 1 if is_single or action is Action.WRITE_REFERENCE else context.target.cost(action).rows
