"""What one run may take away before a person must look."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.planning.guard_limits import RunTotals, tripped_guards
from customer_sync.settings.connector import GuardRules

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
        ({"removed": 300}, ""),
        ({"removed": 301}, "guards.most_removed_share"),
        ({"removed": 1001, "linked_parts": 1_000_000}, "guards.most_removed)"),
    ],
)
def test_a_guard_trips_only_beyond_its_limit(changes: dict[str, Any], expected: str) -> None:
    """Each limit has a run just inside it and one just outside, and the refusal names the setting."""
    tripped = tripped_guards(RunTotals(**{**CALM, **changes}), GuardRules())

    assert ("; ".join(tripped) == "") if not expected else (len(tripped) == 1 and expected in tripped[0])
