"""Step four: add up the whole run's plan and settle what only the whole run can. (task: guard)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

import msgspec

from customer_sync.errors import PlanRefused
from customer_sync.ledger import CustomerOutcome
from customer_sync.machine import machine
from customer_sync.model.batch import BatchDescriptor
from customer_sync.model.operation import Action, CompanyOperation, Operation, UserOperation
from customer_sync.model.outcome import Finding, LogEntry, Outcome, Reason
from customer_sync.planning.guard_limits import RunTotals, tripped_guards
from customer_sync.planning.plan_facts import SHOWN, NamedCustomer, PlanFacts, PlannedBatch, UnknownPart, lines_of
from customer_sync.planning.window import RunRequest
from customer_sync.reporting.log_entry import closing_entry, operation_entry
from customer_sync.reporting.plan_table import write_plan_if_configured
from customer_sync.run import Run
from customer_sync.steps.early_removals import EarlyRemovals

CountShoppers = Callable[[Sequence[str]], int | None]
"""Counts those of some e-mails for which the store has a shopper's account; ``None`` where it cannot say."""

RemoveEarly = Callable[[Sequence[BatchDescriptor], int], EarlyRemovals]
"""Takes access away from those who leave with some batches, so many users at most, before the plan is answered."""


@dataclass(frozen=True)
class PlanSummary:
    """The run's plan, settled.

    Attributes:
        descriptors: The batches that load is to apply; empty for a dry run.
        facts: The plan in facts.
        totals: What it would do, beside what exists: what the guards look at.
        store_requests: Requests to the store that it will take when nothing is refused.
        erp_requests: The same of the ERP.
        why_ask: Why a person must say yes first, a sentence each; empty where nobody needs to be asked.
        adoptions: Customers whose companies are taken over with that yes, although the ERP does not know all of their
            users.
        lines: The summary in words.
    """

    descriptors: list[BatchDescriptor]
    facts: PlanFacts
    totals: RunTotals
    store_requests: int = 0
    erp_requests: int = 0
    why_ask: list[str] = field(default_factory=list)
    adoptions: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def plan_hash(self) -> str:
        """Identifies the operations that are to be applied."""
        return self.facts.plan_hash


def settle_plan(
    run: Run,
    descriptors: Sequence[BatchDescriptor],
    request: RunRequest,
    *,
    can_ask: bool = False,
    remove_early: RemoveEarly | None = None,
    count_shoppers: CountShoppers | None = None,
) -> PlanSummary:
    """Add up the plan of all batches, take out customers that share an Account Email, and decide what follows.

    They are taken out where the store wants the e-mails of companies unique (``target.company_emails_unique``): of two
    customers with one Account Email the one that holds it in the store keeps it and the newcomer is quarantined; of
    two newcomers both are (docs/errors.md#email_duplicate).

    Args:
        run: The run.
        descriptors: The descriptors of the batches whose transform succeeded.
        request: The run's params: ``dry_run`` passes nothing on, ``plan_hash`` binds the run to a plan.
        can_ask: Whether there is a person to be asked; without one, a plan that needs a yes is refused.
        remove_early: Takes access away from people who have left where a tripped guard stops the plan.
        count_shoppers: Counts those of some e-mails for which the store has a shopper's account.

    Returns:
        The plan's summary.

    Raises:
        PlanRefused: The plan is not the one that ``plan_hash`` names or is not known whole, or
            it needs a person's yes and none can or may be asked.
    """
    with run.ledger.write() as connection:
        run.ledger.plans.reopen(connection, run.run_id)
    withheld = _settle_duplicates(run) if run.connector.target.company_emails_unique else set[str]()
    with run.ledger.write() as connection:
        run.ledger.plans.withhold(connection, run.run_id, withheld)
    settled = _without_withheld(run, descriptors)
    totals = _totals(run, settled)
    tripped = [] if request.mode == "selected" else tripped_guards(totals, run.connector.guards)
    adoptions = _adoptions_to_ask(run, settled, request) if can_ask else []
    why_ask = _why_ask(run, settled, request, tripped, adoptions)
    facts = _facts(run, settled, tripped, sorted(withheld), in_detail=request.dry_run or bool(why_ask))
    if request.undo_run:
        facts = _of_undo(facts, settled, request.undo_run)
    if request.dry_run or why_ask:
        facts = _with_new_people(run, settled, facts, count_shoppers)
    facts = _without_leavers(run, settled, facts, request, remove_early)
    with run.ledger.write() as connection:
        run.ledger.runs.update(connection, run.run_id, plan_hash=facts.plan_hash, approval=None)
        if facts.undoes:
            left = {"kept": facts.kept, "impossible": facts.impossible}
            run.ledger.runs.update(connection, run.run_id, summary=left)
    expected = sum(each.store_requests for each in settled), sum(each.erp_requests for each in settled)
    lines = lines_of(facts)
    if facts.operations:
        lines.append(_expectation(run, *expected))
    lines += write_plan_if_configured(run)
    refusal = _refusal(run, facts, request, why_ask, can_ask=can_ask)
    if refusal or why_ask or request.dry_run:
        _show(run, settled)
    if refusal or request.dry_run:
        with run.ledger.write() as connection:
            run.ledger.directory.take_back(connection, run.run_id)
    if refusal:
        run.sink("\n".join(lines), [])
        raise PlanRefused(refusal)
    if request.dry_run:
        lines += _what_a_real_run_would_meet(run, facts)
        return PlanSummary([], facts, totals, *expected, lines=lines)
    with_work = [descriptor for descriptor in settled if descriptor.count]
    return PlanSummary(with_work, facts, totals, *expected, why_ask=why_ask, adoptions=adoptions, lines=lines)


