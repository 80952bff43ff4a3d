"""An ERP of a few lines behind the transport's seam: it records what was asked and answers by script."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from customer_sync.errors import SyncError
from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import Headers, HttpRequest, HttpResponse
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.settings import AcumaticaSettings

Answer = HttpResponse | SyncError
Answering = Callable[[HttpRequest], Answer]


def reply(status: int = 200, body: Any = b"", **headers: str) -> HttpResponse:
    """Make an answer; a body that is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"{name.replace('_', '-')}: {line}".encode() for name, value in headers.items() for line in value.split("\n")
    ]
    return HttpResponse(status, Headers(lines), raw)


class ScriptedErp:
    """A transport that signs anyone in and lets the test answer everything else."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.answering: Answering = lambda _: reply(200, [])
        self.sign_in: Answering = lambda _: reply(204, Set_Cookie=".ASPXAUTH=a1; path=/; HttpOnly\nCompanyID=X; path=/")
        self.sign_out: Answering = lambda _: reply(204)
        self.closed = 0

    def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        answering = {"/entity/auth/login": self.sign_in, "/entity/auth/logout": self.sign_out}.get(
            request.path, self.answering
        )
        answer = answering(request)
        if isinstance(answer, SyncError):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1

    def paths(self) -> list[str]:
        """Method and last part of the path of every request, in order."""
        return [f"{request.method} {request.path.rsplit('/', 1)[-1]}" for request in self.requests]

    def then(self, *answers: Answer) -> None:
        """Answer so, one after the other; the last one stays."""
        left = list(answers)
        self.answering = lambda _: left.pop(0) if len(left) > 1 else left[0]


@pytest.fixture
def make_reply() -> Callable[..., HttpResponse]:
    """Give the maker of answers."""
    return reply


@pytest.fixture
def erp() -> ScriptedErp:
    """Give an ERP of one's own to each test."""
    return ScriptedErp()


@pytest.fixture
def slept_s() -> list[float]:
    """Collect the pauses of the client."""
    return []


@pytest.fixture
def make_client(erp: ScriptedErp, slept_s: list[float]) -> Callable[..., AcumaticaClient]:
    """Make clients of the scripted ERP that never really wait."""

    def make(tokens: Any = None, **settings: Any) -> AcumaticaClient:
        now_s = [0.0]

        def sleep(seconds: float) -> None:
            slept_s.append(seconds)
            now_s[0] += seconds

        known = {"username": "admin", "password": "s3cret-pw"}
        return AcumaticaClient(
            erp,
            AcumaticaSettings(**(known | settings)),
            pacer=Pacer(0),
            retry=RetryPolicy(attempts=3, sleep=sleep, clock=lambda: now_s[0], rng=lambda: 0.5),
            tokens=tokens,
        )

    return make
