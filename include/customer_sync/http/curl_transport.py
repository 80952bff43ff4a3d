"""The :class:`~customer_sync.http.transport.Transport` over libcurl: one connection per handle, kept alive.

libcurl was chosen because a request costs a third of urllib3's CPU (docs/performance.md#clients). What has to hold,
whatever is chosen, is that nobody takes a write for one that was never sent, and that no write goes twice:

- *Nothing was sent* is what libcurl counts: not one byte of the request left (``CURLINFO_REQUEST_SIZE``).
- libcurl repeats a request whose kept connection ends without an answer. It cannot repeat a body that it reads from a
  function and cannot rewind; a write without a body opens a connection of its own, on which nothing is repeated. A
  read may be repeated.
- Every answer ends: its head has a time and a size, and so has its body, unpacked and on the wire.

Sources: https://curl.se/libcurl/c/CURLINFO_REQUEST_SIZE.html, https://curl.se/libcurl/c/CURLOPT_SEEKFUNCTION.html
"""

from __future__ import annotations

import io
import select
import ssl
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import pycurl

from customer_sync.calls_in_flight import wait_for
from customer_sync.errors import ConfigError, ConnectFailed, ReplyLost, ReplyTooLarge, SyncError
from customer_sync.http.transport import Headers, HttpRequest, HttpResponse, HttpSettings, check_headers
from customer_sync.redaction import mask_text

Clock = Callable[[], float]

_HEAD_LINES: Final = 4_000
"""What the heads of an answer may take, interim ones included; libcurl bounds the length of a line."""
_HEAD_BEGINS: Final = b"HTTP/"
_BLANK: Final = (b"\r\n", b"\n")
_FINAL: Final = 200
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_ZLIB_OR_GZIP: Final = 32 + zlib.MAX_WBITS
_NO_SOCKET: Final = -1
_SECONDLY_S: Final = 1.0
_UNSEEN_S: Final = 0.01
"""libcurl names no descriptor from 1,024 on (``FD_SETSIZE``); then it is asked that often."""
_READ: Final = "GET"
_REASON_CHARS: Final = 200

_WRONG_ADDRESS: Final = frozenset({pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL})
_WRONG_CERTIFICATE: Final = frozenset({pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE})


class _Stop(Enum):
    """Why we ended an answer ourselves."""

    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"


class CurlTransport:
    """Sends requests, those of several threads and of :mod:`~customer_sync.calls_in_flight` side by side.

    Args:
        settings: Where and how.
        clock: Seconds of a monotonic clock, for the bound on slow answers.

    Raises:
        ConfigError: The certificate files or the proxy cannot be used.
    """

    def __init__(self, settings: HttpSettings, *, clock: Clock = time.monotonic) -> None:
        self.settings = settings
        self._clock = clock
        self._options = [*_way(settings), *_tls(settings), *_proxy(settings)]
        self._idle: deque[_Connection] = deque()

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send one request; see :meth:`Transport.send`."""
        transfer = _Transfer(self.settings, request, self._clock)
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = _Connection(self._options)
        try:
            answer = transfer.run(connection)
        except BaseException:
            # What is left of the answer must not be read as the beginning of the next one.
            connection.close()
            raise
        if len(self._idle) < self.settings.max_connections:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close idle connections."""
        while self._idle:
            self._idle.pop().close()


class _Connection:
    """One connection, of which libcurl knows nothing else to use; made when it is first needed."""

    def __init__(self, options: Iterable[tuple[int, Any]]) -> None:
        self._multi = pycurl.CurlMulti()
        self.handle = pycurl.Curl()
        self._socket = _NO_SOCKET
        for option, value in options:
            self.handle.setopt(option, value)

    def is_open(self) -> bool:
        """Whether it is quiet, as it is until its server closes it."""
        if self._socket == _NO_SOCKET:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    def begin(self) -> None:
        """Start the transfer that the handle was prepared for."""
        self._multi.add_handle(self.handle)

    def advance(self) -> tuple[int, str] | None:
        """Do what can be done without waiting; returns libcurl's code and message once the transfer is over."""
        self._multi.perform()
        _, done, failed = self._multi.info_read()
        if done:
            return pycurl.E_OK, ""
        return (failed[0][1], failed[0][2]) if failed else None

    def end(self) -> None:
        """Make it ready for the next request."""
        # ACTIVESOCKET gives the same number, in pycurl 7.46 and newer only.
        self._socket = self.handle.getinfo(pycurl.LASTSOCKET)
        self._multi.remove_handle(self.handle)

    def close(self) -> None:
        """Close it, whatever is on its way."""
        self._multi.close()
        self.handle.close()

    def descriptors(self) -> list[tuple[int, int]]:
        """What the transfer waits for."""
        reads, writes, _ = self._multi.fdset()
        events = dict.fromkeys(reads, select.POLLIN)
        for descriptor in writes:
            events[descriptor] = events.get(descriptor, 0) | select.POLLOUT
        return list(events.items())

    def due_in_s(self) -> float:
        """Seconds until libcurl wants to look after its own time-outs, or after a descriptor that it cannot name."""
        due_ms = self._multi.timeout()
        due_s = due_ms / 1000 if due_ms >= 0 else _SECONDLY_S
        return due_s if any(self._multi.fdset()) else min(due_s, _UNSEEN_S)


