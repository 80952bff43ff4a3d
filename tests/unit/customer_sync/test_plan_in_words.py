"""A plan in words: what a person is told before saying yes or no."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from customer_sync.planning.plan_facts import (
    NamedCustomer,
    PlanFacts,
    PlannedBatch,
    UnknownPart,
    code_span,
    lines_of,
    question_of,
)

UNTIL = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HASH = "0123456789abcdef0123456789abcdef"


def facts(**changes: object) -> PlanFacts:
    """A plan of one batch."""
    values = {"plan_hash": HASH, "batches": (PlannedBatch("C1 (1)", 1, 7),), **changes}
    return PlanFacts(**values)  # type: ignore[arg-type]


def body_of(plan: PlanFacts, why: str = "It would withdraw 1 companies (guards.most_withdrawn).") -> str:
    """The question's body."""
    return question_of(plan, connector="knb", why=[why], link="http://h/x", answer_until=UNTIL)[1]


def test_unknown_is_said_and_never_taken_for_no_change() -> None:
    """What cannot be worked out stands in the log and in the question, with reason, number and customers."""
    plan = facts(unknown=(UnknownPart("parts_not_read", 25, ("C2", "C3")),))
    assert "Unknown: 25 customers (parts_not_read" in "\n".join(lines_of(plan))
    assert "C2, C3 and 23 more" in "\n".join(lines_of(plan))
    assert "**Unknown: 25 customers**" in body_of(plan)
    assert "`C2`, `C3` and 23 more" in body_of(plan)


def test_what_only_load_can_know_is_said_where_companies_are_created() -> None:
    """A company that the store has already is taken over; guard cannot see it, and says so."""
    plan = facts(actions={"create_company": 3, "create_user": 4})
    assert "Companies to be created: 3. Load first looks" in "\n".join(lines_of(plan))
    assert "3 x create\\_company, 4 x create\\_user" in body_of(plan)
    assert "Load first looks" not in "\n".join(lines_of(facts(actions={"update_company": 1})))


def test_more_customers_than_can_be_named_are_counted() -> None:
    """The first customers are named, the rest has a number."""
    plan = facts(withdrawn=(NamedCustomer("C1", "No•••"),), withdrawn_count=90)
    assert "**Companies to be withdrawn: 90**" in body_of(plan)
    assert "- `C1` `No•••`" in body_of(plan)
    assert "- and 89 more" in body_of(plan)


def test_deadline_hash_and_link_stand_in_the_question() -> None:
    """A person sees until when to answer, which plan it is, and where to read it."""
    body = body_of(facts())
    assert "No answer until 2026-11-25 12:00 UTC counts as *Reject*." in body
    assert f"plan hash `{HASH}`" in body
    assert "](http://h/x)" in body


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("C1", "`C1`"),
        ("www.evil.example", "`www.evil.example`"),
        ("[x](http://evil.example)", "`[x](http://evil.example)`"),
        ("<img src=x onerror=alert(1)>", "`<img src=x onerror=alert(1)>`"),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        ("a\n\n# b\u2028c", "`a # b c`"),
        ("\n", ""),
    ],
)
def test_foreign_text_stays_text_in_markdown(foreign: str, shown: str) -> None:
    """Ids and names from the ERP stand in code spans: no link, no image, no HTML, no second line."""
    assert code_span(foreign) == shown
    plan = facts(withdrawn=(NamedCustomer(foreign, ""),), withdrawn_count=1)
    assert f"- {shown}" in body_of(plan)
