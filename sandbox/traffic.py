"""The ASGI application around a twin: reads calls, lays faults over them, sends answers, keeps the log.

Plain ASGI, not a framework: this code runs for every request of a benchmark, and faults need the socket itself.
`TwinHttpProtocol` hands it the transport, because ASGI has no word for cutting a connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from email.utils import formatdate
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.exchange import HTML_TYPE, Answer, Call
from sandbox.faults import FaultDefinition

if TYPE_CHECKING:
    from sandbox.calls import CallLog
    from sandbox.clock import Clock
    from sandbox.control import Control
    from sandbox.faults import Fault, FaultList
    from sandbox.twin import Twin

CONTROL_PREFIX = "/_sandbox"
_TRANSPORT = "sandbox.transport"
_GATEWAY_PAGE = b"<html><head><title>Service error</title></head><body><h1>Service error</h1></body></html>"
_LOSS_NOTICED_S = 5.0
_LINGER_NONE = struct.pack("ii", 1, 0)  # close sends RST, as a peer that died does


class TwinHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that leaves its transport in the scope."""

    def on_message_begin(self) -> None:
        """Start a request, and note on which connection it came."""
        super().on_message_begin()
        self.scope["state"][_TRANSPORT] = self.transport


class Delivery(Enum):
    """How an answer travels."""

    WHOLE = "whole"
    SLOW = "slow"
    CUT = "cut"
    NONE = "none"


