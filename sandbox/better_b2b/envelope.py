"""The success envelope and the error shapes of the store's API (docs/api/better_b2b.md#envelope and #errors)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# `meta.message` of a success by family: companies and roles shout, the others do not.
SUCCESS_COMPANY = "SUCCESS"
SUCCESS = "Success"

PARAMETER_ERROR = "Parameter Error"
RULE_ERROR = "Processing data contains logical errors"
NOT_FOUND_ERROR = "Not Found Error"
BAD_REQUEST_ERROR = "Bad Requests Error"
LOGIC_ERROR = "API logic error"
TOO_LARGE = "Request Entity Too Large"


class Page(NamedTuple):
    """The part of a list that was asked for, and how long the whole list is."""

    offset: int
    limit: int
    total_count: int


class Reply(NamedTuple):
    """Status and body of one answer; the body is encoded by the edge."""

    status: int
    body: Any


class Refusal(Exception):  # a refusal is an answer of the API, not a failure of the twin
    """A call is refused with exactly this reply.

    Attributes:
        reply: Status and body as they go to the client.
    """

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.reply = Reply(status, body)


def ok(data: Any, message: str, page: Page | None = None) -> Reply:
    """The success envelope; lists carry their pagination."""
    meta: dict[str, Any] = {"message": message}
    if page is not None:
        meta["pagination"] = {"totalCount": page.total_count, "limit": page.limit, "offset": page.offset}
    return Reply(200, {"code": 200, "data": data, "meta": meta})


def text_refusal(status: int, message: str, err_msg: Any) -> Refusal:
    """Shape 1: the text or the map of field errors under `data.errMsg`."""
    return Refusal(status, {"code": status, "data": {"errMsg": err_msg}, "meta": {"message": message}})


def field_refusal(errors: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Refusal:
    """Shape 1 (a map) or shape 2 (a list aligned with the rows sent) with 422 `Parameter Error`."""
    return text_refusal(422, PARAMETER_ERROR, errors)


def rule_refusal(text: str) -> Refusal:
    """Shape 1 with 422 for a business rule."""
    return text_refusal(422, RULE_ERROR, text)


def absence_refusal(record: str) -> Refusal:
    """Shape 1 with 404 for a record that does not exist."""
    return text_refusal(404, NOT_FOUND_ERROR, f"{record} matching query does not exist.")


def plain_refusal(status: int, text: str) -> Refusal:
    """Shape 3: the text is in `meta.message` only (companies, roles, countries, states)."""
    return Refusal(status, {"code": status, "data": {}, "meta": {"message": text}})


def resource_refusal() -> Refusal:
    """Shape 3 with 404 for a company or role that does not exist."""
    return plain_refusal(404, "This resource is not found.")


def rows_refusal(status: int, errors: Sequence[tuple[str, str]], message: str) -> Refusal:
    """Shape 4: companies bulk; one entry per failed row."""
    rows = [{"id": row_id, "_detail": detail} for row_id, detail in errors]
    return Refusal(status, {"code": status, "data": {"errors": rows}, "meta": {"message": message}})


def gateway_body(status: int, message: str) -> dict[str, Any]:
    """The form without envelope that the store's gateway answers (observed)."""
    return {"code": status, "message": message}
