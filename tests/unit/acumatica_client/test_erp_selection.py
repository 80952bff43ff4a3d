"""One set of paths gives the query, the type and the getters, and they agree."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from customer_sync.errors import ConfigError
from customer_sync.sources.acumatica.selection import Selection

FULL = Selection(
    "Customer",
    (
        "CustomerID",
        "CreditLimit",
        "LastModifiedDateTime",
        "EnableKensiumCommerce",
        "PrimaryContactID",
        "MainContact/Email",
        "MainContact/Address/City",
        "SiteAssociations/SiteID",
        "SiteAssociations/Active",
        "UsrSomething",
    ),
    ("CurrentCustomer.UsrKNEnableCommerce", "BAccount.UsrRank"),
)


def _row(selection: Selection, **fields: Any) -> Any:
    return msgspec.json.decode(json.dumps({"id": "1", **fields}).encode(), type=selection.row_type)


def test_query_names_every_level_when_parts_are_selected() -> None:
    """Each level is expanded separately, in $select by path, and custom fields stand in $custom."""
    assert dict(FULL.query) == {
        "$select": ",".join(FULL.fields),
        "$expand": "MainContact,MainContact/Address,SiteAssociations",
        "$custom": "CurrentCustomer.UsrKNEnableCommerce,BAccount.UsrRank",
    }


def test_query_is_short_when_there_is_nothing_to_expand() -> None:
    """Empty options are not sent."""
    assert Selection("Contact", ("ContactID", "ContactID")).query == (("$select", "ContactID"),)


def test_values_are_typed_when_a_row_is_whole() -> None:
    """Texts, numbers with their scale, moments with their zone, parts, details and custom fields are taken out."""
    row = _row(
        FULL,
        CustomerID={"value": "C1"},
        CreditLimit={"value": 25000.5},
        LastModifiedDateTime={"value": "2026-03-04T15:21:07.483+00:00"},
        EnableKensiumCommerce={"value": True},
        PrimaryContactID={"value": 100815},
        MainContact={"Email": {"value": "a@b.example"}, "Address": {"City": {"value": "Oakland"}}},
        SiteAssociations=[
            {"SiteID": {"value": "A"}, "Active": {"value": True}},
            {"SiteID": {"value": "B"}, "Active": {}},
        ],
        UsrSomething={"value": 7},
        custom={
            "CurrentCustomer": {"UsrKNEnableCommerce": {"type": "CustomBooleanField", "value": True}},
            "BAccount": {"UsrRank": {"type": "CustomStringField"}},
        },
    )
    got = {path: FULL.getter(path)(row) for path in (*FULL.fields, *FULL.custom)}
    assert got == {
        "CustomerID": "C1",
        "CreditLimit": Decimal("25000.5"),
        "LastModifiedDateTime": dt.datetime(2026, 3, 4, 15, 21, 7, 483_000, tzinfo=dt.UTC),
        "EnableKensiumCommerce": True,
        "PrimaryContactID": 100815,
        "MainContact/Email": "a@b.example",
        "MainContact/Address/City": "Oakland",
        "SiteAssociations/SiteID": ["A", "B"],
        "SiteAssociations/Active": [True, None],
        "UsrSomething": 7,
        "CurrentCustomer.UsrKNEnableCommerce": True,
        "BAccount.UsrRank": None,
    }
    assert FULL.detail_getter("SiteAssociations", ("Active", "SiteID"))(row) == [(True, "A"), (None, "B")]


@pytest.mark.parametrize("empty", [{}, {"value": None}, None])
def test_value_is_none_when_a_scalar_is_empty(empty: Any) -> None:
    """An empty object, a null value, a null and an absent key all mean "no value" (docs/api/acumatica.md#json)."""
    assert FULL.getter("CustomerID")(_row(FULL, CustomerID=empty)) is None
    assert FULL.getter("CustomerID")(_row(FULL)) is None


@pytest.mark.parametrize("part", [None, {}, {"Address": None}, {"Address": {}}, {"Address": {"City": None}}])
def test_value_is_none_when_a_part_is_missing(part: Any) -> None:
    """A null or absent part, at any level, is no value and no error."""
    assert FULL.getter("MainContact/Address/City")(_row(FULL, MainContact=part)) is None
    assert FULL.getter("MainContact/Address/City")(_row(FULL)) is None


@pytest.mark.parametrize("detail", [None, []])
def test_detail_is_empty_when_there_are_no_rows(detail: Any) -> None:
    """A detail without rows, or none at all, gives no tuples."""
    get = FULL.detail_getter("SiteAssociations", ("SiteID", "Active"))
    assert get(_row(FULL, SiteAssociations=detail)) == []
    assert get(_row(FULL)) == []


def test_fields_not_asked_for_are_skipped_when_they_come() -> None:
    """Whatever else a row holds, of whatever form, does not matter."""
    row = _row(FULL, CustomerID={"value": "C1"}, rowNumber="x", note=None, Else=[1], _links={"self": 1})
    assert FULL.getter("CustomerID")(row) == "C1"


def test_path_is_refused_when_it_was_not_selected() -> None:
    """An unselected field would always look empty, and blank what the store has."""
    with pytest.raises(ConfigError, match="not among the fields read"):
        FULL.getter("CustomerName")


@pytest.mark.parametrize("path", ["", "Customer ID", "A//B", "/A", "A,B", "A'", "1A", "A" * 65])
def test_path_is_refused_when_it_is_none(path: str) -> None:
    """Nothing that is no name reaches the query."""
    with pytest.raises(ConfigError, match="not a field"):
        Selection("Customer", (path,))


@pytest.mark.parametrize("path", ["UsrX", "A.B.C", "A.", ".B", "A/B.C"])
def test_custom_path_is_refused_when_it_is_none(path: str) -> None:
    """A custom field is View.Field."""
    with pytest.raises(ConfigError, match="not a custom field"):
        Selection("Customer", ("CustomerID",), (path,))


def test_selection_is_refused_when_a_part_is_also_a_field() -> None:
    """A part cannot be read whole and by field at once."""
    with pytest.raises(ConfigError, match="both a field and a part"):
        Selection("Customer", ("MainContact", "MainContact/Email"))


def test_selection_is_smaller_when_a_part_is_dropped() -> None:
    """Dropping a part drops every field below it and nothing else."""
    smaller = FULL.without(["MainContact/Address", "SiteAssociations"])
    assert set(FULL.fields) - set(smaller.fields) == {
        "MainContact/Address/City",
        "SiteAssociations/SiteID",
        "SiteAssociations/Active",
    }
    assert smaller.custom == FULL.custom


def test_keyword_is_a_field_when_the_erp_calls_one_so() -> None:
    """A field named like a word of Python is read like any other."""
    selection = Selection("Thing", ("None", "id2", "class"))
    assert selection.getter("class")(_row(selection, **{"class": {"value": "x"}})) == "x"
    assert selection.getter("None")(_row(selection, **{"None": {"value": "y"}})) == "y"
