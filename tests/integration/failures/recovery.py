"""Disturb a run, let it recover, and compare with a run that nothing disturbed."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import Any

from customer_sync.errors import SyncError
from tests.integration.failures.prepared import EVERYONE, Moment
from tests.integration.twin_world import Attempts, World, attempts, store_book

ROUTES: dict[str, tuple[str, str]] = {
    "create company": ("POST", r"/companies(/bulk)?$"),
    "update company": ("PUT", r"/companies/(bulk|\d+)$"),
    "set status": ("PUT", r"/companies/\d+/status$"),
    "create user": ("POST", r"/users(/bulk)?$"),
    "update user": ("PUT", r"/users/\d+$"),
    "delete user": ("DELETE", r"/users/\d+$"),
    "create address": ("POST", r"/addresses(/bulk)?$"),
    "update address": ("PUT", r"/addresses/\d+$"),
    "delete address": ("DELETE", r"/addresses/\d+$"),
    "set payment methods": ("PUT", r"/payments$"),
    "set payment terms": ("PUT", r"/payment-terms$"),
    "write reference": ("PUT", r"/Customer$"),
}
"""Every route that the sync writes to, as faults match it; the last is the ERP's."""

EFFECTS: dict[str, dict[str, Any]] = {
    "commit then 500": {"effect": "commit_then_fail"},
    "commit then reset": {"effect": "commit_then_reset"},
    "500 before commit": {"effect": "fail_before_commit"},
    "reset before commit": {"effect": "connection_reset"},
    "truncated": {"effect": "truncate"},
    "html": {"effect": "html"},
    "malformed": {"effect": "malformed_json"},
    "status 500": {"effect": "status", "status": 500, "body_style": "html"},
    "status 503": {"effect": "status", "status": 503, "body_style": "empty"},
    "status 429": {"effect": "status", "status": 429},
    "burst of 429": {"effect": "burst_429", "seconds": 0.3, "header": False},
    "one bulk row lost": {"effect": "partial_bulk", "rows": [1]},
}
"""Every way in which a write goes wrong."""


def fault(route: str, effect: str, **more: Any) -> dict[str, Any]:
    """A fault for the control plane of the twin that serves the route."""
    method, path = ROUTES[route]
    return {"match": {"method": method, "path_regex": path}, **EFFECTS[effect], **more}


def disturb(world: World, route: str, *faults: dict[str, Any]) -> None:
    """Put faults in force on the twin that serves the route."""
    (world.erp_faults if route == "write reference" else world.store_faults)(*faults)


def calm(world: World) -> None:
    """No faults any more."""
    world.erp_faults()
    world.store_faults()


def recover_by_new_run(world: World) -> None:
    """The disturbed run, whatever becomes of it; calm; a new run."""
    with contextlib.suppress(SyncError):
        world.sync(mode="selected", customer_ids=EVERYONE)
    calm(world)
    report = world.sync(mode="selected", customer_ids=EVERYONE)
    assert report.extracted == sum(report.outcomes.values()) == len(EVERYONE)
    assert not {"failed", "quarantined"} & set(report.outcomes)


def recover_by_next_try(world: World) -> None:
    """A disturbed load; calm; the next try of the same load, as Airflow repeats a task."""
    with attempts(world, "run_1", mode="selected", customer_ids=EVERYONE) as run:
        run.plan()
        first_failed = _load(run)
        calm(world)
        if first_failed:
            run.load(2)
            report = run.audit()
            assert report.extracted == sum(report.outcomes.values()) == len(EVERYONE)
            assert not {"failed", "quarantined"} & set(report.outcomes)
            return
        with contextlib.suppress(SyncError):  # a customer may have failed without failing the task
            run.audit()
    report = world.sync(mode="selected", customer_ids=EVERYONE)
    assert not {"failed", "quarantined"} & set(report.outcomes)


def _load(run: Attempts) -> bool:
    try:
        run.load(1)
    except SyncError:
        return True
    return False


def assert_as_undisturbed(world: World, moment: Moment) -> None:
    """The store equals that of an undisturbed run, nothing is double, and a further run writes nothing."""
    state = world.store_state()
    assert store_book(state) == moment.expected
    assert len(state["companies"]) == len(moment.store["companies"]) + 4
    emails = Counter(user["email"].casefold() for user in state["users"])
    assert max(emails.values()) == 1
    company_ids = {company["companyId"] for company in state["companies"]}
    assert all(row["companyId"] in company_ids for row in (*state["users"], *state["addresses"]))
    with world.ledger() as ledger:
        assert ledger.intents.unanswered() == []
    world.forget_calls()
    report = world.sync(mode="selected", customer_ids=EVERYONE)
    assert world.write_lines() == []
    assert [row for row in world.erp_calls() if row["method"] == "PUT"] == []
    assert report.outcomes == {"unchanged": 9, "filtered": 1}
    assert world.seats_taken() == 0
