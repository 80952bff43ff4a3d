"""Read the ledger's side: links, quarantine, and what is known of our own writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from customer_sync.ledger import Ledger, Quarantined
from customer_sync.ledger.journal.intents import PastWrite
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.company import content_hash, parts_of
from customer_sync.model.operation import Action
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, Waiting

IN_FLIGHT = timedelta(minutes=10)
"""A write without an answer that is younger may be on its way: nothing is said of its customer yet."""

_FAMILY = {
    Action.UPDATE_COMPANY: "company",
    Action.SET_STATUS: "company",
    Action.CREATE_USER: "contact",
    Action.UPDATE_USER: "contact",
    Action.CREATE_ADDRESS: "location",
    Action.UPDATE_ADDRESS: "location",
}
_DELETIONS = {Action.DELETE_USER: "contact", Action.DELETE_ADDRESS: "location"}


def ledger_sides(
    ledger: Ledger, erp: Mapping[str, ErpSide], renamed: Mapping[str, str], *, with_writes: bool
) -> dict[str, LedgerSide]:
    """Read some customers' sides.

    Args:
        ledger: The ledger.
        erp: The customers, with what the ERP says of them.
        renamed: CustomerID -> the one under which its company is linked.
        with_writes: Whether to read our past writes, too: only a recheck needs them.
    """
    keys = [renamed.get(key, key) for key in erp]
    applied = ledger.links.load(keys)
    records = ledger.links.records_at(keys)
    quarantined = ledger.quarantine.load(erp)
    unweighed = ledger.links.unweighed(keys)
    writes = ledger.intents.history(keys) if with_writes else {}
    sides = {}
    for key, side in erp.items():
        known = renamed.get(key, key)
        rows = quarantined.get(key, [])
        past = writes.get(known, [])
        sides[key] = LedgerSide(
            # What another record is linked to is not this one's, whatever their numbers.
            applied=applied.get(known) if _is_own(records.get(known, ""), side.record_id) else None,
            held_back=(held := _held_back(side, rows)),
            waiting=tuple(part for part in held if part.startswith("email:")),
            quarantine=tuple(
                Waiting(entity=row.entity, key=row.key, reason=row.reason, field=row.field, holder=row.holder_id)
                for row in rows
            ),
            is_weighed=known not in unweighed,
            written_at_s=_written(past),
            overwritten=_overwritten(past),
            deleted_ids=frozenset(
                f"{_DELETIONS[Action(each.action)]}:{each.store_id}"
                for each in past
                if each.state == "confirmed" and each.action in _DELETIONS
            ),
            unanswered=frozenset(each.key for each in past if each.state == "open"),
        )
    return sides


def _is_own(linked: str, record_id: str) -> bool:
    return not linked or not record_id or linked == record_id


def in_flight(ledger: Ledger, customer_ids: Sequence[str]) -> set[str]:
    """Customers with a write that may be on its way at this moment."""
    now = utc_now()
    return {
        key
        for key, past in ledger.intents.history(customer_ids).items()
        if any(each.state == "open" and now - each.opened_at_utc < IN_FLIGHT for each in past)
    }


def _written(past: Sequence[PastWrite]) -> dict[str, float]:
    written: dict[str, datetime] = {}
    for place, each in _confirmed(past):
        written[place] = max(each.opened_at_utc, written.get(place, each.opened_at_utc))
    return {place: moment.timestamp() for place, moment in written.items()}


def _overwritten(past: Sequence[PastWrite]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for place, each in sorted(_confirmed(past), key=lambda item: item[1].opened_at_utc):
        found.setdefault(place, {}).update(each.before)
    return found


def _confirmed(past: Sequence[PastWrite]) -> Iterator[tuple[str, PastWrite]]:
    """The writes that were confirmed, each with the record that it wrote."""
    for each in past:
        if each.state != "confirmed":
            continue
        if each.action == Action.CREATE_COMPANY:
            yield "created", each
        elif each.action in _FAMILY:
            family = _FAMILY[Action(each.action)]
            yield family if family == "company" else f"{family}:{each.key}", each


def _held_back(erp: ErpSide, rows: Sequence[Quarantined]) -> tuple[str, ...]:
    """Parts that the store refused and that are the same still; the sync holds them back as well."""
    if erp.desired is None or not rows:
        return ()
    parts = parts_of(erp.desired, erp.successors)
    names = ((row.part, f"{row.entity}:{row.key}", row.content_hash) for row in rows)
    return tuple(part for part, name, digest in names if name in parts and content_hash(parts[name]) == digest)
