"""How the first companies of a store are made: one by itself, then one request with several, which is looked at.

A store may take extra fields singly and lose them in bulk (docs/api/better_b2b.md#company-bulk). Ten companies without
a key are repaired sooner than hundreds; once the keys of a bulk request were seen to arrive, the store is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from customer_sync.ledger.coordination.watermarks import KEPT, LOST
from customer_sync.loading.context import LoadContext
from customer_sync.loading.creation import Creation
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.loading.dispatch import Dispatcher, ReadBack, Write
from customer_sync.loading.write import OperationWrite, rows_of
from customer_sync.model.operation import Action
from customer_sync.targets.port import StoredCompany


def make_first(context: LoadContext, creation: Creation, dispatcher: Dispatcher) -> None:
    """Make one company, then as many as one request takes, unless the store's way with keys is known.

    A store that refuses every company is known after one request, too.
    """
    most = rows_of(context, Action.CREATE_COMPANY)
    parts = creation.to_make() if most > 1 and not context.census.keys_in_bulk else []
    if len(parts) <= 1:
        return
    dispatcher.perform([OperationWrite(context, Action.CREATE_COMPANY, parts[:1])], creation.then)
    bulk = OperationWrite(context, Action.CREATE_COMPANY, parts[1 : most + 1])

    def then(write: Write) -> Iterator[Write]:
        if write is bulk:
            yield from (_KeyInBulk(context, creation, load) for load, _ in bulk.parts[:1] if len(bulk.parts) > 1)
        yield from creation.then(write)

    dispatcher.perform([bulk], then)


class _KeyInBulk(ReadBack):
    """Looks whether the key of a company arrived that was made with others; one speaks for its whole request."""

    def __init__(self, context: LoadContext, creation: Creation, load: CustomerLoad) -> None:
        self._context = context
        self._creation = creation
        self._load = load

    def send(self) -> StoredCompany | None:
        """Read the company."""
        return self._context.target.company(self._load.company_id)

    def confirm(self, connection: sa.Connection, answer: StoredCompany | None, /) -> None:
        """Remember what the store does; a key that was lost is written by what reads new companies back."""
        if answer is not None:
            self._creation.first_seen_s = answer.created_at_s
            self._context.note_keys_in_bulk(connection, KEPT if answer.key == self._load.customer_id else LOST)
