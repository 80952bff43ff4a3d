"""What the client asks of the ERP for each call, and what it makes of the answers."""

import json
import re
from typing import Any

import pytest

from customer_sync.errors import (
    AmbiguousWriteError,
    ConfigError,
    ConnectFailed,
    ContractError,
    PermanentApiError,
    RecordRejected,
    ReplyLost,
    Unavailable,
)
from customer_sync.http.transport import encode_query
from customer_sync.sources.acumatica import odata_filter as f
from customer_sync.sources.acumatica.calls import QUERY_CHARS_MAX
from customer_sync.sources.acumatica.selection import Selection

CUSTOMER = Selection("Customer", ("CustomerID", "CustomerName"))
WITH_SITES = Selection("Customer", ("CustomerID", "SiteAssociations/SiteID", "MainContact/Email"))
NO_ENTITY = {
    "exceptionMessage": "No entity satisfies the condition.",
    "exceptionType": "X.NoEntitySatisfiesTheCondition",
}


def _optimiser(field: str) -> dict[str, str]:
    return {
        "exceptionMessage": f"Optimization cannot be performed. … fields cause the error:\r\n{field}: View X",
        "exceptionType": "PX.Api.ContractBased.CannotOptimizeException",
    }


def _row(key: str, **fields: Any) -> dict[str, Any]:
    return {"id": f"id-{key}", "CustomerID": {"value": key}, **fields}


