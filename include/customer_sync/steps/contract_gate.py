"""The contract gate: before anything is written, the ERP must still have every field that the mapping reads.

A field that was renamed or taken away reads like an empty one, and an empty one would
blank the store. The gate compares the connector's fields with the ERP's own schema
document, by name. Its answer is kept for a day per ERP build, endpoint and mapping.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from difflib import get_close_matches

from customer_sync.errors import ConfigError
from customer_sync.model.company import content_hash
from customer_sync.run import Run
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.discovery import EndpointSchema
from customer_sync.sources.acumatica.reader import ContactReader, CustomerReader, LocationReader
from customer_sync.sources.acumatica.selection import Selection

KEPT_FOR = timedelta(days=1)
_NAME = "contract_gate"


def check_contract(run: Run, erp: AcumaticaClient) -> None:
    """Check that the endpoint has every field and custom field that the connector file names.

    Costs one request while the last answer holds, the endpoint's schema document otherwise.

    Args:
        run: The run.
        erp: The ERP's client.

    Raises:
        ConfigError: The endpoint is not served, or fields are missing; the message names each.
    """
    info = erp.check_endpoint()
    mark = content_hash([info.build, info.name, info.version, run.connector.mapping_fingerprint()])
    if run.ledger.watermarks.is_fresh(_NAME, mark, KEPT_FOR):
        return
    schema = erp.endpoint_schema()
    missing = [text for selection in _selections(run) for text in _missing(selection, schema, erp)]
    if missing:
        raise ConfigError(
            f"The endpoint {info.name}/{info.version} of build {info.build} lacks what {run.connector.id}.yaml reads: "
            f"{'; '.join(missing)}. Correct the section 'source' of the file, or publish the customization that adds "
            "the fields. Nothing was written.",
            setting=f"{run.connector.id}.yaml: source",
        )
    with run.ledger.write() as connection:
        run.ledger.watermarks.put(connection, run.run_id, {_NAME: mark})


def _selections(run: Run) -> Iterable[Selection]:
    yield CustomerReader(run.connector).selection
    if run.connector.contacts.include:
        yield ContactReader(run.connector).selection
    if run.connector.locations.include:
        yield LocationReader(run.connector).selection


def _missing(selection: Selection, schema: EndpointSchema, erp: AcumaticaClient) -> list[str]:
    entity = selection.entity
    if entity not in schema.entities:
        return [f"the entity {entity}"]
    known = list(schema.entities[entity])
    found = [
        f"{entity} field {path}{_hint(path, known)}" for path in selection.fields if not schema.has_path(entity, path)
    ]
    if selection.custom:
        custom = erp.ad_hoc_schema(entity).custom
        found += [
            f"{entity} custom field {path}{_hint(path, custom)}" for path in selection.custom if path not in custom
        ]
    return found


def _hint(path: str, known: Iterable[str]) -> str:
    close = get_close_matches(path, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
