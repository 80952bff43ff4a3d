"""Every answer of docs/api/better_b2b.md#errors, in all five shapes, has one class and its messages are found."""

from typing import Any

import pytest

from customer_sync.errors import (
    AuthenticationFailed,
    BatchTooLarge,
    ConfigError,
    ContractError,
    NotFound,
    PermanentApiError,
    PermissionDenied,
    RateLimited,
    RecordRejected,
    SyncError,
    Unavailable,
)
from customer_sync.http.transport import HttpRequest
from customer_sync.targets.better_b2b.answers import classify, read_envelope
from customer_sync.targets.better_b2b.budget import read_budget

POST = HttpRequest("POST", "/api/v3/io/companies")
NAMES = "This field may not be null."


def _shape_1(code: int, err_msg: Any, message: str = "Parameter Error") -> dict[str, Any]:
    return {"code": code, "data": {"errMsg": err_msg}, "meta": {"message": message}}


def _shape_3(code: int, message: str, data: Any = None) -> dict[str, Any]:
    return {"code": code, "data": {} if data is None else data, "meta": {"message": message}}


def _shape_4(code: int, *errors: tuple[str, str]) -> dict[str, Any]:
    rows = [{"id": row, "_detail": text} for row, text in errors]
    return {"code": code, "data": {"errors": rows}, "meta": {"message": "Some companies updated failed."}}


TAKEN = "Email already exists. ['lee@northwind.example']"


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (422, _shape_1(422, {"last_name": [NAMES]}), RecordRejected, f"last_name: {NAMES}"),
        (422, _shape_1(422, "At least one B2B storefront needs to be enabled"), RecordRejected, "At least one B2B"),
        (422, _shape_1(422, {"roles": {"0": ['"99" is not a valid choice.']}}), RecordRejected, 'roles.0: "99"'),
        (422, _shape_1(422, [{}, {"last_name": [NAMES]}]), RecordRejected, f"last_name: {NAMES}"),
        (422, _shape_3(422, "The company name is required."), RecordRejected, "The company name is required"),
        (400, _shape_3(400, "Create BigCommerce customer group failed"), RecordRejected, "customer group failed"),
        (400, _shape_4(400, ("1", "The company phone is required.")), RecordRejected, "company phone"),
        (409, _shape_4(409, ("0", "X must be unique.")), RecordRejected, "must be unique"),
        (400, _shape_1(400, "Code is required.; ", "Bad Requests Error"), RecordRejected, "Code is required.;"),
        (404, _shape_1(404, "User matching query does not exist.", "Not Found Error"), NotFound, "User matching"),
        (404, _shape_3(404, "This resource is not found."), NotFound, "This resource is not found"),
        (404, {"status": 404, "title": "Parameter Error.", "errors": {"1": "None."}}, NotFound, "1: None"),
        (404, {"status": 404, "title": "Parameter Error."}, NotFound, "Parameter Error"),
        (404, {"code": 404, "message": "Not Found"}, NotFound, "Not Found"),
        (401, _shape_1(401, "Authentication credentials", "Unauthorized"), AuthenticationFailed, "API token"),
        (403, _shape_1(403, "Invalid access token", "Invalid access token"), PermissionDenied, "Invalid access token"),
        (405, _shape_3(405, "Method not allowed"), PermanentApiError, "switched off"),
        (413, {"code": 413, "meta": {"message": "Request Entity Too Large"}, "data": {}}, BatchTooLarge, "Too Large"),
        (415, b"", PermanentApiError, "Content-Type"),
        (429, _shape_1(429, "Request limit exceeded.", "Too Many Requests"), RateLimited, "limit exceeded"),
        (500, _shape_1(500, "Internal error.", "Server Error"), Unavailable, "store_hash"),
        (503, b"<html>maintenance</html>", Unavailable, "503"),
        (502, b"", Unavailable, "502"),
        (504, b"\xff\xfe", Unavailable, "504"),
        (301, b"", ConfigError, "https"),
        (418, b"", RecordRejected, "418"),
        (200, _shape_1(422, {"last_name": [NAMES]}), RecordRejected, f"last_name: {NAMES}"),
        (200, {"code": 500, "data": {}, "meta": {"message": "Server Error"}}, Unavailable, "Server Error"),
    ],
)
def test_class_and_words_are_right_when_the_store_refuses(
    make_reply: Any, status: int, body: Any, kind: type[SyncError], said: str
) -> None:
    """One answer, one class, with the store's own words in the message."""
    error = classify(POST, make_reply(status, body))
    assert type(error) is kind
    assert said in str(error)


@pytest.mark.parametrize(
    ("err_msg", "fields"),
    [
        (
            {"firstName": [NAMES], "email": ["Email is not correct."]},
            {"firstName": [NAMES], "email": ["Email is not correct."]},
        ),
        ({"roles": {"0": ["bad"], "1": ["worse"]}}, {"roles": ["bad", "worse"]}),
        ({"last_name": NAMES}, {"last_name": [NAMES]}),
        ("just text", {}),
    ],
)
def test_fields_are_kept_when_the_store_names_them(make_reply: Any, err_msg: Any, fields: dict[str, list[str]]) -> None:
    """A map field → messages is read as one, also when it nests or holds bare text."""
    error = classify(POST, make_reply(422, _shape_1(422, err_msg)))
    assert isinstance(error, RecordRejected)
    assert error.field_errors == fields


