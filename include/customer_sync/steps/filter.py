"""Step two: give each customer of a batch its decision. (task: filter)"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

import msgspec

from customer_sync.gc_paused import gc_paused
from customer_sync.ledger import CustomerOutcome
from customer_sync.model.batch import Batch, BatchDescriptor, Decisions, Unenrolled, pack, unpack_customers
from customer_sync.model.customer import Customer
from customer_sync.model.outcome import NOT_ELIGIBLE, LogEntry, Outcome
from customer_sync.planning.access import contacts_of, moved_away
from customer_sync.planning.payment import diff_credit
from customer_sync.planning.set_aside import Mark, is_set_aside, reason_of_mark, source_hash
from customer_sync.reporting.log_entry import closing_entry, shown_name
from customer_sync.rules.company_mapping import payment_of
from customer_sync.rules.company_users import leavers
from customer_sync.rules.eligibility import Decision, decide_eligibility
from customer_sync.run import Run
from customer_sync.steps.as_before import remember

if TYPE_CHECKING:
    import sqlalchemy as sa


@gc_paused()
def filter_batch(run: Run, content: Any, descriptor: BatchDescriptor) -> tuple[str, BatchDescriptor]:
    """Split a batch into eligible customers, customers to be un-enrolled, and filtered ones.

    The filtered get their outcome here. A customer that has a company goes on to be
    un-enrolled when one of its reasons withdraws it (docs/errors.md#filter).

    Args:
        run: The run.
        content: What extract wrote.
        descriptor: Its descriptor.

    Returns:
        The decisions, to be put beside the customers, and the batch's descriptor.

    Raises:
        BatchDamaged: The batch did not arrive whole.
    """
    batch = unpack_customers(content, descriptor)
    linked_ids = _follow_renames(run, batch)
    passed_over = _pass_over(run, batch)
    looked_at = [item for item in batch.items if item.customer_id not in passed_over]
    decisions = {item.customer_id: decide_eligibility(item, run.connector) for item in looked_at}
    refused = [item for item in looked_at if not decisions[item.customer_id].is_eligible]
    refused_ids = [item.customer_id for item in refused]
    linked = linked_ids.intersection(refused_ids)
    # A write without an answer may have made a company that no link shows yet.
    linked |= run.ledger.intents.unanswered_by({item.customer_id: item.record_id for item in refused}).keys()
    ending = [item for item in refused if item.customer_id in linked and decisions[item.customer_id].is_unenrolling]
    unenrolled = _withdrawable(run, ending)
    gone = {item.customer_id for item in unenrolled}
    kept = _with_leavers(run, [item for item in refused if item.customer_id in linked and item.customer_id not in gone])
    judged_later = gone.union(item.customer_id for item in kept)
    filtered = [item for item in refused if item.customer_id not in judged_later]
    _record(run, batch, filtered, refused, decisions, linked=linked)
    _book_passed_over(run, batch, passed_over)
    packed, digest = pack(
        Decisions(
            left_out=(*passed_over, *(item.customer_id for item in filtered)),
            unenrolled=tuple(_for_transform(run, item, decisions[item.customer_id]) for item in unenrolled),
            kept=tuple(_for_transform(run, item, decisions[item.customer_id]) for item in kept),
        )
    )
    count = len(looked_at) - len(filtered)
    return packed, msgspec.structs.replace(descriptor, count=count, digest=digest)


def _for_transform(run: Run, customer: Customer, decision: Decision) -> Unenrolled:
    return Unenrolled(
        customer_id=customer.customer_id,
        name=shown_name(customer.name, run.connector.masking),
        reasons=tuple(str(reason) for reason in decision.reasons),
        modified_at_utc=customer.modified_at_utc,
    )


def _withdrawable(run: Run, customers: list[Customer]) -> list[Customer]:
    """Those of some customers whose companies this run may withdraw: who is gone from the ERP is for a whole read."""
    if not any(item.is_gone for item in customers):
        return customers
    row = run.ledger.runs.get(run.run_id)
    is_incremental = row is not None and row["mode"] == "incremental"
    return [item for item in customers if not (item.is_gone and is_incremental)]


def _with_leavers(run: Run, customers: list[Customer]) -> list[Customer]:
    """Those who lose a user or credit, or may: what was sent has no answer."""
    payments = {item.customer_id: payment_of(item, run.connector, []) for item in customers}
    leaving = {item.customer_id: leavers(item, run.connector) for item in customers}
    owners = run.ledger.runs.owners_of_moved(run.run_id) if customers else {}
    holders = {holder for _, holder in run.ledger.links.holders_of_contacts(owners)}
    having = {key for key, contacts in leaving.items() if contacts or key in holders or payments[key].takes_something}
    applied = run.ledger.links.load(having) if having else {}
    found = {
        key
        for key, company in applied.items()
        if moved_away(key, company, owners)
        or not leaving[key].isdisjoint(contacts_of(company))
        or diff_credit(key, company, payments[key])
    }
    found |= run.ledger.intents.unanswered_by({each.customer_id: each.record_id for each in customers}).keys()
    return [item for item in customers if item.customer_id in found]


def _pass_over(run: Run, batch: Batch[Customer]) -> dict[str, Mark]:
    """Customers that a person set aside and that still are; who changed since is taken back."""
    marks = run.ledger.set_aside.load(item.customer_id for item in batch.items)
    if not marks:
        return {}
    marked = {item.customer_id: item for item in batch.items if item.customer_id in marks}
    kept = {key: marks[key] for key, item in marked.items() if is_set_aside(marks[key], item)}
    seen = {key: source_hash(marked[key]) for key, mark in kept.items() if not mark.source_hash}
    back = marks.keys() - kept.keys()
    entries = [
        LogEntry(customer_id=key, action="take_back", message="it was set aside and has changed in the ERP")
        for key in sorted(back)
    ]
    # A dry run only looks; a preview that took marks away would change what the real run does.
    row = run.ledger.runs.get(run.run_id)
    if not (row and row["dry_run"]):
        with run.ledger.write() as connection:
            run.ledger.set_aside.note_sources(connection, seen)
            run.ledger.set_aside.drop(connection, back)
            run.record(connection, entries)
    return kept


_PASSED_OVER: Final = {
    "skip": "skipped by hand",
    "handled": "marked as handled; unchanged since",
    "undone": "a run was undone for it; unchanged since",
}


def _book_passed_over(run: Run, batch: Batch[Customer], passed_over: dict[str, Mark]) -> None:
    if not passed_over:
        return
    entries: list[LogEntry] = []
    outcomes: list[CustomerOutcome] = []
    for customer in batch.items:
        mark = passed_over.get(customer.customer_id)
        if mark is None:
            continue
        reason = str(reason_of_mark(mark.kind))
        message = _PASSED_OVER[mark.kind]
        name = shown_name(customer.name, run.connector.masking)
        entries.append(
            closing_entry(customer.customer_id, name, Outcome.SKIPPED, (reason,), words=run.words, message=message)
        )
        outcomes.append(CustomerOutcome(customer.customer_id, Outcome.SKIPPED, (reason,)))
    with run.ledger.write() as connection:
        _let_emails_go(run, connection, passed_over)
        news = run.record(connection, entries, outcomes)
    run.sink(f"{len(entries)} customers are set aside", news)


def _let_emails_go(run: Run, connection: sa.Connection, customer_ids: Collection[str]) -> None:
    """Have customers of whom nothing is to be made keep the e-mails that their users have, and no others.

    A run that began to make a company may have ended before its users were there.
    """
    run.ledger.links.catch_up(connection, customer_ids)
    run.ledger.directory.drop_claims(connection, customer_ids)


def _follow_renames(run: Run, batch: Batch[Customer]) -> set[str]:
    """Have companies follow their records: the same record is the same customer, whatever its number.

    Returns:
        The customers of the batch that have a company.
    """
    links = run.ledger.links
    records = {item.customer_id: item.record_id for item in batch.items}
    at = links.records_at(records)
    is_moved = any(record != records[number] for number, record in at.items() if records[number])
    if not is_moved and not links.renamed(records):
        return set(at)
    with run.ledger.write() as connection:
        moved = links.follow(connection, records)
        run.ledger.set_aside.rename(connection, moved)
        run.ledger.emails.give_up(connection, moved)
        run.ledger.quarantine.replace(connection, run.run_id, list(moved), [])
        run.ledger.runs.forget_unfinished(connection, moved)
        entries = [_moved_entry(old, new, is_here=new in records) for old, new in moved.items()]
        run.record(connection, entries)
    if entries:
        run.sink(f"{len(entries)} companies follow their records to other numbers", entries)
    return set(links.records_at(records))


def _moved_entry(old: str, new: str, *, is_here: bool) -> LogEntry:
    message = f"the CustomerID was {old}; its company, users and addresses go with it"
    if not is_here:
        message = f"the CustomerID {old} is another record's now; the company is kept until its own record is read"
    return LogEntry(customer_id=new, action="rename_customer", level="warning", message=message)


def _record(
    run: Run,
    batch: Batch[Customer],
    filtered: list[Customer],
    refused: list[Customer],
    decisions: dict[str, Decision],
    *,
    linked: set[str],
) -> None:
    entries: list[LogEntry] = []
    outcomes: list[CustomerOutcome] = []
    for customer in filtered:
        reasons = tuple(str(reason) for reason in decisions[customer.customer_id].reasons)
        kept = f"{NOT_ELIGIBLE}; its company is kept as it is"
        message = kept if customer.customer_id in linked else NOT_ELIGIBLE
        name = shown_name(customer.name, run.connector.masking)
        entries.append(
            closing_entry(customer.customer_id, name, Outcome.FILTERED, reasons, words=run.words, message=message)
        )
        outcomes.append(CustomerOutcome(customer.customer_id, Outcome.FILTERED, reasons))
    with run.ledger.write() as connection:
        run.ledger.runs.clear_outcomes(connection, run.run_id, (item.customer_id for item in batch.items))
        run.ledger.emails.give_up(connection, (item.customer_id for item in refused))
        _let_emails_go(run, connection, [item.customer_id for item in refused])
        run.ledger.quarantine.replace(connection, run.run_id, [item.customer_id for item in filtered], [])
        news = run.record(connection, entries, outcomes)
        alone = {each.customer_id: ",".join(each.reasons) for each in outcomes if each.customer_id not in linked}
        remember(run, connection, batch.rows, alone, alone)
    eligible = len(decisions) - len(refused)
    run.sink(
        f"{batch.label}: {eligible} eligible, {len(filtered)} filtered, {len(refused) - len(filtered)} to lose access",
        news,
    )
