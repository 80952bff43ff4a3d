"""Looks at the store: the way in, and what it has of what a connector file relies on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

from customer_sync.errors import AuthenticationFailed, PermissionDenied, SyncError
from customer_sync.loading import store_needs
from customer_sync.model.check import Fault, Probe, Verdict, good, judged, warning
from customer_sync.model.first_contact import FirstContact
from customer_sync.rules.places import StorePlaces
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import Target, TargetFacts

_TITLES: Final = {"connection": "the store's connection", "sign_in": "the store's credentials"}
_NEEDS: Final = ("store.sign_in",)


def store_probes(target: Target, connector: Connector) -> Iterator[Probe]:
    """Every look at the store, in the order in which a person mends what it shows."""
    first = FirstContact(
        "store", _TITLES, ask=target.count_companies, concern=_concern, proves={"sign_in": ("connection",)}
    )
    yield first.probe("connection", f"{target.name} answers.")
    yield first.probe("sign_in", f"{target.name} takes the credentials.", partial(_companies, target))
    for name, title, look in (
        ("key_field", "the key field", _key_field),
        ("record_field", "the field of the record id", _record_field),
        ("demands", "the extra fields that the store demands", _demands),
        ("roles", "the roles of users", _roles),
        ("payment_methods", "the payment methods", _payment_methods),
        ("channels", "the storefronts", _channels),
        ("mode", "the mode of the store", _mode),
        ("places", "countries and states", _places),
    ):
        yield Probe(f"store.{name}", title, partial(_of_facts, look, target, connector), _NEEDS)
    yield Probe("store.pace", "the store's request budget", partial(_pace, target, connector), _NEEDS)


def _of_facts(look: Callable[[TargetFacts, Connector], Verdict], target: Target, connector: Connector) -> Verdict:
    return look(target.facts, connector)


def _concern(error: SyncError) -> str:
    return "sign_in" if isinstance(error, AuthenticationFailed | PermissionDenied) else "connection"


def _companies(target: Target) -> Verdict:
    count = target.count_companies()
    return good(f"{target.name} takes the credentials; the store has {count:,} companies.")


def _told(faults: Iterable[Fault], well: str) -> Verdict:
    return judged(list(faults), well)


def _key_field(facts: TargetFacts, connector: Connector) -> Verdict:
    name = connector.store.key_field
    found = judged(
        list(store_needs.key_faults(facts, connector)),
        f"The extra field '{name}' is there, hidden from shoppers, and asked of nobody.",
    )
    repeated = list(store_needs.repeated_key_faults(facts, connector))
    if found.level != "good" or not repeated:
        return found
    return judged(repeated, "")


def _record_field(facts: TargetFacts, connector: Connector) -> Verdict:
    name = connector.store.record_field
    if name is None:
        return good(
            "No extra field holds the record id (store.record_field): companies are found again by number and "
            "reference.",
            "An optional, hidden extra field makes taking over and a lost ledger safer (docs/people.md#adoption).",
        )
    return _told(store_needs.record_faults(facts, connector), f"The extra field '{name}' can hold the record id.")


def _demands(facts: TargetFacts, connector: Connector) -> Verdict:
    faults = [*store_needs.lacking_extra_fields(facts, connector), *store_needs.demand_faults(facts, connector)]
    return judged(faults, "The store has the extra fields that the file fills, and demands no other.")


def _roles(facts: TargetFacts, connector: Connector) -> Verdict:
    rules = connector.contacts
    return _told(
        store_needs.role_faults(facts, connector),
        f"The store has the roles {rules.primary_role} and {rules.other_role}.",
    )


def _payment_methods(facts: TargetFacts, connector: Connector) -> Verdict:
    named = ", ".join(connector.managed_methods) or "none"
    return _told(
        store_needs.method_faults(facts, connector), f"The store has the payment methods that 'terms' names: {named}."
    )


def _channels(facts: TargetFacts, connector: Connector) -> Verdict:
    named = ", ".join(map(str, sorted(connector.store.storefronts)))
    return _told(store_needs.storefront_faults(facts, connector), f"New companies go to the storefronts {named}.")


def _mode(facts: TargetFacts, connector: Connector) -> Verdict:
    catalog = connector.store.catalog_id
    well = "New companies need no catalog." if catalog is None else f"New companies get the catalog {catalog}."
    return _told(store_needs.mode_faults(facts, connector), well)


def _places(facts: TargetFacts, connector: Connector) -> Verdict:
    """Whether the store lists places, and has those that the connector file maps to."""
    countries = facts.countries
    if not countries:
        return warning(
            "The store does not list its countries, so that the names of ISO 3166 are sent.",
            "See on a first customer that the store takes them; correct others in 'geography' of the connector file.",
        )
    rules = connector.geography
    places = StorePlaces(countries, geography=rules)
    wrong = [f"countries.{own}: {name}" for own, name in rules.countries.items() if places.country(own).place is None]
    for section in (rules.states, rules.default_states):
        wrong += [code for code in section if places.country(code).place is None]
    faults = [
        Fault(
            f"'geography' of {connector.id}.yaml names what the store does not list: {', '.join(wrong)}.",
            "Write countries as the store lists them: by its code or its name.",
        )
    ]
    return _told(faults if wrong else [], f"The store lists {len(countries)} countries, all that 'geography' names.")


def _pace(target: Target, connector: Connector) -> Verdict:
    rules = connector.store
    used = target.requests_used()
    sentence = (
        f"{rules.requests_per_minute:,} requests a minute are reckoned with, of which {rules.share:.0%} are ours; the "
        "store's own answers correct that."
    )
    if used.refused:
        return warning(
            f"The store refused {used.refused} of {used.total} requests for want of budget: others use it up.",
            f"See which other integrations of the store are at work, or lower store.share in {connector.id}.yaml.",
        )
    return good(sentence)
