"""Read the ERP's side: every customer, filtered and transformed by the sync's own rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from customer_sync.ledger import Ledger
from customer_sync.model.customer import Customer
from customer_sync.model.outcome import Reason
from customer_sync.planning.access import withdrawal_plan
from customer_sync.planning.set_aside import is_set_aside
from customer_sync.reconcile.compare.sides import Claim, ErpSide
from customer_sync.reporting.log_entry import shown_name
from customer_sync.rules.company_mapping import to_company
from customer_sync.rules.company_users import account_successor
from customer_sync.rules.eligibility import decide_eligibility
from customer_sync.rules.places import StorePlaces
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import CustomerPage, Source, suspected
from customer_sync.steps.store_places import PlaceReader
from customer_sync.targets.port import Target


class ErpSides:
    """Reads customers as sides of a comparison; the ledger says whom a person set aside."""

    def __init__(self, run: Run, source: Source, target: Target) -> None:
        self._source = source
        self._connector = run.connector
        self._ledger: Ledger = run.ledger
        self._places = PlaceReader(run, target)

    def all(self) -> Iterator[tuple[list[ErpSide], list[Customer]]]:
        """Every customer in key order, a page at a time; the customers themselves beside their sides."""
        for page in self._source.customers_after(""):
            yield self._sides(page), page.customers

    def of(self, customer_ids: Sequence[str]) -> dict[str, ErpSide]:
        """Some customers as the ERP shows them now; those that it does not show are ``absent``."""
        sides = {key: ErpSide(customer_id=key) for key in customer_ids}
        for page in self._source.customers_of(customer_ids, suspected):
            sides |= {side.customer_id: side for side in self._sides(page)}
        return sides

    def _sides(self, page: CustomerPage) -> list[ErpSide]:
        unreadable = [
            ErpSide(customer_id=key, claim="unstorable", reasons=(str(Reason.RECORD_UNREADABLE),))
            for key in page.unreadable
        ]
        places = self._places.of(page.customers)
        marks = self._ledger.set_aside.load(customer.customer_id for customer in page.customers)
        sides = []
        for customer in page.customers:
            mark = marks.get(customer.customer_id)
            side = erp_side(customer, self._connector, places)
            if mark is not None and is_set_aside(mark, customer):
                side = msgspec.structs.replace(side, claim="set_aside", desired=None, reasons=())
            sides.append(side)
        return sides + unreadable


def erp_side(customer: Customer, connector: Connector, places: StorePlaces) -> ErpSide:
    """One customer's side: eligible or not, and the company that the store should hold."""
    decision = decide_eligibility(customer, connector)
    claim: Claim = "withdrawn" if decision.is_unenrolling else "kept"
    reasons = tuple(str(reason) for reason in decision.reasons)
    desired = None
    if decision.is_eligible:
        transformed = to_company(customer, connector, places)
        desired = transformed.company
        claim = "unstorable" if desired is None else "eligible"
        reasons = () if desired is not None else tuple(str(finding.reason) for finding in transformed.findings)
    waits = claim in {"kept", "unstorable"}
    return ErpSide(
        customer_id=customer.customer_id,
        claim=claim,
        name=shown_name(customer.name, connector.masking),
        record_id=customer.record_id,
        reference_id=customer.reference_id,
        email=customer.email,
        modified_at_utc=customer.modified_at_utc,
        reasons=reasons,
        contact_ids=tuple(contact.contact_id for contact in customer.contacts),
        desired=desired,
        successors=account_successor(customer, connector) if desired is not None else (),
        leaving=withdrawal_plan(customer, "access", connector, (), reasons) if waits else None,
    )
