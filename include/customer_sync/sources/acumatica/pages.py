"""Decoding rows: all at once when they fit, one by one when one does not, so that a bad row loses no neighbour."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec

from customer_sync.errors import ContractError, ReplyLost
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.redaction import redact_body
from customer_sync.sources.acumatica.field_table import MASKS
from customer_sync.sources.acumatica.selection import Row, Selection
from customer_sync.sources.acumatica.settings import SYSTEM

_REASON_CHARS: Final = 300

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record whose JSON does not fit the fields' types.

    Args:
        key: Its key fields in order, as far as readable; ``None`` where not.
        id: The ERP's id of the record, if readable.
        reason: What does not fit, with the place, such as ``Expected `object`, got `str` - at `$.CustomerName```.
        excerpt: Part of the record, masked, at most 500 characters.
    """

    key: Key
    id: str | None
    reason: str
    excerpt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one list request.

    Args:
        rows: Those that fit, as structs; read them with the selection's getters.
        bad_rows: Those that do not.
    """

    rows: Sequence[Row]
    bad_rows: Sequence[BadRow] = ()

    @property
    def received(self) -> int:
        """How many records the ERP sent, bad ones included."""
        return len(self.rows) + len(self.bad_rows)


def decode_page(selection: Selection, request: HttpRequest, answer: HttpResponse) -> Page:
    """Decode the answer to a list request.

    Raises:
        ContractError: It is no list of objects.
        ReplyLost: It is not JSON at all, so it was truncated or corrupted in transit.
    """
    try:
        return Page(_list_decoder(selection).decode(answer.body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Slower, but only for a page with something wrong in it.
        raw_rows = _split(request, answer)
    rows: list[Row] = []
    bad_rows: list[BadRow] = []
    for raw in raw_rows:
        try:
            rows.append(_row_decoder(selection).decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            bad_rows.append(_bad_row(selection, bytes(raw), error))
    return Page(rows, bad_rows)


def decode_row(selection: Selection, request: HttpRequest, answer: HttpResponse) -> Row | BadRow:
    """Decode the answer to a request for one record.

    Raises:
        ContractError: It is no object.
        ReplyLost: It is no JSON at all.
    """
    try:
        return _row_decoder(selection).decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if not isinstance(decode_json(request, answer), dict):
            raise does_not_fit(request, answer, "it is no record") from error
        return _bad_row(selection, answer.body, error)


def decode_json(request: HttpRequest, answer: HttpResponse) -> Any:
    """Decode any JSON answer.

    Raises:
        ContractError: It is markup: something else than the ERP's API answered.
        ReplyLost: It is not JSON: it was truncated or corrupted in transit.
    """
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(request, answer, error) from error


def does_not_fit(request: HttpRequest, answer: HttpResponse, reason: str) -> ContractError:
    """Make the error for an answer of the wrong shape."""
    return ContractError(
        f"{SYSTEM} answered {request.operation} in an undocumented form ({reason}): check "
        "endpoint_name and endpoint_version of the connection; if they are right, the API changed.",
        system=SYSTEM,
        operation=request.operation,
        status=answer.status,
        excerpt=redact_body(answer.body, kinds=MASKS),
    )


def _split(request: HttpRequest, answer: HttpResponse) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(answer.body, type=list[msgspec.Raw])
    except msgspec.ValidationError as error:
        raise does_not_fit(request, answer, "it is no list") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(request, answer, error) from error


def _unreadable(request: HttpRequest, answer: HttpResponse, error: Exception) -> ContractError | ReplyLost:
    if isinstance(error, RecursionError):
        return does_not_fit(request, answer, "it is nested too deeply")
    if answer.body[:200].lstrip().startswith(b"<"):
        return does_not_fit(request, answer, "it is a web page")
    return ReplyLost(
        f"The answer of {SYSTEM} to {request.operation} is not JSON: it was truncated or corrupted in transit.",
        system=SYSTEM,
        operation=request.operation,
        status=answer.status,
        excerpt=redact_body(answer.body, kinds=MASKS),
    )


def _bad_row(selection: Selection, raw: bytes, error: Exception) -> BadRow:
    try:
        row = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        row = None
    fields = row if isinstance(row, dict) else {}
    row_id = fields.get("id")
    return BadRow(
        key=tuple(_scalar(fields.get(name)) for name in selection.key_fields),
        id=row_id if isinstance(row_id, str) else None,
        reason=str(error)[:_REASON_CHARS],
        excerpt=redact_body(raw, kinds=MASKS),
    )


def _scalar(value: Any) -> str | int | None:
    inner = value.get("value") if isinstance(value, dict) else None
    return inner if isinstance(inner, str | int) and not isinstance(inner, bool) else None


@lru_cache(maxsize=64)
def _list_decoder(selection: Selection) -> msgspec.json.Decoder[list[Row]]:
    return msgspec.json.Decoder(list[selection.row_type])  # type: ignore[name-defined]  # the struct is made at run time


@lru_cache(maxsize=64)
def _row_decoder(selection: Selection) -> msgspec.json.Decoder[Row]:
    return msgspec.json.Decoder(selection.row_type)
