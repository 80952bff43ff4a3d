"""A notifier that posts JSON to the address of an Airflow connection of type *HTTP*."""

import json
from typing import Any

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseNotifier, Context

TIMEOUT_S = 20.0
"""Longest wait for the other side; who sends is a task, or Airflow's DAG processor."""


class WebhookNotifier(BaseNotifier):
    """Posts a JSON object.

    The connection's *Host* holds the whole address, with its path: chat systems hide a secret in it. A
    password is sent as a bearer token; *Extra* holds further headers.

    Args:
        http_conn_id: Id of the connection.
        payload: What to post.
    """

    def __init__(self, *, http_conn_id: str, payload: dict[str, Any]) -> None:
        super().__init__()
        self.http_conn_id = http_conn_id
        self.payload = payload

    def notify(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Post it.

        Raises:
            AirflowException: The other side refused.
            requests.RequestException: It could not be reached.
        """
        hook = HttpHook(method="POST", http_conn_id=self.http_conn_id, auth_type=_no_auth)
        headers = {"Content-Type": "application/json"}
        token = hook.get_connection(self.http_conn_id).password
        if token:
            headers["Authorization"] = f"Bearer {token}"
        options = {"timeout": TIMEOUT_S, "allow_redirects": False}
        hook.run(data=json.dumps(self.payload), headers=headers, extra_options=options)


def _no_auth(*_credentials: object) -> None:
    """The token travels in a header of ours; there is no user."""
