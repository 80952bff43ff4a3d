"""Every answer of docs/api/acumatica.md#limits and #errors has one class, whatever its status says."""

import json
from typing import Any

import pytest

from customer_sync.errors import (
    AuthenticationFailed,
    ConfigError,
    NotFound,
    PermanentApiError,
    PermissionDenied,
    RecordRejected,
    SessionLimit,
    SyncError,
    Unavailable,
)
from customer_sync.http.transport import HttpRequest
from customer_sync.sources.acumatica.answers import CannotOptimize, classify, classify_sign_in

GET = HttpRequest(
    "GET", "/entity/Default/24.200.001/Customer", (("$select", "CustomerID,Nope"), ("$filter", "CustomerID gt 'C1'"))
)
LOGIN = HttpRequest("POST", "/entity/auth/login")


def _exception(text: str, kind: str) -> dict[str, str]:
    return {
        "message": "An error has occurred.",
        "exceptionMessage": text,
        "exceptionType": kind,
        "stackTrace": " at PX",
    }


NO_ENTITY = _exception(
    "No entity satisfies the condition.", "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException"
)
KEY_NOT_FOUND = _exception(
    "The given key was not present in the dictionary.", "System.Collections.Generic.KeyNotFoundException"
)
OPTIMISER = _exception(
    "Optimization cannot be performed.The following fields cause the error:\r\n"
    "RemainingCreditLimit: View CustomerBalance has BQL delegate",
    "PX.Api.ContractBased.CannotOptimizeException",
)
TENANT = _exception("A proper company ID cannot be determined for the request.", "PX.Data.PXUndefinedCompanyException")
BAD_FILTER = _exception("The filter expression is not supported: contains", "System.NotSupportedException")
SETUP = _exception("The required configuration data is not entered.", "PX.Data.PXSetupNotEnteredException")
CREDENTIALS = _exception("Error: Invalid credentials. Please try again.", "PX.Data.PXException")
LOCKED = _exception("Error: Your account is locked.", "PX.Data.PXException")
RIGHTS = {"message": "You have insufficient rights to access the Customers (AR303000) form."}
ENTITY_422 = {
    "id": "6f3c1f0e-51a9-ee11-8359-0690322d016b",
    "CustomerID": {"value": "C001042"},
    "Terms": {"value": "99D", "error": "'Terms' cannot be found in the system."},
    "MainContact": {"Email": {"value": "not-an-address", "error": "The e-mail address is not valid."}},
    "error": "Inserting 'Customer' record raised at least one error. Please review the errors.",
}
HTML = b"<!DOCTYPE html><html><body>Service unavailable</body></html>"
SEAT_PAGE = "/Frames/Error.aspx?exceptionID=x&message=The+number+of+concurrent+API+logins+has+been+reached."


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"message": "The request is invalid.", "modelState": {"": ["Should not be empty."]}}, RecordRejected),
        (401, {"message": "You are not logged in."}, AuthenticationFailed),
        (401, b"", AuthenticationFailed),
        (403, RIGHTS, PermissionDenied),
        (500, RIGHTS, PermissionDenied),
        (404, {"message": "No HTTP resource was found."}, NotFound),
        (404, HTML, NotFound),
        (411, HTML, PermanentApiError),
        (412, {"message": "Precondition failed."}, RecordRejected),
        (422, ENTITY_422, RecordRejected),
        (429, b"API Login Limit", SessionLimit),
        (429, b"The custom error module does not recognize this error.", SessionLimit),
        (403, {"message": "API Login Limit"}, SessionLimit),
        (500, {"message": "API Login Limit"}, SessionLimit),
        (500, NO_ENTITY, NotFound),
        (500, KEY_NOT_FOUND, ConfigError),
        (500, OPTIMISER, CannotOptimize),
        (500, TENANT, ConfigError),
        (500, BAD_FILTER, PermanentApiError),
        (500, SETUP, PermanentApiError),
        (500, CREDENTIALS, AuthenticationFailed),
        (500, _exception("Deadlock; the row is locked.", "System.Data.SqlException"), Unavailable),
        (500, HTML, Unavailable),
        (500, b"", Unavailable),
        (502, HTML, Unavailable),
        (503, b"\xff\xfe", Unavailable),
        (504, [1, 2], Unavailable),
        (405, b"", PermanentApiError),
    ],
)
def test_class_is_right_when_the_erp_answers(make_reply: Any, status: int, body: Any, kind: type[SyncError]) -> None:
    """One answer, one class; the message names operation and status."""
    error = classify(GET, make_reply(status, body))
    assert type(error) is kind
    assert f"GET {GET.path} with {status}" in str(error)


