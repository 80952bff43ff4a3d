"""A company that is being made: its row is written when it is made and when it is done, the journal has all between.

Its parts are confirmed one request after the other. To write the whole row each time was the most of the ledger's work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Final

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.journal.parts import JournalPart, decode_parts, stored_id
from customer_sync.ledger.storage.schema import journal
from customer_sync.model.company import Address, UserFields
from customer_sync.model.operation import Action, AppliedAddress, AppliedCompany, AppliedUser

KEPT_BY_JOURNAL: Final = frozenset({Action.CREATE_USER, Action.CREATE_ADDRESS, Action.WRITE_REFERENCE})
"""What may be confirmed of a company that is being made without its row being written."""

_READ: Final = sorted(map(str, {*KEPT_BY_JOURNAL, Action.CREATE_COMPANY}))
_ids = msgspec.json.Decoder(list[int | None])


def caught_up(
    connection: sa.Connection, connector_id: str, behind: Mapping[str, AppliedCompany]
) -> dict[str, AppliedCompany]:
    """Companies as they are, of whose rows the journal knows more.

    Args:
        connection: A transaction.
        connector_id: Whose they are.
        behind: Customer -> what its row says.
    """
    found = dict(behind)
    for customer_id, action, part, store_id in _made(connection, connector_id, behind):
        if action != Action.CREATE_COMPANY:
            found[customer_id] = _with(found[customer_id], action, part, store_id)
        elif store_id == behind[customer_id].company_id:
            # What came before belonged to another company of the customer.
            found[customer_id] = behind[customer_id]
    return found


def _made(
    connection: sa.Connection, connector_id: str, behind: Mapping[str, AppliedCompany]
) -> Iterator[tuple[str, str, JournalPart, int | None]]:
    names = {stored_id(key): key for key in behind}
    if not names:
        return
    c = journal.c
    query = sa.select(c.action, c.parts, c.made).where(
        c.connector_id == connector_id,
        c.first_customer <= max(names),
        c.last_customer >= min(names),
        c.state == "confirmed",
        c.action.in_(_READ),
    )
    for action, parts, made in connection.execute(query.order_by(c.id)):
        for part, store_id in zip(decode_parts(parts), _ids.decode(made) if made else repeat(None), strict=False):
            if part.customer_id in names:
                yield names[part.customer_id], action, part, store_id


def _with(applied: AppliedCompany, action: str, part: JournalPart, store_id: int | None) -> AppliedCompany:
    if action == Action.WRITE_REFERENCE:
        return msgspec.structs.replace(
            applied, reference_id=part.after_values().get("reference_id") or str(applied.company_id)
        )
    if store_id is None:
        return applied
    if action == Action.CREATE_USER:
        user = AppliedUser(store_id=store_id, fields=msgspec.convert(part.after_values(), UserFields))
        return msgspec.structs.replace(applied, users={**applied.users, part.key: user})
    address = AppliedAddress(store_id=store_id, fields=msgspec.convert(part.after_values(), Address))
    return msgspec.structs.replace(applied, addresses={**applied.addresses, part.key: address})
