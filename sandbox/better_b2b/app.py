"""The store's twin: API, pages for people and control, as the shared ground asks for it (`sandbox.twin.Twin`).

The twin must never be what a benchmark measures: on a 2-core machine, with 16 requests in flight on one connection, it
answered 5,600 creates, 6,500 look-ups by key and 8,200 reads per second of one core, call log included.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from sandbox.better_b2b import seed
from sandbox.better_b2b.api import Api, too_many
from sandbox.better_b2b.core_customers import answer_core_call
from sandbox.better_b2b.envelope import gateway_body, text_refusal
from sandbox.better_b2b.openapi import document
from sandbox.better_b2b.pages import Pages
from sandbox.better_b2b.snapshot import load_state, store_state
from sandbox.better_b2b.state import Store
from sandbox.better_b2b.switches import make_settings
from sandbox.exchange import JSON_TYPE, Answer, json_answer, to_json

if TYPE_CHECKING:
    from sandbox.exchange import Call
    from sandbox.faults import Fault
    from sandbox.twin import TwinEnvironment

_META_BY_STATUS = {
    400: "Bad Requests Error",
    401: "Unauthorized",
    403: "Invalid access token",
    404: "Not Found Error",
    409: "Processing data contains logical errors",
    422: "Processing data contains logical errors",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


class BetterB2BTwin:
    """The store's twin; attributes and methods as `sandbox.twin.Twin` says."""

    name = "better-b2b"
    own_effects = frozenset({"partial_bulk"})
    message_effects: frozenset[str] = frozenset()

    def __init__(self, environment: TwinEnvironment) -> None:
        self.settings = make_settings(environment)
        self.store = Store(environment.clock, self.settings, environment.changed)
        self._api = Api(self.store)
        self._pages = Pages(self.store)
        self._latency_s = environment.latency_ms / 1000
        self._order = seed.SeedOrder(seed=environment.seed)
        seed.fill(self.store, self._order)

    async def start(self) -> None:
        """Nothing runs in the background."""

    async def stop(self) -> None:
        """Nothing runs in the background."""

    async def respond(self, call: Call) -> Answer:
        """Answer one call: the API below its prefix, everything else is for people."""
        path = self._api.path_of(call.path)
        if path is None:
            return self._elsewhere(call)
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        return self._api.answer(call, path)

    def _elsewhere(self, call: Call) -> Answer:
        """The API's document, a page, or a 404 in the form for a browser or for a client with a wrong prefix."""
        if call.path == "/openapi.json" and call.method in ("GET", "HEAD"):
            return Answer(200, document())
        core = answer_core_call(self.store, call)
        if core is not None:
            return core
        page = self._pages.answer(call)
        if page is not None:
            return page
        if "text/html" in call.headers.get("accept", ""):
            return self._pages.absent()
        return json_answer(gateway_body(404, "Not Found"), 404)

    def seed(self, order: dict[str, Any]) -> dict[str, Any]:
        """Take new data.

        Raises:
            sandbox.settings.SettingError: A key is unknown or its value does not fit.
        """
        checked = seed.read_order(order)
        if checked.seed is None:
            checked.seed = self._order.seed
        self._order = checked
        self.reset()
        return {
            "seed": checked.seed,
            "companies": len(self.store.companies),
            "users": len(self.store.users),
            "addresses": len(self.store.addresses),
        }

    def reset(self) -> None:
        """Back to the data of the present seed order, with an unused request budget."""
        seed.fill(self.store, self._order)
        self._api.window.reset()

    def state(self) -> dict[str, Any]:
        """The whole store as JSON."""
        return {"seed": self._order.seed, **store_state(self.store)}

    def load(self, state: dict[str, Any]) -> None:
        """Take a state as `state()` gave it."""
        load_state(self.store, state)
        self._order.seed = state["seed"]

    def error_body(self, status: int, style: str, message: str) -> tuple[str, bytes]:
        """An error in the store's own form."""
        if style == "gateway":
            return JSON_TYPE, to_json(gateway_body(status, message))
        refusal = text_refusal(status, _META_BY_STATUS.get(status, "Server Error"), message)
        return JSON_TYPE, to_json(refusal.reply.body)

    def too_many_requests(self, fault: Fault, seconds_left: float) -> Answer:
        """The 429 of `burst_429`; with its header on, it carries the window's end as any answer of the store."""
        reply = too_many().reply
        headers = self._api.window.headers_for(0, seconds_left) if fault.definition.header else []
        if headers and self.settings["send_retry_after"]:
            headers.append(("Retry-After", str(math.ceil(seconds_left))))
        return json_answer(reply.body, reply.status, headers)


def create_app(environment: TwinEnvironment) -> BetterB2BTwin:
    """The store's twin for `sandbox.server`."""
    return BetterB2BTwin(environment)
