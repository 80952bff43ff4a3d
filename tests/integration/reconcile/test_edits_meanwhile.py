"""Both systems go on being edited while they are compared, and a sync runs: no false difference is reported."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import replace

from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.ledger import IntendedWrite
from customer_sync.model.difference import DifferenceClass
from customer_sync.model.operation import Action, CompanyOperation
from tests.integration.reconcile.corruption import new_run_id, told
from tests.integration.twin_world import World, call


class Meddling:
    """A transport that lets something happen before some of the requests."""

    def __init__(self, inner: Transport, meddle: Callable[[HttpRequest], None]) -> None:
        self._inner = inner
        self._meddle = meddle

    def send(self, request: HttpRequest) -> HttpResponse:
        """Let it happen, then send."""
        self._meddle(request)
        return self._inner.send(request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def names_of(world: World) -> list[str]:
    """Customers that have a company, in order."""
    return sorted(world.companies())


def test_edits_that_a_sync_carries_over_meanwhile_are_no_difference(world: World) -> None:
    """The ERP is edited and synced between any two readings; at the end all is equal, and equal is what is told."""
    world.sync(mode="full")
    before = _baseline(world)
    dice = random.Random(7)
    keys = names_of(world)
    turns = iter(range(10_000))
    lock = threading.Lock()

    def meddle(request: HttpRequest) -> None:
        # Not within the meddling itself, and not too often: each is an edit and a whole incremental sync.
        if next(turns) % 11 or not lock.acquire(blocking=False):
            return
        try:
            key = dice.choice(keys)
            world.edit("Customer", CustomerID=key, CustomerName=f"Renamed {dice.randrange(10**6)} {request.method}")
            world.sync()
        finally:
            lock.release()

    run_id = new_run_id()
    replace(world, wrap_store=lambda inner: Meddling(inner, meddle)).reconcile(run_id=run_id)
    assert next(turns) > 22
    assert set(told(world, run_id)) <= set(before)


def test_edit_in_the_erp_that_no_sync_has_seen_is_told_as_what_it_is(world: World) -> None:
    """An edit during the comparison is at most told as a change of the ERP, never as somebody's hand in the store."""
    world.sync(mode="full")
    before = _baseline(world)
    keys = names_of(world)
    turns = iter(range(10_000))

    def meddle(_: HttpRequest) -> None:
        turn = next(turns)
        if turn % 3 == 0:
            world.edit("Customer", CustomerID=keys[turn % len(keys)], CustomerName=f"Renamed {turn}")

    run_id = new_run_id()
    replace(world, wrap_store=lambda inner: Meddling(inner, meddle)).reconcile(run_id=run_id)
    new = set(told(world, run_id)) - set(before)
    assert {kind for _, kind, _, _ in new} <= {str(DifferenceClass.ERP_CHANGED)}


def test_edit_in_the_store_that_is_taken_back_is_not_told(world: World) -> None:
    """What was different on the first reading and is right again on the second is no finding."""
    world.sync(mode="full")
    before = _baseline(world)
    whole = world.store_state()
    spoilt = world.store_state()
    for company in spoilt["companies"]:
        company["companyName"] += " (typed by hand)"
        company["updatedAt"] += 100_000
    call(f"{world.store_url}/_sandbox/state", "PUT", spoilt)
    is_back = threading.Event()

    def meddle(request: HttpRequest) -> None:
        # The first request that names one company is the second look.
        if "extraFieldFilterType" in dict(request.query) and not is_back.is_set():
            is_back.set()
            call(f"{world.store_url}/_sandbox/state", "PUT", whole)

    run_id = new_run_id()
    report = replace(world, wrap_store=lambda inner: Meddling(inner, meddle)).reconcile(run_id=run_id)
    assert is_back.is_set()
    assert report.facts["to_recheck"] > 50
    assert told(world, run_id) == before


def test_customer_that_is_being_written_is_left_to_the_next_run(world: World) -> None:
    """A write that is on its way makes its customer unsettled: neither equal nor reported as different."""
    world.sync(mode="full")
    key = names_of(world)[0]
    state = world.store_state()
    company_id = world.companies()[key]["companyId"]
    company = next(row for row in state["companies"] if row["companyId"] == company_id)
    company["companyName"] = "Half way"
    call(f"{world.store_url}/_sandbox/state", "PUT", state)
    with world.ledger() as ledger, ledger.write() as connection:
        operation = CompanyOperation(action=Action.UPDATE_COMPANY, key=key, store_id=company_id)
        ledger.intents.open(connection, "another run", 1, [[IntendedWrite(key, operation)]])
    run_id = new_run_id()
    report = world.reconcile(run_id=run_id)
    assert report.standings["unsettled"] == 1
    assert not [defect for defect in told(world, run_id) if defect[0] == key]


def _baseline(world: World) -> dict[tuple[str, str, str, str], int]:
    run_id = new_run_id()
    world.reconcile(run_id=run_id)
    return dict(told(world, run_id))
