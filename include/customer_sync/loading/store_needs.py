"""What a connector file relies on and a store has otherwise, each in a sentence with its remedy, before any write."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from customer_sync.settings.connector import DEFAULT_CHANNEL_ID, Connector
from customer_sync.targets.port import Extended, TargetFacts

_SETTINGS: Final[Mapping[Extended, str]] = {
    "company": "source.customer.extra_fields",
    "user": "source.contact.extra_fields",
    "address": "source.location.extra_fields",
}


def key_faults(facts: TargetFacts, connector: Connector) -> Iterator[str]:
    """Why the extra fields that say whose a company is cannot be relied on."""
    name, known = connector.store.key_field, facts.extra_fields("company")
    if name.casefold() not in known:
        yield (
            f"The store has no company extra field '{name}', which holds the Customer ID. Create it in the store's "
            f"settings for extra fields of companies (text, unique, not shown to shoppers, not required), or set "
            f"store.key_field in {connector.id}.yaml."
        )
    for each in filter(None, (name, connector.store.record_field)):
        found = known.get(each.casefold())
        if found is not None and found.is_visible:
            yield (
                f"The store shows the company extra field '{each}' to shoppers, so that anybody who registers can "
                "pass for a customer: hide it from them in the store's settings (docs/people.md#adoption)."
            )
        if found is not None and found.is_required:
            yield (
                f"The store requires the company extra field '{each}' of every company, so that whoever registers "
                "has to invent one: make it optional in the store's settings (docs/people.md#adoption)."
            )


def mapped_extra_fields(connector: Connector) -> dict[Extended, Collection[str]]:
    """Kind of record -> names of the extra fields that the connector file fills."""
    source = connector.source
    return {
        "company": source.extra_field_names,
        "user": source.contact_extra_field_names,
        "address": source.location_extra_field_names,
    }


def lacking_extra_fields(facts: TargetFacts, connector: Connector) -> Iterator[str]:
    """Why values would be lost: the store drops an extra field that it has not without a word.

    Costs nothing for kinds of records of which the connector file fills none.
    """
    needed = [(kind, name, _SETTINGS[kind]) for kind, names in mapped_extra_fields(connector).items() for name in names]
    if connector.store.record_field:
        needed.append(("company", connector.store.record_field, "store.record_field"))
    missing = [
        f"'{name}' of every {kind} ({setting})"
        for kind, name, setting in needed
        if name.casefold() not in facts.extra_fields(kind)
    ]
    if missing:
        yield (
            f"The store has no extra field {', '.join(missing)}, and would drop what {connector.id}.yaml fills in "
            "there. Create it in the store's settings for extra fields, or take it out of the file."
        )


def unmet_demands(facts: TargetFacts, connector: Connector, kind: Extended) -> list[str]:
    """Extra fields that the store demands of each new record of a kind and the file does not fill."""
    filled = {name.casefold() for name in mapped_extra_fields(connector)[kind]}
    if kind == "company":
        filled.add(connector.store.key_field.casefold())
    known = facts.extra_fields(kind)
    return sorted(each.name for folded, each in known.items() if each.is_required and folded not in filled)


def demand_faults(facts: TargetFacts, connector: Connector) -> Iterator[str]:
    """Why the store would refuse every new record: extra fields that it demands and the file does not fill."""
    missing = [
        f"'{name}' of every {kind} ({setting})"
        for kind, setting in _SETTINGS.items()
        for name in unmet_demands(facts, connector, kind)
    ]
    if missing:
        yield (
            f"The store demands the extra field {', '.join(missing)}, and {connector.id}.yaml does not fill it. "
            "Map it there, or make it optional in the store's settings."
        )


def storefront_faults(facts: TargetFacts, connector: Connector) -> Iterator[str]:
    """Why people could not buy: the store takes a storefront that it has not without a word."""
    named = connector.store.storefronts - {DEFAULT_CHANNEL_ID}
    known = facts.channels if named else None
    unknown = [] if known is None else sorted(named - known.keys())
    if known is not None and unknown:
        have = ", ".join(f"{number} {name}".strip() for number, name in sorted(known.items())) or "none"
        yield (
            f"The store has no storefront {', '.join(map(str, unknown))} (it has: {have}). Set store.channel_ids, "
            f"store.channels_by_class and store.origin_channel_id in {connector.id}.yaml to storefronts of this store."
        )


def mode_faults(facts: TargetFacts, connector: Connector) -> Iterator[str]:
    """Why the store would refuse a new company in the mode that it is in."""
    if connector.store.catalog_id is None and facts.needs_catalogs:
        yield (
            "The store's companies have a catalog each (Dependent Companies): a new company needs one as well. Set "
            f"store.catalog_id in {connector.id}.yaml, or change the store to Independent Companies."
        )
