"""The ERP's error answers, one body each (docs/api/acumatica.md#errors)."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.exchange import HTML_TYPE, TEXT_TYPE, Answer, json_answer

_GENERAL = "An error has occurred."


class ApiError(Exception):
    """Ends a call with an error answer.

    Attributes:
        answer: What the client gets.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode("utf-8", "replace"))
        self.answer = answer


def server_error(message: str, kind: str, origin: str) -> ApiError:
    """A 500 with exception message and type; `origin` is the head of the stack trace."""
    body = {
        "message": _GENERAL,
        "exceptionMessage": message,
        "exceptionType": kind,
        "stackTrace": f"   at {origin}",
    }
    return ApiError(json_answer(body, 500))


def invalid_credentials() -> ApiError:
    """Wrong user or password."""
    return server_error("Error: Invalid credentials. Please try again.", "PX.Data.PXException", "PX.Data.PXLogin")


def locked_account() -> ApiError:
    """Too many wrong passwords; the right one does not help any more."""
    text = "Error: Your account has been locked. Please contact your system administrator."
    return server_error(text, "PX.Data.PXException", "PX.Data.PXLogin")


def undefined_company() -> ApiError:
    """The tenant does not exist."""
    text = "A proper company ID cannot be determined for the request."
    return server_error(text, "PX.Data.PXUndefinedCompanyException", "PX.Data.PXLogin")


def not_found_by_key() -> ApiError:
    """No record under these keys or this id."""
    kind = "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException"
    return server_error("No entity satisfies the condition.", kind, "PX.Api.ContractBased.EntityService")


def not_found() -> ApiError:
    """No such endpoint, version, entity or action, or (by a switch) record."""
    body = {"message": "No HTTP resource was found that matches the request.", "exceptionMessage": None}
    return ApiError(json_answer({**body, "exceptionType": None, "stackTrace": None}, 404))


def unknown_field() -> ApiError:
    """A field that the entity does not have; the text does not name it."""
    kind = "System.Collections.Generic.KeyNotFoundException"
    text = "The given key was not present in the dictionary."
    return server_error(text, kind, "System.Collections.Generic.Dictionary`2.get_Item")


def filter_not_supported(what: str) -> ApiError:
    """A filter outside the dialect."""
    text = f"The filter expression is not supported: {what}"
    return server_error(text, "System.NotSupportedException", "PX.Api.ContractBased.OData")


def cannot_optimize(field: str, view: str) -> ApiError:
    """A list that asks for something that one database query cannot give."""
    text = "Optimization cannot be performed.The following fields cause the error:"
    text += f"\r\n{field}: View {view} has BQL delegate"
    kind = "PX.Api.ContractBased.CannotOptimizeException"
    return server_error(text, kind, "PX.Api.ContractBased.EntityService")


def not_logged_in() -> ApiError:
    """No session, or one that has ended; the web server begins a session of its own, which takes no seat."""
    cookie = f"ASP.NET_SessionId={secrets.token_hex(12)}; path=/; HttpOnly; SameSite=Lax"
    return ApiError(json_answer({"message": "You are not logged in."}, 401, [("Set-Cookie", cookie)]))


def insufficient_rights(form: str, screen: str) -> ApiError:
    """The user may not use the screen behind the entity."""
    return ApiError(
        json_answer({"message": f"You have insufficient rights to access the {form} ({screen}) form."}, 403)
    )


def precondition_failed(what: str) -> ApiError:
    """`If-Match` or `If-None-Match` does not hold."""
    body = {"message": f"Precondition failed: {what}.", "exceptionMessage": None, "exceptionType": None}
    return ApiError(json_answer({**body, "stackTrace": None}, 412))


def bad_request(complaint: str) -> ApiError:
    """A body that cannot be read."""
    return ApiError(json_answer({"message": "The request is invalid.", "modelState": {"": [complaint]}}, 400))


def invalid_entity(entity: dict[str, Any]) -> ApiError:
    """The entity with an `error` on its root and on the fields that are wrong."""
    return ApiError(json_answer(entity, 422))


def action_refused(complaint: str) -> ApiError:
    """An action whose parameters are not acceptable."""
    kind = "PX.Data.PXException"
    body = {"message": _GENERAL, "exceptionMessage": complaint, "exceptionType": kind, "stackTrace": None}
    return ApiError(json_answer(body, 422))


def web_server_page(status: int, title: str) -> Answer:
    """An answer of the web server in front of the application."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h2>{title}</h2></body></html>"
    return Answer(status, page.encode(), HTML_TYPE)


def login_limit() -> Answer:
    """The licence's refusal of a cookie sign-in (docs/api/acumatica.md#refusals, form a)."""
    return json_answer({"message": "API Login Limit", "exceptionMessage": "API Login Limit exceeded."}, 429)


def plain_429() -> Answer:
    """The licence's refusal as plain text (docs/api/acumatica.md#refusals, form c)."""
    return Answer(429, b"The custom error module does not recognize this error.", TEXT_TYPE)


def login_limit_redirect() -> Answer:
    """The licence's refusal of a call with a bearer token (docs/api/acumatica.md#refusals, form b)."""
    location = (
        "/Frames/Error.aspx?typeID=&errorcode=0&message="
        "The%20number%20of%20concurrent%20API%20logins%20for%20this%20license%20has%20been%20reached."
    )
    return Answer(302, b"", None, [("Location", location)])
