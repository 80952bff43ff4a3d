"""Step four: add up the whole run's plan and settle what only the whole run can. (task: guard)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from customer_sync.batch import BatchDescriptor
from customer_sync.errors import PlanRefused
from customer_sync.guards import RunTotals, tripped_guards
from customer_sync.ledger import CustomerOutcome
from customer_sync.log_entry import closing_entry
from customer_sync.outcome import Finding, LogEntry, Outcome, Reason
from customer_sync.run import Run
from customer_sync.window import RunRequest


@dataclass(frozen=True)
class PlanSummary:
    """The run's plan in numbers.

    Attributes:
        descriptors: The batches that load is to apply; empty for a dry run.
        plan_hash: Identifies all operations of the run, in any order of batches (32 hex digits).
        customers: Customers with operations.
        operations: Number of operations.
        lines: The summary in words.
    """

    descriptors: list[BatchDescriptor]
    plan_hash: str
    customers: int
    operations: int
    lines: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of operations."""
        return self.operations


def settle_plan(run: Run, descriptors: Sequence[BatchDescriptor], request: RunRequest) -> PlanSummary:
    """Add up the plan of all batches, take out customers that share an Account Email, and pass the rest on.

    Of two customers with one Account Email the one that holds it in the store keeps
    it and the newcomer is quarantined; of two newcomers both are (DESIGN section 6).

    Args:
        run: The run.
        descriptors: The descriptors of the batches whose transform succeeded.
        request: The run's params: ``dry_run`` passes nothing on, ``plan_hash`` binds the run to a plan.

    Returns:
        The plan's summary.

    Raises:
        PlanRefused: A guard tripped, or the plan is not the one that ``plan_hash`` names.
    """
    withheld = _settle_duplicates(run)
    total = sum(int(descriptor.plan_sum) for descriptor in descriptors) % 2**128
    plan_hash = f"{total:032x}"
    with_work = [
        msgspec.structs.replace(descriptor, withheld=tuple(sorted(withheld)))
        for descriptor in descriptors
        if descriptor.count
    ]
    customers = sum(descriptor.count for descriptor in with_work)
    operations = sum(descriptor.operations for descriptor in with_work)
    with run.ledger.write() as connection:
        run.ledger.runs.update(connection, run.run_id, plan_hash=plan_hash)
    lines = [
        f"Plan {plan_hash}: {operations} operations for {customers} customers in {len(with_work)} batches.",
        *(
            f"  {descriptor.label}: {descriptor.operations} operations for {descriptor.count} customers"
            for descriptor in with_work
        ),
    ]
    if operations:
        lines.append(_expectation(run, with_work))
    if withheld:
        lines.append(f"Withheld, one Account Email shared: {', '.join(sorted(withheld)[:20])}")
    if request.plan_hash and request.plan_hash != plan_hash:
        run.sink("\n".join(lines), [])
        raise PlanRefused(
            f"The plan is now {plan_hash}, not {request.plan_hash} as the run was asked to apply: "
            "the ERP or the store changed since. Make a dry run, read its plan, and trigger with its hash."
        )
    tripped = [] if request.mode == "selected" else tripped_guards(_totals(run, descriptors), run.connector.guards)
    if request.dry_run:
        lines += [f"A real run would be refused: {sentence}" for sentence in tripped]
        lines.append("Dry run: nothing is written.")
    elif tripped:
        run.sink("\n".join(lines), [])
        raise PlanRefused(
            " ".join(tripped)
            + " Nothing was written. Read the plan in the logs of transform; if it is right, raise the "
            f"limit in {run.connector.id}.yaml for this one run, or sync the customers with mode 'selected'."
        )
    return PlanSummary([] if request.dry_run else with_work, plan_hash, customers, operations, lines)


def _expectation(run: Run, descriptors: Sequence[BatchDescriptor]) -> str:
    """What the plan will cost when nothing is refused; the audit tells what it did cost."""
    to_store = sum(descriptor.store_requests for descriptor in descriptors)
    to_erp = sum(descriptor.erp_requests for descriptor in descriptors)
    pace = run.connector.store.requests_per_minute * run.connector.store.share
    seconds = to_store * 60 / pace
    erp_pace = run.connector.erp.requests_per_minute
    erp_told = f", {to_erp * 60 / erp_pace:.0f} s at {erp_pace} a minute" if erp_pace else ""
    return (
        f"Expected: about {to_store} requests to Better B2B, {seconds:.0f} s at {pace:.0f} a minute; "
        f"{to_erp} to Acumatica{erp_told}."
    )


def _totals(run: Run, descriptors: Sequence[BatchDescriptor]) -> RunTotals:
    row = run.ledger.runs.get(run.run_id) or {}
    companies, parts = run.ledger.links.counts()
    is_continued = bool(row.get("resume_after") or (row.get("window") or {}).get("resume_after"))
    # A batch that failed on the way is missing from the sum, not from the ERP.
    is_complete = run.ledger.runs.batch_count(run.run_id) == len(descriptors)
    return RunTotals(
        is_whole_read=row.get("mode") == "full" and not is_continued and is_complete,
        extracted=row.get("extracted", 0),
        eligible=sum(descriptor.eligible for descriptor in descriptors),
        withdrawn=sum(descriptor.withdrawn for descriptor in descriptors),
        removed=sum(descriptor.removed for descriptor in descriptors),
        linked_companies=companies,
        linked_parts=parts,
    )


def _settle_duplicates(run: Run) -> set[str]:
    conflicts = run.ledger.emails.conflicts(run.run_id)
    if not conflicts:
        return set()
    linked = run.ledger.links.load_hashes({*conflicts, *(rival for rivals in conflicts.values() for rival in rivals)})
    entries: list[LogEntry] = []
    losers: dict[str, Finding] = {}
    for customer_id, rivals in conflicts.items():
        if customer_id in linked:
            continue
        holder = next((rival for rival in rivals if rival in linked), None)
        who = f"customer {holder} holds it in the store" if holder else f"also on customer {', '.join(rivals[:5])}"
        losers[customer_id] = Finding(reason=Reason.EMAIL_DUPLICATE, field="Email", detail=f"Account Email {who}")
        entries.append(
            closing_entry(
                customer_id,
                "",
                Outcome.QUARANTINED,
                [Reason.EMAIL_DUPLICATE],
                message=losers[customer_id].detail,
                field="Email",
            )
        )
    outcomes = [CustomerOutcome(key, Outcome.QUARANTINED, (str(Reason.EMAIL_DUPLICATE),)) for key in losers]
    with run.ledger.write() as connection:
        run.ledger.quarantine.replace(connection, run.run_id, list(losers), list(losers.items()))
        run.book(connection, entries, outcomes)
    run.sink(f"{len(losers)} customers share an Account Email with another", entries)
    return set(losers)
