"""docs/api/acumatica.md#statement-18: every row of the filter table, accepted and refused alike."""

from __future__ import annotations

from typing import Any

import pytest

STAMP = "LastModifiedDateTime"


def _ask(erp: Any, text: str, entity: str = "Customer", endpoint: str | None = None) -> Any:
    return erp.get(f"{endpoint or erp.extended}/{entity}", {"$filter": text})


def _keys(erp: Any, text: str) -> list[str]:
    return sorted(erp.ids("Customer", "CustomerID", text))


def _all(erp: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = erp.get(
        f"{erp.extended}/Customer", {"$expand": "MainContact,MainContact/Address"}
    ).json()
    return rows


def _value(row: dict[str, Any], *path: str) -> Any:
    for name in path:
        row = row[name]
    return row.get("value")


def test_s17_18_moment_with_offset_works_when_the_plus_is_escaped(erp: Any) -> None:
    """`ge datetimeoffset'…%2B00:00'` works for every form of the literal."""
    rows = _all(erp)
    stamps = sorted(_value(row, STAMP) for row in rows)
    middle = stamps[30]
    wanted = sorted(_value(row, "CustomerID") for row in rows if _value(row, STAMP) >= middle)
    assert _keys(erp, f"{STAMP} ge datetimeoffset'{middle}'") == wanted
    assert _keys(erp, f"{STAMP} ge datetimeoffset'{middle.replace('+00:00', 'Z')}'") == wanted
    assert _keys(erp, f"{STAMP} ge datetimeoffset'{middle.replace('+00:00', '')}'") == wanted
    assert len(_keys(erp, f"{STAMP} gt datetimeoffset'{middle}'")) < len(wanted)
    by_day = sorted(_value(row, "CustomerID") for row in rows if _value(row, STAMP) >= "2025-06-01")
    assert by_day
    assert _keys(erp, f"{STAMP} ge datetimeoffset'2025-06-01'") == by_day
    assert _keys(erp, f"{STAMP} ge date'2025-06-01'") == by_day


def test_s17_18_window_is_half_open_when_both_bounds_are_given(erp: Any) -> None:
    """`ge` and `lt` together cut a window, also when the index on stamps serves it."""
    rows = _all(erp)
    stamps = sorted(_value(row, STAMP) for row in rows)
    low, high = stamps[10], stamps[12]
    wanted = sorted(_value(row, "CustomerID") for row in rows if low <= _value(row, STAMP) < high)
    assert _keys(erp, f"{STAMP} ge datetimeoffset'{low}' and {STAMP} lt datetimeoffset'{high}'") == wanted


@pytest.mark.parametrize(
    "text",
    [
        "LastModifiedDateTime ge datetimeoffset'2026-03-04T05:06:07.089 00:00'",
        "LastModifiedDateTime ge datetime'2026-01-01T00:00:00'",
        "LastModifiedDateTime ge 2026-01-01T00:00:00Z",
        "LastModifiedDateTime ge '2026-01-01'",
        "LastModifiedDateTime ge datetimeoffset'yesterday'",
        "not substringof('east', CustomerName)",
        "not (CustomerID eq 'C000001')",
        "not CustomerID eq 'C000001'",
        "contains(CustomerName, 'a')",
        "tolower(CustomerName) eq 'a'",
        "toupper(CustomerName) eq 'A'",
        "substringof('a', tolower(CustomerName))",
        "CreditLimit gt '0'",
        "PrimaryContactID eq '100815'",
        "CustomerName eq 5",
        "PrintInvoices eq 'true'",
        "CreditLimit add 5 gt 10",
        "Contacts/any(c: c/ContactID eq 5)",
        "CustomerID in ('C000001','C000002')",
        "year(CreatedDateTime) eq 2025",
        "Status has 'Active'",
        "'C000001' eq CustomerID",
        "CustomerID eq",
        "CustomerID eq 'C000001' and",
        "(CustomerID eq 'C000001'",
        "CustomerID EQ 'C000001'",
        "CustomerID eq 'C000001' AND Status eq 'Active'",
        "startswith('C', CustomerID)",
        "substringof(CustomerName, 'a')",
        "CustomerID gt null",
        "CustomerID eq 'unclosed",
        "PrintInvoices",
        "true",
        "Contacts/ContactID eq 5",
        "MainContact eq null",
        "CustomerID eq 'a';",
    ],
)
def test_s17_18_filter_is_a_500_when_outside_the_dialect(site: Any, text: str) -> None:
    """What is not supported is refused with 500 and never guessed at."""
    answer = _ask(site, text, endpoint=site.default)
    assert answer.status_code == 500
    assert {"message", "exceptionMessage", "exceptionType", "stackTrace"} <= set(answer.json())


@pytest.mark.parametrize(
    ("text", "word"), [("contains(CustomerName, 'a')", "contains"), ("not (CustomerID eq 'a')", "not")]
)
def test_s17_18_refusal_names_the_word_when_a_filter_is_refused(erp: Any, text: str, word: str) -> None:
    """The refusal says what was not understood."""
    body = _ask(erp, text).json()
    assert body["exceptionType"] == "System.NotSupportedException"
    assert body["exceptionMessage"] == f"The filter expression is not supported: {word}"


def test_s17_18_bare_plus_is_a_500_when_it_decodes_to_a_blank(erp: Any) -> None:
    """An offset whose plus sign was sent unescaped arrives as a blank and is refused."""
    text = "LastModifiedDateTime%20ge%20datetimeoffset'2026-03-04T05:06:07+00:00'"
    assert erp.get(f"{erp.default}/Customer?$filter={text}").status_code == 500
    assert erp.get(f"{erp.default}/Customer?$filter={text.replace('+', '%2B')}").status_code == 200


@pytest.mark.parametrize("text", ["Nonsense eq 'x'", "customerid eq 'C000001'", "MainContact/Nonsense eq 'x'"])
def test_s17_18_unknown_field_is_key_not_found_when_filtered(erp: Any, text: str) -> None:
    """An unknown field, or one in wrong case, is 500 KeyNotFound."""
    answer = _ask(erp, text)
    assert answer.status_code == 500
    assert answer.json()["exceptionType"].endswith("KeyNotFoundException")


def test_s17_18_extension_fields_are_unknown_when_filtered_on_default(erp: Any) -> None:
    """The commerce fields are no contract fields of Default."""
    assert "KeyNotFound" in _ask(erp, "EnableKensiumCommerce eq true", endpoint=erp.default).text


def test_s17_18_null_works_when_compared(erp: Any) -> None:
    """`eq null` finds what has no value, `ne null` the rest."""
    assert _keys(erp, "Email eq null") == ["C000010", "C000048"]
    assert len(_keys(erp, "Email ne null")) == 58


def test_s17_18_linked_path_works_when_not_expanded(erp: Any) -> None:
    """Paths into linked entities need no $expand."""
    rows = _all(erp)
    wanted = sorted(_value(r, "CustomerID") for r in rows if _value(r, "MainContact", "Address", "Country") == "US")
    assert wanted
    assert _keys(erp, "MainContact/Address/Country eq 'US'") == wanted
    email = _value(rows[5], "Email")
    assert _value(rows[5], "CustomerID") in _keys(erp, f"MainContact/Email eq '{email}'")


def test_s17_18_detail_path_is_empty_when_the_switch_says_so(erp: Any) -> None:
    """A path into a detail is 500, or `[]` by switch."""
    erp.settings(detail_path_filter="empty")
    assert _ask(erp, "Contacts/ContactID eq 5").json() == []


def test_s17_18_text_functions_ignore_case_when_matching(erp: Any) -> None:
    """The three text functions (substringof has its needle first) compare without regard to case."""
    names = {_value(row, "CustomerID"): _value(row, "CustomerName") for row in _all(erp)}
    for text, matches in (
        ("substringof('SUPPLY', CustomerName)", lambda name: "supply" in name.lower()),
        ("startswith(CustomerName, 'o''br')", lambda name: name.lower().startswith("o'br")),
        ("endswith(CustomerName, 'inc.')", lambda name: name.lower().endswith("inc.")),
    ):
        wanted = sorted(key for key, name in names.items() if matches(name))
        assert wanted
        assert _keys(erp, text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "substringof('a', CustomerName) eq true",
        "startswith(CustomerID, 'C') eq true",
        "endswith(CustomerID, '1') eq true",
        "substringof('a', CustomerName) eq true and CustomerID eq 'C000001'",
    ],
)
def test_s17_18_text_function_finds_nothing_when_compared_with_true(erp: Any, text: str) -> None:
    """`… eq true` is the silent trap: 200 and an empty list."""
    answer = _ask(erp, text)
    assert (answer.status_code, answer.json()) == (200, [])


