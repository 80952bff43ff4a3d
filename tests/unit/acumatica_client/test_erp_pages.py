"""A row that does not fit is set apart with its reason; its neighbours are read."""

import json
import time
from typing import Any

import pytest

from customer_sync.errors import ContractError, ReplyLost
from customer_sync.http.transport import HttpRequest
from customer_sync.sources.acumatica.pages import Page, decode_page, decode_row
from customer_sync.sources.acumatica.selection import Selection

REQUEST = HttpRequest("GET", "/entity/Default/24.200.001/Customer")
SELECTION = Selection(
    "Customer",
    (
        "CustomerID",
        "CustomerName",
        "CreditLimit",
        "LastModifiedDateTime",
        "MainContact/Address/City",
        "SiteAssociations/Active",
    ),
)


def _row(key: Any = "C1", **fields: Any) -> dict[str, Any]:
    return {"id": f"id-{key}", "CustomerID": {"value": key}, "CustomerName": {"value": "N"}, **fields}


BAD_ROWS: dict[str, Any] = {
    "null": None,
    "number": 5,
    "text": "row",
    "list": [],
    "name is a number": _row("B", CustomerName={"value": 5}),
    "name is an object": _row("B", CustomerName={"value": {"x": 1}}),
    "name is bare text": _row("B", CustomerName="Northwind"),
    "key is an object": _row({"x": 1}),
    "moment is no moment": _row("B", LastModifiedDateTime={"value": "yesterday"}),
    "moment has no zone": _row("B", LastModifiedDateTime={"value": "2026-03-04T15:21:07"}),
    "amount is text": _row("B", CreditLimit={"value": "much"}),
    "part is text": _row("B", MainContact="x"),
    "part is a list": _row("B", MainContact=[1]),
    "address is a number": _row("B", MainContact={"Address": 7}),
    "detail row is text": _row("B", SiteAssociations=["x"]),
    "flag is text": _row("B", SiteAssociations=[{"Active": {"value": "yes"}}]),
}


def _page(make_reply: Any, body: Any) -> Page:
    return decode_page(SELECTION, REQUEST, make_reply(200, body))


@pytest.mark.parametrize("bad", BAD_ROWS.values(), ids=BAD_ROWS.keys())
@pytest.mark.parametrize("place", [0, 1, 2])
def test_neighbours_are_read_when_a_row_does_not_fit(make_reply: Any, bad: Any, place: int) -> None:
    """One bad row, wherever it stands, leaves the others whole and is reported with a reason."""
    rows = [_row("C1"), _row("C2")]
    rows.insert(place, bad)
    page = _page(make_reply, rows)
    assert [SELECTION.getter("CustomerID")(row) for row in page.rows] == ["C1", "C2"]
    assert len(page.bad_rows) == 1
    assert page.bad_rows[0].reason
    assert page.received == 3


def test_key_and_place_are_told_when_a_row_does_not_fit(make_reply: Any) -> None:
    """The customer's id, the ERP's id and the place in the record are in the report; its name is masked."""
    bad = _page(make_reply, [_row("C7", CustomerName={"value": "Northwind"}, MainContact={"Address": 7})]).bad_rows[0]
    assert (bad.key, bad.id) == (("C7",), "id-C7")
    assert "$.MainContact.Address" in bad.reason
    assert "Northwind" not in f"{bad!r} {bad.excerpt} {bad.reason}"
    assert "No•••" in bad.excerpt


def test_bytes_that_are_no_text_spoil_one_row_when_they_come(make_reply: Any) -> None:
    """An encoding error inside a name is that row's error alone."""
    body = json.dumps([_row("C1"), _row("XX"), _row("C3")]).encode().replace(b'"XX"', b'"\xff\xfe"')
    page = _page(make_reply, body)
    assert [SELECTION.getter("CustomerID")(row) for row in page.rows] == ["C1", "C3"]
    assert len(page.bad_rows) == 1


def test_deep_nesting_spoils_one_row_when_it_comes(make_reply: Any) -> None:
    """A part of senseless depth is refused without harm to the others."""
    deep = b'{"CustomerID": {"value": "D"}, "MainContact": ' + b"[" * 200 + b"]" * 200 + b"}"
    body = b"[" + json.dumps(_row("C1")).encode() + b"," + deep + b"]"
    page = _page(make_reply, body)
    assert (len(page.rows), len(page.bad_rows)) == (1, 1)


def test_contract_is_broken_when_nesting_is_hostile(make_reply: Any) -> None:
    """A depth that no parser can follow stops the run with a reason, and does not crash it."""
    with pytest.raises(ContractError, match="nested too deeply"):
        _page(make_reply, b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize("body", [{}, {"value": []}, "x", 5, None, True])
def test_contract_is_broken_when_the_answer_is_no_list(make_reply: Any, body: Any) -> None:
    """Anything but an array stops the run: it must never look like 'no customers'."""
    with pytest.raises(ContractError, match="no list"):
        _page(make_reply, body)


@pytest.mark.parametrize("body", [b"", b"[", b'[{"CustomerID": {"val', b"[{}] trailing", b"\xff"])
def test_reply_is_lost_when_the_json_is_cut(make_reply: Any, body: bytes) -> None:
    """Cut or garbled JSON is a failure of the way, worth another try, and never a shorter list."""
    with pytest.raises(ReplyLost):
        _page(make_reply, body)


@pytest.mark.parametrize("decode", [decode_page, decode_row])
def test_contract_is_broken_when_a_web_page_comes(make_reply: Any, decode: Any) -> None:
    """A page of markup with status 200 comes from something that is not the ERP's API."""
    with pytest.raises(ContractError, match="web page"):
        decode(SELECTION, REQUEST, make_reply(200, b" <html>Please sign in</html>"))


def test_reading_is_linear_when_a_value_is_huge(make_reply: Any) -> None:
    """Ten megabytes of name are read, or set apart, in seconds."""
    started_s = time.process_time()
    whole = _page(make_reply, [_row("C1", CustomerName={"value": "x" * 10_000_000}), _row("C2")])
    apart = _page(make_reply, [_row("C1", CustomerName={"value": ["x" * 10_000_000]}), _row("C2")])
    assert (len(whole.rows), len(apart.rows), len(apart.bad_rows)) == (2, 1, 1)
    assert len(apart.bad_rows[0].excerpt) <= 500
    assert time.process_time() - started_s < 5
