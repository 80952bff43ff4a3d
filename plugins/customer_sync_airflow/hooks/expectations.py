"""What *Test* looks for beyond a working sign-in: all that the connectors rely on.

Airflow tests a connection under an id of its own, so the hook cannot know which connector is meant;
meeting the needs of any one connector file is then enough.
"""

from collections.abc import Iterator, Sequence

from customer_sync.errors import ConfigError
from customer_sync.loading import store_needs
from customer_sync.model.check import Fault
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import connector_paths, load_connector
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.probes import hidden_screens, lacking_fields
from customer_sync.targets.port import TargetFacts


def lacking_in_store(store: TargetFacts, connector: Connector | None) -> str:
    """Say what the store lacks of what a connector file relies on: key field, demanded fields, roles, payment methods.

    Args:
        store: What it has; its credentials are known to work.
        connector: Whose needs are meant; ``None``: any connector's.

    Returns:
        Sentences with their remedies, or ``""`` when the store has all that one connector needs.

    Raises:
        SyncError: A list cannot be read.
    """
    return _fewest([list(_lacking(store, item)) for item in _meant(connector)])


def lacking_in_erp(erp: AcumaticaClient, connector: Connector | None) -> str:
    """Say what the endpoint or the user's rights lack of what a connector file relies on.

    Args:
        erp: A client that is signed in, or will be.
        connector: Whose fields are meant; ``None``: any connector's.

    Returns:
        Sentences with their remedies, or ``""`` when one connector can read all that it needs.

    Raises:
        SyncError: The ERP cannot be asked.
    """
    complaints = []
    for item in _meant(connector):
        missing = lacking_fields(erp, item)
        if not missing:
            return " ".join(map(str, hidden_screens(erp, item)))
        complaints.append(missing)
    return _fewest(complaints)


def _lacking(has: TargetFacts, connector: Connector) -> Iterator[Fault]:
    for faults in (
        store_needs.key_faults,
        store_needs.repeated_key_faults,
        store_needs.record_faults,
        store_needs.lacking_extra_fields,
        store_needs.demand_faults,
        store_needs.storefront_faults,
        store_needs.mode_faults,
        store_needs.role_faults,
        store_needs.method_faults,
    ):
        yield from faults(has, connector)


def _fewest(complaints: Sequence[Sequence[Fault]]) -> str:
    if not all(complaints):
        return ""
    fewest = min(complaints, key=len)
    return " ".join(["Connected, but something is missing.", *(str(fault) for fault in fewest)])


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
