"""Answers that end: every byte of an answer has to come within a time, and there are only so many of them.

A read time-out alone bounds one wait for bytes. A server that sends a byte now and then, one interim answer after the
other, a chunk line or trailers without end, or a compressed body that unpacks to nothing, would hold a task for ever.
So each wait is cut to what is left of the whole time, on the socket itself: below TLS, headers, chunks and compression.
"""

import http.client
import io
import math
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_FRAME_BYTES: Final = 1024 * 1024
"""What heads, chunk lines and trailers of an answer may take beside its body."""
_SUCCESS: Final = 200
_CLOSE_ENOUGH: Final = 0.9
"""An ordinary answer comes in the first tenth of its time, and then the socket's time-out need not be touched."""

Clock = Callable[[], float]


class TooManyBytes(Exception):
    """More came over the wire than an answer of the allowed size can need; no ``OSError``, which urllib3 would take."""


def pool_classes(max_body_bytes: int, clock: Clock = time.monotonic) -> dict[str, type[HTTPConnectionPool]]:
    """Make the pools whose answers end, by scheme, for ``PoolManager.pool_classes_by_scheme``.

    The time is the read time-out of each request: once until the head is complete, and once more for the body.

    Args:
        max_body_bytes: Longest body, in bytes. Twice as much may come over the wire, because small chunks need frames.
        clock: Seconds of a monotonic clock.
    """
    bounded = staticmethod(partial(_BoundedResponse, max_bytes=2 * max_body_bytes + _FRAME_BYTES, clock=clock))
    plain = type("BoundedConnection", (HTTPConnection,), {"response_class": bounded})
    tls = type("BoundedTlsConnection", (HTTPSConnection,), {"response_class": bounded})
    return {
        "http": type("BoundedPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("BoundedTlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }


class _BoundedResponse(http.client.HTTPResponse):
    """One answer, read through :class:`_BoundedInput`; interim answers before it are passed over."""

    fp: io.BufferedReader
    headers: http.client.HTTPMessage | None  # type: ignore[assignment]  # None until the head was read

    def __init__(self, sock: socket.socket, *args: Any, max_bytes: int, clock: Clock, **options: Any) -> None:
        self._input = _BoundedInput(sock, max_bytes, clock)
        super().__init__(self._input, *args, **options)  # type: ignore[arg-type]  # it asks for `makefile` alone

    def begin(self) -> None:
        """Read the head.

        Raises:
            BadStatusLine: The server changes to another protocol, which nobody asked for.
            TimeoutError: It is not complete in time.
        """
        super().begin()
        while http.client.SWITCHING_PROTOCOLS < self.status < _SUCCESS:
            # Left to itself http.client takes 103 for the answer, and the real one for that of the next request.
            self.headers = None
            super().begin()
        if self.status < _SUCCESS:
            raise http.client.BadStatusLine(f"{self.status} was not asked for")
        self._input.allow_as_long_again()


class _BoundedInput(io.RawIOBase):
    """The bytes of one answer, as they come from the socket.

    Args:
        sock: The socket, with the time-out of this answer.
        max_bytes: Most bytes, those of the head included.
        clock: Seconds of a monotonic clock.
    """

    def __init__(self, sock: socket.socket, max_bytes: int, clock: Clock) -> None:
        super().__init__()
        self._raw = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._left_bytes = max_bytes
        self._clock = clock
        self._time_s = self._set_s = sock.gettimeout() or math.inf
        self.allow_as_long_again()

    def allow_as_long_again(self) -> None:
        """Start the time afresh."""
        self._ends_s = self._clock() + self._time_s
        self._restore()

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the buffered stream that http.client reads: what it would have of the socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Wait for bytes, for what is left of the time.

        Raises:
            TimeoutError: The time is over.
            TooManyBytes: More came than allowed.
        """
        left_s = self._ends_s - self._clock()
        if left_s <= 0:
            raise TimeoutError("timed out")
        if left_s < _CLOSE_ENOUGH * self._set_s:
            self._sock.settimeout(left_s)
            self._set_s = left_s
        count: int | None = self._raw.readinto(buffer)
        self._left_bytes -= count or 0
        if self._left_bytes < 0:
            raise TooManyBytes
        return count

    def close(self) -> None:
        """Close the stream; the connection, where it is kept, gets its whole time-out back."""
        if not self.closed:
            self._restore()
            self._raw.close()
        super().close()

    def _restore(self) -> None:
        if self._set_s != self._time_s and self._sock.fileno() >= 0:
            self._sock.settimeout(self._time_s)
            self._set_s = self._time_s