@pytest.mark.parametrize(
    ("location", "kind"), [(SEAT_PAGE, SessionLimit), ("https://erp.example.com/entity", ConfigError)]
)
def test_redirect_is_told_apart_when_one_comes(make_reply: Any, location: str, kind: type[SyncError]) -> None:
    """The redirect to the error page is a full licence, any other one a wrong host."""
    assert type(classify(GET, make_reply(302, b"", Location=location))) is kind


@pytest.mark.parametrize("status", [200, 202, 204])
def test_there_is_no_error_when_the_answer_is_a_success(make_reply: Any, status: int) -> None:
    """A success is no error, even when the data contain the words of one."""
    body = [{"CustomerName": {"value": "KeyNotFound API Login Limit Inc"}}]
    assert classify(GET, make_reply(status, body)) is None


def test_refused_record_is_not_mistaken_when_it_is_oddly_named(make_reply: Any) -> None:
    """A 422 quotes the record; a customer called like an exception changes nothing."""
    body = {**ENTITY_422, "CustomerName": {"value": "CannotOptimize KeyNotFound Ltd"}}
    assert type(classify(GET, make_reply(422, body))) is RecordRejected


def test_fields_are_named_when_a_record_is_refused(make_reply: Any) -> None:
    """Errors are found at any depth of the entity form, with their path."""
    error = classify(GET, make_reply(422, ENTITY_422))
    assert isinstance(error, RecordRejected)
    assert error.field_errors == {
        "Terms": ["'Terms' cannot be found in the system."],
        "MainContact/Email": ["The e-mail address is not valid."],
    }
    assert "Terms: 'Terms' cannot be found" in str(error)


def test_selection_is_named_when_a_field_is_unknown(make_reply: Any) -> None:
    """The ERP does not say which field, so the message holds everything that was asked for, and no filter values."""
    error = classify(GET, make_reply(500, KEY_NOT_FOUND))
    assert "$select=CustomerID,Nope" in str(error)
    assert "C1" not in str(error)


def test_culprit_is_named_when_a_list_cannot_be_optimised(make_reply: Any) -> None:
    """The field names of the optimiser's message are read."""
    error = classify(GET, make_reply(500, OPTIMISER))
    assert isinstance(error, CannotOptimize)
    assert error.culprits == ["RemainingCreditLimit"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, CREDENTIALS, AuthenticationFailed),
        (500, LOCKED, AuthenticationFailed),
        (400, {"error": "invalid_grant", "error_description": "invalid_username_or_password"}, AuthenticationFailed),
        (400, {"error": "invalid_client"}, AuthenticationFailed),
        (401, b"", AuthenticationFailed),
        (500, HTML, AuthenticationFailed),
        (503, {"message": "x", "exceptionMessage": "y"}, AuthenticationFailed),
        (503, HTML, Unavailable),
        (502, b"", Unavailable),
        (500, TENANT, ConfigError),
        (404, HTML, ConfigError),
        (301, b"", ConfigError),
        (200, HTML, ConfigError),
        (429, b"API Login Limit", SessionLimit),
        (500, {"message": "API Login Limit"}, SessionLimit),
    ],
)
def test_class_is_right_when_a_sign_in_is_answered(
    make_reply: Any, status: int, body: Any, kind: type[SyncError]
) -> None:
    """Everything but success, licence forms and gateways is an authentication failure or a wrong address."""
    assert type(classify_sign_in(LOGIN, make_reply(status, body))) is kind


@pytest.mark.parametrize("status", [204, 200])
def test_there_is_no_error_when_the_sign_in_succeeds(make_reply: Any, status: int) -> None:
    """204 for a cookie, 200 for a token."""
    assert classify_sign_in(LOGIN, make_reply(status, b"")) is None


def test_locked_account_is_told_when_the_erp_says_so(make_reply: Any) -> None:
    """The remedy is another one than correcting the password."""
    assert "administrator must unlock it" in str(classify_sign_in(LOGIN, make_reply(500, LOCKED)))


def test_seat_is_awaited_as_configured_when_none_is_free(make_reply: Any) -> None:
    """The wait travels with the error."""
    error = classify(GET, make_reply(429, b""), session_limit_wait_s=7.0)
    assert isinstance(error, SessionLimit)
    assert error.retry_after_s == 7.0


def test_personal_data_is_masked_when_a_body_holds_it(make_reply: Any) -> None:
    """The excerpt of an entity form shows no name and no address."""
    body = json.loads(json.dumps(ENTITY_422))
    body["CustomerName"] = {"value": "Northwind Kitchen"}
    body["MainContact"]["Email"]["value"] = "dana.rivera@northwind.example"
    error = classify(GET, make_reply(422, body))
    shown = f"{error} {error.evidence if error else ''}"
    assert "Northwind" not in shown
    assert "dana.rivera" not in shown
