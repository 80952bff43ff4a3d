"""A connection that ends while the store goes on with the request: nothing is asked before it can be answered."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import pytest

from tests.integration.failures.prepared import EVERYONE, Moment
from tests.integration.failures.recovery import ROUTES, assert_as_undisturbed, calm, disturb, recover_by_next_try
from tests.integration.twin_world import World

WORKS_ON_S = 0.6
"""How long the store goes on with a request whose connection it has reset."""

OF_THE_STORE = [route for route in ROUTES if route != "write reference"]


def reset_early(world: World, route: str) -> None:
    """The next request of a route is reset at once, and stored a little later."""
    method, path = ROUTES[route]
    match = {"method": method, "path_regex": path}
    early = {"effect": "reset_then_commit", "delay_ms": WORKS_ON_S * 1000, "match": match, "times": 1}
    disturb(world, route, early)


@pytest.fixture
def waiting(waiting: World) -> World:
    """The world at the prepared moment, with a store that works on a request for longer than the fault lasts."""
    return replace(waiting, longest_work_s=1.5 * WORKS_ON_S)


@pytest.mark.parametrize("route", OF_THE_STORE)
def test_store_is_as_undisturbed_when_a_connection_is_reset_early(
    moment: Moment, waiting: World, route: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever was sent is stored once, though the store made it after the reset; the log says what is waited for."""
    reset_early(waiting, route)
    with caplog.at_level(logging.WARNING):
        waiting.sync(mode="selected", customer_ids=EVERYONE)
    said = [each for each in caplog.messages if "may still work on it" in each]
    assert len(said) == 1
    assert "got no answer: waiting 1 s, until " in said[0]
    calm(waiting)
    assert_as_undisturbed(waiting, moment)


def test_others_go_on_while_one_waits(moment: Moment, waiting: World) -> None:
    """What is in flight beside a request that was reset is not held up by its wait."""
    slow = replace(waiting, longest_work_s=4.0)
    reset_early(slow, "create user")
    begun_s = time.monotonic()
    slow.sync(mode="selected", customer_ids=EVERYONE)
    assert time.monotonic() - begun_s >= 4.0
    calls = slow.store_writes()
    (reset_at,) = [row["seq"] for row in calls if row["fault"] == "reset_then_commit"]
    after = [row for row in calls if row["seq"] > reset_at]
    assert len(after) > 3
    calm(slow)
    assert_as_undisturbed(slow, moment)


def test_a_retry_of_the_same_load_waits_for_what_the_first_sent(moment: Moment, waiting: World) -> None:
    """The same for the next try, as Airflow repeats a task."""
    reset_early(waiting, "create company")
    recover_by_next_try(waiting)
    assert_as_undisturbed(waiting, moment)
