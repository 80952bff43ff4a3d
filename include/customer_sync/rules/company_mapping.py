"""Turn a customer into the company that the store should have. Pure. (task: transform)

Sources: docs/api/incumbent.md#field-map, docs/errors.md#reasons, and for lengths and required
fields docs/api/better_b2b.md#companies, #users, #addresses and #payments.
"""

from __future__ import annotations

import msgspec

from customer_sync.model.company import NO_TERMS, Company, CompanyUser, Payment, PaymentTerms
from customer_sync.model.customer import Customer
from customer_sync.model.fields import PLAIN_FIELDS
from customer_sync.model.outcome import Finding, Reason
from customer_sync.model.place import Place
from customer_sync.rules.address_book import build_addresses
from customer_sync.rules.company_users import build_users
from customer_sync.rules.places import STATE_COUNTRIES, StorePlaces
from customer_sync.rules.several_values import not_used
from customer_sync.rules.text_limit import limits_of
from customer_sync.settings.connector import Connector

_TEXTS = (
    ("name", "company_name"),
    ("phone", "company_phone"),
    ("main_address.line1", "address_line1"),
    ("main_address.line2", "address_line2"),
    ("main_address.city", "city"),
    ("main_address.state", "state"),
    ("main_address.postal_code", "zip_code"),
    *((name, name) for name in PLAIN_FIELDS),
)
"""The source's texts that a company is made of, and the fields that they become."""


class Transformed(msgspec.Struct, frozen=True):
    """A desired company with what was left out on the way, or no company and the reasons why not."""

    company: Company | None
    findings: tuple[Finding, ...] = ()


def to_company(customer: Customer, connector: Connector, places: StorePlaces) -> Transformed:
    """Build the desired state of one eligible customer.

    Args:
        customer: An eligible customer, as read.
        connector: Its rules: contacts, locations, terms, default phone.
        places: The store's countries and states.

    Returns:
        ``company`` is ``None`` when the store cannot hold the customer; every reason
        is then a finding with entity ``customer``. Otherwise findings name the parts
        that were left out or cut; the customer goes on.
    """
    findings: list[Finding] = []
    country = _country(customer, places, findings)
    state = _state(customer, country, places, findings)
    phone = customer.phone or connector.store.default_phone
    if not customer.name:
        findings.append(Finding(reason=Reason.NAME_MISSING, field="name"))
    if not phone:
        findings.append(Finding(reason=Reason.PHONE_MISSING, field="phone"))
    findings.extend(not_used(customer.unused))
    users = build_users(customer, connector, findings)
    if not users:
        findings.append(Finding(reason=Reason.NO_ADMIN_CONTACT, field="contacts"))
    blocking = tuple([finding for finding in findings if finding.reason in BLOCKING]) if findings else ()
    if blocking or country is None:
        return Transformed(None, blocking)
    return Transformed(_company(customer, connector, places, country, state, phone, users, findings), tuple(findings))


BLOCKING = frozenset(
    {
        Reason.NAME_MISSING,
        Reason.PHONE_MISSING,
        Reason.COUNTRY_MISSING,
        Reason.COUNTRY_UNKNOWN,
        Reason.STATE_UNKNOWN,
        Reason.NO_ADMIN_CONTACT,
    }
)
"""Reasons that keep the whole customer out; the others leave out a part."""


def _country(customer: Customer, places: StorePlaces, findings: list[Finding]) -> Place | None:
    text = customer.main_address.country
    if not text:
        findings.append(Finding(reason=Reason.COUNTRY_MISSING, field="main_address.country"))
        return None
    found = places.country(text)
    if found.place is None:
        detail = f"'{text[:20]}' is not a country that the store lists{found.hint}"
        findings.append(Finding(reason=Reason.COUNTRY_UNKNOWN, field="main_address.country", detail=detail))
    return found.place


def _state(customer: Customer, country: Place | None, places: StorePlaces, findings: list[Finding]) -> str:
    text = customer.main_address.state
    if country is None or not text:
        return ""
    found = places.state(text, country)
    if found.place is not None:
        return found.place.name
    if country.code not in STATE_COUNTRIES:
        return text
    detail = f"'{text[:20]}' is not a state of {country.name} that the store lists{found.hint}"
    findings.append(Finding(reason=Reason.STATE_UNKNOWN, field="main_address.state", detail=detail))
    return ""


def _company(
    customer: Customer,
    connector: Connector,
    places: StorePlaces,
    country: Place,
    state: str,
    phone: str,
    users: tuple[CompanyUser, ...],
    findings: list[Finding],
) -> Company:
    address = customer.main_address
    methods, terms, ends_payment = payment_of(customer, connector, findings)
    extra_fields = {**customer.extra_fields, **_identity(customer, connector)}
    empty = tuple(name for name in connector.source.extra_field_names if not extra_fields.get(name))
    can_empty = connector.target.fields.company["extra_fields"].can_clear
    if can_empty and empty:
        extra_fields |= dict.fromkeys(empty, "")
    texts = (
        customer.name,
        phone,
        address.line1,
        address.line2,
        address.city,
        state,
        address.postal_code,
        *(getattr(customer, name) for name in PLAIN_FIELDS),
    )
    limits = limits_of(type(connector.target), "company", _TEXTS)
    name, phone, line1, line2, city, state, zip_code, *plain = limits.cut(texts, findings)
    return Company(
        customer_id=customer.customer_id,
        company_name=name,
        company_phone=phone,
        company_email=customer.email,
        address_line1=line1,
        address_line2=line2,
        city=city,
        state=state,
        country=country.code,
        zip_code=zip_code,
        extra_fields=extra_fields,
        users=users,
        addresses=build_addresses(customer, connector, places, findings),
        payment_methods=methods,
        payment_terms=terms,
        ends_payment=ends_payment,
        emptied=() if can_empty else empty,
        managed=(
            tuple(connector.source.contact_extra_field_names),
            tuple(connector.source.location_extra_field_names),
        ),
        channel_ids=connector.store.channels_folded.get(customer.customer_class.casefold(), ()),
        trades=True,
        **dict(zip(PLAIN_FIELDS, plain, strict=True)),
    )


def payment_of(customer: Customer, connector: Connector, findings: list[Finding]) -> Payment:
    """Payment methods and terms by the connector's table, and whether what earlier terms gave is to end.

    Every method code that the table names anywhere is ours to switch: on where the
    customer's rule says so, off otherwise, so that a change of terms takes the old
    terms' methods away. Terms that are empty or not in the table end what the sync gave, and change nothing else.
    """
    if not connector.terms:
        return Payment({})
    if not customer.terms:
        return Payment({}, ends=True)
    rule = connector.terms_folded.get(customer.terms.casefold())
    if rule is None:
        detail = f"terms '{customer.terms[:30]}' are not in the connector's table"
        findings.append(Finding(reason=Reason.TERMS_NOT_MAPPED, entity="payment", field="terms", detail=detail))
        return Payment({}, ends=True)
    methods = {}
    if rule.payment_methods:
        methods = {code: rule.payment_methods.get(code, False) for code in connector.managed_methods}
    if not rule.enabled:
        return Payment(methods, NO_TERMS)
    return Payment(methods, None if rule.days is None else PaymentTerms(is_enabled=True, days=rule.days))


def _identity(customer: Customer, connector: Connector) -> dict[str, str]:
    """The extra fields that say whose company it is."""
    fields = {connector.store.key_field: customer.customer_id}
    if connector.store.record_field and customer.record_id:
        fields[connector.store.record_field] = customer.record_id
    return fields
