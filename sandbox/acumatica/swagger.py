"""`swagger.json`: the OpenAPI 3.0.1 document of an endpoint, generated from the contract.

Source: docs/api/acumatica.md#openapi.
"""

from __future__ import annotations

from typing import Any

from sandbox.acumatica.contract import CONTRACT_VERSION, CUSTOM_TYPES, TOP_LEVEL, Endpoint, Entity, Field, actions_of

_VALUE_SCHEMAS: dict[str, dict[str, Any]] = {
    "StringValue": {"type": "string"},
    "BooleanValue": {"type": "boolean"},
    "IntValue": {"type": "integer", "format": "int32"},
    "ShortValue": {"type": "integer", "format": "int32"},
    "LongValue": {"type": "integer", "format": "int64"},
    "DecimalValue": {"type": "number", "format": "double"},
    "DoubleValue": {"type": "number", "format": "double"},
    "DateTimeValue": {"type": "string", "format": "date-time"},
    "GuidValue": {"type": "string", "format": "uuid"},
    "ByteValue": {"type": "integer", "format": "int32"},
}
_CREATE_CONTACT = (
    "FirstName",
    "LastName",
    "JobTitle",
    "Phone1Type",
    "Phone1",
    "Phone2Type",
    "Phone2",
    "Email",
    "ContactClass",
)
ACTION_PARAMETERS: dict[str, tuple[str, ...]] = {
    "CreateContactFromCustomer": _CREATE_CONTACT,
    "ChangeID": ("CustomerID",),
}


def swagger_document(endpoint: Endpoint, base_url: str) -> dict[str, Any]:
    """The whole document of one endpoint."""
    paths: dict[str, Any] = {}
    for entity in TOP_LEVEL:
        paths.update(_paths(entity))
    return {
        "openapi": "3.0.1",
        "info": {"title": f"{endpoint.name}/{endpoint.version}", "version": CONTRACT_VERSION},
        "servers": [{"url": f"{base_url}/entity/{endpoint.name}/{endpoint.version}"}],
        "tags": [{"name": entity, "description": entity} for entity in TOP_LEVEL],
        "paths": paths,
        "components": {"parameters": _parameters(), "responses": _responses(), "schemas": _schemas(endpoint)},
    }


def _reference(section: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{section}/{name}"}


def _operation(
    entity: str, verb: str, summary: str, parameters: str, responses: dict[str, Any], body: str | None = None
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [entity],
        "summary": summary,
        "operationId": f"{entity}_{verb}",
        "parameters": [_reference("parameters", name) for name in parameters.split()],
    }
    if body is not None:
        content = {"schema": _reference("schemas", body)}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": content, "text/json": content},
            "x-bodyName": "entity" if body == entity else "invocation",
        }
    operation["responses"] = {
        "401": _reference("responses", "ContractBasedControllerBase_401"),
        "500": _reference("responses", "ContractBasedControllerBase_500"),
        **responses,
    }
    return operation


def _json_response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _paths(entity: str) -> dict[str, Any]:
    one = _reference("schemas", entity)
    found = {"200": _json_response("The record", one)}
    gone = {"204": {"description": "The record has been deleted"}}
    listed = {"200": _json_response("Matching records", {"type": "array", "items": one})}
    put = {
        **found,
        "400": _reference("responses", "PutEntity_400"),
        "412": _reference("responses", "PutEntity_412"),
        "422": _json_response("The record with errors", one),
    }
    paths: dict[str, Any] = {
        f"/{entity}": {
            "get": _operation(entity, "GetList", "List records", "select filter expand custom skip top", listed),
            "put": _operation(
                entity, "PutEntity", "Create or update a record", "select filter expand custom", put, entity
            ),
        },
        f"/{entity}/{{ids}}": {
            "get": _operation(entity, "GetByKeys", "Record by keys", "ids select filter expand custom", found),
            "delete": _operation(entity, "DeleteByKeys", "Delete a record by keys", "ids", gone),
        },
        f"/{entity}/{{id}}": {
            "get": _operation(entity, "GetById", "Record by id", "id select filter expand custom", found),
            "delete": _operation(entity, "DeleteById", "Delete a record by id", "id", gone),
        },
        f"/{entity}/$adHocSchema": {"get": _operation(entity, "GetAdHocSchema", "Schema of custom fields", "", found)},
        f"/{entity}/{{ids}}/files/{{filename}}": {
            "put": _operation(
                entity, "PutFile", "Attach a file", "ids filename", {"204": {"description": "The file is attached"}}
            )
        },
        f"/{entity}/{{actionName}}": {
            "post": _operation(
                entity,
                "InvokeAction_CustomAction",
                "Run a custom action",
                "actionName",
                _action_responses(),
                "CustomAction",
            )
        },
    }
    for action in actions_of(entity):
        paths[f"/{entity}/{action}"] = {
            "post": _operation(entity, f"InvokeAction_{action}", f"Run {action}", "", _action_responses(), action)
        }
    return paths


