"""Filters are quoted and joined as the dialect of docs/api/acumatica.md#filters asks."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from customer_sync.sources.acumatica import odata_filter as f


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (f.eq("CustomerID", "C001042"), "CustomerID eq 'C001042'"),
        (f.gt("CustomerID", "O'Brien's"), "CustomerID gt 'O''Brien''s'"),
        (f.gt("ContactID", 100817), "ContactID gt 100817"),
        (f.eq("Active", value=True), "Active eq true"),
        (f.eq("Email", None), "Email eq null"),
        (f.lt("CreditLimit", Decimal("1E+3")), "CreditLimit lt 1000M"),
        (f.ge("D", Decimal("0.50")), "D ge 0.50M"),
        (
            f.ge("LastModifiedDateTime", dt.datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=dt.UTC)),
            "LastModifiedDateTime ge datetimeoffset'2026-03-04T05:06:07.089+00:00'",
        ),
        (
            f.le("X", dt.datetime(2026, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=2)))),
            "X le datetimeoffset'2026-03-04T03:00:00+00:00'",
        ),
    ],
)
def test_comparison_is_quoted_when_built(built: f.Filter, text: str) -> None:
    """Every literal has its form, and a quote inside is doubled."""
    assert str(built) == text


A, B, C = f.eq("A", 1), f.eq("B", 2), f.eq("C", 3)


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (f.all_of(A, B), "A eq 1 and B eq 2"),
        (f.any_of(A, B), "A eq 1 or B eq 2"),
        (f.all_of(A, f.any_of(B, C)), "A eq 1 and (B eq 2 or C eq 3)"),
        (f.any_of(A, f.all_of(B, C) or A), "A eq 1 or B eq 2 and C eq 3"),
        (f.all_of(None, A, None), "A eq 1"),
        (f.all_of(None, f.any_of(A)), "A eq 1"),
    ],
)
def test_parentheses_stand_where_needed_when_joined(built: f.Filter, text: str) -> None:
    """'and' binds tighter than 'or', so only an 'or' inside an 'and' is put into parentheses."""
    assert str(built) == text


def test_there_is_no_filter_when_there_is_no_condition() -> None:
    """Nothing to ask for is None, not an empty text that would mean everything."""
    assert f.all_of(None, None) is None


def test_choice_is_refused_when_it_is_empty() -> None:
    """An empty choice matches nothing, which must never turn into 'all'."""
    with pytest.raises(ValueError, match="at least one"):
        f.any_of()


def test_moment_is_refused_when_it_has_no_zone() -> None:
    """A moment without a zone would be read as some other one."""
    with pytest.raises(ValueError, match="no time zone"):
        f.ge("X", dt.datetime(2026, 1, 1))  # noqa: DTZ001 - the very mistake


def test_text_is_short_when_a_value_is_huge() -> None:
    """Ten megabytes of quotes are doubled in linear time."""
    value: Any = "'" * 10_000_000
    assert len(str(f.eq("A", value))) == 20_000_000 + len("A eq ''")
