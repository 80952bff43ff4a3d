"""What *Test* looks for beyond a working sign-in: all that the connectors rely on.

Airflow tests a connection under an id of its own, so the hook cannot know which connector is meant;
meeting the needs of any one connector file is then enough.
"""

from collections.abc import Iterator, Sequence

from customer_sync.errors import ConfigError
from customer_sync.loading.store_needs import (
    demand_faults,
    key_faults,
    lacking_extra_fields,
    mode_faults,
    storefront_faults,
)
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import connector_paths, load_connector
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.contract_check import missing_fields
from customer_sync.sources.acumatica.reader import selections
from customer_sync.sources.acumatica.selection import Selection
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
        PermissionDenied: The user may not read one of the screens; the message names it.
        SyncError: The ERP cannot be asked.
    """
    complaints = []
    for item in _meant(connector):
        missing = missing_fields(erp, item)
        if not missing:
            return _unreadable(erp, item)
        endpoint = f"{erp.settings.endpoint_name}/{erp.settings.endpoint_version}"
        remedy = (
            "publish the customization project that adds them, choose another endpoint, or correct 'source' in "
            f"{item.id}.yaml."
        )
        complaints.append([f"The endpoint {endpoint} has no {', '.join(missing)}: {remedy}"])
    return _fewest(complaints)


def _lacking(has: TargetFacts, connector: Connector) -> Iterator[str]:
    file = f"{connector.id}.yaml"
    name = connector.store.key_field
    yield from key_faults(has, connector)
    key = has.extra_fields("company").get(name.casefold())
    if key is not None and not key.is_unique:
        yield f"The company extra field '{name}' is not unique: make it so in the store's settings."
    yield from lacking_extra_fields(has, connector)
    yield from demand_faults(has, connector)
    yield from storefront_faults(has, connector)
    yield from mode_faults(has, connector)
    needed = dict.fromkeys((connector.contacts.primary_role, connector.contacts.other_role))
    missing = [role for role in needed if role.casefold() not in has.roles]
    if missing:
        yield (
            f"The store has no role {' and no role '.join(map(repr, missing))} (it has: "
            f"{', '.join(sorted(has.roles.values())) or 'none'}): create it, or correct 'contacts' in {file}."
        )
    codes = {code for rule in connector.terms.values() for code in rule.payment_methods} - has.payment_methods
    if codes:
        yield (
            f"The store has no payment method {', '.join(sorted(codes))} (it has: "
            f"{', '.join(sorted(has.payment_methods)) or 'none'}): switch it on there, or correct 'terms' in {file}."
        )


def _unreadable(erp: AcumaticaClient, connector: Connector) -> str:
    """Read one row of everything: a missing right on a screen refuses, a restriction group shows nothing."""
    for selection in selections(connector):
        keys = Selection(selection.entity, selection.key_fields)
        if not erp.list_rows(keys, top=1).rows and selection.entity == "Customer":
            return (
                "The API user sees no customer at all: give it access to the restriction groups (row-level security) "
                "that hold them, check the tenant, or create the first customer."
            )
    return ""


def _fewest(complaints: Sequence[Sequence[str]]) -> str:
    return " ".join(["Connected, but something is missing.", *min(complaints, key=len)]) if all(complaints) else ""


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
