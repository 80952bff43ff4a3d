"""JSON schemas of the store's API: what clients send, and what the twin answers."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
INTEGERS: Schema = {"type": "array", "items": INTEGER}
EMAIL: Schema = {"type": "string", "format": "email"}
# Integers as observed; strings when the twin is switched to the vendor's own schema.
NUMBER_OR_TEXT: Schema = {"type": ["integer", "string"]}


def ref(name: str) -> Schema:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def rows(items: Schema, longest: int | None = None) -> Schema:
    """An array."""
    return {"type": "array", "items": items} | ({} if longest is None else {"maxItems": longest})


def text(longest: int, shortest: int = 0) -> Schema:
    """A string with bounds."""
    return {"type": "string", "minLength": shortest, "maxLength": longest}


def answer(**properties: Schema) -> Schema:
    """An object that always has exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def form(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """An object that a client sends; unknown keys are ignored."""
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})


_EXTRA_VALUES = rows(form(("fieldName", "fieldValue"), fieldName=text(100, 1), fieldValue=STRING))
_COMPANY_TEXTS: dict[str, Schema] = {
    "companyName": text(200, 1),
    "companyPhone": text(50, 1),
    "companyEmail": EMAIL,
    "country": text(200, 1),
    "addressLine1": text(200),
    "addressLine2": text(200),
    "city": text(100),
    "state": text(50),
    "zipCode": text(50),
}
_ADMIN: dict[str, Schema] = {
    "adminFirstName": text(100, 1),
    "adminLastName": text(100, 1),
    "adminEmail": EMAIL,
    "adminPhoneNumber": text(100),
}
_COMPANY: dict[str, Schema] = {
    "companyId": INTEGER,
    **dict.fromkeys(
        ("companyName", "companyEmail", "companyPhone", "addressLine1", "addressLine2", "city"),
        STRING,
    ),
    **dict.fromkeys(("state", "country", "zipCode"), STRING),
    "companyStatus": NUMBER_OR_TEXT,
    "catalogId": INTEGER_OR_NULL,
    "catalogName": TEXT_OR_NULL,
    "bcGroupId": INTEGER_OR_NULL,
    "bcGroupName": TEXT_OR_NULL,
    "parentCompany": answer(id={"type": "null"}, name={"type": "null"}),
    "priceListAssign": rows(
        answer(channelId=INTEGER, priceListId=INTEGER, priceListName=STRING, channelName=TEXT_OR_NULL)
    ),
    "uuid": TEXT_OR_NULL,
    "createdAt": NUMBER_OR_TEXT,
    "updatedAt": NUMBER_OR_TEXT,
}
_COMPANY_EXTRA = rows(
    answer(
        fieldName=STRING,
        fieldValue=STRING,
        labelName=STRING,
        isRequired={"enum": ["0", "1"]},
        dataType={"enum": ["0", "1", "2", "3"]},
        fieldType={"enum": [0, 1, 2, 3]},
    )
)
_USER: dict[str, Schema] = {
    "id": INTEGER,
    "companyId": INTEGER,
    "firstName": STRING,
    "lastName": STRING,
    "email": STRING,
    "phoneNumber": TEXT_OR_NULL,
    "role": {"enum": [0, 1, 2]},
    "companyRoleId": INTEGER,
    "companyRoleName": TEXT_OR_NULL,
    "uuid": TEXT_OR_NULL,
    "customerId": INTEGER,
    "channelList": rows(answer(channelId=INTEGER, channelName=STRING, iconUrl=STRING)),
    "createdAt": INTEGER,
    "updatedAt": INTEGER,
}
_ADDRESS_FLAGS = dict.fromkeys(("isBilling", "isShipping", "isDefaultBilling", "isDefaultShipping"), BOOLEAN)
_ADDRESS: dict[str, Schema] = {
    "addressId": INTEGER,
    "companyId": NUMBER_OR_TEXT,
    **dict.fromkeys(("firstName", "lastName", "addressLine1", "addressLine2", "city"), STRING),
    **dict.fromkeys(("countryName", "countryCode"), STRING),
    **dict.fromkeys(("phoneNumber", "zipCode", "stateName", "stateCode", "label", "externalId"), TEXT_OR_NULL),
    **_ADDRESS_FLAGS,
}
_ADDRESS_FORM: dict[str, Schema] = {
    **dict.fromkeys(("firstName", "lastName", "addressLine1", "city"), text(200, 1)),
    **dict.fromkeys(("stateName", "stateCode", "countryName", "countryCode"), STRING),
    **dict.fromkeys(("addressLine2", "zipCode", "phoneNumber", "label", "externalId"), STRING),
    **_ADDRESS_FLAGS,
    "extraFields": _EXTRA_VALUES,
}
_USER_FORM: dict[str, Schema] = {
    "firstName": text(200, 1),
    "lastName": text(200, 1),
    "email": EMAIL,
    "role": {"enum": [0, 1, 2]},
    "companyRoleId": INTEGER,
    "channelIds": INTEGERS,
    "phoneNumber": STRING,
    "uuid": STRING,
    "extraFields": _EXTRA_VALUES,
}
_WRITE_COMPANY: dict[str, Schema] = {
    **_COMPANY_TEXTS,
    **_ADMIN,
    "customerGroupId": INTEGER,
    "channelIds": INTEGERS,
    "originChannelId": INTEGER,
    "extraFields": _EXTRA_VALUES,
    "userExtraFields": _EXTRA_VALUES,
}
_REQUIRED_COMPANY = ("companyName", "companyPhone", "companyEmail", "country", *list(_ADMIN)[:3])
_UPDATE_COMPANY: dict[str, Schema] = {
    **_COMPANY_TEXTS,
    "customerGroupId": INTEGER,
    "uuid": text(200),
    "priceListAssign": rows(form(("channelId", "priceListId"), channelId=INTEGER, priceListId=INTEGER)),
    "extraFields": _EXTRA_VALUES,
}
_ROLE: dict[str, Schema] = {
    "id": INTEGER,
    "name": STRING,
    "roleType": {"enum": [1, 2]},
    "roleLevel": INTEGER,
}
_LEVEL: Schema = {"enum": [1, 2, 3]}

