"""Proposals for what a store decides: extra fields, roles, storefronts, catalog, group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from customer_sync.discovery import weights
from customer_sync.discovery.description import SourceDescription, StoreDescription, StoreField
from customer_sync.discovery.proposal import Option, Proposal
from customer_sync.discovery.scoring import shown
from customer_sync.discovery.words import meant, words_of
from customer_sync.settings.connector import Connector

_KEY_WORDS: Final = (frozenset({"customer", "id"}), frozenset({"customer", "number"}), frozenset({"account", "number"}))
_RECORD_WORDS: Final = (frozenset({"record", "id"}), frozenset({"note", "id"}), frozenset({"noteid"}))
_KINDS: Final = {"customer": "company", "contact": "user", "location": "address"}
"""Kind of record of the source -> that of the store."""
_NOT_ASKED: Final = "the store was not looked at; this is the default"


def propose_store(source: SourceDescription, store: StoreDescription | None, usual: Connector) -> dict[str, Proposal]:
    """Propose what depends on the store.

    Args:
        source: What the source says: its fields may fill the store's extra fields.
        store: What the store says; ``None``: it was not asked.
        usual: A connector at its defaults.
    """
    return {
        **{f"source.{kind}.extra_fields": _extra_fields(kind, source, store, usual) for kind in _KINDS},
        "contacts.primary_role": _role("primary_role", usual.contacts.primary_role, store),
        "contacts.other_role": _role("other_role", usual.contacts.other_role, store),
        "store.key_field": _key_field(store, usual),
        "store.record_field": _record_field(store),
        "store.channel_ids": _channels(store, usual),
        "store.origin_channel_id": _origin(store, usual),
        "store.customer_group_id": _group(store),
        "store.catalog_id": _catalog(store),
    }


def _role(name: str, usual: str, store: StoreDescription | None) -> Proposal:
    who = "the primary contact" if name == "primary_role" else "the other contacts"
    question = f"Which role of the store do {who} get?" if name == "other_role" else f"Which role does {who} get?"
    if store is None:
        return Proposal(usual, weights.NAME_ALONE, _NOT_ASKED, "", question)
    options = tuple(Option(role, "a role of the store") for role in store.roles)
    known = {role.casefold(): role for role in store.roles}
    if usual.casefold() in known:
        return Proposal(known[usual.casefold()], weights.DEFAULT, "the store has this role", "", question, options)
    return Proposal(usual, weights.NOTHING_FOUND, "the store has no role of this name", "", question, options)


def _key_field(store: StoreDescription | None, usual: Connector) -> Proposal:
    name = usual.store.key_field
    question = "Which unique extra field of companies, that no shopper sees, holds the customer's number?"
    if store is None:
        return Proposal(name, weights.NAME_ALONE, _NOT_ASKED, "", question)
    fields = store.fields.get("company", ())
    options = tuple(Option(each.name, _traits(each)) for each in fields if each.is_unique)
    found = next((each for each in fields if each.name.casefold() == name.casefold()), None)
    if found is not None:
        if _is_safe(found) and found.is_unique:
            return Proposal(found.name, weights.MOST, "a unique extra field of this name that shoppers do not see")
        why = f"the store has it, but it is {_traits(found)}: make it unique, and hide it from shoppers"
        return Proposal(found.name, weights.WITH_RIVALS, why, "", question, options)
    alike = [each for each in fields if each.is_unique and _is_safe(each) and _means(each, _KEY_WORDS)]
    if alike:
        why = (
            "a unique extra field of such a name" if len(alike) == 1 else "several unique extra fields have such a name"
        )
        return Proposal(alike[0].name, weights.NAME_ALONE, why, "", question, options)
    why = f"the store has no such field: make a unique extra field '{name}' of companies, hidden from shoppers"
    return Proposal(name, weights.NOTHING_FOUND, why, "", question, options)


def _record_field(store: StoreDescription | None) -> Proposal:
    if store is None:
        return Proposal(None, weights.DEFAULT, "it is optional, and the store was not looked at")
    fields = [each for each in store.fields.get("company", ()) if _means(each, _RECORD_WORDS) and _is_safe(each)]
    if not fields:
        return Proposal(None, weights.DEFAULT, "it is optional, and the store has no extra field for it")
    question = "Which hidden extra field of companies holds the ERP's record id?"
    options = (*(Option(each.name, _traits(each)) for each in fields), Option(None, "none"))
    return Proposal(fields[0].name, weights.NAME_ALONE, "an extra field of such a name", "", question, options)


def _channels(store: StoreDescription | None, usual: Connector) -> Proposal:
    default = list(usual.store.channel_ids)
    question = "On which storefronts do new companies belong?"
    if store is None or store.channels is None:
        return Proposal(default, weights.DEFAULT, "the storefront that every store has")
    names = store.channels
    if len(names) == 1:
        (number,) = names
        return Proposal([number], weights.DEFAULT, "the store's only storefront", names[number])
    options = tuple(Option([number], name) for number, name in names.items())
    value = default if set(default) <= names.keys() else [min(names)] if names else default
    why = f"the store has {len(names)} storefronts"
    return Proposal(value, weights.WITH_RIVALS, why, names.get(value[0], ""), question, options)


def _origin(store: StoreDescription | None, usual: Connector) -> Proposal:
    channels = _channels(store, usual)
    question = "From which storefront do new companies come?"
    options = tuple(Option(each.value[0], each.says) for each in channels.options)
    return Proposal(channels.value[0], channels.confidence, channels.why, channels.sample, question, options)


def _group(store: StoreDescription | None) -> Proposal:
    why = "left to the store"
    if store is None or len(store.groups) <= 1:
        return Proposal(None, weights.DEFAULT, why)
    question = "Which customer group do new companies get?"
    options = tuple(Option(group, "in use by companies of the store") for group in store.groups)
    why = "companies of the store are in several customer groups; none: it is left to the store"
    return Proposal(None, weights.NAME_ALONE, why, "", question, options)


def _catalog(store: StoreDescription | None) -> Proposal:
    if store is not None and store.needs_catalogs:
        why = "the store's companies have a catalog each, so that a new one needs one"
        return Proposal(None, weights.NOTHING_FOUND, why, "", "Which catalog do new companies get? (its number)")
    return Proposal(None, weights.DEFAULT, "the store asks for none" if store else "the store was not looked at")


def _extra_fields(kind: str, source: SourceDescription, store: StoreDescription | None, usual: Connector) -> Proposal:
    if store is None:
        return Proposal({}, weights.DEFAULT, "they are optional, and the store was not looked at")
    key = usual.store.key_field.casefold()
    fields = [each for each in store.fields.get(_KINDS[kind], ()) if each.name.casefold() != key]
    matched = {
        each.name: place
        for each in fields
        for place in source.places.get(kind, ())
        if place.standing != "linked" and meant(words_of(each.name)) in {_said(place.name), _said(place.label)}
    }
    required = [each.name for each in fields if each.is_required and not _means(each, _RECORD_WORDS)]
    if not matched and not required:
        return Proposal({}, weights.DEFAULT, "they are optional, and none has the name of a field of the source")
    question = f"Which fields of the {kind} fill the store's extra fields?"
    options = [Option({name: place.value}, f"{name} from {shown(place)}") for name, place in matched.items()]
    why = f"the store demands {', '.join(required)}" if required else "an extra field has the name of a field"
    return Proposal({}, weights.WITH_RIVALS, why, "", question, tuple(options))


def _said(text: str) -> frozenset[str]:
    return meant(words_of(text)) if text else frozenset()


def _is_safe(field: StoreField) -> bool:
    return not field.is_visible and not field.is_required


def _means(field: StoreField, words: Sequence[frozenset[str]]) -> bool:
    said = frozenset(words_of(field.name))
    return any(each <= said for each in words)


def _traits(field: StoreField) -> str:
    traits = ["unique" if field.is_unique else "not unique", "seen by shoppers" if field.is_visible else "hidden"]
    return ", ".join([*traits, *(["required"] if field.is_required else [])])
