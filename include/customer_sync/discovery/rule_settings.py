"""Proposals for the rules: who is eligible, which contacts and locations, what terms mean, which places are unusual."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from customer_sync.discovery import weights
from customer_sync.discovery.columns import ON, codes, sample_of
from customer_sync.discovery.description import Place, SourceDescription, StoreDescription
from customer_sync.discovery.proposal import Option, Proposal
from customer_sync.discovery.source_settings import chosen_place
from customer_sync.settings.connector import Connector

Settings = Mapping[str, Proposal]

_NUMBER: Final = re.compile(r"\d+")
_TERM_DAYS: Final = frozenset({5, 15, 30, 45, 60})
_WITHOUT_CREDIT: Final = frozenset({"cod", "pia", "cia", "prepay", "prepaid", "prepayment", "cash", "cc"})
_MOST_SHOWN: Final = 8
_INACTIVE: Final = "inactive"


def propose_rules(
    source: SourceDescription, store: StoreDescription | None, settings: Settings, usual: Connector
) -> dict[str, Proposal]:
    """Propose the sections that say who belongs in the store and what a customer becomes there.

    Args:
        source: What the source says.
        store: What the store says, ``None`` where none was asked.
        settings: Section ``source`` as proposed.
        usual: A connector at its defaults.
    """
    return {
        **_opt_in("eligibility", "customer.enabled", settings, "a customer"),
        **_opt_in("contacts", "contact.enabled", settings, "a contact"),
        **_locations(source, settings),
        "eligibility.types": _types(source, settings, usual),
        "eligibility.connection_type": _connection_type(source, settings, usual),
        **_statuses(source, settings, usual),
        "terms": _terms(source, store, settings),
        "geography.countries": _countries(source, store),
    }


def _opt_in(section: str, field: str, settings: Settings, who: str) -> dict[str, Proposal]:
    switch = settings[f"source.{field}"]
    is_read = switch.value is not None
    why = f"source.{field} names its switch" if is_read else f"no switch of {who} was found"
    question = f"Must {who} be switched on for the store?"
    other = () if not is_read else (Option(value=False, says="no: the switch is not read"),)
    # As certain as the switch, and settled by the same answer.
    return {f"{section}.opt_in_required": Proposal(is_read, switch.confidence, why, "", question, other)}


def _locations(source: SourceDescription, settings: Settings) -> dict[str, Proposal]:
    place = _place(source, settings, "location.enabled")
    values = codes(place.column if place else None)
    said = {text.casefold() in ON for text in values.elements()}
    question = "Must a location be switched on to become an address?"
    if len(said) > 1:
        why = "locations have a switch, on for some and off for others"
        options = (Option(value=True, says="yes: those that are switched on"),)
        found = Proposal(value=False, confidence=weights.WITH_RIVALS, why=why, question=question, options=options)
    else:
        found = Proposal(
            value=False, confidence=weights.DEFAULT, why="locations of an eligible customer count as switched on"
        )
    return {"locations.opt_in_required": found}


def _types(source: SourceDescription, settings: Settings, usual: Connector) -> Proposal:
    question = "Which types of customers belong in the store?"
    default = list(usual.eligibility.types)
    counted = codes(_column(source, settings, "customer.type"))
    if not counted:
        return Proposal(default, weights.NAME_ALONE, "no type of a customer was seen", "", question)
    wanted = {text.casefold() for text in default}
    alike = [text for text in counted if any(each in text.casefold() for each in wanted)]
    exact = [text for text in alike if text.casefold() in wanted]
    options = _options(counted, as_list=True)
    if exact and len(alike) == len({text.casefold() for text in exact}):
        certain = settings["source.customer.type"].confidence
        why = f"{sum(counted[text] for text in exact)} of {counted.total()} customers that were looked at are of it"
        return Proposal(default, min(weights.DEFAULT, certain), why, exact[0], question, options)
    if alike:
        return Proposal(alike, weights.WITH_RIVALS, "several types are alike", ", ".join(alike), question, options)
    return Proposal(
        default, weights.NOTHING_FOUND, "no customer that was looked at is of it", _shown(counted), question, options
    )


def _connection_type(source: SourceDescription, settings: Settings, usual: Connector) -> Proposal:
    default = usual.eligibility.connection_type
    field = settings["source.customer.connection_type"]
    if field.value is None:
        return Proposal(default, max(field.confidence, weights.CERTAIN), "it is not read: no field holds one")
    question = "Which connection type marks the customers of this store?"
    counted = codes(_column(source, settings, "customer.connection_type"))
    if default.casefold() in {text.casefold() for text in counted}:
        why = f"{counted.total()} customers that were looked at bear one"
        return Proposal(default, field.confidence, why, _shown(counted), question, _options(counted))
    if not counted:
        return Proposal(default, weights.NAME_ALONE, "none was seen; this is the usual one", "", question)
    value = counted.most_common(1)[0][0]
    why = f"no customer that was looked at bears {default}"
    return Proposal(value, weights.WITH_RIVALS, why, _shown(counted), question, _options(counted))


def _statuses(source: SourceDescription, settings: Settings, usual: Connector) -> dict[str, Proposal]:
    rules = usual.eligibility
    known = rules.sync_statuses_folded | rules.hold_statuses_folded | {_INACTIVE}
    counted = codes(_column(source, settings, "customer.status"))
    strange = [text for text in counted if text.casefold() not in known]
    found: dict[str, Proposal] = {}
    for name, value in (("sync_statuses", rules.sync_statuses), ("hold_statuses", rules.hold_statuses)):
        path = f"eligibility.{name}"
        if not strange:
            found[path] = Proposal(list(value), weights.DEFAULT, "every status that was seen is known", _shown(counted))
            continue
        what = "sync" if name == "sync_statuses" else "keep a company as it is"
        why = f"nobody has said what {', '.join(strange[:_MOST_SHOWN])} means"
        more = (Option([*value, *strange], "these and what is not known yet"),)
        question = f"Which statuses {what}?"
        found[path] = Proposal(list(value), weights.WITH_RIVALS, why, _shown(counted), question, more)
    return found


def _terms(source: SourceDescription, store: StoreDescription | None, settings: Settings) -> Proposal:
    question = "What do the customers' terms mean in the store?"
    methods = ", ".join(store.payment_methods) if store else ""
    counted = codes(_column(source, settings, "customer.terms"))
    if settings["source.customer.terms"].value is None:
        return Proposal({}, weights.DEFAULT, "no terms are read")
    days = {text: rule for text in sorted(counted) if (rule := _term_rule(text)) is not None}
    why = "payment terms in the store are left alone until somebody says what they mean"
    if methods:
        why += f"; the store's payment methods are {methods}"
    options = (Option(days, "as their names say, payment methods left alone"),) if days else ()
    return Proposal({}, weights.WITH_RIVALS, why, _shown(counted), question, options)


def _term_rule(text: str) -> dict[str, Any] | None:
    if text.casefold() in _WITHOUT_CREDIT:
        return {"enabled": False}
    numbers = [int(each) for each in _NUMBER.findall(text)]
    # 2/10 net 30 names a discount as well: what is meant is not plain.
    return {"days": numbers[0]} if len(numbers) == 1 and numbers[0] in _TERM_DAYS else None


def _countries(source: SourceDescription, store: StoreDescription | None) -> Proposal:
    if store is None or not store.countries or not source.countries:
        return Proposal({}, weights.DEFAULT, "corrections are added when a run names a country that it cannot place")
    known = {text.casefold() for place in store.countries for text in (place.code, place.name)}
    strange = sorted(text for text in source.countries if text.casefold() not in known)
    if not strange:
        why = f"the store knows all {len(source.countries)} countries that were seen"
        return Proposal({}, weights.DEFAULT, why, ", ".join(sorted(source.countries)[:_MOST_SHOWN]))
    why = f"the store does not list {', '.join(strange[:_MOST_SHOWN])}; names in other languages are understood"
    return Proposal({}, weights.NAME_ALONE, why, strange[0], "Which countries do these codes of the ERP mean?")


def _options(counted: Counter[str], *, as_list: bool = False) -> tuple[Option, ...]:
    """Each code that several records bear."""
    shown = [(text, count) for text, count in counted.most_common(_MOST_SHOWN) if count > 1]
    return tuple(Option([text] if as_list else text, f"{count} records", text) for text, count in shown)


def _shown(counted: Counter[str]) -> str:
    return sample_of(tuple(counted.elements()))


def _column(source: SourceDescription, settings: Settings, field: str) -> tuple[Any, ...] | None:
    place = _place(source, settings, field)
    return place.column if place else None


def _place(source: SourceDescription, settings: Settings, field: str) -> Place | None:
    return chosen_place(source, field, settings[f"source.{field}"].value)