def test_s17_18_custom_fields_filter_when_named_by_view(erp: Any) -> None:
    """cf.String, cf.Boolean and the rest of the ten custom types."""
    assert _keys(erp, "cf.String(f='CurrentCustomer.UsrKNConnectionType') eq 'BCM'") == ["C000014"]
    off = _keys(erp, "cf.Boolean(f='CurrentCustomer.UsrKNEnableCommerce') eq false")
    assert off == _keys(erp, "EnableKensiumCommerce eq false")
    assert "C000013" in off
    assert _keys(erp, "cf.Decimal(f='CurrentCustomer.CreditLimit') gt 0M")
    assert _keys(erp, "cf.DateTime(f='CurrentCustomer.CreatedDateTime') gt datetimeoffset'2024-01-01'")
    assert _keys(erp, "cf.Guid(f='BAccount.NoteID') eq guid'00000000-0000-0000-0000-000000000000'") == []
    assert _keys(erp, "cf.Int(f='BAccount.BAccountID') eq 8001") == ["C000001"]
    assert "KeyNotFound" in _ask(erp, "cf.String(f='CurrentCustomer.UsrNope') eq 'x'").text
    assert _ask(erp, "cf.Nonsense(f='CurrentCustomer.UsrKNConnectionType') eq 'x'").status_code == 500


