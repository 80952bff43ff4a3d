"""Contacts that move, e-mails that change hands, customers that get another CustomerID."""

from __future__ import annotations

import msgspec

from customer_sync.model.batch import Batch, pack_customers
from customer_sync.model.customer import Customer
from customer_sync.planning.window import RunRequest
from customer_sync.run import Run
from customer_sync.steps.extract import begin_run
from customer_sync.steps.filter import filter_batch
from customer_sync.steps.load import load_batch
from customer_sync.steps.transform import transform_batch
from tests.integration.twin_world import World


def _read(world: World, customer_id: str) -> Customer:
    with world.source() as erp:
        return next(erp.customers_of([customer_id])).customers[0]


def _users_of(world: World, customer_id: str) -> dict[str, int]:
    company_id = world.companies()[customer_id]["companyId"]
    return {user["email"]: user["id"] for user in world.store_state()["users"] if int(user["companyId"]) == company_id}


def test_a_contact_that_moved_loses_the_old_company_and_gets_the_new_one(world: World) -> None:
    """One incremental run moves a person: the stamp of the contact alone brings both customers in."""
    world.sync(mode="full")
    mover = next(contact for contact in _read(world, "C000044").contacts if not contact.is_primary)
    assert mover.email in _users_of(world, "C000044")

    world.edit("Contact", ContactID=int(mover.contact_id), BusinessAccount="C000042")
    report = world.sync()

    assert mover.email in _users_of(world, "C000042")
    assert mover.email not in _users_of(world, "C000044")
    assert report.outcomes.get("failed") is None


def test_an_email_goes_from_a_leaving_contact_to_a_staying_one(world: World) -> None:
    """The leaver's user is deleted before the stayer's e-mail is changed; nobody is left out."""
    world.sync(mode="full")
    leaver, stayer = [contact for contact in _read(world, "C000044").contacts if not contact.is_primary][:2]

    world.edit("Contact", ContactID=int(leaver.contact_id), Active=False)
    world.edit("Contact", ContactID=int(stayer.contact_id), Email=leaver.email)
    report = world.sync()

    users = {user["email"]: user for user in world.store_state()["users"]}
    assert users[leaver.email]["lastName"] == stayer.last_name
    assert stayer.email not in users
    assert report.outcomes.get("failed") is None
    with world.ledger() as ledger:
        assert ledger.quarantine.load(["C000044"]) == {}


def test_a_company_follows_its_customer_to_another_customer_id(world: World) -> None:
    """The same record under a new CustomerID keeps its company, users and addresses; nothing is created."""
    world.sync(mode="selected", customer_ids=["C000044"])
    company = world.companies()["C000044"]
    renamed = msgspec.structs.replace(
        _read(world, "C000044"), customer_id="NEW44", reference_id=str(company["companyId"])
    )
    request = RunRequest(mode="selected", customer_ids=("NEW44",))
    with world.ledger() as ledger:
        run = Run(world.connector, ledger, "renamed")
        begin_run(run, request)
        content, descriptor = pack_customers(Batch(key="batch_000", label="NEW44 (1)", items=(renamed,)))
        with ledger.write() as connection:
            ledger.runs.add_customers(connection, run.run_id, "batch_000", ["NEW44"])
        decided = filter_batch(run, content, descriptor)
        changes, descriptor = transform_batch(run, content, *decided, request, target=world.store())
        with world.source() as erp:
            load_batch(run, content, changes, descriptor, target=world.store(), source=erp)

        rows = ledger.log.rows(customer_id="NEW44", run_id="renamed")
    done = {row["action"] for row in rows if row["message"].startswith("done")}
    assert done == {"update_company", "update_address"}
    assert world.companies()["NEW44"]["companyId"] == company["companyId"]
    assert "C000044" not in world.companies()
    ours = [a for a in world.store_state()["addresses"] if int(a["companyId"]) == company["companyId"]]
    assert ours
    assert all(address["externalId"].startswith("NEW44:") for address in ours)
