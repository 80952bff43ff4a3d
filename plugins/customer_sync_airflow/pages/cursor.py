"""A place in a list as it stands in an address: whoever reads it may have written it himself."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import HTTPException

T = TypeVar("T")

_LARGEST = 2**63 - 1


def write_cursor(*values: str | int) -> str:
    """The values as one word of an address."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode()


def read_cursor(text: str, make: Callable[..., T]) -> T | None:
    """What :func:`write_cursor` wrote; ``None`` where there is nothing.

    Args:
        text: The word of the address.
        make: Makes a place of the values; a ``ValueError`` of it says that they are none.

    Raises:
        HTTPException: 400; it is none of ours.
    """
    if not text:
        return None
    try:
        return make(*map(_checked, json.loads(base64.urlsafe_b64decode(text.encode()))))
    except (TypeError, ValueError, RecursionError) as error:
        raise HTTPException(400, "This page's address is damaged: open the list anew.") from error


def _checked(value: Any) -> str | int:
    """A text or a number that any database can hold."""
    if isinstance(value, str) and "\0" not in value:
        value.encode()
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return value
    raise ValueError("a value that no place has")
