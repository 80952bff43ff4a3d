"""Airflow's api-server with the plugins of this project, on a free port of the loopback address."""

import importlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import uvicorn


class ApiServer(requests.Session):
    """A session whose addresses are those of one api-server, signed in as its administrator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.trust_env = False  # no proxy stands between us and the loopback address

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request to a path of the server."""
        kwargs.setdefault("timeout", 60)
        return super().request(method, f"{self.url}{url!s}", *args, **kwargs)


@contextmanager
def running_api_server(**environment: str) -> Iterator[ApiServer]:
    """Run it in a thread; everyone is an administrator.

    Args:
        environment: Further variables of Airflow.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "0" * 64)
        for name, value in environment.items():
            patch.setenv(name, value)
        app = importlib.import_module("airflow.api_fastapi.app").create_app(apps="core")
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        thread = threading.Thread(target=server.run, name="api-server")
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the api-server did not start"
                time.sleep(0.02)
            port = server.servers[0].sockets[0].getsockname()[1]
            with ApiServer(f"http://127.0.0.1:{port}") as session:
                session.headers["Authorization"] = f"Bearer {session.get('/auth/token').json()['access_token']}"
                yield session
        finally:
            server.should_exit = True
            thread.join()
