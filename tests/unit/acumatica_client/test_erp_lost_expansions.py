"""An expansion that a list shows as empty is no proof that there is nothing: a few such rows are read by key."""

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
    """The first such row tells, and for the rest of the session each row without that part is read by key."""
    erp.answering = _lists(make_reply, [_row("C1", **shown), _row("C2", **shown)], {**ATTRIBUTES, **MAIN})
    with make_client() as client:
        for _ in range(2):
            page = client.list_rows(READ)
            assert [READ.getter("Attributes/Value")(row) for row in page.rows] == [["B2B"], ["B2B"]]
            assert [READ.getter("MainContact/Address/City")(row) for row in page.rows] == ["Oakland", "Oakland"]
    assert erp.paths()[1:-1] == ["GET Customer", "GET id-C1", "GET id-C2"] * 2


@pytest.mark.parametrize("lost", [("C3",), ("C1", "C9"), ("C5", "C6")])
def test_what_a_list_hides_of_some_rows_is_read_by_key(
    erp: Any, make_client: Any, make_reply: Any, lost: tuple[str, ...]
) -> None:
    """Rows that show the part are taken as they are."""
    whole = {**ATTRIBUTES, **MAIN}
    keys = [f"C{number}" for number in range(1, 10)]
    erp.answering = _lists(make_reply, [_row(key, **(MAIN if key in lost else whole)) for key in keys], whole)
    with make_client() as client:
        page = client.list_rows(READ)
    assert [READ.getter("Attributes/Value")(row) for row in page.rows] == [["B2B"]] * 9
    assert sorted(erp.paths()[1:-1]) == sorted(["GET Customer", *(f"GET id-{key}" for key in lost)])


def test_what_is_really_empty_costs_three_requests_a_session(erp: Any, make_client: Any, make_reply: Any) -> None:
    """The rows by themselves say the same, so lists are taken at their word: first, middle and last are asked."""
    rows = [_row(f"C{number}", **MAIN) for number in range(1, 6)]
    erp.answering = _lists(make_reply, rows, MAIN)
    with make_client() as client:
        for _ in range(2):
            page = client.list_rows(READ)
            assert [READ.getter("Attributes/Value")(row) for row in page.rows] == [None] * 5
    assert erp.paths()[1:-1] == ["GET Customer", "GET id-C1", "GET id-C3", "GET id-C5", "GET Customer"]


@pytest.mark.parametrize("rows", [[], [_row("C1", **ATTRIBUTES, **MAIN), _row("C2", **ATTRIBUTES, **MAIN)]])
def test_a_list_that_shows_everything_is_believed(erp: Any, make_client: Any, make_reply: Any, rows: Any) -> None:
    """Nothing more is asked."""
    erp.answering = _lists(make_reply, rows, {})
    with make_client() as client:
        client.list_rows(READ)
    assert erp.paths()[1:-1] == ["GET Customer"]


def test_a_row_that_is_gone_or_cannot_be_read_by_key_is_no_row_without_the_part(
    erp: Any, make_client: Any, make_reply: Any
) -> None:
    """The one is left out, the other is told."""
    answers = {"C1": make_reply(404, {}), "C2": make_reply(200, {"id": "id-C2", "CustomerID": "no object"})}

    def answer(request: Any) -> Any:
        hidden = [_row("C1", **MAIN), _row("C2", **MAIN)]
        return make_reply(200, hidden) if request.path.endswith("/Customer") else answers[request.path[-2:]]

    erp.answering = answer
    with make_client() as client:
        page = client.list_rows(READ)
    assert (list(page.rows), [bad.id for bad in page.bad_rows]) == ([], ["id-C2"])
