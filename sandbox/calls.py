"""The call log: what clients sent and what they got, newest last, bounded, secrets masked."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.exchange import Call

MAX_ROWS = 200_000
MAX_BODY_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 4 * 1024
MAX_HELD_BYTES = 256 * 1024 * 1024

_MASKED = "password|pwd|token|auth_?token|access_token|refresh_token|client_secret|secret|api_?key|code_verifier"
_JSON_SECRET = re.compile(rf'("(?:{_MASKED})"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
# `code` is a status in many JSON bodies, and an authorization code in forms.
_FORM_SECRET = re.compile(rf"((?:^|[&?])(?:{_MASKED}|code)=)[^&]*", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with the values of secret-named JSON keys and form fields replaced by stars."""
    return _FORM_SECRET.sub(r"\1***", _JSON_SECRET.sub(r'\1"***"', text))


@dataclass(slots=True)
class _Row:
    seq: int
    at_s: float
    call: Call
    body: bytes
    status: int | None
    duration_ms: float
    response_bytes: int
    answer: bytes
    fault: str | None
    held_bytes: int


class CallLog:
    """Bounded log of calls: at most `MAX_ROWS` rows and `MAX_HELD_BYTES` of bodies, the oldest leave first.

    Recording keeps references only; formatting and masking are paid by the reader, so that a twin under load does not
    pay for a log that is not read.

    Args:
        clock: Sandbox time.
        max_rows: Most rows that are kept.
        max_held_bytes: Most bytes of bodies and answers that are kept.
    """

    def __init__(self, clock: Clock, *, max_rows: int = MAX_ROWS, max_held_bytes: int = MAX_HELD_BYTES) -> None:
        self._clock = clock
        self._max_rows = max_rows
        self._max_held_bytes = max_held_bytes
        self._rows: deque[_Row] = deque()
        self._held_bytes = 0
        self._seq = 0

    def __len__(self) -> int:
        return len(self._rows)

    def record(
        self, call: Call, *, status: int | None, duration_ms: float, answer: bytes, fault: str | None, at_s: float
    ) -> None:
        """Note one finished call; `status` is none when the connection was cut without an answer."""
        self._seq += 1
        body = call.body[:MAX_BODY_BYTES]
        kept = answer[:MAX_ANSWER_BYTES]
        size = len(call.body) + len(kept)
        row = _Row(self._seq, at_s, call, body, status, duration_ms, len(answer), kept, fault, size)
        self._rows.append(row)
        self._held_bytes += size
        while len(self._rows) > self._max_rows or self._held_bytes > self._max_held_bytes:
            self._held_bytes -= self._rows.popleft().held_bytes

    def clear(self) -> None:
        """Forget all calls; numbering goes on."""
        self._rows.clear()
        self._held_bytes = 0

    def rows(
        self, *, method: str | None = None, path: str | None = None, since: int | datetime | None = None
    ) -> list[dict[str, Any]]:
        """Calls in order, oldest first.

        Args:
            method: Only this verb.
            path: Only paths that contain this text.
            since: Only rows with a larger `seq`, or not older than a moment of sandbox time.
        """
        return [
            self._shown(row)
            for row in self._rows
            if (method is None or row.call.method == method.upper())
            and (path is None or path in row.call.path)
            and _is_since(row, since)
        ]

    def _shown(self, row: _Row) -> dict[str, Any]:
        call = row.call
        shown = {
            "seq": row.seq,
            "at_utc": datetime.fromtimestamp(row.at_s, UTC).isoformat(timespec="milliseconds"),
            "method": call.method,
            "path": call.path,
            "query": masked(call.query_string),
            "status": row.status,
            "duration_ms": round(row.duration_ms, 3),
            "request_bytes": len(call.body),
            "response_bytes": row.response_bytes,
            "body": masked(row.body.decode("utf-8", "replace")),
            "answer": masked(row.answer.decode("utf-8", "replace")),
            "fault": row.fault,
        }
        return {**shown, **call.notes}


def _is_since(row: _Row, since: int | datetime | None) -> bool:
    if since is None:
        return True
    if isinstance(since, datetime):
        return row.at_s >= since.timestamp()
    return row.seq > since