def _of_undo(facts: PlanFacts, settled: Sequence[BatchDescriptor], undone_run_id: str) -> PlanFacts:
    return msgspec.structs.replace(
        facts,
        undoes=undone_run_id,
        kept=sum(each.kept for each in settled),
        impossible=sum(each.impossible for each in settled),
    )


def _without_leavers(
    run: Run,
    settled: Sequence[BatchDescriptor],
    facts: PlanFacts,
    request: RunRequest,
    remove_early: RemoveEarly | None,
) -> PlanFacts:
    """Have people who have left lose their access while a tripped guard stops everything else.

    Where a person has a say in every plan, and where a run is bound to another plan, they wait like the rest.
    """
    leaving = [each for each in settled if each.leaving]
    waiting = sum(each.leaving for each in leaving)
    is_stopped = bool(facts.tripped) and not request.dry_run and not _is_another_plan(facts, request)
    if not waiting or not is_stopped or remove_early is None or run.connector.approval.ask == "always":
        return msgspec.structs.replace(facts, leavers_waiting=waiting)
    removed = remove_early(leaving, run.connector.guards.most_removed)
    return msgspec.structs.replace(facts, leavers_gone=removed.gone, leavers_waiting=removed.waiting)


def _is_another_plan(facts: PlanFacts, request: RunRequest) -> bool:
    return bool(request.plan_hash) and (request.plan_hash != facts.plan_hash or bool(facts.unknown))


def _show(run: Run, settled: Sequence[BatchDescriptor]) -> None:
    """Say what is planned, operation by operation: a dry run's plan is read, and one that waits is answered for.

    Of a plan that is applied at once, load says what was done.
    """
    labels = {descriptor.key: descriptor.label for descriptor in settled}
    for key, planned in groupby(run.ledger.plans.operations(run.run_id, labels), attrgetter("batch_key")):
        entries = [
            operation_entry(each.customer.customer_id, each.customer.name, operation, run.connector, verb="planned")
            for each in planned
            for operation in each.operations
        ]
        with run.ledger.write() as connection:
            run.record(connection, entries, in_place_of=("guard",))
        run.sink(f"{labels[key]}: planned", entries)


def _refusal(run: Run, facts: PlanFacts, request: RunRequest, why_ask: Sequence[str], *, can_ask: bool) -> str:
    """Why the plan may not go on, with the remedy; ``""`` when it may."""
    if request.plan_hash and request.plan_hash != facts.plan_hash:
        return (
            f"The plan is now {facts.plan_hash}, not {request.plan_hash} as the run was asked to apply: "
            "the ERP or the store changed since. Make a dry run, read its plan, and trigger with its hash."
        )
    if request.plan_hash and facts.unknown:
        parts = "; ".join(
            f"{part.customers} {part.reason} ({', '.join(part.customer_ids[:5])})" for part in facts.unknown
        )
        return (
            f"What this run would do to {facts.unknown_count} customers is unknown: {parts}. A run that is bound to a "
            "plan applies exactly that plan or nothing: repair these, or name the other customers with mode 'selected'."
        )
    if request.dry_run or not why_ask:
        return ""
    if facts.tripped and run.connector.approval.ask == "never":
        return (
            " ".join(facts.tripped)
            + f" {facts.untouched} Read the plan in the log of guard; if it is right, raise the "
            f"limit in {run.connector.id}.yaml for this one run, sync the customers with mode 'selected', or let "
            "approval.ask be 'on_guard', so that a person can say yes."
        )
    if not can_ask:
        return (
            f"{' '.join(why_ask)} {facts.untouched} A person must say yes, and only under Airflow can one be asked: "
            f"run it there, raise the limit in {run.connector.id}.yaml, or sync the customers with mode 'selected'."
        )
    return ""