def test_list_is_asked_for_fully_when_read(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Selection, filter and bound stand in one query on the configured endpoint."""
    whole = _row("C1", SiteAssociations=[{"SiteID": {"value": "A"}}], MainContact={"Email": {"value": "a@b.example"}})
    erp.answering = lambda _: make_reply(200, [whole])
    with make_client(endpoint_name="KNCommerce", endpoint_version="24.200.001") as client:
        client.list_rows(WITH_SITES, f.gt("CustomerID", "C0"), top=7)
    request = erp.requests[1]
    assert request.path == "/entity/KNCommerce/24.200.001/Customer"
    assert dict(request.query) == {
        "$select": "CustomerID,SiteAssociations/SiteID,MainContact/Email",
        "$expand": "SiteAssociations,MainContact",
        "$filter": "CustomerID gt 'C0'",
        "$top": "7",
    }
    assert request.read_timeout_s >= 600


def test_key_is_added_when_the_selection_lacks_it(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A caller that needs no key can still read in key order with getters of its own selection."""
    selection = Selection("Customer", ("CustomerName",))
    erp.answering = lambda _: make_reply(200, [_row("C2", CustomerName={"value": "B"}), _row("C1")])
    with make_client() as client:
        pages = list(client.read_in_key_order(selection))
    assert [selection.getter("CustomerName")(row) for row in pages[0].rows] == [None, "B"]


def test_row_is_set_apart_when_it_has_no_key(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A record with an empty key is reported and costs no neighbour."""
    erp.answering = lambda _: make_reply(200, [{"id": "x", "CustomerID": {}}, _row("C1")])
    with make_client() as client:
        (page,) = client.read_in_key_order(CUSTOMER)
    assert len(page.rows) == 1
    assert [(bad.id, bad.reason) for bad in page.bad_rows] == [("x", "The record has no key.")]


def test_ids_are_split_when_the_query_would_be_too_long(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Every request stays within what a web server takes, and every id is asked for exactly once."""
    ids = [f"C{number:06} with 'quotes'" for number in range(300)]
    erp.answering = lambda _: make_reply(200, [])
    with make_client() as client:
        assert list(client.read_by_ids(WITH_SITES, "CustomerID", [*ids, *ids], where=f.eq("Status", "Active"))) == []
    asked: list[str] = []
    for request in erp.requests[1:-1]:
        assert len(encode_query(request.query)) <= QUERY_CHARS_MAX
        text = dict(request.query)["$filter"]
        assert text.startswith("Status eq 'Active' and (")
        asked += [found.replace("''", "'") for found in re.findall(r"CustomerID eq '((?:[^']|'')*)'", text)]
    assert asked == ids


def test_nothing_is_asked_when_there_are_no_ids(erp: Any, make_client: Any) -> None:
    """No ids are no request, and never all rows."""
    with make_client() as client:
        assert list(client.read_by_ids(CUSTOMER, "CustomerID", [])) == []
    assert erp.requests == []


def test_setting_is_named_when_the_selection_is_too_long(erp: Any, make_client: Any) -> None:
    """A selection that no web server takes is refused before it is sent."""
    selection = Selection("Customer", tuple(f"UsrFieldWithALongName{number:04}" for number in range(100)))
    with pytest.raises(ConfigError, match="select fewer fields"), make_client() as client:
        client.list_rows(selection)
    assert erp.requests == []


def test_rows_are_read_one_by_one_when_a_part_cannot_be_listed(erp: Any, make_client: Any, make_reply: Any) -> None:
    """The part that the ERP names is left out of the list, its rows are read by id, and it is asked for no more."""

    def answer(request: Any) -> Any:
        query = dict(request.query)
        if request.path.endswith("/Customer"):
            if "SiteAssociations" in query.get("$expand", ""):
                return make_reply(500, _optimiser("SiteID"))
            return make_reply(200, [_row("C1"), _row("C2"), _row("GONE")])
        if request.path.endswith("GONE"):
            return make_reply(500, NO_ENTITY)
        key = request.path[-2:]
        return make_reply(200, _row(key, SiteAssociations=[{"SiteID": {"value": f"S-{key}"}}]))

    erp.answering = answer
    with make_client() as client:
        for _ in range(2):
            page = client.list_rows(WITH_SITES)
            assert [WITH_SITES.getter("SiteAssociations/SiteID")(row) for row in page.rows] == [["S-C1"], ["S-C2"]]
    by_id = ["GET id-C1", "GET id-C2", "GET id-GONE"]
    assert erp.paths()[1:-1] == ["GET Customer", "GET Customer", *by_id, "GET Customer", *by_id]
    assert dict(erp.requests[2].query)["$expand"] == "MainContact"


def test_every_part_is_dropped_when_the_erp_names_something_else(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A field of a hidden view may be named: the details go first, then all parts."""
    asked: list[str] = []

    def answer(request: Any) -> Any:
        if not request.path.endswith("/Customer"):
            return make_reply(200, _row("C1", MainContact={"Email": {"value": "a@b.example"}}))
        asked.append(dict(request.query).get("$expand", ""))
        return make_reply(500, _optimiser("RemainingCreditLimit")) if asked[-1] else make_reply(200, [_row("C1")])

    erp.answering = answer
    with make_client() as client:
        page = client.list_rows(WITH_SITES)
    assert asked == ["SiteAssociations,MainContact", "MainContact", ""]
    assert WITH_SITES.getter("MainContact/Email")(page.rows[0]) == "a@b.example"


def test_error_is_raised_when_nothing_is_left_to_drop(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A plain list that cannot be optimised either ends with the ERP's words, not in a loop."""
    erp.answering = lambda _: make_reply(500, _optimiser("Whatever"))
    with pytest.raises(PermanentApiError, match="Whatever"), make_client() as client:
        client.list_rows(WITH_SITES)


def test_read_is_repeated_when_the_erp_was_busy(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Reads go again after a failure that may pass, also when the JSON was cut."""
    erp.then(make_reply(503), ReplyLost("Lost."), make_reply(200, [_row("C1")]))
    with make_client() as client:
        assert len(client.list_rows(CUSTOMER).rows) == 1
    erp.then(make_reply(200, b'[{"id": "x", "Cust'), make_reply(200, [_row("C1")]))
    with make_client() as client:
        assert len(client.list_rows(CUSTOMER).rows) == 1


def test_only_an_update_is_allowed_when_written(erp: Any, make_client: Any, make_reply: Any) -> None:
    """The body goes as it is, under the condition that the record exists."""
    erp.answering = lambda _: make_reply(200, _row("C1"))
    body = {"id": "6f3c", "CustomerID": {"value": "C1"}, "custom": {"V": {"F": {"type": "T", "value": "x"}}}}
    with make_client() as client:
        answer = client.put("Customer", body, select=("CustomerID", "LastModifiedDateTime"))
    request = erp.requests[1]
    assert json.loads(request.body) == body
    assert request.headers["If-Match"] == "*"
    assert dict(request.query) == {"$select": "CustomerID,LastModifiedDateTime"}
    assert answer["id"] == "id-C1"


@pytest.mark.parametrize(
    "lost", [ReplyLost("Lost."), Unavailable("Down."), "503", "html", "cut", "list"], ids=lambda lost: str(lost)[:6]
)
def test_write_is_unknown_when_its_answer_is_lost(erp: Any, make_client: Any, make_reply: Any, lost: Any) -> None:
    """A write without a readable answer is sent once and must be read back."""
    answers = {
        "503": make_reply(503),
        "html": make_reply(200, b"<html>"),
        "cut": make_reply(200, b'{"id": "x'),
        "list": make_reply(200, []),
    }
    erp.answering = lambda _: answers[lost] if isinstance(lost, str) else lost
    with pytest.raises(AmbiguousWriteError, match="read it back"), make_client() as client:
        client.put("Customer", {"CustomerID": {"value": "C1"}})
    assert erp.paths().count("PUT Customer") == 1


def test_write_is_repeated_when_it_was_never_sent(erp: Any, make_client: Any, make_reply: Any) -> None:
    """No connection, no write: it may go again."""
    erp.then(ConnectFailed("Nobody."), make_reply(429, b"API Login Limit"), make_reply(200, _row("C1")))
    with make_client() as client:
        client.put("Customer", {"CustomerID": {"value": "C1"}})
    assert erp.paths().count("PUT Customer") == 3


@pytest.mark.parametrize("status", [400, 412, 422])
def test_write_is_refused_when_the_erp_says_no(erp: Any, make_client: Any, make_reply: Any, status: int) -> None:
    """A refusal is definite and is not repeated."""
    erp.answering = lambda _: make_reply(status, {"error": "No.", "Terms": {"error": "Unknown."}})
    with pytest.raises(RecordRejected) as caught, make_client() as client:
        client.put("Customer", {"CustomerID": {"value": "C1"}, "Terms": {"value": "99D"}})
    assert caught.value.field_errors == {"Terms": ["Unknown."]}
    assert erp.paths().count("PUT Customer") == 1


ENDPOINTS = [{"name": "Default", "version": "24.200.001"}, {"name": "KNCommerce", "version": "24.200.001"}]


@pytest.mark.parametrize("body", [{"version": {"acumaticaBuildVersion": "25"}, "endpoints": ENDPOINTS}, ENDPOINTS])
def test_endpoint_is_found_when_it_is_served(erp: Any, make_client: Any, make_reply: Any, body: Any) -> None:
    """Both forms of the list, the object and the bare array of older builds, are read."""
    erp.answering = lambda _: make_reply(200, body)
    with make_client(endpoint_name="KNCommerce") as client:
        assert client.check_endpoint().name == "KNCommerce"


@pytest.mark.parametrize(
    ("name", "version", "setting"),
    [("Default", "99.200.001", "endpoint_version"), ("Nope", "24.200.001", "endpoint_name")],
)
def test_endpoints_are_listed_when_ours_is_not_served(
    erp: Any, make_client: Any, make_reply: Any, name: str, version: str, setting: str
) -> None:
    """The message names what is missing and what there is, and the setting to correct."""
    erp.answering = lambda _: make_reply(200, ENDPOINTS)
    with pytest.raises(ConfigError, match=r"serves: Default/24\.200\.001, KNCommerce") as caught:
        make_client(endpoint_name=name, endpoint_version=version).check_endpoint()
    assert caught.value.evidence["setting"] == setting


def test_endpoint_is_refused_when_it_speaks_contract_five(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Its JSON differs, so nothing of it may be read."""
    erp.answering = lambda _: make_reply(200, [{"name": "Default", "version": "26.200.001"}])
    with pytest.raises(ConfigError, match="contract version 5"):
        make_client(endpoint_version="26.200.001").check_endpoint()
    erp.answering = lambda _: make_reply(200, {"info": {"title": "Own/1.0", "version": "5"}})
    with pytest.raises(ConfigError, match="contract version 5"):
        make_client(endpoint_version="26.200.001").endpoint_schema()


@pytest.mark.parametrize("body", [{"endpoints": "none"}, 5, "x", {"version": {}}])
def test_contract_is_broken_when_the_list_of_endpoints_is_none(
    erp: Any, make_client: Any, make_reply: Any, body: Any
) -> None:
    """Something else than a list of endpoints stops with a reason."""
    erp.answering = lambda _: make_reply(200, body)
    with pytest.raises(ContractError, match="no list of endpoints"):
        make_client().check_endpoint()


def test_custom_fields_are_listed_when_asked_for(erp: Any, make_client: Any, make_reply: Any) -> None:
    """$adHocSchema gives contract fields and custom fields with their types."""
    erp.answering = lambda _: make_reply(
        200,
        {"id": "0", "CustomerID": {}, "custom": {"V": {"UsrA": {"type": "CustomBooleanField", "value": None}, "B": 5}}},
    )
    with make_client() as client:
        custom = client.custom_fields("Customer")
        assert client.custom_fields("Customer") is custom
    assert custom == {"V.UsrA": "CustomBooleanField", "V.B": ""}
    assert erp.paths().count("GET $adHocSchema") == 1


def test_seats_and_requests_are_counted_when_used(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A run can report what it used, sign-in and sign-out included."""
    erp.then(make_reply(503), make_reply(200, []))
    with make_client() as client:
        client.list_rows(CUSTOMER)
    use = client.requests_used()
    assert (use.total, use.retried, use.by_method) == (4, 1, {"POST": 2, "GET": 2})


def test_the_erps_own_time_is_that_of_its_last_answer(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Asked before any other request, it costs one."""
    served = {"endpoints": [{"name": "Default", "version": "24.200.001"}]}
    erp.answering = lambda _: make_reply(200, served, Date="Sun, 01 Mar 2026 12:00:00 GMT")
    with make_client() as client:
        first = client.now_utc()
        asked = len(erp.requests)
        later = client.now_utc()
        assert len(erp.requests) == asked
    assert first <= later
    assert first.isoformat().startswith("2026-03-01T12:00:0")


def test_a_clock_that_nobody_shows_is_not_guessed(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Answers without a date are an error, not our own clock."""
    served = {"endpoints": [{"name": "Default", "version": "24.200.001"}]}
    erp.answering = lambda _: make_reply(200, served)
    with make_client() as client, pytest.raises(ContractError, match="bear no date"):
        client.now_utc()
