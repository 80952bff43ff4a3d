"""Endpoint documents through the contract check, and beside the documents of the twin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import sandbox
from customer_sync.errors import ConfigError, ContractError, SyncError
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import load_connector
from customer_sync.sources.acumatica.contract_check import missing_fields
from customer_sync.sources.acumatica.field_types import FIELD_TYPES
from customer_sync.sources.acumatica.reader import selections
from real.clients import erp_client
from real.differences import Difference, Tally
from real.folder import Document, Exchange
from real.read_erp import Value
from real.recorded_server import RecordedServer, recorded_server
from real.twin_api import TwinApi
from sandbox.server import running_acumatica

PART: Final = "endpoints"
STOCK_CONNECTOR: Final = Path(sandbox.__file__).with_name("connectors") / "default_endpoint.yaml"

_CONTRACT: Final = "4"
_WHOLE_SINCE: Final = (23, 200)
_ENTITIES: Final = ("Customer", "Contact", "CustomerLocation")
_KINDS: Final[Mapping[str, type]] = {
    "StringValue": str,
    "GuidValue": str,
    "BooleanValue": bool,
    "ByteValue": int,
    "ShortValue": int,
    "IntValue": int,
    "LongValue": int,
    "DecimalValue": Decimal,
    "DoubleValue": Decimal,
    "DateTimeValue": datetime,
}

_WAYS: Final = ("allOf", "oneOf", "anyOf")
"""How a schema is put together from others."""

Fields = dict[str, str]


def try_documents(documents: list[Document]) -> Tally:
    """Check a stock connector against every document, and every document against the twin's own."""
    tally = Tally()
    connector = load_connector(STOCK_CONNECTOR)
    with recorded_server() as server, running_acumatica(customers=0) as twin, TwinApi(twin.url) as api:
        api.sign_in()
        for document in documents:
            tally.tried["endpoint documents"] += 1
            found = [*_checked(server, document, connector), *_against_twin(api, document)]
            tally.differences += [Difference(PART, document.file, document.title, *each) for each in found]
    return tally


def fields_by_schema(document: Mapping[str, Any]) -> dict[str, Fields]:
    """Schema -> its own fields -> the name of their type, ``[]`` behind it for a list."""
    schemas = document.get("definitions") or (document.get("components") or {}).get("schemas") or {}
    if not isinstance(schemas, dict):
        return {}
    return {name: dict(_properties(_named(schema, schemas))) for name, schema in schemas.items()}


def _named(schema: Any, schemas: Mapping[str, Any]) -> Any:
    """The schema that one that is only a name stands for; nothing where names lead round or nowhere."""
    for _ in schemas:
        if not isinstance(schema, dict):
            return None
        alone = next((schema[way][0] for way in _WAYS if len(schema.get(way) or ()) == 1), None)
        if alone is None and "$ref" not in schema:
            return schema
        schema = alone or schemas.get(schema["$ref"].split("/")[-1])
    return None


