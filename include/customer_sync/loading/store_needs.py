"""What a connector file relies on and a store has otherwise, each in a sentence with its remedy, before any write."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from customer_sync.settings.connector import Connector
from customer_sync.settings.system_rules import DEFAULT_CHANNEL_ID
from customer_sync.targets.port import Demanding, TargetFacts


def key_faults(facts: TargetFacts, connector: Connector) -> Iterator[str]:
    """Why the extra fields that say whose a company is cannot be relied on."""
    name, known = connector.store.key_field, facts.company_extra_fields
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


def unmet_demands(facts: TargetFacts, connector: Connector) -> dict[Demanding, list[str]]:
    """Extra fields that the store demands of each kind of new record and the file does not fill."""
    source = connector.source
    filled: dict[Demanding, Collection[str]] = {
        "company": {*source.extra_field_names, connector.store.key_field},
        "user": source.contact_extra_field_names,
        "address": source.location_extra_field_names,
    }
    known = {kind: {each.casefold() for each in names} for kind, names in filled.items()}
    return {
        kind: [name for name in sorted(facts.demanded_extra_fields.get(kind, ())) if name.casefold() not in names]
        for kind, names in known.items()
    }


def demand_faults(facts: TargetFacts, connector: Connector) -> Iterator[str]:
    """Why the store would refuse every new record: extra fields that it demands and the file does not fill."""
    settings = {"company": "customer", "user": "contact", "address": "location"}
    missing = [
        f"'{name}' of every {kind} (source.{settings[kind]}.extra_fields)"
        for kind, names in unmet_demands(facts, connector).items()
        for name in names
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
