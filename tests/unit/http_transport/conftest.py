"""A clock that moves only when someone sleeps, and a server that misbehaves on request."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest


class PatientClock:
    """A monotonic clock for tests: sleeping moves it at once."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.slept_s: list[float] = []

    def read(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds


@pytest.fixture
def clock() -> PatientClock:
    """Give a clock of one's own to each test."""
    return PatientClock()


Behaviour = Callable[[socket.socket, bytes], None]


class RudeServer:
    """A server on a free port of 127.0.0.1 that answers every request as the test's behaviour says."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.behaviour: Behaviour = lambda connection, _: connection.sendall(answer(b"{}"))
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while head := self._read_request(connection):
                self.requests.append(head)
                self.behaviour(connection, head)
        except OSError:
            return

    def _read_request(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65_536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")),
            0,
        )
        while len(body) < length:
            body += connection.recv(65_536)
        return head + b"\r\n\r\n" + body


def answer(body: bytes, *, status: str = "200 OK", length: int | None = None, headers: bytes = b"") -> bytes:
    """Make a raw answer; ``length`` may lie."""
    size = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status.encode(), size, headers, body)


@pytest.fixture
def make_answer() -> Callable[..., bytes]:
    """Give the maker of raw answers."""
    return answer


@pytest.fixture
def rude_server() -> Iterator[RudeServer]:
    """Run a server for one test."""
    server = RudeServer()
    yield server
    server.stop()


@pytest.fixture
def reset() -> Behaviour:
    """Cut the connection with a reset, as a crashing server does."""

    def cut(connection: socket.socket, _: bytes) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return cut


@pytest.fixture
def trickle(make_answer: Callable[..., bytes]) -> Behaviour:
    """Send a body byte by byte, faster than the read time-out and for longer than it."""

    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(make_answer(b"", length=10_000))
        for _count in range(100):
            connection.sendall(b"x")
            time.sleep(0.02)

    return drip
