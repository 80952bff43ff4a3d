"""Apply planned repairs: read once more, have the ledger take over what is, load the rest. (task: repair)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from customer_sync.ledger import CustomerOutcome, CustomerState
from customer_sync.model.batch import Batch, BatchDescriptor, unpack
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.reconcile.compare.recheck import Recheck
from customer_sync.reconcile.repair.plan_repair import RepairItem, state_hash
from customer_sync.reporting.log_entry import closing_entry
from customer_sync.reporting.request_count import counting_requests
from customer_sync.run import Run
from customer_sync.sources.port import Source
from customer_sync.steps.load import load_plans
from customer_sync.targets.port import Target

_repairs = msgspec.json.Decoder(Batch[RepairItem])


def apply_repairs(
    run: Run, content: Any, descriptor: BatchDescriptor, *, target: Target, source: Source
) -> dict[str, int]:
    """Repair one batch: read every customer again, and repair those of which the plan still holds.

    The ledger takes over the store's real values, then the plan is loaded like any other:
    intents, lease, confirmations and outcomes are those of the sync.

    Args:
        run: The run.
        content: What compare planned.
        descriptor: What guard passed on.
        target: The store.
        source: The ERP.

    Returns:
        Customers by outcome.

    Raises:
        BatchDamaged: The batch did not arrive whole.
        LeaseLost: Another attempt took over.
        TransientApiError: The store or the ERP is out of reach.
    """
    batch: Batch[RepairItem] = unpack(content, descriptor.label, descriptor.digest, _repairs)
    items: list[RepairItem] = list(batch.items)
    begun = run.ledger.intents.begun(run.run_id, [item.customer_id for item in items])
    # What an earlier attempt of this task began is continued from the ledger, not planned again.
    holding = begun | _as_planned(run, [item for item in items if item.customer_id not in begun], target, source)
    changed = [item for item in items if item.customer_id not in holding]
    held = [item for item in items if item.customer_id in holding]
    with run.ledger.write() as connection:
        for item in held:
            if item.customer_id not in begun:
                _put_link(run, connection, item)
    kept = [item for item in held if not item.is_written]
    _close(run, changed, Outcome.FAILED, (str(Reason.CHANGED_SINCE_PLAN),), "changed since the plan was made")
    _close(run, kept, Outcome.UNCHANGED, (), "the ledger took over what the store holds")
    counts: Counter[str] = Counter()
    counts.update({str(Outcome.FAILED): len(changed), str(Outcome.UNCHANGED): len(kept)})
    written = [item.plan for item in held if item.is_written]
    if written:
        counts.update(load_plans(run, written, descriptor, target=target, source=source).outcomes)
    return {outcome: count for outcome, count in counts.items() if count}


def _as_planned(run: Run, items: Sequence[RepairItem], target: Target, source: Source) -> set[str]:
    """Customers of which ERP and store still hold what they held when the repair was planned.

    An adoption was planned for a company that had no link; it holds as long as none came.
    """
    adopted = [item.customer_id for item in items if not item.state_hash]
    unlinked = set(adopted) - set(run.ledger.links.load_hashes(adopted))
    items = [item for item in items if item.state_hash]
    recheck = Recheck(run, source, target, is_customer=lambda owner: bool(run.ledger.links.load_hashes([owner])))
    with counting_requests(run, source=source, target=target):
        found = recheck.read([item.customer_id for item in items])
    return unlinked | {
        item.customer_id
        for item in items
        if (finding := found.get(item.customer_id)) is not None
        and state_hash(finding.erp, finding.comparison) == item.state_hash
    }


def _put_link(run: Run, connection: sa.Connection, item: RepairItem) -> None:
    key = item.customer_id
    if item.link is None:
        run.ledger.links.drop_company(connection, key)
        return
    company_key = item.link.fields.extra_fields.get(run.connector.store.key_field, "")
    run.ledger.links.replace(
        connection, CustomerState(key, item.link, item.plan.record_id, key=company_key, evidence=item.evidence)
    )


def _close(run: Run, items: Sequence[RepairItem], outcome: Outcome, reasons: tuple[str, ...], message: str) -> None:
    """Give customers that nothing is written for their outcome."""
    if not items:
        return
    entries = [
        closing_entry(
            item.customer_id,
            item.plan.name,
            outcome,
            reasons,
            words=run.words,
            message=message,
            store_id=str(item.plan.company_id or ""),
            action="adopt" if outcome is Outcome.UNCHANGED else "",
        )
        for item in items
    ]
    with run.ledger.write() as connection:
        run.record(connection, entries, [CustomerOutcome(item.customer_id, outcome, reasons) for item in items])
    run.sink(f"{len(items)} customers: {message}", entries)
