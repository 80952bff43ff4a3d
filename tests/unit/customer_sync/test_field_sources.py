"""Where a value is read from: the short forms, the long form, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from customer_sync.sources.acumatica.section import section_of
from customer_sync.sources.acumatica.value_rule import FieldSource, ValueRule
from tests.unit.customer_sync.builders import a_connector

ROW = {"detail": "SiteAssociations", "where": {"SiteID": "B2BMAIN"}, "field": "Active"}
CUSTOM = {"custom": "CurrentCustomer.UsrKNEnableCommerce"}


def rule_of(value: Any) -> ValueRule:
    """Read a value rule as the connector file does."""
    rule: ValueRule = section_of(a_connector(source={"customer": {"email": value}})).customer.email
    return rule


@pytest.mark.parametrize(
    ("value", "sources", "convert"),
    [
        ("Email", [{"field": "Email"}], ("trim",)),
        ("MainContact/Phone1", [{"field": "MainContact/Phone1"}], ("trim",)),
        (["Phone1", "Phone2"], [{"field": "Phone1"}, {"field": "Phone2"}], ("trim",)),
        (["Phone1", CUSTOM], [{"field": "Phone1"}, CUSTOM], ("trim",)),
        (ROW, [ROW], ("trim",)),
        (CUSTOM, [CUSTOM], ("trim",)),
        ({"field": "Email", "convert": ["lower"]}, [{"field": "Email"}], ("lower",)),
        ({**CUSTOM, "convert": ["digits", "cut:5"]}, [CUSTOM], ("digits", "cut:5")),
        ({"sources": ["A", ROW], "convert": ["trim", "upper"]}, [{"field": "A"}, ROW], ("trim", "upper")),
        (
            {"detail": "D", "where": {"SiteID": 1}, "field": "F"},
            [{"detail": "D", "where": {"SiteID": "1"}, "field": "F"}],
            ("trim",),
        ),
    ],
)
def test_every_form_says_the_same_as_the_long_one(
    value: Any, sources: list[dict[str, Any]], convert: tuple[str, ...]
) -> None:
    """A name, a list, a detail row, an extension field, or all of it spelled out."""
    assert rule_of(value) == ValueRule(sources=tuple(FieldSource(**source) for source in sources), convert=convert)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "either 'field'"),
        ([], "at least 1"),
        ({}, "either 'field'"),
        ({"field": "Email", "custom": "View.Field"}, "either 'field'"),
        ({"detail": "SiteAssociations"}, "either 'field'"),
        ({"field": "Active", "where": {"SiteID": "X"}}, "'where' picks a detail row"),
        ({"custom": "UsrEnable"}, "pattern"),
        ({"custom": "A.B.C"}, "pattern"),
        ({"path": "Email"}, "Extra inputs"),
        ({"field": "Email", "convert": ["reverse"]}, "pattern"),
        ({"field": "Email", "convert": ["cut:0"]}, "pattern"),
        ({"field": "Email", "convert": ["cut:"]}, "pattern"),
        (5, "a field's name"),
        (None, "a field's name"),
        (True, "a field's name"),
    ],
)
def test_a_source_that_names_no_place_or_two_is_refused(value: Any, words: str) -> None:
    """A mistake in a path is found when the file is read, not in the middle of a run."""
    with pytest.raises(ValidationError, match=words):
        rule_of(value)


def test_the_primary_flag_of_a_contact_may_be_left_to_the_customer() -> None:
    """Unset, the customer's PrimaryContactID decides; set, the field does."""
    assert section_of(a_connector()).contact.is_primary is None
    rule = section_of(a_connector(source={"contact": {"is_primary": "UsrPrimary"}})).contact.is_primary
    assert rule == ValueRule(sources=(FieldSource(field="UsrPrimary"),))