def _action_responses() -> dict[str, Any]:
    location = {"Location": {"description": "Where to ask for its state", "schema": {"type": "string"}}}
    return {
        "202": {"description": "The action has been started", "headers": location},
        "204": {"description": "The action is done"},
        "400": _reference("responses", "PutEntity_400"),
        "412": _reference("responses", "PutEntity_412"),
        "422": _reference("responses", "InvokeAction_422"),
    }


def _parameters() -> dict[str, Any]:
    def query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"name": f"${name}", "in": "query", "schema": schema}

    def path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "in": "path", "required": True, "schema": schema}

    text, number = {"type": "string"}, {"type": "integer", "format": "int32"}
    return {
        **{name: query(name, text) for name in ("select", "filter", "expand", "custom")},
        **{name: query(name, number) for name in ("skip", "top")},
        "ids": path("ids", text),
        "id": path("id", {"type": "string", "format": "uuid"}),
        "filename": path("filename", text),
        "actionName": path("actionName", text),
    }


def _responses() -> dict[str, Any]:
    error = _reference("schemas", "HttpError")
    return {
        "ContractBasedControllerBase_401": _json_response("Not signed in", error),
        "ContractBasedControllerBase_500": _json_response("Server error", error),
        "PutEntity_400": _json_response("The request cannot be read", error),
        "PutEntity_412": _json_response("A precondition does not hold", error),
        "InvokeAction_422": _json_response("The action was refused", error),
    }


def _schemas(endpoint: Endpoint) -> dict[str, Any]:
    schemas: dict[str, Any] = {"Entity": _entity_base(), "FileLink": _file_link(), "HttpError": _http_error()}
    for name, schema in _VALUE_SCHEMAS.items():
        schemas[name] = {"type": "object", "properties": {"value": schema, "error": {"type": "string"}}}
    schemas["CustomField"] = {
        "required": ["type"],
        "type": "object",
        "properties": {"type": {"type": "string"}},
        "discriminator": {"propertyName": "type"},
    }
    for type_name, custom in CUSTOM_TYPES.items():
        own = {"type": "object", "properties": {"value": _VALUE_SCHEMAS[type_name], "error": {"type": "string"}}}
        schemas[custom] = {"allOf": [_reference("schemas", "CustomField"), own]}
    for entity in endpoint.entities.values():
        schemas[entity.name] = _entity(entity)
    for entity_name in TOP_LEVEL:
        for action in actions_of(entity_name):
            schemas[action] = _action(entity_name, ACTION_PARAMETERS.get(action, ()))
    schemas["CustomAction"] = _action("Entity", ())
    return schemas


def _entity(entity: Entity) -> dict[str, Any]:
    properties = {name: _property(field) for name, field in entity.fields.items()}
    return {"allOf": [_reference("schemas", "Entity"), {"type": "object", "properties": properties}]}


def _property(field: Field) -> dict[str, Any]:
    target = _reference("schemas", field.type)
    return {"type": "array", "items": target} if field.kind == "detail" else dict(target)


def _action(entity: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    values = {name: _reference("schemas", "StringValue") for name in parameters}
    return {
        "required": ["entity", "parameters"],
        "type": "object",
        "properties": {
            "entity": _reference("schemas", entity),
            "parameters": {"type": "object", "properties": values},
        },
    }


def _entity_base() -> dict[str, Any]:
    custom = {"type": "object", "additionalProperties": _reference("schemas", "CustomField")}
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "rowNumber": {"type": "integer", "format": "int64"},
            "note": _reference("schemas", "StringValue"),
            "custom": {"type": "object", "additionalProperties": custom},
            "error": {"type": "string"},
            "files": {"type": "array", "items": _reference("schemas", "FileLink")},
        },
    }


def _file_link() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "filename": {"type": "string"},
            "href": {"type": "string", "format": "uri"},
            "comment": {"type": "string", "nullable": True},
        },
    }


def _http_error() -> dict[str, Any]:
    nullable = {"type": "string", "nullable": True}
    return {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "exceptionMessage": nullable,
            "exceptionType": nullable,
            "stackTrace": nullable,
            "modelState": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "messageDetail": {"type": "string"},
        },
        "additionalProperties": {"type": "object"},
    }
