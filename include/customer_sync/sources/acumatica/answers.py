"""Reading the ERP's answers: what each one means, decided by fragments of text and not by status alone.

:func:`classify` and :func:`classify_sign_in` are the only places that turn an answer into an error
class. The ERP answers 500 for a wrong password, an unknown field and a missing record alike, and the
wording around the fragments is not documented (docs/api/acumatica.md#errors).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from customer_sync.errors import (
    ApiError,
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
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.redaction import mask_text, redact_body
from customer_sync.sources.acumatica.field_table import MASKS
from customer_sync.sources.acumatica.settings import SYSTEM

_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_GATEWAY: Final = (502, 503, 504)
_VALIDATION: Final = (400, 412, 422)
_FORBIDDEN: Final = 403
_SERVER_ERROR: Final = 500
_SEARCHED_BYTES: Final = 65_536
_TEXTS_SHOWN: Final = 5
_LICENCE: Final = ("api login limit", "concurrent api logins")


class CannotOptimize(PermanentApiError):
    """A list asks for something that cannot be part of one database query (docs/api/acumatica.md#optimiser).

    Args:
        message: As in ``ApiError``.
        culprits: The fields that the ERP names, possibly none.
        **evidence: As in ``ApiError``.
    """

    def __init__(self, message: str, *, culprits: Sequence[str] = (), **evidence: Any) -> None:
        super().__init__(message, culprits=list(culprits), **evidence)
        self.culprits = list(culprits)


def classify(request: HttpRequest, answer: HttpResponse, session_limit_wait_s: float = 30.0) -> SyncError | None:
    """Decide what an answer to anything but a sign-in means.

    Args:
        request: What was asked.
        answer: What came back.
        session_limit_wait_s: Shortest wait before asking for a seat again, in seconds.

    Returns:
        The error to raise, or ``None`` for a success. Source: docs/api/acumatica.md#limits and #errors.
    """
    if answer.status in _OK:
        return None
    evidence = _Evidence(request, answer)
    refusal = _classify_licence(evidence, session_limit_wait_s) or _classify_fragments(evidence)
    return refusal or _classify_status(evidence)


def classify_sign_in(
    request: HttpRequest, answer: HttpResponse, session_limit_wait_s: float = 30.0
) -> SyncError | None:
    """Decide what an answer to a sign-in means.

    Everything but success and the licence forms is an authentication failure and is never retried:
    repeated failures lock the account (docs/api/acumatica.md#lockout). Only what certainly did not come
    from the ERP's own sign-in (a gateway's 502, 503 or 504) is left as unavailable.

    Args:
        request: The sign-in.
        answer: What came back.
        session_limit_wait_s: Shortest wait before asking for a seat again, in seconds.

    Returns:
        The error to raise, or ``None`` for a success.
    """
    evidence = _Evidence(request, answer)
    if answer.status in _OK and not evidence.is_markup:
        return None
    licence = _classify_licence(evidence, session_limit_wait_s)
    if licence:
        return licence
    if evidence.has("undefinedcompany", "proper company id"):
        return _unknown_tenant(evidence)
    if answer.status in _GATEWAY and not evidence.is_from_erp:
        return evidence.error(Unavailable, "The ERP is down or restarting.")
    if answer.status in (404, 405) or answer.status in _REDIRECT or (answer.status in _OK and evidence.is_markup):
        return ConfigError(
            evidence.message("This is not the sign-in of an Acumatica site: check host, https and instance path."),
            setting="host",
        )
    locked = "The account is locked: an administrator must unlock it." if evidence.has("locked") else ""
    remedy = "Correct login, password and tenant in the Airflow connection before the next try: "
    warning = "repeated failures lock the account. Nothing was retried."
    return evidence.error(AuthenticationFailed, f"{locked} {remedy}{warning}".strip())


class _Evidence:
    """What one answer says, in every form that the ERP and the web server before it use."""

    def __init__(self, request: HttpRequest, answer: HttpResponse) -> None:
        self.request = request
        self.answer = answer
        self.body = _decode(answer.body)
        head = answer.body[:_SEARCHED_BYTES].decode("utf-8", "replace")
        self.searched = f"{head} {answer.headers.get('Location', '')}".lower().replace("+", " ").replace("%20", " ")
        self.is_markup = answer.body[:200].lstrip().startswith(b"<")

    @property
    def is_from_erp(self) -> bool:
        return isinstance(self.body, dict) and ("exceptionMessage" in self.body or "message" in self.body)

    @property
    def text(self) -> str:
        """The best sentence in it."""
        if not isinstance(self.body, dict):
            return "" if self.is_markup else self.answer.body[:200].decode("utf-8", "replace").strip()
        named = (self.body.get(key) for key in ("exceptionMessage", "error_description", "error", "message"))
        return next((text[:500] for text in named if isinstance(text, str) and text), "")

    @property
    def of_error(self) -> dict[str, Any]:
        return {
            "system": SYSTEM,
            "operation": self.request.operation,
            "status": self.answer.status,
            "excerpt": redact_body(self.answer.body, kinds=MASKS),
        }

    def has(self, *fragments: str) -> bool:
        return any(fragment in self.searched for fragment in fragments)

    def error(self, kind: type[ApiError], remedy: str) -> ApiError:
        return kind(self.message(remedy), **self.of_error)

    def message(self, remedy: str) -> str:
        said = mask_text(self.text).strip().rstrip(".") or "no reason given"
        return f"{SYSTEM} answered {self.request.operation} with {self.answer.status}: {said}. {remedy}"


def _classify_licence(evidence: _Evidence, wait_s: float) -> SessionLimit | None:
    """The licence's refusals (docs/api/acumatica.md#refusals): 429 in any dress, the text, the redirect."""
    is_error_page = evidence.answer.status in _REDIRECT and evidence.has("error.aspx")
    if evidence.answer.status != 429 and not is_error_page and not evidence.has(*_LICENCE):  # noqa: PLR2004 - an HTTP status
        return None
    return SessionLimit(
        evidence.message("No API seat is free: sign other integrations out, or wait until their sessions end."),
        retry_after_s=wait_s,
        **evidence.of_error,
    )


def _classify_fragments(evidence: _Evidence) -> SyncError | None:
    """The ERP's exceptions, by the fragments of docs/api/acumatica.md#errors."""
    if evidence.answer.status in _VALIDATION:
        # Those bodies quote the record, and a customer may be called anything.
        return None
    return next((error(evidence) for fragments, error in _FRAGMENTS if evidence.has(*fragments)), None)


def _cannot_optimize(evidence: _Evidence) -> CannotOptimize:
    message = evidence.message("The field must be read record by record.")
    return CannotOptimize(message, culprits=_culprits(evidence.text), **evidence.of_error)


def _unknown_field(evidence: _Evidence) -> ConfigError:
    asked = ", ".join(f"{name}={value}" for name, value in evidence.request.query if name != "$filter")
    return ConfigError(
        evidence.message(f"The endpoint lacks one of the fields asked for ({asked}): correct the connector's mapping."),
        setting="fields",
        operation=evidence.request.operation,
    )


def _unknown_tenant(evidence: _Evidence) -> ConfigError:
    return ConfigError(
        evidence.message("The site does not know the tenant: correct 'tenant' in the Airflow connection."),
        setting="tenant",
    )


def _of_kind(kind: type[ApiError], remedy: str) -> Callable[[_Evidence], SyncError]:
    return lambda evidence: evidence.error(kind, remedy)


_NO_RIGHT: Final = "Give the ERP user the right on this screen; a new session is needed for it to count."

_NO_FORM: Final = (
    "Without the feature Business Account Locations there is no such form: write source.location.entity: Customer in "
    "the connector file. With it:"
)


def _no_right(evidence: _Evidence) -> ApiError:
    is_of_feature = evidence.request.path.endswith("/CustomerLocation")
    return evidence.error(PermissionDenied, f"{_NO_FORM} {_NO_RIGHT}" if is_of_feature else _NO_RIGHT)


_FRAGMENTS: Final[tuple[tuple[tuple[str, ...], Callable[[_Evidence], SyncError]], ...]] = (
    (("noentitysatisfies",), _of_kind(NotFound, "The record does not exist, or the user may not see it.")),
    (("cannotoptimize", "optimization cannot be performed"), _cannot_optimize),
    (("keynotfound",), _unknown_field),
    (("undefinedcompany",), _unknown_tenant),
    (("insufficient rights",), _no_right),
    (("invalid credentials",), _of_kind(AuthenticationFailed, "Correct login and password in the Airflow connection.")),
    (
        ("pxsetupnotentered", "notsupportedexception"),
        _of_kind(PermanentApiError, "The ERP cannot answer this request as it is set up."),
    ),
)


def _classify_status(evidence: _Evidence) -> SyncError:
    """What the status alone says, where no fragment said more."""
    status = evidence.answer.status
    if status in _VALIDATION:
        return _rejected(evidence)
    if status == _FORBIDDEN:
        return _no_right(evidence)
    if status in _REDIRECT:
        return ConfigError(
            evidence.message("The ERP redirects: write the host with https:// and its path."), setting="host"
        )
    if status >= _SERVER_ERROR:
        return evidence.error(Unavailable, "The ERP could not answer; it may be restarting or busy.")
    return evidence.error(*_STATUSES.get(status, (PermanentApiError, "The ERP refuses the request as it is.")))


_STATUSES: Final[Mapping[int, tuple[type[PermanentApiError], str]]] = {
    401: (AuthenticationFailed, "The session ended and could not be renewed."),
    404: (NotFound, "Check endpoint_name, endpoint_version and the record's key."),
}


def _rejected(evidence: _Evidence) -> RecordRejected:
    found = _find_errors(evidence.body)
    said = "; ".join(mask_text(text[:200]) for text in found.texts[:_TEXTS_SHOWN] if text != evidence.text)
    return RecordRejected(
        evidence.message(f"{said} Correct the record or the mapping.".strip()),
        field_errors=found.fields,
        texts=found.texts,
        **evidence.of_error,
    )


@dataclass(slots=True)
class _Found:
    texts: list[str] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)


def _find_errors(body: Any) -> _Found:
    """Collect ``error`` of the 422 entity form, at any depth, and ``modelState`` of the 400 form."""
    found = _Found()
    if not isinstance(body, dict):
        return found
    state = body.get("modelState")
    for name, texts in state.items() if isinstance(state, dict) else ():
        found.fields[name] = [str(text) for text in texts] if isinstance(texts, list) else [str(texts)]
        found.texts += found.fields[name]
    for path, text in _errors_in(body, ""):
        if path:
            found.fields.setdefault(path, []).append(text)
        found.texts.append(f"{path}: {text}" if path else text)
    return found


def _errors_in(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("error"), str) and value["error"]:
            yield path, value["error"]
        for name, item in value.items():
            yield from _errors_in(item, f"{path}/{name}" if path else str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _errors_in(item, path)


def _culprits(text: str) -> list[str]:
    """Field names of ``…cause the error:`` and, line by line, ``RemainingCreditLimit: View … has BQL delegate``."""
    _, _, lines = text.partition("error:")
    return [name.strip() for line in lines.splitlines() if (name := line.partition(":")[0]).strip()]


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
