"""What the shared ground asks of a twin, and what it gives to one.

A twin is any object with the attributes of `Twin`. It is made by `create_app(environment)` in `sandbox.acumatica.app`
or `sandbox.better_b2b.app`, gets every call except those under `/_sandbox`, and answers them; log, faults, control
plane, persistence and the socket are not its business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.exchange import Answer, Call
    from sandbox.faults import Fault, FaultList
    from sandbox.settings import Settings


def _nothing_to_do() -> None:
    """The default for a twin whose state is kept in memory only."""


@dataclass(slots=True)
class TwinEnvironment:
    """Everything a twin is started with.

    Attributes:
        clock: Sandbox time; the only clock a twin may read for anything a client can see.
        seed: Seed number of the data.
        customers: How many customers the ERP is seeded with (the store's seed refers to the same world).
        shape: Which customers: `varied`, or `uniform` for measuring (ERP).
        latency_ms: Milliseconds added to every call of the API.
        latency_per_row_ms: Milliseconds added for every row of a list (ERP).
        requests_per_minute: Limit; 0 is none.
        sessions: Seats of the ERP's licence.
        changed: To be called by the twin after every change of its state; the state file is then written.
        faults: The twin's faults, for effects outside a call (push messages). Filled in before `start`.
    """

    clock: Clock = field(default_factory=Clock)
    seed: int = 1
    customers: int = 500
    shape: str = "varied"
    latency_ms: float = 0.0
    latency_per_row_ms: float = 0.0
    requests_per_minute: int = 0
    sessions: int = 2
    changed: Callable[[], None] = _nothing_to_do
    faults: FaultList | None = None


class Twin(Protocol):
    """A twin as the shared ground sees it.

    Attributes:
        name: `acumatica` or `better-b2b`.
        settings: Its switches.
        own_effects: Fault effects that only it can bring about; it finds them in `Call.effect`.
        message_effects: Fault effects on messages that it sends (push); picked by the twin itself.
    """

    name: str
    settings: Settings
    own_effects: frozenset[str]
    message_effects: frozenset[str]

    async def start(self) -> None:
        """Begin background work on the running event loop, if there is any."""

    async def stop(self) -> None:
        """End background work."""

    async def respond(self, call: Call) -> Answer:
        """Answer one call; must not raise for anything a client can send."""

    def seed(self, order: dict[str, Any]) -> dict[str, Any]:
        """Take new data (`POST seed`; keys `seed`, `customers` or `companies`) and say what was made.

        Raises:
            sandbox.settings.SettingError: A key is unknown or its value does not fit.
        """

    def reset(self) -> None:
        """Back to the data of the present seed number."""

    def state(self) -> dict[str, Any]:
        """The whole state as JSON."""

    def load(self, state: dict[str, Any]) -> None:
        """Take a state as `state()` gave it."""

    def error_body(self, status: int, style: str, message: str) -> tuple[str, bytes]:
        """Content type and body of an error in the twin's own form; style `envelope` or `gateway`."""

    def too_many_requests(self, fault: Fault, seconds_left: float) -> Answer:
        """The 429 of `burst_429`, with or without the header that says when to come back."""
