"""What people call countries and states: ISO 3166 and CLDR in every language that they have, and former names. Pure.

Tables that packages bring (pycountry with the translations of iso-codes, Babel with CLDR) and ``place_names.json`` are
read once, those of other languages only when a name is not known without them. Which names a store takes is not
decided here (``rules/places.py``).
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import pycountry
from babel import Locale, localedata

from customer_sync.model.gettext_catalog import translations_in

Ids = frozenset[str]
"""Codes of ISO 3166: of countries, or of states without their country's."""

_NOBODY: Final[Ids] = frozenset()
_APOSTROPHES: Final = re.compile(r"[.'`´ʻʼ‘’]")  # noqa: RUF001 - the signs that transliterations use
_NO_WORDS: Final = re.compile(r"[^\w]+")
_BRACKETS: Final = re.compile(r"^(.*?)\s*[\[(](.*?)[\])]\s*$")
_KIND_WORDS: Final = (
    "state free province prefecture region county department territory emirate canton governorate municipality "
    "district federal union of the and land freistaat kanton provincia estado departamento judetul judet contae co "
    "ken to fu do oblast wilayah persekutuan daerah istimewa propinsi provinsi"
)
_KINDS: Final = frozenset(_KIND_WORDS.split())
"""Words that say what a state is and not which."""
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_LAST_SIGNS: Final = ("都", "府", "県", "省", "州", "市")

T = TypeVar("T")


class _CountryEntry(msgspec.Struct):
    alpha_2: str
    alpha_3: str
    name: str
    common_name: str = ""
    official_name: str = ""


class _StateEntry(msgspec.Struct):
    code: str
    name: str
    parent: str = ""


class _Former(msgspec.Struct):
    alpha_2: str
    name: str


class _OwnNames(msgspec.Struct):
    countries: dict[str, list[str]]
    english_states: dict[str, dict[str, str]]
    other_states: dict[str, dict[str, list[str]]]


class _WithoutMarks(dict[int, int | None]):
    """What becomes of each character where combining marks go; filled as they are met."""

    def __missing__(self, sign: int) -> int | None:
        self[sign] = found = None if unicodedata.combining(chr(sign)) else sign
        return found


_WITHOUT_MARKS: Final = _WithoutMarks()


def fold(name: str) -> str:
    """A name for comparison: without accents, case, apostrophes, dots, and signs between words."""
    plain = name if name.isascii() else unicodedata.normalize("NFKD", name).translate(_WITHOUT_MARKS)
    return " ".join(_NO_WORDS.sub(" ", _APOSTROPHES.sub("", plain.casefold()).replace("&", " and ")).split())


@lru_cache(maxsize=1024)
def country_ids(text: str) -> Ids:
    """Which countries a code or a name in any language means; several where it fits several."""
    # A code is read as it is written: a sign between words stands for a word, and for no code.
    code = unicodedata.normalize("NFKD", text).strip().replace(".", "").casefold()
    folded = fold(text)
    found = _codes().get(code) or _countries_called(folded) or _countries_called(folded.removeprefix("the "))
    return found or (_NOBODY if _is_code(folded) else _countries_abroad().get(folded, _NOBODY))


def country_name(code: str) -> str:
    """The everyday English name of a country, ``""`` for a code that is none."""
    return str(Locale("en").territories.get(code, "")) if len(code) == 2 else ""  # noqa: PLR2004 - ISO 3166-1 alpha-2


def country_codes() -> list[str]:
    """Every country's code."""
    return sorted({*(entry.alpha_2 for entry in _entries("iso3166-1.json", "3166-1", _CountryEntry)), "XK"})


def state_by_code(text: str, country_code: str) -> Ids:
    """Which state of a country an ISO code means, with or without the country's in front."""
    code = text.strip().upper().replace(".", "").removeprefix(f"{country_code}-")
    return frozenset((code,)) if code in _states(country_code) else _NOBODY


