"""How each way of failing on the wire is told apart (docs/architecture.md#errors)."""

import gzip
import json
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from customer_sync.errors import ConfigError, ConnectFailed, ReplyLost, ReplyTooLarge
from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.transport import HttpRequest, HttpSettings, encode_query


def _transport(url: str, **settings: Any) -> CurlTransport:
    return CurlTransport(HttpSettings(url, connect_timeout_s=2, **{"read_timeout_s": 2, **settings}))


FD_SETSIZE = 1_024
"""Descriptors from here on have no place in the sets that libcurl fills."""

GET = HttpRequest("GET", "/x", system="Twin")
PUT = HttpRequest("PUT", "/x", body=b"{}", system="Twin")


def test_answer_is_complete_when_all_is_well(rude_server: Any, make_answer: Any) -> None:
    """Status, headers without regard to case, and the whole body come back."""
    rude_server.behaviour = lambda c, _: c.sendall(
        make_answer(b'{"a": 1}', status="418 Odd", headers=b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n")
    )
    got = _transport(rude_server.url).send(GET)
    assert (got.status, json.loads(got.body)) == (418, {"a": 1})
    assert got.headers.getlist("set-cookie") == ["a=1", "b=2"]


def test_connection_is_kept_when_requests_follow_each_other(rude_server: Any) -> None:
    """Ten requests need one connection."""
    transport = _transport(rude_server.url)
    for _ in range(10):
        transport.send(GET)
    assert rude_server.connections == 1
    transport.close()


def test_requests_run_side_by_side_when_threads_share_a_transport(rude_server: Any, make_answer: Any) -> None:
    """Several threads use one transport at the same time, and every answer goes to its own request."""
    together = threading.Barrier(4, timeout=5)

    def meet(connection: socket.socket, head: bytes) -> None:
        together.wait()
        connection.sendall(make_answer(head.split(b" ")[1]))

    rude_server.behaviour = meet
    transport = _transport(rude_server.url)
    got: dict[str, bytes] = {}

    def send(path: str) -> None:
        got[path] = transport.send(HttpRequest("GET", path)).body

    threads = [threading.Thread(target=send, args=(f"/{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {f"/{number}": f"/{number}".encode() for number in range(4)}


def test_compressed_body_is_unpacked_when_the_server_compresses(rude_server: Any, make_answer: Any) -> None:
    """A gzip body arrives unpacked."""
    packed = gzip.compress(b"x" * 100_000)
    rude_server.behaviour = lambda c, _: c.sendall(make_answer(packed, headers=b"Content-Encoding: gzip\r\n"))
    assert _transport(rude_server.url).send(GET).body == b"x" * 100_000


def test_chunked_body_is_joined_when_the_length_is_unknown(rude_server: Any) -> None:
    """A chunked answer arrives whole, and the connection is used again."""
    rude_server.behaviour = lambda c, _: c.sendall(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    )
    transport = _transport(rude_server.url)
    assert [transport.send(GET).body for _ in range(2)] == [b"abcdefg"] * 2
    assert rude_server.connections == 1


def test_nothing_was_sent_when_nobody_listens() -> None:
    """A refused connection is ConnectFailed: even a write may be repeated."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectFailed, match="Nothing was sent") as caught:
        _transport(f"http://127.0.0.1:{port}").send(PUT)
    assert caught.value.refused


def test_nothing_was_sent_when_the_host_has_no_address() -> None:
    """An unknown host name is ConnectFailed and names the setting to check."""
    with pytest.raises(ConnectFailed, match="check host and port"):
        _transport("http://no-such-host.invalid").send(PUT)


def test_reply_is_lost_when_the_server_resets(rude_server: Any, reset: Any) -> None:
    """A reset after sending leaves the outcome open."""
    rude_server.behaviour = reset
    with pytest.raises(ReplyLost) as caught:
        _transport(rude_server.url).send(PUT)
    assert not caught.value.refused


def test_reply_is_lost_when_the_server_hangs_up_without_a_word(rude_server: Any) -> None:
    """A closed connection without an answer leaves the outcome open."""
    rude_server.behaviour = lambda c, _: c.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ReplyLost):
        _transport(rude_server.url).send(PUT)


def test_reply_is_lost_when_no_answer_comes_in_time(rude_server: Any) -> None:
    """The read time-out is kept, and the message names it."""
    rude_server.behaviour = lambda _, __: None
    with pytest.raises(ReplyLost, match=r"within 0\.2 s"):
        _transport(rude_server.url, read_timeout_s=0.2).send(PUT)


def test_reply_is_lost_when_the_body_is_cut(rude_server: Any, make_answer: Any) -> None:
    """A body shorter than announced is never taken for the whole."""

    def cut(connection: socket.socket, _: bytes) -> None:
        connection.sendall(make_answer(b"[1, 2", length=500))
        connection.shutdown(socket.SHUT_RDWR)

    rude_server.behaviour = cut
    with pytest.raises(ReplyLost) as caught:
        _transport(rude_server.url).send(GET)
    assert caught.value.status == 200


def test_reply_is_lost_when_a_chunked_body_is_cut(rude_server: Any) -> None:
    """A chunked body without its last chunk is never taken for the whole."""

    def cut(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2,\r\n")
        connection.shutdown(socket.SHUT_RDWR)

    rude_server.behaviour = cut
    with pytest.raises(ReplyLost):
        _transport(rude_server.url).send(GET)


def test_reply_is_lost_when_the_compression_is_broken(rude_server: Any, make_answer: Any) -> None:
    """A body that does not unpack is lost, not an unknown error."""
    rude_server.behaviour = lambda c, _: c.sendall(make_answer(b"no gzip", headers=b"Content-Encoding: gzip\r\n"))
    with pytest.raises(ReplyLost) as caught:
        _transport(rude_server.url).send(GET)
    assert caught.value.evidence["unreadable"]


def test_reply_is_lost_when_a_body_trickles_for_too_long(rude_server: Any, trickle: Any) -> None:
    """A server that sends a byte now and then cannot hold a task for ever."""
    rude_server.behaviour = trickle
    with pytest.raises(ReplyLost, match="still coming"):
        _transport(rude_server.url, read_timeout_s=0.3).send(GET)


def test_answer_is_refused_when_it_is_too_large(rude_server: Any, make_answer: Any) -> None:
    """A body beyond the bound is not read to its end, compressed or not."""
    packed = gzip.compress(b"x" * 5_000_000)
    rude_server.behaviour = lambda c, _: c.sendall(make_answer(packed, headers=b"Content-Encoding: gzip\r\n"))
    with pytest.raises(ReplyTooLarge, match="1,000,000 bytes"):
        _transport(rude_server.url, max_response_bytes=1_000_000).send(GET)


def test_next_answer_is_right_when_the_one_before_was_given_up(rude_server: Any, make_answer: Any) -> None:
    """The rest of a refused body is never read as the beginning of another answer."""
    bodies = iter([b"y" * 5_000_000, b"fine"])
    rude_server.behaviour = lambda c, _: c.sendall(make_answer(next(bodies)))
    transport = _transport(rude_server.url, max_response_bytes=1_000_000)
    with pytest.raises(ReplyTooLarge):
        transport.send(GET)
    assert transport.send(GET).body == b"fine"


def test_redirect_comes_back_when_the_server_redirects(rude_server: Any, make_answer: Any) -> None:
    """A redirect is an answer like any other and is not followed."""
    rude_server.behaviour = lambda c, _: c.sendall(
        make_answer(b"", status="302 Found", headers=b"Location: /elsewhere\r\n")
    )
    assert _transport(rude_server.url).send(GET).status == 302
    assert len(rude_server.requests) == 1


def test_empty_post_has_a_length_when_it_is_sent(rude_server: Any) -> None:
    """Without an explicit length the ERP's web server answers 411 to a sign-out."""
    _transport(rude_server.url).send(HttpRequest("POST", "/x", body=b"", headers={"Content-Length": "0"}))
    assert rude_server.requests[0].lower().count(b"content-length: 0") == 1


def test_base_path_and_headers_are_sent_when_configured(rude_server: Any) -> None:
    """The instance path stands before the request's, and the settings' headers go with every request."""
    transport = _transport(f"{rude_server.url}/AcumaticaERP/", headers={"X-Site": "7"})
    transport.send(HttpRequest("GET", "/entity", query=(("$filter", "A gt 'x y+z'"),)))
    first_line, *headers = rude_server.requests[0].split(b"\r\n")
    assert first_line == b"GET /AcumaticaERP/entity?$filter=A%20gt%20'x%20y%2Bz' HTTP/1.1"
    assert b"X-Site: 7" in headers


def test_plus_is_escaped_when_a_query_holds_an_offset() -> None:
    """An unescaped plus would be read as a blank (docs/api/acumatica.md#filters)."""
    assert encode_query((("f", "datetimeoffset'2026-01-01T00:00:00+00:00'"),)) == (
        "f=datetimeoffset'2026-01-01T00:00:00%2B00:00'"
    )


@pytest.mark.parametrize("url", ["erp.example.com", "ftp://erp.example.com", "", "http://", "http://u:p@erp.example"])
def test_setting_is_named_when_the_host_cannot_be_used(url: str) -> None:
    """A host without scheme, or with credentials in it, is refused by name and not shown with its password."""
    with pytest.raises(ConfigError) as caught:
        HttpSettings(url)
    assert caught.value.evidence["setting"] == "host"


@pytest.mark.parametrize(
    ("setting", "value"),
    [("verify", "/no/such/bundle.pem"), ("cert", "/no/such/cert.pem"), ("proxies", {"http": "socks5://127.0.0.1:1"})],
)
def test_setting_is_named_when_tls_or_proxy_cannot_be_used(setting: str, value: Any) -> None:
    """A missing file or an unusable proxy is told at once."""
    with pytest.raises(ConfigError) as caught:
        CurlTransport(HttpSettings("http://127.0.0.1", **{setting: value}))
    assert caught.value.evidence["setting"] == setting


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Site": "s3cret\r\nX-Admin: 1"},
        {"X-Site": "s3cret\nx"},
        {"X-Site": "s3cret\x00"},
        {"X-Site": "s3cret \u20ac"},
        {"X-Site\r\ns3cret": "1"},
        {"X-Site: s3cret": "1"},
    ],
)
def test_header_is_refused_without_its_value_when_it_holds_a_line_break(headers: dict[str, str]) -> None:
    """One header cannot become two, and the message names the header and not what it holds."""
    with pytest.raises(ConfigError, match="X-Site") as caught:
        HttpSettings("http://127.0.0.1", headers=headers)
    assert "s3cret" not in caught.value.message
    assert caught.value.evidence["setting"] == "headers"


def test_settings_keep_their_secrets_when_shown() -> None:
    """Headers and proxies, which may hold credentials, are not part of the representation."""
    shown = repr(HttpSettings("http://h", headers={"A": "s3cret"}, proxies={"http": "http://u:s3cret@p"}))
    shown += repr(HttpRequest("PUT", "/x", headers={"A": "s3cret"}, body=b"s3cret"))
    assert "s3cret" not in shown


def test_proxy_is_used_when_configured(rude_server: Any) -> None:
    """Requests go to the proxy, with its credentials in the header of its own."""
    transport = CurlTransport(
        HttpSettings(
            "http://erp.example.test/app",
            proxies={"http": f"http://user:pw@127.0.0.1:{rude_server.port}"},
        )
    )
    transport.send(GET)
    assert rude_server.requests[0].startswith(b"GET http://erp.example.test/app/x HTTP/1.1")
    assert b"roxy-authorization: basic" in rude_server.requests[0].lower()


@pytest.fixture
def crowded() -> Iterator[None]:
    """A process that has more descriptors open than libcurl can name."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FD_SETSIZE + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    with ExitStack() as files:
        while files.enter_context(Path(os.devnull).open("rb")).fileno() < FD_SETSIZE:
            pass
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("crowded")
def test_requests_take_no_longer_where_a_process_has_a_thousand_files_open(rude_server: Any) -> None:
    """What libcurl cannot name is looked at all the same; it was left to its timer of a second, and resets too."""
    transport = _transport(rude_server.url)
    begun_s = time.monotonic()
    for _ in range(5):
        assert transport.send(GET).status == 200
    assert time.monotonic() - begun_s < 1.0
    transport.close()
