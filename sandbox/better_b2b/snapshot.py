"""The whole store as JSON and back: for `GET state`, the state file, and tests that compare end states.

Field names are the wire's. Unlike the API, numbers are always numbers, and what reads hide (stamps of addresses,
groups, channels) is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.better_b2b.records import (
    Address,
    Company,
    CompanyPayment,
    CoreCustomer,
    Credit,
    ExtraField,
    Permission,
    Role,
    StorePayment,
    Terms,
    User,
)

if TYPE_CHECKING:
    from sandbox.better_b2b.state import Store


def store_state(store: Store) -> dict[str, Any]:
    """Everything the store holds."""
    return {
        "companies": [_row(company) for company in store.companies.rows.values()],
        "users": [_row(user) for user in store.users.rows.values()],
        "addresses": [_row(address) for address in store.addresses.rows.values()],
        "customers": msgspec.to_builtins(list(store.customers.values())),
        "super_admins": list(store.super_admins),
        "payments": {
            "methods": msgspec.to_builtins(list(store.payments.values())),
            "companies": {
                str(company_id): [{"code": code, **msgspec.to_builtins(switched)} for code, switched in methods.items()]
                for company_id, methods in store.company_payments.items()
            },
        },
        "payment_terms": {str(company_id): msgspec.to_builtins(terms) for company_id, terms in store.terms.items()},
        "credit": {str(company_id): msgspec.to_builtins(credit) for company_id, credit in store.credit.items()},
        "roles": [_role(store, role) for role in store.roles.values()],
        "permissions": msgspec.to_builtins(list(store.permissions.values())),
        "extra_fields": msgspec.to_builtins(store.extra_fields),
        "next_ids": {
            "company": store.companies.next_id,
            "user": store.users.next_id,
            "address": store.addresses.next_id,
            "customer": store.next_customer_id,
            "role": store.next_role_id,
            "permission": store.next_permission_id,
        },
    }


def load_state(store: Store, state: dict[str, Any]) -> None:
    """Put a state as `store_state` gave it in place of the present one.

    Raises:
        msgspec.ValidationError: A record does not fit; the store is left empty then.
        KeyError: A part is missing; the same.
    """
    store.clear()
    next_ids = state["next_ids"]
    store.extra_fields = msgspec.convert(state["extra_fields"], dict[str, list[ExtraField]])
    store.permissions = {each.code: each for each in msgspec.convert(state["permissions"], list[Permission])}
    store.next_permission_id = next_ids["permission"]
    for row in state["roles"]:
        levels = {each["code"]: each["permissionLevel"] for each in row["permissions"]}
        store.roles[row["id"]] = msgspec.convert({**row, "permissions": levels}, Role)
    store.next_role_id = next_ids["role"]
    for customer in msgspec.convert(state["customers"], list[CoreCustomer]):
        store.add_customer(customer)
    store.next_customer_id = next_ids["customer"]
    store.super_admins = list(state["super_admins"])
    for company in msgspec.convert([_parsed(row) for row in state["companies"]], list[Company]):
        store.add_company(company)
    store.companies.next_id = next_ids["company"]
    for user in msgspec.convert([_parsed(row) for row in state["users"]], list[User]):
        store.add_user(user)
    store.users.next_id = next_ids["user"]
    for address in msgspec.convert([_parsed(row) for row in state["addresses"]], list[Address]):
        store.add_address(address)
    store.addresses.next_id = next_ids["address"]
    _load_money(store, state)


def _load_money(store: Store, state: dict[str, Any]) -> None:
    methods = msgspec.convert(state["payments"]["methods"], list[StorePayment])
    store.payments = {method.payment_code: method for method in methods}
    for company_id, rows in state["payments"]["companies"].items():
        store.company_payments[int(company_id)] = {row["code"]: msgspec.convert(row, CompanyPayment) for row in rows}
    store.terms = {int(key): msgspec.convert(row, Terms) for key, row in state["payment_terms"].items()}
    store.credit = {int(key): msgspec.convert(row, Credit) for key, row in state["credit"].items()}


def _row(record: Company | User | Address) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(record)
    row["extraFields"] = [{"fieldName": name, "fieldValue": value} for name, value in record.extra_fields.items()]
    return row


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "extraFields": {each["fieldName"]: each["fieldValue"] for each in row["extraFields"]}}


def _role(store: Store, role: Role) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(role)
    row["permissions"] = [
        {"id": store.permissions[code].id, "code": code, "permissionLevel": level}
        for code, level in role.permissions.items()
    ]
    return row