def _why_ask(
    run: Run,
    settled: Sequence[BatchDescriptor],
    request: RunRequest,
    tripped: Sequence[str],
    adoptions: Sequence[str],
) -> list[str]:
    if request.dry_run:
        return []
    why = list(tripped)
    if adoptions:
        why.append(
            f"The companies of {len(adoptions)} customers would be taken over with users whom the ERP does not know, "
            f"an Admin or such as policy.foreign_users changes: {', '.join(adoptions[:SHOWN])}."
        )
    if not why and run.connector.approval.ask == "always" and any(each.count for each in settled):
        return ["The connector asks before every plan (approval.ask: always)."]
    return why


def _adoptions_to_ask(run: Run, settled: Sequence[BatchDescriptor], request: RunRequest) -> list[str]:
    """Customers of the plan whose companies are taken over only with a person's yes.

    The store showed it to an earlier run's load. The nightly full run asks, and whoever names a customer: not every
    run of the schedule, so that the others' changes are not kept waiting.
    """
    mode = (run.ledger.runs.get(run.run_id) or {}).get("mode")
    if request.dry_run or run.connector.approval.ask == "never" or mode not in {"full", "selected"}:
        return []
    waiting = run.ledger.quarantine.with_reason(Reason.ADOPTION_ASKS)
    keys = [descriptor.key for descriptor in settled]
    planned = run.ledger.plans.customers(run.run_id, keys) if waiting else ()
    return sorted({each.customer_id for each in planned}.intersection(waiting))


def _what_a_real_run_would_meet(run: Run, facts: PlanFacts) -> list[str]:
    ask = run.connector.approval.ask
    lines = [f"Guard: {sentence}" for sentence in facts.tripped]
    if facts.tripped:
        lines.append(
            "A real run would be refused." if ask == "never" else "A real run would wait for a person's approval."
        )
    elif ask == "always" and facts.customers:
        lines.append("A real run would wait for a person's approval (approval.ask: always).")
    if facts.unknown:
        lines.append("A run cannot be bound to this plan's hash while something is unknown.")
    return [*lines, "Dry run: nothing is written."]


def _without_withheld(run: Run, descriptors: Sequence[BatchDescriptor]) -> list[BatchDescriptor]:
    """The descriptors as load is to see them: what guard took out does not count, in no sum and in no hash."""
    by_batch: dict[str, list[tuple[str, int, int]]] = {}
    for batch_key, planned in run.ledger.plans.withheld(run.run_id):
        of_batch = by_batch.setdefault(batch_key, [])
        of_batch.append((planned.customer_id, planned.operations, int(planned.plan_hash, 16)))
    return [_reduced(descriptor, by_batch.get(descriptor.key, [])) for descriptor in descriptors]


def _reduced(descriptor: BatchDescriptor, out: Sequence[tuple[str, int, int]]) -> BatchDescriptor:
    if not out:
        return descriptor
    return msgspec.structs.replace(
        descriptor,
        withheld=tuple(customer_id for customer_id, _, _ in out),
        count=descriptor.count - len(out),
        # Whom guard takes out shares an Account Email and is a newcomer.
        created=max(0, descriptor.created - len(out)),
        operations=descriptor.operations - sum(operations for _, operations, _ in out),
        plan_sum=str((int(descriptor.plan_sum) - sum(number for _, _, number in out)) % 2**128),
    )


def _facts(
    run: Run, settled: Sequence[BatchDescriptor], tripped: Sequence[str], withheld: Sequence[str], *, in_detail: bool
) -> PlanFacts:
    """Gather the facts; what costs a look at every row is looked up only where somebody will read it."""
    keys = [descriptor.key for descriptor in settled]
    plans = run.ledger.plans
    withdrawn = plans.withdrawn(run.run_id, keys, SHOWN) if in_detail else []
    return PlanFacts(
        plan_hash=f"{sum(int(descriptor.plan_sum) for descriptor in settled) % 2**128:032x}",
        batches=tuple(PlannedBatch(each.label, each.count, each.operations) for each in settled if each.count),
        actions=plans.actions(run.run_id, keys) if in_detail else {},
        withdrawn=tuple(NamedCustomer(each.customer_id, each.name) for each in withdrawn),
        withdrawn_count=sum(descriptor.withdrawn for descriptor in settled),
        withheld=tuple(withheld),
        unknown=tuple(_unknown(run, keys)),
        tripped=tuple(tripped),
    )


