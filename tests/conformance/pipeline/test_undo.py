"""A run taken back: what it wrote is as it was before, wherever nobody touched it since; the rest is listed."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from msgspec.structs import replace

from customer_sync.errors import PlanRefused
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.model.company import CompanyStatus
from customer_sync.reconcile.undo.undo_request import UndoRequest
from customer_sync.reconcile.undo.undo_run import UndoReport, preview, undo
from customer_sync.reporting.as_of import state_as_of
from customer_sync.reporting.story_words import what_became
from customer_sync.run import Run
from tests.adapters.in_memory_source import InMemorySource
from tests.adapters.in_memory_target import InMemoryTarget
from tests.conformance.pipeline.world import World


def _last_run(world: World) -> str:
    with world.ledger() as ledger:
        rows = [row for mode in ("full", "incremental", "selected", "undo") for row in ledger.runs.recent(mode, 5)]
    return str(max(rows, key=lambda row: row["started_at_utc"])["run_id"])


def _undo(world: World, run_id: str, **request: Any) -> UndoReport:
    with world.ledger() as ledger:
        run = Run(world.connector, ledger, f"undo__{uuid.uuid4().hex}")
        asked = UndoRequest(undo_run=run_id, **request)
        return undo(run, InMemorySource(world.erp), InMemoryTarget(world.store), asked)


def _world() -> World:
    world = World()
    world.save("C1", world.contact("ADA"), world.contact("BOB"))
    world.save("C2", world.contact("EVE"))
    world.sync()
    return world


def _picture(world: World, number: str) -> Any:
    company = world.company(number)
    users = [each.fields for each in world.store.users.values() if each.company_id == company.id]
    return company.fields, company.status, users, _addresses(world, company.id)


def _addresses(world: World, company_id: int) -> list[Any]:
    return [each.fields for each in world.store.addresses.values() if each.company_id == company_id]


def test_a_changed_name_and_phone_come_back() -> None:
    """Fields of company and user are as before the run; the ERP's words stay set aside until they change."""
    world = _world()
    before = _picture(world, "C1")
    world.save("C1", name="Wrong Name", phone="+1 555 010 0999")
    world.change("C1", "BOB", first_name="Wrong")
    world.sync()
    assert _picture(world, "C1") != before
    report = _undo(world, _last_run(world))
    assert (report.undone, report.kept, report.impossible) == (["C1"], [], [])
    assert _picture(world, "C1") == before
    world.sync()
    world.sync(mode="full")
    assert _picture(world, "C1") == before
    world.save("C1", name="Right Name")
    world.sync()
    assert world.company("C1").fields.company_name == "Right Name"


def test_what_somebody_touched_since_is_kept_and_listed() -> None:
    """A field that a person edited in the store stays; the other fields of the same company come back."""
    world = _world()
    before = world.company("C1").fields
    world.save("C1", name="Wrong Name", phone="+1 555 010 0999")
    world.sync()
    company = world.company("C1")
    edited = replace(company.fields, company_phone="+1 555 010 0777")
    world.store.companies[company.id] = replace(company, fields=edited)
    report = _undo(world, _last_run(world))
    assert [(each.customer_id, *each.left) for each in report.kept] == [
        ("C1", "customer:", "company_phone", "touched_in_store")
    ]
    assert world.company("C1").fields == replace(before, company_phone="+1 555 010 0777")


def test_created_companies_are_deactivated_and_the_erp_loses_the_id() -> None:
    """A first load is taken back: no company of it trades, the source holds no id."""
    world = _world()
    run_id = _last_run(world)
    report = _undo(world, run_id)
    assert report.undone == ["C1", "C2"]
    assert {world.company(number).status for number in ("C1", "C2")} == {CompanyStatus.INACTIVE}
    assert {world.erp.customer(number).reference_id for number in ("C1", "C2")} == {""}
    world.sync(mode="full")
    assert {world.company(number).status for number in ("C1", "C2")} == {CompanyStatus.INACTIVE}


def test_created_companies_are_deleted_where_asked_for() -> None:
    """With ``delete_created`` nothing of the run is left in the store."""
    world = _world()
    _undo(world, _last_run(world), delete_created=True)
    assert not world.store.companies
    assert {world.erp.customer(number).reference_id for number in ("C1", "C2")} == {""}


def test_an_undo_can_be_undone() -> None:
    """What the run wrote is there again, and the customers are in the sync again."""
    world = _world()
    world.save("C1", name="Other Name")
    world.sync()
    after = _picture(world, "C1")
    _undo(world, _last_run(world))
    assert _picture(world, "C1") != after
    report = _undo(world, _last_run(world))
    assert report.undone == ["C1"]
    assert _picture(world, "C1") == after
    with world.ledger() as ledger:
        assert not ledger.set_aside.count()


def test_access_that_the_erp_denies_now_is_not_given_back() -> None:
    """A user whom the run removed because the ERP denies him is listed, and stays out."""
    world = _world()
    world.change("C1", "BOB", enabled=False)
    world.sync()
    assert world.users("C1") == {"ada": "Admin"}
    report = _undo(world, _last_run(world))
    assert [(each.left.part, each.left.why) for each in report.impossible] == [("contact:BOB", "erp_denies_access")]
    assert world.users("C1") == {"ada": "Admin"}