class Traffic:
    """The application that uvicorn serves for one twin."""

    def __init__(self, twin: Twin, clock: Clock, calls: CallLog, faults: FaultList, control: Control) -> None:
        self._twin = twin
        self._clock = clock
        self._calls = calls
        self._faults = faults
        self._control = control

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI connection scope."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        body = await _whole_body(receive)
        if body is None:
            return
        call = _call_of(scope, body)
        if call.path.startswith(CONTROL_PREFIX):
            await _send_whole(send, self._control.respond(call), call.method)
            return
        await self._serve(call, scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await self._twin.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._twin.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, call: Call, scope: Any, receive: Any, send: Any) -> None:
        began = time.perf_counter()
        at_s = self._clock.now_s()
        fault = self._faults.pick(call)
        if fault is None:
            answer, delivery = await self._twin.respond(call), Delivery.WHOLE
        else:
            answer, delivery = await self._under(fault, call, receive, scope["state"][_TRANSPORT])
        # A server's date and its stamps come from one clock.
        answer.headers.append(("date", formatdate(self._clock.now_s(), usegmt=True)))
        if not answer.status:
            delivery = Delivery.NONE  # a twin that wants the connection cut answers with status 0
        self._calls.record(
            call,
            status=None if delivery is Delivery.NONE else answer.status,
            duration_ms=(time.perf_counter() - began) * 1000,
            answer=answer.body,
            fault=fault.effect if fault else None,
            at_s=at_s,
        )
        if delivery is Delivery.WHOLE:
            await _send_whole(send, answer, call.method)
        else:
            order = fault.definition if fault is not None else FaultDefinition("connection_reset")
            await _send_disturbed(answer, delivery, order, scope["state"][_TRANSPORT], send)
            if delivery in (Delivery.CUT, Delivery.NONE):
                # Only when the loss has been noticed is the call over; uvicorn would complain before that.
                await _until_gone(receive, _LOSS_NOTICED_S)

    async def _under(
        self, fault: Fault, call: Call, receive: Any, transport: asyncio.Transport
    ) -> tuple[Answer, Delivery]:
        """The call as it goes under a fault: the answer, and how it is to travel."""
        if fault.effect == "hang":
            await _until_gone(receive, fault.definition.max_s)
        if fault.effect in ("hang", "connection_reset"):
            return Answer(0), Delivery.NONE
        refusal = self._refusal(fault)
        if refusal is not None:
            return refusal, Delivery.WHOLE
        if fault.effect == "reset_then_commit":
            _reset(transport)
        if fault.effect in ("delay_ms", "reset_then_commit"):
            await asyncio.sleep(fault.definition.delay_ms / 1000)
        return await self._after_handling(fault, call)

    def _refusal(self, fault: Fault) -> Answer | None:
        """The answer of an effect that keeps the call from the twin, if this is one."""
        order = fault.definition
        match fault.effect:
            case "status":
                return self._error(order.status, order.body_style, order.message)
            case "fail_before_commit":
                return self._error(order.status, "envelope", order.message)
            case "html":
                return Answer(200, _GATEWAY_PAGE, HTML_TYPE)
            case "burst_429":
                left_s = max(0.0, (fault.burst_ends_s or 0.0) - self._clock.now_s())
                return self._twin.too_many_requests(fault, left_s)
        return None

    async def _after_handling(self, fault: Fault, call: Call) -> tuple[Answer, Delivery]:
        """Effects that let the twin work first."""
        order = fault.definition
        if fault.effect in self._twin.own_effects:
            call.effect, call.failing_rows = fault.effect, fault.definition.rows
        answer = await self._twin.respond(call)
        match fault.effect:
            case "commit_then_fail":
                return self._error(order.status, "envelope", order.message), Delivery.WHOLE
            case "commit_then_reset" | "reset_then_commit":
                return answer, Delivery.NONE
            case "truncate":
                return answer, Delivery.CUT
            case "slow_body":
                return answer, Delivery.SLOW
            case "malformed_json":
                # Cut inside the document and closed wrongly: right length, right type, not JSON.
                answer.body = answer.body[: max(1, len(answer.body) // 2)] + b"}]"
        return answer, Delivery.WHOLE

    def _error(self, status: int, style: str, message: str | None) -> Answer:
        if style == "empty":
            return Answer(status, b"", None)
        if style == "html":
            return Answer(status, _GATEWAY_PAGE, HTML_TYPE)
        content_type, body = self._twin.error_body(status, style, message or "An error was ordered for this call.")
        return Answer(status, body, content_type)


def _call_of(scope: Any, body: bytes) -> Call:
    raw_path = scope["raw_path"].decode("latin-1")
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = name.decode("latin-1")
        shown = value.decode("latin-1")
        headers[text] = f"{headers[text]}; {shown}" if text == "cookie" and text in headers else shown
    client = scope.get("client")
    return Call(
        method=scope["method"],
        path=unquote(raw_path) if "%" in raw_path else raw_path,
        raw_path=raw_path,
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        client_host=client[0] if client else "",
        scheme=scope.get("scheme", "http"),
    )


async def _whole_body(receive: Any) -> bytes | None:
    """All of the request's body, or nothing when the client went away while sending it."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message["body"]
        return body
    parts = []
    while message["type"] == "http.request":
        parts.append(message["body"])
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    return None


async def _until_gone(receive: Any, max_s: float) -> None:
    """Wait until the client hangs up, at most `max_s` seconds."""
    try:
        async with asyncio.timeout(max_s):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _send_disturbed(
    answer: Answer, delivery: Delivery, order: FaultDefinition, transport: asyncio.Transport, send: Any
) -> None:
    if delivery is Delivery.SLOW:
        await _send_slowly(send, answer, order.chunk_bytes, order.delay_ms / 1000)
    elif delivery is Delivery.CUT:
        kept = answer.body[: len(answer.body) // 2 if order.keep_bytes is None else order.keep_bytes]
        await send(_head(answer))
        await send({"type": "http.response.body", "body": kept, "more_body": True})
        transport.close()  # what was written still goes out, the rest never comes
    else:
        _reset(transport)


def _head(answer: Answer) -> dict[str, Any]:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.content_type is not None:
        headers.append((b"content-type", answer.content_type.encode("latin-1")))
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def _send_whole(send: Any, answer: Answer, method: str) -> None:
    await send(_head(answer))
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


async def _send_slowly(send: Any, answer: Answer, chunk_bytes: int, pause_s: float) -> None:
    await send(_head(answer))
    for start in range(0, len(answer.body), chunk_bytes):
        await send({"type": "http.response.body", "body": answer.body[start : start + chunk_bytes], "more_body": True})
        await asyncio.sleep(pause_s)
    await send({"type": "http.response.body", "body": b""})


def _reset(transport: asyncio.Transport) -> None:
    """Drop the connection the hard way: the client sees a reset, not a clean end."""
    raw: socket.socket | None = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:  # the client may have gone first
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    transport.abort()
