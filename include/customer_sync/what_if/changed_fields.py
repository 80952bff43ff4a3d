"""Which fields a plan writes how often, and what of it the present file's plan would not have written."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from customer_sync.model.operation import CREATIONS, Operation, entity_of
from customer_sync.reporting.log_entry import masked_changes, with_reference
from customer_sync.settings.connector import Connector
from customer_sync.what_if.answer import SHOWN_OF_A_FIELD, ChangedField, ShownChange
from customer_sync.what_if.figures import Planned


class _Kind(NamedTuple):
    entity: str
    field: str
    is_new_record: bool


class _Write(NamedTuple):
    """A value that is written; ``mark`` is the same for the same value of the same record."""

    kind: _Kind
    customer_id: str
    operation: Operation
    mark: int


@dataclass
class _Tally:
    changes: int = 0
    differs: int = 0
    examples: list[ShownChange] = field(default_factory=list)
    differing: list[ShownChange] = field(default_factory=list)


def changed_fields(planned: Planned, now: Planned | None) -> tuple[ChangedField, ...]:
    """Count what a plan writes.

    Args:
        planned: The plan.
        now: The present file's, where the plan is a draft's.

    Returns:
        The fields: first what differs most, then what is written most often.
    """
    marks, before = array("Q"), Counter[_Kind]()
    for each in _writes(now) if now else ():
        marks.append(each.mark)
        before[each.kind] += 1
    marks = array("Q", sorted(marks))
    tallies: dict[_Kind, _Tally] = {}
    for each in _writes(planned):
        tally = tallies.setdefault(each.kind, _Tally())
        tally.changes += 1
        is_other = now is not None and not _is_among(marks, each.mark)
        tally.differs += is_other
        kept = tally.differing if is_other else tally.examples
        if len(kept) < SHOWN_OF_A_FIELD:
            kept.append(_shown(each, planned.run.connector))
    rows = [_row(kind, tallies.get(kind, _Tally()), before[kind]) for kind in {*tallies, *before}]
    return tuple(sorted(rows, key=lambda row: (-row.differs, -row.changes, row.entity, row.field, row.is_new_record)))


def _row(kind: _Kind, tally: _Tally, before: int) -> ChangedField:
    return ChangedField(
        **kind._asdict(),
        changes=tally.changes,
        changes_now=before,
        differs=tally.differs,
        examples=tuple([*tally.differing, *tally.examples][:SHOWN_OF_A_FIELD]),
    )


def _writes(planned: Planned) -> Iterator[_Write]:
    for each in planned.ledger.plans.operations(planned.run.run_id):
        customer_id = each.customer.customer_id
        for operation in each.operations:
            is_new = operation.action in CREATIONS
            entity = entity_of(operation.action)
            for name, value in operation.values.items():
                # What a new record leaves empty is not written.
                if value or not is_new:
                    mark = _mark(customer_id, operation, name, value)
                    yield _Write(_Kind(entity, name, is_new), customer_id, operation, mark)


def _mark(customer_id: str, operation: Operation, name: str, value: Any) -> int:
    told = _encoder.encode((customer_id, operation.action, operation.key, name, value))
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest())


def _is_among(marks: array[int], mark: int) -> bool:
    place = bisect_left(marks, mark)
    return place < len(marks) and marks[place] == mark


def _shown(write: _Write, connector: Connector) -> ShownChange:
    old, new = masked_changes(with_reference(write.operation), connector)[write.kind.field]
    key = "" if write.operation.key == write.customer_id else write.operation.key
    return ShownChange(customer_id=write.customer_id, key=key, old=old, new=new)


_encoder = msgspec.json.Encoder(order="deterministic")
