"""What one run may take away before a person must look."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.planning.guard_limits import RunTotals, tripped_guards
from customer_sync.settings.run_rules import GuardRules

CALM: dict[str, Any] = {
    "is_whole_read": True,
    "extracted": 1000,
    "eligible": 800,
    "withdrawn": 0,
    "removed": 0,
    "linked_companies": 800,
    "linked_parts": 3000,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"is_whole_read": False, "extracted": 0, "eligible": 0}, ""),
        ({"extracted": 0, "eligible": 0}, "no customer at all"),
        ({"extracted": 0, "eligible": 0, "linked_companies": 0, "linked_parts": 0}, ""),
        ({"eligible": 400}, ""),
        ({"eligible": 399}, "guards.least_eligible_share"),
        ({"is_whole_read": False, "eligible": 3}, ""),
        ({"withdrawn": 80}, ""),
        ({"withdrawn": 81}, "guards.most_withdrawn_share"),
        ({"withdrawn": 10, "linked_companies": 20, "eligible": 10}, ""),
        ({"withdrawn": 11, "linked_companies": 20, "eligible": 10}, "guards.most_withdrawn_share"),
        (
            {"withdrawn": 201, "linked_companies": 100_000, "eligible": 99_000, "extracted": 99_500},
            "guards.most_withdrawn)",
        ),
        ({"withdrawn": 200, "linked_companies": 100_000, "eligible": 99_000, "extracted": 99_500}, ""),
        ({"created": 400}, ""),
        ({"created": 401}, "guards.most_created_share"),
        ({"created": 100_000, "is_first_load": True}, ""),
        ({"created": 10, "linked_companies": 3, "eligible": 13}, ""),
        ({"removed": 300}, ""),
        ({"removed": 301}, "guards.most_removed_share"),
        ({"removed": 1000, "linked_parts": 1_000_000}, ""),
        ({"removed": 1001, "linked_parts": 1_000_000}, "guards.most_removed)"),
    ],
)
def test_a_guard_trips_only_beyond_its_limit(changes: dict[str, Any], expected: str) -> None:
    """Each limit has a run just inside it and one just outside, and the refusal names the setting."""
    tripped = tripped_guards(RunTotals(**{**CALM, **changes}), GuardRules())

    assert ("; ".join(tripped) == "") if not expected else (len(tripped) == 1 and expected in tripped[0])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"extracted": 0, "eligible": 0},
            (
                "The ERP showed no customer at all, and 800 companies are linked: check the API user's rights and the "
                "tenant."
            ),
        ),
        (
            {"eligible": 399},
            (
                "Only 399 of 1000 customers are eligible, and 800 companies are linked (guards.least_eligible_share): "
                "was a class, type or connection type renamed?"
            ),
        ),
        (
            {"withdrawn": 201, "linked_companies": 1600},
            "It would withdraw 201 companies, more than 200 (guards.most_withdrawn).",
        ),
        (
            {"withdrawn": 81},
            "It would withdraw 81 of 800 linked companies, more than 10% (guards.most_withdrawn_share).",
        ),
        ({"removed": 1001}, "It would remove 1001 users and addresses, more than 1000 (guards.most_removed)."),
        (
            {"removed": 301},
            "It would remove 301 of 3000 linked users and addresses, more than 10% (guards.most_removed_share).",
        ),
        (
            {"created": 401},
            "It would create 401 companies beside 800 linked ones, more than 50% (guards.most_created_share).",
        ),
    ],
)
def test_a_refusal_says_what_would_happen_and_which_setting_decides(changes: dict[str, Any], sentence: str) -> None:
    """The person who reads only this sentence knows the figures, the limit and where it is set."""
    assert tripped_guards(RunTotals(**{**CALM, **changes}), GuardRules()) == [sentence]
