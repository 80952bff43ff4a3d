"""Takes the code of a consent from the browser: by a server on this machine, or by hand."""

from __future__ import annotations

import hmac
import html
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from customer_sync.errors import ConfigError, NoConsent

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1"})
_TICK_S: Final = 0.5
_REQUEST_S: Final = 5.0


def code_of(address: str, state: str) -> str:
    """Read the code from the address that the browser was sent to.

    Args:
        address: The whole address.
        state: What this attempt gave along.

    Raises:
        NoConsent: It holds no code of this attempt; the message quotes nothing of it.
    """
    fields = {name: values[-1] for name, values in parse_qs(urlsplit(address.strip()).query).items()}
    if not hmac.compare_digest(fields.get("state", "").encode(), state.encode()):
        raise NoConsent("This is not the address that belongs to this attempt: begin again, and copy it as a whole.")
    if "error" in fields:
        said = fields["error"][:60]
        raise NoConsent(
            "The person did not allow it. Nothing was stored."
            if said == "access_denied"
            else f"The system refused ({said}). Check the connected application: its flow, scopes and redirect URI."
        )
    if not fields.get("code"):
        raise NoConsent("The address holds no code: begin again, and copy it as a whole.")
    return fields["code"]


def read_pasted(state: str, read: Callable[[], str]) -> str:
    """Take the code from an address that a person copies from a browser elsewhere.

    Args:
        state: What this attempt gave along.
        read: Reads a line.

    Raises:
        NoConsent: There is none in it.
    """
    try:
        return code_of(read(), state)
    except EOFError:
        raise NoConsent("No address was given. Nothing was stored.") from None


class Loopback:
    """A server that the browser is sent to; it is reachable from this machine only, and takes one code.

    Args:
        redirect_uri: The address that the system sends the browser to.
        state: What this attempt gave along.

    Raises:
        ConfigError: The address is not of this machine, or its port is taken.
    """

    def __init__(self, redirect_uri: str, state: str) -> None:
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK or not parts.port:
            raise ConfigError(
                f"The redirect URI {redirect_uri!r} is not of this machine: give http://localhost:<port>/, or --paste "
                "to copy the address from the browser.",
                setting="--redirect-uri",
            )
        self._path = parts.path or "/"
        self._state = state
        self._code = ""
        self._refusal: NoConsent | None = None
        try:
            self._server = HTTPServer(("127.0.0.1", parts.port), self._handler())
        except OSError as error:
            raise ConfigError(
                f"Port {parts.port} of this machine cannot be used ({error.strerror}): end what uses it, or register "
                "another redirect URI and give it by --redirect-uri.",
                setting="--redirect-uri",
            ) from error
        self._server.timeout = _TICK_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def wait(self, longest_s: float) -> str:
        """Wait for the browser.

        Args:
            longest_s: Longest wait, in seconds.

        Returns:
            The code.

        Raises:
            NoConsent: None came in time, or the person did not allow it.
        """
        until_s = time.monotonic() + longest_s
        while time.monotonic() < until_s and not self._code and self._refusal is None:
            self._server.handle_request()
        if self._refusal is not None:
            raise self._refusal
        if not self._code:
            raise NoConsent(f"No answer came within {longest_s:.0f} s. Nothing was stored; begin again.")
        return self._code

    def _take(self, address: str) -> tuple[int, str]:
        """Take what the browser brought; returns status and sentence of the page."""
        parts = urlsplit(address)
        if (parts.path or "/") != self._path or not parts.query:
            return 404, "Nothing is here."
        try:
            self._code = code_of(address, self._state)
        except NoConsent as refusal:
            if "error" in parse_qs(parts.query) and self._state in parse_qs(parts.query).get("state", []):
                self._refusal = refusal
            return 400, refusal.message
        return 200, "Thank you. You may close this window; the command goes on."

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            timeout = _REQUEST_S

            def do_GET(self) -> None:
                status, sentence = take(self.path)
                page = f"<!doctype html><title>Sign-in</title><p>{html.escape(sentence)}</p>".encode()
                self.send_response(status)
                for name, value in (
                    ("Content-Type", "text/html; charset=utf-8"),
                    ("Content-Length", str(len(page))),
                    ("Cache-Control", "no-store"),
                    ("Referrer-Policy", "no-referrer"),
                ):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                """Say nothing: the address holds the code."""

        return Handler
