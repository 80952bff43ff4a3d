"""What a first company needs to know of its store is asked for at once: a store that answers slowly costs less time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, call, shipped_connector


def test_extra_fields_and_roles_are_asked_for_at_once(tmp_path: Path) -> None:
    """Of the four lists two are in flight at once, and then the other two, before the first company is made."""
    with (
        running_acumatica(customers=2, shape="uniform", sessions=4) as erp,
        running_better_b2b(latency_ms=150) as store,
    ):
        world = World(erp.url, store.url, shipped_connector(), f"sqlite:///{tmp_path / 'ledger.db'}")
        world.sync(mode="full")
        rows = call(f"{store.url}/_sandbox/calls")
    spans = {}
    for row in rows:
        begin = datetime.fromisoformat(row["at_utc"])
        spans.setdefault(row["path"].split("/io/")[-1], (begin, begin + timedelta(milliseconds=row["duration_ms"])))
    for one, other in (
        ("companies/extra-fields", "companies/roles"),
        ("users/extra-fields", "addresses/extra-fields"),
    ):
        assert spans[one][0] < spans[other][1], spans
        assert spans[other][0] < spans[one][1], spans
