"""The same endpoint document as Swagger 2.0, the form of builds up to 2024 R1.

Source: docs/api/acumatica.md#openapi.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

_FIRST_OPENAPI_3 = (24, 200)
_MEDIA_TYPES = ["application/json", "text/json"]


def is_swagger_2(version: str, form: str) -> bool:
    """Whether an endpoint's document is Swagger 2.0 under the switch `document_form`."""
    if form != "by_version":
        return form == "swagger_2"
    year, release, *_ = (*version.split("."), "0")
    return (int(year), int(release)) < _FIRST_OPENAPI_3


def as_swagger_2(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3 document of an endpoint in the older form: definitions, parameters and answers in their places."""
    address = urlsplit(document["servers"][0]["url"])
    components = document["components"]
    return {
        "swagger": "2.0",
        "info": document["info"],
        "host": address.netloc,
        "basePath": address.path,
        "schemes": [address.scheme],
        "tags": document["tags"],
        "paths": {
            path: {method: _operation(operation, components) for method, operation in operations.items()}
            for path, operations in document["paths"].items()
        },
        "definitions": {name: _schema(schema) for name, schema in components["schemas"].items()},
    }


def _operation(operation: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    parameters = [_parameter(components["parameters"][_name(each)]) for each in operation["parameters"]]
    body = operation.get("requestBody")
    if body is not None:
        schema = _schema(body["content"]["application/json"]["schema"])
        parameters.append({"in": "body", "name": body["x-bodyName"], "required": True, "schema": schema})
    return {
        "tags": operation["tags"],
        "summary": operation["summary"],
        "operationId": operation["operationId"],
        "consumes": _MEDIA_TYPES if body is not None else [],
        "produces": _MEDIA_TYPES,
        "parameters": parameters,
        "responses": {
            status: _response(components["responses"][_name(each)] if "$ref" in each else each)
            for status, each in operation["responses"].items()
        },
    }


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in parameter.items() if key != "schema"}, **parameter["schema"]}


def _response(response: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"description": response["description"]}
    if "content" in response:
        made["schema"] = _schema(response["content"]["application/json"]["schema"])
    if "headers" in response:
        made["headers"] = {name: {**header["schema"]} for name, header in response["headers"].items()}
    return made


def _schema(schema: Any) -> Any:
    """A schema with its references moved; the older form has no `nullable`, and a discriminator is a name."""
    if isinstance(schema, list):
        return [_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _schema(value) for name, value in schema.items() if name != "nullable"}
    if isinstance(schema.get("$ref"), str):
        made["$ref"] = f"#/definitions/{_name(schema)}"
    if isinstance(schema.get("discriminator"), dict):
        made["discriminator"] = schema["discriminator"]["propertyName"]
    return made


def _name(reference: dict[str, Any]) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name
