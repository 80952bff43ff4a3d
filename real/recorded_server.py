"""A server that answers as was recorded, on a free port of this machine."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from real.folder import Exchange

# Masked bodies have another length than the recorded ones, and the connection is this server's own.
_OWN_HEADERS: Final = {"content-length", "transfer-encoding", "content-encoding", "connection", "set-cookie", "date"}
_SIGN_IN: Final = "/entity/auth/login"
_SIGN_OUT: Final = "/entity/auth/logout"
_TOKEN: Final = "/identity/connect/token"  # noqa: S105 - a path


class RecordedServer:
    """Answers one recorded exchange at a time; what a client needs before it comes to it is answered plainly.

    Attributes:
        url: Its address.
        exchange: What is replayed now.
    """

    def __init__(self) -> None:
        self.exchange: Exchange | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="recorded-server", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, target: str) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body for a request."""
        parts = urlsplit(target)
        exchange = self.exchange
        if exchange is not None and (method, _bare(parts.path)) == (exchange.method, _bare(exchange.path)):
            headers = [(name, value) for name, value in exchange.headers if name.lower() not in _OWN_HEADERS]
            headers += [("Set-Cookie", f"{name}=recorded; path=/") for name in exchange.cookies]
            return exchange.status, headers, _page(exchange, dict(parse_qsl(parts.query)))
        if parts.path == _SIGN_IN:
            return 204, [("Set-Cookie", "ASP.NET_SessionId=replayed; path=/")], b""
        if parts.path == _SIGN_OUT:
            return 204, [], b""
        if parts.path == _TOKEN:
            token = {"access_token": "replayed", "expires_in": 3600, "token_type": "Bearer"}
            return 200, [("Content-Type", "application/json")], json.dumps(token).encode()
        empty = (
            {"code": 200, "data": [], "meta": {"pagination": {"totalCount": 0}}}
            if _bare(parts.path) != parts.path
            else []
        )
        return 200, [("Content-Type", "application/json")], json.dumps(empty).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _respond(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, body = server.answer(self.command, self.path)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status != 204:  # noqa: PLR2004 - an HTTP status without a body
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _respond  # noqa: N815 - names of the library

            def log_message(self, *_: Any) -> None:
                """Say nothing: the report says it."""

        return Handler


@contextlib.contextmanager
def recorded_server() -> Iterator[RecordedServer]:
    """Run a server while the block runs."""
    server = RecordedServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _bare(path: str) -> str:
    """A path of the store without the prefix of its API."""
    return path.partition("/api/v3/io")[2] or path


def _page(exchange: Exchange, asked: dict[str, str]) -> bytes:
    """The recorded body; behind its rows there are no more, whatever a recorded count says."""
    body = exchange.json()
    rows = body.get("data") if isinstance(body, dict) else None
    offset = asked.get("offset", "0")
    if exchange.system == "store" and isinstance(rows, list) and offset.isdecimal() and int(offset) >= len(rows) > 0:
        return json.dumps({**body, "data": []}).encode()
    return exchange.body
