"""Reading the store's answers: the success envelope, the five error shapes, and what each status means.

:func:`classify` is the one place that turns an answer into an error class (docs/api/better_b2b.md#errors).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from customer_sync.errors import (
    ApiError,
    AuthenticationFailed,
    BatchTooLarge,
    ConfigError,
    ContractError,
    NotFound,
    PauseTooLong,
    PermanentApiError,
    PermissionDenied,
    RateLimited,
    RecordRejected,
    ReplyLost,
    Unavailable,
)
from customer_sync.http.pacing import LONGEST_PAUSE_S
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.redaction import mask_text, redact_body
from customer_sync.targets.better_b2b.budget import read_budget
from customer_sync.targets.better_b2b.field_table import MASKS
from customer_sync.targets.better_b2b.records import as_int
from customer_sync.targets.better_b2b.settings import SYSTEM

_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_SERVER_ERROR: Final = 500
_TEXTS_SHOWN: Final = 5

_PERMANENT: Final[Mapping[int, tuple[type[PermanentApiError], str]]] = {
    401: (AuthenticationFailed, "Check the API token in the password field of the Airflow connection."),
    403: (PermissionDenied, "Give the API token the B2B scope in the store's control panel, and check api_prefix."),
    404: (NotFound, "The record is gone, or host and api_prefix of the connection are wrong."),
    405: (PermanentApiError, "The store has this feature switched off."),
    413: (BatchTooLarge, "Send at most 10 rows in one bulk call."),
    415: (PermanentApiError, "A proxy may have removed the Content-Type header."),
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A successful answer.

    Args:
        data: The value of ``data``: an object or a list.
        meta: The value of ``meta``; usually an object.
        total_count: ``meta.pagination.totalCount``, ``None`` when absent.
    """

    data: Any
    meta: Any = None
    total_count: int | None = None

    def rows(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return ``data`` as a list of objects.

        Raises:
            ContractError: It is something else.
        """
        if isinstance(self.data, list) and all(isinstance(row, dict) for row in self.data):
            return self.data
        raise _does_not_fit(request, "data is no list of objects", self.data)

    def record(self, request: HttpRequest) -> dict[str, Any]:
        """Return ``data`` as one object.

        Raises:
            ContractError: It is something else.
        """
        if isinstance(self.data, dict):
            return self.data
        raise _does_not_fit(request, "data is no object", self.data)


def read_envelope(
    request: HttpRequest, answer: HttpResponse, rows: Sequence[Mapping[str, Any]] = (), rate_limit_wait_s: float = 60.0
) -> Envelope:
    """Return a successful answer's content.

    Args:
        request: What was asked, for messages.
        answer: What came back.
        rows: The rows of a bulk call, to attribute errors to.
        rate_limit_wait_s: Wait after a 429 that names none, in seconds.

    Raises:
        ApiError: The class that :func:`classify` decides on.
        ReplyLost: The answer is not JSON, so it was truncated or corrupted in transit.
        ContractError: It is JSON, or a web page, and no envelope.
    """
    body = _decode(answer.body)
    error = _judge(request, answer, body, rows, rate_limit_wait_s)
    if error:
        raise error
    if body is None and not answer.body[:200].lstrip().startswith((b"<", b"null")):
        raise ReplyLost(
            f"The answer of {SYSTEM} to {request.operation} is not JSON: it was truncated or corrupted in transit.",
            system=SYSTEM,
            operation=request.operation,
            status=answer.status,
            excerpt=redact_body(answer.body, kinds=MASKS),
        )
    if not isinstance(body, dict) or "data" not in body:
        raise _does_not_fit(request, "there is no envelope with data", answer.body, answer.status)
    meta = body.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    total = pagination.get("totalCount") if isinstance(pagination, dict) else None
    return Envelope(body["data"], meta, as_int(total))


def classify(
    request: HttpRequest, answer: HttpResponse, rows: Sequence[Mapping[str, Any]] = (), rate_limit_wait_s: float = 60.0
) -> ApiError | ConfigError | None:
    """Decide what an answer means.

    Args:
        request: What was asked, for messages.
        answer: What came back.
        rows: The rows of a bulk call, to attribute errors to.
        rate_limit_wait_s: Wait after a 429 that names none, in seconds.

    Returns:
        The error to raise, or ``None`` for a success. Source: docs/api/better_b2b.md#statuses.
    """
    return _judge(request, answer, _decode(answer.body), rows, rate_limit_wait_s)


def _judge(
    request: HttpRequest, answer: HttpResponse, body: Any, rows: Sequence[Mapping[str, Any]], rate_limit_wait_s: float
) -> ApiError | ConfigError | None:
    status = _effective_status(answer.status, body)
    if status in _OK:
        return None
    found = _find_messages(body, rows)
    evidence: dict[str, Any] = {
        "system": SYSTEM,
        "operation": request.operation,
        "status": status,
        "excerpt": redact_body(answer.body, kinds=MASKS),
    }
    said = "; ".join(mask_text(text[:200]) for text in found.texts[:_TEXTS_SHOWN]) or "no reason given"
    message = f"{SYSTEM} answered {request.operation} with {status}: {said.rstrip('. ')}."
    if status in _REDIRECT:
        return ConfigError(
            f"{SYSTEM} redirects {request.operation} elsewhere: write the host with https:// in the connection.",
            setting="host",
        )
    if status == 429:  # noqa: PLR2004 - an HTTP status
        return _used_up(f"{message} The request budget is used up.", answer, evidence, rate_limit_wait_s)
    if status >= _SERVER_ERROR:
        return Unavailable(f"{message} If it lasts, check the store's status page, and store_hash.", **evidence)
    if status in _PERMANENT:
        kind, remedy = _PERMANENT[status]
        return kind(f"{message} {remedy}", **evidence)
    return RecordRejected(
        f"{message} Correct the record at its source.",
        field_errors=found.field_errors,
        texts=found.texts,
        row_errors=found.row_errors,
        good_rows_kept=found.good_rows_kept,
        taken=_taken(found),
        **evidence,
    )


def _used_up(message: str, answer: HttpResponse, evidence: dict[str, Any], unnamed_wait_s: float) -> RateLimited:
    budget = read_budget(answer.headers)
    asked_s = next((s for s in (budget.retry_after_s, budget.resets_after_s) if s is not None), None)
    if asked_s is None or asked_s <= LONGEST_PAUSE_S:
        return RateLimited(message, retry_after_s=unnamed_wait_s if asked_s is None else asked_s, **evidence)
    return PauseTooLong(
        f"{message} It asks for a pause of {asked_s:,.0f} s, longer than any window of the budget: it is asked again "
        f"after {LONGEST_PAUSE_S:g} s, a few times. If it lasts, ask the store's support.",
        retry_after_s=LONGEST_PAUSE_S,
        **evidence,
    )


_TAKEN: Final[Mapping[str, str]] = {"email": "email already exists", "key": "must be unique"}
"""What is taken → how the store says so (docs/api/better_b2b.md#user-errors, #error-shape-4)."""


@dataclass(slots=True)
class _Messages:
    """What an error body says, in the shape that it says it."""

    texts: list[str] = field(default_factory=list)
    field_errors: dict[str, list[str]] = field(default_factory=dict)
    row_errors: dict[int, list[str]] = field(default_factory=dict)
    good_rows_kept: bool | None = None


def _taken(found: _Messages) -> dict[str, list[str]]:
    """Which of the messages say that an e-mail or a key is taken."""
    texts = [*found.texts, *(text for row in found.row_errors.values() for text in row)]
    return {what: [text for text in texts if said in text.lower()] for what, said in _TAKEN.items()}


def _find_messages(body: Any, rows: Sequence[Mapping[str, Any]]) -> _Messages:
    found = _Messages()
    if not isinstance(body, dict):
        return found
    data = body["data"] if isinstance(body.get("data"), dict) else {}
    meta = body["meta"] if isinstance(body.get("meta"), dict) else {}
    sources = (data.get("errMsg"), data.get("errors"), body.get("errors"))
    # The order of search is the reference's; the first place that says something wins.
    for source in (*sources, meta.get("message"), body.get("title"), body.get("message")):
        if source:
            _read_source(found, source, rows)
            break
    if not found.row_errors:
        _attribute_by_email(found, rows)
    return found


def _read_source(found: _Messages, source: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if isinstance(source, dict):
        found.field_errors = {name: [text for _, text in _flatten(item, "")] for name, item in source.items()}
        found.texts = [f"{path}: {text}" for path, text in _flatten(source, "")]
    elif isinstance(source, list):
        for index, item in enumerate(source):
            if isinstance(item, dict) and "_detail" in item:
                _read_company_row(found, item, rows)
            else:
                _read_aligned_row(found, index, item)
    else:
        found.texts = [str(source)]


def _read_company_row(found: _Messages, item: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Shape 4: ``id`` is the row's index in a POST and the company's id in a PUT; good rows are kept."""
    text = str(item["_detail"])
    found.texts.append(text)
    found.good_rows_kept = True
    item_id = str(item.get("id"))
    for index, row in enumerate(rows):
        if item_id == str(row.get("companyId", index)):
            found.row_errors.setdefault(index, []).append(text)


def _read_aligned_row(found: _Messages, index: int, item: Any) -> None:
    """Shape 2: a list aligned with the request, ``{}`` for good rows."""
    texts = [f"{path}: {text}" if path else text for path, text in _flatten(item, "")]
    if texts:
        found.row_errors[index] = texts
        found.texts += texts


def _attribute_by_email(found: _Messages, rows: Sequence[Mapping[str, Any]]) -> None:
    """A bulk 422 of users names no row, but ``Email already exists. ['…']`` quotes the address that one row has."""
    said = " ".join(found.texts).lower()
    for index, row in enumerate(rows):
        email = str(row.get("email") or "").lower()
        if email and f"'{email}'" in said:
            found.row_errors[index] = list(found.texts)


def _flatten(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flatten(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _flatten(item, path)
    elif value not in (None, ""):
        yield path, str(value)


def _effective_status(status: int, body: Any) -> int:
    """A gateway may answer 200 around an error envelope; its ``code`` then says what happened."""
    code = body.get("code", body.get("status")) if isinstance(body, dict) else None
    if status in _OK and isinstance(code, int) and code >= min(_REDIRECT):
        return code
    return status


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _does_not_fit(request: HttpRequest, reason: str, body: Any, status: int = 200) -> ContractError:
    return ContractError(
        f"{SYSTEM} answered {request.operation} in an undocumented form ({reason}): check host and "
        "api_prefix of the connection; if they are right, its API changed.",
        system=SYSTEM,
        operation=request.operation,
        status=status,
        excerpt=redact_body(body, kinds=MASKS),
    )
