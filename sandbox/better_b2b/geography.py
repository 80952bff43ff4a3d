"""Countries and their states as the store knows them (docs/api/better_b2b.md#places and #state-countries).

Names and codes are those of ISO 3166; further names that clients write are accepted and read back as ours. All
subdivisions of the 24 countries are known, not a handful, so that strict checking refuses no real address.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import cache

import pycountry

_STATE_COUNTRY_CODES = "AR, AU, AT, BR, CA, CL, DE, IN, ID, IE, IT, JP, MY, MX, MM, NZ, PH, QA, RO, ZA, ES, CH, AE, US"
STATE_COUNTRIES = frozenset(_STATE_COUNTRY_CODES.split(", "))
# The straight apostrophe and the signs that transliterations put in its place.
_APOSTROPHES = frozenset("'`\u2019\u2018\u02bb")

# Names in use beside those of the standard, by code.
_MORE_COUNTRY_NAMES = {
    "CZ": ("Czech Republic",),
    "CI": ("Ivory Coast",),
    "GB": ("Great Britain", "UK"),
    "MM": ("Burma",),
    "NL": ("Netherlands", "The Netherlands", "Holland"),
    "RU": ("Russia",),
    "SZ": ("Swaziland",),
    "TR": ("Turkey", "Turkiye"),
    "US": ("United States of America", "USA"),
    "AE": ("UAE",),
    "MK": ("Macedonia",),
    "CV": ("Cape Verde",),
    "VA": ("Vatican City",),
    "BN": ("Brunei",),
    "CD": ("Democratic Republic of the Congo",),
    "FM": ("Micronesia",),
    "PS": ("Palestine",),
    "VG": ("British Virgin Islands",),
    "VI": ("U.S. Virgin Islands",),
}
_MORE_STATE_NAMES = {
    "DE-BY": ("Bavaria",),
    "DE-HE": ("Hesse",),
    "DE-MV": ("Mecklenburg-Western Pomerania",),
    "DE-NI": ("Lower Saxony",),
    "DE-NW": ("North Rhine-Westphalia",),
    "DE-RP": ("Rhineland-Palatinate",),
    "DE-SN": ("Saxony",),
    "DE-ST": ("Saxony-Anhalt",),
    "DE-TH": ("Thuringia",),
    "AT-2": ("Carinthia",),
    "AT-3": ("Lower Austria",),
    "AT-4": ("Upper Austria",),
    "AT-6": ("Styria",),
    "AT-7": ("Tyrol",),
    "AT-9": ("Vienna",),
    "AE-AJ": ("Ajman",),
    "AE-AZ": ("Abu Dhabi",),
    "AE-DU": ("Dubai",),
    "AE-FU": ("Fujairah",),
    "AE-RK": ("Ras al-Khaimah",),
    "AE-SH": ("Sharjah",),
    "AE-UQ": ("Umm al-Quwain",),
    "CH-GE": ("Geneva",),
    "CH-LU": ("Lucerne",),
    "CH-ZH": ("Zurich",),
    "MX-CMX": ("Mexico City",),
    "MX-COA": ("Coahuila",),
    "MX-MEX": ("State of Mexico", "Estado de México"),
    "MX-MIC": ("Michoacan",),
    "MX-VER": ("Veracruz",),
    "CL-RM": ("Santiago Metropolitan",),
    "RO-B": ("Bucharest",),
    "ID-JK": ("Jakarta",),
    "QA-DA": ("Doha",),
}


@dataclass(slots=True)
class State:
    """A subdivision of a country; `code` is without the country's prefix."""

    code: str
    name: str
    names: frozenset[str] = frozenset()


@dataclass(slots=True)
class Country:
    """A country; states are known only where addresses need them."""

    code: str
    name: str
    states: dict[str, State] = field(default_factory=dict)

    @property
    def has_states(self) -> bool:
        """Whether addresses there carry a state (docs/api/better_b2b.md#state-countries)."""
        return self.code in STATE_COUNTRIES

    def state_by_name(self, name: str) -> State | None:
        """The state of a name, accents and case aside."""
        folded = fold(name)
        return next((state for state in self.states.values() if folded in state.names), None)

    def state_by_code(self, code: str) -> State | None:
        """The state of a code."""
        return self.states.get(code.strip().upper())


def fold(name: str) -> str:
    """A name for comparison: without accents, apostrophes, case and doubled blanks."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return " ".join("".join(each for each in plain if each not in _APOSTROPHES).casefold().split())


@cache
def countries() -> dict[str, Country]:
    """All countries by code."""
    return {entry.alpha_2: Country(entry.alpha_2, _shown_name(entry), _states(entry.alpha_2)) for entry in _entries()}


def country_by_code(code: str) -> Country | None:
    """A country by its two letters."""
    return countries().get(code.strip().upper())


def country_by_name(name: str) -> Country | None:
    """A country by any name in use."""
    code = _codes_by_name().get(fold(name))
    return countries()[code] if code is not None else None


@cache
def _codes_by_name() -> dict[str, str]:
    by_name: dict[str, str] = {}
    for entry in _entries():
        more = (getattr(entry, "common_name", ""), getattr(entry, "official_name", ""))
        for name in (entry.name, *more, *_MORE_COUNTRY_NAMES.get(entry.alpha_2, ())):
            if name:
                by_name.setdefault(fold(name), entry.alpha_2)
    return by_name


def _entries() -> list[pycountry.db.Data]:
    return list(pycountry.countries)


def _shown_name(entry: pycountry.db.Data) -> str:
    if entry.alpha_2 == "NL":
        return "Netherlands"  # the standard now says "Netherlands, Kingdom of the"
    return str(getattr(entry, "common_name", entry.name))


def _states(country_code: str) -> dict[str, State]:
    if country_code not in STATE_COUNTRIES:
        return {}
    states = {}
    for entry in pycountry.subdivisions.get(country_code=country_code):  # type: ignore[no-untyped-call]  # the library leaves it untyped
        code = entry.code.partition("-")[2]
        names = (entry.name, *_MORE_STATE_NAMES.get(entry.code, ()))
        states[code] = State(code, entry.name, frozenset(fold(name) for name in names))
    return states
