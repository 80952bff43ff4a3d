"""Whom a run read and what became of each: one row per batch, with the customers as one packed list.

A full run over ten thousand customers of whom none changed is a handful of rows, and still answers for each of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.ledger.storage.packing import deflate
from customer_sync.ledger.storage.schema import batch, run
from customer_sync.ledger.storage.statement import Prepared, upsert

Became = tuple[str, str]
"""An outcome and the codes of its reasons, joined by commas; ``("", "")`` where there is none yet."""

NOTHING: Became = ("", "")

_AT_ONCE = 50
_keys = msgspec.json.Decoder(list[str])


class _Outcomes(msgspec.Struct, frozen=True, array_like=True):
    """What became of a batch's customers, in their order: each a place among the few things that happened."""

    kinds: list[Became]
    places: list[int]


_outcomes = msgspec.json.Decoder(_Outcomes)


class Which(Enum):
    """Batches of a run."""

    ALL = auto()
    WITH_OPEN_ONES = auto()
    CLOSED_BY_EXTRACT = auto()


@dataclass(frozen=True)
class RunBatch:
    """One batch of a run.

    Attributes:
        key: The batch's key in its run.
        customers: Whom it read, in the order of reading.
        became: What became of each, in the same order.
    """

    key: str
    customers: list[str]
    became: list[Became]


def pack_keys(keys: Sequence[str]) -> bytes:
    """Customers' numbers as few bytes: neighbours differ by little."""
    return deflate(msgspec.json.encode([stored(key) for key in keys]), zlib.Z_DEFAULT_COMPRESSION)


def unpack_keys(packed: bytes) -> list[str]:
    """The numbers that :func:`pack_keys` packed."""
    return list(_unpacked(packed))


@lru_cache(maxsize=4)
def _unpacked(packed: bytes) -> tuple[str, ...]:
    """A load closes its customers in parts, and looks into the same batch for each."""
    return tuple(_keys.decode(zlib.decompress(packed)))


def put_batch(
    connection: sa.Connection,
    connector_id: str,
    run_id: str,
    key: str,
    became: Mapping[str, Became],
    *,
    handed_on: bool,
) -> None:
    """Record a batch.

    Args:
        connection: A writing transaction.
        connector_id: Whose run it is.
        run_id: The run.
        key: The batch's key.
        became: Its customers, in the order of reading, and what became of each so far.
        handed_on: Whether they go on to the next step.
    """
    keys = [stored(each) for each in became]
    outcomes = list(became.values())
    row = {
        **_name(connector_id, run_id, key),
        "first_customer": min(keys, default=""),
        "last_customer": max(keys, default=""),
        "size": len(keys),
        "open_count": outcomes.count(NOTHING),
        "handed_on": handed_on,
        "customers": pack_keys(keys),
        "outcomes": _pack(outcomes),
    }
    upsert(connection, batch, [row])


def put_outcomes(connection: sa.Connection, connector_id: str, run_id: str, became: Mapping[str, Became]) -> None:
    """Say what became of some customers of a run; who was not read gets no outcome.

    Args:
        connection: A writing transaction.
        connector_id: Whose run it is.
        run_id: The run.
        became: Customer -> what became of it; later words replace earlier ones.
    """
    told = {stored(key): each for key, each in became.items()}
    if not told:
        return
    for key, customers, outcomes in _near(connection, connector_id, run_id, max(told), min(told)).all():
        before = _unpack(outcomes)
        now = [told.get(each, was) for each, was in zip(unpack_keys(customers), before, strict=True)]
        if now != before:
            _put(connection, connector_id, run_id, key, _pack(now), now.count(NOTHING))


def batches_of(
    connection: sa.Connection, connector_id: str, run_id: str, which: Which = Which.ALL
) -> Iterator[RunBatch]:
    """Batches of a run, in the order of their keys.

    Args:
        connection: A transaction.
        connector_id: Whose run it is.
        run_id: The run.
        which: Which of its batches.
    """
    for key, customers, outcomes in _batches[which](connection, connector_id, run_id):
        yield RunBatch(key, unpack_keys(customers), _unpack(outcomes))


def outcomes_of(connection: sa.Connection, connector_id: str, run_id: str) -> Iterator[list[Became]]:
    """What became of the customers of each batch of a run; who they are is not looked at."""
    for (outcomes,) in _outcomes_of_run(connection, connector_id, run_id):
        yield _unpack(outcomes)


