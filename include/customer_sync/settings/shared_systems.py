"""What connectors share: an ERP's seats and requests, a store's requests and its one writer.

Connectors with one name in ``erp.shared_as`` (or ``store.shared_as``) draw on one pool and
one budget, so their files must agree on its size. A file that does not is refused alone:
the first by name sets the terms.
"""

from __future__ import annotations

from collections.abc import Iterable

from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector


def refusals(connectors: Iterable[Connector]) -> dict[str, ConfigError]:
    """Compare the files of connectors that share a system.

    Args:
        connectors: All that could be read, in the order of their files.

    Returns:
        Connector id -> why it cannot run beside the others; empty when all fit.
    """
    refused: dict[str, ConfigError] = {}
    erps: dict[str, Connector] = {}
    stores: dict[str, list[Connector]] = {}
    for connector in connectors:
        erp = erps.get(connector.erp_budget)
        neighbours = stores.get(connector.store_budget, [])
        problem = (erp and _erp_differs(connector, erp)) or _store_differs(connector, neighbours)
        if problem:
            refused[connector.id] = _refusal(connector, *problem)
            continue
        erps.setdefault(connector.erp_budget, connector)
        stores.setdefault(connector.store_budget, []).append(connector)
    return refused


def _erp_differs(one: Connector, other: Connector) -> tuple[str, str] | None:
    for name in ("seats", "requests_per_minute"):
        mine, theirs = getattr(one.erp, name), getattr(other.erp, name)
        if mine != theirs:
            return f"erp.{name}", _disagreement(one.erp_budget, other, mine, theirs)
    return None


def _store_differs(one: Connector, others: Iterable[Connector]) -> tuple[str, str] | None:
    for other in others:
        for name in ("requests_per_minute", "share"):
            mine, theirs = getattr(one.store, name), getattr(other.store, name)
            if mine != theirs:
                return f"store.{name}", _disagreement(one.store_budget, other, mine, theirs)
        if one.erp_budget != other.erp_budget and one.store.key_field.casefold() == other.store.key_field.casefold():
            return "store.key_field", (
                f"{other.id}.yaml writes customers of another ERP into the same store ({one.store_budget!r}) under the "
                f"key {one.store.key_field!r}, and two ERPs can use one Customer ID for two customers; give this "
                "connector another extra field, or one name in erp.shared_as where both read one tenant"
            )
    return None


def _disagreement(shared: str, other: Connector, mine: object, theirs: object) -> str:
    return (
        f"{mine!r}, but {other.id}.yaml, which shares {shared!r}, says {theirs!r}; the budget is one, so the files "
        "must agree"
    )


def _refusal(connector: Connector, setting: str, problem: str) -> ConfigError:
    return ConfigError(
        f"Connector file {connector.id}.yaml is wrong. {setting}: {problem}. See docs/connector-file.md.",
        setting=setting,
    )
