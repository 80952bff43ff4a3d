"""Countries and their states as the store lists them (docs/api/better_b2b.md#places and #state-countries).

The lists are in `places.json`, which says where each is from; no package of names is behind them. Addresses have to
use these codes and names; of countries everyday names are taken too, as third-party clients write them.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Names in use beside those of the list, by code.
_MORE_COUNTRY_NAMES = {
    "AE": ("UAE",),
    "CZ": ("Czechia",),
    "CI": ("Ivory Coast",),
    "GB": ("Great Britain", "UK"),
    "MM": ("Burma",),
    "NL": ("The Netherlands", "Holland"),
    "RU": ("Russia",),
    "SZ": ("Eswatini",),
    "TR": ("Türkiye",),
    "US": ("United States of America", "USA"),
    "XK": ("Kosovo",),
}


@dataclass(frozen=True, slots=True)
class State:
    """A state of a country; `code` is without the country's."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Country:
    """A country; states are known only where addresses need them."""

    code: str
    name: str
    states: tuple[State, ...] = ()

    @property
    def has_states(self) -> bool:
        """Whether addresses there carry a state (docs/api/better_b2b.md#state-countries)."""
        return bool(self.states)

    def state_by_name(self, name: str) -> State | None:
        """The state of exactly this name, case aside."""
        sought = name.strip().casefold()
        return next((state for state in self.states if state.name.casefold() == sought), None)

    def states_by_code(self, code: str) -> list[State]:
        """The states of a code: AE is four of the United States' armed forces."""
        sought = code.strip().upper()
        return [state for state in self.states if state.code == sought]


@cache
def countries() -> dict[str, Country]:
    """All countries by code, in the list's order."""
    lists = json.loads(Path(__file__).with_name("places.json").read_text(encoding="utf-8"))
    states = {code: tuple(State(*row) for row in rows) for code, rows in lists["states"].items()}
    return {code: Country(code, name, states.get(code, ())) for code, name in lists["countries"]}


def country_by_code(code: str) -> Country | None:
    """A country by its two letters."""
    return countries().get(code.strip().upper())


def country_by_name(name: str) -> Country | None:
    """A country by its name, or by another in use."""
    code = _codes_by_name().get(_fold(name))
    return countries()[code] if code is not None else None


@cache
def _codes_by_name() -> dict[str, str]:
    by_name = {_fold(country.name): code for code, country in countries().items()}
    for code, names in _MORE_COUNTRY_NAMES.items():
        by_name |= {_fold(name): code for name in names}
    return by_name


def _fold(name: str) -> str:
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return " ".join(plain.casefold().split())
