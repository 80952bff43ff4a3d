"""What a part waits for is true of its reason: the side that has to change, the holder, or the sync's own next run."""

from __future__ import annotations

import pytest

from customer_sync.model.outcome import MENDED_IN_STORE, REMEDIES, SETTLED_BY_RUNS, Reason
from customer_sync.model.waiting import WAITS_FOR, waits_for

# Code, holder, and what is said of it where the field is City.
STRANGER = "another value of City in the ERP, or until the user of a company that is not ours gives the e-mail up"
CASES = [
    ("name_missing", "", "another value of City in the ERP"),
    ("phone_missing", "", "another value of City in the ERP, or another setting of the connector file"),
    ("state_unknown", "", "another value of City in the ERP, or another setting of the connector file"),
    (
        "rejected_by_store",
        "",
        "another value of City in the ERP or the connector file, or a run that retries what is in quarantine",
    ),
    (
        "cannot_clear",
        "",
        "the value to be emptied in the store and found so by a reconciliation, or another value of City in the ERP",
    ),
    ("email_duplicate", "C2", "another value of City in the ERP, or until customer C2 has another one"),
    ("email_duplicate", "", "another value of City in the ERP"),
    ("email_in_use", "C2", "another value of City in the ERP, or until customer C2 gives the e-mail up"),
    (
        "email_in_use",
        "",
        f"{STRANGER}: asked once a day",
    ),
    (
        "held_by_withdrawn_company",
        "C2",
        "another value of City in the ERP, or until the withdrawn company of customer C2 gives the e-mail up",
    ),
    ("skipped_by_person", "", "a person to take the customer back on its Connector Logs page"),
    ("handled_by_person", "", "a change of the customer in the ERP"),
    ("approval_timed_out", "", "the next run, which asks again"),
    ("outcome_unknown", "", "the next load, which reads the record back first"),
    ("a code of an older version", "", "another value of City in the ERP"),
]


@pytest.mark.parametrize(
    ("code", "holder", "said"), CASES, ids=[f"{code} {holder}".strip() for code, holder, _ in CASES]
)
def test_a_part_waits_for_what_ends_its_wait(code: str, holder: str, said: str) -> None:
    """Word for word, with field and holder."""
    assert waits_for(code, "City", holder) == said


def test_every_reason_says_what_it_waits_for() -> None:
    """A new reason has its sentence, or this fails; none is left unfilled."""
    assert set(WAITS_FOR) == set(Reason)
    assert not any("{" in waits_for(reason) for reason in Reason)


@pytest.mark.parametrize("reason", sorted(Reason))
def test_the_side_that_is_waited_for_is_the_side_of_the_next_step(reason: Reason) -> None:
    """What a person is sent to change is what the sync looks out for."""
    said, step = waits_for(reason), REMEDIES[reason]
    if reason in MENDED_IN_STORE:
        assert "store" in said
        assert "in the ERP" not in said
    if reason in SETTLED_BY_RUNS:
        assert said.startswith(("the next run", "the next load"))
    if "next run" in step:
        assert said.startswith(("the next run", "the next load"))
    elif "connector file" in step or "connector's" in step:
        assert "connector file" in said
