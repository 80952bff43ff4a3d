"""Requests to a twin's API and to its control plane, as any client would send them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.transport import HttpRequest, HttpResponse, HttpSettings
from real.clients import PASSWORD, TOKEN
from real.folder import decoded

STORE_PREFIX: Final = "/api/v3/io"
_STORE_HEADERS: Final = {"X-Auth-Token": TOKEN, "X-Store-Hash": "sandbox", "Content-Type": "application/json"}


@dataclass
class TwinApi:
    """One twin; use it in a ``with`` block.

    Attributes:
        url: Its address.
        headers: Sent with every request.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._transport = CurlTransport(HttpSettings(base_url=self.url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def send(
        self, method: str, path: str, body: bytes | None = None, query: Sequence[tuple[str, str]] = ()
    ) -> HttpResponse:
        """Send one request; any status is an answer."""
        headers = dict(self.headers)
        if method in {"POST", "PUT"}:
            headers |= {"Content-Type": "application/json"}
            body = body or b""
        if body == b"":
            headers |= {"Content-Length": "0"}
        return self._transport.send(HttpRequest(method, path, tuple(query), headers, body, "twin"))

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON and decode the answer."""
        encoded = None if body is None else json.dumps(body).encode()
        return decoded(self.send(method, path, encoded).body)

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Ask the control plane.

        Raises:
            RuntimeError: It refused the order.
        """
        encoded = None if body is None else json.dumps(body).encode()
        answer = self.send(method, f"/_sandbox/{name}", encoded)
        if answer.status >= 400:  # noqa: PLR2004 - an HTTP status
            raise RuntimeError(f"the twin refused {method} {name}: {answer.body.decode()[:300]}")
        return decoded(answer.body)

    def turn(self, **switches: Any) -> None:
        """Turn those switches that the twin has."""
        known = {each["name"] if isinstance(each, dict) else each for each in self.control("GET", "settings")}
        self.control("PUT", "settings", {name: value for name, value in switches.items() if name in known})

    def sign_in(self) -> None:
        """Open a session of the ERP's twin."""
        sent = json.dumps({"name": "admin", "password": PASSWORD}).encode()
        answer = self.send("POST", "/entity/auth/login", sent)
        cookies = dict(line.partition(";")[0].partition("=")[::2] for line in answer.headers.getlist("Set-Cookie"))
        self.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())

    def sign_out(self) -> None:
        """End the session."""
        self.send("POST", "/entity/auth/logout")
        self.headers.pop("Cookie", None)


def as_store(url: str) -> TwinApi:
    """The store's twin, with its credentials."""
    return TwinApi(url, dict(_STORE_HEADERS))


def wrapped(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as the ERP's API takes them: ``{"CustomerName": {"value": …}}``, linked parts by themselves."""
    return {name: wrapped(value) if isinstance(value, Mapping) else {"value": value} for name, value in fields.items()}
