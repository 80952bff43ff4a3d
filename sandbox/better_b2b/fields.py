"""Reading the fields of users and addresses: types, what is missing, all complaints at once (shape 1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.envelope import field_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.better_b2b.entity import Field

MISSING = "This field may not be null."
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")

# The usual form of an address: a dot-atom of ASCII before the @, host labels with at least one dot after it.
_EMAIL = re.compile(
    r"[-!#$%&'*+/=?^_`{}|~0-9A-Z]+(?:\.[-!#$%&'*+/=?^_`{}|~0-9A-Z]+)*"
    r"@(?:[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])",
    re.IGNORECASE | re.ASCII,
)
_EMAIL_MAX = 320


def is_email(text: str) -> bool:
    """Whether the store takes this as an e-mail; an international host is judged in its ASCII form."""
    if len(text) > _EMAIL_MAX:
        return False
    if not text.isascii():
        local, _, host = text.rpartition("@")
        try:
            text = f"{local}@{host.encode('idna').decode('ascii')}"
        except UnicodeError:
            return False
    return _EMAIL.fullmatch(text) is not None


def whole_number(value: Any) -> int | None:
    """A whole number as sent, or as digits in a string (reads show some numbers as strings); none for all else."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def snake_case(name: str) -> str:
    """`lastName` as address errors write it: `last_name`."""
    return _BOUNDARY.sub("_", name).lower()


class FieldReader:
    """Reads typed fields from one JSON object and keeps every complaint.

    Args:
        body: The object as sent; unknown keys are ignored (statement 3).
        is_snake: Whether complaints name the fields in snake_case (addresses) or camelCase (users).
    """

    def __init__(self, body: Mapping[str, Any], *, is_snake: bool) -> None:
        self._body = body
        self._is_snake = is_snake
        self.errors: dict[str, list[str]] = {}

    def has(self, name: str) -> bool:
        """Whether the field was sent at all."""
        return name in self._body

    def complain(self, name: str, text: str) -> None:
        """Note a complaint about a field."""
        self.errors.setdefault(snake_case(name) if self._is_snake else name, []).append(text)

    def text_of(self, field: Field) -> str | None:
        """The text of a declared field: not blank where it is required, empty for nothing where nothing is no value."""
        if field.sent is not None and field.sent.is_required:
            return self.required_text(field.name)
        value = self.text(field.name)
        return "" if value is None and field.type is str else value

    def required_text(self, name: str) -> str:
        """A text that must be there and not blank."""
        value = self.text(name)
        if value is None and self._body.get(name) is None:
            self.complain(name, MISSING)
        elif value is not None and not value.strip():
            self.complain(name, "This field may not be blank.")
        return value or ""

    def text(self, name: str) -> str | None:
        """A text or nothing; a number is taken as its digits."""
        value = self._body.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.complain(name, "Not a valid string.")
        return None

    def integer(self, name: str) -> int | None:
        """A whole number or nothing; digits in a string count."""
        value = self._body.get(name)
        number = whole_number(value)
        if number is None and value is not None:
            self.complain(name, "A valid integer is required.")
        return number

    def boolean(self, name: str) -> bool | None:
        """A boolean or nothing; the words and digits that mean one count."""
        value = self._body.get(name)
        if value is None or isinstance(value, bool):
            return value
        known = {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
        if known is None or isinstance(value, dict | list):
            self.complain(name, "Must be a valid boolean.")
            return None
        return known

    def integers(self, name: str) -> list[int] | None:
        """An array of whole numbers or nothing."""
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or any(not isinstance(item, int) or isinstance(item, bool) for item in value):
            self.complain(name, "A valid integer is required.")
            return None
        return value

    def raise_if_wrong(self) -> None:
        """Refuse with everything that was found.

        Raises:
            Refusal: 422 shape 1.
        """
        if self.errors:
            raise field_refusal(self.errors)
