"""Plan the repair of one customer: what the ledger takes over first, and what is then written. Pure.

A repair goes the way of every other write: the ledger is made to hold what the store
really holds of the parts that are to be repaired, and the difference between the
desired state and the ledger is then a plan like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from customer_sync.model.company import Address, CompanyFields, UserFields, content_hash
from customer_sync.model.difference import Difference, DifferenceClass, RepairAction
from customer_sync.model.operation import AppliedAddress, AppliedCompany, AppliedUser, CustomerPlan, Operation
from customer_sync.planning.diff import diff_company, diff_reference, diff_unenrolment, uncleared
from customer_sync.reconcile.compare.compare_customer import Comparison
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide
from customer_sync.settings.connector import Connector

Policy = Mapping[DifferenceClass, RepairAction]


class RepairItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The repair of one customer.

    Attributes:
        plan: What is written to the store and the ERP; without operations only the ledger changes.
        link: What the ledger is to hold before; ``None`` drops the link.
        is_written: Whether the plan goes to the store at all.
        state_hash: Identifies what ERP and store held when it was planned; it holds only for that.
        evidence: What speaks for a link that is new.
    """

    plan: CustomerPlan
    link: AppliedCompany | None = None
    is_written: bool = True
    state_hash: str = ""
    evidence: str = "reconciliation"

    @property
    def customer_id(self) -> str:
        """The customer."""
        return self.plan.customer_id

    def repair_hash(self) -> int:
        """A 128-bit number that identifies link and operations; those of a run add up."""
        link = None if self.link is None else msgspec.structs.replace(self.link, reference_id="")
        return (self.plan.plan_hash() + int(content_hash([self.customer_id, link]), 16)) % 2**128


def action_of(kind: DifferenceClass, policy: Policy) -> RepairAction:
    """What the policy does about a class: nothing that it does not name."""
    return policy.get(kind, RepairAction.REPORT)


def plan_repair(
    erp: ErpSide, ledger: LedgerSide, comparison: Comparison, policy: Policy, connector: Connector
) -> RepairItem | None:
    """Plan the repair of a customer as far as the policy allows.

    What the ERP changed since the last run goes along with any reapplied class: the
    ledger cannot record half of a customer. Where a value of the store is
    adopted, nothing of that customer is written in this run.

    Args:
        erp: What the ERP says.
        ledger: What the ledger remembers.
        comparison: What differs, and the store's real state.
        policy: Class -> action.
        connector: The rules.

    Returns:
        The repair, or ``None`` when there is nothing that may or can be done.
    """
    if any(each.kind is DifferenceClass.LINK_UNPROVEN for each in comparison.differences):
        return None  # whose company it is, a person says first
    acted = [each for each in comparison.differences if action_of(each.kind, policy) is not RepairAction.REPORT]
    item = _planned(erp, ledger, comparison, acted, policy, connector) if acted else None
    return None if item is None else msgspec.structs.replace(item, state_hash=state_hash(erp, comparison))


def _planned(
    erp: ErpSide,
    ledger: LedgerSide,
    comparison: Comparison,
    acted: list[Difference],
    policy: Policy,
    connector: Connector,
) -> RepairItem | None:
    actions = {action_of(each.kind, policy) for each in acted}
    link = _patched(ledger.applied, comparison.real, acted)
    drift = action_of(DifferenceClass.DRIFT, policy)
    keeps_theirs = drift is RepairAction.ADOPT and any(each.kind is DifferenceClass.DRIFT for each in acted)
    if erp.claim in {"withdrawn", "absent"}:
        # A company that someone activated again is withdrawn or reported; its trading on cannot be adopted.
        return None if keeps_theirs else _unenrol(erp, link, comparison, acted, connector)
    if erp.claim != "eligible" or erp.desired is None:
        # A company that is kept as it is can be adopted; there is no desired state to write.
        return ledger_only(erp, link) if actions == {RepairAction.ADOPT} else None
    if keeps_theirs or actions == {RepairAction.ADOPT}:
        return ledger_only(erp, _settled(link, erp, ledger, connector))
    over = {f"email:{each.key}" for each in acted if each.kind is DifferenceClass.WAIT_IS_OVER}
    held_back = tuple(part for part in ledger.held_back if part not in over)
    operations = diff_company(erp.desired, link, connector.policy, held_back, erp.successors)
    if connector.writes_reference and link is not None:
        operations += diff_reference(erp.customer_id, link.company_id, erp.reference_id)
    if not operations:
        return ledger_only(erp, _settled(link, erp, ledger, connector)) if link is not None else None
    plan = _plan(erp, link, operations, held_back)
    # Until the repair is confirmed the customer counts as not applied whole, so that a sync takes up what is left.
    return RepairItem(plan=plan, link=None if link is None else msgspec.structs.replace(link, content_hash=""))


