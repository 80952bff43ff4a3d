"""The ERP's rows as they are stored. Values that equal the entity's usual value are not stored (`usual_values`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.acumatica.contract import usual_values

DEFAULT_SITE_ID = "B2BMAIN"


class Row:
    """What all rows have: an id and the values that are not the usual ones.

    Attributes:
        id: GUID as text; the NoteID of a top-level record.
        values: Values by contract name; none where the value was emptied.
    """

    __slots__ = ("id", "values")
    usual: ClassVar[dict[str, Any]] = {}

    def __init__(self, row_id: str, values: dict[str, Any]) -> None:
        self.id = row_id
        self.values = values

    def get(self, name: str) -> Any:
        """The stored value, or the usual one."""
        return self.values[name] if name in self.values else self.usual.get(name)


class Address(Row):
    """An address."""

    __slots__ = ()
    usual = usual_values("Address")


CARD_USUAL = {name: usual_values("Contact")[name] for name in ("Phone1Type", "Phone2Type")}


class Card(Row):
    """A linked contact: main, billing or location contact, with its own number.

    Attributes:
        contact_id: Number.
        address: Address of the main contact; other cards use the effective address of their place.
    """

    __slots__ = ("contact_id",)
    usual = CARD_USUAL

    def __init__(self, row_id: str, values: dict[str, Any], contact_id: int) -> None:
        super().__init__(row_id, values)
        self.contact_id = contact_id


class Site(Row):
    """One row of the Site Association grid."""

    __slots__ = ()
    usual = usual_values("KNSiteAssociation")


class Attribute(Row):
    """One user-defined attribute. It has no note id of its own, so its id is of no lasting worth."""

    __slots__ = ()
    usual = usual_values("AttributeValue")


class Salesperson(Row):
    """One salesperson of a customer."""

    __slots__ = ()
    usual = usual_values("CustomerSalesPerson")


class PaymentInstruction(Row):
    """One payment instruction of a customer."""

    __slots__ = ()


class AttachedFile(Row):
    """One attached file; its content is kept as base64 text."""

    __slots__ = ()


DETAIL_ROWS: dict[str, type[Row]] = {
    "SiteAssociations": Site,
    "Attributes": Attribute,
    "Salespersons": Salesperson,
    "PaymentInstructions": PaymentInstruction,
    "files": AttachedFile,
}
"""Detail rows by the contract name of their grid."""


class Record(Row):
    """A top-level record.

    Attributes:
        entity: Contract name of its kind.
        note: Text of its note.
        created_ms: Creation, milliseconds since 1970.
        modified_ms: Last save of this row, milliseconds since 1970.
        sites: Its Site Association grid.
        details: Other detail rows by contract name.
    """

    __slots__ = ("created_ms", "details", "modified_ms", "note", "sites")
    entity: ClassVar[str]

    def __init__(self, row_id: str, values: dict[str, Any], stamp_ms: int) -> None:
        super().__init__(row_id, values)
        self.note = ""
        self.created_ms = stamp_ms
        self.modified_ms = stamp_ms
        self.sites: list[Site] = []
        self.details: dict[str, list[Row]] = {}

    def default_site(self) -> Site | None:
        """The association row that the record's own tick and connection type show."""
        return next((site for site in self.sites if site.get("SiteID") == DEFAULT_SITE_ID), None)


class Customer(Record):
    """A customer.

    Attributes:
        key: CustomerID.
        account_id: BAccountID.
        main: Main contact.
        main_address: Main address.
        billing: Own billing contact, when it overrides the main one.
        billing_address: Own billing address, when it overrides the main one.
        contacts: Its contacts in order of their numbers.
        locations: Its locations in order of their codes.
    """

    __slots__ = (
        "account_id",
        "billing",
        "billing_address",
        "contacts",
        "key",
        "locations",
        "main",
        "main_address",
    )
    entity = "Customer"
    usual = usual_values(entity)

    def __init__(
        self,
        row_id: str,
        values: dict[str, Any],
        stamp_ms: int,
        *,
        key: str,
        account_id: int,
        main: Card,
        address: Address,
    ) -> None:
        super().__init__(row_id, values, stamp_ms)
        self.key = key
        self.account_id = account_id
        self.main = main
        self.main_address = address
        self.billing: Card | None = None
        self.billing_address: Address | None = None
        self.contacts: list[Contact] = []
        self.locations: list[Location] = []

    def default_location(self) -> Location | None:
        """The location behind the customer's delivery settings."""
        return next((location for location in self.locations if location.get("Default")), None)

    def primary_contact(self) -> Contact | None:
        """The contact that `PrimaryContactID` names."""
        number = self.values.get("PrimaryContactID")
        if number is None:
            return None
        return next((contact for contact in self.contacts if contact.contact_id == number), None)


class Contact(Record):
    """A contact of type Contact.

    Attributes:
        contact_id: Number, the key.
        customer: Its business account, if it has one.
        address: Own address, when it overrides the account's.
    """

    __slots__ = ("address", "contact_id", "customer")
    entity = "Contact"
    usual = usual_values(entity)

    def __init__(
        self, row_id: str, values: dict[str, Any], stamp_ms: int, contact_id: int, customer: Customer | None
    ) -> None:
        super().__init__(row_id, values, stamp_ms)
        self.contact_id = contact_id
        self.customer = customer
        self.address: Address | None = None


class Location(Record):
    """A location of a customer.

    Attributes:
        code: LocationID.
        customer: Its customer.
        card: Own contact, when it overrides the customer's.
        address: Own address, when it overrides the customer's.
    """

    __slots__ = ("address", "card", "code", "customer")
    entity = "CustomerLocation"
    usual = usual_values(entity)

    def __init__(self, row_id: str, values: dict[str, Any], stamp_ms: int, code: str, customer: Customer) -> None:
        super().__init__(row_id, values, stamp_ms)
        self.code = code
        self.customer = customer
        self.card: Card | None = None
        self.address: Address | None = None


def stamp_text(stamp_ms: int) -> str:
    """A moment as the ERP writes it: `+00:00`, the fraction without trailing zeros."""
    seconds, thousandths = divmod(stamp_ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    if thousandths:
        text += f".{thousandths:03d}".rstrip("0")
    return text + "+00:00"
