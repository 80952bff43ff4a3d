"""An expansion that a list shows as empty is no proof that there is nothing: one row is read by itself."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.sources.acumatica.selection import Selection

READ = Selection("Customer", ("CustomerID", "Attributes/Value", "MainContact/Email", "MainContact/Address/City"))
ATTRIBUTES = {"Attributes": [{"Value": {"value": "B2B"}}]}
MAIN = {"MainContact": {"Email": {"value": "a@b.example"}, "Address": {"City": {"value": "Oakland"}}}}


def _row(key: str, **parts: Any) -> dict[str, Any]:
    return {"id": f"id-{key}", "CustomerID": {"value": key}, **parts}


def _lists(make_reply: Any, in_lists: list[dict[str, Any]], by_key: dict[str, Any]) -> Any:
    def answer(request: Any) -> Any:
        if request.path.endswith("/Customer"):
            return make_reply(200, in_lists)
        return make_reply(200, _row(request.path[-2:], **by_key))

    return answer


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"Attributes": [], "MainContact": None},
        {**MAIN, "Attributes": []},
        {**ATTRIBUTES, "MainContact": {"Email": {}, "Address": {}}},
        {**ATTRIBUTES, "MainContact": {"Email": {"value": "a@b.example"}, "Address": {"City": {}}}},
    ],
)
def test_what_a_list_hides_is_read_row_by_row(erp: Any, make_client: Any, make_reply: Any, shown: Any) -> None:
    """And for the rest of the session that part is not asked of lists any more."""
    erp.answering = _lists(make_reply, [_row("C1", **shown), _row("C2", **shown)], {**ATTRIBUTES, **MAIN})
    with make_client() as client:
        for _ in range(2):
            page = client.list_rows(READ)
            assert [READ.getter("Attributes/Value")(row) for row in page.rows] == [["B2B"], ["B2B"]]
            assert [READ.getter("MainContact/Address/City")(row) for row in page.rows] == ["Oakland", "Oakland"]
    first, second = ["GET Customer", "GET id-C1"], ["GET id-C1", "GET id-C2"]
    assert erp.paths()[1:-1] == [*first, *second, "GET Customer", *second]


def test_what_is_really_empty_costs_one_request_a_page(erp: Any, make_client: Any, make_reply: Any) -> None:
    """The row by itself says the same, so the list is taken at its word."""
    erp.answering = _lists(make_reply, [_row("C1", **MAIN), _row("C2", **MAIN)], MAIN)
    with make_client() as client:
        page = client.list_rows(READ)
    assert [READ.getter("Attributes/Value")(row) for row in page.rows] == [None, None]
    assert erp.paths()[1:-1] == ["GET Customer", "GET id-C1"]


@pytest.mark.parametrize("rows", [[], [_row("C1"), _row("C2", **ATTRIBUTES, **MAIN)]])
def test_a_list_that_shows_something_is_believed(erp: Any, make_client: Any, make_reply: Any, rows: Any) -> None:
    """Nothing more is asked where some row has it, or where there is no row."""
    erp.answering = _lists(make_reply, rows, {})
    with make_client() as client:
        client.list_rows(READ)
    assert erp.paths()[1:-1] == ["GET Customer"]