SCHEMAS: dict[str, Schema] = {
    "CompanyCreate": form(_REQUIRED_COMPANY, **_WRITE_COMPANY, acceptCreationEmail=BOOLEAN),
    "CompanyBulkCreate": form(_REQUIRED_COMPANY, **_WRITE_COMPANY, acceptWelcomeEmail=BOOLEAN),
    "CompanyUpdate": form((), **_UPDATE_COMPANY),
    "CompanyBulkUpdate": form(("companyId",), companyId=INTEGER, **_UPDATE_COMPANY),
    "CompanyStatus": form(("companyStatus",), companyStatus={"enum": [0, 1, 2, 3]}),
    "CompanyCatalog": form(("catalogId",), catalogId=INTEGER),
    "CompanyCreated": answer(companyId=INTEGER, customerId=INTEGER, customerGroupId=INTEGER),
    "CompanyId": answer(companyId=INTEGER),
    "CompanyRow": {**answer(**_COMPANY), "properties": {**_COMPANY, "extraFields": _COMPANY_EXTRA}},
    "Company": answer(**_COMPANY, extraFields=_COMPANY_EXTRA),
    "UserCreate": form(
        ("firstName", "lastName", "email", "companyId", "channelIds"),
        **_USER_FORM,
        companyId=INTEGER,
        originChannelId=INTEGER,
        acceptWelcomeEmail=BOOLEAN,
    ),
    "UserUpdate": form((), **_USER_FORM),
    "UserCreated": answer(userId=INTEGER, bcId=INTEGER),
    "UserId": answer(userId=INTEGER),
    "UserRow": {
        **answer(**_USER),
        "properties": {**_USER, "extraFields": rows(answer(fieldName=STRING, fieldValue=STRING))},
    },
    "User": answer(**_USER, extraFields=rows(answer(fieldName=STRING, fieldValue=STRING))),
    "AddressCreate": form(
        ("companyId", "firstName", "lastName", "addressLine1", "city"), companyId=INTEGER, **_ADDRESS_FORM
    ),
    "AddressUpdate": form((), **_ADDRESS_FORM),
    "AddressId": answer(addressId=INTEGER),
    "AddressRow": {
        **answer(**_ADDRESS),
        "properties": {
            **_ADDRESS,
            "extraFields": rows(answer(fieldName=STRING, fieldValue=STRING, fieldType=INTEGER)),
        },
    },
    "Address": answer(**_ADDRESS, extraFields=rows(answer(fieldName=STRING, fieldValue=STRING, fieldType=INTEGER))),
    "StorePayment": answer(id=INTEGER, paymentCode=STRING, paymentTitle=STRING),
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
    "Terms": answer(isEnabled=BOOLEAN, paymentTerms={"enum": [0, 5, 15, 30, 45, 60]}),
    "Credit": answer(
        creditEnabled=BOOLEAN,
        creditCurrency=STRING,
        availableCredit={"type": "number"},
        limitPurchases=BOOLEAN,
        creditHold=BOOLEAN,
    ),
    "CreditUpdate": form(
        (),
        creditEnabled=BOOLEAN,
        creditCurrency=STRING,
        availableCredit={"type": "number"},
        limitPurchases=BOOLEAN,
        creditHold=BOOLEAN,
    ),
    "RoleRow": answer(**_ROLE),
    "Role": answer(**_ROLE, permissions=rows(answer(id=INTEGER, code=STRING, permissionLevel=_LEVEL))),
    "RoleWrite": form(
        ("name", "permissions"),
        name=text(200, 1),
        permissions=rows(form(("code", "permissionLevel"), code=text(50, 1), permissionLevel=_LEVEL)),
    ),
    "Permission": answer(id=INTEGER, name=STRING, description=STRING, code=STRING, isCustom=BOOLEAN, moduleName=STRING),
    "PermissionWrite": form(
        ("name", "code", "moduleName"),
        name=text(200, 1),
        description=text(512),
        code=text(50, 1),
        moduleName=text(50, 1),
    ),
    "ExtraField": answer(
        id=INTEGER,
        uuid=STRING,
        fieldName=STRING,
        fieldType={"enum": [0, 1, 2, 3]},
        isRequired=BOOLEAN,
        isUnique=BOOLEAN,
        visibleToEnduser=BOOLEAN,
        configType={"enum": [1, 2]},
        defaultValue=TEXT_OR_NULL,
        maximumLength=TEXT_OR_NULL,
        numberOfRows=TEXT_OR_NULL,
        maximumValue=TEXT_OR_NULL,
        listOfValue={"type": ["array", "null"], "items": STRING},
    ),
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
