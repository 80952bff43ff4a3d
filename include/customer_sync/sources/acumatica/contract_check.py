"""Whether the endpoint has every field that a connector file reads, by the ERP's own description of itself.

A field that was renamed or taken away reads like an empty one, and an empty one would blank the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.discovery import EndpointInfo, EndpointSchema
from customer_sync.sources.acumatica.field_table import INSTEAD
from customer_sync.sources.acumatica.reader import selections
from customer_sync.sources.acumatica.reference import HOLD_A_REFERENCE
from customer_sync.sources.acumatica.section import section_of
from customer_sync.sources.acumatica.selection import Selection

_NEWER: Final = (
    "set endpoint_version in the Airflow connection to 23.200.001 or a newer one, the first with every field of the "
    "stock records"
)


def remedy_of(info: EndpointInfo) -> str:
    """What a person does about a field that an endpoint lacks, as the end of ``Correct the file, or …``."""
    if info.is_too_old_to_be_whole:
        return _NEWER
    return "publish the customization that adds the fields, or choose another endpoint"


def missing_fields(erp: AcumaticaClient, connector: Connector) -> list[str]:
    """Name each field and custom field that the endpoint lacks, with the one that was probably meant.

    Costs the endpoint's schema document, and one request more for each entity with custom fields.
    """
    schema = erp.endpoint_schema()
    found = [text for selection in selections(connector) for text in _missing(selection, schema, erp)]
    return found + _unfit_reference(erp, connector)


def _missing(selection: Selection, schema: EndpointSchema, erp: AcumaticaClient) -> list[str]:
    entity = selection.entity
    if entity not in schema.entities:
        return [f"the entity {entity}"]
    known = list(schema.entities[entity])
    found = [
        f"{entity} field {path}{_instead(entity, path) or _hint(path, known)}"
        for path in selection.fields
        if not schema.has_path(entity, path)
    ]
    if selection.custom:
        custom = erp.custom_fields(entity)
        found += [
            f"{entity} custom field {path}{_hint(path, custom)}" for path in selection.custom if path not in custom
        ]
    return found


def _instead(entity: str, path: str) -> str:
    found = INSTEAD.get((entity, path))
    return f" (write {found})" if found else ""


def _unfit_reference(erp: AcumaticaClient, connector: Connector) -> list[str]:
    """The custom field that is to hold the company's id and cannot."""
    rule = section_of(connector).customer.reference_id
    place = rule.sources[0].custom if rule is not None and connector.writes_reference else ""
    kind = erp.custom_fields("Customer").get(place, "") if place else ""
    if not kind or kind in HOLD_A_REFERENCE:
        return []
    return [f"a field for the company's id: Customer custom field {place} is a {kind}"]


def _hint(path: str, known: Iterable[str]) -> str:
    close = get_close_matches(path, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
