"""One API call from headers to answer: rate, sign-in, body, route, handler.

Source: docs/api/better_b2b.md#transport, #errors and #rate.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import msgspec

from sandbox.better_b2b import authentication, routes
from sandbox.better_b2b.envelope import BAD_REQUEST_ERROR, Refusal, Reply, text_refusal
from sandbox.better_b2b.rate_limit import RateWindow
from sandbox.better_b2b.request import Request
from sandbox.exchange import JSON_TYPE, Answer, to_json

if TYPE_CHECKING:
    from typing import Any

    from sandbox.better_b2b.state import Store
    from sandbox.exchange import Call

API_PREFIX = "/api/v3/io"
_SLASHES = re.compile("/{2,}")


class Api:
    """Answers the calls below the API's prefix.

    Attributes:
        window: The request budget.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.window = RateWindow(store.clock, store.settings)

    def path_of(self, path: str) -> str | None:
        """The path below the prefix, or none when the call is not for the API."""
        if "//" in path and self._store.settings["tolerate_double_slash"]:
            path = _SLASHES.sub("/", path)
        if path.startswith(API_PREFIX) and (len(path) == len(API_PREFIX) or path[len(API_PREFIX)] == "/"):
            return path[len(API_PREFIX) + 1 :].removesuffix("/")
        return None

    def answer(self, call: Call, path: str) -> Answer:
        """Answer one call.

        Args:
            call: The call.
            path: What `path_of` gave.
        """
        call.notes["auth_style"] = authentication.auth_style(call.headers)
        extra: list[tuple[str, str]] = []
        try:
            authentication.check(self._store.settings, call.headers)
            if self.window.take():
                reply = self._handled(call, path)
            else:
                reply = too_many().reply
                if self._store.settings["send_retry_after"]:
                    extra.append(("Retry-After", str(math.ceil(self.window.resets_after_s()))))
        except Refusal as refusal:
            reply = refusal.reply
        return Answer(reply.status, to_json(reply.body), JSON_TYPE, self.window.headers() + extra)

    def _handled(self, call: Call, path: str) -> Reply:
        self._store.settle_stamps()
        handler, ids = routes.find(call.method, path)
        return handler(self._store, Request(ids, call.query_pairs(), self._body(call), call.failing_rows))

    def _body(self, call: Call) -> Any:
        if call.method not in ("POST", "PUT"):
            return None
        settings = self._store.settings
        kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if call.body and kind != "application/json":
            status = settings["wrong_content_type_status"]
            raise text_refusal(status, "Unsupported Media Type", f'Unsupported media type "{kind}" in request.')
        try:
            return msgspec.json.decode(call.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            status = settings["malformed_json_status"]
            raise text_refusal(status, BAD_REQUEST_ERROR, f"JSON parse error - {error}") from error


def too_many() -> Refusal:
    """The 429 of a spent window (docs/api/better_b2b.md#statuses)."""
    return text_refusal(429, "Too Many Requests", "Request limit exceeded.")
