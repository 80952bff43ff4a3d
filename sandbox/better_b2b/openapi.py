"""The OpenAPI 3.1 document of the store's API, served at `/openapi.json`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox.better_b2b.addresses import TEXT_FILTERS
from sandbox.better_b2b.json_schema import BOOLEAN, INTEGER, STRING, Schema, answer, ref, rows
from sandbox.better_b2b.openapi_schemas import SCHEMAS
from sandbox.better_b2b.request import BULK_MAX, DEFAULT_LIMIT, NARROW_LIMITS, WIDE_LIMITS
from sandbox.exchange import to_json

_TIMES = dict.fromkeys(("minModified", "maxModified", "minCreated", "maxCreated"), INTEGER)
_EXTRA = {"isIncludeExtraFields": {"enum": ["0", "1"], "default": "0"}}
_ORDER = {"orderBy": {"enum": ["ASC", "DESC"], "default": "DESC"}}


def _paged(limits: tuple[int, int]) -> dict[str, Schema]:
    lowest, highest = limits
    limit = {"type": "integer", "minimum": lowest, "maximum": highest, "default": DEFAULT_LIMIT}
    return {"offset": {"type": "integer", "minimum": 0, "default": 0}, "limit": limit}


_COMPANY_FILTERS: dict[str, Schema] = {
    **_paged(NARROW_LIMITS),
    **_TIMES,
    **_EXTRA,
    **_ORDER,
    "q": STRING,
    "companyStatus": {"enum": [0, 1, 2, 3]},
    "customerId": INTEGER,
    "bcGroupId": STRING,
    "bcOrderId": INTEGER,
    "orderId": STRING,
    "extraFields": rows(STRING),
    "extraFieldFilterType": {"enum": ["search", "exact-match"], "default": "search"},
    "sortBy": {"enum": ["updatedAt", "companyName"], "default": "updatedAt"},
}
_USER_FILTERS: dict[str, Schema] = {
    **_paged(WIDE_LIMITS),
    **_TIMES,
    **_EXTRA,
    "companyId": INTEGER,
    "email": STRING,
    "roles": rows({"enum": [0, 1, 2]}),
    "channelId": INTEGER,
    "q": STRING,
}
_ADDRESS_FILTERS: dict[str, Schema] = {
    **_paged(NARROW_LIMITS),
    **_TIMES,
    **_EXTRA,
    "companyId": INTEGER,
    "externalId[]": rows(STRING),
    "isBilling": BOOLEAN,
    "isShipping": BOOLEAN,
    **dict.fromkeys(TEXT_FILTERS, STRING),
}
_PAYMENT_FILTERS: dict[str, Schema] = {
    **_paged(WIDE_LIMITS),
    **_ORDER,
    "companyId": INTEGER,
    "q": STRING,
    "sortBy": {"enum": ["updatedAt", "createdAt"], "default": "updatedAt"},
}
_SEARCH: dict[str, Schema] = {"searchType": {"enum": ["0", "1"]}, "q": STRING}


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation: what it takes and gives.

    Attributes:
        data: Name of the schema of `data`.
        is_list: Whether `data` is an array of these.
        body: Name of the schema of the body.
        is_bulk: Whether the body is an array of these.
        may_list: Whether `data` is one of these or an array of them, by the query.
        query: Schemas of query parameters by name.
    """

    summary: str
    data: str
    is_list: bool = False
    body: str | None = None
    is_bulk: bool = False
    may_list: bool = False
    query: dict[str, Schema] | None = None


def _listing(summary: str, data: str, query: dict[str, Schema]) -> _Operation:
    return _Operation(summary, data, is_list=True, query=query)


