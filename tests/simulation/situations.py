"""Which situations histories came through: what was generated, so that nobody believes in what never happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.expectation import may_buy, standing

if TYPE_CHECKING:
    from customer_sync.model.customer import Contact, Customer
    from tests.adapters.faults import Event as Seen
    from tests.adapters.faults import Fault
    from tests.simulation.merchant import Merchant


@dataclass
class Situations:
    """Counts situations by comparing the ERP before and after each event.

    Attributes:
        counts: Situation -> how often it occurred.
    """

    merchant: Merchant
    counts: Counter[str] = field(default_factory=Counter)
    _before: dict[str, Customer] = field(default_factory=dict)
    _former: dict[str, str] = field(default_factory=dict)
    _were_withdrawn: set[str] = field(default_factory=set)
    _had_left: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Count what is new in the ERP since the last look."""
        now = self.merchant.customers()
        owners = {contact.contact_id: name for name, customer in now.items() for contact in customer.contacts}
        for name in self._before.keys() - now.keys():
            self.counts["a customer is deleted"] += 1
            self._former[self._before[name].customer_id] = "a deletion"
        swapped = [name for name in now if name in self._before and self._is_swapped(name, now)]
        self.counts["two customers exchange their numbers"] += len(swapped) // 2
        for name, customer in now.items():
            before = self._before.get(name)
            if before is None or before.customer_id != customer.customer_id:
                self._count_number(customer, before, is_swapped=name in swapped)
            if before is not None and before is not customer:
                self._count_standing(name, before, customer)
                self._count_people(before, customer, owners)
        self._before = now

    def requests(self, seen: Iterable[tuple[Seen, Fault | str]]) -> None:
        """Count faults by what they met."""
        for event, fault in seen:
            if fault:
                self.counts[f"{fault} at {event.side} {event.what}"] += 1

    def _is_swapped(self, name: str, now: dict[str, Customer]) -> bool:
        was, number = self._before[name].customer_id, now[name].customer_id
        other = next((each for each in now if now[each].customer_id == was), None)
        return was != number and other in self._before and self._before[other].customer_id == number

    def _count_number(self, customer: Customer, before: Customer | None, *, is_swapped: bool) -> None:
        if before is not None and not is_swapped:
            self.counts["a customer gets another number"] += 1
            for state in ("hold", "withdrawn"):
                self.counts[f"a customer gets another number: {state}"] += standing(customer) == state
        if customer.customer_id in self._former:
            self.counts[f"a number is used again after {self._former.pop(customer.customer_id)}"] += 1
        if before is not None and not is_swapped:
            self._former[before.customer_id] = "a rename"

    def _count_standing(self, name: str, before: Customer, customer: Customer) -> None:
        was, now = standing(before), standing(customer)
        if now == "withdrawn":
            self._were_withdrawn.add(name)
        if was != now:
            self.counts["a customer is withdrawn"] += now == "withdrawn"
            self.counts["a customer is put on hold"] += now == "hold"
            self.counts["a customer on hold is released"] += was == "hold" and now == "active"
            self.counts["a withdrawn customer is let back in"] += name in self._were_withdrawn and now == "active"
            self.counts["a withdrawn customer is put on hold"] += was == "withdrawn" and now == "hold"
        self.counts["an Account Email changes"] += before.email != customer.email
        self.counts["terms are emptied"] += bool(before.terms) and not customer.terms

    def _count_people(self, before: Customer, customer: Customer, owners: dict[str, str]) -> None:
        were = {each.contact_id: each for each in before.contacts}
        for contact in customer.contacts:
            was = were.pop(contact.contact_id, None)
            if was is not None and was is not contact:
                self._count_person(was, contact, customer)
        for contact_id in were:
            self.counts["a contact moves" if contact_id in owners else "a contact is deleted"] += 1

    def _count_person(self, was: Contact, contact: Contact, customer: Customer) -> None:
        where = standing(customer)
        if may_buy(was) and not may_buy(contact):
            self._had_left.add(contact.contact_id)
            self.counts["a contact leaves"] += 1
            self.counts[f"a contact leaves: customer {where}"] += where != "active"
            self.counts["the last admin leaves"] += was.is_primary
        if may_buy(contact) and not may_buy(was) and contact.contact_id in self._had_left:
            self.counts["a contact comes back"] += 1
            self.counts[f"a contact comes back: customer {where}"] += where != "active"
        self.counts["a contact gets another e-mail"] += was.email != contact.email
