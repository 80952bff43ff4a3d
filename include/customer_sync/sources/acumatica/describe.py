"""What a tenant says of itself for discovery: its endpoint's fields, custom fields and attributes, and a few records.

Reads only: the list of endpoints, the endpoint's document, ``$adHocSchema``, and at most 200 rows
(docs/api/acumatica.md#discovery and #ad-hoc-schema).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from customer_sync.discovery.description import Place, SourceDescription
from customer_sync.errors import ApiError, ConfigError, PermissionDenied
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.connection import open_source
from customer_sync.sources.acumatica.described_places import places_of
from customer_sync.sources.acumatica.discovery import EndpointSchema, read_swagger
from customer_sync.sources.acumatica.endpoint_choice import choose_endpoint
from customer_sync.sources.acumatica.sampling import Sampled, Sampler
from customer_sync.sources.acumatica.section import LOCATIONS
from customer_sync.sources.acumatica.settings import SYSTEM
from customer_sync.sources.acumatica.vocabulary import CONCEPTS

ENTITIES: Final = {"customer": "Customer", "contact": "Contact", "location": LOCATIONS}
_ROWS: Final = {"customer": 100, "contact": 50, "location": 50}
_ALWAYS_READ: Final = {
    "customer": ("CustomerID", "LastModifiedDateTime", "MainContact/Address/Country"),
    "contact": ("ContactID", "BusinessAccount", "Active"),
    "location": ("LocationID", "Customer", "Active"),
}
"""Fields that are read under this name, whatever the connector file says."""
_UNSEEN: Final = 0.8
"""Confidence that locations are off, where they cannot be read: a right may be missing instead."""


@dataclass(slots=True)
class _Seen:
    """What was found so far, by kind of record."""

    custom: dict[str, Mapping[str, str]] = field(default_factory=dict)
    sampled: dict[str, Sampled] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    fixed: dict[str, tuple[Any, float, str]] = field(default_factory=dict)


def describe(connection: ConnectionFields | None, document: bytes | None, most_requests: int) -> SourceDescription:
    """Describe a tenant, or an endpoint by its document alone.

    Args:
        connection: Address and secrets; ``None``: only the document is looked at.
        document: An endpoint's own document; ``None``: the site is asked for it.
        most_requests: Requests that it may take.

    Raises:
        ConfigError: The connection is wrong, the endpoint is not served, or the document is none.
        ApiError: The site does not answer, or lets the user see no customers.
    """
    if connection is None:
        if document is None:
            raise ConfigError("Neither a connection nor an endpoint's document was given.", setting="discover")
        return _description(_schema_of(document), _Seen(), "the endpoint document")
    names_endpoint = bool(connection.text("endpoint_name"))
    if not names_endpoint:
        unnamed = {**connection.extra, "endpoint_name": "Default", "endpoint_version": "24.200.001"}
        connection = replace(connection, extra=unnamed)
    with open_source(connection, Connector(id="discover")) as client:
        sampler = Sampler(client, most_requests)
        description = describe_tenant(sampler, document, names_endpoint=names_endpoint)
    # Signing out counts as well.
    return replace(description, requests=sampler.used)


def describe_tenant(
    sampler: Sampler, document: bytes | None = None, *, names_endpoint: bool = True
) -> SourceDescription:
    """Describe the tenant that a client is connected to.

    Args:
        sampler: Reads from it.
        document: As for :func:`describe`.
        names_endpoint: Whether the connection names an endpoint; else the most telling one is looked for.
    """
    client, seen = sampler.client, _Seen()
    info, schema, advice = choose_endpoint(client, names_endpoint=names_endpoint)
    seen.warnings += advice
    if document is not None:
        schema = _schema_of(document)
    elif schema is None:
        schema = client.endpoint_schema()
    for record, entity in ENTITIES.items():
        if entity in schema.entities:
            _look_at(sampler, schema, record, seen)
    served = f"the endpoint {info.name}/{info.version}" + (f" of build {info.build}" if info.build else "")
    return replace(_description(schema, seen, served), requests=sampler.used)


def _look_at(sampler: Sampler, schema: EndpointSchema, record: str, seen: _Seen) -> None:
    entity = ENTITIES[record]
    try:
        seen.custom[record] = _custom_fields(sampler, entity, seen)
        seen.sampled[record] = sampler.rows(schema, entity, seen.custom[record], _ROWS[record])
    except PermissionDenied as refusal:
        if record != "location":
            raise
        seen.warnings.append(f"Locations cannot be read. {refusal.message}")
        why = "locations cannot be read: their feature is off, or the API user may not see them"
        seen.fixed["location.entity"] = ("Customer", _UNSEEN, why)
        return
    seen.warnings += seen.sampled[record].warnings


def _custom_fields(sampler: Sampler, entity: str, seen: _Seen) -> Mapping[str, str]:
    try:
        return sampler.client.custom_fields(entity)
    except PermissionDenied:
        raise
    except (ApiError, ConfigError) as refusal:
        seen.warnings.append(f"Custom fields of {entity} were not looked at: {refusal.message}")
        return {}


def _description(schema: EndpointSchema, seen: _Seen, served_by: str) -> SourceDescription:
    places: dict[str, list[Place]] = {}
    fixed, warnings = dict(seen.fixed), list(seen.warnings)
    for record, entity in ENTITIES.items():
        if entity not in schema.entities:
            if record != "location":
                raise ConfigError(
                    f"{SYSTEM}: {served_by} has no entity {entity}: name an endpoint that has Customer and Contact.",
                    setting="endpoint_name",
                )
            fixed["location.entity"] = ("Customer", _UNSEEN, f"the endpoint has no entity {entity}")
            continue
        places[record] = places_of(schema, entity, seen.custom.get(record, {}), seen.sampled.get(record))
        warnings += [
            f"{served_by[:1].upper()}{served_by[1:]} has no field {path} of {entity}, which is always read under this "
            "name: add it to the endpoint."
            for path in _ALWAYS_READ[record]
            if not schema.has_path(entity, path)
        ]
    fixed.setdefault("location.entity", (LOCATIONS, 0.97, "the endpoint has locations"))
    rows = {record: len(sampled.rows) for record, sampled in seen.sampled.items()}
    customers = seen.sampled.get("customer")
    return SourceDescription(
        served_by=served_by,
        places=places,
        concepts=CONCEPTS,
        rows=rows,
        is_whole=bool(rows.get("customer")) and not any(each.unseen for each in seen.sampled.values()),
        fixed=fixed,
        countries=_countries(customers.rows if customers else ()),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _countries(rows: Any) -> frozenset[str]:
    found: set[str] = set()
    for row in rows:
        contact = row.get("MainContact")
        address = contact.get("Address") if isinstance(contact, dict) else None
        country = address.get("Country") if isinstance(address, dict) else None
        text = country.get("value") if isinstance(country, dict) else None
        if isinstance(text, str) and text.strip():
            found.add(text.strip())
    return frozenset(found)


def _schema_of(document: bytes) -> EndpointSchema:
    request = HttpRequest("GET", "the endpoint document", system=SYSTEM)
    try:
        return read_swagger(request, HttpResponse(200, body=document))
    except ApiError as error:
        raise ConfigError(
            f"The endpoint document cannot be read: {error.message} Save what the site answers to "
            "GET /entity/<name>/<version>/swagger.json.",
            setting="--endpoint-document",
        ) from error
