"""The store's countries and states for some customers: from the ledger, or, once a day, from the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import partial

from customer_sync.calls_in_flight import CallsInFlight
from customer_sync.errors import TransientApiError
from customer_sync.ledger.state.known_places import COUNTRIES, KnownPlaces
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.customer import Customer
from customer_sync.model.place import Place
from customer_sync.reporting.request_count import counting_requests
from customer_sync.rules.places import StorePlaces
from customer_sync.run import Run
from customer_sync.targets.port import PlanningStore

FRESH_FOR = timedelta(days=1)


class PlaceReader:
    """Reads a store's lists when a customer first needs them.

    Args:
        run: The run; its ledger keeps the lists.
        target: The store.
    """

    def __init__(self, run: Run, target: PlanningStore) -> None:
        self._run = run
        self._target = target
        self._store = run.connector.store_budget
        self._known: dict[str, KnownPlaces] = run.ledger.places.load(self._store, target.identity)
        self._places: StorePlaces | None = None
        self._of: set[str] = set()

    def of(self, customers: Iterable[Customer]) -> StorePlaces:
        """The places that these customers, and those asked about before, can have.

        Raises:
            SyncError: The store cannot be asked, and has not been before.
        """
        everyone = list(customers)
        if not everyone:
            return self._places or StorePlaces(geography=self._run.connector.geography)
        if self._places is None:
            self._places = self._made(())
        needed = self._places.needed(everyone) - self._of
        if needed:
            self._of |= needed
            self._places = self._made(self._of)
        return self._places

    def refresh(self) -> None:
        """Read every list again that was asked for before and is due, whoever needs it: all were judged by them."""
        self._read([code for code, known in self._known.items() if _is_due(known)])

    def _made(self, country_codes: Collection[str]) -> StorePlaces:
        codes = (COUNTRIES, *sorted(country_codes))
        failures = self._read([code for code in codes if code not in self._known or _is_due(self._known[code])])
        # Yesterday's list is no reason to stop: a store that is out of reach ends the run where it is written to.
        for failure in (failures[code] for code in codes if code in failures and code not in self._known):
            raise failure
        states = {code: self._known[code].places for code in country_codes}
        return StorePlaces(self._known[COUNTRIES].places, states, geography=self._run.connector.geography)

    def _read(self, codes: Collection[str]) -> dict[str, TransientApiError]:
        """Ask for some lists side by side and keep them; returns why others did not come, this time.

        Raises:
            SyncError: The store cannot be asked, now or later.
        """
        if not codes:
            return {}
        answers, failures = self._ask(codes)
        if answers:
            with self._run.ledger.write() as connection:
                for code, places in answers.items():
                    self._run.ledger.places.put(connection, self._store, self._target.identity, code, places)
        self._known |= {code: KnownPlaces(places, utc_now()) for code, places in answers.items()}
        return failures

    def _ask(self, codes: Collection[str]) -> tuple[dict[str, tuple[Place, ...]], dict[str, TransientApiError]]:
        with counting_requests(self._run, places=self._target), CallsInFlight() as calls:
            sent = {code: calls.submit(partial(self._listed, code)) for code in sorted(codes)}
            left = len(sent)
            while left:
                left -= len(calls.wait())
        failures = {}
        for code, call in sent.items():
            if isinstance(call.failure, TransientApiError):
                failures[code] = call.failure  # It is due in the next run as well.
            elif call.failure is not None:
                raise call.failure
        return {code: call.answer for code, call in sent.items() if code not in failures}, failures

    def _listed(self, code: str) -> tuple[Place, ...]:
        facts = self._target.facts
        return tuple(facts.countries if code == COUNTRIES else facts.states(code))


def _is_due(known: KnownPlaces) -> bool:
    return utc_now() - known.read_at_utc > FRESH_FOR


def are_places_due(run: Run) -> bool:
    """Whether any list of the run's store was read more than a day ago."""
    return run.ledger.places.is_any_older(run.connector.store_budget, utc_now() - FRESH_FOR)
