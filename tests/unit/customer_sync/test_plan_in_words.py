"""A plan in words: what a person is told before saying yes or no."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from customer_sync.model.operation import Action
from customer_sync.planning.plan_facts import (
    SHOWN,
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
    assert "3 companies to create, 4 users to add" in body_of(plan)
    assert "Load first looks" not in "\n".join(lines_of(facts(actions={"update_company": 1})))


def test_more_customers_than_can_be_named_are_counted() -> None:
    """The first customers are named, the rest has a number."""
    plan = facts(withdrawn=(NamedCustomer("C1", "No•••"),), withdrawn_count=90)
    assert "**Companies to be withdrawn: 90**" in body_of(plan)
    assert "- `C1` `No•••`" in body_of(plan)
    assert "- and 89 more" in body_of(plan)


def test_one_customer_more_is_counted_too() -> None:
    """Nobody is left out of the count, be it one alone."""
    plan = facts(
        withdrawn=(NamedCustomer("C1", ""),), withdrawn_count=2, unknown=(UnknownPart("batch_failed", 2, ("F1",)),)
    )
    assert "- `C1`\n- and 1 more" in body_of(plan)
    assert "`F1` and 1 more" in body_of(plan)


def test_a_reason_without_words_is_named_by_its_code() -> None:
    """The log never says None of a reason."""
    (line,) = [line for line in lines_of(facts(unknown=(UnknownPart("email_missing", 1, ("C2",)),))) if "C2" in line]
    assert line == "Unknown: 1 customer (email_missing: ): C2"


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
        ("a\x07b\u200bc", "`a b c`"),
        ("a``b`c", "```a``b`c```"),
        ("a`", "`` a` ``"),
        ("\n", ""),
    ],
)
def test_foreign_text_stays_text_in_markdown(foreign: str, shown: str) -> None:
    """Ids and names from the ERP stand in code spans: no link, no image, no HTML, no second line."""
    assert code_span(foreign) == shown
    plan = facts(withdrawn=(NamedCustomer(foreign, ""),), withdrawn_count=1)
    assert f"- {shown}" in body_of(plan)


WHOLE = facts(
    batches=(PlannedBatch("C1\N{EN DASH}C9 (2)", 2, 7), PlannedBatch("D1 (1)", 1, 1)),
    actions={"update_company": 1, "create_user": 4, "create_company": 3},
    withdrawn=(NamedCustomer("C1", "No•••"), NamedCustomer("C2", "")),
    withdrawn_count=2,
    withheld=tuple(f"W{number:02d}" for number in range(SHOWN + 2)),
    unknown=(
        UnknownPart("batch_failed", 1, ("F1",)),
        UnknownPart("outcome_unknown", 2, ("O1", "O2")),
        UnknownPart("parts_not_read", 3, ("P1",)),
        UnknownPart("record_unreadable", 1, ("R1",)),
    ),
)
NAMED = [f"W{number:02d}" for number in range(SHOWN)]
TAKEN_OVER = (
    "Load first looks whether the store has one with the customer's id already; that one is taken over, and what then "
    "changes in it is known only to load."
)


def test_the_log_holds_every_fact_of_the_plan() -> None:
    """Size, batches, operations by action, who was taken out, and what is unknown and why: a line each."""
    assert lines_of(WHOLE) == [
        f"Plan {HASH}: 8 operations for 3 customers in 2 batches.",
        "  C1\N{EN DASH}C9 (2): 7 operations for 2 customers",
        "  D1 (1): 1 operation for 1 customer",
        "  in all: 3 companies to create, 4 users to add, 1 company to change",
        f"Withheld because they share an Account Email: {', '.join(NAMED)}",
        "Unknown: 1 customer (batch_failed: a task of their batch failed, so nothing is planned for them): F1",
        "Unknown: 2 customers (outcome_unknown: an earlier write has no answer; load reads it back first): O1, O2",
        (
            "Unknown: 3 customers (parts_not_read: users and addresses of the company were not read yet; load reads "
            "them first): P1 and 2 more"
        ),
        "Unknown: 1 customer (record_unreadable: the ERP's record cannot be read): R1",
        f"Companies to be created: 3. {TAKEN_OVER}",
    ]


def test_every_action_has_words() -> None:
    """No operation of a plan is passed over in silence."""
    (line,) = [each for each in lines_of(facts(actions=dict.fromkeys(map(str, Action), 2))) if "in all" in each]
    assert len(line.split(", ")) == len(Action)
    assert "_" not in line


def test_who_has_left_is_counted_by_what_became_of_the_access() -> None:
    """Those who lost it before the answer, and those who keep it until then."""
    plan = facts(leavers_gone=1, leavers_waiting=2)
    assert "Access taken away already from people who have left: 1 user" in lines_of(plan)
    assert "- People who have left and keep access until then: 2 users" in body_of(plan)
    assert plan.untouched == "Nothing was written, but 1 user of people who have left lost access."
    assert facts().untouched == "Nothing was written."


def test_the_log_says_no_more_than_there_is() -> None:
    """A plan without creations, withheld or unknown customers is two lines."""
    assert lines_of(facts()) == [
        f"Plan {HASH}: 7 operations for 1 customer in 1 batch.",
        "  C1 (1): 7 operations for 1 customer",
    ]


def test_the_question_holds_every_fact_of_the_plan() -> None:
    """Why, what, who, what is unknown, and what each answer does: a person can decide on it alone."""
    subject, body = question_of(
        WHOLE, connector="knb", why=["A *reason*.", "Another."], link="http://h/x", answer_until=UNTIL
    )
    assert subject == "knb: apply 8 operations for 3 customers?"
    assert body.split("\n\n") == [
        "**Why you are asked**",
        "- A \\*reason\\*.\n- Another.",
        "**The plan**",
        (
            "- 8 operations for 3 customers in 2 batches\n"
            "- 3 companies to create, 4 users to add, 1 company to change\n"
            f"- left out because they share an Account Email: {', '.join(f'`{key}`' for key in NAMED)} and 2 more\n"
            f"- Companies to be created: 3. {TAKEN_OVER}\n"
            f"- plan hash `{HASH}`\n"
            "- [row by row in Connector Logs](http://h/x)"
        ),
        "**Companies to be withdrawn: 2**",
        "- `C1` `No•••`\n- `C2`",
        "**Unknown: 7 customers**",
        (
            "- 1, a task of their batch failed, so nothing is planned for them: `F1`\n"
            "- 2, an earlier write has no answer; load reads it back first: `O1`, `O2`\n"
            "- 3, users and addresses of the company were not read yet; load reads them first: `P1` and 2 more\n"
            "- 1, the ERP's record cannot be read: `R1`"
        ),
        "**Your answer**",
        (
            "- *Approve*: exactly this plan is applied; if it does not fit any more, the run is refused.\n"
            "- *Reject*: nothing is written, the run ends as failed, and the next run plans these customers again.\n"
            "- No answer until 2026-11-25 12:00 UTC counts as *Reject*."
        ),
    ]


def test_the_question_says_no_more_than_there_is() -> None:
    """Without withdrawn, withheld or unknown customers there is no heading for them."""
    assert body_of(facts(), why="Because.").split("\n\n")[:4] == [
        "**Why you are asked**",
        "- Because.",
        "**The plan**",
        f"- 7 operations for 1 customer in 1 batch\n- plan hash `{HASH}`\n- [row by row in Connector Logs](http://h/x)",
    ]
    assert len(body_of(facts()).split("\n\n")) == 6
