"""Find again in the store what the ledger does not know: nothing is then created twice.

Source: docs/reliability.md#the-protocol.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec

from customer_sync.ledger import CustomerState
from customer_sync.ledger.coordination.watermarks import FOREIGN_COMPANIES
from customer_sync.loading.adoption_evidence import OWN_WRITE, Claimant, Weighed, judge, with_record
from customer_sync.loading.applied_parts import save_now
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.loading.found_parts import read_parts, unlink_company
from customer_sync.loading.setting_writes import MOST_ID_DIGITS
from customer_sync.model.company import COMPANY_FIELDS, CompanyFields, CompanyStatus
from customer_sync.model.operation import Action, AppliedCompany
from customer_sync.model.outcome import MENDED_IN_STORE, Outcome, Reason
from customer_sync.targets.port import StoredCompany

_OF_COMPANIES: Final = frozenset({Action.UPDATE_COMPANY, Action.SET_STATUS, Action.DELETE_COMPANY})


def find_existing(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """Link loads whose company exists in the store although the ledger has no link.

    The store is crawled only when it holds companies that the ledger cannot account
    for, so a first load costs one request more, not one per customer. A store whose
    key field is not unique is asked for each key before anything is created.
    """
    unlinked = {load.customer_id: load for load in loads if load.applied is None and load.plan.kind == "sync"}
    if not unlinked:
        return
    context.ask_ahead()
    is_unique = context.key_is_unique
    held = context.ledger.quarantine.load(unlinked)
    for key, rows in held.items():
        # The store would refuse to make what it has: nothing is sent before a person has decided.
        if any(row.entity == "customer" and row.reason in MENDED_IN_STORE for row in rows):
            find_by_key(context, unlinked[key])
    unlinked = {key: load for key, load in unlinked.items() if load.applied is None and load.problem is None}
    for load in unlinked.values():
        _find_by_reference(context, load)
    unlinked = {key: load for key, load in unlinked.items() if load.applied is None}
    if _has_unaccounted(context):
        _link_all(context, context.target.companies(), unlinked)
    elif not is_unique:
        for load in unlinked.values():
            find_by_key(context, load)


def _find_by_reference(context: LoadContext, load: CustomerLoad) -> None:
    """Link the company whose id the customer's record holds, where enough speaks for it; it may bear a former number.

    One that was linked by that number, and of which nobody has weighed yet whose it is, is still to be had.
    """
    reference = load.plan.erp_reference
    if not context.connector.erp.write_reference or not reference.isdecimal() or len(reference) > MOST_ID_DIGITS:
        return
    record, links = context.target.company(int(reference)), context.ledger.links
    if record is None or record.key == load.customer_id:
        return
    holder = links.holders([record.id]).get(record.id)
    if holder is not None and not links.unweighed([holder]):
        return
    repeated = context.ledger.emails.repeated_references([reference])
    if judge(with_record(record, context.connector.store.record_field), _claimant(load, repeated)).against is not None:
        return
    if holder is not None:
        with context.ledger.write() as connection:
            links.drop_company(connection, holder)
    adopt(context, [(load, record)])


def find_by_key(context: LoadContext, load: CustomerLoad, key: str = "", *, sent: CompanyFields | None = None) -> bool:
    """Look for one customer's company by a key and link it if it is the customer's; else the customer waits.

    Args:
        context: The run.
        load: The customer.
        key: The key; by default the customer's number.
        sent: What was sent of a company with that key whose outcome is unknown.

    Returns:
        Whether one was found and linked.
    """
    found = context.target.companies_by_key(key or load.customer_id)
    holders = context.ledger.links.holders([record.id for record in found])
    free = [record for record in found if record.id not in holders]
    if len(free) > 1:
        _stop_ambiguous(load, free)
    if len(free) != 1:
        return False
    return adopt(context, [(load, free[0])], key=key, sent=sent) == 1


def adopt(
    context: LoadContext,
    found: Sequence[tuple[CustomerLoad, StoredCompany]],
    *,
    key: str = "",
    sent: CompanyFields | None = None,
) -> int:
    """Link companies that are their customers' by what speaks for it; customers of the others wait for a person.

    Users and addresses are read before the next comparison.

    Args:
        context: The run.
        found: Customers and companies.
        key: The key that they were found by; by default each customer's number.
        sent: What was sent of the company, its outcome unknown.

    Returns:
        How many were linked.
    """
    repeated = context.ledger.emails.repeated_references(load.plan.erp_reference for load, _ in found)
    states: list[CustomerState] = []
    for load, record in found:
        weighed = judge(with_record(record, context.connector.store.record_field), _claimant(load, repeated, key, sent))
        if weighed.against is not None:
            _leave_to_a_person(load, record, weighed)
            continue
        load.applied, load.adopted_by, load.is_proven = _as_found(record), weighed.in_words, False
        # Until its users were seen nothing is proven; an attempt that dies before weighs the company anew.
        states.append(CustomerState(load.customer_id, load.applied, load.plan.record_id, key=record.key, evidence=""))
    with context.ledger.write() as connection:
        context.ledger.links.put(connection, context.run.run_id, states)
    return len(states)


def weigh_links(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """Weigh the companies that a crawl for another batch found by these customers' numbers."""
    unweighed = context.ledger.links.unweighed(load.customer_id for load in loads)
    found = [load for load in loads if load.customer_id in unweighed and load.applied is not None]
    repeated = context.ledger.emails.repeated_references(load.plan.erp_reference for load in found)
    for load in found:
        record = context.target.company(load.company_id)
        weighed = (
            None
            if record is None
            else judge(with_record(record, context.connector.store.record_field), _claimant(load, repeated))
        )
        if weighed is not None and weighed.against is None:
            load.adopted_by, load.is_proven = weighed.in_words, False
            load.forget_parts()
            continue
        unlink_company(context, load)
        if record is not None and weighed is not None:
            _leave_to_a_person(load, record, weighed)


