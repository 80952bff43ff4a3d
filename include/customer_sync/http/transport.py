"""Sending one request over a kept-alive connection, and telling apart every way in which that can fail.

The difference that matters to a caller is whether a write may have reached the server:
:class:`~customer_sync.errors.ConnectFailed` means that nothing was sent,
:class:`~customer_sync.errors.ReplyLost` that it was and the answer did not come back complete.
Nothing is retried here, no redirect is followed (a redirect of the ERP is a licence refusal,
docs/api/acumatica.md#limits), and no cookie is kept.

What is sent with is in :mod:`~customer_sync.http.curl_transport`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from customer_sync.errors import ConfigError
from customer_sync.redaction import mask_text

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile("[\t\x20-\x7e\xa0-\xff]*")
# Characters that RFC 3986 allows in a query as they are; '+' is left out because servers read it as a blank.
_QUERY_SAFE: Final = "$',()/:@!*;?-._~"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where a server is and how to reach it.

    Args:
        base_url: Scheme, host, optional port and path, ``https://erp.example.com/instance``.
        verify: ``True`` to verify TLS against the system's authorities, a path to a CA bundle, or
            ``False`` to trust anyone (for tests).
        cert: Path of a client certificate, or a pair of certificate and key.
        proxies: Scheme → proxy URL, as requests understands it.
        headers: Sent with every request. Not shown in ``repr``: they may hold secrets.
        connect_timeout_s: Longest wait for a connection, in seconds.
        read_timeout_s: Longest time until the head of an answer is complete, and again for its body, in seconds.
        max_response_bytes: An answer longer than this (decompressed) is refused.
        max_connections: Connections kept open and used at the same time.

    Raises:
        ConfigError: A value cannot be used; the message names it.
    """

    base_url: str
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    max_response_bytes: int = 64 * 1024 * 1024
    max_connections: int = 8

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(
                f"The host {mask_text(self.base_url)!r} is no address: write it with its scheme, "
                "such as https://erp.example.com, in the Airflow connection.",
                setting="host",
            )
        if parts.username or parts.password:
            raise ConfigError(
                "The host holds a user name or password: move it to the fields of its own.", setting="host"
            )
        check_headers(self.headers)
        for name in ("connect_timeout_s", "read_timeout_s", "max_response_bytes", "max_connections"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"The setting {name} is {getattr(self, name)}: it must be above 0.", setting=name)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request.

    Args:
        method: ``GET``, ``PUT`` and so on.
        path: Path below the base URL, already percent-encoded, beginning with ``/``.
        query: Names and values, in order, not yet encoded; a name may repeat.
        headers: Added to those of the settings. Not shown in ``repr``.
        body: What to send, already encoded. Not shown in ``repr``.
        system: Name of the far side, for messages.
        read_timeout_s: Overrides the settings for this request, in seconds.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    system: str = "server"
    read_timeout_s: float | None = None

    @property
    def target(self) -> str:
        """Path and encoded query, as it stands in the request line."""
        query = encode_query(self.query)
        return f"{self.path}?{query}" if query else self.path

    @property
    def operation(self) -> str:
        """Method and path, for messages; the query is left out because it may hold an e-mail."""
        return f"{self.method} {self.path}"


class Headers:
    """The header fields of an answer; names are compared without regard to case.

    Args:
        lines: Lines of a head, ``Name: value`` each; what is no such line is passed over.
    """

    __slots__ = ("_values",)

    def __init__(self, lines: Iterable[bytes] = ()) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            if colon:
                self._values.setdefault(name.lower(), []).append(value)

    def get(self, name: str, default: str | None = None) -> str | None:
        """One field; a repeated one is joined by commas."""
        return ", ".join(self.getlist(name)) or default

    def getlist(self, name: str) -> list[str]:
        """Every value of a field that may be repeated."""
        return [value.decode("latin-1").strip() for value in self._values.get(name.lower().encode("latin-1"), ())]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One complete answer.

    Args:
        status: HTTP status.
        headers: Header fields.
        body: The decompressed body.
        elapsed_s: Seconds from sending to the last byte.
    """

    status: int
    headers: Headers = field(default_factory=Headers, repr=False)
    body: bytes = field(default=b"", repr=False)
    elapsed_s: float = 0.0


class Transport(Protocol):
    """The seam between the clients and the network; tests put their own here."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request and return its complete answer, whatever its status.

        Raises:
            ConnectFailed: Nothing was sent.
            ReplyLost: Sent; the answer did not come back complete.
            ReplyTooLarge: Sent; the answer is longer than allowed.
            ConfigError: The address, proxy or certificate cannot be used.
        """
        ...

    def close(self) -> None:
        """Close idle connections; the transport may be used again."""
        ...


def encode_query(query: tuple[tuple[str, str], ...]) -> str:
    """Percent-encode a query: ``+`` becomes ``%2B`` and a blank ``%20`` (docs/api/acumatica.md#filters)."""
    return "&".join(f"{quote(name, safe=_QUERY_SAFE)}={quote(value, safe=_QUERY_SAFE)}" for name, value in query)


def encode_segment(text: str) -> str:
    """Percent-encode one path segment, slashes included."""
    return quote(text, safe="$'()@!*-._~")


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what would begin a header of its own; http.client would too, with the value in its message."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            shown = _HEADER_NAME.match(name)
            raise ConfigError(
                f"A header name in the connection's extra ({shown[0] if shown else ''}…) holds blanks or other "
                "characters that no header name has: write it such as X-Site.",
                setting="headers",
            )
        if not _HEADER_VALUE.fullmatch(value):
            raise ConfigError(
                f"The header {name} in the connection's extra holds a line break or another character that no header "
                "may have: write its value on one line, in Latin letters, digits and signs.",
                setting="headers",
            )
