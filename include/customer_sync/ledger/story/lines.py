"""Stories: all that was decided of one customer by one step at one time, as one row; its lines are one text.

A line has a number of its own, made of its story's and its place in it, so that lines can be
paged through and pointed at although they are no rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.storage.schema import story, story_shape
from customer_sync.ledger.storage.statement import insert, upsert
from customer_sync.ledger.story.log_facets import LogKind, load_kinds
from customer_sync.model.outcome import LogEntry

MOST_LINES = 1000
"""Lines of one story; more make another one."""


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a story; what it says apart from this is its kind's."""

    kind_id: int
    key: str = ""
    field: str = ""
    store_id: str = ""
    message: str = ""
    next_step: str = ""
    changes: str = ""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Line])


def as_line(entry: LogEntry, kind_id: int) -> Line:
    """A log entry as a line."""
    texts = (entry.key[:450], entry.field[:100], entry.store_id, entry.message, entry.next_step, entry.changes)
    # As in every column of text: PostgreSQL cannot hold U+0000, and both databases show the same.
    return Line(kind_id, *(text.replace("\0", "\ufffd") for text in texts))


def put_stories(
    connection: sa.Connection, connector_id: str, common: Mapping[str, Any], told: Iterable[tuple[LogEntry, int]]
) -> None:
    """Write entries, those of a customer together.

    Args:
        connection: A writing transaction.
        connector_id: Whose they are.
        common: ``logged_at_utc``, ``run_id``, ``task`` and ``try_number``.
        told: Entries with the numbers of their kinds.
    """
    lines: dict[str, list[Line]] = {}
    names: dict[str, str] = {}
    for entry, kind_id in told:
        customer_id = entry.customer_id[:200]
        lines.setdefault(customer_id, []).append(as_line(entry, kind_id))
        names[customer_id] = entry.customer_name[:250] or names.get(customer_id, "")
    rows = []
    shapes: dict[int, str] = {}
    for customer_id, of_customer in lines.items():
        for start in range(0, len(of_customer), MOST_LINES):
            part = of_customer[start : start + MOST_LINES]
            kinds = ",".join(map(str, sorted({line.kind_id for line in part})))
            shape_id = _number_of(f"{connector_id}:{kinds}")
            shapes[shape_id] = kinds
            rows.append(
                {
                    **common,
                    "connector_id": connector_id,
                    "customer_id": customer_id,
                    "customer_name": names[customer_id],
                    "shape_id": shape_id,
                    "lines": _encoder.encode(part).decode(),
                }
            )
    _put_shapes(connection, connector_id, shapes)
    insert(connection, story, rows)


def _number_of(text: str) -> int:
    """A number made from the words themselves, so that writers need not agree on one."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def _put_shapes(connection: sa.Connection, connector_id: str, shapes: Mapping[int, str]) -> None:
    """Make shapes known; in one order, so that two writers never wait for each other crosswise."""
    known = sa.select(story_shape.c.shape_id).where(story_shape.c.shape_id.in_(list(shapes)))
    new = shapes.keys() - set(connection.execute(known).scalars())
    rows = [{"shape_id": each, "connector_id": connector_id, "kinds": shapes[each]} for each in sorted(new)]
    upsert(connection, story_shape, rows)


def shapes_with(connection: sa.Connection, connectors: Iterable[str], kinds: Iterable[int]) -> list[int]:
    """The shapes of stories that have a line of one of some kinds."""
    meant = set(map(str, kinds))
    query = sa.select(story_shape.c.shape_id, story_shape.c.kinds).where(
        story_shape.c.connector_id.in_(list(connectors))
    )
    return [shape_id for shape_id, text in connection.execute(query) if not meant.isdisjoint(text.split(","))]


def first_line_of(story_id: int) -> int:
    """The number of a story's first line."""
    return story_id * MOST_LINES


def story_of(line_id: int) -> int:
    """The story that a line belongs to."""
    return line_id // MOST_LINES


def lines_of(row: Mapping[str, Any], kinds: Mapping[int, LogKind]) -> Iterator[dict[str, Any]]:
    """A story's lines of some kinds, in the order of writing, each with all that there is to say."""
    common = {name: value for name, value in row.items() if name not in ("id", "shape_id", "lines")}
    for number, line in enumerate(_decoder.decode(row["lines"]), first_line_of(row["id"])):
        kind = kinds.get(line.kind_id)
        if kind is None:
            continue
        yield {
            "id": number,
            **common,
            "kind_id": line.kind_id,
            "entity": kind.entity,
            "record_key": line.key,
            "action": kind.action,
            "outcome": kind.outcome,
            "level": kind.level,
            "reasons": kind.reasons,
            "field": line.field,
            "store_id": line.store_id,
            "message": line.message,
            "next_step": line.next_step,
            "changes": line.changes,
        }


def kinds_in(text: str) -> list[int]:
    """The kinds of a story's lines, line by line."""
    return [line.kind_id for line in _decoder.decode(text)]


def told_lines(
    connection: sa.Connection, connector_id: str, query: sa.Select[Any], limit: int | None = None
) -> list[dict[str, Any]]:
    """The lines of the stories that a query finds, in its order.

    Args:
        connection: A transaction.
        connector_id: Whose stories they are.
        query: Selects whole rows of ``story``.
        limit: Most lines.
    """
    kinds = load_kinds(connection, [connector_id])
    rows: Sequence[Any] = connection.execute(query).mappings().all()
    found = [line for row in rows for line in lines_of(row, kinds)]
    return found if limit is None else found[:limit]
