"""Which class of error an answer must fall into, and whether the error says what to do."""

from __future__ import annotations

from typing import Final

from customer_sync.errors import (
    ApiError,
    AuthenticationFailed,
    BatchTooLarge,
    ConfigError,
    NotFound,
    PermanentApiError,
    PermissionDenied,
    RateLimited,
    RecordRejected,
    SessionLimit,
    SyncError,
    Unavailable,
)
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.sources.acumatica.answers import classify as classify_erp
from customer_sync.sources.acumatica.answers import classify_sign_in
from customer_sync.targets.better_b2b.answers import classify as classify_store
from real.differences import Difference, Tally, shown
from real.folder import Exchange, System

PART: Final = "errors"

_REDIRECT: Final = range(300, 400)
_SERVER_ERROR: Final = 500
_FITTING: Final[dict[int, tuple[type[SyncError], ...]]] = {
    400: (RecordRejected,),
    401: (AuthenticationFailed,),
    403: (PermissionDenied,),
    404: (NotFound,),
    405: (PermanentApiError,),
    409: (RecordRejected,),
    412: (RecordRejected,),
    413: (BatchTooLarge,),
    415: (PermanentApiError,),
    422: (RecordRejected,),
    429: (RateLimited, SessionLimit),
}
# The ERP answers 500 to many a refusal, and says in words which it is.
_ERP_500: Final = (AuthenticationFailed, ConfigError, NotFound, PermissionDenied, SessionLimit, PermanentApiError)


def fitting_classes(system: System, status: int, *, is_sign_in: bool = False) -> tuple[type[SyncError], ...]:
    """The classes that an error with this status may fall into."""
    if is_sign_in:
        return AuthenticationFailed, SessionLimit, ConfigError, Unavailable
    if status in _REDIRECT:
        return ConfigError, SessionLimit
    if status >= _SERVER_ERROR:
        return (*_ERP_500, Unavailable) if system == "acumatica" else (Unavailable,)
    return _FITTING.get(status, (PermanentApiError,))


def error_of(exchange: Exchange) -> SyncError | None:
    """The error that the product makes of an answer, ``None`` for a success."""
    request = HttpRequest(exchange.method, exchange.path, exchange.query, body=exchange.sent or None)
    answer = HttpResponse(exchange.status, body=exchange.body)
    if exchange.system == "store":
        rows = exchange.sent_json()
        return classify_store(request, answer, rows if isinstance(rows, list) else ())
    judge = classify_sign_in if is_sign_in(exchange) else classify_erp
    return judge(request, answer)


def is_sign_in(exchange: Exchange) -> bool:
    """Whether it is a sign-in to the ERP, or a sign-out."""
    return exchange.path.startswith(("/entity/auth/", "/identity/connect/token"))


def problem_with(error: SyncError | None, exchange: Exchange) -> tuple[str, str, str] | None:
    """What is wrong with the error made of a refusal: field, ours, expected; ``None`` where nothing is."""
    fitting = fitting_classes(exchange.system, exchange.status, is_sign_in=is_sign_in(exchange))
    names = " or ".join(sorted(kind.__name__ for kind in fitting))
    if error is None:
        return "class", "success", names
    if not isinstance(error, fitting) or type(error) is ApiError:
        return "class", type(error).__name__, names
    words = _words_of_answer(exchange)
    remedy = error.message.rstrip().rstrip(".").rpartition(". ")[2]
    if not remedy or remedy in words:
        return "remedy", shown(error.message), "a sentence that says what to do"
    return None


def try_examples(examples: list[Exchange]) -> Tally:
    """Try published examples of errors, and of successes that are no errors."""
    tally = Tally()
    for example in examples:
        tally.tried["error examples" if not example.is_success else "success examples"] += 1
        try:
            error = error_of(example)
        except Exception as raised:  # noqa: BLE001 - that nothing is raised is what is tried
            tally.differences.append(_difference(example, "class", f"{type(raised).__name__} raised", "an error class"))
            continue
        if example.is_success:
            if error is not None:
                tally.differences.append(_difference(example, "class", type(error).__name__, "success"))
        elif problem := problem_with(error, example):
            tally.differences.append(_difference(example, *problem))
    return tally


def _difference(example: Exchange, field: str, ours: str, expected: str) -> Difference:
    return Difference(PART, example.file, example.subject, field, ours, expected)


def _words_of_answer(exchange: Exchange) -> str:
    return exchange.body.decode("utf-8", "replace")
