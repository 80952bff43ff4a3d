"""Errors by consequence: what the caller does next decides the class, not where it happened.

::

    SyncError
    ├── ConfigError                a setting is wrong                        fail now, no retry
    ├── PlanRefused                a guard tripped, or the plan is not the approved one: a person must say yes
    ├── LeaseLost                  another attempt writes                    stop
    ├── BatchDamaged               what came through XCom is not what was sent
    ├── RunUnbalanced              the audit found customers or writes unaccounted for
    └── ApiError
        ├── TransientApiError      may pass by itself                        retry, bounded
        │   ├── RateLimited          the server did nothing, wait
        │   │   └── PauseTooLong       and it asks for a pause that no budget needs: wait a shorter one, few times
        │   ├── SessionLimit         no free seat, the server did nothing, wait
        │   ├── ConnectFailed        nothing was ever sent
        │   ├── Unavailable          5xx
        │   └── ReplyLost            sent, the answer did not come complete
        ├── PermanentApiError      will not pass by itself                   fail, no retry
        │   ├── AuthenticationFailed, PermissionDenied, NotFound, BatchTooLarge,
        │   └── RecordRejected       this record, with the server's own words
        ├── AmbiguousWriteError    a write was sent, its outcome is unknown  read back, never replay
        └── ContractError          the answer does not fit our model         stop before blanking anything

Every error round-trips through :mod:`pickle`, because Airflow moves errors between processes
(docs/architecture.md#errors). Every message and every piece of evidence of an ``ApiError`` is masked on
the way in, so that no later reader has to remember to do it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from customer_sync.one_line import one_line
from customer_sync.redaction import EXCERPT_CHARS, mask_text, redact_value

_MESSAGE_CHARS = 2_000
_TEXT_CHARS = 500


class SyncError(Exception):
    """Root of everything that this product raises on purpose.

    Args:
        message: One sentence: what, where, and what to do next.
        **evidence: Facts for the audit row, by name; must themselves be picklable.
    """

    def __init__(self, message: str, **evidence: Any) -> None:
        # A message quotes files, answers and records; it must not forge, fold or hide lines of a log.
        message = "\n".join(map(one_line, message.split("\n")))
        super().__init__(message)
        self.message = message
        self.evidence = evidence

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild by name: an exception with keyword-only arguments would otherwise fail to unpickle."""
        return _rebuild, (type(self), self.message, self.evidence)


def _rebuild(kind: type[SyncError], message: str, evidence: dict[str, Any]) -> SyncError:
    return kind(message, **evidence)


class ConfigError(SyncError):
    """A setting is wrong: the message names it, the place where it is set, and what is accepted."""


class ApiError(SyncError):
    """A request did not end as it should.

    Args:
        message: What happened and what to do next; masked and cut to 2,000 characters.
        system: Name of the far side, for people.
        operation: What was attempted, for instance ``GET /companies``.
        status: HTTP status of the answer, ``None`` when there was none.
        excerpt: Part of the answer; masked and cut to 500 characters.
        **evidence: More facts, masked by key.
    """

    def __init__(
        self,
        message: str,
        *,
        system: str = "",
        operation: str = "",
        status: int | None = None,
        excerpt: str = "",
        **evidence: Any,
    ) -> None:
        self.system = system
        self.operation = mask_text(operation[:_TEXT_CHARS])
        self.status = status
        self.excerpt = mask_text(excerpt[:EXCERPT_CHARS])
        super().__init__(
            one_line(mask_text(message[:_MESSAGE_CHARS])),
            system=system,
            operation=self.operation,
            status=status,
            excerpt=self.excerpt,
            **{name: redact_value(value) for name, value in evidence.items()},
        )