def _properties(schema: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(schema, dict):
        return
    for part in schema.get("allOf", ()):
        yield from _properties(part)
    for name, kind in (schema.get("properties") or {}).items():
        is_list = kind.get("type") == "array"
        inner = kind["items"] if is_list else kind
        inner = next((inner[way][0] for way in _WAYS if len(inner.get(way) or ()) == 1), inner)
        named = inner["$ref"].split("/")[-1] if "$ref" in inner else inner.get("type", "")
        yield name, f"{named}[]" if is_list else named


def _checked(server: RecordedServer, document: Document, connector: Connector) -> Iterator[Value]:
    content = document.content
    name, _, version = document.title.partition("/")
    body = json.dumps(content).encode()
    path = f"/entity/{document.title}/swagger.json"
    server.exchange = Exchange("acumatica", document.file, "GET", path, body=body)
    contract = document.info.get("version")
    is_whole = isinstance(contract, str) and contract != "" and any(fields_by_schema(content).values())
    with erp_client(server.url, endpoint_name=name, endpoint_version=version) as client:
        try:
            ours = client.endpoint_schema().entities
            missing = missing_fields(client, connector)
        except ConfigError as error:
            named = document.title in str(error) or (document.info.get("title") or "") in str(error)
            if contract == _CONTRACT or not named or f"version {contract}" not in str(error):
                yield "refusal", str(error), f"{document.title} of contract {contract} is refused by name"
            return
        except SyncError as error:
            if is_whole or not isinstance(error, ContractError):
                yield "class", f"{type(error).__name__}: {error}", "a schema"
            return
    if contract != _CONTRACT:
        yield "refusal", "accepted", f"contract {contract} is refused by name"
        return
    recorded = fields_by_schema(content)
    for schema in sorted({*ours, *recorded}):
        if dict(ours.get(schema, {})) != recorded.get(schema):
            yield f"schema {schema}", str(sorted(ours.get(schema, {}))), str(sorted(recorded.get(schema, {})))
    yield from _missing_are_named(missing, recorded, connector, version)
    yield from _types(recorded)


def _missing_are_named(
    missing: list[str], recorded: Mapping[str, Fields], connector: Connector, version: str
) -> Iterator[Value]:
    lacking = [
        f"{selection.entity} field {path}"
        for selection in selections(connector)
        for path in selection.fields
        if not _has(recorded, selection.entity, path)
    ]
    for each in lacking:
        said = [text for text in missing if text == each or text.startswith(f"{each} (")]
        if not said:
            yield each, "not named", "named as missing"
        elif "(" not in said[0]:
            yield each, said[0], "named with what to map instead"
    if len(missing) > len(lacking):
        yield "missing fields", str(missing), str(lacking)
    numbers = tuple(int(each) for each in version.split(".")[:2] if each.isdecimal())
    if lacking and numbers >= _WHOLE_SINCE:
        yield "stock fields", str(lacking), "none is missing from 23.200 on"


def _has(recorded: Mapping[str, Fields], entity: str, path: str) -> bool:
    for name in path.split("/"):
        if name not in recorded.get(entity, {}):
            return False
        entity = recorded[entity][name].removesuffix("[]")
    return True


def _types(recorded: Mapping[str, Fields]) -> Iterator[Value]:
    """Types that the product knows by name, beside those that the document gives."""
    for schema in sorted(closure(recorded)):
        for name, kind in recorded[schema].items():
            if kind in _KINDS and name in FIELD_TYPES and _plain(FIELD_TYPES[name]) is not _KINDS[kind]:
                yield f"{schema}/{name}", _plain(FIELD_TYPES[name]).__name__, kind


def _plain(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is not None else kind


def closure(recorded: Mapping[str, Fields]) -> set[str]:
    """The schemas that customers, contacts and locations lead to."""
    found: set[str] = set()
    ahead = [each for each in _ENTITIES if each in recorded]
    while ahead:
        schema = ahead.pop()
        if schema not in found:
            found.add(schema)
            names = (kind.removesuffix("[]") for kind in recorded[schema].values())
            ahead += [name for name in names if name in recorded and name not in _KINDS]
    return found


def _against_twin(twin: TwinApi, document: Document) -> Iterator[Value]:
    own = twin.json("GET", f"/entity/{document.title}/swagger.json")
    if not isinstance(own, dict) or "paths" not in own:
        return  # The twin serves no such endpoint.
    form, own_form = (next(name for name in ("swagger", "openapi") if name in each) for each in (document.content, own))
    if form != own_form:
        yield "form", own_form, form
    recorded, ours = fields_by_schema(document.content), fields_by_schema(own)
    for schema in sorted(closure(ours) & closure(recorded)):
        for name in sorted({*recorded[schema], *ours[schema]}):
            kinds = ours[schema].get(name, "absent"), recorded[schema].get(name, "absent")
            if kinds[0] != kinds[1]:
                yield f"twin {schema}/{name}", *kinds
