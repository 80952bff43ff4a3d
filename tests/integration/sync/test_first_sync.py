"""A first sync, an unchanged second one, and what every peculiar customer becomes."""

from __future__ import annotations

from typing import Any

from customer_sync.model.outcome import Outcome
from customer_sync.sources.acumatica.selection import Selection
from sandbox.edge_cases import EDGE_CASES


def test_outcomes_add_up_and_companies_are_exactly_the_eligible_customers(world: Any) -> None:
    """Every extracted customer has one outcome, and the store holds a company for each created one, no other."""
    report = world.sync(mode="full")

    assert report.extracted == sum(report.outcomes.values())
    with world.ledger() as ledger:
        created = [row for row in ledger.log.rows(limit=100_000) if row["outcome"] == Outcome.CREATED]
    assert {row["customer_id"] for row in created} == set(world.companies())
    assert report.outcomes["created"] == len(world.companies()) > 20


def test_nothing_is_written_when_nothing_changed(world: Any) -> None:
    """A second full run over unchanged data sends the store no write; who waits for an e-mail still waits."""
    first = world.sync(mode="full")
    world.forget_calls()

    second = world.sync(mode="full")

    assert world.store_writes() == []
    assert second.outcomes["waiting"] == 2
    assert second.outcomes["unchanged"] + second.outcomes["waiting"] == first.outcomes["created"]
    assert second.outcomes.get("created") is None
    assert second.outcomes.get("updated") is None


def test_reference_id_is_written_back_to_the_erp(world: Any) -> None:
    """The company's id stands in the customer's Commerce Reference ID after the run."""
    world.sync(mode="full")

    selection = Selection("Customer", ("CustomerID", "CommerceReferenceID"))
    key, reference = selection.getter("CustomerID"), selection.getter("CommerceReferenceID")
    with world.source() as erp:
        rows = [row for page in erp.read_in_key_order(selection) for row in page.rows]
    references = {key(row).strip(): reference(row) for row in rows if reference(row)}
    assert references == {key: str(company["companyId"]) for key, company in world.companies().items()}


EXPECTED: dict[str, tuple[str, set[str]]] = {
    "C000006": ("filtered", {"type_not_b2b"}),
    "C000007": ("filtered", {"type_not_b2b"}),
    "C000008": ("created", set()),
    "C000009": ("filtered", {"type_not_b2b"}),
    "C000010": ("filtered", {"email_missing"}),
    "C000011": ("filtered", {"email_invalid"}),
    "C000012": ("filtered", {"email_invalid"}),
    "C000013": ("filtered", {"not_enabled"}),
    "C000014": ("filtered", {"connection_type_mismatch"}),
    "C000015": ("filtered", {"connection_type_mismatch"}),
    "C000016": ("filtered", {"status_on_hold"}),
    "C000017": ("filtered", {"status_inactive"}),
    "C000018": ("created", set()),
    "C000019": ("created", set()),
    "C000020": ("quarantined", {"name_missing"}),
    "C000021": ("quarantined", {"phone_missing"}),
    "C000022": ("created", set()),
    "C000023": ("quarantined", {"country_missing"}),
    "C000024": ("quarantined", {"country_unknown"}),
    "C000025": ("quarantined", {"state_unknown"}),
    "C000026": ("created", {"contact_not_enabled"}),
    "C000027": ("created", {"contact_inactive"}),
    "C000028": ("created", {"contact_name_missing"}),
    "C000029": ("created", {"contact_email_missing"}),
    "C000030": ("created", {"contact_email_invalid"}),
    "C000031": ("created", {"contact_email_duplicate"}),
    "C000032": ("created", {"location_inactive"}),
    "C000033": ("created", {"location_address_incomplete"}),
    "C000034": ("created", {"location_country_unknown"}),
    "C000035": ("created", {"terms_not_mapped"}),
    "C000036": ("quarantined", {"email_duplicate"}),
    "C000037": ("quarantined", {"email_duplicate"}),
    "C000038": ("created", {"admin_not_primary"}),
    "C000039": ("created", {"admin_is_account"}),
    "C000042": ("created", set()),
    "C000043": ("created", set()),
    "C000044": ("created", set()),
    "C000045": ("created", {"value_cut"}),
    "ACME WEST 46": ("created", set()),
    "NORTH/SOUTH47": ("created", set()),
    "C000048": ("filtered", {"email_missing", "not_enabled", "status_inactive", "type_not_b2b"}),
    "C000049": ("created", set()),
    "C000050": ("created", set()),
    "C000051": ("created", {"contact_not_enabled"}),
    "C000052": ("created", {"admin_not_primary", "contact_inactive"}),
    "C000053": ("created", {"admin_is_account", "contact_not_enabled"}),
    "C000054": ("created", set()),
    "C000055": ("created", set()),
    "C000056": ("created", {"email_in_use"}),
    "C000057": ("created", set()),
    "C000058": ("created", {"contact_name_missing"}),
    "C000059": ("created", set()),
    "C000060": ("created", set()),
}
"""Customer -> its outcome and every reason code in its log, after a first full sync.

C000040 and C000041 share a contact's e-mail: one of them gets the user."""


def test_every_peculiar_customer_is_explained(world: Any) -> None:
    """Each seeded peculiarity leads to its outcome and to its reason codes, no more and no fewer."""
    world.sync(mode="full")

    found: dict[str, tuple[str, set[str]]] = {}
    with world.ledger() as ledger:
        for customer_id in EDGE_CASES:
            rows = ledger.log.rows(customer_id=customer_id, limit=1000)
            outcomes = [row["outcome"] for row in rows if row["outcome"]]
            assert len(outcomes) == 1, f"{customer_id} has the outcomes {outcomes}"
            found[customer_id] = (outcomes[0], {code for row in rows for code in row["reasons"].split(",") if code})
    shared = found.pop("C000040"), found.pop("C000041")
    assert found == EXPECTED
    assert sorted(len(reasons) for _, reasons in shared) == [0, 1]
    assert {code for _, reasons in shared for code in reasons} == {"email_in_use"}
