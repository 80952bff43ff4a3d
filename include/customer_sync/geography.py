"""Countries and states by ISO 3166, with the connector's corrections. Pure, apart from pycountry's bundled tables."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import pycountry

from customer_sync.connector import Geography

STATE_COUNTRIES = frozenset(
    "AR AU AT BR CA CL DE IN ID IE IT JP MY MX MM NZ PH QA RO ZA ES CH AE US".split()  # noqa: SIM905 - one line to read
)
"""Countries for which the store wants a state (b2b_rest.md section 12)."""

_MAX_CODE_LENGTH = 200


class Country(NamedTuple):
    """A country: ISO 3166-1 alpha-2 code and English name."""

    code: str
    name: str


class State(NamedTuple):
    """A first-level subdivision: ISO 3166-2 code without the country, and its name."""

    code: str
    name: str


@cache
def _countries() -> dict[str, Country]:
    table: dict[str, Country] = {}
    for entry in pycountry.countries:
        country = Country(entry.alpha_2, entry.name)
        names = (entry.name, getattr(entry, "common_name", ""), getattr(entry, "official_name", ""))
        for key in (*names, entry.alpha_3, entry.alpha_2):
            if key:
                table[key.casefold()] = country
    return table


@lru_cache(maxsize=256)
def _states(country_code: str) -> dict[str, State]:
    table: dict[str, State] = {}
    for entry in pycountry.subdivisions.get(country_code=country_code) or ():  # type: ignore[no-untyped-call] # pycountry has no types
        state = State(entry.code.split("-", 1)[1], entry.name)
        table.setdefault(entry.name.casefold(), state)
        table[state.code.casefold()] = state
    return table


def resolve_country(text: str, geography: Geography) -> Country | None:
    """Find the country that the ERP means by a code or an English name.

    Returns:
        The country, or ``None`` when neither the connector's table nor ISO 3166 knows it.
    """
    if len(text) > _MAX_CODE_LENGTH:
        return None
    folded = text.casefold()
    return _countries().get(geography.countries_folded.get(folded, folded))


def resolve_state(text: str, country: Country, geography: Geography) -> State | None:
    """Find the state of a country that the ERP means by a code or a name; ``None`` when it is unknown."""
    if len(text) > _MAX_CODE_LENGTH:
        return None
    folded = text.casefold()
    own = geography.states_folded.get(country.code.casefold(), {}).get(folded, folded)
    return _states(country.code).get(own)