def state_ids(text: str, country_code: str) -> Ids:
    """Which states of a country a name in any language means: the exact name, else without what says *province*."""
    folded = fold(text)
    found = _named(folded, _state_names(country_code))
    return found or (_NOBODY if _is_code(folded) else _named(folded, _state_names_abroad(country_code)))


def _named(folded: str, names: Mapping[str, Ids]) -> Ids:
    return names.get(folded) or names.get(_without_kind(folded), _NOBODY)


def _is_code(folded: str) -> bool:
    """Whether a text is too short for a name: those of two or three letters are in other scripts."""
    return folded.isascii() and len(folded) <= 3  # noqa: PLR2004 - see above


def state_name(code: str, country_code: str) -> str:
    """A state's name in English where CLDR has one, else as it is called there."""
    english = _own().english_states.get(country_code, {}).get(code)
    return english or _variants(_states(country_code)[code])[0]


def state_codes(country_code: str) -> list[str]:
    """Codes of the states of a country that are not divided further in ISO 3166-2, and of those that have no parent."""
    parents = set(parent_states(country_code).values())
    return sorted(code for code in _states(country_code) if code not in parents)


@cache
def parent_states(country_code: str) -> Mapping[str, str]:
    """State -> the larger one that it lies in, where ISO 3166-2 has both."""
    prefix = f"{country_code}-"
    return {
        entry.code.removeprefix(prefix): entry.parent.removeprefix(prefix)
        for entry in _subdivisions()[country_code]
        if entry.parent
    }


@cache
def _countries() -> Mapping[str, Ids]:
    """Folded name -> country: ISO 3166, and names of our own list."""
    found: list[tuple[str, str]] = []
    for entry in _entries("iso3166-1.json", "3166-1", _CountryEntry):
        for name in (entry.name, entry.common_name, entry.official_name):
            found += [(variant, entry.alpha_2) for variant in _variants(name)]
    found += [(name, code) for code, names in _own().countries.items() for name in names]
    return _by_name(found)


@cache
def _codes() -> Mapping[str, Ids]:
    """Code of two or three letters -> country; Kosovo's belongs to those that ISO leaves to users."""
    entries = _entries("iso3166-1.json", "3166-1", _CountryEntry)
    pairs = [(code.casefold(), entry.alpha_2) for entry in entries for code in (entry.alpha_2, entry.alpha_3)]
    return {code: frozenset((country,)) for code, country in [*pairs, ("xk", "XK")]}


def _countries_called(folded: str) -> Ids:
    return _countries().get(folded) or _countries_in_english().get(folded, _NOBODY)


@cache
def _countries_in_english() -> Mapping[str, Ids]:
    """Names of countries in English: none that ISO 3166 has means another country here."""
    return _by_name(_cldr("en"))


@cache
def _countries_abroad() -> Mapping[str, Ids]:
    """Names of countries in all languages of CLDR, and names that ISO 3166 has withdrawn."""
    spoken = sorted(name for name in localedata.locale_identifiers() if "_" not in name)
    found = [pair for name in (*spoken, "zh_Hant") for pair in _cldr(name)]
    present = {entry.alpha_2 for entry in _entries("iso3166-1.json", "3166-1", _CountryEntry)}
    former = _entries("iso3166-3.json", "3166-3", _Former)
    found += [(entry.name, entry.alpha_2) for entry in former if entry.alpha_2 in present]
    return _by_name(set(found))


def _cldr(language: str) -> Iterator[tuple[str, str]]:
    for code, name in Locale.parse(language).territories.items():
        if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"}:  # noqa: PLR2004 - as above
            yield str(name), code


def _states(country_code: str) -> Mapping[str, str]:
    """Code -> name; the armed forces' addresses of the United States are in no standard of ISO."""
    states = _state_tables().get(country_code, {})
    return {**states, **_MILITARY} if country_code == "US" else states


