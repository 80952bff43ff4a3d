"""The HTTP client of a peer: requests, as its documentation shows, or urllib3, to compare with the same client."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import requests
import urllib3


class Urllib3Session:
    """As much of a ``requests.Session`` as the peers use, over a ``urllib3.PoolManager``."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(maxsize=4)
        self._cookies: dict[str, str] = {}

    def get(self, url: str, params: Any = None, headers: Any = None, timeout: float = 60) -> Urllib3Answer:
        """GET with query and headers."""
        return self._send("GET", f"{url}?{urlencode(params)}" if params else url, None, headers, timeout)

    def post(self, url: str, json: Any = None, headers: Any = None, timeout: float = 60) -> Urllib3Answer:
        """POST of JSON."""
        return self._send("POST", url, json, headers, timeout)

    def _send(self, method: str, url: str, body: Any, headers: Any, timeout: float) -> Urllib3Answer:
        sent = {**(headers or {}), "Content-Type": "application/json"}
        if self._cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        encoded = b"" if body is None else json.dumps(body).encode()
        answer = self._pool.request(
            method, url, body=encoded if method == "POST" else None, headers=sent, timeout=timeout, redirect=False
        )
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return Urllib3Answer(answer)


class Urllib3Answer:
    """As much of a ``requests.Response`` as the peers use."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer
        self.status_code = answer.status

    def json(self) -> Any:
        """The body."""
        return json.loads(self._answer.data)

    def raise_for_status(self) -> None:
        """Raise for a refusal."""
        if self.status_code >= 400:  # noqa: PLR2004 - HTTP statuses
            raise RuntimeError(f"{self.status_code}: {self._answer.data[:300]!r}")


def make_session(client: str) -> Any:
    """A session of the client that is named."""
    return Urllib3Session() if client == "urllib3" else requests.Session()
