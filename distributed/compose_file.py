"""Read a compose file as docker-compose does: anchors, merge keys and `${VARIABLE:-default}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\})")


@dataclass(frozen=True)
class Service:
    """One service of a compose file, with its variables filled in.

    Attributes:
        name: Its name, which is its host name for the others.
        command: Program and arguments.
        environment: Its environment, without the image's own.
        volumes: Path in the container -> folder of the project (`./dags`) or name of a volume.
        healthcheck: The test, as in the file (`["CMD", ...]` or `["CMD-SHELL", text]`); empty when there is none.
        replicas: How many of it there are.
        profiles: Profiles it belongs to; empty: it always runs.
        comes_back: Whether its restart policy starts it again when it ends by itself.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    volumes: Mapping[str, str]
    healthcheck: tuple[str, ...]
    replicas: int
    profiles: tuple[str, ...]
    comes_back: bool


def read_services(path: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """Read all services of a compose file.

    Args:
        path: The file.
        variables: Values for `${...}`, as `.env` gives them.

    Returns:
        Service by name.

    Raises:
        DemoError: A variable that the file requires has no value.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: _service(name, filled_in(parts, variables)) for name, parts in document["services"].items()}


def filled_in(value: Any, variables: Mapping[str, str]) -> Any:
    """Replace variables in all texts of a value.

    Args:
        value: Text, list or mapping.
        variables: Name -> value.

    Raises:
        DemoError: A variable that is required (`${NAME:?why}`) has no value.
    """
    if isinstance(value, dict):
        return {key: filled_in(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [filled_in(part, variables) for part in value]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        given = variables.get(found["name"], "")
        if not given and found["kind"] == ":?":
            raise DemoError(f"The compose file needs {found['name']}: {found['rest']}")
        return given or (found["rest"] or "")

    return _VARIABLE.sub(replace, value)


def _service(name: str, parts: dict[str, Any]) -> Service:
    command = parts.get("command") or []
    return Service(
        name=name,
        command=tuple(command if isinstance(command, list) else ["sh", "-c", command]),
        environment={key: str(value) for key, value in (parts.get("environment") or {}).items()},
        volumes={each.split(":")[1]: each.split(":")[0] for each in parts.get("volumes") or ()},
        healthcheck=tuple((parts.get("healthcheck") or {}).get("test") or ()),
        replicas=int(parts.get("scale") or 1),
        profiles=tuple(parts.get("profiles") or ()),
        comes_back=parts.get("restart") in {"unless-stopped", "always", "on-failure"},
    )