class _Transfer:
    """One request and its answer as far as it has come.

    What libcurl calls are functions of the interpreter itself: what a signal's handler raises in one of ours would be
    lost, and the end of a task with it. So bounds are looked at between its steps.
    """

    def __init__(self, settings: HttpSettings, request: HttpRequest, clock: Clock) -> None:
        self._settings = settings
        self._request = request
        self._clock = clock
        self._time_s = request.read_timeout_s or settings.read_timeout_s
        self._started_s = 0.0
        self._lines: list[bytes] = []
        self._chunks: list[bytes] = []
        self._counted = 0
        self._body_bytes = 0
        self._stopped_by: _Stop | None = None
        self._result: tuple[int, str] | None = None

    def run(self, connection: _Connection) -> HttpResponse:
        """Send the request and read its answer.

        Raises:
            SyncError: As :meth:`Transport.send` says.
        """
        self._connection = connection
        handle = connection.handle
        self._prepare(handle)
        self._started_s = self._clock()
        connection.begin()
        wait_for(self)
        code, reason = self._result or (pycurl.E_OK, "")
        if code != pycurl.E_OK or self._stopped_by is not None:
            raise self._explain(code, reason, was_sent=handle.getinfo(pycurl.REQUEST_SIZE) > 0)
        connection.end()
        status, fields = self._head()
        if not status:
            raise self._lost("it has no head")
        headers = Headers(fields)
        body = self._unpacked(b"".join(self._chunks), headers)
        return HttpResponse(status, headers, body, self._clock() - self._started_s)

    def _prepare(self, handle: pycurl.Curl) -> None:
        request, settings = self._request, self._settings
        handle.setopt(pycurl.URL, settings.base_url.rstrip("/") + request.target)
        fields = {"Accept-Encoding": "gzip, deflate", **settings.headers, **request.headers}
        handle.setopt(pycurl.HTTPHEADER, _header_lines(fields))
        if request.body is None:
            handle.setopt(pycurl.HTTPGET, 1)
        else:
            handle.setopt(pycurl.UPLOAD, 1)
            handle.setopt(pycurl.READFUNCTION, io.BytesIO(request.body).read)
            handle.setopt(pycurl.INFILESIZE_LARGE, len(request.body))
        handle.setopt(pycurl.CUSTOMREQUEST, request.method)
        # On a new connection nothing is repeated, and libcurl itself notices a closed one only after a second.
        is_repeatable = request.method == _READ or (request.body and self._connection.is_open())
        handle.setopt(pycurl.FRESH_CONNECT, 0 if is_repeatable else 1)
        handle.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        handle.setopt(pycurl.WRITEFUNCTION, self._chunks.append)

    # -- as an exchange that takes time -------------------------------------------------------------

    def advance(self) -> bool:
        """Do what can be done without waiting; returns whether the answer is there or given up."""
        self._result = self._connection.advance()
        if len(self._chunks) > self._counted:
            self._body_bytes += sum(map(len, self._chunks[self._counted :]))
            self._counted = len(self._chunks)
        if self._body_bytes > self._settings.max_response_bytes or len(self._lines) > _HEAD_LINES:
            self._stopped_by = _Stop.TOO_LARGE
        elif self._result is None and self._is_late():
            self._stopped_by = _Stop.TOO_SLOW
        return self._result is not None or self._stopped_by is not None

    def descriptors(self) -> list[tuple[int, int]]:
        """What it waits for."""
        return self._connection.descriptors()

    def due_in_s(self) -> float:
        """Seconds until libcurl wants to go on, or the time is over."""
        passed_s = self._clock() - self._started_s
        left_s = (self._time_s if passed_s < self._time_s else 2 * self._time_s) - passed_s
        return max(0.0, min(self._connection.due_in_s(), left_s))

    def _is_late(self) -> bool:
        """Whether the head is not complete in its time, or the body in as much again."""
        passed_s = self._clock() - self._started_s
        return passed_s >= 2 * self._time_s or (passed_s >= self._time_s and not self._head()[0])

    def _head(self) -> tuple[int, list[bytes]]:
        """Status and fields of the answer; 0 while its head is not complete.

        Interim answers, and a proxy's answer to CONNECT, come before the one that counts.
        """
        lines = self._lines
        begins = len(lines) - 1
        while begins > 0 and not lines[begins].startswith(_HEAD_BEGINS):
            begins -= 1
        head = lines[begins:] if begins else lines
        if not head or not (head[-1] in _BLANK or _BLANK[0] in head):
            return 0, []
        number = head[0].split(None, 2)[1:2]
        status = int(number[0]) if number and number[0].isdigit() else 0
        return (status if status >= _FINAL else 0), head

    def _unpacked(self, body: bytes, headers: Headers) -> bytes:
        """The body without its compressions, of which at most so many bytes are made.

        Raises:
            ReplyTooLarge: It is longer than allowed.
            ReplyLost: It cannot be unpacked.
        """
        for coding in reversed((headers.get("Content-Encoding") or "").lower().replace(",", " ").split()):
            if coding in _PACKED:
                try:
                    body = unpack(body, self._settings.max_response_bytes)
                except ValueError as error:
                    raise self._lost(str(error), unreadable=True) from error
                except OverflowError as error:
                    raise self._too_large() from error
        return body

    # -- what went wrong ----------------------------------------------------------------------------

    def _explain(self, code: int, reason: str, *, was_sent: bool) -> SyncError:
        if not was_sent:
            return self._not_sent(code, reason)
        if self._stopped_by is _Stop.TOO_LARGE:
            return self._too_large()
        if any(line.startswith(_HEAD_BEGINS) and line.split()[1:2] == [b"101"] for line in self._lines):
            return self._lost("it changes to another protocol, which was not asked for")
        if self._stopped_by is _Stop.TOO_SLOW or code == pycurl.E_OPERATION_TIMEDOUT:
            return self._too_slow()
        return self._lost(reason)

    def _not_sent(self, code: int, reason: str) -> ConfigError | ConnectFailed:
        base, system = self._settings.base_url.rstrip("/"), self._request.system
        shown = mask_text(reason)[:_REASON_CHARS]
        if code in _WRONG_CERTIFICATE:
            return ConfigError(
                f"The TLS certificate of {system} at {base} is not trusted ({shown}): install its authority, or name a "
                "CA bundle in the connection's 'verify' setting.",
                setting="verify",
            )
        if code == pycurl.E_SSL_CERTPROBLEM:
            return ConfigError(
                f"The client certificate for {system} at {base} cannot be used ({shown}): correct 'cert' in the "
                "connection.",
                setting="cert",
            )
        if code in _WRONG_ADDRESS:
            return ConfigError(f"The address {base} of {system} cannot be used.", setting="host")
        return ConnectFailed(
            f"No connection to {system} at {base} ({shown}): check host and port in the Airflow connection, and that "
            "the server is up. Nothing was sent.",
            system=system,
            operation=self._request.operation,
        )

    def _too_slow(self) -> ReplyLost:
        system, operation = self._request.system, self._request.operation
        if not self._head()[0]:
            message = (
                f"{system} did not answer {operation} within {self._time_s:g} s. Check the server's load and what "
                "stands before it, or raise the read timeout of the connection."
            )
        else:
            message = (
                f"The answer of {system} to {operation} was still coming after {self._time_s:g} s: it was given up. "
                "Check the server's load, or raise the read timeout."
            )
        return ReplyLost(message, system=system, operation=operation, status=self._head()[0] or None)

    def _too_large(self) -> ReplyTooLarge:
        return ReplyTooLarge(
            f"{self._request.system} answered {self._request.operation} with more than "
            f"{self._settings.max_response_bytes:,} bytes: ask for smaller pages.",
            system=self._request.system,
            operation=self._request.operation,
            status=self._head()[0] or None,
        )

    def _lost(self, reason: str, *, unreadable: bool = False) -> ReplyLost:
        return ReplyLost(
            f"The answer of {self._request.system} to {self._request.operation} was lost on the way "
            f"({mask_text(reason)[:_REASON_CHARS]}).",
            system=self._request.system,
            operation=self._request.operation,
            status=self._head()[0] or None,
            unreadable=unreadable,
        )


