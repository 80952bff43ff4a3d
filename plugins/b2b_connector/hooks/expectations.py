"""What *Test* looks for beyond a working sign-in: the fields that the connectors rely on."""

from collections.abc import Iterable

from better_b2b.records import ExtraFieldDefinition
from customer_sync.connector import Connector, StoreRules
from customer_sync.connector_file import connector_paths, load_connector
from customer_sync.errors import ConfigError


def missing_key_field(definitions: Iterable[ExtraFieldDefinition], connector: Connector | None) -> str:
    """Say what is wrong with the extra field that holds the ERP's customer id.

    Args:
        definitions: The store's extra fields of companies.
        connector: Whose key field is meant. *Test* does not know: Airflow tests under an id of
            its own, so the key field of any connector file will do.

    Returns:
        One sentence with the remedy, or ``""`` when the field is there and unique.
    """
    wanted = sorted({item.store.key_field for item in _connectors(connector)} or {StoreRules().key_field})
    found = {definition.field_name: definition for definition in definitions}
    standing = [found[name] for name in wanted if name in found]
    names = " or ".join(repr(name) for name in wanted)
    remedy = "in the store's control panel under B2B Edition > Settings > Extra fields > Company (text, unique)"
    if not standing:
        return f"Connected, but the store has no company extra field {names}: create it {remedy}."
    if not any(definition.is_unique for definition in standing):
        return f"Connected, but the company extra field {names} is not unique: make it so {remedy}."
    return ""


def _connectors(connector: Connector | None) -> list[Connector]:
    if connector is not None:
        return [connector]
    found = []
    for path in connector_paths():
        try:
            found.append(load_connector(path))
        except ConfigError:
            # A wrong file has a DAG of its own that says so; it must not fail the test of a store.
            continue
    return found
