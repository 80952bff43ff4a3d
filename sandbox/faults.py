"""Faults on order: which call is hit, by what, how often. Pure choice; `sandbox.traffic` brings the effect about."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.clock import Clock
    from sandbox.exchange import Call

# Effects that every twin has, in the words of the design's list of names; two more are synonyms used by the
# statements ("timeout" in docs/api/better_b2b.md#statement-33, "reset" in docs/api/acumatica.md#statement-33).
SHARED_EFFECTS = (
    "status",
    "delay_ms",
    "hang",
    "slow_body",
    "truncate",
    "malformed_json",
    "html",
    "connection_reset",
    "fail_before_commit",
    "commit_then_fail",
    "commit_then_reset",
    "reset_then_commit",
    "burst_429",
)
SYNONYMS = {"timeout": "hang", "reset": "connection_reset"}


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """Which calls a fault is for; what is left out matches everything.

    Attributes:
        method: Verb.
        path_regex: Searched in the decoded path, without the query.
        query_regex: Searched in the query as sent.
        body_regex: Searched in the body.
    """

    method: str | None = None
    path_regex: str | None = None
    query_regex: str | None = None
    body_regex: str | None = None


class FaultDefinition(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of `PUT faults`.

    Attributes:
        effect: What happens.
        match: To which calls.
        times: How often at most; null is without end (a burst: once).
        after: How many matching calls pass first.
        probability: Share of the remaining matches that are hit.
        seed: Seed of the dice, so that a run can be repeated; null rolls the same dice as 0.
        status: Status for `status`, `fail_before_commit` and `commit_then_fail`.
        body_style: Body for `status`.
        delay_ms: Milliseconds for `delay_ms` and `reset_then_commit`, and between the pieces of `slow_body`.
        chunk_bytes: Piece size of `slow_body`.
        keep_bytes: Bytes that `truncate` lets through; null is half of the body.
        max_s: Seconds after which `hang` cuts the connection if the client still waits.
        seconds: Length of `burst_429` in sandbox time.
        header: Whether `burst_429` says when to come back.
        rows: Row numbers (from 0) that a twin's own effect hits, such as `partial_bulk`.
        message: Text that a twin's own effect may show.
    """

    effect: str
    match: Match = msgspec.field(default_factory=Match)
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int | None = None
    status: int = 500
    body_style: Literal["envelope", "gateway", "html", "empty"] = "envelope"
    delay_ms: float = 1000.0
    chunk_bytes: int = 64
    keep_bytes: int | None = None
    max_s: float = 600.0
    seconds: float = 10.0
    header: bool = True
    rows: list[int] = []
    message: str | None = None