def unpack(packed: bytes, most_bytes: int) -> bytes:
    """Unpack gzip or deflate, with or without the frame of zlib, in one or several members.

    Raises:
        ValueError: It is neither, or cut.
        OverflowError: It unpacks to more bytes than allowed.
    """
    parts: list[bytes] = []
    left = most_bytes
    while packed:
        try:
            unpacker = zlib.decompressobj(_ZLIB_OR_GZIP)
            part = unpacker.decompress(packed, left + 1)
        except zlib.error:
            if parts:
                raise ValueError("it does not unpack") from None
            try:
                unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
                part = unpacker.decompress(packed, left + 1)
            except zlib.error as error:
                raise ValueError(f"it does not unpack: {error}") from error
        left -= len(part)
        if left < 0:
            raise OverflowError
        if not unpacker.eof:
            raise ValueError("it does not unpack: it is cut")
        parts.append(part)
        packed = unpacker.unused_data
    return b"".join(parts)


def _header_lines(fields: Mapping[str, str]) -> list[bytes]:
    """The header of a request, line by line.

    Raises:
        ConfigError: A value would begin a header of its own.
    """
    # Without "Expect:" a long body would wait for a leave that no server gives; an empty value needs a semicolon.
    lines = [b"Expect:"]
    for name, value in fields.items():
        line = f"{name}: {value}" if value else f"{name};"
        if not line.isprintable() or not line.isascii():
            check_headers({name: value})
        lines.append(line.encode("latin-1"))
    return lines


