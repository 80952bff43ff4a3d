"""JSON schemas of the store's API: what clients send, and what the twin answers, from the records' declarations."""

from __future__ import annotations

from typing import Any

from sandbox.better_b2b.entity import Call, answer_properties, body_properties, required_names
from sandbox.better_b2b.json_schema import BOOLEAN, INTEGER, STRING, Schema, answer, form, rows, text
from sandbox.better_b2b.records import (
    CHANNEL,
    Address,
    Company,
    CompanyStatus,
    Credit,
    ExtraField,
    FirstAdmin,
    Permission,
    Role,
    StorePayment,
    Terms,
    User,
)


def _whole(entity: type[Any]) -> Schema:
    """A record with all that answers show."""
    return answer(**answer_properties(entity))


def _row(entity: type[Any]) -> Schema:
    """A record in a list, which shows extra fields only when asked for."""
    whole = _whole(entity)
    return {**whole, "required": [name for name in whole["required"] if name != "extraFields"]}


def _body(entity: type[Any], call: Call, **more: Schema) -> Schema:
    """What a create or an update takes."""
    required = required_names(entity) if call == "create" else ()
    return form(required, **body_properties(entity, call), **more)


def _new_company(**more: Schema) -> Schema:
    required = (*required_names(Company), *required_names(FirstAdmin))
    return form(required, **body_properties(Company, "create"), **body_properties(FirstAdmin, "create"), **more)


_ROLE_ROW = {name: schema for name, schema in answer_properties(Role).items() if name != "permissions"}

SCHEMAS: dict[str, Schema] = {
    "CompanyCreate": _new_company(acceptCreationEmail=BOOLEAN),
    "CompanyBulkCreate": _new_company(acceptWelcomeEmail=BOOLEAN),
    "CompanyUpdate": _body(Company, "update"),
    "CompanyBulkUpdate": form(("companyId",), companyId=INTEGER, **body_properties(Company, "update")),
    "CompanyStatus": form(("companyStatus",), companyStatus={"enum": [int(status) for status in CompanyStatus]}),
    "CompanyCatalog": form(("catalogId",), catalogId=INTEGER),
    "CompanyCreated": answer(companyId=INTEGER, customerId=INTEGER, customerGroupId=INTEGER),
    "CompanyId": answer(companyId=INTEGER),
    "CompanyRow": _row(Company),
    "Company": _whole(Company),
    "UserCreate": _body(User, "create", acceptWelcomeEmail=BOOLEAN),
    "UserUpdate": _body(User, "update"),
    "UserCreated": answer(userId=INTEGER, bcId=INTEGER),
    "UserId": answer(userId=INTEGER),
    "UserRow": _row(User),
    "User": _whole(User),
    "AddressCreate": _body(Address, "create"),
    "AddressUpdate": _body(Address, "update"),
    "AddressId": answer(addressId=INTEGER),
    "AddressRow": _row(Address),
    "Address": _whole(Address),
    "StorePayment": _whole(StorePayment),
    "CompanyPayment": answer(paymentId=INTEGER, code=STRING, paymentTitle=STRING, isEnabled=BOOLEAN),
    "EnabledPayment": answer(
        companyId=INTEGER,
        paymentId=INTEGER,
        createdAt=INTEGER,
        updatedAt=INTEGER,
        paymentMethodCode=STRING,
        paymentMethodTitle=STRING,
    ),
    "PaymentsUpdate": form(
        ("payments",), payments=rows(form(("code", "isEnabled"), code=text(100, 1), isEnabled=BOOLEAN))
    ),
    "Terms": _whole(Terms),
    "Credit": _whole(Credit),
    "CreditUpdate": _body(Credit, "update"),
    "RoleRow": answer(**_ROLE_ROW),
    "Role": _whole(Role),
    "RoleWrite": _body(Role, "create"),
    "Permission": _whole(Permission),
    "PermissionWrite": _body(Permission, "create"),
    "ExtraField": _whole(ExtraField),
    "Channel": CHANNEL,
    "Country": answer(countryCode=STRING, countryName=STRING),
    "State": answer(stateCode=STRING, stateName=STRING),
    "Nothing": {"type": "object", "maxProperties": 0},
    "Empty": {"type": "array", "maxItems": 0},
    "Error": {
        "anyOf": [
            answer(
                code=INTEGER,
                data=answer(errMsg={"type": ["string", "object", "array"]}),
                meta=answer(message=STRING),
            ),
            answer(code=INTEGER, data={"type": "object", "maxProperties": 0}, meta=answer(message=STRING)),
            answer(
                code=INTEGER,
                data=answer(errors=rows(answer(id=STRING, _detail=STRING))),
                meta=answer(message=STRING),
            ),
            answer(code=INTEGER, message=STRING),
        ]
    },
}
