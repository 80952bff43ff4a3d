"""Lists of states are asked for side by side: a store that answers slowly costs a first run little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from customer_sync.calls_in_flight import pause
from customer_sync.model.place import Place
from tests.conformance.pipeline.world import OAKLAND, World


class SlowStates(dict[str, Sequence[Place]]):
    """Lists that take a while, and know how many were asked for at once."""

    asked = most = 0

    def get(self, country_code: str, default: Any = ()) -> Any:
        """A country's states, after a pause."""
        self.asked += 1
        self.most = max(self.most, self.asked)
        pause(0.05)
        self.asked -= 1
        return super().get(country_code, default)


def test_the_states_of_all_countries_are_asked_for_at_once() -> None:
    """Two countries, two questions in flight; everybody has the company that is due."""
    world = World()
    states = SlowStates(world.store.states, CA=(Place("ON", "Ontario"),))
    world.store.states = states
    world.store.countries = (Place("US", "United States"), Place("CA", "Canada"))
    world.save("C1", world.contact("Ann"))
    toronto = replace(OAKLAND, city="Toronto", state="ON", postal_code="M5V 2T6", country="CA")
    world.save("C2", world.contact("Bob"), main_address=toronto)
    world.sync()
    assert states.most == 2
    assert world.company("C2").fields.state == "Ontario"
