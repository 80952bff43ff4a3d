"""JSON over HTTP, for servers that the demonstration started on this machine."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import urllib3

from demo.errors import DemoError

# The servers are young and local: a refused connection is an answer.
_TIMEOUT = urllib3.Timeout(connect=2, read=30)
_AGAIN = urllib3.Retry(
    total=7,
    connect=0,
    read=3,
    redirect=0,
    allowed_methods=None,
    status_forcelist={500, 503},
    raise_on_status=False,
    backoff_factor=0.5,
    backoff_max=8,
)
"""A machine that does other work as well may keep Airflow from answering for a while, and an Airflow on SQLite answers
500 while another of its processes holds the database's lock for longer than SQLite waits."""


class Server:
    """One HTTP server.

    Args:
        address: Scheme, host and port.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.token: str | None = None
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def call(self, method: str, path: str, body: object | None = None, *, may_repeat: bool = False) -> tuple[int, Any]:
        """Send a request.

        Args:
            method: HTTP method.
            path: Path and query.
            body: Value that is sent as JSON.
            may_repeat: Sent twice it does no harm: it is sent again while the server has no answer or is out of order.

        Returns:
            Status and decoded JSON of the last answer; `None` instead of a body that is no JSON.

        Raises:
            urllib3.exceptions.HTTPError: No answer came.
        """
        headers = {"Accept": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        url, again = f"{self.address}{path}", _AGAIN if may_repeat else False
        if body is None:
            response = self._pool.request(method, url, headers=headers, retries=again)
        else:
            response = self._pool.request(method, url, headers=headers, json=body, retries=again)
        try:
            return response.status, response.json()
        except ValueError:
            return response.status, None

    def get(self, path: str) -> Any:
        """The JSON at a path.

        Args:
            path: Path and query.

        Raises:
            DemoError: The answer is not 200, or none came.
        """
        try:
            status, answer = self.call("GET", path, may_repeat=True)
        except urllib3.exceptions.HTTPError as error:
            raise DemoError(f"GET {self.address}{path} was not answered: {error}") from error
        if status != HTTPStatus.OK:
            raise DemoError(f"GET {self.address}{path} was answered with {status}: {answer}")
        return answer

    def answers(self, path: str) -> bool:
        """Whether a path is answered with 200; a refused connection is a no.

        Args:
            path: Path and query.
        """
        try:
            status, _ = self.call("GET", path)
        except urllib3.exceptions.HTTPError:
            return False
        return status == HTTPStatus.OK
