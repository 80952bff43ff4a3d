"""Step two: give each customer of a batch its decision. (task: filter)"""

from __future__ import annotations

from typing import Any

from customer_sync.batch import Batch, BatchDescriptor, Unenrolled, pack, unpack_customers
from customer_sync.customer import Customer
from customer_sync.eligibility import Decision, decide_eligibility
from customer_sync.garbage import uncollected
from customer_sync.ledger import CustomerOutcome
from customer_sync.log_entry import closing_entry, shown_name
from customer_sync.outcome import LogEntry, Outcome
from customer_sync.run import Run


@uncollected()
def filter_batch(run: Run, content: Any, descriptor: BatchDescriptor) -> tuple[str, BatchDescriptor]:
    """Split a batch into eligible customers, customers to be un-enrolled, and filtered ones.

    The filtered get their outcome here. A customer that has a company goes on to be
    un-enrolled when one of its reasons withdraws it (DESIGN section 4).

    Args:
        run: The run.
        content: What extract wrote.
        descriptor: Its descriptor.

    Returns:
        The eligible and the to-be-un-enrolled customers, and their descriptor.

    Raises:
        BatchDamaged: The batch did not arrive whole.
    """
    batch = unpack_customers(content, descriptor)
    _follow_renames(run, batch)
    decisions = {item.customer_id: decide_eligibility(item, run.connector.eligibility) for item in batch.items}
    refused = [item for item in batch.items if not decisions[item.customer_id].is_eligible]
    refused_ids = [item.customer_id for item in refused]
    linked = set(run.ledger.links.load_hashes(refused_ids))
    # A write without an answer may have made a company that no link shows yet.
    linked |= {intent.customer_id for intent in run.ledger.intents.unanswered(refused_ids)}
    unenrolled = [item for item in refused if item.customer_id in linked and decisions[item.customer_id].is_unenrolling]
    gone = {item.customer_id for item in unenrolled}
    filtered = [item for item in refused if item.customer_id not in gone]
    _book(run, batch, filtered, refused, decisions, kept=linked - gone)
    return pack(
        Batch(
            key=batch.key,
            label=batch.label,
            items=tuple(item for item in batch.items if decisions[item.customer_id].is_eligible),
            unenrolled=tuple(
                Unenrolled(
                    customer_id=item.customer_id,
                    name=shown_name(item.name, run.connector.masking),
                    reasons=tuple(str(reason) for reason in decisions[item.customer_id].reasons),
                    modified_at_utc=item.modified_at_utc,
                )
                for item in unenrolled
            ),
        )
    )


def _follow_renames(run: Run, batch: Batch[Customer]) -> None:
    """Carry companies over to customers that were given another CustomerID: the same record is the same customer."""
    linked = run.ledger.links.load_hashes(item.customer_id for item in batch.items)
    records = {item.customer_id: item.record_id for item in batch.items if item.customer_id not in linked}
    renamed = run.ledger.links.renamed(records)
    if not renamed:
        return
    entries = [
        LogEntry(
            customer_id=new,
            action="rename_customer",
            level="warning",
            message=f"the CustomerID was {old}; its company, users and addresses go with it",
        )
        for new, old in renamed.items()
    ]
    with run.ledger.write() as connection:
        for new, old in renamed.items():
            run.ledger.links.rename(connection, old, new)
        run.ledger.emails.give_up(connection, renamed.values())
        run.ledger.quarantine.replace(connection, run.run_id, list(renamed.values()), [])
        run.ledger.runs.forget_unfinished(connection, renamed.values())
        run.book(connection, entries)
    run.sink(f"{len(renamed)} customers have another CustomerID than before", entries)


def _book(
    run: Run,
    batch: Batch[Customer],
    filtered: list[Customer],
    refused: list[Customer],
    decisions: dict[str, Decision],
    *,
    kept: set[str],
) -> None:
    entries: list[LogEntry] = []
    outcomes: list[CustomerOutcome] = []
    for customer in filtered:
        reasons = tuple(str(reason) for reason in decisions[customer.customer_id].reasons)
        message = "not eligible; its company is kept as it is" if customer.customer_id in kept else "not eligible"
        name = shown_name(customer.name, run.connector.masking)
        entries.append(closing_entry(customer.customer_id, name, Outcome.FILTERED, reasons, message=message))
        outcomes.append(CustomerOutcome(customer.customer_id, Outcome.FILTERED, reasons))
    with run.ledger.write() as connection:
        run.ledger.runs.clear_outcomes(connection, run.run_id, (item.customer_id for item in batch.items))
        run.ledger.emails.give_up(connection, (item.customer_id for item in refused))
        run.ledger.quarantine.replace(connection, run.run_id, [item.customer_id for item in filtered], [])
        run.book(connection, entries, outcomes)
    eligible = len(batch.items) - len(refused)
    run.sink(
        f"{batch.label}: {eligible} eligible, {len(filtered)} filtered, {len(refused) - len(filtered)} to un-enrol",
        entries,
    )
