"""How the modules of the twins import each other."""

from __future__ import annotations

import grimp


def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("sandbox", exclude_type_checking_imports=False, cache_dir=None)


def test_no_two_modules_reach_each_other_when_all_imports_are_followed() -> None:
    """No import of the twins leads back to where it started, those in functions and for type checkers included."""
    graph = _graph()
    cycles = [
        chain
        for importer in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if (chain := graph.find_shortest_chain(imported, importer)) is not None
    ]
    assert cycles == []


def test_neither_twin_imports_the_other_when_all_imports_are_followed() -> None:
    """The ERP's twin and the store's twin know nothing of each other."""
    graph = _graph()
    erp, store = "sandbox.acumatica", "sandbox.better_b2b"
    assert graph.find_descendants(erp)
    assert graph.find_descendants(store)
    assert graph.find_shortest_chains(erp, store, as_packages=True) == set()
    assert graph.find_shortest_chains(store, erp, as_packages=True) == set()
