"""A tenant that gave fields other names, or has not the extension: a proxy before the ERP's twin, on a free port."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_PASSED_ON = frozenset({"content-type", "set-cookie", "date", "location"})


@dataclass(frozen=True)
class TenantForm:
    """How the tenant differs from the twin.

    Attributes:
        renamed: Customer field of the twin -> its name in the tenant.
        has_extension: Whether custom fields of the extension are shown.
        has_attributes: Whether customers have attributes.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    has_extension: bool = True
    has_attributes: bool = True

    def query(self, query: str) -> str:
        """A query in the twin's words."""
        backward = {new: old for old, new in self.renamed.items()}
        items = []
        for name, value in parse_qsl(query, keep_blank_values=True):
            meant = value
            if name in {"$select", "$expand"}:
                meant = ",".join(backward.get(each, each) for each in value.split(","))
            elif name == "$filter":
                meant = re.sub(r"(?<![/'\w])\w+(?![/'\w])", lambda word: backward.get(word[0], word[0]), value)
            items.append(f"{quote(name, safe='$')}={quote(meant, safe='')}")
        return "&".join(items)

    def answer(self, path: str, body: bytes) -> bytes:
        """An answer of the twin in the tenant's words."""
        content = json.loads(body)
        if path.endswith("/swagger.json"):
            schemas = content.get("definitions") or content["components"]["schemas"]
            for part in schemas["Customer"]["allOf"]:
                if "properties" in part:
                    part["properties"] = self._named(part["properties"])
        elif "/Customer" in path and "/CustomerLocation" not in path:
            rows = content if isinstance(content, list) else [content]
            content = [self._row(row) for row in rows] if isinstance(content, list) else self._row(content)
        if path.endswith("/$adHocSchema") and not self.has_extension:
            content["custom"] = {
                view: {name: each for name, each in names.items() if not name.startswith(("Usr", "Attribute"))}
                for view, names in content["custom"].items()
            }
        return json.dumps(content).encode()

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        if not self.has_attributes and "Attributes" in row:
            row["Attributes"] = []
        return self._named(row)

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {self.renamed.get(name, name): value for name, value in values.items()}


@contextmanager
def tenant_before(twin_url: str, form: TenantForm) -> Iterator[str]:
    """Serve the tenant.

    Args:
        twin_url: Address of the ERP's twin.
        form: How the tenant differs from it.

    Yields:
        The tenant's address.
    """
    twin = urlsplit(twin_url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(twin.hostname or "", twin.port, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_SENT}
            path = unquote(parts.path)
            query = f"?{form.query(parts.query)}" if parts.query else ""
            connection.request(self.command, f"{parts.path}{query}", sent, headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 200 and body and "json" in (answer.getheader("Content-Type") or ""):
                body = form.answer(path, body)
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() in _PASSED_ON:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            connection.close()

        do_GET = do_POST = do_PUT = _pass_on  # noqa: N815 - names of the base class

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_NOT_SENT = frozenset({"host", "content-length", "accept-encoding", "connection"})
