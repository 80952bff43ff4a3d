"""What *Test* looks for beyond a working sign-in: the fields that the connectors rely on.

Airflow tests a connection under an id of its own, so it does not tell which connector is meant;
what any connector file asks for will then do.
"""

from collections.abc import Iterable, Iterator

from acumatica.client import AcumaticaClient
from acumatica.selection import Selection
from better_b2b.records import ExtraFieldDefinition
from customer_sync.connector import Connector
from customer_sync.connector_file import connector_paths, load_connector
from customer_sync.erp_reader import ContactReader, CustomerReader, LocationReader
from customer_sync.errors import ConfigError


def missing_key_field(definitions: Iterable[ExtraFieldDefinition], connector: Connector | None) -> str:
    """Say what is wrong with the extra field that holds the ERP's customer id.

    Args:
        definitions: The store's extra fields of companies.
        connector: Whose key field is meant; ``None``: any connector's.

    Returns:
        One sentence with the remedy, or ``""`` when the field is there and unique.
    """
    wanted = sorted({item.store.key_field for item in _meant(connector)})
    found = {definition.field_name: definition for definition in definitions}
    standing = [found[name] for name in wanted if name in found]
    names = " or ".join(repr(name) for name in wanted)
    remedy = "in the store's control panel, under the B2B settings for extra fields of companies (text, unique)"
    if not standing:
        return f"Connected, but the store has no company extra field {names}: create it {remedy}."
    if not any(definition.is_unique for definition in standing):
        return f"Connected, but the company extra field {names} is not unique: make it so {remedy}."
    return ""


def missing_commerce_fields(erp: AcumaticaClient, connector: Connector | None) -> str:
    """Say which fields of the connector file the endpoint lacks.

    Args:
        erp: A client that is signed in, or will be.
        connector: Whose fields are meant; ``None``: any connector's.

    Returns:
        One sentence with the remedy, or ``""`` when all fields of one connector are there.
    """
    complaints = []
    for item in _meant(connector):
        missing = list(_missing_fields(erp, item))
        if not missing:
            return ""
        endpoint = f"{erp.settings.endpoint_name}/{erp.settings.endpoint_version}"
        complaints.append(
            f"Connected, but the endpoint {endpoint} has no {', '.join(missing)}: publish the customization project "
            f"that adds them, choose another endpoint, or correct 'source' in {item.id}.yaml."
        )
    return complaints[0]


def _missing_fields(erp: AcumaticaClient, connector: Connector) -> Iterator[str]:
    for selection in _selections(connector):
        schema = erp.ad_hoc_schema(selection.entity)
        # Parts of linked entities are not listed there, and every endpoint has them.
        own = [path for path in selection.fields if "/" not in path]
        yield from (f"{selection.entity}.{name}" for name in own if name not in schema.fields)
        yield from (f"{selection.entity} {path}" for path in selection.custom if path not in schema.custom)


def _selections(connector: Connector) -> list[Selection]:
    selections = [CustomerReader(connector).selection]
    if connector.contacts.include:
        selections.append(ContactReader(connector).selection)
    if connector.locations.include:
        selections.append(LocationReader(connector).selection)
    return selections


def _meant(connector: Connector | None) -> list[Connector]:
    if connector is not None:
        return [connector]
    found = []
    for path in connector_paths():
        try:
            found.append(load_connector(path))
        except ConfigError:
            # A wrong file has a DAG of its own that says so; it must not fail the test of a connection.
            continue
    return found or [Connector(id="default")]