def read_back(context: LoadContext, loads: Sequence[CustomerLoad]) -> None:
    """Have loads know what became of what an earlier attempt sent for them, by what it sent.

    What the source says by now may be another number, another e-mail or nothing at all; the comparison that follows
    sees what differs.
    """
    answered = [load for load in loads if load.unanswered]
    for load in answered:
        for intent in load.unanswered:
            if intent.action == Action.CREATE_COMPANY and load.applied is None:
                values = {name: value for name, value in intent.sent.items() if name in COMPANY_FIELDS}
                find_by_key(context, load, intent.key, sent=CompanyFields(**values))
        if any(intent.action in _OF_COMPANIES for intent in load.unanswered):
            read_company(context, load)
        load.forget_parts()
    for load in loads:
        if load.applied is not None and load.applied.status is CompanyStatus.UNKNOWN:
            # An earlier attempt made it and did not finish it: its first user may have left the source since.
            load.adopted_by = load.adopted_by or OWN_WRITE
            load.forget_parts()
    read_parts(context, loads)
    for load in answered:
        load.unanswered = []


def read_company(context: LoadContext, load: CustomerLoad) -> None:
    """Know a linked company as the store has it: one that is gone is made again where it should be there."""
    record = context.target.company(load.company_id) if load.applied is not None else None
    if load.applied is None or (record is None and load.plan.kind != "sync"):
        return
    if record is None:
        load.applied = None
    else:
        status = load.applied.status if record.status is CompanyStatus.UNKNOWN else record.status
        load.applied = msgspec.structs.replace(load.applied, fields=record.fields, status=status)
    save_now(context, [load])


def _as_found(record: StoredCompany) -> AppliedCompany:
    status = CompanyStatus.APPROVED if record.status is CompanyStatus.UNKNOWN else record.status
    return AppliedCompany(company_id=record.id, status=status, fields=record.fields, parts_known=False)


