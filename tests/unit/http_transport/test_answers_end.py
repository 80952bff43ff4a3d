"""Every answer ends: after the connection's time-out, or at the bound on its size, with one sentence."""

import time
import tracemalloc
from typing import Any

import pytest

from customer_sync.errors import ReplyLost, ReplyTooLarge, SyncError
from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.transport import HttpRequest, HttpSettings
from tests.hostile_server import ENDLESS, FLOODS, HostileServer

GET = HttpRequest("GET", "/x", system="Twin")
READ_TIMEOUT_S = 0.5


def _ended(url: str, read_timeout_s: float = READ_TIMEOUT_S, **settings: Any) -> tuple[SyncError, float]:
    """The error that an answer ends with, and the seconds until then."""
    transport = CurlTransport(HttpSettings(url, read_timeout_s=read_timeout_s, **settings))
    started_s = time.monotonic()
    with pytest.raises((ReplyLost, ReplyTooLarge)) as caught:
        transport.send(GET)
    return caught.value, time.monotonic() - started_s


@pytest.mark.parametrize("way", ENDLESS)
def test_answer_is_given_up_when_it_never_ends(way: str) -> None:
    """Whatever part of an answer goes on for ever: it ends with the time-out, named, and with a remedy."""
    with HostileServer(ENDLESS[way]) as server:
        error, waited_s = _ended(server.url)
    assert isinstance(error, ReplyLost)
    # Once for the head and once for the body.
    assert READ_TIMEOUT_S <= waited_s < 3 * READ_TIMEOUT_S
    assert "Twin" in error.message
    assert "GET /x" in error.message
    assert "0.5 s" in error.message
    assert "raise the read timeout" in error.message


@pytest.mark.parametrize("way", FLOODS)
def test_answer_is_given_up_when_it_is_a_flood(way: str) -> None:
    """What unpacks to nothing or to far too much ends at once, and memory stays within some megabytes."""
    next(FLOODS[way]())  # what the server prepares is none of the reader's memory
    with HostileServer(FLOODS[way], pause_s=0) as server:
        tracemalloc.start()
        try:
            error, _ = _ended(server.url, read_timeout_s=60, max_response_bytes=1_000_000)
            peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(error, ReplyTooLarge)
    assert "GET /x with more than 1,000,000 bytes: ask for smaller pages" in error.message
    assert peak_bytes < 16_000_000


def test_answer_is_right_when_hints_came_before_it(rude_server: Any, make_answer: Any) -> None:
    """Interim answers are passed over, and the connection serves the next request."""
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    bodies = iter([b"first", b"second"])
    rude_server.behaviour = lambda c, _: c.sendall(hints + make_answer(next(bodies)))
    transport = CurlTransport(HttpSettings(rude_server.url, read_timeout_s=2))
    assert [transport.send(GET).body for _ in range(2)] == [b"first", b"second"]
    assert rude_server.connections == 1


def test_answer_is_lost_when_the_server_changes_the_protocol(rude_server: Any) -> None:
    """A 101 that nobody asked for is no answer."""
    rude_server.behaviour = lambda c, _: c.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    with pytest.raises(ReplyLost, match="was not asked for"):
        CurlTransport(HttpSettings(rude_server.url, read_timeout_s=2)).send(GET)


def test_time_is_whole_again_when_the_head_took_most_of_it(rude_server: Any, make_answer: Any) -> None:
    """The body has the whole time, however late its head came."""

    def head_and_body(connection: Any, _: bytes) -> None:
        whole = make_answer(b"{}")
        for part in (whole[:5], whole[5:-2], whole[-2:]):
            time.sleep(0.4)
            connection.sendall(part)

    rude_server.behaviour = head_and_body
    assert CurlTransport(HttpSettings(rude_server.url, read_timeout_s=1)).send(GET).body == b"{}"


def test_time_is_whole_again_when_a_connection_is_reused(rude_server: Any, make_answer: Any) -> None:
    """A request has its whole time even after one that used most of its own."""

    def slowly(connection: Any, _: bytes) -> None:
        time.sleep(0.7)
        connection.sendall(make_answer(b"{}"))

    rude_server.behaviour = slowly
    transport = CurlTransport(HttpSettings(rude_server.url, read_timeout_s=1))
    assert [transport.send(GET).status for _ in range(3)] == [200] * 3
    assert rude_server.connections == 1
