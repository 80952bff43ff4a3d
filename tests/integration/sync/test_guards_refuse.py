"""A run that would take too much away is refused before the first write."""

from __future__ import annotations

import pytest

from customer_sync.errors import PlanRefused
from customer_sync.settings.connector import Connector
from tests.integration.twin_world import World


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
