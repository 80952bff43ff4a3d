"""Lets *Test* work for our connections that are stored without a port.

The connection list of Airflow 3.3 sends ``"port": 0`` for a connection without one, and the server
takes that for another endpoint than the stored one: "The host or port to test differs from the
stored connection", before any hook is asked (docs/api/airflow.md#test-port). No connection can have port 0,
so for our own types it is read as what it means: none. Everything else passes untouched.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH = "/api/v2/connections/test"
"""Where the *Test* button posts to, behind the api-server's own path prefix."""

CONNECTION_TYPES = frozenset({"acumatica", "better-b2b", "better_b2b"})
"""Whose port is mended; those of other providers are not ours."""

BODY_BYTES_MAX = 1_000_000
"""A longer body is no connection form; it is passed on as it comes."""


form_under_test: ContextVar[bytes | None] = ContextVar("form_under_test", default=None)
"""The body of the test that the api-server answers at present, for the hook, which is told another id.

``None`` where no browser asked; empty where the body was too long to be kept.
"""


class PortOfTest:
    """An ASGI middleware of Airflow's api-server.

    Args:
        app: What stands behind it.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, the body of a connection test with its port mended."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith(PATH):
            await self._app(scope, receive, send)
            return
        body, is_whole = await _read(receive)
        mended = without_port_0(body) if is_whole else body
        if len(mended) != len(body):
            scope = {**scope, "headers": _with_length(scope["headers"], len(mended))}
        form_under_test.set(mended if is_whole else b"")
        await self._app(scope, _replay(mended, receive, more_body=not is_whole), send)


def without_port_0(body: bytes) -> bytes:
    """Replace port 0 by none in the body of a connection test.

    Args:
        body: As it was sent.

    Returns:
        The same bytes, unless they are the JSON of one of our connections with port 0.
    """
    try:
        form = json.loads(body)
    except ValueError:
        return body
    if not isinstance(form, dict) or form.get("conn_type") not in CONNECTION_TYPES or form.get("port") != 0:
        return body
    return json.dumps({**form, "port": None}).encode()


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether it is all of it."""
    body = b""
    while len(body) <= BODY_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            return body, True
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body, True
    return body, False


def _replay(body: bytes, receive: Receive, *, more_body: bool) -> Receive:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": more_body}]

    async def receive_again() -> Message:
        return first.pop() if first else await receive()

    return receive_again


def _with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]
