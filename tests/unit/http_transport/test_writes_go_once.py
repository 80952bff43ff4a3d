"""No write is sent twice unseen, and none that left passes for one that did not."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from customer_sync.errors import ConnectFailed, ReplyLost
from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.transport import HttpRequest, HttpSettings

WRITES = {
    "POST": HttpRequest("POST", "/x", body=b"{}", system="Twin"),
    "POST without a byte": HttpRequest("POST", "/x", body=b"", system="Twin"),
    "POST of a megabyte": HttpRequest("POST", "/x", body=b"x" * 1_000_000, system="Twin"),
    "PUT": HttpRequest("PUT", "/x", body=b"{}", system="Twin"),
    "DELETE": HttpRequest("DELETE", "/x", system="Twin"),
}
READ = HttpRequest("GET", "/x", system="Twin")


def _transport(url: str, **settings: Any) -> CurlTransport:
    return CurlTransport(HttpSettings(url, **{"connect_timeout_s": 2, "read_timeout_s": 2, **settings}))


def _written(server: Any) -> int:
    return sum(not request.startswith(b"GET") for request in server.requests)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("end", ["close", "reset"])
def test_write_goes_once_when_a_kept_connection_ends_without_an_answer(
    rude_server: Any, reset: Any, write: str, end: str
) -> None:
    """Left to itself libcurl sends such a request again on a new connection, and speaks of one success."""
    transport = _transport(rude_server.url)
    transport.send(READ)
    rude_server.behaviour = reset if end == "reset" else lambda c, _: c.close()
    with pytest.raises(ReplyLost) as caught:
        transport.send(WRITES[write])
    assert not caught.value.refused
    assert _written(rude_server) == 1


@pytest.mark.parametrize("write", WRITES)
def test_write_is_unknown_when_the_server_is_gone_after_it(rude_server: Any, write: str) -> None:
    """That nobody listens any more does not mean that nothing was sent."""
    transport = _transport(rude_server.url)
    transport.send(READ)

    def vanish(connection: socket.socket, _: bytes) -> None:
        rude_server.stop()
        connection.close()

    rude_server.behaviour = vanish
    with pytest.raises(ReplyLost) as caught:
        transport.send(WRITES[write])
    assert not caught.value.refused
    assert _written(rude_server) == 1


@pytest.mark.parametrize("write", WRITES)
def test_write_is_sent_when_a_kept_connection_was_closed_before_it(rude_server: Any, write: str) -> None:
    """A connection that the server closed while it was idle costs a new one and no doubt."""

    def once(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        if head.startswith(b"GET"):
            connection.shutdown(socket.SHUT_RDWR)

    rude_server.behaviour = once
    transport = _transport(rude_server.url)
    transport.send(READ)
    time.sleep(0.05)
    assert transport.send(WRITES[write]).status == 200
    assert _written(rude_server) == 1


def test_nothing_was_sent_when_a_server_takes_no_connection() -> None:
    """A connection that is never accepted is given up after its own time, and even a write may be repeated."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)  # noqa: FBT003 - the standard library's signature
            filler.connect_ex(listener.getsockname())
        with pytest.raises(ConnectFailed, match="Nothing was sent"):
            _transport(f"http://127.0.0.1:{listener.getsockname()[1]}", connect_timeout_s=0.3).send(WRITES["POST"])
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(
    "refusal", [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b"", b"junk\r\n\r\n"]
)
def test_nothing_was_sent_when_a_proxy_makes_no_tunnel(rude_server: Any, refusal: bytes) -> None:
    """What a proxy says to CONNECT is not the server's answer: the write never left."""

    def refuse(connection: socket.socket, _: bytes) -> None:
        connection.sendall(refusal)
        connection.close()

    rude_server.behaviour = refuse
    transport = _transport("https://erp.example.test", proxies={"https": rude_server.url})
    with pytest.raises(ConnectFailed, match="Nothing was sent"):
        transport.send(WRITES["POST"])


@pytest.mark.parametrize("word", [b"", b"junk and more of it\r\n\r\n"])
def test_nothing_was_sent_when_tls_fails(word: bytes) -> None:
    """Without a handshake the request stays here."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            connection.recv(65_536)
            connection.sendall(word)
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(ConnectFailed, match="Nothing was sent"):
            _transport(f"https://127.0.0.1:{listener.getsockname()[1]}").send(WRITES["POST"])


class Cancelled(BaseException):
    """What a signal's handler raises."""


@pytest.fixture
def _cancelled_soon() -> Iterator[None]:
    def cancel(*_: object) -> None:
        raise Cancelled

    before = signal.signal(signal.SIGALRM, cancel)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("_cancelled_soon")
def test_task_is_cancelled_at_once_when_a_request_waits(rude_server: Any) -> None:
    """What a signal's handler raises while a request is on its way reaches the task, and ends the request."""
    rude_server.behaviour = lambda _, __: None
    started_s = time.monotonic()
    with pytest.raises(Cancelled):
        _transport(rude_server.url, read_timeout_s=30).send(READ)
    assert time.monotonic() - started_s < 1
    deadline_s = started_s + 5
    while any(thread.name == "request" for thread in threading.enumerate()):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
