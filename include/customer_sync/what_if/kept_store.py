"""What a plan needs of the store, from what the ledger keeps of it: no request is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from customer_sync.errors import ConfigError
from customer_sync.http.pacing import RequestCounter, RequestUse
from customer_sync.ledger.state.known_places import COUNTRIES, KnownPlaces
from customer_sync.model.place import Place


class KeptStore:
    """A store that is not asked.

    Args:
        connector_id: Whose store, for the sentence that says what to do.
        label: What people call it.
        identity: Which store it is.
        places: What the ledger keeps of its countries and states.
    """

    def __init__(self, connector_id: str, label: str, identity: str, places: Mapping[str, KnownPlaces]) -> None:
        self._connector_id = connector_id
        self._label = label
        self._places = places
        self.identity = identity

    @property
    def facts(self) -> KeptStore:
        """What is kept."""
        return self

    @property
    def countries(self) -> Sequence[Place]:
        """The store's countries, as they were last read.

        Raises:
            ConfigError: They never were.
        """
        return self._listed(COUNTRIES, "list of countries")

    def states(self, country_code: str) -> Sequence[Place]:
        """A country's states, as they were last read.

        Raises:
            ConfigError: They never were.
        """
        return self._listed(country_code, f"list of the states of {country_code}")

    def _listed(self, code: str, what: str) -> Sequence[Place]:
        known = self._places.get(code)
        if known is None:
            raise ConfigError(
                f"The ledger does not keep {self._label}'s {what} yet, and addresses cannot be planned without it. "
                f"Let the store be asked for its lists, which writes nothing (--with-store; on the page: Ask the store "
                f"for its lists), or make a dry run first: customer-sync run {self._connector_id} --mode full "
                "--dry-run.",
                setting="--with-store",
            )
        return known.places

    @property
    def oldest_utc(self) -> datetime | None:
        """When the oldest list was read; ``None`` where none is kept."""
        return min((known.read_at_utc for known in self._places.values()), default=None)

    def requests_used(self) -> RequestUse:
        """None at all."""
        return RequestCounter().snapshot()

    def shoppers(self, emails: Sequence[str]) -> int | None:  # noqa: ARG002 - the port's signature
        """Only the store knows who shops there."""
        return None
