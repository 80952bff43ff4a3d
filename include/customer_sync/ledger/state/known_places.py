"""What stores call countries and states, as they were last asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import store_place
from customer_sync.ledger.storage.statement import Prepared, upsert
from customer_sync.model.place import Place

COUNTRIES = ""
"""Stands for a country's code where the list of countries is meant."""


class KnownPlaces(NamedTuple):
    """A list of places and when it was read."""

    places: tuple[Place, ...]
    read_at_utc: datetime


class StorePlaceLists:
    """The lists of all stores; those of one are shared by the connectors that write to it."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def load(self, store: str, identity: str) -> dict[str, KnownPlaces]:
        """The lists of a store by country code; not those of another store that had its place before."""
        with self._engine.connect() as connection:
            return {
                code: KnownPlaces(tuple(Place(*place) for place in places), read_at)
                for code, places, read_at in _lists(connection, store, identity)
            }

    def put(
        self, connection: sa.Connection, store: str, identity: str, country_code: str, places: Sequence[Place]
    ) -> None:
        """Write a list as it was read now."""
        row = store_place.c
        mine = sa.select(row.places, row.changes).where(row.store == store, row.country_code == country_code)
        known = connection.execute(mine).one_or_none()
        listed = [list(place) for place in places]
        new = {
            "store": store,
            "country_code": country_code,
            "identity": identity,
            "places": listed,
            "changes": 0 if known is None else known.changes + (known.places != listed),
            "read_at_utc": utc_now(),
        }
        upsert(connection, store_place, [new])

    def changes(self, store: str) -> int:
        """How often a store's lists were found changed."""
        with self._engine.connect() as connection:
            return int(_changes(connection, store).scalar_one())

    def is_any_older(self, store: str, moment_utc: datetime) -> bool:
        """Whether a list of a store was read before a moment."""
        row = store_place.c
        query = sa.select(sa.exists().where(row.store == store, row.read_at_utc < moment_utc))
        with self._engine.connect() as connection:
            return bool(connection.execute(query).scalar_one())


_c = store_place.c


@Prepared
def _lists(store: Any, identity: Any) -> sa.Select[Any]:
    return sa.select(_c.country_code, _c.places, _c.read_at_utc).where(_c.store == store, _c.identity == identity)


@Prepared
def _changes(store: Any) -> sa.Select[Any]:
    return sa.select(sa.func.coalesce(sa.func.sum(_c.changes), 0)).where(_c.store == store)
