"""A link's shapes, and the links of one moment: what many readers need, and nothing of how they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.state.applied_document import decode_applied
from customer_sync.ledger.state.catching_up import caught_up
from customer_sync.ledger.state.email_directory import Indexed
from customer_sync.ledger.storage.schema import customer_state
from customer_sync.ledger.storage.statement import Prepared, among, chunks
from customer_sync.model.operation import AppliedCompany

MADE: Final = "made"
"""Evidence of a company that we made ourselves."""


class CustomerState(NamedTuple):
    """What is applied to one customer, and the source's id of its record.

    ``indexed`` is what the directory of e-mails says of the customer's users: e-mail -> contact, and whether the
    company is closed; ``None`` has it look. ``promised`` are e-mails of users who are about to be made, each with its
    contact; ``claimed`` are those that the directory names and the customer is to have still, though no user has them.
    ``is_behind`` says that what is made of the company from now on is in the journal alone, until it is
    written whole.
    ``key`` is the key that the company carries in the store, ``""`` where that is not known. ``evidence`` says why the
    company is the record's, ``""`` while that is to be weighed; what an earlier link says of it stays.
    """

    customer_id: str
    applied: AppliedCompany
    record_id: str = ""
    indexed: Mapping[str, Indexed] | None = None
    key: str = ""
    evidence: str = MADE
    promised: Mapping[str, str] = MappingProxyType({})
    claimed: frozenset[str] = frozenset()
    is_behind: bool = False


class KeyHolder(NamedTuple):
    """A link whose company carries a key in the store; ``is_proven`` says whether anybody has weighed whose it is."""

    customer_id: str
    record_id: str
    key: str
    is_proven: bool


class LinkSummary(NamedTuple):
    """A link in short; ``content_hash`` identifies the last desired state that was applied whole."""

    company_id: int
    status: int
    content_hash: str
    reference_id: str


class LinkSnapshot:
    """The links of one connector as one transaction sees them."""

    def __init__(self, connection: sa.Connection, connector_id: str) -> None:
        self._connection = connection
        self._connector_id = connector_id

    def applied(self, customer_ids: Iterable[str]) -> dict[str, AppliedCompany]:
        """What is applied for some customers; those without a company are absent."""
        found: dict[str, AppliedCompany] = {}
        behind: list[str] = []
        for part in chunks(customer_ids):
            for key, text, is_behind, *values in _applied(self._connection, self._connector_id, part):
                found[key] = decode_applied(text, **dict(zip(_FACTS, values, strict=True)))
                if is_behind:
                    behind.append(key)
        return found | caught_up(self._connection, self._connector_id, {key: found[key] for key in behind})

    def behind(self, customer_ids: Iterable[str]) -> set[str]:
        """Those of some customers of whose companies the journal knows more than their rows."""
        found: set[str] = set()
        link = customer_state.c
        for part in chunks(customer_ids):
            mine = (link.connector_id == self._connector_id, among(link.customer_id, part), link.is_behind)
            found.update(self._connection.execute(sa.select(link.customer_id).where(*mine)).scalars())
        return found

    def summaries(self, customer_ids: Iterable[str]) -> dict[str, LinkSummary]:
        """The links of some customers in short."""
        found: dict[str, LinkSummary] = {}
        for part in chunks(customer_ids):
            for key, *facts in _summaries(self._connection, self._connector_id, part):
                found[key] = LinkSummary(*facts)
        return found


_c = customer_state.c
_FACTS = ("company_id", "status", "reference_id", "content_hash", "parts_known")


@Prepared
def _applied(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    mine = (_c.connector_id == connector_id, among(_c.customer_id, customer_ids))
    return sa.select(_c.customer_id, _c.applied, _c.is_behind, *(_c[name] for name in _FACTS)).where(*mine)


@Prepared
def _summaries(connector_id: Any, customer_ids: Any) -> sa.Select[Any]:
    mine = (_c.connector_id == connector_id, among(_c.customer_id, customer_ids))
    return sa.select(_c.customer_id, _c.company_id, _c.status, _c.content_hash, _c.reference_id).where(*mine)
