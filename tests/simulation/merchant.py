"""What a merchant's people do in the ERP, in words of a history: customers and contacts by names that never change.

``c1`` is a customer's record whatever its number is, ``c1p2`` a contact whatever its customer is. What cannot be done,
because the record is gone or the number taken, is not done: so a history stays one when events are taken out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import replace

from customer_sync.model.customer import Contact, Customer, Location, PostalAddress
from tests.adapters.in_memory_source import InMemoryErp
from tests.simulation.expectation import eligible

OAKLAND = PostalAddress(line1="410 Harbor Ave", city="Oakland", state="CA", postal_code="94607", country="US")
UTRECHT = PostalAddress(line1="Oudegracht 1", city="Utrecht", postal_code="3511 AB", country="NL")
PLACES: Final = {"oakland": OAKLAND, "utrecht": UTRECHT}
_BETWEEN: Final = "~SWAP"

Act = Callable[..., bool]


@dataclass
class Merchant:
    """The ERP's people.

    Attributes:
        numbers: Customer -> its number now; a deleted customer has none.
        records: Customer -> its record's id in the ERP.
    """

    erp: InMemoryErp
    numbers: dict[str, str] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)

    # -- reading -----------------------------------------------------------------------------------------------------

    def customer(self, name: str) -> Customer | None:
        """A customer as it is now, ``None`` if there is none."""
        number = self.numbers.get(name)
        return None if number is None else self.erp.customer(number)

    def customers(self) -> dict[str, Customer]:
        """Every customer that there is."""
        return {name: self.erp.customer(number) for name, number in sorted(self.numbers.items())}

    def owner_of_number(self, number: str) -> str | None:
        """The customer that has a number now."""
        return next((name for name, own in self.numbers.items() if own == number), None)

    def owner_of_contact(self, contact: str) -> str | None:
        """The customer of a contact, ``None`` if there is no such contact."""
        row = self.erp.rows["contacts"].get(contact)
        return None if row is None else self.owner_of_number(row.owner)

    def contact_with(self, name: str, email: str) -> str:
        """Which contact of a customer may be a user with an e-mail, ``""`` if none."""
        customer = self.customer(name)
        found = [each.contact_id for each in eligible(customer) if each.email == email] if customer else []
        return found[0] if found else ""

    def _contact(self, contact: str) -> tuple[Customer, Contact] | None:
        owner = self.owner_of_contact(contact)
        customer = self.customer(owner) if owner else None
        if customer is None:
            return None
        return customer, next(each for each in customer.contacts if each.contact_id == contact)

    # -- customers ---------------------------------------------------------------------------------------------------

    def add_customer(self, name: str, number: str, contacts: int) -> bool:
        """Make a customer, eligible, with so many contacts and one location."""
        if name in self.records or self.owner_of_number(number):
            return False
        made = self.erp.save(
            Customer(
                customer_id=number,
                name=f"Company {name}",
                email=f"office@{name}.example",
                customer_type="B2B",
                status="Active",
                enabled=True,
                connection_type="KNB",
                terms="NET",
                phone="+1 555 010 0100",
                main_address=OAKLAND,
                contacts=tuple(_person(f"{name}p{each}", is_primary=each == 1) for each in range(1, contacts + 1)),
                locations=(_place("MAIN", is_default=True),),
            )
        )
        self.numbers[name], self.records[name] = number, made.record_id
        return True

    def change(self, name: str, /, **values: Any) -> bool:
        """Change some values of a customer."""
        customer = self.customer(name)
        return customer is not None and self._save(replace(customer, **values))

    def set_status(self, name: str, status: str) -> bool:
        """Put a customer on hold, withdraw it, or make it active."""
        return self.change(name, status=status)

    def tick(self, name: str, is_on: int) -> bool:
        """Switch a customer's commerce on or off."""
        return self.change(name, enabled=bool(is_on))

    def call(self, name: str, text: str) -> bool:
        """Give a customer another name."""
        return self.change(name, name=text)

    def set_terms(self, name: str, terms: str) -> bool:
        """Give a customer other terms."""
        return self.change(name, terms=terms)

    def set_account_email(self, name: str, email: str) -> bool:
        """Give a customer another Account Email."""
        return self.change(name, email=email)

    def move_to(self, name: str, place: str) -> bool:
        """Give a customer another main address."""
        return self.change(name, main_address=PLACES[place])

    def renumber(self, name: str, number: str) -> bool:
        """Give a customer a number that nobody has."""
        if name not in self.numbers or self.owner_of_number(number):
            return False
        self.erp.rename(self.numbers[name], number)
        self.numbers[name] = number
        return True

    def swap_numbers(self, one: str, other: str) -> bool:
        """Let two customers exchange their numbers."""
        if one == other or one not in self.numbers or other not in self.numbers:
            return False
        first, second = self.numbers[one], self.numbers[other]
        for before, after in ((first, _BETWEEN), (second, first), (_BETWEEN, second)):
            self.erp.rename(before, after)
        self.numbers[one], self.numbers[other] = second, first
        return True

    def delete_customer(self, name: str) -> bool:
        """Delete a customer with its contacts; the last one stays, since an ERP without customers is another matter."""
        if name not in self.numbers or len(self.numbers) == 1:
            return False
        self.erp.delete(self.numbers.pop(name))
        return True

    def merge(self, source: str, target: str) -> bool:
        """Move every contact to another customer and withdraw the one that is left."""
        customer, into = self.customer(source), self.customer(target)
        if customer is None or into is None or source == target:
            return False
        moved = [replace(each, is_primary=False) for each in customer.contacts]
        self._save(replace(customer, contacts=(), status="Inactive"))
        return self._save(replace(into, contacts=(*into.contacts, *moved)))

    # -- contacts ----------------------------------------------------------------------------------------------------

    def add_contact(self, contact: str, name: str) -> bool:
        """Add a person to a customer."""
        customer = self.customer(name)
        if customer is None or contact in self.erp.rows["contacts"]:
            return False
        return self._save(replace(customer, contacts=(*customer.contacts, _person(contact))))

    def change_contact(self, contact: str, /, **values: Any) -> bool:
        """Change some values of a contact."""
        return self._change_people({contact: values})

    def set_contact(self, contact: str, is_active: int) -> bool:
        """A person leaves, or comes back."""
        return self.change_contact(contact, active=bool(is_active))

    def tick_contact(self, contact: str, is_on: int) -> bool:
        """Switch a person's commerce on or off."""
        return self.change_contact(contact, enabled=bool(is_on))

    def marry(self, contact: str, last_name: str) -> bool:
        """Give a person another last name."""
        return self.change_contact(contact, last_name=last_name)

    def set_email(self, contact: str, email: str) -> bool:
        """Give a person another e-mail."""
        return self.change_contact(contact, email=email)

    def make_primary(self, contact: str) -> bool:
        """Make a person the primary contact of its customer."""
        found = self._contact(contact)
        if found is None:
            return False
        everyone = [each.contact_id for each in found[0].contacts]
        return self._change_people({each: {"is_primary": each == contact} for each in everyone})

    def swap_emails(self, one: str, other: str) -> bool:
        """Let two people exchange their e-mails."""
        first, second = self._contact(one), self._contact(other)
        if one == other or first is None or second is None:
            return False
        return self._change_people({one: {"email": second[1].email}, other: {"email": first[1].email}})

    def hand_over(self, giver: str, taker: str, fresh: str) -> bool:
        """Give the e-mail of one person to another; the first gets a fresh one."""
        first = self._contact(giver)
        if giver == taker or first is None or self._contact(taker) is None:
            return False
        return self._change_people({giver: {"email": fresh}, taker: {"email": first[1].email}})

    def share_email(self, contact: str, other: str) -> bool:
        """Give a person the e-mail that another one has."""
        found = self._contact(other)
        return found is not None and contact != other and self.change_contact(contact, email=found[1].email)

    def move_contact(self, contact: str, name: str) -> bool:
        """Let a person work for another customer."""
        found, into = self._contact(contact), self.customer(name)
        if found is None or into is None or self.owner_of_contact(contact) == name:
            return False
        customer, person = found
        self._save(replace(customer, contacts=tuple(each for each in customer.contacts if each is not person)))
        return self._save(replace(into, contacts=(*into.contacts, replace(person, is_primary=False))))

    def delete_contact(self, contact: str) -> bool:
        """Delete a person."""
        found = self._contact(contact)
        if found is None:
            return False
        left = tuple(each for each in found[0].contacts if each.contact_id != contact)
        return self._save(replace(found[0], contacts=left))

    # -- locations ---------------------------------------------------------------------------------------------------

    def set_location(self, name: str, location: str, place: str) -> bool:
        """Give a customer a location, or the location another address."""
        customer = self.customer(name)
        if customer is None:
            return False
        others = [each for each in customer.locations if each.location_id != location]
        made = _place(location, is_default=location == "MAIN", address=PLACES[place])
        return self._save(replace(customer, locations=(*others, made)))

    def drop_location(self, name: str, location: str) -> bool:
        """Make a location inactive."""
        customer = self.customer(name)
        if customer is None:
            return False
        places = [replace(each, active=each.location_id != location and each.active) for each in customer.locations]
        return self._save(replace(customer, locations=tuple(places)))

    # -- writing -----------------------------------------------------------------------------------------------------

    def _change_people(self, changes: dict[str, dict[str, Any]]) -> bool:
        found = {contact: self._contact(contact) for contact in changes}
        if not all(found.values()):
            return False
        for owner in dict.fromkeys(each[0].customer_id for each in found.values() if each):
            customer = self.erp.customer(owner)
            people = (replace(each, **changes.get(each.contact_id, {})) for each in customer.contacts)
            self._save(replace(customer, contacts=tuple(people)))
        return True

    def _save(self, customer: Customer) -> bool:
        before = self.erp.customer(customer.customer_id)
        return self.erp.save(customer) != before


def _person(contact: str, *, is_primary: bool = False) -> Contact:
    return Contact(
        contact_id=contact,
        email=f"{contact}@mail.example",
        first_name="Ann",
        last_name=f"Buyer {contact}",
        phone="+1 555 010 0101",
        enabled=True,
        connection_type="KNB",
        is_primary=is_primary,
    )


def _place(location: str, *, is_default: bool = False, address: PostalAddress = OAKLAND) -> Location:
    return Location(
        location_id=location, name=location.title(), phone="+1 555 010 0102", address=address, is_default=is_default
    )


def people_of(customers: Iterable[Customer]) -> dict[str, str]:
    """Contact -> number of its customer."""
    return {contact.contact_id: each.customer_id for each in customers for contact in each.contacts}
