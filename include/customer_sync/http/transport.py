"""Sending one request over a kept-alive connection, and telling apart every way in which that can fail.

The difference that matters to a caller is whether a write may have reached the server:
:class:`~customer_sync.errors.ConnectFailed` means that nothing was sent,
:class:`~customer_sync.errors.ReplyLost` that it was and the answer did not come back complete.
Nothing is retried here, no redirect is followed (a redirect of the ERP is a licence refusal,
docs/api/acumatica.md#limits), and no cookie is kept.

urllib3 was chosen over requests and httpx because it costs a fifth of their time per request
(docs/performance.md#choices) and because its exceptions separate connecting from reading.
"""

import logging
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from customer_sync.errors import ConfigError, ConnectFailed, ReplyLost, ReplyTooLarge
from customer_sync.http.bounded_answer import Clock, TooManyBytes, pool_classes
from customer_sync.redaction import MaskedArguments, mask_text

# At debug level urllib3 prints request lines, and a query may hold an e-mail.
logging.getLogger("urllib3.connectionpool").addFilter(MaskedArguments())

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile("[\t\x20-\x7e\xa0-\xff]*")
_CHUNK_BYTES: Final = 262_144
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
        _check_headers(self.headers)
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


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One complete answer.

    Args:
        status: HTTP status.
        headers: Header fields, compared without regard to case; ``getlist`` gives repeated ones.
        body: The decompressed body.
        elapsed_s: Seconds from sending to the last byte.
    """

    status: int
    headers: urllib3.HTTPHeaderDict = field(default_factory=urllib3.HTTPHeaderDict, repr=False)
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


class Urllib3Transport:
    """A :class:`Transport` over a pool of kept-alive connections, safe to use from several threads.

    Args:
        settings: Where and how.
        clock: Seconds of a monotonic clock, for the bound on slow answers.

    Raises:
        ConfigError: The certificate files or the proxy cannot be used.
    """

    def __init__(self, settings: HttpSettings, *, clock: Clock = time.monotonic) -> None:
        self.settings = settings
        self._clock = clock
        self._base = settings.base_url.rstrip("/")
        self._pool = _open_pool(settings)
        self._pool.pool_classes_by_scheme = pool_classes(settings.max_response_bytes, clock)
        self._direct = None if isinstance(self._pool, urllib3.ProxyManager) else _split_url(self._base)

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request; see :meth:`Transport.send`."""
        read_timeout_s = request.read_timeout_s or self.settings.read_timeout_s
        started = self._clock()
        try:
            answer = self._open(request, read_timeout_s)
        except TooManyBytes as flood:
            raise self._too_large(request, None) from flood
        except (HTTPError, OSError) as error:
            raise self._explain(request, error, read_timeout_s) from error
        try:
            body = b"".join(self._read(request, answer))
        except TooManyBytes as flood:
            answer.close()
            raise self._too_large(request, answer.status) from flood
        except (HTTPError, OSError) as error:
            answer.close()
            if isinstance(error, ReadTimeoutError):
                raise self._too_slow(request, answer.status, read_timeout_s) from error
            raise self._lost(request, error, answer.status) from error
        except BaseException:
            # Too large, or the task is being cancelled: the rest of the body must not be read as
            # the beginning of the next answer.
            answer.close()
            raise
        answer.release_conn()
        return HttpResponse(answer.status, answer.headers, body, self._clock() - started)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()

    def _open(self, request: HttpRequest, read_timeout_s: float) -> urllib3.BaseHTTPResponse:
        options: dict[str, Any] = {
            "body": request.body,
            "headers": {"Accept-Encoding": "gzip, deflate", **self.settings.headers, **request.headers},
            "timeout": urllib3.Timeout(connect=self.settings.connect_timeout_s, read=read_timeout_s),
            "retries": False,
            "redirect": False,
            "preload_content": False,
        }
        if self._direct is None:
            return self._pool.request(request.method, self._base + request.target, **options)
        # One server only: its URL need not be taken apart again for every request, a sixth of a request's CPU.
        host, port, scheme, path = self._direct
        pool = self._pool.connection_from_host(host, port, scheme)
        return pool.urlopen(request.method, path + request.target, assert_same_host=False, **options)

    def _read(self, request: HttpRequest, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        size = 0
        while chunk := answer.read1(_CHUNK_BYTES, decode_content=True):
            size += len(chunk)
            if size > self.settings.max_response_bytes:
                raise self._too_large(request, answer.status)
            yield chunk

    def _explain(
        self, request: HttpRequest, error: Exception, read_timeout_s: float
    ) -> ConfigError | ConnectFailed | ReplyLost:
        cause = error.original_error if isinstance(error, ProxyError) else error
        if isinstance(cause, SSLError) and _is_certificate_refused(cause):
            return ConfigError(
                f"The TLS certificate of {request.system} at {self._base} is not trusted ({cause}): install its "
                "authority, or name a CA bundle in the connection's 'verify' setting.",
                setting="verify",
            )
        if isinstance(cause, LocationParseError):
            return ConfigError(f"The address {self._base} of {request.system} cannot be used.", setting="host")
        if isinstance(error, ProxyError) or isinstance(cause, NewConnectionError | ConnectTimeoutError):
            return ConnectFailed(
                f"No connection to {request.system} at {self._base} ({_reason(cause)}): check host and port in the "
                "Airflow connection, and that the server is up. Nothing was sent.",
                system=request.system,
                operation=request.operation,
            )
        if isinstance(cause, ReadTimeoutError):
            return ReplyLost(
                f"{request.system} did not answer {request.operation} within {read_timeout_s:g} s. Check the server's "
                "load and what stands before it, or raise the read timeout of the connection.",
                system=request.system,
                operation=request.operation,
            )
        return self._lost(request, error, None)

    def _too_slow(self, request: HttpRequest, status: int, read_timeout_s: float) -> ReplyLost:
        return ReplyLost(
            f"The answer of {request.system} to {request.operation} was still coming after "
            f"{read_timeout_s:g} s: it was given up. Check the server's load, or raise the read timeout.",
            system=request.system,
            operation=request.operation,
            status=status,
        )

    def _too_large(self, request: HttpRequest, status: int | None) -> ReplyTooLarge:
        return ReplyTooLarge(
            f"{request.system} answered {request.operation} with more than "
            f"{self.settings.max_response_bytes:,} bytes: ask for smaller pages.",
            system=request.system,
            operation=request.operation,
            status=status,
        )

    def _lost(self, request: HttpRequest, error: Exception, status: int | None) -> ReplyLost:
        return ReplyLost(
            f"The answer of {request.system} to {request.operation} was lost on the way ({_reason(error)}).",
            system=request.system,
            operation=request.operation,
            status=status,
            unreadable=isinstance(error, DecodeError),
        )


def encode_query(query: tuple[tuple[str, str], ...]) -> str:
    """Percent-encode a query: ``+`` becomes ``%2B`` and a blank ``%20`` (docs/api/acumatica.md#filters)."""
    return "&".join(f"{quote(name, safe=_QUERY_SAFE)}={quote(value, safe=_QUERY_SAFE)}" for name, value in query)


def encode_segment(text: str) -> str:
    """Percent-encode one path segment, slashes included."""
    return quote(text, safe="$'()@!*-._~")


def _check_headers(headers: Mapping[str, str]) -> None:
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


def _open_pool(settings: HttpSettings) -> urllib3.PoolManager:
    cert_file, key_file = settings.cert if isinstance(settings.cert, tuple) else (settings.cert, None)
    named = {"cert": cert_file, "cert (key)": key_file, "verify": settings.verify}
    for setting, path in named.items():
        if isinstance(path, str) and not Path(path).exists():
            raise ConfigError(
                f"The file {path} does not exist: correct {setting!r} in the connection.", setting=setting
            )
    tls = {
        "cert_reqs": "CERT_REQUIRED" if settings.verify else "CERT_NONE",
        "ca_certs": settings.verify if isinstance(settings.verify, str) else None,
        "cert_file": cert_file,
        "key_file": key_file,
    }
    shape: dict[str, Any] = {"num_pools": 2, "maxsize": settings.max_connections, "block": True, **tls}
    scheme = urlsplit(settings.base_url).scheme
    proxy = settings.proxies.get(scheme) or settings.proxies.get("all")
    if not proxy:
        return urllib3.PoolManager(**shape)
    parts = urlsplit(proxy)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"The proxy for {scheme} is no http or https address: correct it in the connection's 'proxies' setting.",
            setting="proxies",
        )
    login = f"{parts.username}:{parts.password or ''}" if parts.username else None
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib3.ProxyManager(bare, proxy_headers=headers, **shape)


def _split_url(base: str) -> tuple[str, int | None, str, str] | None:
    """Host, port, scheme and path; ``None`` where urllib3 cannot read it, and will say so when it is used."""
    try:
        parts = urllib3.util.parse_url(base)
    except LocationParseError:
        return None
    return (parts.host, parts.port, parts.scheme or "http", parts.path or "") if parts.host else None


def _is_certificate_refused(error: SSLError) -> bool:
    return any(isinstance(part, ssl.SSLCertVerificationError) for part in (*error.args, error.__cause__))


def _reason(error: Exception) -> str:
    # urllib3 puts "<connection object at 0x…>: " in front of the reason.
    return mask_text(str(error).rpartition("): ")[2] or type(error).__name__)[:200]
