"""Builders of whole records: a test names only what it is about, everything else is in order."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from customer_sync.model.company import (
    ADDRESS_FIELDS,
    COMPANY_FIELDS,
    USER_FIELDS,
    Address,
    Company,
    CompanyFields,
    CompanyStatus,
    CompanyUser,
    PaymentTerms,
    UserFields,
    company_fields,
    content_hash,
    user_fields,
)
from customer_sync.model.customer import BillingContact, Contact, Customer, Location, PostalAddress
from customer_sync.model.fields import EntityFields, FieldRule
from customer_sync.model.operation import (
    REMOVALS,
    Action,
    AddressOperation,
    AppliedAddress,
    AppliedCompany,
    AppliedUser,
    CompanyOperation,
    MethodsOperation,
    Operation,
    ReferenceOperation,
    StatusOperation,
    TermsOperation,
    UserOperation,
)
from customer_sync.rules.company_mapping import Transformed, to_company
from customer_sync.rules.places import StorePlaces
from customer_sync.settings.connector import Connector
from customer_sync.settings.target_section import TargetSection


def a_connector(**settings: Any) -> Connector:
    """Make a connector as its file would: defaults, and what the test sets."""
    return Connector.model_validate({"id": "knb", **settings})


def places_for(connector: Connector) -> StorePlaces:
    """The places of a store that lists none: what ISO 3166 and CLDR call them."""
    return StorePlaces(geography=connector.geography)


def transformed(customer: Customer, connector: Connector) -> Transformed:
    """What a customer becomes in such a store."""
    return to_company(customer, connector, places_for(connector))


def a_store_without_bounds() -> TargetSection:
    """Make the section of a store that holds texts of any length, with the same fields as every store."""

    class Unbounded(TargetSection):
        label: ClassVar[str] = "Unbounded"
        fields: ClassVar[EntityFields] = EntityFields(
            *({name: FieldRule(name) for name in names} for names in (COMPANY_FIELDS, USER_FIELDS, ADDRESS_FIELDS))
        )
        opener: ClassVar[str] = ""

    return Unbounded(kind="unbounded")


def an_address(**changes: Any) -> PostalAddress:
    """Make an address in California that the store can hold."""
    facts = {
        "line1": "410 Harbor Ave",
        "line2": "Suite 12",
        "city": "Oakland",
        "state": "CA",
        "postal_code": "94607",
        "country": "US",
    }
    return PostalAddress(**{**facts, **changes})


def a_contact(contact_id: str = "100816", **changes: Any) -> Contact:
    """Make a contact that becomes a company user."""
    facts = {
        "contact_id": contact_id,
        "email": f"lee.{contact_id}@northwind.example",
        "first_name": "Lee",
        "last_name": "Okafor",
        "phone": "+1 555 010 4422",
        "enabled": True,
        "connection_type": "KNB",
    }
    return Contact(**{**facts, **changes})


def a_location(location_id: str = "MAIN", **changes: Any) -> Location:
    """Make a location that becomes an address."""
    facts = {
        "location_id": location_id,
        "name": f"Warehouse {location_id}",
        "attention": "Receiving Desk",
        "phone": "+1 555 010 4450",
        "address": an_address(),
    }
    return Location(**{**facts, **changes})


def a_customer(customer_id: str = "C001042", **changes: Any) -> Customer:
    """Make a customer that is eligible, whole and plain: one primary contact, one location."""
    facts = {
        "customer_id": customer_id,
        "record_id": "5f0c0a4e-6a5b-4f0e-9c1d-0a1b2c3d4e5f",
        "name": "Northwind Kitchen Supply",
        "email": "ap@northwind.example",
        "customer_type": "B2B",
        "customer_class": "B2B",
        "status": "Active",
        "enabled": True,
        "connection_type": "KNB",
        "phone": "+1 555 010 4420",
        "attention": "Dana Rivera",
        "main_address": an_address(),
        "billing": BillingContact(attention="Accounts Payable", phone="+1 555 010 4421", address=an_address()),
        "contacts": (a_contact("100815", is_primary=True),),
        "locations": (a_location("MAIN", is_default=True),),
    }
    return Customer(**{**facts, **changes})


def a_user(key: str = "100815", **changes: Any) -> CompanyUser:
    """Make a company user in the role Admin."""
    facts = {
        "key": key,
        "email": f"user.{key}@northwind.example",
        "first_name": "Lee",
        "last_name": "Okafor",
        "role": "Admin",
    }
    return CompanyUser(**{**facts, **changes})


def a_company(customer_id: str = "C001042", **changes: Any) -> Company:
    """Make a desired company with one admin and nothing else."""
    facts = {
        "customer_id": customer_id,
        "company_name": "Northwind Kitchen Supply",
        "company_phone": "+1 555 010 4420",
        "company_email": "ap@northwind.example",
        "country": "US",
        "extra_fields": {"Acumatica Customer ID": customer_id},
        "users": (a_user(),),
    }
    return Company(**{**facts, **changes})


def a_team(*names: str, **changes: Any) -> Company:
    """Make a desired company of these people: the first is the admin, the others are junior buyers."""
    users = (a_user(name, role="Junior Buyer" if name in names[1:] else "Admin") for name in names)
    return a_company(**{"users": tuple(users), **changes})


def in_short(operations: Iterable[Operation]) -> list[tuple[str, str, int, dict[str, Any]]]:
    """Give action, key, id in the store and changed values of each operation; of somebody new the role alone."""
    return [
        (
            str(each.action),
            each.key,
            each.store_id,
            {"role": each.values["role"]} if each.action is Action.CREATE_USER else each.values,
        )
        for each in operations
    ]


def an_entry(location_id: str = "EAST", **changes: Any) -> Address:
    """Make an address of the store."""
    facts = {
        "external_id": f"C001042:{location_id}",
        "first_name": "Receiving",
        "last_name": "Desk",
        "address_line1": "2200 Wharf St",
        "city": "London",
        "country_name": "United Kingdom",
        "country_code": "GB",
        "is_shipping": True,
    }
    return Address(**{**facts, **changes})


def applied(company: Company, **changes: Any) -> AppliedCompany:
    """What the ledger holds after a company was applied whole; store ids count up from 1."""
    users = {
        user.key: AppliedUser(store_id=number, fields=user_fields(user))
        for number, user in enumerate(company.users, start=1)
    }
    addresses = {
        address.external_id: AppliedAddress(store_id=number, fields=address)
        for number, address in enumerate(company.addresses, start=1)
    }
    facts = {
        "company_id": 61427,
        "fields": company_fields(company),
        "users": users,
        "addresses": addresses,
        "payment_methods": dict(company.payment_methods),
        "payment_terms": company.payment_terms,
        "content_hash": content_hash(company),
    }
    return AppliedCompany(**{**facts, **changes})


def an_operation(
    action: Action,
    key: str = "K",
    store_id: int = 0,
    values: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
) -> Operation:
    """Make an operation of the kind that an action has; ``values`` and ``before`` name the fields that it changes."""
    new, old = dict(values or {}), dict(before or {})
    common: dict[str, Any] = {"action": action, "key": key, "store_id": store_id}
    match action:
        case Action.SET_STATUS:
            return StatusOperation(
                **common, new=CompanyStatus(new.get("status", 1)), old=CompanyStatus(old.get("status", 3))
            )
        case Action.SET_PAYMENT_METHODS:
            return MethodsOperation(**common, new=new, old=old)
        case Action.SET_PAYMENT_TERMS:
            return TermsOperation(**common, new=PaymentTerms(is_enabled=True, days=new.get("days", 30)))
        case Action.WRITE_REFERENCE:
            return ReferenceOperation(**common, new=new.get("reference_id", ""), old=old.get("reference_id", ""))
    kind, fields = {
        "company": (CompanyOperation, CompanyFields),
        "user": (UserOperation, UserFields),
        "address": (AddressOperation, Address),
    }[str(action).rpartition("_")[2]]
    made: Any = fields(**new) if action not in REMOVALS else None
    known: Any = fields(**old) if old or str(action).startswith(("update", "delete")) else None
    return kind(**common, new=made, old=known, changed=tuple(new))
