"""Customers, contacts and locations of the seeded world, as both twins know them."""

from __future__ import annotations

from dataclasses import dataclass, field

CONNECTION_TYPE = "KNB"
FIRST_STAMP_MS = 1_704_186_000_000  # 2024-01-02T09:00:00Z, when the world begins


@dataclass(slots=True)
class PostalAddress:
    """An address; an empty text is no value."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(slots=True)
class WorldContact:
    """A contact of a customer.

    Attributes:
        contact_id: Number in the ERP.
        first_name: Given name.
        last_name: Family name.
        email: E-mail.
        phone: First telephone number.
        job_title: Job title.
        active: Whether the contact is in use.
        enabled: Its own tick for commerce.
        connection_type: Its own connection type.
        address: Own address, when it does not share the customer's.
        modified_ms: Last change, milliseconds since 1970.
    """

    contact_id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    job_title: str = ""
    active: bool = True
    enabled: bool = True
    connection_type: str = CONNECTION_TYPE
    address: PostalAddress | None = None
    modified_ms: int = FIRST_STAMP_MS


@dataclass(slots=True)
class WorldLocation:
    """A location of a customer.

    Attributes:
        location_id: Code, unique within the customer.
        name: Name.
        is_default: Whether it is the customer's default location.
        active: Whether it is in use.
        address: Own address, when it does not share the customer's.
        attention: Name on parcels, when it does not share the customer's contact.
        email: Own e-mail.
        phone: Own telephone number.
        enabled: Its own tick for commerce.
        modified_ms: Last change, milliseconds since 1970.
    """

    location_id: str
    name: str
    is_default: bool
    active: bool = True
    address: PostalAddress | None = None
    attention: str = ""
    email: str = ""
    phone: str = ""
    enabled: bool = True
    modified_ms: int = FIRST_STAMP_MS


@dataclass(slots=True)
class WorldCustomer:
    """A customer as both twins know it.

    Attributes:
        number: Place in the world, from 1.
        customer_id: Key in the ERP.
        name: Company's name.
        domain: Its mail domain (below `.example`).
        email: Account Email.
        phone1: First telephone number.
        phone2: Second telephone number.
        customer_class: Customer class.
        customer_type: `B2B`, `B2C` or empty.
        price_class: Price class.
        status: `Active`, `Credit Hold`, `One-Time`, `On Hold` or `Inactive`.
        terms: Credit terms.
        credit_limit: Credit limit in units of its currency.
        enabled: Tick for commerce.
        connection_type: Connection type, `KNB` or another.
        address: Main address.
        contacts: Contacts in order of their number.
        primary_contact_id: The primary contact, if one is set.
        locations: Locations; the first is the default.
        billing_email: Own e-mail of the billing contact; empty when it is the main contact.
        billing_address: Own billing address, if there is one.
        other_site: Second site association (site, connection type, active), if there is one.
        created_ms: Creation, milliseconds since 1970.
        modified_ms: Last change, milliseconds since 1970.
    """

    number: int
    customer_id: str
    name: str
    domain: str
    email: str
    phone1: str
    phone2: str
    customer_class: str
    customer_type: str
    price_class: str
    status: str
    terms: str
    credit_limit: int
    enabled: bool
    connection_type: str
    address: PostalAddress
    contacts: list[WorldContact] = field(default_factory=list)
    primary_contact_id: int | None = None
    locations: list[WorldLocation] = field(default_factory=list)
    billing_email: str = ""
    billing_address: PostalAddress | None = None
    other_site: tuple[str, str, bool] | None = None
    created_ms: int = FIRST_STAMP_MS
    modified_ms: int = FIRST_STAMP_MS
