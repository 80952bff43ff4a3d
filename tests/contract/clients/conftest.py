"""Both twins over real HTTP and our clients in front of them; a pause moves the twin's clock instead of waiting."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import HttpSettings
from customer_sync.settings.system_rules import StoreRules
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.settings import BetterB2BSettings
from sandbox.server import running_acumatica, running_better_b2b


class Control:
    """A twin's control plane."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Make one control call, which must succeed."""
        raw = None if body is None else json.dumps(body)
        answer = self._pool.request(method, f"{self.url}/_sandbox/{path}", body=raw)
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def switch(self, **values: Any) -> None:
        """Set switches."""
        self.ask("PUT", "settings", values)

    def fault(self, effect: str, **details: Any) -> None:
        """Put one fault in force."""
        self.ask("PUT", "faults", [{"effect": effect, **details}])

    def advance(self, seconds: float) -> None:
        """Let the twin's time pass."""
        self.ask("PUT", "clock", {"advance_s": seconds})

    def calls(self, method: str = "", path: str = "") -> list[Any]:
        """Return what clients sent."""
        found = self.ask("GET", f"calls?method={method}&path={path}" if method or path else "calls")
        rows = found["calls"] if isinstance(found, dict) else found
        assert isinstance(rows, list)
        return rows

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


@pytest.fixture(scope="module")
def erp_twin() -> Iterator[Control]:
    """Run the ERP's twin for the tests of one module."""
    with running_acumatica(customers=120, seed=1) as twin:
        control = Control(twin.url)
        yield control
        control.close()


@pytest.fixture(scope="module")
def store_twin() -> Iterator[Control]:
    """Run the store's twin for the tests of one module."""
    with running_better_b2b(seed=1) as twin:
        control = Control(twin.url)
        yield control
        control.close()


@pytest.fixture
def erp(erp_twin: Control) -> Control:
    """Give the ERP's twin as seeded."""
    erp_twin.ask("POST", "reset")
    return erp_twin


@pytest.fixture
def store(store_twin: Control) -> Control:
    """Give the store's twin as seeded."""
    store_twin.ask("POST", "reset")
    return store_twin


@pytest.fixture
def make_erp_client(erp: Control) -> Iterator[Callable[..., AcumaticaClient]]:
    """Make clients of the ERP's twin."""
    opened: list[AcumaticaClient] = []

    def make(*, read_timeout_s: float = 5.0, attempts: int = 4, **settings: Any) -> AcumaticaClient:
        known = {"username": "admin", "password": "sandbox", "tenant": "Sandbox", "endpoint_name": "KNCommerce"}
        now_s = [0.0]

        def sleep(seconds: float) -> None:
            now_s[0] += seconds
            erp.advance(seconds)

        client = AcumaticaClient(
            CurlTransport(HttpSettings(erp.url)),
            AcumaticaSettings(**(known | {"read_timeout_s": read_timeout_s, "page_size": 50} | settings)),
            pacer=Pacer(0),
            retry=RetryPolicy(attempts=attempts, sleep=sleep, clock=lambda: now_s[0]),
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def make_store_client(store: Control) -> Iterator[Callable[..., BetterB2BTarget]]:
    """Make clients of the store's twin whose waiting moves the twin's clock."""
    opened: list[BetterB2BTarget] = []

    def make(*, share: float = 1.0, **settings: Any) -> BetterB2BTarget:
        now_s = [0.0]

        def sleep(seconds: float) -> None:
            now_s[0] += seconds
            store.advance(seconds)

        known: dict[str, Any] = {
            "token": "sandbox-token",
            "store_hash": "sandbox",
            "read_timeout_s": 5.0,
            "longest_work_s": 0.05,
        }
        rules = StoreRules(
            key_field="Acumatica Customer ID",
            share=share,
            requests_per_minute=settings.pop("requests_per_minute", 120),
            catalog_id=settings.pop("catalog_id", None),
        )
        ours = BetterB2BSettings(**(known | settings), rules=rules)
        client = BetterB2BTarget(
            CurlTransport(HttpSettings(store.url)),
            ours,
            pacer=Pacer(rules.requests_per_minute, share=share, clock=lambda: now_s[0], sleep=sleep),
            retry=RetryPolicy(total_s=600, sleep=sleep, clock=lambda: now_s[0]),
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def make_limited_client(store: Control) -> Iterator[Callable[..., tuple[BetterB2BTarget, Callable[[], float]]]]:
    """Make clients of a store with 150 requests a minute whose clock stands still but for the client's waiting."""
    opened: list[BetterB2BTarget] = []

    def make(share: float) -> tuple[BetterB2BTarget, Callable[[], float]]:
        now_s = [0.0]

        def sleep(seconds: float) -> None:
            now_s[0] += seconds
            store.advance(seconds)

        def clock() -> float:
            return now_s[0]

        store.switch(requests_per_minute=150)
        store.ask("PUT", "clock", {"freeze": True})
        client = BetterB2BTarget(
            CurlTransport(HttpSettings(store.url)),
            BetterB2BSettings("sandbox-token", "sandbox", rules=StoreRules(key_field="Acumatica Customer ID")),
            pacer=Pacer(120, share=share, clock=clock, sleep=sleep),
            retry=RetryPolicy(total_s=600, sleep=sleep, clock=clock),
        )
        opened.append(client)
        return client, clock

    yield make
    for client in opened:
        client.close()
