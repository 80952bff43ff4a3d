"""Proposals for section ``source``: which place holds each fact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from customer_sync.discovery import weights
from customer_sync.discovery.columns import holds_several, is_flag, sample_of, texts
from customer_sync.discovery.description import Concept, Place, SourceDescription
from customer_sync.discovery.proposal import Option, Proposal
from customer_sync.discovery.scoring import Choice, choose, shown

_MOST_OPTIONS: Final = 8


def propose_places(source: SourceDescription) -> dict[str, Proposal]:
    """Propose every setting of section ``source`` that names a place, and those that other facts settle."""
    found = {
        f"source.{concept.setting}": _proposal(concept, source.places.get(concept.record, ()), source)
        for concept in source.concepts
        if concept.setting not in source.fixed
    }
    _leave_to_the_customer(found)
    for setting, (value, confidence, why) in source.fixed.items():
        found[f"source.{setting}"] = Proposal(value, confidence, why, question=f"What is source.{setting}?")
    return found


def _leave_to_the_customer(found: dict[str, Proposal]) -> None:
    """The customer's own field names the primary contact where there is one; a mark on contacts may say the same."""
    mark, number = found.get("source.contact.is_primary"), found.get("source.customer.primary_contact_id")
    if mark is None or number is None or mark.value is None or number.value is None:
        return
    options = (Option(mark.value, f"the mark on the contact: {mark.why}", mark.sample), *mark.options)
    why = "the customer's own field names the primary contact; contacts bear a mark as well"
    found["source.contact.is_primary"] = Proposal(
        None, weights.NAME_ALONE, why, mark.sample, "Which field marks the primary contact?", options
    )


def chosen_place(source: SourceDescription, setting: str, value: Any) -> Place | None:
    """The place that a setting's value names, ``None`` where it names several or none."""
    wanted = value if not isinstance(value, dict) else {name: each for name, each in value.items() if name != "convert"}
    if isinstance(wanted, dict) and wanted.keys() == {"field"}:
        wanted = wanted["field"]
    places = source.places.get(setting.partition(".")[0], ())
    return next((each for each in places if each.value == wanted), None)


def _proposal(concept: Concept, places: Sequence[Place], source: SourceDescription) -> Proposal:
    choices = [choose(concept, ways, places) for ways in concept.elements]
    chosen = [choice for choice in choices if choice.place is not None]
    if not chosen:
        return _nothing(concept, places, choices, source)
    found = [choice.place for choice in chosen if choice.place is not None]
    values = list(dict.fromkeys(_hashable(place.value) for place in found))
    value: Any = found[0].value if len(values) == 1 else [place.value for place in found]
    why = "; ".join(dict.fromkeys(choice.why for choice in chosen))
    if len(found) == 1 and concept.looks == "email" and holds_several(found[0].column):
        place = found[0].value
        value = {**({"field": place} if isinstance(place, str) else place), "convert": ["first"]}
        why += "; records hold several addresses, of which the first is taken"
    others = [place for choice in choices for place in choice.others]
    return Proposal(
        value,
        min(choice.confidence for choice in chosen),
        why,
        sample_of(found[0].column, concept.mask),
        concept.question,
        _options(concept, others, places),
    )


def _nothing(
    concept: Concept, places: Sequence[Place], choices: Sequence[Choice], source: SourceDescription
) -> Proposal:
    others = [place for choice in choices for place in choice.others]
    options = _options(concept, others, places)
    if not concept.is_optional:
        usual = [ways[0].default for ways in concept.elements]
        value = usual[0] if len(usual) == 1 else usual
        why = "no field of such a name was found; this is where the product keeps it"
        return Proposal(value, weights.NOTHING_FOUND, why, "", concept.question, options)
    if others or (concept.looks == "flag" and len(options) > 1):
        return Proposal(None, weights.WITH_RIVALS, "no field is plainly the one", "", concept.question, options)
    is_certain = source.is_whole or not concept.must_be_seen
    confidence = weights.NONE_BY_DESIGN if is_certain and not concept.none_is_asked else weights.NONE_UNSEEN
    why = "there is no such field" if is_certain else "no such field was found, but not everything could be looked at"
    return Proposal(None, confidence, why, "", concept.question, options)


def _options(concept: Concept, others: Sequence[Place], places: Sequence[Place]) -> tuple[Option, ...]:
    """The places that scored, then others whose values fit; and none, where there may be none."""
    found = list(others)
    if concept.looks == "flag":
        found += [each for each in places if not each.is_known and each not in found and _is_switch(each)]
    options = [Option(each.value, shown(each), sample_of(each.column, concept.mask)) for each in found[:_MOST_OPTIONS]]
    if concept.is_optional:
        options.append(Option(None, "none"))
    return tuple(options)


def _is_switch(place: Place) -> bool:
    if texts(place.column):
        return is_flag(place.column)
    return place.kind == "flag" and place.standing != "linked"


def _hashable(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
