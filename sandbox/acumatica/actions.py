"""Actions: started by POST, long-running, asked for by GET (docs/api/acumatica.md#actions)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.acumatica.contract import Endpoint, actions_of, keys_of
from sandbox.acumatica.errors import bad_request, not_found, not_found_by_key
from sandbox.acumatica.swagger import ACTION_PARAMETERS
from sandbox.exchange import Answer, empty_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.reading import Reader
    from sandbox.acumatica.rows import Record
    from sandbox.acumatica.sessions import Session
    from sandbox.clock import Clock
    from sandbox.exchange import Call
    from sandbox.settings import Settings


@dataclass(slots=True)
class _Operation:
    action: str
    ends_s: float


class Actions:
    """Runs actions, and says how far they are.

    Args:
        clock: Sandbox time.
        settings: Switches.
        effects: What an action does, by name; called at once, shown as done later.
    """

    def __init__(
        self, clock: Clock, settings: Settings, effects: dict[str, Callable[[Endpoint, Record, dict[str, Any]], None]]
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._effects = effects
        self._operations: dict[str, _Operation] = {}

    def start(
        self, call: Call, session: Session, endpoint: Endpoint, entity: str, action: str, reader: Reader
    ) -> Answer:
        """Start an action: 202 with the place to ask, or 204 when it is done at once.

        Raises:
            ApiError: Unknown action (404), unreadable body (400), unknown record (500).
        """
        if action not in actions_of(entity):
            raise not_found()
        order = _order(call)
        record = _target(order["entity"], entity, reader)
        effect = self._effects.get(action)
        if effect is not None:
            effect(endpoint, record, _parameters(action, order["parameters"]))
        seconds = self._settings["action_seconds"]
        if not seconds:
            return empty_answer(204)
        operation_id = str(uuid.uuid4())
        ends_s = self._clock.now_s() + seconds
        self._operations[operation_id] = _Operation(action, ends_s)
        session.busy_until_s = ends_s
        path = f"/entity/{endpoint.name}/{endpoint.version}/{entity}/{action}/status/{operation_id}"
        return empty_answer(202, [("Location", call.base_url() + path)])

    def status(self, action: str, operation_id: str) -> Answer:
        """202 while it runs, 204 when it is done.

        Raises:
            ApiError: No such operation (404).
        """
        operation = self._operations.get(operation_id)
        if operation is None or operation.action != action:
            raise not_found()
        return empty_answer(202 if self._clock.now_s() < operation.ends_s else 204)

    def clear(self) -> None:
        """Forget all operations."""
        self._operations.clear()


def _order(call: Call) -> dict[str, Any]:
    if not call.body.strip():
        raise bad_request("The request body should not be empty.")
    try:
        order = call.json()
    except msgspec.DecodeError as error:
        raise bad_request(f"The request body is not readable: {error}") from error
    if not isinstance(order, dict) or not isinstance(order.get("entity"), dict):
        raise bad_request("The entity is required.")
    parameters = order.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise bad_request("The parameters should be an object.")
    return {"entity": order["entity"], "parameters": parameters}


def _target(sent: dict[str, Any], entity: str, reader: Reader) -> Record:
    if isinstance(sent.get("id"), str):
        return reader.by_path(entity, [sent["id"]])
    keys = [sent.get(name) for name in keys_of(entity)]
    values = [str(key["value"]) for key in keys if isinstance(key, dict) and key.get("value") is not None]
    if len(values) != len(keys):
        raise not_found_by_key()
    return reader.by_path(entity, values)


def _parameters(action: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The known parameters as a body of the contract."""
    return {name: sent[name] for name in ACTION_PARAMETERS.get(action, ()) if isinstance(sent.get(name), dict)}
