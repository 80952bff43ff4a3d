"""A store of a few lines behind the transport's seam: it records what was asked and answers by script."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from customer_sync.errors import SyncError
from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import Headers, HttpRequest, HttpResponse
from customer_sync.settings.system_rules import StoreRules
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.settings import BetterB2BSettings

Answer = HttpResponse | SyncError

RULES = StoreRules(key_field="Acumatica Customer ID")


def reply(status: int = 200, body: Any = b"", **headers: str) -> HttpResponse:
    """Make an answer; a body that is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{name.replace('_', '-')}: {value}".encode() for name, value in headers.items()]
    return HttpResponse(status, Headers(lines), raw)


def envelope(data: Any, *, total: int | None = None, code: int = 200, **meta: Any) -> dict[str, Any]:
    """Make a success envelope."""
    paging = {} if total is None else {"pagination": {"totalCount": total, "limit": 100, "offset": 0}}
    return {"code": code, "data": data, "meta": {"message": "SUCCESS", **paging, **meta}}


class ScriptedStore:
    """A transport that lets the test answer."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.answering: Callable[[HttpRequest], Answer] = lambda _: reply(200, envelope({}))
        self._lock = threading.Lock()

    def send(self, request: HttpRequest) -> HttpResponse:
        with self._lock:
            self.requests.append(request)
        answer = self.answering(request)
        if isinstance(answer, SyncError):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing is open."""

    def then(self, *answers: Answer) -> None:
        """Answer so, one after the other; the last one stays."""
        left = list(answers)
        self.answering = lambda _: left.pop(0) if len(left) > 1 else left[0]

    def sent(self) -> list[tuple[str, str, Any]]:
        """Method, path below the prefix and decoded body of every request, in order."""
        return [
            (request.method, request.path.removeprefix("/api/v3/io"), json.loads(request.body or b"null"))
            for request in self.requests
        ]


@pytest.fixture
def make_reply() -> Callable[..., HttpResponse]:
    """Give the maker of answers."""
    return reply


@pytest.fixture
def make_envelope() -> Callable[..., dict[str, Any]]:
    """Give the maker of envelopes."""
    return envelope


@pytest.fixture
def store() -> ScriptedStore:
    """Give a store of one's own to each test."""
    return ScriptedStore()


@pytest.fixture
def slept_s() -> list[float]:
    """Collect the pauses of the client."""
    return []


@pytest.fixture
def make_client(store: ScriptedStore, slept_s: list[float]) -> Callable[..., BetterB2BTarget]:
    """Make clients of the scripted store that never really wait."""

    def make(**settings: Any) -> BetterB2BTarget:
        now_s = [0.0]

        def pass_time(seconds: float) -> None:
            now_s[0] += seconds

        def sleep(seconds: float) -> None:
            slept_s.append(seconds)
            pass_time(seconds)

        def clock() -> float:
            return now_s[0]

        return BetterB2BTarget(
            store,
            BetterB2BSettings(**({"token": "s3cret-token", "store_hash": "sandbox", "rules": RULES} | settings)),  # type: ignore[arg-type] # any of its fields
            pacer=Pacer(6_000, clock=clock, sleep=pass_time),
            retry=RetryPolicy(attempts=3, total_s=600, sleep=sleep, clock=clock, rng=lambda: 0.5),
        )

    return make
