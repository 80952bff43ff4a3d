"""Counts what a plan would do, from the same rows of a ledger that a dry run leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from customer_sync.ledger import Ledger
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.pipeline import Preview
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.what_if.answer import (
    Counted,
    Difference,
    Guard,
    Plan,
    Requests,
    ShownCustomer,
    Unknown,
    Verdict,
)

_HOUR_MINUTES = 60


@dataclass(frozen=True)
class Planned:
    """A plan with all that it can be asked.

    Attributes:
        run: The run that made it, with its ledger.
        preview: What it found.
        store_was_asked: Whether the store was asked who shops there.
    """

    run: Run
    preview: Preview
    store_was_asked: bool

    @property
    def ledger(self) -> Ledger:
        """Where its rows are."""
        return self.run.ledger


def figures_of(planned: Planned) -> Plan:
    """The figures of one plan."""
    run, (summary, report, _) = planned.run, planned.preview
    facts, totals, rules = summary.facts, summary.totals, run.connector.store
    return Plan(
        plan_hash=facts.plan_hash,
        extracted=report.extracted,
        eligible=totals.eligible,
        outcomes=report.outcomes,
        reasons=report.reasons,
        customers=facts.customers,
        operations=facts.operations,
        actions=facts.actions,
        created=totals.created,
        withdrawn=totals.withdrawn,
        removed=totals.removed,
        welcomed=facts.welcomed,
        shoppers=facts.shoppers if planned.store_was_asked else None,
        withheld=facts.withheld,
        unknown=tuple(
            Unknown(reason=part.reason, count=part.customers, customer_ids=part.customer_ids) for part in facts.unknown
        ),
        guard=Guard(verdict=_verdict(run.connector, facts.tripped, facts.customers), tripped=facts.tripped),
        requests=Requests(
            store=summary.store_requests,
            source=summary.erp_requests,
            store_per_minute=rules.pace_per_minute,
            hours=summary.store_requests / rules.pace_per_minute / _HOUR_MINUTES,
        ),
    )


def _verdict(connector: Connector, tripped: Sequence[str], customers: int) -> Verdict:
    ask = connector.approval.ask
    if tripped:
        return "refuses" if ask == "never" else "asks"
    return "asks" if ask == "always" and customers else "passes"


def difference_of(draft: Planned, now: Planned, shown: int) -> Difference:
    """Who becomes eligible, ceases to be, and loses a company by the draft and not by the present file.

    Args:
        draft: The draft's plan.
        now: The present file's.
        shown: So many customers are named of each kind.
    """
    here, there = _standings(draft), _standings(now)
    comes = {key: there[key] or () for key, why in here.items() if why is None and there.get(key)}
    goes = {key: why for key, why in here.items() if why and key in there and there[key] is None}
    closed = _withdrawn(draft) - _withdrawn(now)
    withdrawn = {key: tuple(draft.preview.judged_out.get(key, ())) for key in closed}
    return Difference(
        becomes_eligible=_counted(comes, draft.ledger, shown),
        no_longer_eligible=_counted(goes, draft.ledger, shown),
        withdrawn=_counted(withdrawn, draft.ledger, shown),
    )


def _standings(planned: Planned) -> dict[str, tuple[str, ...] | None]:
    """Customer -> why it is not eligible, ``None`` where it is; those about whom nothing was decided are missing."""
    judged_out = planned.preview.judged_out
    found: dict[str, tuple[str, ...] | None] = {}
    for key, _, outcome, reasons in planned.ledger.runs.customers(planned.run.run_id):
        if key in judged_out:
            found[key] = tuple(judged_out[key])
        elif outcome == Outcome.FILTERED:
            found[key] = tuple(reasons.split(","))
        elif outcome != Outcome.SKIPPED and reasons != Reason.RECORD_UNREADABLE:
            found[key] = None
    return found


def _withdrawn(planned: Planned) -> set[str]:
    """Whose company the plan withdraws, as guard counts them."""
    ledger, run_id = planned.ledger, planned.run.run_id
    batches = {batch for _, batch, _, _ in ledger.runs.customers(run_id)}
    return {each.customer_id for each in ledger.plans.customers(run_id, batches) if each.kind == "unenroll"}


def _counted(found: Mapping[str, tuple[str, ...]], ledger: Ledger, shown: int) -> Counted:
    first = sorted(found)[:shown]
    names = ledger.log.names(first)
    return Counted(
        count=len(found),
        by_reason=_by_frequency(code for why in found.values() for code in why),
        examples=tuple(ShownCustomer(customer_id=key, name=names.get(key, ""), why=found[key]) for key in first),
    )


def _by_frequency(codes: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(codes).items(), key=lambda each: (-each[1], each[0])))
