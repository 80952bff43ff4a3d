"""Access is taken away although the rest of a run's plan waits for a person, or is refused. (task: guard)

What a record that was read denies needs nobody's yes (docs/people.md#access-first); the setting
``guards.most_removed`` bounds it, so that a wrong rule empties no store.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from customer_sync.model.batch import BatchDescriptor, unpack_changes, unpack_customers
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import AppliedCompany, CustomerPlan
from customer_sync.planning.access import contacts_of, early_plan
from customer_sync.run import Run
from customer_sync.sources.port import Source
from customer_sync.steps.load import load_removals
from customer_sync.targets.port import Target


class PlannedBatchContent(NamedTuple):
    """A batch as the steps left it: what extract and what transform wrote, and what guard makes of it."""

    customers: Any
    changes: Any
    descriptor: BatchDescriptor


class EarlyRemovals(NamedTuple):
    """Users of people who have left: how many lost their access, and how many wait."""

    gone: int
    waiting: int


def remove_early(
    run: Run, batches: Iterable[PlannedBatchContent], most: int, *, target: Target, source: Source
) -> EarlyRemovals:
    """Take access away from those to whom a record denies it, whatever else is in the plan.

    What was sent for a customer and not answered is read back first.

    Args:
        run: The run.
        batches: Those with somebody who leaves.
        most: So many users at most.
        target: The store.
        source: The ERP; it is not asked.

    Raises:
        BatchDamaged: A batch did not arrive whole.
        LeaseLost: Another attempt took over.
        TransientApiError: The store is out of reach.
    """
    leaving: dict[str, list[str]] = {}
    left = most
    for batch in batches:
        plans = _plans(run, batch)
        applied = run.ledger.links.load(plans)
        sent = run.ledger.intents.unanswered_by({key: plan.record_id for key, plan in plans.items()})
        unsure = {key: {name for each in its for name in (each.key, each.admin_key)} for key, its in sent.items()}
        have = {key: _contacts(applied.get(key)) | unsure.get(key, set()) for key in plans}
        here = {key: users for key, plan in plans.items() if (users := sorted(plan.leavers.intersection(have[key])))}
        leaving |= here
        cut: list[CustomerPlan] = []
        for key in sorted(here):
            whom = here[key][:left]
            left -= len(whom)
            if whom:
                cut.append(msgspec.structs.replace(plans[key], leavers=frozenset(whom)))
        if cut:
            load_removals(run, cut, target=target, source=source)
    applied = run.ledger.links.load(leaving)
    waiting = sum(len(set(users).intersection(_contacts(applied.get(key)))) for key, users in leaving.items())
    return EarlyRemovals(sum(map(len, leaving.values())) - waiting, waiting)


def _plans(run: Run, batch: PlannedBatchContent) -> dict[str, CustomerPlan]:
    customers = {each.customer_id: each for each in unpack_customers(batch.customers, batch.descriptor).items}
    changes = unpack_changes(batch.changes, batch.descriptor).items
    withheld = frozenset(batch.descriptor.withheld)
    return {
        each.customer_id: early_plan(each, customers[each.customer_id], run.connector)
        for each in changes
        if each.customer_id not in withheld
    }


def _contacts(applied: AppliedCompany | None) -> set[str]:
    """The contacts whose users can buy: nobody can for a company that does not trade."""
    if applied is None or applied.status == CompanyStatus.INACTIVE:
        return set()
    return contacts_of(applied)
