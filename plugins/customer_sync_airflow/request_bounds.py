"""What a request may take of the api-server that our routes share with Airflow: ASGI middlewares of our apps.

Airflow's own synchronous routes run on the same few threads (40 by default) as ours. A thread of ours that waits for a
ledger, and be it for seconds, would be missing there; so only some requests of ours are at work at once, and the rest
wait without a thread. A body is read before anybody knows who sent it; so it is bounded, in bytes and in time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.responses import JSONResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_BYTES_MAX: Final = 65_536
"""Far more than a form or an action of the pages needs."""

_BODY_S: Final = 15.0
_QUEUE_S: Final = 5.0
_READER_S: Final = 60.0


class BoundedBody:
    """Reads a request's body whole before anything else sees the request, and refuses what is odd in its address.

    Args:
        app: What stands behind it.
        most_bytes: Longest body, in bytes; a longer one is answered with 413.
        within_s: Longest time for it, in seconds; a slower one is answered with 408.
    """

    def __init__(self, app: App, *, most_bytes: int = BODY_BYTES_MAX, within_s: float = _BODY_S) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # PostgreSQL cannot hold it, so nothing that could be found has one.
        if b"%00" in scope["query_string"]:
            await _refuse(scope, receive, send, 400, "The address holds a character that nothing can have.")
            return
        try:
            async with asyncio.timeout(self._within_s):
                body = await _read(receive, self._most_bytes)
        except TimeoutError:
            await _refuse(scope, receive, send, 408, f"The body did not come within {self._within_s:.0f} s.")
            return
        if body is None:
            await _refuse(scope, receive, send, 413, f"A body has at most {self._most_bytes} bytes here.")
            return
        await self._app(scope, _replay(body, receive), send)


@dataclass(frozen=True)
class Lane:
    """Requests that share a number of places.

    Attributes:
        path: Pattern that is searched for in the path; the first lane that fits is the request's.
        places: Requests at work at once.
        what: Their name, in the sentence for one who finds no place.
    """

    path: str
    places: int
    what: str = "requests"
    free: asyncio.Semaphore = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "free", asyncio.Semaphore(self.places))


class BoundedWork:
    """Lets some requests work at once; the others wait for a place without holding a thread, and not for long.

    Args:
        app: What stands behind it.
        lanes: The places, by kind of request.
        queue_s: Longest wait for a place, in seconds; then the answer is 503.
        reader_s: Longest time in which a client takes nothing of an answer, in seconds; then it is given up.
    """

    def __init__(
        self, app: App, *, lanes: Sequence[Lane], queue_s: float = _QUEUE_S, reader_s: float = _READER_S
    ) -> None:
        self._app = app
        self._lanes = lanes
        self._queue_s = queue_s
        self._reader_s = reader_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        lane = self._lane_of(scope["path"]) if scope["type"] == "http" else None
        if lane is None:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._queue_s):
                await lane.free.acquire()
        except TimeoutError:
            sentence = f"{lane.places} {lane.what} are at work on this server already: try again in a moment."
            await _refuse(scope, receive, send, 503, sentence, {"Retry-After": "10"})
            return
        try:
            await self._answer(scope, receive, send)
        finally:
            lane.free.release()

    def _lane_of(self, path: str) -> Lane | None:
        return next((lane for lane in self._lanes if re.search(lane.path, path)), None)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        gave_up = False

        async def send_in_time(message: Message) -> None:
            nonlocal gave_up
            try:
                async with asyncio.timeout(self._reader_s):
                    await send(message)
            except TimeoutError:
                gave_up = True
                raise

        try:
            await self._app(scope, receive, send_in_time)
        except Exception:
            # The server closes the connection of an answer that is not whole.
            if not gave_up:
                raise


async def _read(receive: Receive, most: int) -> bytes | None:
    """The body; ``None`` as soon as it is too long."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if message["type"] != "http.request" or not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return first.pop() if first else await receive()

    return receive_again


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: int, sentence: str, headers: dict[str, str] | None = None
) -> None:
    await JSONResponse({"detail": sentence}, status, headers=headers)(scope, receive, send)