def naming(
    connection: sa.Connection, connector_id: str, customer_id: str, *conditions: sa.ColumnElement[bool]
) -> Iterator[tuple[str, str, Became]]:
    """(run, batch, what became of it) of the runs that read one customer, the newest first.

    Args:
        connection: A transaction.
        connector_id: Whose runs they are.
        customer_id: The customer.
        conditions: Which runs.
    """
    key = stored(customer_id)
    c = batch.c
    near = (c.first_customer <= key, c.last_customer >= key)
    of_run = sa.and_(run.c.connector_id == c.connector_id, run.c.run_id == c.run_id)
    query = sa.select(c.run_id, c.batch_key, c.customers, c.outcomes).select_from(run.join(batch, of_run))
    query = query.where(run.c.connector_id == connector_id, *near, *conditions)
    # The runs are walked from the newest on, by their index: most customers are found in the first that is looked at.
    newest_first = query.order_by(run.c.started_at_utc.desc()).execution_options(yield_per=_AT_ONCE)
    for run_id, batch_key, customers, outcomes in connection.execute(newest_first):
        keys = unpack_keys(customers)
        if key in keys:
            yield run_id, batch_key, _unpack(outcomes)[keys.index(key)]


def stored(customer_id: str) -> str:
    """A customer's number as columns hold it: U+FFFD in place of U+0000."""
    return customer_id.replace("\0", "\ufffd")


def _pack(became: Sequence[Became]) -> bytes:
    kinds = {each: place for place, each in enumerate(dict.fromkeys(became))}
    # A load says what became of its customers in parts, and packs anew for each.
    return deflate(msgspec.json.encode(_Outcomes(list(kinds), [kinds[each] for each in became])))


def _unpack(packed: bytes) -> list[Became]:
    found = _outcomes.decode(zlib.decompress(packed))
    return [found.kinds[place] for place in found.places]


def _of_run(connector_id: Any, run_id: Any) -> sa.ColumnElement[bool]:
    return sa.and_(batch.c.connector_id == connector_id, batch.c.run_id == run_id)


@Prepared
def _near(connector_id: Any, run_id: Any, last: Any, first: Any) -> sa.Select[Any]:
    c = batch.c
    query = sa.select(c.batch_key, c.customers, c.outcomes).where(_of_run(connector_id, run_id))
    # Two loads of one run may each find the other's batch near its own: rows are held in one order.
    return query.where(c.first_customer <= last, c.last_customer >= first).order_by(c.batch_key).with_for_update()


@Prepared
def _put(of_connector: Any, of_run: Any, of_batch: Any, packed: Any, still_open: Any) -> sa.Update:
    mine = sa.and_(_of_run(of_connector, of_run), batch.c.batch_key == of_batch)
    return sa.update(batch).where(mine).values(outcomes=packed, open_count=still_open)


@Prepared
def _outcomes_of_run(connector_id: Any, run_id: Any) -> sa.Select[Any]:
    return sa.select(batch.c.outcomes).where(_of_run(connector_id, run_id))


@Prepared
def _forget(connector_id: Any, run_id: Any) -> sa.Delete:
    return sa.delete(batch).where(_of_run(connector_id, run_id))


def _those(*conditions: sa.ColumnElement[bool]) -> Prepared:
    def build(connector_id: Any, run_id: Any) -> sa.Select[Any]:
        query = sa.select(batch.c.batch_key, batch.c.customers, batch.c.outcomes)
        return query.where(_of_run(connector_id, run_id), *conditions).order_by(batch.c.batch_key)

    return Prepared(build)


_batches = {
    Which.ALL: _those(),
    Which.WITH_OPEN_ONES: _those(batch.c.open_count > 0),
    Which.CLOSED_BY_EXTRACT: _those(~batch.c.handed_on),
}


def _name(connector_id: str, run_id: str, key: str) -> dict[str, Any]:
    return {"connector_id": connector_id, "run_id": run_id, "batch_key": key}


def forget_batches(connection: sa.Connection, connector_id: str, run_id: str) -> int:
    """Drop all batches of a run; returns how many there were."""
    return int(_forget(connection, connector_id, run_id).rowcount)


def with_outcome(batches: Iterable[RunBatch], *meant: str) -> Iterator[tuple[str, str, Became]]:
    """(batch, customer, what became of it) of the customers whose outcome is one of some."""
    for each in batches:
        for customer_id, became in zip(each.customers, each.became, strict=True):
            if became[0] in meant:
                yield each.key, customer_id, became