def _way(settings: HttpSettings) -> Iterator[tuple[int, Any]]:
    """How to speak: HTTP/1.1 as it is written, nothing followed, kept or decided by libcurl."""
    yield pycurl.NOSIGNAL, 1
    yield pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1
    yield pycurl.PATH_AS_IS, 1
    yield pycurl.FOLLOWLOCATION, 0
    yield pycurl.CONNECTTIMEOUT_MS, max(1, round(settings.connect_timeout_s * 1000))


def _tls(settings: HttpSettings) -> Iterator[tuple[int, Any]]:
    """Whom to trust, and as whom to appear; proxies over TLS as the server.

    Raises:
        ConfigError: A file is not there.
    """
    cert, key = settings.cert if isinstance(settings.cert, tuple) else (settings.cert, None)
    for setting, path in {"cert": cert, "cert (key)": key, "verify": settings.verify}.items():
        if isinstance(path, str) and not Path(path).exists():
            raise ConfigError(
                f"The file {path} does not exist: correct {setting!r} in the connection.", setting=setting
            )
    yield pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2
    for verify_peer, verify_host in (
        (pycurl.SSL_VERIFYPEER, pycurl.SSL_VERIFYHOST),
        (pycurl.PROXY_SSL_VERIFYPEER, pycurl.PROXY_SSL_VERIFYHOST),
    ):
        yield verify_peer, 1 if settings.verify else 0
        yield verify_host, 2 if settings.verify else 0
    if settings.verify:
        for path in _authorities(settings.verify):
            is_folder = Path(path).is_dir()
            yield (pycurl.CAPATH if is_folder else pycurl.CAINFO), path
            yield (pycurl.PROXY_CAPATH if is_folder else pycurl.PROXY_CAINFO), path
    if cert:
        yield pycurl.SSLCERT, cert
    if key:
        yield pycurl.SSLKEY, key


def _authorities(verify: bool | str) -> list[str]:  # noqa: FBT001 - the setting's own form
    """The bundle that the connection names, else the machine's own authorities, of which libcurl does not know."""
    if isinstance(verify, str):
        return [verify]
    known = ssl.get_default_verify_paths()
    found = [path for path in (known.cafile, known.capath) if path]
    if found:
        return found
    import certifi  # noqa: PLC0415 - only where Python knows of no authorities either

    return [certifi.where()]


def _proxy(settings: HttpSettings) -> Iterator[tuple[int, Any]]:
    """The proxy that the settings name and no other: whoever read the connection looked at the environment already.

    Raises:
        ConfigError: It cannot be used.
    """
    scheme = urlsplit(settings.base_url).scheme
    proxy = settings.proxies.get(scheme) or settings.proxies.get("all") or ""
    parts = urlsplit(proxy)
    if proxy and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ConfigError(
            f"The proxy for {scheme} is no http or https address: correct it in the connection's 'proxies' setting.",
            setting="proxies",
        )
    yield pycurl.NOPROXY, ""
    yield pycurl.PROXY, parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if parts.username:
        yield pycurl.PROXYUSERNAME, unquote(parts.username)
        yield pycurl.PROXYPASSWORD, unquote(parts.password or "")
