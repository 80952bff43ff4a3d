"""A running twin for every test, and a client that speaks plain HTTP to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from sandbox.server import RunningTwin, running_acumatica

DEFAULT = "/entity/Default/24.200.001"
EXTENDED = "/entity/KNCommerce/24.200.001"
CUSTOMERS = 60


@dataclass
class Erp:
    """A client of one site; every request has a time limit and follows no redirect."""

    url: str
    http: requests.Session = field(default_factory=requests.Session)
    default: str = DEFAULT
    extended: str = EXTENDED

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 30)
        options.setdefault("allow_redirects", False)
        return self.http.request(method, self.url + path, **options)

    def get(self, path: str, params: dict[str, Any] | None = None, **options: Any) -> requests.Response:
        return self.request("GET", path, params=params, **options)

    def put(self, path: str, body: Any, **options: Any) -> requests.Response:
        return self.request("PUT", path, json=body, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.request("POST", path, json=body, **options)

    def login(self, **values: Any) -> requests.Response:
        credentials = {"name": "admin", "password": "sandbox", "tenant": "Sandbox", **values}
        return self.post("/entity/auth/login", {k: v for k, v in credentials.items() if v is not None})

    def logout(self) -> requests.Response:
        return self.request("POST", "/entity/auth/logout", headers={"Content-Length": "0"})

    def token(self, **values: str) -> requests.Response:
        form = {
            "grant_type": "password",
            "client_id": "3f6d2c1a-8a5e-4d0b-9c7e-2b1f0a9d8e7c@Sandbox",
            "client_secret": "sandbox-secret",
            "username": "admin",
            "password": "sandbox",
            "scope": "api",
            **values,
        }
        return self.request("POST", "/identity/connect/token", data=form)

    def settings(self, **values: Any) -> None:
        self.control("PUT", "settings", values)

    def advance(self, seconds: float) -> None:
        self.control("PUT", "clock", {"advance_s": seconds})

    def control(self, method: str, name: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_sandbox/{name}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def another(self) -> Erp:
        """Another client of the same site, with its own cookies."""
        return Erp(self.url)

    def customer(self, key: str, **params: str) -> dict[str, Any]:
        answer = self.get(f"{EXTENDED}/Customer/{key}", params={f"${name}": value for name, value in params.items()})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ids(self, entity: str, key: str, text: str, **params: Any) -> list[Any]:
        """The keys of a list under a filter."""
        query = {"$filter": text, **{f"${name}": value for name, value in params.items()}}
        answer = self.get(f"{EXTENDED}/{entity}", params=query)
        assert answer.status_code == 200, answer.text
        return [row[key]["value"] for row in answer.json()]


@pytest.fixture(scope="session")
def shared_twin() -> Iterator[RunningTwin]:
    """One twin for the whole run; starting one per test would be most of the time."""
    with running_acumatica(customers=CUSTOMERS, seed=1) as running:
        yield running


@pytest.fixture
def twin(shared_twin: RunningTwin) -> RunningTwin:
    """The ERP's twin with sixty customers, seed 1, as new: a reset clears everything that a test can change."""
    Erp(shared_twin.url).control("POST", "reset")
    return shared_twin


@pytest.fixture
def erp(twin: RunningTwin) -> Iterator[Erp]:
    """A client that is signed in."""
    client = Erp(twin.url)
    assert client.login().status_code == 204
    with client.http:
        yield client


@pytest.fixture
def stranger(twin: RunningTwin) -> Iterator[Erp]:
    """A client that is not signed in."""
    client = Erp(twin.url)
    with client.http:
        yield client


# The read-only part of the suite runs against a real site as well, when one is named; what writes does so only where
# a customer is named that may be changed.
_LIVE = [pytest.param("live", marks=pytest.mark.live)] if os.environ.get("LIVE_ACUMATICA_URL") else []
_SITES = ["twin", *_LIVE]
_WRITABLE_SITES = ["twin", *(_LIVE if os.environ.get("LIVE_ACUMATICA_WRITABLE_CUSTOMER") else [])]


@pytest.fixture(params=_SITES)
def site(request: pytest.FixtureRequest) -> Iterator[Erp]:
    """A signed-in client of the twin, and of the real site in LIVE_ACUMATICA_URL (read only)."""
    yield from _opened(request)


@pytest.fixture(params=_WRITABLE_SITES)
def writable_site(request: pytest.FixtureRequest) -> Iterator[Erp]:
    """As `site`, and with leave to change one customer."""
    yield from _opened(request)


@pytest.fixture
def writable_customer(writable_site: Erp) -> str:
    """The customer that may be changed."""
    is_twin = writable_site.url.startswith("http://127.0.0.1:")
    return "C000001" if is_twin else os.environ["LIVE_ACUMATICA_WRITABLE_CUSTOMER"]


def _opened(request: pytest.FixtureRequest) -> Iterator[Erp]:
    if request.param == "twin":
        client: Erp = request.getfixturevalue("erp")
        yield client
        return
    endpoint = os.environ.get("LIVE_ACUMATICA_ENDPOINT", "Default/24.200.001")
    client = Erp(os.environ["LIVE_ACUMATICA_URL"].rstrip("/"), default=f"/entity/{endpoint}")
    answer = client.login(
        name=os.environ["LIVE_ACUMATICA_USER"],
        password=os.environ["LIVE_ACUMATICA_PASSWORD"],
        tenant=os.environ.get("LIVE_ACUMATICA_TENANT"),
    )
    assert answer.status_code == 204, answer.text
    try:
        yield client
    finally:
        client.logout()


@pytest.fixture
def start_twin() -> Iterator[Callable[..., Erp]]:
    """Starts further twins with options of their own; all are stopped at the end."""
    open_twins: list[Any] = []

    def start(**options: Any) -> Erp:
        context = running_acumatica(**{"customers": CUSTOMERS, "seed": 1, **options})
        running = context.__enter__()
        open_twins.append(context)
        return Erp(running.url)

    yield start
    for context in reversed(open_twins):
        context.__exit__(None, None, None)
