"""Which of the store's countries and states the source means. Pure.

What is sent is what the store lists: its code and its name. A text is looked for among those first, then by what ISO
3166, CLDR and usage call a place; what fits none, or two, is not guessed (docs/connector-file.md#geography).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, NamedTuple

from customer_sync.model.customer import Customer, PostalAddress
from customer_sync.model.place import Place
from customer_sync.model.place_names import (
    Ids,
    country_codes,
    country_ids,
    country_name,
    fold,
    parent_states,
    state_by_code,
    state_codes,
    state_ids,
    state_name,
)
from customer_sync.settings.mapping import Geography

STATE_COUNTRIES: Final = frozenset(
    "AR AU AT BR CA CL DE IN ID IE IT JP MY MX MM NZ PH QA RO ZA ES CH AE US".split()  # noqa: SIM905 - one line to read
)
"""Countries for which the store wants a state (docs/api/better_b2b.md#state-countries)."""

_MAX_TEXT_CHARS: Final = 200
_SUGGESTED_MOST: Final = 4
_BEGINNING_CHARS: Final = 3


class Match(NamedTuple):
    """What a text means.

    Attributes:
        place: The store's country or state; ``None`` where it is none, or could be several.
        suggested: Names that may be meant instead.
    """

    place: Place | None
    suggested: tuple[str, ...] = ()

    @property
    def hint(self) -> str:
        """A question for people, ``""`` where nothing is alike."""
        *others, last = self.suggested or ("",)
        return f"; did you mean {', '.join(others) + ' or ' if others else ''}{last}?" if last else ""


class _Table:
    """One list of the store, and what its places are called elsewhere."""

    def __init__(self, places: Sequence[Place], ids_of: Callable[[Place], Ids]) -> None:
        self._places = places
        self._ids_of = ids_of
        self._ids: dict[Place, Ids] = {}
        self._by_name: dict[str, list[Place]] = {}
        self._by_code: dict[str, list[Place]] = {}
        for place in places:
            self._by_name.setdefault(fold(place.name), []).append(place)
            self._by_code.setdefault(place.code.casefold(), []).append(place)

    def ids_of(self, place: Place) -> Ids:
        """Which places of ISO 3166 a place is; names that are known in other languages only take time to look up."""
        if place not in self._ids:
            self._ids[place] = self._ids_of(place)
        return self._ids[place]

    def exactly(self, text: str) -> list[Place]:
        """Places with this code or this name."""
        return self._by_name.get(fold(text)) or self._by_code.get(text.strip().replace(".", "").casefold(), [])

    def among(self, ids: Ids) -> list[Place]:
        """Places that are one of these; one that could be another as well only where no other is."""
        found = [place for place in self._places if self.ids_of(place) & ids] if ids else []
        return [place for place in found if self.ids_of(place) <= ids] or found

    def alike(self, text: str) -> tuple[str, ...]:
        """Names that a text may be a slip of."""
        names, folded = {name: places[-1].name for name, places in self._by_name.items()}, fold(text)
        begin_so = [name for name in names if len(folded) >= _BEGINNING_CHARS and name.startswith(folded)]
        close = get_close_matches(folded, names, n=_SUGGESTED_MOST, cutoff=0.75)
        return tuple(names[each] for each in dict.fromkeys([*begin_so, *close]))[:_SUGGESTED_MOST]


class StorePlaces:
    """The store's countries and states, and the connector's corrections.

    Args:
        countries: As the store lists them; empty where it lists none: then what ISO 3166 and CLDR call them.
        states: Country's code -> its states as the store lists them; the same for those that it does not list.
        geography: Corrections, and states where the source has none.
    """

    def __init__(
        self,
        countries: Sequence[Place] = (),
        states: Mapping[str, Sequence[Place]] | None = None,
        *,
        geography: Geography,
    ) -> None:
        self._geography = geography
        self._countries = _table_of(tuple(countries) or _standard_countries())
        self._states = dict(states or {})
        self._tables: dict[str, _Table] = {}
        self._found_countries: dict[str, Match] = {}
        self._found_states: dict[tuple[str, str], Match] = {}

    def country(self, text: str) -> Match:
        """Find the country that the source means by a code or a name in any language."""
        if len(text) > _MAX_TEXT_CHARS:
            return Match(None)
        if text not in self._found_countries:
            own = self._geography.countries_folded.get(text.casefold(), text)
            found = self._countries.exactly(own) or self._countries.among(country_ids(own))
            self._found_countries[text] = _one_of(found) if found else Match(None, self._countries.alike(own))
        return self._found_countries[text]

    def state(self, text: str, country: Place) -> Match:
        """Find the state of a country of the store that the source means."""
        if len(text) > _MAX_TEXT_CHARS:
            return Match(None)
        key = (text, country.code)
        if key not in self._found_states:
            own = self._geography.states_folded.get(country.code.casefold(), {}).get(text.casefold(), text)
            self._found_states[key] = self._find_state(own, country)
        return self._found_states[key]

    def state_of(self, address: PostalAddress, country: Place) -> Match:
        """The state of an address; where it names none, the one that the connector file gives for the country."""
        text = address.state or self._geography.default_states_folded.get(country.code.casefold(), "")
        return self.state(text, country) if text else Match(None)

    def needed(self, customers: Iterable[Customer]) -> set[str]:
        """Codes of the countries of some customers whose states have to be known."""
        texts = {address.country for customer in customers for address in _addresses(customer) if address.country}
        found = (self.country(text).place for text in texts)
        return {place.code for place in found if place is not None and place.code in STATE_COUNTRIES}

    def _find_state(self, text: str, country: Place) -> Match:
        table = self._table(country)
        code = country.code
        by_code = state_by_code(text, code)
        exact = table.exactly(text)
        if exact and not _is_name(text, exact) and not any(by_code & table.ids_of(place) for place in exact):
            # The store's code for one state is ISO's for another, which the store may list, too.
            other = [place for place in table.among(by_code) if place.code not in {each.code for each in exact}]
            return _one_of([*exact, *other] if other else _spelled(exact, code))
        if exact:
            return _one_of(_spelled(exact, code))
        ids = by_code or state_ids(text, code)
        found = table.among(ids) or table.among(_parents(ids, code))
        if found:
            return _one_of(_spelled(found, code))
        inside = _children(ids, code)
        parts = table.among(inside)
        if parts and len(inside) == 1:
            return _one_of(parts)
        return Match(None, tuple(part.name for part in parts[:_SUGGESTED_MOST]) or table.alike(text))

    def _table(self, country: Place) -> _Table:
        code = country.code
        if code not in self._tables:
            self._tables[code] = _table_of(tuple(self._states.get(code) or ()) or _standard_states(code), code)
        return self._tables[code]


@lru_cache(maxsize=256)
def _table_of(places: tuple[Place, ...], country_code: str = "") -> _Table:
    """A country's states, or all countries; a run's batches and steps ask for the same lists."""
    return _Table(places, (lambda place: _state_ids_of(place, country_code)) if country_code else _country_ids_of)


def _one_of(found: Sequence[Place]) -> Match:
    if len({place.code for place in found}) == 1:
        return Match(found[0])
    return Match(None, tuple(place.name for place in found[:_SUGGESTED_MOST]))


def _spelled(found: Sequence[Place], country_code: str) -> Sequence[Place]:
    """Of several names for one code, the usual one first: a store lists AE four times, for each part of the world."""
    usual = [place for place in found if fold(place.name) == fold(_usual_name(place, country_code))]
    return [*usual, *found]


def _usual_name(place: Place, country_code: str) -> str:
    return state_name(place.code, country_code) if state_by_code(place.code, country_code) else ""


def _is_name(text: str, found: Sequence[Place]) -> bool:
    return any(fold(text) == fold(place.name) for place in found)


def _children(ids: Ids, country_code: str) -> Ids:
    return frozenset(child for child, parent in parent_states(country_code).items() if parent in ids)


def _parents(ids: Ids, country_code: str) -> Ids:
    parents = parent_states(country_code)
    return frozenset(parents[each] for each in ids if each in parents)


def _country_ids_of(place: Place) -> Ids:
    return country_ids(place.code) or country_ids(place.name)


def _state_ids_of(place: Place, country_code: str) -> Ids:
    by_name, by_code = state_ids(place.name, country_code), state_by_code(place.code, country_code)
    return (by_name & by_code) or by_name or by_code or state_ids(place.code, country_code)


def _addresses(customer: Customer) -> Iterable[PostalAddress]:
    yield customer.main_address
    yield customer.billing.address
    for location in customer.locations:
        yield location.address


def _standard_countries() -> tuple[Place, ...]:
    return tuple(Place(code, country_name(code)) for code in country_codes())


def _standard_states(country_code: str) -> tuple[Place, ...]:
    return tuple(Place(code, state_name(code, country_code)) for code in state_codes(country_code))