_FIELDS = "List the definitions of extra fields"
_OPERATIONS: dict[str, dict[str, _Operation]] = {
    "/companies": {
        "get": _listing("List companies", "CompanyRow", _COMPANY_FILTERS),
        "post": _Operation("Create a company and its first admin", "CompanyCreated", body="CompanyCreate"),
    },
    "/companies/bulk": {
        "post": _Operation("Create companies", "CompanyId", is_list=True, body="CompanyBulkCreate", is_bulk=True),
        "put": _Operation("Update companies", "CompanyId", is_list=True, body="CompanyBulkUpdate", is_bulk=True),
    },
    "/companies/extra-fields": {"get": _listing(_FIELDS, "ExtraField", _paged(WIDE_LIMITS))},
    "/companies/{companyId}": {
        "get": _Operation("Read a company", "Company"),
        "put": _Operation("Update a company in part", "CompanyId", body="CompanyUpdate"),
        "delete": _Operation("Delete a company with its users and addresses", "Nothing"),
    },
    "/companies/{companyId}/status": {"put": _Operation("Set the status", "CompanyId", body="CompanyStatus")},
    "/companies/{companyId}/catalogs": {"put": _Operation("Set the catalog", "CompanyId", body="CompanyCatalog")},
    "/companies/{companyId}/payments": {
        "get": _Operation("List methods as switched for a company", "CompanyPayment", is_list=True),
        "put": _Operation("Switch methods of a company", "Empty", body="PaymentsUpdate"),
    },
    "/companies/{companyId}/payment-terms": {
        "get": _Operation("Read the payment terms", "Terms"),
        "put": _Operation("Set the payment terms", "Terms", body="Terms"),
    },
    "/companies/{companyId}/credit": {
        "get": _Operation("Read the credit", "Credit"),
        "put": _Operation("Update the credit in part", "Credit", body="CreditUpdate"),
    },
    "/companies/roles": {
        "get": _listing("List roles", "RoleRow", {**_paged(WIDE_LIMITS), "q": STRING}),
        "post": _Operation("Create a custom role", "Role", body="RoleWrite"),
    },
    "/companies/roles/{roleId}": {
        "get": _Operation("Read a role", "Role"),
        "put": _Operation("Replace a custom role", "Role", body="RoleWrite"),
        "delete": _Operation("Delete a custom role", "Nothing"),
    },
    "/companies/permissions": {
        "get": _Operation("List permissions", "Permission", is_list=True, query={"q": STRING}),
        "post": _Operation("Create a custom permission", "Permission", body="PermissionWrite"),
    },
    "/companies/permissions/{permissionId}": {
        "put": _Operation("Replace a custom permission", "Permission", body="PermissionWrite"),
        "delete": _Operation("Delete a custom permission", "Nothing"),
    },
    "/payments": {"get": _Operation("List the store's methods", "StorePayment", is_list=True)},
    "/company-payment-methods": {"get": _listing("List enabled methods", "EnabledPayment", _PAYMENT_FILTERS)},
    "/users": {
        "get": _listing("List users", "UserRow", _USER_FILTERS),
        "post": _Operation("Create a user", "UserCreated", body="UserCreate"),
    },
    "/users/bulk": {
        "post": _Operation("Create users", "UserCreated", is_list=True, body="UserCreate", is_bulk=True),
    },
    "/users/extra-fields": {"get": _listing(_FIELDS, "ExtraField", _paged(WIDE_LIMITS))},
    "/users/{userId}": {
        "get": _Operation("Read a user", "User"),
        "put": _Operation("Update a user in part", "User", body="UserUpdate"),
        "delete": _Operation("Delete a user", "UserId"),
    },
    "/users/customer/{customerId}": {"get": _Operation("Read the user on a core customer", "User")},
    "/addresses": {
        "get": _listing("List addresses", "AddressRow", _ADDRESS_FILTERS),
        "post": _Operation("Create an address", "AddressId", body="AddressCreate"),
    },
    "/addresses/bulk": {
        "post": _Operation("Create addresses", "Address", is_list=True, body="AddressCreate", is_bulk=True),
    },
    "/addresses/extra-fields": {"get": _listing(_FIELDS, "ExtraField", _paged(WIDE_LIMITS))},
    "/addresses/{addressId}": {
        "get": _Operation("Read an address", "Address"),
        "put": _Operation("Update an address in part", "AddressId", body="AddressUpdate"),
        "delete": _Operation("Delete an address", "AddressId"),
    },
    "/channels": {"get": _Operation("List the storefronts", "Channel", is_list=True)},
    "/countries": {
        "get": _Operation("Find a country; without a search, list them", "Country", query=_SEARCH, may_list=True)
    },
    "/states": {
        "get": _Operation(
            "Find a state; without a search, list those of a country",
            "State",
            query={**_SEARCH, "country": STRING, "countryCode": STRING},
            may_list=True,
        )
    },
}


@cache
def document() -> bytes:
    """The document as JSON."""
    paths = {
        path: {verb: _described(path, verb, operation) for verb, operation in verbs.items()}
        for path, verbs in _OPERATIONS.items()
    }
    return to_json(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Better B2B store (sandbox)",
                "version": "3",
                "description": "Companies, users, addresses, payment methods and roles of a B2B store.",
            },
            "servers": [{"url": "/api/v3/io"}],
            "security": [{"token": [], "storeHash": []}, {"legacyToken": []}],
            "paths": paths,
            "components": {
                "schemas": SCHEMAS,
                "securitySchemes": {
                    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                    "storeHash": {"type": "apiKey", "in": "header", "name": "X-Store-Hash"},
                    "legacyToken": {"type": "apiKey", "in": "header", "name": "authToken"},
                },
            },
        }
    )


def _described(path: str, verb: str, operation: _Operation) -> dict[str, Any]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": INTEGER} for name in names]
    for name, schema in (operation.query or {}).items():
        parameters.append({"name": name, "in": "query", "required": False, "schema": schema})
    described: dict[str, Any] = {
        "operationId": verb + "".join(part.strip("{}").title().replace("-", "") for part in path.split("/")),
        "summary": operation.summary,
        "tags": [path.split("/")[1]],
        "parameters": parameters,
        "responses": {
            "200": _response("Success", _envelope(operation)),
            "default": _response("A refusal, in one of the store's shapes", ref("Error")),
        },
    }
    if operation.body is not None:
        schema = rows(ref(operation.body), BULK_MAX) if operation.is_bulk else ref(operation.body)
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _envelope(operation: _Operation) -> Schema:
    data = rows(ref(operation.data)) if operation.is_list else ref(operation.data)
    if operation.may_list:
        data = {"anyOf": [data, rows(ref(operation.data))]}
    meta: dict[str, Schema] = {"message": STRING}
    if operation.query is not None and "limit" in operation.query:
        meta["pagination"] = answer(totalCount=INTEGER, limit=INTEGER, offset=INTEGER)
    return answer(code={"const": 200}, data=data, meta=answer(**meta))


def _response(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
