"""Named switches of a twin: the choices that the reference documents leave open, each with its default."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch.

    Attributes:
        name: Name in `GET settings` and `PUT settings`.
        default: Value after start and after a reset; its type is the type that is accepted.
        doc: One sentence for people.
        choices: Accepted values, when only some are.
        minimum: Smallest accepted number.
        nullable: Whether null is accepted beside the default's type.
        check: Says what is wrong with a structured value, or nothing.
    """

    name: str
    default: Any
    doc: str
    choices: tuple[Any, ...] | None = None
    minimum: float | None = None
    nullable: bool = False
    check: Callable[[Any], str | None] | None = None

    def accepts(self) -> str:
        """What the switch accepts, for messages and documents."""
        if self.choices is not None:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        kinds = {bool: "true or false", int: "an integer", float: "a number", str: "a string", list: "an array"}
        text = kinds.get(type(self.default), "an object" if isinstance(self.default, dict) else "a string")
        if self.minimum is not None:
            text += f" of at least {self.minimum:g}"
        return text + (" or null" if self.nullable else "")

    def complaint(self, value: Any) -> str | None:
        """Why a value is not accepted, or nothing when it is."""
        if value is None and self.nullable:
            return None
        if self.choices is not None:
            fits = any(type(value) is type(choice) and value == choice for choice in self.choices)
        elif isinstance(self.default, float):
            fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        elif self.default is None:
            fits = isinstance(value, str)
        else:
            fits = type(value) is type(self.default)
        if fits and self.minimum is not None:
            fits = value >= self.minimum
        if not fits:
            return f"{self.name} accepts {self.accepts()}, not {value!r}"
        return self.check(value) if self.check else None


class SettingError(ValueError):
    """A switch does not exist or does not take the value.

    Attributes:
        field: Name of the switch as the caller wrote it.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Settings:
    """The switches of one twin with their present values."""

    def __init__(self, switches: Iterable[Switch], overrides: dict[str, Any] | None = None) -> None:
        self._switches = {switch.name: switch for switch in switches}
        self._initial = {name: switch.default for name, switch in self._switches.items()}
        self._initial.update(self._checked(overrides or {}))
        self._values = dict(self._initial)
        self._listeners: list[Callable[[], None]] = []

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change, for twins that keep a value in a faster place."""
        self._listeners.append(listener)

    def update(self, values: dict[str, Any]) -> None:
        """Set several switches at once, all or none.

        Raises:
            SettingError: A name is unknown or a value does not fit.
        """
        self._values.update(self._checked(values))
        self._tell()

    def reset(self) -> None:
        """Back to the values the twin was started with."""
        self._values = dict(self._initial)
        self._tell()

    def changed(self) -> dict[str, Any]:
        """Only the switches that differ from the start."""
        return {name: value for name, value in self._values.items() if value != self._initial[name]}

    def described(self) -> dict[str, dict[str, Any]]:
        """Every switch with value, default and meaning."""
        return {
            name: {
                "value": self._values[name],
                "default": switch.default,
                "accepts": switch.accepts(),
                "doc": switch.doc,
            }
            for name, switch in self._switches.items()
        }

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        for name, value in values.items():
            switch = self._switches.get(name)
            if switch is None:
                raise SettingError(name, f"unknown setting {name!r}; known: {', '.join(sorted(self._switches))}")
            if complaint := switch.complaint(value):
                raise SettingError(name, complaint)
        return values

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
