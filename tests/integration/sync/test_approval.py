"""A plan that needs a person's yes is applied as it was shown, or not at all."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from customer_sync.errors import PlanRefused, RunUnbalanced
from customer_sync.settings.connector import Connector
from customer_sync.steps.approval import approve_plan, ask_for_approval, reject_plan
from tests.integration.twin_world import Attempts, World, attempts

LINK = "http://127.0.0.1:8080/connector-logs/?run_id=r"


def asking(world: World, ask: str = "always") -> World:
    """The same world, where a person has a say."""
    return world.with_rules(approval={"ask": ask})


def renamed_type(world: World) -> World:
    """The same world after the accepted type was renamed: most companies would be withdrawn."""
    rules = {**world.connector.model_dump(mode="json"), "eligibility": {"types": ["BUSINESS"]}}
    return replace(world, connector=Connector.model_validate(rules))


def skipped(parts: Attempts) -> set[str]:
    """Customers of the run that were skipped."""
    rows = parts.at("audit").ledger.runs.customers(parts.at("audit").run_id)
    return {key for key, _, outcome, _ in rows if outcome == "skipped"}


def test_all_of_the_plan_is_skipped_by_name_and_comes_back_when_a_person_says_no(world: World) -> None:
    """Nothing is written, every customer of the plan says who refused, nothing moves on, and the next run has them."""
    world = asking(world)
    with attempts(world, "refused", mode="full") as parts:
        parts.plan(can_ask=True)
        assert parts.summary.why_ask == ["The connector asks before every plan (approval.ask: always)."]
        ask_for_approval(parts.at("guard"), parts.summary, link=LINK)
        planned = {each.customer_id for each in parts.at("guard").ledger.plans.customers("refused", _keys(parts))}
        sentence = reject_plan(parts.at("guard"), parts.summary.descriptors, by="olga")
        assert "no by olga" in sentence

        with pytest.raises(RunUnbalanced, match="The plan was rejected by olga: nothing was loaded"):
            parts.audit(failed=("guard (failed)", "load (upstream_failed)"))
        assert skipped(parts) == planned
        assert set(parts.at("audit").ledger.watermarks.load()) == {"contract_gate"}
        assert set(parts.at("audit").ledger.runs.unfinished()) == planned

    assert world.store_writes() == []
    assert {world.last_outcome(key) for key in planned} == {("skipped", "plan_rejected")}
    again = world.with_rules(approval={"ask": "never"}).sync()
    assert again.outcomes["created"] >= len(planned) - again.outcomes.get("quarantined", 0)
    with world.ledger() as ledger:
        assert ledger.runs.unfinished() == {}


def test_silence_is_a_no_that_says_so(world: World) -> None:
    """When the time runs out the customers say that nobody answered."""
    world = asking(world)
    with attempts(world, "silent", mode="full") as parts:
        parts.plan(can_ask=True)
        ask_for_approval(parts.at("guard"), parts.summary, link=LINK)
        reject_plan(parts.at("guard"), parts.summary.descriptors, by=None)
        with pytest.raises(RunUnbalanced, match="not approved in time"):
            parts.audit(failed=("guard (failed)",))
        row = parts.at("audit").ledger.runs.get("silent") or {}
        log = parts.at("audit").ledger.log.rows(run_id="silent", customer_id=min(skipped(parts)))
    assert row["approval"]["state"] == "timed_out"
    assert log[0]["message"] == "not applied: nobody answered within 1440 minutes"
    assert log[0]["reasons"] == "approval_timed_out"


def test_exactly_what_was_shown_is_written_when_a_person_says_yes(world: World) -> None:
    """The operations that were shown are the writes that arrive, and the ledger keeps who said yes."""
    world = asking(world)
    with attempts(world, "approved", mode="full") as parts:
        parts.plan(can_ask=True)
        ask_for_approval(parts.at("guard"), parts.summary, link=LINK)
        shown = parts.summary.facts.actions
        approve_plan(parts.at("guard"), parts.summary.descriptors, parts.planned, by="olga")
        report = parts.load().audit()
        row = parts.at("audit").ledger.runs.get("approved") or {}
    assert (row["approval"]["state"], row["approval"]["by"]) == ("approved", "olga")
    assert report.outcomes["created"] == shown["create_company"]
    state = world.store_state()
    assert len(world.companies()) == shown["create_company"]
    assert len(state["addresses"]) == shown["create_address"]


def test_plan_is_refused_when_it_was_made_anew_while_the_answer_was_awaited(world: World) -> None:
    """A yes to another plan than the one that load would find is no yes."""
    with attempts(asking(world), "stale", mode="full") as parts:
        parts.plan(can_ask=True)
        remade = [msgspec.structs.replace(parts.planned[0], digest="0" * 32), *parts.planned[1:]]
        with pytest.raises(PlanRefused, match="made anew while the answer was awaited"):
            approve_plan(parts.at("guard"), parts.summary.descriptors, remade, by="olga")


def test_plan_is_refused_when_another_run_wrote_to_its_customers_meanwhile(world: World) -> None:
    """What a backfill wrote while the answer was awaited is not overwritten by an older plan."""
    with attempts(asking(world), "overtaken", mode="full") as parts:
        parts.plan(can_ask=True)
        key = next(each.customer_id for each in parts.at("guard").ledger.plans.customers("overtaken", _keys(parts)))
        world.sync(mode="selected", customer_ids=[key])
        with pytest.raises(PlanRefused, match=f"another run wrote to customers of this plan .*{key}"):
            approve_plan(parts.at("guard"), parts.summary.descriptors, parts.planned, by="olga")


def test_customers_are_planned_again_when_guard_is_cleared_after_a_no(world: World) -> None:
    """Clearing guard asks anew; after a yes the customers are created as if nothing had been said before."""
    with attempts(asking(world), "second thoughts", mode="full") as parts:
        parts.plan(can_ask=True)
        ask_for_approval(parts.at("guard"), parts.summary, link=LINK)
        reject_plan(parts.at("guard"), parts.summary.descriptors, by="olga")
        first = parts.summary.plan_hash

        parts.guard(can_ask=True)
        assert parts.summary.plan_hash == first
        assert skipped(parts) == set()
        ask_for_approval(parts.at("guard"), parts.summary, link=LINK)
        approve_plan(parts.at("guard"), parts.summary.descriptors, parts.planned, by="olga")
        report = parts.load().audit()
    assert "skipped" not in report.outcomes
    assert report.outcomes["created"] > 0


def test_tripped_guard_asks_with_facts_or_refuses_as_the_connector_says(world: World) -> None:
    """The question names guard, number and customers; with ``never``, or without anybody to ask, it is refused."""
    world.sync(mode="full")
    world.forget_calls()
    tripping = renamed_type(world)
    with attempts(tripping, "mass", mode="full") as parts:
        parts.plan(can_ask=True)
        subject, body, wait = ask_for_approval(parts.at("guard"), parts.summary, link=LINK)
        withdrawn = parts.summary.facts.withdrawn_count
        assert withdrawn == len(world.companies())
        assert wait.total_seconds() == 1440 * 60
    assert subject.startswith("knb: apply ")
    assert "guards.least\\_eligible\\_share" in body
    assert f"**Companies to be withdrawn: {withdrawn}**" in body
    assert f"[row by row in Connector Logs]({LINK})" in body

    for refusing, can_ask in ((asking(tripping, "never"), True), (tripping, False)):
        with (
            attempts(refusing, f"refusing {can_ask}", mode="full") as parts,
            pytest.raises(PlanRefused, match="least_eligible_share"),
        ):
            parts.plan(can_ask=can_ask)
    dry = tripping.sync(mode="full", dry_run=True)
    assert dry.outcomes["planned"] == withdrawn
    assert world.store_writes() == []


def leaver_beside_a_withdrawal(world: World) -> tuple[World, str, int]:
    """A synced world in which one customer is switched off, which trips a guard, and a contact of another has left."""
    world.sync(mode="full")
    state = world.store_state()
    users = [user for user in state["users"] if user["companyRoleId"] != 1]
    contacts = {str(row["ContactID"]): row for row in world.erp_state()["contacts"]}
    leaver = next(user for user in users if user["uuid"] in contacts)
    contact = contacts[leaver["uuid"]]
    company_of = {key: company["companyId"] for key, company in world.companies().items()}
    off = next(key for key, company_id in sorted(company_of.items()) if company_id != leaver["companyId"])
    world.edit("Contact", ContactID=contact["ContactID"], Active=False)
    world.edit("Customer", CustomerID=off, Status="Inactive")
    world.forget_calls()
    return world.with_rules(guards={"most_withdrawn": 0, "always_allowed": 0}), off, leaver["id"]


def test_people_who_have_left_do_not_wait_for_the_answer(world: World) -> None:
    """Their access ends before a person is asked; the question says so, and a no does not give it back."""
    tripping, off, user_id = leaver_beside_a_withdrawal(world)
    with attempts(tripping, "with a leaver") as parts:
        parts.plan(can_ask=True)
        _, body, _ = ask_for_approval(parts.at("guard"), parts.summary, link=LINK)
        assert "Access taken away already from people who have left: 1 user" in body
        assert user_id not in {user["id"] for user in world.store_state()["users"]}
        assert world.companies()[off]["companyStatus"] == 1
        said = reject_plan(parts.at("guard"), parts.summary.descriptors, by="olga")
        assert "Nothing was written, but 1 user of people who have left lost access." in said


def test_the_question_says_how_many_leavers_wait_where_every_plan_is_asked_about(world: World) -> None:
    """Nothing is written without a yes, and with it the leaver goes like the rest."""
    tripping, off, user_id = leaver_beside_a_withdrawal(world)
    with attempts(asking(tripping), "all asked") as parts:
        parts.plan(can_ask=True)
        _, body, _ = ask_for_approval(parts.at("guard"), parts.summary, link=LINK)
        assert "People who have left and keep access until then: 1 user" in body
        assert world.store_writes() == []
        approve_plan(parts.at("guard"), parts.summary.descriptors, parts.planned, by="olga")
        parts.load().audit()
    assert user_id not in {user["id"] for user in world.store_state()["users"]}
    assert world.companies()[off]["companyStatus"] == 3


def test_nobody_is_asked_when_there_is_nothing_to_apply(world: World) -> None:
    """A run without operations passes at once even where every plan needs a yes."""
    world.sync(mode="full")
    with attempts(asking(world), "nothing", mode="full") as parts:
        assert parts.plan(can_ask=True).summary.why_ask == []
        assert parts.load().audit().outcomes.keys() <= {"unchanged", "waiting", "filtered", "quarantined"}


def _keys(parts: Attempts) -> list[str]:
    return [descriptor.key for descriptor in parts.planned]
