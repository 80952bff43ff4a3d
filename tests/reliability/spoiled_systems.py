"""Transports in memory that give one spoiled answer among good ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import Headers, HttpRequest, HttpResponse
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.settings import BetterB2BSettings
from tests.reliability.mutations import encoded

_LOGIN_HEADERS = Headers([b"Set-Cookie: .ASPXAUTH=a1; path=/"])
_MANY = 300
_ASKED_CONTACT = re.compile(r"^ContactID eq (.+)$")


class Unending(AssertionError):
    """A client asks again and again."""


class SpoiledErp:
    """An ERP that shows the same rows whatever is asked; one entity's body and status may be spoiled.

    Args:
        rows: Entity -> its rows.
        spoiled: Entity -> the answer to give instead.
    """

    def __init__(self, rows: Mapping[str, list[Any]], spoiled: Mapping[str, HttpResponse]) -> None:
        self._rows = rows
        self._spoiled = spoiled
        self._asked = 0

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        self._asked += 1
        if self._asked > _MANY:
            raise Unending(f"more than {_MANY} requests")
        name = request.path.rsplit("/", 1)[-1]
        if name in {"login", "logout"}:
            return HttpResponse(204, _LOGIN_HEADERS)
        asked = _ASKED_CONTACT.match(dict(request.query).get("$filter", ""))
        if asked:
            found = [row for row in self._rows["Contact"] if str(row["ContactID"]["value"]) == asked[1]]
            return HttpResponse(200, body=encoded(found))
        if name == "Login.aspx":
            return HttpResponse(200, body=b'<input type="hidden" id="txtSingleCompany" value="Sandbox">')
        if name not in self._rows:
            entity = request.path.rsplit("/", 2)[-2]
            rows = [row for row in self._rows[entity] if isinstance(row, dict) and str(row.get("id")) == name]
            return self._spoiled.get(entity) or HttpResponse(200, body=encoded(rows[0] if rows else {}))
        return self._spoiled.get(name) or HttpResponse(200, body=encoded(self._rows[name]))

    def close(self) -> None:
        """Nothing is open."""


class SpoiledStore:
    """A store that gives one answer to the first request, and to further pages an empty one."""

    def __init__(self, answer: HttpResponse) -> None:
        self._answer = answer
        self._asked = 0

    def send(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        self._asked += 1
        if self._asked > _MANY:
            raise Unending(f"more than {_MANY} requests")
        if dict(request.query).get("offset", "0") != "0":
            return HttpResponse(200, body=b'{"code":200,"data":[],"meta":{"pagination":{"totalCount":0}}}')
        return self._answer

    def close(self) -> None:
        """Nothing is open."""


class Recorder:
    """A transport that keeps what passes: last part of path, or ``METHOD path`` of the store, -> decoded body."""

    def __init__(self, transport: Any, kept: dict[str, Any], name: Callable[[HttpRequest], str]) -> None:
        self._transport = transport
        self._kept = kept
        self._name = name

    def send(self, request: HttpRequest) -> HttpResponse:
        """Pass on and keep a JSON answer, the longest of each name."""
        answer: HttpResponse = self._transport.send(request)
        if answer.status == 200 and answer.body[:1] in b"[{":
            name = self._name(request)
            if len(answer.body) > len(encoded(self._kept.get(name))):
                self._kept[name] = json.loads(answer.body)
        return answer

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()


class _Clock:
    """Seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += max(seconds, 0.001)

    def patience(self) -> RetryPolicy:
        return RetryPolicy(attempts=2, total_s=100.0, sleep=self.sleep, clock=self, rng=Random(1).random)


def erp_client(transport: SpoiledErp) -> AcumaticaClient:
    """A client that never really waits."""
    clock = _Clock()
    settings = AcumaticaSettings(username="admin", password="s3cret-pw", tenant="Sandbox")
    pacer = Pacer(0, clock=clock, sleep=clock.sleep)
    return AcumaticaClient(transport, settings, pacer=pacer, retry=clock.patience())


def store_client(transport: SpoiledStore) -> BetterB2BTarget:
    """A client that never really waits."""
    clock = _Clock()
    pacer = Pacer(0, clock=clock, sleep=clock.sleep)
    settings = BetterB2BSettings(token="t", store_hash="s")
    return BetterB2BTarget(transport, settings, pacer=pacer, retry=clock.patience())
