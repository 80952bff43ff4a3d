"""Differences in words: as rows of the ledger and lines of the log, values masked as configured. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from customer_sync.model.difference import MEANINGS, REMEDIES, Difference, RepairAction
from customer_sync.model.outcome import LogEntry
from customer_sync.reporting.log_entry import masked_value
from customer_sync.settings.connector import Connector

MAX_VALUE = 500


def difference_row(difference: Difference, name: str, connector: Connector, action: RepairAction) -> dict[str, Any]:
    """A row of the ledger's table ``difference``; ``name`` is masked already."""
    return {
        "kind": str(difference.kind),
        "customer_id": difference.customer_id[:200],
        "customer_name": name[:250],
        "entity": difference.entity,
        "record_key": difference.key[:450],
        "company_id": difference.company_id,
        "store_id": difference.store_id,
        "field": difference.field[:100],
        "erp_value": _shown(difference, difference.erp, connector),
        "ledger_value": _shown(difference, difference.ledger, connector),
        "store_value": _shown(difference, difference.store, connector),
        "detail": difference.detail,
        "action": str(action),
    }


def difference_entry(difference: Difference, name: str, connector: Connector, action: RepairAction) -> LogEntry:
    """The line about one difference; ``changes`` holds what the store has beside what the ERP wants."""
    changes = ""
    if difference.field:
        pair = [_masked(difference, difference.store, connector), _masked(difference, difference.erp, connector)]
        changes = msgspec.json.encode({difference.field: pair}).decode()
    said = f"{MEANINGS[difference.kind]}; {difference.detail}" if difference.detail else MEANINGS[difference.kind]
    return LogEntry(
        customer_id=difference.customer_id,
        customer_name=name,
        entity=difference.entity,
        key=difference.key,
        action=f"reconcile:{action}",
        level="warning",
        reasons=(str(difference.kind),),
        field=difference.field,
        store_id=str(difference.store_id or difference.company_id or ""),
        message=said,
        next_step=REMEDIES[difference.kind],
        changes=changes,
    )


def _masked(difference: Difference, value: Any, connector: Connector) -> Any:
    name = difference.field.removeprefix("extra_fields.")
    if difference.field.startswith("extra_fields.") and isinstance(value, str):
        # Extra fields bear the merchant's own names, which need not say what they hold.
        return masked_value("extra_fields", {name: value}, connector)[name]
    return masked_value(difference.field, value, connector)


def _shown(difference: Difference, value: Any, connector: Connector) -> str:
    shown = _masked(difference, value, connector)
    text = "" if shown is None else shown if isinstance(shown, str) else msgspec.json.encode(shown).decode()
    return text[:MAX_VALUE]
