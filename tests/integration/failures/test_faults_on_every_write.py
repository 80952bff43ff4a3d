"""Whatever happens to a write, the repeated run leads to the store of an undisturbed one."""

from __future__ import annotations

import re

import pytest

from customer_sync.errors import SyncError
from tests.integration.failures.prepared import EVERYONE, Moment
from tests.integration.failures.recovery import (
    EFFECTS,
    ROUTES,
    assert_as_undisturbed,
    calm,
    disturb,
    fault,
    recover_by_new_run,
    recover_by_next_try,
)
from tests.integration.twin_world import World

BULK = ("create company", "update company", "create user", "create address")
MATRIX = [(route, effect) for route in ROUTES for effect in EFFECTS if route in BULK or effect != "one bulk row lost"]
"""Every route with every fault that its twin knows."""


def test_every_route_is_written_to_when_the_prepared_run_is_not_disturbed(moment: Moment, waiting: World) -> None:
    """The prepared run makes every kind of write, so that no fault below misses its target."""
    waiting.sync(mode="selected", customer_ids=EVERYONE)
    assert waiting.book() == moment.expected
    assert any(row["method"] == "PUT" for row in waiting.erp_calls())
    served = {(row["method"], row["path"]) for row in moment.calls}
    for route, (method, path) in ROUTES.items():
        if route != "write reference":
            assert any(verb == method and _fits(path, at) for verb, at in served), route


def _fits(pattern: str, path: str) -> bool:
    return re.search(pattern, path) is not None


@pytest.mark.parametrize("route", ROUTES)
def test_store_is_as_undisturbed_when_every_answer_of_a_route_is_lost_after_commit(
    moment: Moment, waiting: World, route: str
) -> None:
    """Stored, and every answer cut off, for a whole run: the next run finds it and makes nothing twice."""
    disturb(waiting, route, fault(route, "commit then reset"))

    recover_by_new_run(waiting)

    assert_as_undisturbed(waiting, moment)


@pytest.mark.parametrize("route", ROUTES)
def test_store_is_as_undisturbed_when_a_route_fails_before_commit_for_a_whole_try(
    moment: Moment, waiting: World, route: str
) -> None:
    """Nothing stored for a whole try: the next try of the same load does it."""
    disturb(waiting, route, fault(route, "500 before commit"))

    recover_by_next_try(waiting)

    assert_as_undisturbed(waiting, moment)


@pytest.mark.parametrize("effect", sorted(set(EFFECTS) - {"commit then reset", "500 before commit"}))
def test_store_is_as_undisturbed_when_a_bulk_request_goes_wrong_once(
    moment: Moment, waiting: World, effect: str
) -> None:
    """A bulk request that goes wrong in any way, once, leaves no trace after the run is repeated."""
    disturb(waiting, "create company", fault("create company", effect, times=1))

    recover_by_new_run(waiting)

    assert_as_undisturbed(waiting, moment)


@pytest.mark.parametrize(
    ("effect", "reading"),
    [
        ("one bulk row lost", "status 429"),
        ("commit then reset", "status 503"),
        pytest.param("commit then reset", "status 429", marks=pytest.mark.long),
        pytest.param("commit then reset", "html", marks=pytest.mark.long),
        pytest.param("one bulk row lost", "status 503", marks=pytest.mark.long),
        pytest.param("one bulk row lost", "html", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize(
    ("route", "read_back"),
    [("create company", r"/companies$"), ("create user", r"/users$"), ("create address", r"/addresses$")],
)
def test_store_is_as_undisturbed_when_reading_back_fails_too(
    moment: Moment, waiting: World, route: str, read_back: str, effect: str, reading: str
) -> None:
    """A lost answer whose read-back fails as well stays unknown, and is never taken for "not done"."""
    after = 1 if route == "create company" else 0  # the store is counted once before the first write
    read_fault = {"match": {"method": "GET", "path_regex": read_back}, **EFFECTS[reading], "after": after}
    disturb(waiting, route, fault(route, effect, times=1), read_fault)

    recover_by_new_run(waiting)

    assert_as_undisturbed(waiting, moment)


@pytest.mark.long
@pytest.mark.parametrize(("route", "effect"), MATRIX)
def test_store_is_as_undisturbed_when_any_fault_strikes_at_any_position(
    moment: Moment, waiting: World, route: str, effect: str
) -> None:
    """Every fault on every route at every position, once and for the whole run, repeated by try and by run."""
    method, path = ROUTES[route]
    served = (
        5
        if route == "write reference"
        else sum(row["method"] == method and _fits(path, row["path"]) for row in moment.calls)
    )
    for position in range(served):
        for recover in (recover_by_new_run, recover_by_next_try):
            for times in (1, None):
                world = moment.enter(waiting, moment.ledger.parent / f"{route}.db")
                disturb(world, route, fault(route, effect, times=times, after=position))
                recover(world)
                assert_as_undisturbed(world, moment)


def test_company_of_a_lost_answer_is_withdrawn_when_its_customer_leaves_meanwhile(world: World) -> None:
    """A company was made and nobody learned of it; its customer is un-enrolled before the next run: it loses access."""
    world.store_faults(
        {"match": {"method": "POST", "path_regex": "/companies"}, "effect": "commit_then_reset"},
        {"match": {"method": "GET", "path_regex": "/companies$"}, "effect": "status", "status": 503, "after": 1},
    )
    with pytest.raises(SyncError):
        world.sync(mode="selected", customer_ids=["C000001"])
    calm(world)
    world.edit("Customer", CustomerID="C000001", EnableKensiumCommerce=False)

    world.sync(mode="selected", customer_ids=["C000001"])

    assert world.companies()["C000001"]["companyStatus"] == 3
    assert world.last_outcome("C000001") == ("deactivated", "not_enabled")
