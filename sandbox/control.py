"""The control plane under `/_sandbox`, the same for both twins. No login; loopback clients only."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.exchange import Answer, Call, json_answer, rejected
from sandbox.faults import FaultError
from sandbox.settings import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.calls import CallLog
    from sandbox.clock import Clock
    from sandbox.faults import FaultList
    from sandbox.twin import Twin


class BadOrderError(ValueError):
    """A control call carries something unusable.

    Attributes:
        field: What is wrong.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Control:
    """Answers the calls under `/_sandbox` of one twin."""

    def __init__(
        self,
        twin: Twin,
        clock: Clock,
        calls: CallLog,
        faults: FaultList,
        changed: Callable[[], None],
        *,
        allow_remote: bool = False,
    ) -> None:
        self._twin = twin
        self._clock = clock
        self._calls = calls
        self._faults = faults
        self._changed = changed
        self._allow_remote = allow_remote
        self._routes: dict[tuple[str, str], Callable[[Call], Answer]] = {
            ("GET", "faults"): self._show_faults,
            ("PUT", "faults"): self._put_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "calls"): self._show_calls,
            ("DELETE", "calls"): self._clear_calls,
            ("GET", "clock"): self._show_clock,
            ("PUT", "clock"): self._put_clock,
            ("GET", "settings"): self._show_settings,
            ("PUT", "settings"): self._put_settings,
            ("POST", "seed"): self._seed,
            ("POST", "reset"): self._reset,
            ("GET", "state"): self._show_state,
            ("PUT", "state"): self._put_state,
        }

    def respond(self, call: Call) -> Answer:
        """Answer one control call; a wrong one is refused with the field that is wrong."""
        if not self._allow_remote and not _is_loopback(call.client_host):
            return rejected("client", "the control plane answers loopback clients only", 403)
        name = call.path.removeprefix("/_sandbox").strip("/")
        if not name:
            return json_answer({"twin": self._twin.name, "calls": [f"{verb} {at}" for verb, at in self._routes]})
        route = self._routes.get((call.method, name))
        if route is None:
            known = sorted({at for _, at in self._routes})
            return rejected("path", f"no control call {call.method} {name}; known: {', '.join(known)}", 404)
        try:
            return route(call)
        except (FaultError, SettingError, BadOrderError) as error:
            return rejected(error.field, str(error))

    def _show_faults(self, _call: Call) -> Answer:
        return json_answer(self._faults.shown())

    def _put_faults(self, call: Call) -> Answer:
        self._faults.replace(_decoded(call))
        return json_answer(self._faults.shown())

    def _clear_faults(self, _call: Call) -> Answer:
        self._faults.clear()
        return json_answer([])

    def _show_calls(self, call: Call) -> Answer:
        query = call.query()
        unknown = set(query) - {"method", "path", "since"}
        if unknown:
            raise BadOrderError(min(unknown), "known filters: method, path, since")
        since = query.get("since")
        rows = self._calls.rows(
            method=query.get("method"), path=query.get("path"), since=_since(since) if since is not None else None
        )
        return json_answer(rows)

    def _clear_calls(self, _call: Call) -> Answer:
        self._calls.clear()
        return json_answer([])

    def _show_clock(self, _call: Call) -> Answer:
        now_utc = self._clock.now_utc().isoformat(timespec="microseconds")
        return json_answer({"now_utc": now_utc, "frozen": self._clock.frozen, "offset_s": self._clock.offset_s})

    def _put_clock(self, call: Call) -> Answer:
        order = _object(call)
        steps: list[Callable[[], None]] = []
        for name, value in order.items():
            if name == "set":
                moment_utc = _moment("set", value)
                steps.append(lambda moment_utc=moment_utc: self._clock.set(moment_utc))  # type: ignore[misc]
            elif name == "advance_s" and isinstance(value, int | float) and not isinstance(value, bool):
                steps.append(lambda seconds=value: self._clock.advance_s(seconds))  # type: ignore[misc]
            elif name == "freeze" and isinstance(value, bool):
                steps.append(lambda frozen=value: self._clock.freeze(frozen=frozen))  # type: ignore[misc]
            else:
                raise BadOrderError(name, "accepted: set (ISO date-time with zone), advance_s, freeze (boolean)")
        for step in steps:
            step()
        self._changed()
        return self._show_clock(call)

    def _show_settings(self, _call: Call) -> Answer:
        return json_answer(self._twin.settings.described())

    def _put_settings(self, call: Call) -> Answer:
        self._twin.settings.update(_object(call))
        self._changed()
        return json_answer(self._twin.settings.described())

    def _seed(self, call: Call) -> Answer:
        made = self._twin.seed(_object(call) if call.body.strip() else {})
        self._changed()
        return json_answer(made)

    def _reset(self, _call: Call) -> Answer:
        self._clock.reset()
        self._faults.clear()
        self._twin.settings.reset()
        self._twin.reset()
        self._calls.clear()
        self._changed()
        return json_answer({"reset": True})

    def _show_state(self, _call: Call) -> Answer:
        return json_answer(self._twin.state())

    def _put_state(self, call: Call) -> Answer:
        self._twin.load(_object(call))
        self._changed()
        return json_answer({"loaded": True})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _decoded(call: Call) -> Any:
    try:
        return call.json()
    except msgspec.DecodeError as error:
        raise BadOrderError("body", f"not JSON: {error}") from error


def _object(call: Call) -> dict[str, Any]:
    decoded = _decoded(call)
    if not isinstance(decoded, dict):
        raise BadOrderError("body", "must be a JSON object")
    return decoded


def _moment(field: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise BadOrderError(field, "must be an ISO 8601 date-time such as 2026-03-04T05:06:07+00:00")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _since(text: str) -> int | datetime:
    return int(text) if text.isdigit() else _moment("since", text.replace(" ", "+"))