def _claimant(
    load: CustomerLoad, repeated: Collection[str], key: str = "", sent: CompanyFields | None = None
) -> Claimant:
    plan = load.plan
    return Claimant(
        customer_id=key or load.customer_id,
        record_id=plan.record_id,
        email=plan.desired.company_email if plan.desired else "",
        reference_id="" if plan.erp_reference in repeated else plan.erp_reference,
        sent=sent,
    )


def _leave_to_a_person(load: CustomerLoad, record: StoredCompany, weighed: Weighed) -> None:
    if load.plan.kind != "sync" or weighed.against is None:
        return
    if weighed.against is Reason.CLOSED_IN_STORE:
        message = f"its company {record.id} is {record.status.name.lower()} in the store, and not by this sync"
    else:
        message = (
            f"company {record.id} of the store ({record.status.name.lower()}) has the key of this customer, which "
            f"alone proves nothing (what speaks for it: {weighed.in_words}); nothing was written to it"
        )
    load.stop(Outcome.QUARANTINED, weighed.against, message)


def _has_unaccounted(context: LoadContext) -> bool:
    """Whether the store has companies that the ledger cannot explain; a run that found none does not count again."""
    if context.census.is_accounted_for:
        return False
    known = context.ledger.links.count() + int(context.ledger.watermarks.load().get(FOREIGN_COMPANIES, "0"))
    # Where nothing is known a look at the store costs no more than counting first.
    context.census.is_accounted_for = bool(known) and context.target.count_companies() <= known
    return not context.census.is_accounted_for


def _link_all(context: LoadContext, crawl: Iterable[StoredCompany], unlinked: dict[str, CustomerLoad]) -> None:
    """Link every company of the store that carries our key and has no link; remember how many carry none."""
    by_key: dict[str, list[StoredCompany]] = defaultdict(list)
    foreign = 0
    for record in crawl:
        if record.key:
            by_key[record.key].append(record)
        else:
            foreign += 1
    linked = context.ledger.links.load_hashes(by_key)
    holders = context.ledger.links.holders([record.id for records in by_key.values() for record in records])
    ours: list[tuple[CustomerLoad, StoredCompany]] = []
    others: list[CustomerState] = []
    named = _records_named(context, [record for records in by_key.values() for record in records])
    for key, found in by_key.items():
        records = [record for record in found if record.id not in holders]
        if key in linked or not records:
            foreign += len(records)
        elif len(records) > 1:
            foreign += len(records)
            if key in unlinked:
                _stop_ambiguous(unlinked[key], records)
        elif key in unlinked:
            ours.append((unlinked[key], records[0]))
        else:
            others.append(CustomerState(key, _as_found(records[0]), named.get(records[0].id, ""), key=key, evidence=""))
    foreign += len(ours) - adopt(context, ours)
    # What was sent for a record and not answered is found again for that record, not for the number.
    sent = {each.key for each in context.ledger.intents.unanswered() if each.action == Action.CREATE_COMPANY}
    others = [each for each in others if each.customer_id not in sent]
    with context.ledger.write() as connection:
        context.ledger.links.put(connection, context.run.run_id, others)
        context.ledger.watermarks.put(connection, context.run.run_id, {FOREIGN_COMPANIES: str(foreign)})


def _records_named(context: LoadContext, companies: Iterable[StoredCompany]) -> dict[int, str]:
    """Company -> the record that it names itself, where no other company and no link names that one."""
    field = context.connector.store.record_field
    named: dict[str, list[int]] = defaultdict(list)
    for company in companies:
        if record_id := with_record(company, field).record_id:
            named[record_id.casefold()].append(company.id)
    return {
        ids[0]: record_id
        for record_id, ids in named.items()
        if len(ids) == 1 and context.ledger.links.of_record(record_id) is None
    }


def _stop_ambiguous(load: CustomerLoad, records: Sequence[StoredCompany]) -> None:
    ids = ", ".join(str(record.id) for record in records[:5])
    load.stop(
        Outcome.QUARANTINED,
        Reason.AMBIGUOUS_MATCH,
        f"{len(records)} companies in the store carry this Customer ID (company ids {ids}); none was written",
    )
