"""Undo over both twins: a first load of a thousand, and a wrong connector file that went out to hundreds."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from customer_sync.model.company import CompanyFields
from customer_sync.model.operation import Action, CompanyOperation
from customer_sync.reconcile.undo.undo_request import UndoRequest
from customer_sync.reconcile.undo.undo_run import UndoReport, undo
from customer_sync.run import Run
from customer_sync.targets.port import Order
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, shipped_connector

Record = Callable[[str, object], None]


@contextmanager
def world_of(customers: int, folder: Path) -> Iterator[World]:
    """Twins with so many customers, the shipped connector, an empty ledger."""
    with running_acumatica(customers=customers) as erp, running_better_b2b() as store:
        yield World(erp.url, store.url, shipped_connector(), f"sqlite:///{folder / 'ledger.db'}")


def taken_back(world: World, run_id: str, **request: Any) -> UndoReport:
    """Undo a run by the hash of its plan."""
    with world.ledger() as ledger:

        def once(**more: Any) -> UndoReport:
            run = Run(world.connector, ledger, f"undo__{uuid.uuid4().hex}")
            asked = UndoRequest(undo_run=run_id, **request, **more)
            with world.store() as store:
                return undo(run, world.source(), store, asked)

        planned = once(dry_run=True)
        done = once(plan_hash=planned.plan_hash)
    assert (done.kept, done.impossible) == (planned.kept, planned.impossible)
    return done


def edit_in_store(world: World, key: str, **fields: str) -> None:
    """A person changes fields of a company in the store."""
    with world.store() as store:
        (company,) = store.companies_by_key(key)
        new: CompanyFields = msgspec.structs.replace(company.fields, **fields)
        operation = CompanyOperation(
            action=Action.UPDATE_COMPANY,
            key=key,
            store_id=company.id,
            new=new,
            old=company.fields,
            changed=tuple(fields),
        )
        store.perform(Action.UPDATE_COMPANY, [Order(operation, company.id)])


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_first_load_of_a_thousand_is_taken_back(tmp_path: Path, record_property: Record) -> None:
    """No company of it is left in the store, and no id in the ERP; the next run makes none of them again."""
    with world_of(1_300, tmp_path) as world:
        made = world.sync(run_id="first", mode="full").outcomes["created"]
        assert made > 1_000
        world.forget_calls()
        report = taken_back(world, "first", delete_created=True)
        record_property("figure", f"first load of {made} companies taken back: {len(world.store_writes())} writes")
        assert (len(report.undone), report.kept, report.impossible) == (made, [], [])
        assert world.companies() == {}
        assert world.references() == {}
        assert world.sync(mode="full").outcomes["skipped"] == made
        assert world.companies() == {}


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_wrong_connector_file_is_taken_back_and_edits_by_hand_stay(tmp_path: Path, record_property: Record) -> None:
    """Names, roles and terms of hundreds of companies are as before, what people edited since is kept and listed."""
    with world_of(420, tmp_path) as world:
        world.sync(run_id="first", mode="full")
        before = world.book()
        values = world.connector.model_dump(mode="json")
        values["source"]["customer"]["name"] = "CustomerID"
        values["contacts"]["other_role"] = "Senior Buyer"
        values["terms"]["30D"]["days"] = 60
        outcomes = world.with_file(**values).sync(run_id="wrong", mode="full").outcomes
        # Who had no name has one by the wrong file, and so becomes a company.
        changed, made = outcomes["updated"], outcomes.get("created", 0)
        assert changed >= 300
        wrong = world.book()
        touched = [key for key in before if wrong[key]["companyName"] != before[key]["companyName"]]
        renamed, called = touched[:5], touched[5:10]
        for key in renamed:
            edit_in_store(world, key, company_name=f"By hand {key}")
        for key in called:
            edit_in_store(world, key, company_phone="+1 555 010 0777")
        report = taken_back(world, "wrong")
        record_property("figure", f"wrong connector file taken back: {len(report.undone)} companies")
        assert report.outcomes == {"updated": changed, "deactivated": made}
        assert len(report.undone) == changed + made
        assert report.impossible == []
        assert {(each.customer_id, *each.left) for each in report.kept} == {
            (key, "customer:", "company_name", "touched_in_store") for key in renamed
        }
        expected = {key: dict(company) for key, company in before.items()}
        for key in renamed:
            expected[key]["companyName"] = f"By hand {key}"
        for key in called:
            expected[key]["companyPhone"] = "+1 555 010 0777"
        now = world.book()
        assert {key for key in expected if now[key] != expected[key]} == set()
        assert world.sync(mode="full").outcomes["skipped"] == changed + made
        assert world.book() == now
