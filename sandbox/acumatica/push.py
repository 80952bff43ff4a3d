"""Push notifications to a webhook: at least once, at most five sends, all its known faults on order.

Source: docs/api/acumatica.md#push.
"""

from __future__ import annotations

import asyncio
import contextlib
import urllib.error
import urllib.request
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.acumatica.rows import Customer, Record, stamp_text
from sandbox.exchange import Call, to_json

if TYPE_CHECKING:
    from sandbox.acumatica.writing import Change
    from sandbox.clock import Clock
    from sandbox.faults import FaultList
    from sandbox.settings import Settings

MAX_SENDS = 5
EFFECTS = ("drop", "duplicate", "reorder", "split")
_SEND_TIMEOUT_S = 10.0
_HOLD_S = 0.5
_TICKS_OF_1970 = 621_355_968_000_000_000


def push_columns(record: Record) -> dict[str, Any]:
    """The columns of the pushed inquiry, as plain values."""
    if not isinstance(record, Customer):
        return {}
    stamp = stamp_text(record.modified_ms).partition("+")[0]
    return {"CustomerID": record.key, "CustomerName": record.get("CustomerName"), "LastModified": stamp}


class Push:
    """Sends what changed on customers to the webhook in `push_url`.

    Attributes:
        sent: Messages that the webhook took.
        failed: Messages given up after five sends.
    """

    def __init__(self, clock: Clock, settings: Settings, company: str) -> None:
        self._clock = clock
        self._settings = settings
        self._company = company
        self._queue: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self._last_ticks = 0
        self.faults: FaultList | None = None
        self.sent: list[dict[str, Any]] = []
        self.failed: list[dict[str, Any]] = []

    def changed(self, change: Change) -> None:
        """Queue the messages for a saved or deleted customer."""
        if not self._settings["push_url"] or change.entity != "Customer":
            return
        old = [change.before] if change.before is not None else []
        new = [] if change.is_deleted else [push_columns(change.record)]
        whole = self._message(new, old)
        effects = self._effects(whole)
        if "drop" in effects:
            return
        messages = [whole]
        if "split" in effects and old and new:
            messages = [self._message([], old), self._message(new, [])]
        for message in messages:
            for _ in range(2 if "duplicate" in effects else 1):
                self._queue.append({"body": message, "is_late": "reorder" in effects})
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled."""
        held: dict[str, Any] | None = None
        while True:
            if not self._queue:
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _HOLD_S if held else None)
            if not self._queue:
                if held is not None:
                    await self._send(held["body"])
                held = None
                continue
            message = self._queue.popleft()
            if message["is_late"] and held is None:
                held = message
                continue
            await self._send(message["body"])
            if held is not None:
                await self._send(held["body"])
                held = None

    def clear(self) -> None:
        """Forget queue and history."""
        self._queue.clear()
        self.sent.clear()
        self.failed.clear()

    def _message(self, inserted: list[dict[str, Any]], deleted: list[dict[str, Any]]) -> dict[str, Any]:
        ticks = _TICKS_OF_1970 + int(self._clock.now_s() * 10_000_000)
        self._last_ticks = max(ticks, self._last_ticks + 1)
        return {
            "Inserted": inserted,
            "Deleted": deleted,
            "Query": self._settings["push_query"],
            "CompanyId": self._company,
            "Id": str(uuid.uuid4()),
            "TimeStamp": self._last_ticks,
            "AdditionalInfo": {},
        }

    def _effects(self, message: dict[str, Any]) -> set[str]:
        effects = {effect for effect in EFFECTS if self._settings[f"push_{effect}"]}
        if self.faults is not None:
            path = urlsplit(self._settings["push_url"]).path
            call = Call("POST", path, path, "", {}, to_json(message))
            fault = self.faults.pick_for_message(call)
            if fault is not None:
                effects.add(fault.effect.removeprefix("push_"))
        return effects

    async def _send(self, message: dict[str, Any]) -> None:
        for attempt in range(MAX_SENDS):
            url = self._settings["push_url"]
            if not url:
                return
            if attempt:
                await asyncio.sleep(self._settings["push_retry_seconds"])
            name, value = self._settings["push_header_name"], self._settings["push_header_value"]
            headers = {"Content-Type": "application/json", **({name: value} if name else {})}
            if await asyncio.to_thread(_is_taken, url, to_json(message), headers):
                self.sent.append(message)
                return
        self.failed.append(message)


def _is_taken(url: str, body: bytes, headers: dict[str, str]) -> bool:
    """One send; anything but a 2xx is a failure."""
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  # the operator's own webhook
    try:
        with urllib.request.urlopen(request, timeout=_SEND_TIMEOUT_S) as answer:  # noqa: S310  # the same
            return bool(200 <= answer.status < 300)  # noqa: PLR2004  # success
    except (urllib.error.URLError, OSError, ValueError):
        return False