class FaultError(ValueError):
    """A fault definition is not usable.

    Attributes:
        field: Place in the list, such as `[0].match.path_regex`.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Fault:
    """A fault in force: its definition, and how often it matched and was applied."""

    def __init__(self, definition: FaultDefinition) -> None:
        self.definition = definition
        self.effect = SYNONYMS.get(definition.effect, definition.effect)
        self.matched = 0
        self.applied = 0
        self.burst_ends_s: float | None = None
        self._bursts = 0
        self._dice = random.Random(definition.seed or 0)  # noqa: S311  # repeatable faults, no secret
        match = definition.match
        self._method = match.method.upper() if match.method else None
        self._path = re.compile(match.path_regex) if match.path_regex else None
        self._query = re.compile(match.query_regex) if match.query_regex else None
        self._body = re.compile(match.body_regex) if match.body_regex else None

    def hits(self, call: Call, now_s: float) -> bool:
        """Whether this call is hit; counts it."""
        if not self._matches(call):
            return False
        self.matched += 1
        if self.burst_ends_s is not None and now_s < self.burst_ends_s:
            self.applied += 1
            return True
        if self._is_spent() or self.matched <= self.definition.after or not self._roll():
            return False
        self.applied += 1
        if self.effect == "burst_429":
            self.burst_ends_s = now_s + self.definition.seconds
            self._bursts += 1
        return True

    def shown(self) -> dict[str, Any]:
        """The definition with its counts, for `GET faults`."""
        definition: dict[str, Any] = msgspec.to_builtins(self.definition)
        return {**definition, "matched": self.matched, "applied": self.applied}

    def _matches(self, call: Call) -> bool:
        return (
            (self._method is None or self._method == call.method)
            and (self._path is None or self._path.search(call.path) is not None)
            and (self._query is None or self._query.search(call.query_string) is not None)
            and (self._body is None or self._body.search(call.body.decode("utf-8", "replace")) is not None)
        )

    def _is_spent(self) -> bool:
        if self.effect == "burst_429":
            return self._bursts >= (self.definition.times or 1)
        return self.definition.times is not None and self.applied >= self.definition.times

    def _roll(self) -> bool:
        return self.definition.probability >= 1.0 or self._dice.random() < self.definition.probability


class FaultList:
    """The faults in force on one twin, first match wins."""

    def __init__(self, clock: Clock, own_effects: frozenset[str], message_effects: frozenset[str]) -> None:
        self._clock = clock
        self._own_effects = own_effects
        self._message_effects = message_effects
        self._faults: list[Fault] = []

    def known_effects(self) -> list[str]:
        """All effects that this twin takes."""
        return [*SHARED_EFFECTS, *SYNONYMS, *sorted(self._own_effects | self._message_effects)]

    def replace(self, definitions: Any) -> None:
        """Put a new list in force in place of the old one.

        Raises:
            FaultError: A definition is wrong; the old list stays.
        """
        self._faults = [Fault(definition) for definition in self._checked(definitions)]

    def clear(self) -> None:
        """No faults any more."""
        self._faults = []

    def shown(self) -> list[dict[str, Any]]:
        """All faults with their counts."""
        return [fault.shown() for fault in self._faults]

    def pick(self, call: Call) -> Fault | None:
        """The fault that hits this call, if any."""
        return self._first(call, lambda effect: effect not in self._message_effects) if self._faults else None

    def pick_for_message(self, message: Call) -> Fault | None:
        """The fault that hits an outgoing push message, if any."""
        return self._first(message, lambda effect: effect in self._message_effects)

    def _first(self, call: Call, is_meant: Callable[[str], bool]) -> Fault | None:
        now_s = self._clock.now_s()
        return next((fault for fault in self._faults if is_meant(fault.effect) and fault.hits(call, now_s)), None)

    def _checked(self, definitions: Any) -> list[FaultDefinition]:
        try:
            checked = msgspec.convert(definitions, list[FaultDefinition])
        except msgspec.ValidationError as error:
            text, _, place = str(error).partition(" - at `$")
            raise FaultError(_field_of(text, place.rstrip("`")), text) from error
        for index, definition in enumerate(checked):
            self._check(definition, f"[{index}]")
        return checked

    def _check(self, definition: FaultDefinition, place: str) -> None:
        if definition.effect not in self.known_effects():
            accepted = ", ".join(self.known_effects())
            raise FaultError(f"{place}.effect", f"unknown effect {definition.effect!r}; known: {accepted}")
        for name in ("path_regex", "query_regex", "body_regex"):
            try:
                re.compile(getattr(definition.match, name) or "")
            except re.error as error:
                raise FaultError(f"{place}.match.{name}", f"not a regular expression: {error}") from error
        if not 0.0 <= definition.probability <= 1.0:
            raise FaultError(f"{place}.probability", "must lie between 0 and 1")
        if not 100 <= definition.status <= 599:  # noqa: PLR2004  # the range of HTTP statuses
            raise FaultError(f"{place}.status", "must lie between 100 and 599")
        for name in ("after", "delay_ms", "seconds", "max_s"):
            if getattr(definition, name) < 0:
                raise FaultError(f"{place}.{name}", "must not be negative")
        if definition.times is not None and definition.times < 1:
            raise FaultError(f"{place}.times", "must be at least 1, or null for no end")
        if definition.chunk_bytes < 1:
            raise FaultError(f"{place}.chunk_bytes", "must be at least 1")


def _field_of(text: str, place: str) -> str:
    """The place of a decoding error; for a missing or unknown field its name is appended."""
    named = re.search(r"field `(\w+)`", text)
    return f"{place}.{named.group(1)}" if named else place or "[]"
