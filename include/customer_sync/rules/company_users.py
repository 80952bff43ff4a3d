"""Which contacts become company users, and who is the admin. Pure.

Sources: docs/api/incumbent.md#opt-in, #contacts and #field-map.
"""

from __future__ import annotations

from customer_sync.model.company import ACCOUNT_ADMIN_KEY, CompanyUser
from customer_sync.model.customer import Contact, Customer
from customer_sync.model.outcome import Finding, Reason
from customer_sync.rules.email_address import is_valid_email
from customer_sync.rules.several_values import not_used
from customer_sync.rules.text_limit import TextLimits, limits_of, split_name
from customer_sync.settings.connector import Connector

_TEXTS = (
    ("contact.first_name", "first_name"),
    ("contact.last_name", "last_name"),
    ("contact.phone", "phone_number"),
)
"""The source's texts that a user is made of, and the fields that they become."""


def build_users(customer: Customer, connector: Connector, findings: list[Finding]) -> tuple[CompanyUser, ...]:
    """List the company users of a customer, the admin first.

    The primary contact is the admin if it can be a user, else the first contact by
    ContactID that can, else the account itself (``admin_fallback``).

    Args:
        customer: The customer with its contacts.
        connector: The rules for contacts and the roles.
        findings: Receives one finding for every rule that keeps a contact out.

    Returns:
        Users in the order admin, then by ContactID; empty only when no contact can
        be the admin and the connector refuses the account as one.
    """
    contacts = (
        [c for c in _in_order(customer) if _can_be_user(c, connector, findings)] if connector.contacts.include else []
    )
    contacts = _without_repeated_emails(contacts, findings)
    roles = connector.contacts
    if not contacts:
        if roles.admin_fallback == "refuse" or not _can_be_email(customer.email, connector):
            return ()
        findings.append(Finding(reason=Reason.ADMIN_IS_ACCOUNT, entity="contact", key=ACCOUNT_ADMIN_KEY))
        return (_account_admin(customer, connector, findings),)
    if not contacts[0].is_primary:
        findings.append(Finding(reason=Reason.ADMIN_NOT_PRIMARY, entity="contact", key=contacts[0].contact_id))
    limits = limits_of(type(connector.target), "user", _TEXTS)
    for contact in contacts:
        findings.extend(not_used(contact.unused, "contact", contact.contact_id))
    storefronts = connector.store.storefronts_of(customer.customer_class)
    users = [_user(contacts[0], roles.primary_role, storefronts, limits, findings)]
    users.extend(_user(contact, roles.other_role, storefronts, limits, findings) for contact in contacts[1:])
    return tuple(users)


def leavers(customer: Customer, connector: Connector) -> frozenset[str]:
    """The contacts to whom the customer's record denies access: not active, or not switched on."""
    return frozenset(
        contact.contact_id
        for contact in customer.contacts
        if not contact.active or (connector.contacts.opt_in_required and not _is_switched_on(contact, connector))
    )


def successors(customer: Customer, connector: Connector) -> tuple[CompanyUser, ...]:
    """Who may be the admin of a customer's company, in order: its contacts that can, then the account if it may."""
    contacts = (user for user in build_users(customer, connector, []) if user.key != ACCOUNT_ADMIN_KEY)
    return (*contacts, *account_successor(customer, connector))


def account_successor(customer: Customer, connector: Connector) -> tuple[CompanyUser, ...]:
    """The account itself as admin, where the connector allows it and it has an e-mail."""
    if connector.contacts.admin_fallback == "refuse" or not _can_be_email(customer.email, connector):
        return ()
    return (_account_admin(customer, connector, []),) if is_valid_email(customer.email) else ()


def _in_order(customer: Customer) -> list[Contact]:
    def order(contact: Contact) -> tuple[bool, int, str]:
        return (not contact.is_primary, len(contact.contact_id), contact.contact_id)

    return sorted(customer.contacts, key=order)


def _can_be_user(contact: Contact, connector: Connector, findings: list[Finding]) -> bool:
    failed: list[tuple[Reason, str]] = []
    if not contact.active:
        failed.append((Reason.CONTACT_INACTIVE, "contact.active"))
    if connector.contacts.opt_in_required and not _is_switched_on(contact, connector):
        failed.append((Reason.CONTACT_NOT_ENABLED, "contact.enabled"))
    if not contact.first_name or not contact.last_name:
        failed.append(
            (Reason.CONTACT_NAME_MISSING, "contact.last_name" if contact.first_name else "contact.first_name")
        )
    if not contact.email:
        failed.append((Reason.CONTACT_EMAIL_MISSING, "contact.email"))
    elif not _can_be_email(contact.email, connector) or not is_valid_email(contact.email):
        failed.append((Reason.CONTACT_EMAIL_INVALID, "contact.email"))
    if not failed:
        return True
    findings.extend(
        Finding(reason=reason, entity="contact", key=contact.contact_id, field=field) for reason, field in failed
    )
    return False


def _is_switched_on(contact: Contact, connector: Connector) -> bool:
    return contact.enabled is True and connector.is_marked("contact.connection_type", contact.connection_type)


def _without_repeated_emails(contacts: list[Contact], findings: list[Finding]) -> list[Contact]:
    seen: set[str] = set()
    kept: list[Contact] = []
    for contact in contacts:
        email = contact.email.casefold()
        if email in seen:
            findings.append(
                Finding(
                    reason=Reason.CONTACT_EMAIL_DUPLICATE,
                    entity="contact",
                    key=contact.contact_id,
                    field="contact.email",
                )
            )
            continue
        seen.add(email)
        kept.append(contact)
    return kept


def _can_be_email(text: str, connector: Connector) -> bool:
    return connector.target.fields.user["email"].holds(text)


def _user(contact: Contact, role: str, storefronts: str, limits: TextLimits, findings: list[Finding]) -> CompanyUser:
    key, texts = contact.contact_id, (contact.first_name, contact.last_name, contact.phone)
    first_name, last_name, phone = limits.cut(texts, findings, entity="contact", key=key)
    return CompanyUser(
        key=key,
        email=contact.email,
        first_name=first_name,
        last_name=last_name,
        phone_number=phone,
        role=role,
        storefronts=storefronts,
        extra_fields=contact.extra_fields,
    )


def _account_admin(customer: Customer, connector: Connector, findings: list[Finding]) -> CompanyUser:
    name = customer.attention or customer.name
    first, last = split_name(name) if customer.attention else (name, name)
    field = "attention" if customer.attention else "name"
    key = ACCOUNT_ADMIN_KEY
    made_of = ((field, "first_name"), (field, "last_name"), ("phone", "phone_number"))
    limits = limits_of(type(connector.target), "user", made_of)
    first, last, phone = limits.cut((first, last, customer.phone), findings, entity="contact", key=key)
    return CompanyUser(
        key=key,
        email=customer.email,
        first_name=first,
        last_name=last,
        phone_number=phone,
        role=connector.contacts.primary_role,
        storefronts=connector.store.storefronts_of(customer.customer_class),
    )
