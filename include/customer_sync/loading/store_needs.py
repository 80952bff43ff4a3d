"""What a connector file relies on and a store has otherwise, each in a sentence with its remedy, before any write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from customer_sync.model.check import Fault
from customer_sync.settings.connector import Connector
from customer_sync.settings.system_rules import DEFAULT_CHANNEL_ID
from customer_sync.targets.port import Extended, TargetFacts

_SETTINGS: Final[Mapping[Extended, str]] = {
    "company": "source.customer.extra_fields",
    "user": "source.contact.extra_fields",
    "address": "source.location.extra_fields",
}


def key_faults(facts: TargetFacts, connector: Connector) -> Iterator[Fault]:
    """Why the extra fields that say whose a company is cannot be relied on."""
    name, known = connector.store.key_field, facts.extra_fields("company")
    if name.casefold() not in known:
        yield Fault(
            f"The store has no company extra field '{name}', which holds the Customer ID.",
            "Create it in the store's settings for extra fields of companies (text, unique, not shown to shoppers, not "
            f"required), or set store.key_field in {connector.id}.yaml.",
        )
    yield from open_field_faults(facts, name)


def open_field_faults(facts: TargetFacts, name: str | None) -> Iterator[Fault]:
    """Why whoever registers could, or would have to, say whose company it is."""
    found = facts.extra_fields("company").get(name.casefold()) if name else None
    if found is not None and found.is_visible:
        yield Fault(
            f"The store shows the company extra field '{name}' to shoppers, so that anybody who registers can "
            "pass for a customer.",
            "Hide it from them in the store's settings (docs/people.md#adoption).",
        )
    if found is not None and found.is_required:
        yield Fault(
            f"The store requires the company extra field '{name}' of every company, so that whoever registers "
            "has to invent one.",
            "Make it optional in the store's settings (docs/people.md#adoption).",
        )


def repeated_key_faults(facts: TargetFacts, connector: Connector) -> Iterator[Fault]:
    """Why the store itself would not refuse a second company with one key; runs then look before they make one."""
    name = connector.store.key_field
    found = facts.extra_fields("company").get(name.casefold())
    if found is not None and not found.is_unique:
        yield Fault(f"The company extra field '{name}' is not unique.", "Make it unique in the store's settings.")


def record_faults(facts: TargetFacts, connector: Connector) -> Iterator[Fault]:
    """Why the extra field that holds the record's id cannot be relied on."""
    name = connector.store.record_field
    if name is not None and name.casefold() not in facts.extra_fields("company"):
        yield Fault(
            f"The store has no company extra field '{name}', which store.record_field in {connector.id}.yaml names.",
            "Create it in the store's settings for extra fields of companies (text, not shown to shoppers, not "
            "required), or leave the setting out.",
        )
    yield from open_field_faults(facts, name)


def mapped_extra_fields(connector: Connector) -> dict[Extended, Collection[str]]:
    """Kind of record -> names of the extra fields that the connector file fills."""
    source = connector.source
    return {
        "company": source.extra_field_names,
        "user": source.contact_extra_field_names,
        "address": source.location_extra_field_names,
    }


def lacking_extra_fields(facts: TargetFacts, connector: Connector) -> Iterator[Fault]:
    """Why values would be lost: the store drops an extra field that it has not without a word.

    Costs nothing for kinds of records of which the connector file fills none.
    """
    needed = [(kind, name, _SETTINGS[kind]) for kind, names in mapped_extra_fields(connector).items() for name in names]
    missing = [
        f"'{name}' of every {kind} ({setting})"
        for kind, name, setting in needed
        if name.casefold() not in facts.extra_fields(kind)
    ]
    if missing:
        yield Fault(
            f"The store has no extra field {', '.join(missing)}, and would drop what {connector.id}.yaml fills in.",
            "Create it in the store's settings for extra fields, or take it out of the file.",
        )


def unmet_demands(facts: TargetFacts, connector: Connector, kind: Extended) -> list[str]:
    """Extra fields that the store demands of each new record of a kind and the file does not fill."""
    filled = {name.casefold() for name in mapped_extra_fields(connector)[kind]}
    if kind == "company":
        filled.add(connector.store.key_field.casefold())
    known = facts.extra_fields(kind)
    return sorted(each.name for folded, each in known.items() if each.is_required and folded not in filled)


def demand_faults(facts: TargetFacts, connector: Connector) -> Iterator[Fault]:
    """Why the store would refuse every new record: extra fields that it demands and the file does not fill."""
    missing = [
        f"'{name}' of every {kind} ({setting})"
        for kind, setting in _SETTINGS.items()
        for name in unmet_demands(facts, connector, kind)
    ]
    if missing:
        yield Fault(
            f"The store demands the extra field {', '.join(missing)}, and {connector.id}.yaml does not fill it.",
            "Map it there, or make it optional in the store's settings.",
        )


def storefront_faults(facts: TargetFacts, connector: Connector) -> Iterator[Fault]:
    """Why people could not buy: the store takes a storefront that it has not without a word."""
    named = connector.store.storefronts - {DEFAULT_CHANNEL_ID}
    known = facts.channels if named else None
    unknown = [] if known is None else sorted(named - known.keys())
    if known is not None and unknown:
        have = ", ".join(f"{number} {name}".strip() for number, name in sorted(known.items())) or "none"
        yield Fault(
            f"The store has no storefront {', '.join(map(str, unknown))} (it has: {have}).",
            "Set store.channel_ids, store.channels_by_class and store.origin_channel_id in "
            f"{connector.id}.yaml to storefronts of this store.",
        )


def mode_faults(facts: TargetFacts, connector: Connector) -> Iterator[Fault]:
    """Why the store would refuse a new company in the mode that it is in."""
    if connector.store.catalog_id is None and facts.needs_catalogs:
        yield Fault(
            "The store's companies have a catalog each (Dependent Companies): a new company needs one as well.",
            f"Set store.catalog_id in {connector.id}.yaml, or change the store to Independent Companies.",
        )


def role_faults(facts: TargetFacts, connector: Connector, names: Iterable[str] = ()) -> Iterator[Fault]:
    """Why people could not be users.

    Args:
        facts: What the store has.
        connector: Whose roles are meant, where none are named.
        names: Roles that are needed.
    """
    rules = connector.contacts
    needed = dict.fromkeys(names or (rules.primary_role, rules.other_role))
    missing = [name for name in needed if name.casefold() not in facts.roles]
    if missing:
        known = ", ".join(sorted(facts.roles.values())) or "none"
        yield Fault(
            f"The store has no role {' and no role '.join(map(repr, missing))} (it has: {known}).",
            f"Create it there, or set contacts.primary_role and contacts.other_role in {connector.id}.yaml to roles of "
            "this store.",
        )


def method_faults(facts: TargetFacts, connector: Connector, codes: Iterable[str] = ()) -> Iterator[Fault]:
    """Why terms could not be applied.

    Args:
        facts: What the store has.
        connector: Whose terms table is meant, where no methods are named.
        codes: Payment methods that are needed.
    """
    needed = set(codes or connector.managed_methods)
    missing = sorted(needed - facts.payment_methods) if needed else []
    if missing:
        known = ", ".join(sorted(facts.payment_methods)) or "none"
        yield Fault(
            f"The store has no payment method {', '.join(missing)} (it has: {known}).",
            f"Switch it on there, or correct the terms table in {connector.id}.yaml.",
        )
