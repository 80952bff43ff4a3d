"""A server on 127.0.0.1 whose answers never end, each in a way of its own; for tests of what reads them.

It speaks to raw sockets, because every HTTP server would close such an answer. One thread per connection; a way that is
given up by its reader ends with the connection.
"""

import gzip
import itertools
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, Self

PAUSE_S: Final = 0.02
"""Between two parts of an answer, in seconds: far shorter than any read time-out."""

Parts = Iterator[bytes]


def silence() -> Parts:
    """Not a byte."""
    while True:
        yield b""


def head_trickle() -> Parts:
    """Headers, byte by byte, without end."""
    yield b"HTTP/1.1 200 OK\r\nX-Long: "
    yield from itertools.repeat(b"x")


def many_headers() -> Parts:
    """One interim answer, whose headers never end; each line is whole."""
    yield b"HTTP/1.1 100 Continue\r\n"
    yield from (b"X-%d: y\r\n" % number for number in itertools.cycle(range(50)))


def interim_answers() -> Parts:
    """``100 Continue`` for ever."""
    yield from itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")


def early_hints() -> Parts:
    """``103 Early Hints`` for ever: interim answers that http.client takes for the last one."""
    yield from itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")


def chunk_line() -> Parts:
    """A chunk's length that goes on and on."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;name="
    yield from itertools.repeat(b"x")


def trailers() -> Parts:
    """A whole chunked body, and then trailers for ever."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    yield from itertools.repeat(b"X-More: y\r\n")


def body_drip() -> Parts:
    """A body, byte by byte."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    yield from itertools.repeat(b" ")


def body_without_length() -> Parts:
    """A body of unknown length, byte by byte."""
    yield b"HTTP/1.1 200 OK\r\n\r\n"
    yield from itertools.repeat(b" ")


def gzip_header() -> Parts:
    """A compressed body that unpacks to nothing: the file name in its header never ends."""
    yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03"
    yield from itertools.repeat(b"name")


def empty_deflate_blocks() -> Parts:
    """A compressed body of blocks that hold nothing."""
    yield b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(b"")[:2]
    yield from itertools.repeat(b"\x00\x00\x00\xff\xff" * 100)


ENDLESS: Final[dict[str, Callable[[], Parts]]] = {
    way.__name__: way
    for way in (
        silence,
        head_trickle,
        many_headers,
        interim_answers,
        early_hints,
        chunk_line,
        trailers,
        body_drip,
        body_without_length,
        gzip_header,
        empty_deflate_blocks,
    )
}
"""Every answer without end, by name."""


@cache
def _packed(megabytes: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    blank = bytes(1024 * 1024)
    return b"".join(packer.compress(blank) for _ in range(megabytes)) + packer.flush()


def gzip_flood() -> Parts:
    """The header of :func:`gzip_header`, as fast as the line takes it."""
    yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03"
    yield from itertools.repeat(b"name" * 16_384)


def interim_flood() -> Parts:
    """The answers of :func:`interim_answers`, as fast as the line takes them."""
    yield from itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000)


def gzip_bomb() -> Parts:
    """A body of a quarter of a megabyte that unpacks to 256 megabytes."""
    body = _packed(256)
    yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def gzip_in_gzip() -> Parts:
    """256 megabytes, compressed twice, in some hundred bytes."""
    body = gzip.compress(_packed(256))
    yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


FLOODS: Final[dict[str, Callable[[], Parts]]] = {
    way.__name__: way for way in (gzip_flood, interim_flood, gzip_bomb, gzip_in_gzip)
}
"""Every answer that is too much, by name."""


class HostileServer:
    """Answers every request in one way; use it in a ``with`` block.

    Args:
        way: Makes the parts of an answer.
        pause_s: Seconds between two parts; 0 = as fast as the line takes them.
    """

    def __init__(self, way: Callable[[], Parts], pause_s: float = PAUSE_S) -> None:
        self._way = way
        self._pause_s = pause_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_over = threading.Event()
        self.requests = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while connection.recv(65_536):
                    self.requests += 1
                    for part in self._way():
                        connection.sendall(part)
                        if self._is_over.is_set():
                            return
                        time.sleep(self._pause_s)
            except OSError:
                return
