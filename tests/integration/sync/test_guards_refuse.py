"""A run that would take too much away is refused before the first write."""

from __future__ import annotations

import pytest

from customer_sync.errors import PlanRefused
from customer_sync.settings.connector import Connector
from tests.integration.twin_world import World, attempts


def test_nothing_is_withdrawn_when_the_accepted_type_was_renamed(world: World) -> None:
    """A renamed class makes most customers ineligible: the run fails, names the guard, and the store is untouched."""
    world.sync(mode="full")
    world.forget_calls()
    renamed = Connector.model_validate(
        {**world.connector.model_dump(mode="json"), "eligibility": {"types": ["BUSINESS"]}}
    )

    with pytest.raises(PlanRefused, match="least_eligible_share"):
        world.sync(connector=renamed, mode="full")

    assert world.store_writes() == []
    assert all(company["companyStatus"] == 1 for company in world.companies().values())


def test_share_of_eligible_customers_is_judged_of_a_whole_read_only(world: World) -> None:
    """Batches that failed on the way, or that an earlier run of a long read took, are missing from the sum alone."""
    world.sync(mode="full")
    small = world.with_rules(batch={"size": 10, "largest": 10})
    with attempts(small, "half", mode="full") as parts:
        parts.plan()
        del parts.planned[1:]
        assert parts.guard(can_ask=True).summary.why_ask == []
    long_read = world.with_rules(batch={"size": 10, "largest": 10, "count": 2})
    for run_id in ("first part", "second part"):
        with attempts(long_read, run_id, mode="full") as parts:
            assert parts.plan(can_ask=True).summary.why_ask == []
            parts.load().audit()
