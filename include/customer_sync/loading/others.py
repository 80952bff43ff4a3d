"""Customers of other batches, or of none, of whom a load needs that they give something up first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from customer_sync.ledger.state.email_directory import index_of
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import CustomerLoad
from customer_sync.model.company import ACCOUNT_ADMIN_KEY, CompanyStatus, CompanyUser
from customer_sync.model.operation import AppliedCompany, CustomerPlan
from customer_sync.planning.emails import held_by
from customer_sync.reporting.log_entry import operation_entry
from customer_sync.settings.connector import Connector

_plans = msgspec.json.Decoder(CustomerPlan)


def loads_of_holders(
    context: LoadContext, going: Mapping[str, Collection[str]]
) -> tuple[dict[str, CustomerLoad], list[CustomerLoad]]:
    """Loads of customers who are to give e-mails up.

    Args:
        context: The run.
        going: Customer -> contacts of its withdrawn company whose e-mails others are to have.

    Returns:
        The loads by customer, and those of them whom the run did not read or does not change.
    """
    ledger = context.ledger
    batches = {number: ledger.runs.batch_of(context.run.run_id, number) for number in going}
    planned = ledger.plans.releases(context.run.run_id, {number: key for number, key in batches.items() if key})
    applied, records = ledger.links.load(going), ledger.links.records_at(going)
    # What was sent for them and not answered has to be read back first.
    unsure = ledger.intents.unanswered_by({number: records.get(number, "") for number in going})
    found: dict[str, CustomerLoad] = {}
    unread: list[CustomerLoad] = []
    for number, contacts in going.items():
        have = applied.get(number)
        if have is None or not have.parts_known or have.made_with or number in unsure:
            continue
        plan = _plans.decode(planned[number]) if number in planned else _from_ledger(context.connector, number, have)
        plan = msgspec.structs.replace(
            plan, leavers=plan.leavers.union(contacts), record_id=plan.record_id or records.get(number, "")
        )
        found[number] = load_of(context, plan, have)
        if number not in planned:
            unread.append(found[number])
    return found, unread


def load_of(context: LoadContext, plan: CustomerPlan, applied: AppliedCompany | None) -> CustomerLoad:
    """A load of one customer that is in no batch here."""
    is_closed = applied is not None and applied.status == CompanyStatus.INACTIVE
    indexed = index_of(held_by(applied), is_closed=is_closed)
    return CustomerLoad(plan, context.connector, applied, held_back=set(plan.held_back), indexed=indexed)


def _from_ledger(connector: Connector, number: str, applied: AppliedCompany) -> CustomerPlan:
    """What is known of a withdrawn customer that the run does not read; the account follows its last user."""
    fields = applied.fields
    most_chars = connector.target.fields.user["first_name"].most_chars or None
    account = CompanyUser(
        key=ACCOUNT_ADMIN_KEY,
        email=fields.company_email,
        first_name=fields.company_name[:most_chars],
        last_name=fields.company_name[:most_chars],
        phone_number=fields.company_phone,
        role=connector.contacts.primary_role,
    )
    may_follow = bool(fields.company_email) and connector.contacts.admin_fallback == "account"
    return CustomerPlan(customer_id=number, kind="access", successors=(account,) if may_follow else ())


def record_others(context: LoadContext, loads: Iterable[CustomerLoad], what: str) -> None:
    """Say what was done to customers who are in no batch; those of a batch have their own story."""
    run = context.run
    entries = [
        operation_entry(load.customer_id, "", operation, run.connector, verb="done")
        for load in loads
        for operation in load.done
    ]
    if entries:
        with context.ledger.write() as connection:
            run.record(connection, entries)
        run.sink(f"{len(entries)} {what}", entries)