def test_s17_18_dropdowns_compare_by_label_when_filtered(erp: Any) -> None:
    """Status is compared with the label that is shown."""
    assert _keys(erp, "Status eq 'On Hold'") == ["C000016"]
    assert _keys(erp, "Status eq 'Inactive'") == ["C000017", "C000048"]


def test_s17_18_text_is_compared_by_collation_when_equal_or_greater(erp: Any) -> None:
    """`eq` ignores case and trailing blanks, and `gt` uses the same order."""
    assert _keys(erp, "CustomerID eq 'c000001  '") == ["C000001"]
    assert _keys(erp, "CustomerID gt 'c000058'") == ["C000059", "C000060", "NORTH/SOUTH47"]
    assert _keys(erp, "CustomerID le 'acme west 46 '") == ["ACME WEST 46"]


def test_s17_18_and_binds_tighter_when_mixed_with_or(erp: Any) -> None:
    """Precedence and parentheses."""
    text = "CustomerID eq 'C000001' or CustomerID eq 'C000002' and Status eq 'Nope'"
    assert _keys(erp, text) == ["C000001"]
    assert _keys(erp, "(CustomerID eq 'C000001' or CustomerID eq 'C000002') and Status eq 'Nope'") == []


def test_s17_18_numbers_compare_with_and_without_the_suffix_when_decimal(erp: Any) -> None:
    """`0M`, `0` and `0.5` are numbers; guids have their own literal."""
    rows = _all(erp)
    wanted = sorted(_value(row, "CustomerID") for row in rows if _value(row, "CreditLimit") > 50000)
    assert wanted == _keys(erp, "CreditLimit gt 50000M") == _keys(erp, "CreditLimit gt 50000.0")
    row_id = rows[3]["id"]
    assert _keys(erp, f"NoteID eq guid'{row_id.upper()}'") == [_value(rows[3], "CustomerID")]


def test_s17_18_everything_comes_when_the_filter_is_empty(erp: Any) -> None:
    """An empty $filter is an absent one."""
    assert len(erp.get(f"{erp.default}/Customer?$filter=").json()) == 60


def test_s17_18_pages_by_key_cover_everything_when_keys_have_one_or_two_parts(erp: Any) -> None:
    """The documented next-page filters walk each entity to its end without loss."""
    for entity, first in (("Customer", "CustomerID gt ''"), ("Contact", "ContactID gt 0")):
        everything = erp.get(f"{erp.default}/{entity}").json()
        key = "CustomerID" if entity == "Customer" else "ContactID"
        seen, text = [], first
        while page := erp.ids(entity, key, text, top=13):
            seen += page
            text = f"CustomerID gt '{page[-1]}'" if entity == "Customer" else f"ContactID gt {page[-1]}"
        assert seen == [row[key]["value"] for row in everything]
    places: list[tuple[str, str]] = []
    text = "Customer gt ''"
    while rows := erp.get(f"{erp.default}/CustomerLocation", {"$filter": text, "$top": 7}).json():
        places += [(_value(row, "Customer"), _value(row, "LocationID")) for row in rows]
        owner, code = places[-1]
        text = f"Customer gt '{owner}' or (Customer eq '{owner}' and LocationID gt '{code}')"
    assert len(places) == len(set(places)) == len(erp.get(f"{erp.default}/CustomerLocation").json())


def test_s17_18_contacts_of_several_customers_come_when_joined_by_or(erp: Any) -> None:
    """The query that joins the change streams: BusinessAccount eq … or …"""
    owners = erp.ids("Contact", "BusinessAccount", "BusinessAccount eq 'C000044' or BusinessAccount eq 'C000038'")
    assert set(owners) == {"C000044", "C000038"}
    assert owners.count("C000044") == 12
