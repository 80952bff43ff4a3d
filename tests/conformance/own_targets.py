"""The project's own targets under test: the in-memory store, and Better B2B over its twin."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import HttpSettings
from customer_sync.model.company import CompanyStatus
from customer_sync.model.operation import Action
from customer_sync.settings.system_rules import StoreRules
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.settings import BetterB2BSettings
from customer_sync.targets.port import ActionCost, Target
from sandbox.server import running_better_b2b
from tests.adapters.in_memory_target import InMemoryStore, InMemoryTarget
from tests.adapters.store_rules import KEY_FIELD
from tests.conformance.harness import TargetFactory, TargetUnderTest

PLAIN_EXTRA_FIELD = "Price Level"


@dataclass
class TurnedClock:
    """A clock that tests turn on, Unix seconds."""

    ahead_s: int = 0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class InMemoryTargetUnderTest:
    """One in-memory store."""

    store: InMemoryStore
    clock: TurnedClock
    key_field: str = KEY_FIELD
    plain_extra_field: str = PLAIN_EXTRA_FIELD

    def make(self) -> Target:
        return InMemoryTarget(self.store)

    def now_s(self) -> int:
        return int(self.clock())

    def pass_time(self, seconds: int) -> None:
        self.clock.ahead_s += seconds


@contextmanager
def in_memory() -> Iterator[TargetUnderTest]:
    """As the documents describe the store."""
    clock = TurnedClock()
    yield InMemoryTargetUnderTest(InMemoryStore(clock), clock)


@contextmanager
def in_memory_single() -> Iterator[TargetUnderTest]:
    """A store that takes all singly, keeps no key unique, and lets new companies wait for approval."""
    clock = TurnedClock()
    keys = {KEY_FIELD: False, PLAIN_EXTRA_FIELD: False}
    store = InMemoryStore(clock, status_of_new=CompanyStatus.PENDING, costs={}, extra_fields=keys)
    yield InMemoryTargetUnderTest(store, clock)


@contextmanager
def in_memory_bulk() -> Iterator[TargetUnderTest]:
    """A store whose bulk requests are the other way round, and do not say which id belongs to which row."""
    clock = TurnedClock()
    costs = {
        Action.CREATE_COMPANY: ActionCost(3, is_atomic=True),
        Action.UPDATE_COMPANY: ActionCost(3, is_atomic=True),
        Action.CREATE_USER: ActionCost(4, is_atomic=False),
        Action.UPDATE_USER: ActionCost(4, is_atomic=False),
        Action.CREATE_ADDRESS: ActionCost(4, is_atomic=False),
        Action.DELETE_ADDRESS: ActionCost(4, is_atomic=True),
    }
    yield InMemoryTargetUnderTest(InMemoryStore(clock, tells_ids=False, costs=costs), clock)


@dataclass
class BetterB2BUnderTest:
    """Better B2B's adapter over the store's twin."""

    url: str
    key_field: str = KEY_FIELD
    plain_extra_field: str = PLAIN_EXTRA_FIELD
    settings: BetterB2BSettings = field(
        default_factory=lambda: BetterB2BSettings(
            token="sandbox-token",
            store_hash="sandbox",
            rules=StoreRules(key_field=KEY_FIELD),
            rate_limit_wait_s=0.1,
            read_timeout_s=10.0,
            longest_work_s=0.1,
        )
    )

    def make(self) -> Target:
        transport = CurlTransport(HttpSettings(base_url=self.url))
        quick = RetryPolicy(attempts=3, total_s=5.0, first_delay_s=0.01, rng=lambda: 0.0)
        return BetterB2BTarget(transport, self.settings, pacer=Pacer(0, share=1.0), retry=quick)

    def now_s(self) -> int:
        now_utc: str = self.control("GET", "clock")["now_utc"]
        return int(datetime.fromisoformat(now_utc).timestamp())

    def pass_time(self, seconds: int) -> None:
        self.control("PUT", "clock", {"advance_s": seconds})

    def control(self, method: str, what: str, body: Any = None) -> Any:
        """One request to the twin's control plane."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sandbox/{what}", data=data, method=method, headers=headers)  # noqa: S310 - a twin's address
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - a twin's address
            content = answer.read()
        return json.loads(content) if content else None


@contextmanager
def better_b2b() -> Iterator[TargetUnderTest]:
    """As the twin behaves by default."""
    with _better_b2b() as under_test:
        yield under_test


@contextmanager
def _better_b2b(**switches: Any) -> Iterator[BetterB2BUnderTest]:
    with running_better_b2b() as twin:
        under_test = BetterB2BUnderTest(twin.url)
        under_test.control("PUT", "settings", {"requests_per_minute": 0, **switches})
        under_test.control("POST", "seed", {"extra_fields": {"companies": [{"fieldName": PLAIN_EXTRA_FIELD}]}})
        yield under_test


@contextmanager
def better_b2b_as_documented() -> Iterator[TargetUnderTest]:
    """With the vendor's own example of a bulk answer, and companies that wait for approval."""
    with _better_b2b(bulk_as_documented=True, auto_approve=False) as under_test:
        yield under_test


TARGETS: Mapping[str, TargetFactory] = {
    "in_memory": in_memory,
    "in_memory_single": in_memory_single,
    "in_memory_bulk": in_memory_bulk,
    "better_b2b": better_b2b,
    "better_b2b_as_documented": better_b2b_as_documented,
}
"""Name -> harness. Those that need a server do not begin with ``in_memory``."""