def test_a_new_user_goes_and_a_dry_run_writes_nothing() -> None:
    """A dry run and a preview name the same plan as the undo, and write neither to store nor to ERP."""
    world = _world()
    have = world.erp.customer("C2")
    world.save("C2", *have.contacts, world.contact("KIM"))
    world.sync()
    run_id = _last_run(world)
    planned = _undo(world, run_id, dry_run=True)
    with world.ledger() as ledger:
        run = Run(world.connector, ledger, "a page")
        shown = preview(run, InMemorySource(world.erp), InMemoryTarget(world.store), UndoRequest(undo_run=run_id))
    assert set(world.users("C2")) == {"eve", "kim"}
    assert planned.undone == []
    report = _undo(world, run_id, plan_hash=planned.plan_hash)
    assert planned.plan_hash == report.plan_hash == shown.plan_hash
    assert set(world.users("C2")) == {"eve"}


def test_values_as_of_a_moment_name_the_run_that_wrote_them() -> None:
    """Before an undo the wrong city is told, with its run; after it the former one, by the undo."""
    world = _world()
    city = world.company("C1").fields.city
    wrong = replace(world.erp.customer("C1").main_address, city="Fresno")
    world.save("C1", main_address=wrong)
    world.sync()
    run_id, then = _last_run(world), utc_now()
    _undo(world, run_id)
    with world.ledger() as ledger:
        past, now = (state_as_of(ledger, world.connector, "C1", at) for at in (then, utc_now()))
    (was,), (is_now,) = ([each for each in state if each[:2] == ("customer:", "city")] for state in (past, now))
    assert (was.value, was.run_id) == ("Fresno", run_id)
    assert (is_now.value, is_now.why) == (city, f"undo of run {run_id}")


def test_the_undo_of_an_undone_first_load_gives_the_erp_its_ids_back() -> None:
    """The companies trade again, and the source holds their ids."""
    world = _world()
    held = {number: world.erp.customer(number).reference_id for number in ("C1", "C2")}
    _undo(world, _last_run(world))
    report = _undo(world, _last_run(world))
    assert (report.kept, report.impossible) == ([], [])
    assert {number: world.erp.customer(number).reference_id for number in ("C1", "C2")} == held
    assert {world.company(number).status for number in ("C1", "C2")} == {CompanyStatus.APPROVED}


def test_a_guard_that_trips_wants_the_hash_of_the_plan() -> None:
    """Nothing is written without it; with it the plan that was read is performed."""
    world = World(rules={"guards": {"always_allowed": 0}})
    world.save("C1", world.contact("ADA"))
    world.sync()
    run_id = _last_run(world)
    planned = _undo(world, run_id, dry_run=True)
    with pytest.raises(PlanRefused):
        _undo(world, run_id)
    assert world.company("C1").status is CompanyStatus.APPROVED
    assert _undo(world, run_id, plan_hash=planned.plan_hash).undone == ["C1"]


def _told(world: World, number: str) -> tuple[str, str]:
    """What the customer's page says of the last run that decided something, and what the next step is."""
    with world.ledger() as ledger:
        lines = ledger.log.rows(customer_id=number, limit=None)
    closing = next(line for line in lines if line["outcome"])
    return what_became(closing), closing["next_step"]


def test_the_story_says_in_words_what_was_taken_back_and_why_it_is_left_alone() -> None:
    """The run, and what of it; kept values with the reason; then that the sync passes the customer over."""
    world = _world()
    world.save("C1", name="Wrong Name", phone="+1 555 010 0999")
    world.sync()
    run_id = _last_run(world)
    company = world.company("C1")
    edited = replace(company.fields, company_phone="+1 555 010 0777")
    world.store.companies[company.id] = replace(company, fields=edited)
    _undo(world, run_id)
    told, next_step = _told(world, "C1")
    assert told == f"Run {run_id} taken back: company changed (company name).".replace("_", " ")
    assert next_step.startswith("Mend what was wrong, then resume the customer")
    with world.ledger() as ledger:
        lines = ledger.log.rows(customer_id="C1", limit=None)
    (kept,) = [line for line in lines if line["reasons"] == "touched_in_store"]
    assert kept["message"] == ("kept as it is, since somebody changed it in the store after the run (company_phone)")
    assert kept["level"] == "info"
    world.sync(mode="full")
    assert _told(world, "C1")[0] == "Passed over: undone (a run was undone for it; unchanged since)."


def test_what_a_person_skipped_stays_skipped() -> None:
    """Neither an undo nor its own undo takes a person's word back."""
    world = _world()
    world.save("C1", name="Wrong Name")
    world.sync()
    with world.ledger() as ledger, ledger.write() as connection:
        ledger.set_aside.put(connection, "C1", "skip")
    _undo(world, _last_run(world))
    _undo(world, _last_run(world))
    assert world.company("C1").fields.company_name == "Wrong Name"
    with world.ledger() as ledger:
        assert ledger.set_aside.load(["C1"])["C1"].kind == "skip"


def test_an_undo_that_is_asked_for_twice_finds_nothing_to_do() -> None:
    """What is as before the run is neither written nor listed, of changed values and of new companies alike."""
    world = _world()
    first = _last_run(world)
    world.save("C1", *world.erp.customer("C1").contacts, world.contact("KIM"), name="Wrong Name")
    world.sync()
    for run_id in (_last_run(world), first):
        _undo(world, run_id)
        again = _undo(world, run_id)
        assert (again.undone, again.kept, again.impossible) == ([], [], [])