class TransientApiError(ApiError):
    """May pass by itself: the client retries within attempts and seconds, then the task does.

    Args:
        message: As in :class:`ApiError`.
        retry_after_s: Seconds that the server asked us to wait; ``None`` when it did not say.
        **evidence: As in :class:`ApiError`.
    """

    refused: ClassVar[bool] = False
    """Whether the server did nothing at all, so that even a write may be sent again."""
    counts_as_attempt: ClassVar[bool] = True
    """Whether this answer uses up one of the bounded attempts."""
    jitter_s: ClassVar[float] = 1.0
    """Largest random addition to ``retry_after_s``, in seconds."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, **evidence: Any) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **evidence)
        self.retry_after_s = retry_after_s


class RateLimited(TransientApiError):
    """429: over the request budget. Nothing was done; bounded by seconds only (docs/api/better_b2b.md#rate)."""

    refused = True
    counts_as_attempt = False


class PauseTooLong(RateLimited):
    """429 with a pause that no budget needs, such as a year: a shorter one is waited, and each counts as a failure."""

    counts_as_attempt = True


class SessionLimit(TransientApiError):
    """No free API seat in the ERP, in any of its three forms (docs/api/acumatica.md#refusals). Nothing was done."""

    refused = True
    jitter_s = 30.0


class ConnectFailed(TransientApiError):
    """No connection was made, so nothing was sent: even a write may be tried again."""

    refused = True


class Unavailable(TransientApiError):
    """The server or something before it answered 5xx; a write may or may not have been done."""


class ReplyLost(TransientApiError):
    """The request went out and the answer did not come back complete: time-out, reset or cut body."""


class PermanentApiError(ApiError):
    """Will not pass by itself: fail, no retry."""


class AuthenticationFailed(PermanentApiError):
    """The credentials were refused. **Never retried**: the ERP locks accounts (docs/api/acumatica.md#lockout)."""


class PermissionDenied(PermanentApiError):
    """The account may not do this; the message names the screen, scope or route."""


class NotFound(PermanentApiError):
    """The record, or the route, does not exist."""


class BatchTooLarge(PermanentApiError):
    """413: more rows than one bulk call takes; halve and send again, nothing was done."""


class RecordRejected(PermanentApiError):
    """The server looked at the record and said no.

    Args:
        message: As in :class:`ApiError`.
        field_errors: Field as the server names it → its messages.
        texts: Every message of the answer, in the server's words, masked.
        row_errors: Of a bulk call: zero-based row of the request → its messages. Empty when the
            answer does not say which row it was.
        good_rows_kept: Of a bulk call: whether the rows without an error were stored; ``None``
            when the answer does not say, so read back.
        taken: What is taken (``email`` of a user, ``key`` of a company) → those of the texts that say so; which they
            are is the adapter's to know.
        **evidence: As in :class:`ApiError`.
    """

    def __init__(
        self,
        message: str,
        *,
        field_errors: Mapping[str, Sequence[str]] | None = None,
        texts: Sequence[str] = (),
        row_errors: Mapping[int, Sequence[str]] | None = None,
        good_rows_kept: bool | None = None,
        taken: Mapping[str, Sequence[str]] | None = None,
        **evidence: Any,
    ) -> None:
        self.field_errors = {field: _masked(found) for field, found in (field_errors or {}).items()}
        self.texts = _masked(texts)
        self.row_errors = {row: _masked(found) for row, found in (row_errors or {}).items()}
        self.good_rows_kept = good_rows_kept
        self.taken = {what: _masked(found) for what, found in (taken or {}).items()}
        super().__init__(message, **evidence)
        # Past ApiError's masking by key: the keys here are field names and the values are sentences about them.
        self.evidence |= {
            "field_errors": self.field_errors,
            "texts": self.texts,
            "row_errors": self.row_errors,
            "good_rows_kept": good_rows_kept,
            "taken": self.taken,
        }

    @property
    def is_email_taken(self) -> bool:
        """Whether a user of the store has the e-mail already."""
        return any(text in self.taken.get("email", ()) for text in self.texts)

    @property
    def is_key_taken(self) -> bool:
        """Whether a company of the store has the key already."""
        return any(text in self.taken.get("key", ()) for text in self.texts)


class AmbiguousWriteError(ApiError):
    """A write was sent and its outcome is unknown: read back by key, then decide; never replay."""


class ContractError(ApiError):
    """The answer does not fit what the reference documents say: the API changed, or we are wrong."""


class ReplyTooLarge(ContractError):
    """The answer is longer than the configured bound; ask for fewer rows."""


def _masked(texts: Sequence[str]) -> list[str]:
    return [mask_text(text[:_TEXT_CHARS]) for text in texts]


class NoConsent(SyncError):
    """A person did not allow this application to act for him, or what came back belongs to another attempt."""


class PlanRefused(SyncError):
    """The plan may not be applied as it is: a guard tripped, or it is not the plan that was approved."""


class LeaseLost(SyncError):
    """Another attempt took over the writing to the store."""


class BatchDamaged(SyncError):
    """A batch is missing, incomplete or not what the earlier task wrote."""


class RunUnbalanced(SyncError):
    """Customers without an outcome, failed batches, or writes without a confirmation."""