def _with_new_people(
    run: Run, settled: Sequence[BatchDescriptor], facts: PlanFacts, count_shoppers: CountShoppers | None
) -> PlanFacts:
    """Count who becomes a user: for whom the store has an account already, and who gets an e-mail from it."""
    planned = run.ledger.plans.operations(run.run_id, [descriptor.key for descriptor in settled])
    emails = [email for each in planned for operation in each.operations if (email := _new_email(operation))]
    is_welcomed = run.connector.contacts.welcomes(machine().utc_now())
    return msgspec.structs.replace(
        facts,
        shoppers=(count_shoppers(emails) or 0) if emails and count_shoppers is not None else 0,
        welcomed=len(emails) if is_welcomed else 0,
    )


def _new_email(operation: Operation) -> str:
    """The e-mail of the user that an operation makes, ``""`` where it makes none."""
    made = operation.admin if isinstance(operation, CompanyOperation) else None
    if isinstance(operation, UserOperation) and operation.action is Action.CREATE_USER:
        made = operation.new
    return made.email if made is not None else ""


def _unknown(run: Run, batch_keys: Sequence[str]) -> list[UnknownPart]:
    found = {
        reason: (count, ids) for reason, (count, ids) in run.ledger.plans.unknown(run.run_id, batch_keys, SHOWN).items()
    }
    unreadable = run.ledger.runs.with_reason(run.run_id, str(Reason.RECORD_UNREADABLE))
    if unreadable:
        found[str(Reason.RECORD_UNREADABLE)] = (len(unreadable), unreadable[:SHOWN])
    if run.ledger.runs.handed_on(run.run_id)[0] > len(batch_keys):
        intact = set(batch_keys)
        lost = [key for key, batch in run.ledger.runs.without_outcome(run.run_id).items() if batch not in intact]
        if lost:
            found[str(Reason.BATCH_FAILED)] = (len(lost), lost[:SHOWN])
    return [UnknownPart(reason, count, tuple(ids)) for reason, (count, ids) in sorted(found.items())]


def _expectation(run: Run, to_store: int, to_erp: int) -> str:
    """What the plan will cost when nothing is refused; the audit tells what it did cost."""
    pace = run.connector.store.pace_per_minute
    seconds = to_store * 60 / pace
    erp_pace = run.connector.erp.requests_per_minute
    erp_told = f", {to_erp * 60 / erp_pace:.0f} s at {erp_pace} a minute" if erp_pace else ""
    return (
        f"Expected: about {to_store} requests to {run.connector.target.label}, {seconds:.0f} s at {pace:.0f} a minute; "
        f"{to_erp} to {run.connector.source.label}{erp_told}."
    )


def _totals(run: Run, descriptors: Sequence[BatchDescriptor]) -> RunTotals:
    row = run.ledger.runs.get(run.run_id) or {}
    companies, parts = run.ledger.links.counts()
    is_continued = bool(row.get("resume_after") or (row.get("window") or {}).get("resume_after"))
    # A batch that failed on the way is missing from the sum, not from the ERP.
    is_complete = run.ledger.runs.handed_on(run.run_id)[0] == len(descriptors)
    as_before = run.ledger.runs.closed_by_extract(run.run_id)[Outcome.UNCHANGED]
    return RunTotals(
        is_whole_read=row.get("mode") == "full" and not is_continued and is_complete,
        extracted=row.get("extracted", 0),
        # Who is set aside was not judged: that says nothing of the filter.
        eligible=sum(descriptor.eligible for descriptor in descriptors) + as_before + run.ledger.set_aside.count(),
        withdrawn=sum(descriptor.withdrawn for descriptor in descriptors),
        removed=sum(descriptor.removed for descriptor in descriptors),
        linked_companies=companies,
        linked_parts=parts,
        created=sum(descriptor.created for descriptor in descriptors),
        is_first_load=is_continued or not companies or run.ledger.runs.last_good_start() is None,
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
        losers[customer_id] = Finding(
            reason=Reason.EMAIL_DUPLICATE, field="email", detail=f"Account Email {who}", holder=holder or rivals[0]
        )
        entries.append(
            closing_entry(
                customer_id,
                "",
                Outcome.QUARANTINED,
                [Reason.EMAIL_DUPLICATE],
                words=run.words,
                message=losers[customer_id].detail,
                field="email",
            )
        )
    outcomes = [CustomerOutcome(key, Outcome.QUARANTINED, (str(Reason.EMAIL_DUPLICATE),)) for key in losers]
    with run.ledger.write() as connection:
        run.ledger.quarantine.replace(connection, run.run_id, list(losers), list(losers.items()))
        run.record(connection, entries, outcomes)
    run.sink(f"{len(losers)} customers share an Account Email with another", entries)
    return set(losers)
