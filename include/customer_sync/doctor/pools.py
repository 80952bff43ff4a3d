"""Which pools the tasks of a connector wait in, and whether the scheduler that runs them has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Final

from customer_sync.model.check import Verdict, bad, good, not_looked_at
from customer_sync.settings.connector import Connector

GROUP: Final = "customer_sync.pools"
"""Group of the entry points that know pools: ``(names) -> {name: slots} | None``; ``None`` where nobody can say."""

FindPools = Callable[[Sequence[str]], Mapping[str, int] | None]

MAKE_POOLS: Final = "customer-sync pools > pools.json && airflow pools import pools.json"
"""The command that makes them all."""


def pools_of(connectors: Iterable[Connector]) -> dict[str, dict[str, Any]]:
    """The pools of some connectors; those that share a system share its pool.

    Args:
        connectors: Connectors that fit together.

    Returns:
        Name -> settings, in the form that ``airflow pools import`` reads.
    """
    pools: dict[str, dict[str, Any]] = {}
    for connector in connectors:
        pools[connector.erp_pool] = _pool(
            connector.erp.seats, "Sessions of the ERP's licence: one slot for each task that signs in."
        )
        pools[connector.store_pool] = _pool(1, "Writes to the store: its request budget belongs to one load at a time.")
    return dict(sorted(pools.items()))


def _pool(slots: int, description: str) -> dict[str, Any]:
    return {"slots": slots, "description": description, "include_deferred": True}


def find_pools(names: Sequence[str]) -> Mapping[str, int] | None:
    """Ask whatever is installed beside this package; ``None`` where nobody can say."""
    for entry in entry_points(group=GROUP):
        found: Mapping[str, int] | None = entry.load()(names)
        if found is not None:
            return found
    return None


def pools(connector: Connector, find: FindPools) -> Verdict:
    """Compare the pools that are needed with those that there are.

    Args:
        connector: Names them.
        find: Knows those that there are.
    """
    needed = pools_of([connector])
    known = find(list(needed))
    if known is None:
        return not_looked_at("here nobody knows Airflow's pools.", f"Where Airflow runs: {MAKE_POOLS}")
    missing = [name for name in needed if name not in known]
    if missing:
        return bad(
            f"Airflow has no pool {' and no pool '.join(missing)}: the tasks that wait in it wait for ever.",
            f"Make it: {MAKE_POOLS}",
        )
    store = connector.store_pool
    if known[store] != 1:
        return bad(
            f"The pool {store} has {known[store]} slots, and one load at a time may write to a store.",
            f"airflow pools set {store} 1 'Writes to the store'",
        )
    erp = connector.erp_pool
    if known[erp] > connector.erp.seats:
        return bad(
            f"The pool {erp} has {known[erp]} slots, and erp.seats allows {connector.erp.seats} sessions: tasks that "
            "got a slot wait for a seat.",
            f"airflow pools set {erp} {connector.erp.seats} 'Sessions of the ERP'",
        )
    return good(f"Airflow has the pools {' and '.join(needed)}.")