def _unenrol(
    erp: ErpSide, link: AppliedCompany | None, comparison: Comparison, acted: list[Difference], connector: Connector
) -> RepairItem | None:
    real = comparison.real
    if link is None and real is not None:
        link = real  # only its key shows that the company is ours
    if real is None:
        plan = CustomerPlan(customer_id=erp.customer_id, kind="unenroll", name=erp.name, reasons=erp.reasons)
        return RepairItem(plan=plan, link=None, is_written=False)
    if link is None:
        return None
    link = msgspec.structs.replace(link, status=real.status, company_id=real.company_id, content_hash="")
    operations = diff_unenrolment(erp.customer_id, link, connector.policy)
    plan = CustomerPlan(
        customer_id=erp.customer_id,
        kind="unenroll",
        name=erp.name,
        company_id=link.company_id,
        operations=operations,
        reasons=erp.reasons or tuple(str(each.kind) for each in acted),
    )
    return RepairItem(plan=plan, link=link, is_written=bool(operations))


def ledger_only(erp: ErpSide, link: AppliedCompany | None, *, evidence: str = "reconciliation") -> RepairItem:
    """A change of the ledger alone; nothing is written to the store or the ERP."""
    return RepairItem(plan=_plan(erp, link), link=link, is_written=False, evidence=evidence)


def _plan(
    erp: ErpSide,
    link: AppliedCompany | None,
    operations: tuple[Operation, ...] = (),
    held_back: tuple[str, ...] = (),
) -> CustomerPlan:
    return CustomerPlan(
        customer_id=erp.customer_id,
        kind="sync",
        name=erp.name,
        record_id=erp.record_id,
        erp_reference=erp.reference_id,
        company_id=link.company_id if link else 0,
        desired=erp.desired,
        operations=operations,
        held_back=held_back,
        successors=erp.successors,
    )


def _settled(
    link: AppliedCompany | None, erp: ErpSide, ledger: LedgerSide, connector: Connector
) -> AppliedCompany | None:
    """An adopted link counts as applied whole when nothing is left to write."""
    if link is None or erp.desired is None:
        return link
    is_whole = (
        not ledger.held_back
        and not uncleared(erp.desired, link)
        and not diff_company(erp.desired, link, connector.policy, ledger.held_back, erp.successors)
    )
    digest = content_hash(erp.desired)
    known = ledger.applied.content_hash if ledger.applied else ""
    return msgspec.structs.replace(link, content_hash=digest if is_whole or known == digest else "")


def state_hash(erp: ErpSide, comparison: Comparison) -> str:
    """Identify what ERP and store hold of a customer; payment settings are not always read and stay out."""
    real = comparison.real
    held = [real.company_id, real.status, real.fields, real.users, real.addresses] if real else []
    return content_hash([erp.claim, erp.desired, erp.reference_id, held])


# -- the link ------------------------------------------------------------------------------------------


def _patched(
    applied: AppliedCompany | None, real: AppliedCompany | None, acted: Iterable[Difference]
) -> AppliedCompany | None:
    """The link with the store's real values in the places that are repaired; ``None`` where there is no company."""
    if real is None:
        return None
    if applied is None or applied.company_id != real.company_id:
        # The whole company is new to the ledger.
        return real if any(each.kind is DifferenceClass.MISSING_IN_LEDGER for each in acted) else applied
    link = applied
    for each in acted:
        link = _patch(link, real, each)
    return link


def _patch(link: AppliedCompany, real: AppliedCompany, difference: Difference) -> AppliedCompany:
    replace = msgspec.structs.replace
    match difference.entity:
        case "reference":
            return replace(link, reference_id=str(difference.erp or ""))
        case "payment":
            return replace(link, payment_methods=real.payment_methods, payment_terms=real.payment_terms)
        case "contact":
            surplus = AppliedUser(store_id=difference.store_id, fields=UserFields())
            return replace(link, users=_patched_parts(link.users, real.users, difference, surplus))
        case "location":
            stray = AppliedAddress(store_id=difference.store_id, fields=Address())
            return replace(link, addresses=_patched_parts(link.addresses, real.addresses, difference, stray))
        case _:
            if difference.field == "status":
                return replace(link, status=real.status)
            return replace(link, fields=_patched_fields(link.fields, real.fields, difference.field))


def _patched_fields(known: CompanyFields, real: CompanyFields, field: str) -> CompanyFields:
    """The company's fields with the real value of one; all real where a difference names none."""
    if not field:
        return real
    name, _, extra = field.partition(".")
    if not extra:
        return msgspec.structs.replace(known, **{name: getattr(real, name)})
    others = {key: value for key, value in known.extra_fields.items() if key != extra}
    have = {extra: real.extra_fields[extra]} if extra in real.extra_fields else {}
    return msgspec.structs.replace(known, extra_fields={**others, **have})


Part = TypeVar("Part", AppliedUser, AppliedAddress)


def _patched_parts(
    known: dict[str, Part], real: dict[str, Part], difference: Difference, surplus: Part
) -> dict[str, Part]:
    key, store_id = difference.key, difference.store_id
    parts = {name: record for name, record in known.items() if not store_id or record.store_id != store_id}
    if difference.kind is DifferenceClass.MISSING_IN_STORE:
        return {name: record for name, record in known.items() if name != key}
    present = real.get(key)
    if present is not None and present.store_id == (store_id or present.store_id):
        return {**parts, key: present}
    if difference.kind in {DifferenceClass.ORPHANED_CHILD, DifferenceClass.WRITE_LOST} and store_id:
        # Known under a key that nothing asks for, it is taken out like everything that the source withdrew.
        return {**known, f"{key} (surplus {store_id})": surplus}
    # Gone on both sides.
    return parts if difference.kind is DifferenceClass.MISSING_IN_LEDGER else known
