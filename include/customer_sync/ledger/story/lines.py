"""Stories: all that was decided of one customer by one step at one time, as one row; its lines are one text.

A line has a number of its own, made of its story's and its place in it, so that lines can be
paged through and pointed at although they are no rows.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.storage.schema import story, story_shape
from customer_sync.ledger.storage.statement import Prepared, among, chunks, insert, upsert
from customer_sync.ledger.story.batches import pack_keys, unpack_keys
from customer_sync.ledger.story.log_facets import LogKind, load_kinds
from customer_sync.model.operation import Action
from customer_sync.model.outcome import DONE, LogEntry

MOST_LINES = 1000
"""Lines of one story; more make another one."""

EVERYBODY = ""
"""The customer of a story that is about many."""

AS_BEFORE = "as before"

_OPERATIONS = frozenset(map(str, Action))


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a story; what it says apart from this is its kind's."""

    kind_id: int
    key: str = ""
    field: str = ""
    store_id: str = ""
    message: str = ""
    next_step: str = ""
    changes: str = ""
    customers: str = ""
    """Where a line is said of many at once: their numbers, packed."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Line])


def as_line(entry: LogEntry, kind_id: int) -> Line:
    """A log entry as a line."""
    # What was done has its values in the journal already.
    changes = "" if entry.is_journalled else entry.changes
    message = "" if entry.is_journalled and entry.message == DONE else entry.message
    texts = (entry.key[:450], entry.field[:100], entry.store_id, message, entry.next_step, changes)
    # As in every column of text: PostgreSQL cannot hold U+0000, and both databases show the same.
    if "\0" in "".join(texts):
        return Line(kind_id, *(text.replace("\0", "\ufffd") for text in texts))
    return Line(kind_id, *texts)


def joint_line(kind_id: int, customer_ids: Sequence[str]) -> Line:
    """One line for all customers of whom the same is said, and was said before."""
    return Line(kind_id, message=AS_BEFORE, customers=base64.b64encode(pack_keys(sorted(customer_ids))).decode())


def customers_of(line: Mapping[str, Any]) -> list[str]:
    """Whom a line is about."""
    packed = line["customers"]
    return unpack_keys(base64.b64decode(packed)) if packed else [line["customer_id"]]


def digest_of(lines: Iterable[Line]) -> str:
    """Identifies what is said; ``""`` where nothing is."""
    text = b"".join(map(_encode, lines))
    return hashlib.blake2b(text, digest_size=16).hexdigest() if text else ""


def _encode(line: Line) -> bytes:
    """A line as JSON; what is empty at its end is left out."""
    values = msgspec.structs.astuple(line)
    used = len(values)
    while used > 1 and not values[used - 1]:
        used -= 1
    return _encoder.encode(values[:used])


class Told(NamedTuple):
    """What is said of one customer at one time."""

    name: str
    lines: list[Line]


def put_stories(
    connection: sa.Connection, connector_id: str, common: Mapping[str, Any], told: Mapping[str, Told]
) -> None:
    """Write a story for each customer.

    Args:
        connection: A writing transaction.
        connector_id: Whose they are.
        common: ``logged_at_utc``, ``run_id``, ``task`` and ``try_number``.
        told: What is said of whom.
    """
    rows = []
    shapes: dict[int, str] = {}
    for customer_id, (name, lines) in told.items():
        for start in range(0, len(lines), MOST_LINES):
            part = lines[start : start + MOST_LINES]
            kinds = ",".join(map(str, sorted({line.kind_id for line in part})))
            shape_id = _number_of(f"{connector_id}:{kinds}")
            shapes[shape_id] = kinds
            rows.append(
                {
                    **common,
                    "connector_id": connector_id,
                    "customer_id": customer_id,
                    "customer_name": name,
                    "shape_id": shape_id,
                    "lines": f"[{b','.join(map(_encode, part)).decode()}]",
                }
            )
    _put_shapes(connection, connector_id, shapes)
    insert(connection, story, rows)


def take_planned(
    connection: sa.Connection, connector_id: str, run_id: str, tasks: Collection[str], customer_ids: Iterable[str]
) -> tuple[dict[str, list[Line]], Counter[tuple[datetime, int]]]:
    """Take away what steps of a run said of some customers, now that another says what was really done.

    Args:
        connection: A writing transaction.
        connector_id: Whose stories they are.
        run_id: The run.
        tasks: The steps that planned.
        customer_ids: The customers.

    Returns:
        Their lines that name no operation, which stay true, and how many lines went by the moment at which they were
        said and by kind.
    """
    kept: dict[str, list[Line]] = {}
    gone: Counter[tuple[datetime, int]] = Counter()
    ids: list[int] = []
    operations = {number for number, kind in load_kinds(connection, [connector_id]).items() if kind.action}
    for part in chunks(customer_ids):
        for story_id, customer_id, moment, text in _stories(connection, connector_id, run_id, list(tasks), part):
            lines = _decoder.decode(text)
            gone.update((moment, line.kind_id) for line in lines)
            kept.setdefault(customer_id, []).extend(line for line in lines if line.kind_id not in operations)
            ids.append(story_id)
    for some in chunks(ids):
        connection.execute(sa.delete(story).where(among(story.c.id, some)))
    return kept, gone


def _number_of(text: str) -> int:
    """A number made from the words themselves, so that writers need not agree on one."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def _put_shapes(connection: sa.Connection, connector_id: str, shapes: Mapping[int, str]) -> None:
    """Make shapes known; in a fixed order, to avoid deadlocks."""
    new = shapes.keys() - set(_known_shapes(connection, list(shapes)).scalars())
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
            "message": line.message or (DONE if kind.action in _OPERATIONS else ""),
            "next_step": line.next_step,
            "changes": line.changes,
            "customers": line.customers,
        }


def each_customer(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Lines with one for each customer in place of those that are about many."""
    for row in rows:
        for customer_id in customers_of(row):
            yield {**row, "customer_id": customer_id, "customers": ""}


def kinds_in(customer_id: str, text: str, meant: Collection[str] | None = None) -> Iterator[int]:
    """The kind of each line of a story that is about one of some customers; of a line about many, once for each."""
    for line in _decoder.decode(text):
        about = customers_of({"customer_id": customer_id, "customers": line.customers})
        yield from [line.kind_id] * sum(meant is None or each in meant for each in about)


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


@Prepared
def _known_shapes(shape_ids: Any) -> sa.Select[Any]:
    return sa.select(story_shape.c.shape_id).where(among(story_shape.c.shape_id, shape_ids))


@Prepared
def _stories(connector_id: Any, run_id: Any, tasks: Any, customer_ids: Any) -> sa.Select[Any]:
    c = story.c
    mine = (c.connector_id == connector_id, among(c.customer_id, customer_ids), c.run_id == run_id)
    query = sa.select(c.id, c.customer_id, c.logged_at_utc, c.lines).where(*mine, among(c.task, tasks))
    return query.order_by(c.id)