_MILITARY: Final = {"AA": "Armed Forces Americas", "AE": "Armed Forces Europe", "AP": "Armed Forces Pacific"}


@cache
def _state_tables() -> Mapping[str, Mapping[str, str]]:
    return {
        country: {entry.code.partition("-")[2]: entry.name for entry in entries}
        for country, entries in _subdivisions().items()
    }


@cache
def _subdivisions() -> Mapping[str, list[_StateEntry]]:
    found: dict[str, list[_StateEntry]] = defaultdict(list)
    for entry in _entries("iso3166-2.json", "3166-2", _StateEntry):
        found[entry.code.partition("-")[0]].append(entry)
    return found


@cache
def _state_names(country_code: str) -> Mapping[str, Ids]:
    named = [(variant, code) for code, name in _states(country_code).items() for variant in _variants(name)]
    named += [(name, code) for code, name in _own().english_states.get(country_code, {}).items()]
    others = _own().other_states.get(country_code, {})
    named += [(name, code) for code, names in others.items() for name in names]
    return _with_kindless(named)


@cache
def _state_names_abroad(country_code: str) -> Mapping[str, Ids]:
    states = _states(country_code)
    translations = _translations(states.values())
    return _with_kindless(
        (variant, code)
        for code, name in states.items()
        for translated in translations.get(name, ())
        for part in translated.split(";")
        for variant in _variants(part)
    )


def _translations(names: Collection[str]) -> Mapping[str, set[str]]:
    """A state's name in ISO 3166-2 -> what it is called in other languages."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(Path(pycountry.LOCALES_DIR).glob("*/LC_MESSAGES/iso3166-2.mo")):
        for name, translated in translations_in(path.read_bytes(), names):
            found[name].add(translated)
    return found


def _with_kindless(named: Iterable[tuple[str, str]]) -> Mapping[str, Ids]:
    """Names by themselves, and without the words that say what a state is, where no other is called so."""
    pairs = _folded(named)
    return {**_by_folded((_without_kind(name), code) for name, code in pairs), **_by_folded(pairs)}


def _without_kind(folded: str) -> str:
    words = [word for word in folded.split() if word not in _KINDS]
    short = " ".join(words) or folded
    return short[:-1] if short.endswith(_LAST_SIGNS) and len(short) > 2 else short  # noqa: PLR2004 - two signs are a name


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, Ids]:
    return _by_folded(_folded(pairs))


def _folded(named: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names for comparison, those with umlauts also as they are written where the keys for them are missing."""
    found: list[tuple[str, str]] = []
    for name, code in named:
        found.append((fold(name), code))
        if not name.isascii() and (spelled_out := name.translate(_UMLAUTS)) != name:
            found.append((fold(spelled_out), code))
    return found


def _by_folded(pairs: Iterable[tuple[str, str]]) -> dict[str, Ids]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, code in pairs:
        found[name].add(code)
    found.pop("", None)
    return {name: frozenset(codes) for name, codes in found.items()}


def _variants(name: str) -> list[str]:
    """A name of ISO's lists as people write it: ``Catalunya [Cataluña]``, ``Murcia, Región de``."""
    if not name:
        return []
    bracketed = _BRACKETS.match(name)
    parts = [part for part in bracketed.groups() if part] if bracketed else [name]
    found = []
    for part in parts:
        head, comma, tail = part.partition(", ")
        found += [f"{tail} {head}", head] if comma else [part]
    return [*found, name]


@cache
def _own() -> _OwnNames:
    return msgspec.json.decode(Path(__file__).with_name("place_names.json").read_bytes(), type=_OwnNames)


@cache
def _entries(file: str, root: str, entry_type: type[T]) -> list[T]:
    """Read a table as pycountry brings it; its own objects take fifty times as long to make."""
    content = Path(pycountry.DATABASE_DIR, file).read_bytes()
    return msgspec.json.decode(content, type=dict[str, list[entry_type]])[root]  # type: ignore[valid-type] # a type that is handed over
