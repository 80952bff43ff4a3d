"""Countries and states by ISO 3166, with the connector's corrections. Pure, apart from pycountry's bundled tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import pycountry

from customer_sync.settings.mapping import Geography

STATE_COUNTRIES = frozenset(
    "AR AU AT BR CA CL DE IN ID IE IT JP MY MX MM NZ PH QA RO ZA ES CH AE US".split()  # noqa: SIM905 - one line to read
)
"""Countries for which the store wants a state (docs/api/better_b2b.md#state-countries)."""

_MAX_CODE_LENGTH = 200

T = TypeVar("T")


class Country(NamedTuple):
    """A country: ISO 3166-1 alpha-2 code and English name."""

    code: str
    name: str


class State(NamedTuple):
    """A first-level subdivision: ISO 3166-2 code without the country, and its name."""

    code: str
    name: str


class _CountryEntry(msgspec.Struct):
    alpha_2: str
    alpha_3: str
    name: str
    common_name: str = ""
    official_name: str = ""


class _StateEntry(msgspec.Struct):
    code: str
    name: str


@cache
def _countries() -> dict[str, Country]:
    table: dict[str, Country] = {}
    for entry in _bundled("iso3166-1.json", "3166-1", _CountryEntry):
        country = Country(entry.alpha_2, entry.name)
        for key in (entry.name, entry.common_name, entry.official_name, entry.alpha_3, entry.alpha_2):
            if key:
                table[key.casefold()] = country
    return table


@cache
def _states() -> dict[str, dict[str, State]]:
    """Country code -> folded name or code -> state."""
    tables: dict[str, dict[str, State]] = {}
    for entry in _bundled("iso3166-2.json", "3166-2", _StateEntry):
        country_code, _, code = entry.code.partition("-")
        table = tables.setdefault(country_code, {})
        state = State(code, entry.name)
        table.setdefault(entry.name.casefold(), state)
        table[code.casefold()] = state
    return tables


def _bundled(file: str, root: str, entry_type: type[T]) -> list[T]:
    """Read a table as pycountry brings it; its own objects take fifty times as long to make."""
    content = Path(pycountry.DATABASE_DIR, file).read_bytes()
    return msgspec.json.decode(content, type=dict[str, list[entry_type]])[root]  # type: ignore[valid-type] # a type that is handed over


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
    return _states().get(country.code, {}).get(own)