@pytest.mark.parametrize(
    ("body", "rows", "attributed", "kept"),
    [
        (_shape_4(400, ("1", "a"), ("1", "b")), [{}, {}], {1: ["a", "b"]}, True),
        (_shape_4(409, ("77", "c")), [{"companyId": 5}, {"companyId": 77}], {1: ["c"]}, True),
        (_shape_4(400, ("9", "out of range")), [{}, {}], {}, True),
        (_shape_1(422, [{}, {"last_name": [NAMES]}, {}]), [{}, {}, {}], {1: [f"last_name: {NAMES}"]}, None),
        (_shape_1(422, TAKEN), [{"email": "a@b.example"}, {"email": "Lee@Northwind.example"}], {1: [TAKEN]}, None),
        (_shape_1(422, {"firstName": [NAMES]}), [{"email": "a@b.example"}], {}, None),
    ],
)
def test_rows_are_attributed_when_a_bulk_call_is_refused(
    make_reply: Any, body: Any, rows: list[Any], attributed: dict[int, list[str]], kept: object
) -> None:
    """By index, by company id, by position or by the quoted e-mail, and not at all when nothing tells."""
    error = classify(POST, make_reply(body["code"], body), rows)
    assert isinstance(error, RecordRejected)
    shown = {row: [text.replace("lee@northwind", "le•••@no•••") for text in texts] for row, texts in attributed.items()}
    assert error.row_errors == shown
    assert error.good_rows_kept is kept


def test_taken_email_is_told_and_masked_when_the_store_quotes_it(make_reply: Any) -> None:
    """The caller sees that the e-mail is taken; nobody sees which."""
    error = classify(POST, make_reply(422, _shape_1(422, TAKEN)))
    assert isinstance(error, RecordRejected)
    assert error.is_email_taken
    assert not error.is_key_taken
    assert "lee@northwind" not in f"{error} {error.evidence}"


def test_taken_key_is_told_when_the_store_says_unique(make_reply: Any) -> None:
    """A unique extra field that is taken is told apart."""
    error = classify(POST, make_reply(422, _shape_3(422, "Acumatica Customer ID must be unique.")))
    assert isinstance(error, RecordRejected)
    assert error.is_key_taken


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry_After": "7", "X_Request_Window_Resets_After": "41.397 s"}, 7.0),
        ({"X_Request_Window_Resets_After": "41.397 s"}, 41.397),
        ({"X_Request_Window_Resets_After": "0 s"}, 0.0),
        ({"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 33.0),
        ({"X_Request_Window_Resets_After": "soon"}, 33.0),
        ({}, 33.0),
    ],
)
def test_wait_is_read_when_the_budget_is_used_up(make_reply: Any, headers: dict[str, str], wait_s: float) -> None:
    """Retry-After first, then the window's end, then the configured wait."""
    error = classify(POST, make_reply(429, b"", **headers), rate_limit_wait_s=33.0)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == wait_s


def test_budget_is_read_when_values_carry_units(make_reply: Any) -> None:
    """'150 times/60 s' is 150 requests in 60 seconds."""
    budget = read_budget(
        make_reply(
            X_Requests_Allocated="150 times/60 s",
            X_Requests_Remaining="147 times",
            X_Request_Window_Resets_After="41.397 s",
        ).headers
    )
    assert (budget.allocated, budget.window_s, budget.remaining, budget.resets_after_s) == (150, 60, 147, 41.397)


@pytest.mark.parametrize("text", ["", "many", "-", "times/s", "1e999", "9" * 500, None])
def test_budget_is_unknown_when_the_headers_are_nonsense(make_reply: Any, text: str | None) -> None:
    """Unreadable values never stop a run, and never make an endless wait."""
    headers = {} if text is None else {"X_Requests_Allocated": text, "X_Requests_Remaining": text, "Retry_After": text}
    budget = read_budget(make_reply(**headers).headers)
    assert budget.window_s > 0
    assert budget.retry_after_s is None
    assert budget.allocated is None or budget.allocated < 10**12


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'"x"', b"{}", b'{"code": 200}', b'{"code": 200, "da']
)
def test_contract_is_broken_when_a_success_has_no_envelope(make_reply: Any, body: bytes) -> None:
    """A 200 without data is not a success that means nothing."""
    with pytest.raises(SyncError) as caught:
        read_envelope(POST, make_reply(200, body))
    assert type(caught.value).__name__ in {"ContractError", "ReplyLost"}


@pytest.mark.parametrize(
    ("data", "method"), [({}, "rows"), ([1], "rows"), (None, "rows"), ([], "record"), ("x", "record")]
)
def test_contract_is_broken_when_data_has_another_shape(
    make_reply: Any, make_envelope: Any, data: Any, method: str
) -> None:
    """A list where a record belongs, or the reverse, is told with a masked sample."""
    envelope = read_envelope(POST, make_reply(200, make_envelope(data)))
    with pytest.raises(ContractError):
        getattr(envelope, method)(POST)


@pytest.mark.parametrize(
    ("total", "read"), [(412, 412), ("412", 412), (None, None), ("many", None), ("9" * 5_000, None)]
)
def test_count_is_read_when_it_comes_as_text(make_reply: Any, total: Any, read: int | None) -> None:
    """Counts are read leniently."""
    body = {"code": 200, "data": [], "meta": {"pagination": {"totalCount": total}}}
    assert read_envelope(POST, make_reply(200, body)).total_count == read
