"""Which pools the tasks of a connector wait in, and whether the scheduler that runs them has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final

from customer_sync.model.check import Verdict, bad, good, not_looked_at
from customer_sync.settings.connector import Connector

GROUP: Final = "customer_sync.pools"
"""Group of the entry points that know pools: ``(names) -> {name: slots} | None``; ``None`` where nobody can say."""

FindPools = Callable[[Sequence[str]], Mapping[str, int] | None]

MAKE_POOLS: Final = "customer-sync pools > pools.json && airflow pools import pools.json"
"""The command that makes them all."""


def needed_pools(connector: Connector) -> dict[str, int]:
    """The pools of a connector: name -> slots that it is to have."""
    return {connector.erp_pool: connector.erp.seats, connector.store_pool: 1}


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
    needed = needed_pools(connector)
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
