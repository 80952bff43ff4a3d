"""A store that another connector filled is taken over without making anything twice."""

from __future__ import annotations

import csv
import io
import random

import msgspec
import pytest

from customer_sync.errors import ConfigError
from tests.integration.reconcile.corruption import new_run_id
from tests.integration.reconcile.incumbent import taken_over_from_an_incumbent, writes_by_kind
from tests.integration.twin_world import World, call


def sizes(world: World) -> tuple[int, int, int]:
    """Number of companies, users and addresses in the store."""
    state = world.store_state()
    return len(state["companies"]), len(state["users"]), len(state["addresses"])


def test_adoption_creates_nothing_and_next_sync_writes_only_true_differences(world: World) -> None:
    """Reference id and e-mail prove half of them; one yes to the list of e-mail matches adopts the others.

    Users are matched by e-mail, addresses by place: the sync adds our marks and no record.
    """
    world.sync(mode="full")
    book, before = world.book(), sizes(world)
    world = taken_over_from_an_incumbent(world, random.Random(4))

    lists: list[str] = []
    first = world.reconcile(mode="adopt", keep_list=lists.append).facts["matches"]
    assert first["accepted"] > 0
    assert first["proposed"] > 0
    assert first["accepted"] + first["proposed"] == len(book)
    with world.ledger() as ledger:
        assert ledger.links.count() == first["accepted"]
    second = world.reconcile(mode="adopt", decisions=lists[0]).facts["matches"]
    assert second == {"accepted": first["proposed"]}
    assert world.store_writes() == []

    world.sync(mode="full")
    assert sizes(world) == before
    assert world.book() == book
    sent = {name for row in world.store_writes() for part in _objects(row["body"]) for name in part}
    marks = {"companyId", "extraFields", "uuid", "externalId"}
    # Contacts that the store refuses are tried once more, as in every first sync.
    refused = writes_by_kind(world)["POST users"]
    assert refused <= 4
    assert {name for name in sent if name not in marks} <= ({*_USER} if refused else set())
    assert not [key for key in writes_by_kind(world) if key.startswith(("POST companies", "POST addresses", "DELETE"))]


_USER = {"email", "firstName", "lastName", "phoneNumber", "companyRoleId", "channelIds", "originChannelId"} | {
    "acceptWelcomeEmail"
}


def _objects(body: object) -> list[dict[str, object]]:
    decoded = msgspec.json.decode(body) if isinstance(body, str | bytes) else body
    return [part for part in (decoded if isinstance(decoded, list) else [decoded]) if isinstance(part, dict)]


def test_ambiguous_match_waits_for_a_person_when_two_companies_have_the_email(world: World) -> None:
    """Two companies with one e-mail are a row in the list; the person's decision comes back as CSV and is followed."""
    world.sync(mode="full")
    world = taken_over_from_an_incumbent(world, random.Random(4))
    key, twin = _double(world)
    lists: list[str] = []
    world.reconcile(mode="adopt", dry_run=True, keep_list=lists.append)
    rows = {row["customer_id"]: row for row in csv.DictReader(io.StringIO(lists[0]))}
    assert (rows[key]["verdict"], rows[key]["decision"], rows[key]["company_id"]) == ("ambiguous", "", "")
    assert str(twin) in rows[key]["candidates"].split()
    with world.ledger() as ledger:
        assert ledger.links.count() == 0

    rows[key] |= {"decision": "adopt", "company_id": str(twin)}
    run_id = new_run_id()
    report = world.reconcile(mode="adopt", decisions=_as_csv(list(rows.values())), run_id=run_id)
    assert report.facts["matches"] == {"accepted": sum(row["decision"] == "adopt" for row in rows.values())}
    with world.ledger() as ledger:
        assert ledger.links.load([key])[key].company_id == twin
        assert any(
            row["customer_id"] == key and row["action"] == "match" for row in ledger.log.rows(run_id=run_id, limit=None)
        )


@pytest.mark.parametrize(
    ("change", "refused"),
    [({"company_id": "999999"}, "the store has no such company"), ({"customer_id": "NOBODY"}, "no eligible customer")],
)
def test_decision_is_refused_with_its_reason_when_it_cannot_be_followed(
    world: World, change: dict[str, str], refused: str
) -> None:
    """What a person wrote is checked on both sides before the ledger takes it."""
    world.sync(mode="full")
    world = taken_over_from_an_incumbent(world, random.Random(4))
    row = {"customer_id": "C000001", "company_id": "61005", "decision": "adopt"} | change
    run_id = new_run_id()
    report = world.reconcile(mode="adopt", decisions=_as_csv([row]), run_id=run_id)
    assert report.facts["matches"] == {"refused": 1}
    with world.ledger() as ledger:
        assert ledger.links.count() == 0
        assert any(refused in line["message"] for line in ledger.log.rows(run_id=run_id, limit=None))


def test_file_that_is_no_list_of_matches_is_refused_by_line(world: World) -> None:
    """A wrong file stops the run before anything is adopted."""
    with pytest.raises(ConfigError, match="Line 2"):
        world.reconcile(mode="adopt", decisions="customer_id,company_id,decision\nC000001,,adopt\n")
    with pytest.raises(ConfigError, match="lacks the columns"):
        world.reconcile(mode="adopt", decisions="customer,company\n1,2\n")


def test_shadow_run_tells_the_agreement_per_field_and_writes_nothing(world: World) -> None:
    """Beside the incumbent every field is compared; what it holds otherwise is counted, nothing is touched."""
    world.sync(mode="full")
    world = taken_over_from_an_incumbent(world, random.Random(4))
    report = world.reconcile(mode="shadow")
    rows = {(row["entity"], row["field"]): row for row in report.facts["agreement"]}
    assert rows[("company", "company_name")]["agreement"] == 1
    assert rows[("company", "extra_fields.Acumatica Customer ID")]["equal"] == 0
    assert rows[("address", "external_id")]["agreement"] < 1
    assert rows[("user", "(record)")]["only_erp"] > 0
    assert world.store_writes() == []
    assert [call for call in world.erp_calls() if call["method"] == "PUT"] == []
    with world.ledger() as ledger:
        assert ledger.links.count() == 0


def _double(world: World) -> tuple[str, int]:
    """Give a second company the e-mail of a customer that has no reference id; returns both ids."""
    state = world.store_state()
    references = world.references()
    emails = {row["CustomerID"]: row["Email"] for row in world.erp_state()["customers"]}
    by_email = {company["companyEmail"]: company for company in state["companies"]}
    key = next(key for key, email in sorted(emails.items()) if key not in references and email in by_email)
    twin = {**by_email[emails[key]], "companyId": state["next_ids"]["company"]}
    state["next_ids"]["company"] += 1
    state["companies"].append(twin)
    call(f"{world.store_url}/_sandbox/state", "PUT", state)
    return key, twin["companyId"]


def _as_csv(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
