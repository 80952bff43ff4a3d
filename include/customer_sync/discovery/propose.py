"""A whole connector file proposed: every setting with its value, how certain it is, and why."""

from __future__ import annotations

from typing import Any

from customer_sync.discovery import weights
from customer_sync.discovery.description import SourceDescription, StoreDescription
from customer_sync.discovery.proposal import Findings, Proposal
from customer_sync.discovery.rule_settings import propose_rules
from customer_sync.discovery.source_settings import propose_places
from customer_sync.discovery.store_settings import propose_store
from customer_sync.settings.connector import Connector
from customer_sync.settings.described import TERMS, described_settings


def propose(connector_id: str, source: SourceDescription, store: StoreDescription | None, usual: Connector) -> Findings:
    """Propose every setting of a connector's file, in the order of the file.

    Args:
        connector_id: Its id.
        source: What the source says of itself.
        store: What the store says; ``None``: it was not asked.
        usual: A connector at its defaults, of the same source and target.
    """
    places = propose_places(source)
    known = {
        "id": Proposal(connector_id, 1.0, "the name that was asked for"),
        "name": Proposal(f"{usual.source.label} to {usual.target.label}", 1.0, "the names of both systems"),
        "source.kind": Proposal(usual.source.kind, 1.0, "the type of the connection"),
        "target.kind": Proposal(usual.target.kind, 1.0, "the type of the connection"),
        **places,
        **propose_rules(source, store, places, usual),
        **propose_store(source, store, usual),
        "erp.write_reference": _write_reference(places, usual),
    }
    findings = Findings()
    findings.add(_in_order(known, usual), [*source.warnings, *(store.warnings if store else ())])
    return findings


def settle(findings: Findings) -> None:
    """Make what follows from an answer follow: whether a switch is demanded depends on whether one is read."""
    for section, field in (("eligibility", "customer"), ("contacts", "contact"), ("locations", "location")):
        switch, demanded = f"source.{field}.enabled", f"{section}.opt_in_required"
        is_read = findings.value(switch) is not None
        certain = findings.confidence(switch)
        if not is_read and findings.value(demanded):
            findings.settings[demanded] = Proposal(value=False, confidence=certain, why=f"{switch} names none")
        elif is_read and section != "locations" and findings.confidence(demanded) < certain == 1.0:
            findings.settings[demanded] = Proposal(value=True, confidence=certain, why=f"{switch} names its switch")


def _in_order(known: dict[str, Proposal], usual: Connector) -> dict[str, Proposal]:
    ordered: dict[str, Proposal] = {}
    for each in described_settings(usual):
        # An entry that people name is proposed as a whole.
        path = each.path.partition(f".{TERMS}")[0]
        ordered.setdefault(path, known.get(path) or _default(each.default))
    return ordered


def _default(value: Any) -> Proposal:
    return Proposal(value, weights.DEFAULT, "the default: a choice of yours, which neither system speaks of")


def _write_reference(places: dict[str, Proposal], usual: Connector) -> Proposal:
    reference = places["source.customer.reference_id"]
    if reference.value is None:
        return Proposal(
            usual.erp.write_reference, weights.DEFAULT, "nothing is written: the source has no place for it"
        )
    return Proposal(
        usual.erp.write_reference,
        max(weights.CERTAIN, reference.confidence),
        "source.customer.reference_id names the field that is written",
    )
