"""A mail server and a web hook on the loopback address that keep what they are given."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def running_mail_server() -> Iterator[tuple[int, list[Message]]]:
    """Run a server that speaks just enough SMTP; gives its port and the messages it took."""
    messages: list[Message] = []

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 sink\r\n")
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    messages.append(message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n"))))
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.daemon_threads = True
        with _serving(server):
            yield server.server_address[1], messages


@contextmanager
def running_web_hook() -> Iterator[tuple[int, list[tuple[dict[str, str], Any]]]]:
    """Run a server that takes JSON; gives its port and headers and body of what it took."""
    taken: list[tuple[dict[str, str], Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(({**dict(self.headers), "path": self.path}, json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, _serving(server):
        yield server.server_address[1], taken


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, name="sink")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
