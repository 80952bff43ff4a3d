"""The source's records as the rules see them: Customer, Contact, Location.

Values are trimmed text, ``""`` where the source holds nothing. Where each value is read from is decided by the
source's adapter and the section ``source`` of the connector file.
"""

from __future__ import annotations

import msgspec

from customer_sync.model.fields import PlainFields

BILLING_KEY = "BILLING"
"""Replaces the location id in the external id of the billing address."""


class PostalAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An address as the ERP holds it: ``state`` and ``country`` are codes, often ISO 3166."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


class Contact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A person of a customer.

    ``enabled`` and ``connection_type`` are the contact's own commerce switches;
    ``enabled`` is ``None`` where the ERP holds no value. ``modified_at_utc`` is the
    ERP's own stamp, ISO 8601 with ``+00:00``. ``unused`` is as in :class:`Customer`.
    """

    contact_id: str
    active: bool = True
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    enabled: bool | None = None
    connection_type: str = ""
    is_primary: bool = False
    reference_id: str = ""
    modified_at_utc: str = ""
    extra_fields: dict[str, str] = {}
    unused: dict[str, int] = {}


class Location(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A place of a customer, with the effective address (the customer's own where it is not overridden)."""

    location_id: str
    name: str = ""
    active: bool = True
    is_default: bool = False
    attention: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    address: PostalAddress = PostalAddress()
    enabled: bool | None = None
    connection_type: str = ""
    reference_id: str = ""
    extra_fields: dict[str, str] = {}
    unused: dict[str, int] = {}


class BillingContact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Whom and where to bill; equal to the main contact where the ERP does not override it."""

    attention: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    address: PostalAddress = PostalAddress()


class Customer(PlainFields, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One customer of the source with its contacts and locations, ordered by their keys.

    ``email`` is the account's own. ``modified_at_utc`` is the source's own stamp, ISO 8601 with ``+00:00``, and
    ``created_at_utc`` says when the record was made;
    ``record_id`` stays the same when the customer gets another number. ``is_gone`` says that the source has neither
    the number nor the record any more; all else is empty then. ``unused`` counts, for each field of which the source
    holds several values and one is taken, the others.
    """

    customer_id: str
    record_id: str = ""
    name: str = ""
    email: str = ""
    customer_type: str = ""
    customer_class: str = ""
    status: str = ""
    enabled: bool | None = None
    connection_type: str = ""
    reference_id: str = ""
    terms: str = ""
    phone: str = ""
    attention: str = ""
    # Written under its former name: the hashes of customers that a person set aside hold.
    main_address: PostalAddress = msgspec.field(default=PostalAddress(), name="address")
    billing: BillingContact = BillingContact()
    contacts: tuple[Contact, ...] = ()
    locations: tuple[Location, ...] = ()
    extra_fields: dict[str, str] = msgspec.field(default_factory=dict)
    modified_at_utc: str = ""
    created_at_utc: str = ""
    unused: dict[str, int] = msgspec.field(default_factory=dict)
    is_gone: bool = False
