"""What a run did to each part of a company, from its writes in the journal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from customer_sync.model.operation import Action, entity_of
from customer_sync.model.outcome import KEPT_BY_UNDO, Finding, Reason

_CREATES: Final = frozenset({Action.CREATE_USER, Action.CREATE_ADDRESS, Action.CREATE_COMPANY})
_DELETES: Final = frozenset({Action.DELETE_USER, Action.DELETE_ADDRESS, Action.DELETE_COMPANY})

PARTS: Final = frozenset({"contact", "location"})
"""Entities of which a customer may have many."""


class RunWrite(NamedTuple):
    """One operation of a run, as the journal has it.

    ``is_sure`` is false of one that was read back: whether it arrived, the store shows. ``is_open`` is true of one
    that nobody knows the outcome of.
    """

    action: Action
    key: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    is_sure: bool = True
    is_open: bool = False


class Left(NamedTuple):
    """Something that a run wrote and that its undo leaves.

    ``part`` is named as :func:`part_of_write` names it; ``field`` is ``""`` for all of it; ``why`` is one of
    :data:`~customer_sync.model.outcome.KEPT_BY_UNDO` and :data:`~customer_sync.model.outcome.IMPOSSIBLE_TO_UNDO`.
    """

    part: str
    field: str
    why: Reason

    @property
    def is_kept(self) -> bool:
        """Whether it is kept because it changed since; else it is impossible."""
        return self.why in KEPT_BY_UNDO

    def finding(self) -> Finding:
        """The same as a line of the log says it."""
        entity, _, key = self.part.partition(":")
        named = key if entity in PARTS else ""
        field = self.field or ("" if named else key)
        return Finding(reason=self.why, entity=entity, key=named, field=field, detail=field)


class Change(msgspec.Struct):
    """All that a run did to one part: what it was before the first write, and what it became by the last."""

    was_there: bool
    is_there: bool = True
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    is_sure: bool = True
    is_open: bool = False


def changes_of(writes: Iterable[RunWrite]) -> dict[str, Change]:
    """What some writes, in order, did to each part."""
    found: dict[str, Change] = {}
    for write in writes:
        part = part_of_write(write)
        have = found.get(part)
        if have is None:
            have = found[part] = Change(was_there=write.action not in _CREATES)
        have.is_there = write.action not in _DELETES
        have.before = {**write.before, **have.before} if have.was_there else {}
        have.after = dict(write.after) if write.action in _CREATES else {**have.after, **write.after}
        have.is_sure = have.is_sure and write.is_sure
        have.is_open = have.is_open or write.is_open
    return found


def part_of_write(write: RunWrite) -> str:
    """The part of a company that a write of the journal is about.

    ``customer:`` are its own fields; the others are ``customer:status``, ``customer:reference``,
    ``contact:<ContactID>``, ``location:<external id>``, ``payment:methods`` and ``payment:terms``.
    """
    entity = entity_of(write.action)
    if entity in PARTS:
        return f"{entity}:{write.key}"
    names = {
        Action.SET_STATUS: "customer:status",
        Action.SET_PAYMENT_METHODS: "payment:methods",
        Action.SET_PAYMENT_TERMS: "payment:terms",
        Action.WRITE_REFERENCE: "customer:reference",
    }
    return names.get(write.action, "customer:")
