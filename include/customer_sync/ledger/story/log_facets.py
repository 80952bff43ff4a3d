"""Kinds of log rows: what a row says apart from whom and when. Some hundreds, however long the log is.

Every filter of the log but time, run and customer selects kinds; their rows are then
found through one index, newest first, in steps that do not depend on the log's length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.schema import log_kind
from customer_sync.ledger.storage.statement import Prepared, among, upsert
from customer_sync.model.outcome import SETTLED_BY_RUNS


class LogKind(NamedTuple):
    """One combination; ``reasons`` are codes joined by commas."""

    connector_id: str
    entity: str
    action: str
    outcome: str
    level: str
    reasons: str

    @property
    def id(self) -> int:
        """A number made from the words themselves, so that writers need not agree on one."""
        digest = hashlib.blake2b("\x1f".join(self).encode(), digest_size=6).digest()
        return int.from_bytes(digest)

    @property
    def is_finding(self) -> bool:
        """Whether it says that something was left out or failed which no run settles by itself."""
        return self.level in ("warning", "error") and not SETTLED_BY_RUNS.issuperset(self.reasons.split(","))

    def matches(self, wanted: Mapping[str, str]) -> bool:
        """Whether the named columns have these values; ``reason`` asks for one of the reasons."""
        for name, value in wanted.items():
            if name == "reason":
                if value not in self.reasons.split(","):
                    return False
            elif getattr(self, name) != value:
                return False
        return True


def put_kinds(connection: sa.Connection, kinds: Iterable[LogKind]) -> None:
    """Make kinds known; in a fixed order, to avoid deadlocks."""
    rows = [{"kind_id": kind.id, **kind._asdict()} for kind in kinds]
    known = set(_known_ids(connection, [row["kind_id"] for row in rows]).scalars())
    new = [row for row in rows if row["kind_id"] not in known]
    upsert(connection, log_kind, sorted(new, key=lambda row: row["kind_id"]))


def load_kinds(connection: sa.Connection, connectors: Iterable[str]) -> dict[int, LogKind]:
    """All kinds of some connectors by their number."""
    return {row[0]: LogKind(*row[1:]) for row in _kinds_of(connection, list(connectors))}


def all_kinds_are(connection: sa.Connection, kinds: Iterable[int]) -> bool:
    """Whether these are all kinds that the log has."""
    total = connection.execute(sa.select(sa.func.count()).select_from(log_kind)).scalar_one()
    return int(total) == len(set(kinds))


@Prepared
def _known_ids(kind_ids: Any) -> sa.Select[Any]:
    return sa.select(log_kind.c.kind_id).where(among(log_kind.c.kind_id, kind_ids))


@Prepared
def _kinds_of(connectors: Any) -> sa.Select[Any]:
    columns = (log_kind.c.kind_id, *(log_kind.c[name] for name in LogKind._fields))
    return sa.select(*columns).where(among(log_kind.c.connector_id, connectors))
