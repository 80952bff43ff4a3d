"""What the ERP may leave out of a full read: exactly what can be said of plain fields."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.sources.acumatica.server_filter import server_filter
from tests.unit.customer_sync.builders import a_connector

STATUSES = "(Status eq 'Active' or Status eq 'Credit Hold' or Status eq 'One-Time' or Status eq 'On Hold')"


def filter_of(*, erp: bool = True, **sections: Any) -> str:
    """The condition under some settings, as text."""
    return str(server_filter(a_connector(erp={"server_filter": erp}, **sections)) or "")


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        ({}, f"CustomerClass eq 'B2B' and {STATUSES}"),
        (
            {
                "eligibility": {
                    "types": ["B2B", "O'Neil"],
                    "classes": ["KEY"],
                    "sync_statuses": ["Active"],
                    "hold_statuses": [],
                }
            },
            "(CustomerClass eq 'B2B' or CustomerClass eq 'O''Neil') and CustomerClass eq 'KEY' and Status eq 'Active'",
        ),
        ({"source": {"customer": {"type": "MainContact/Attention"}}}, STATUSES[1:-1]),
        ({"source": {"customer": {"type": ["CustomerCategory", "CustomerClass"]}}}, STATUSES[1:-1]),
        ({"source": {"customer": {"type": {"custom": "CurrentCustomer.UsrType"}}}}, STATUSES[1:-1]),
        ({"source": {"customer": {"type": {"field": "CustomerClass", "convert": ["cut:3"]}}}}, STATUSES[1:-1]),
        (
            {
                "source": {
                    "customer": {"type": {"detail": "Attributes", "where": {"AttributeID": "T"}, "field": "Value"}}
                }
            },
            STATUSES[1:-1],
        ),
        ({"eligibility": {"types": ["Großhandel"]}}, STATUSES[1:-1]),
        (
            {"source": {"customer": {"customer_class": None}}, "eligibility": {"classes": ["KEY"]}},
            f"CustomerClass eq 'B2B' and {STATUSES}",
        ),
    ],
)
def test_the_condition_says_what_plain_fields_say(sections: dict[str, Any], text: str) -> None:
    """Whatever the rules compare otherwise is left to them."""
    assert filter_of(**sections) == text


def test_nothing_is_left_out_unless_asked_for() -> None:
    """The setting is off by default, and off for comparisons, which look at everybody."""
    assert filter_of(erp=False) == ""
    assert server_filter(a_connector(erp={"server_filter": True}).for_comparison()) is None
