"""Values as clients send them, made into what the tables hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

_FOUR_PLACES = Decimal("0.0001")
_EMAIL = re.compile(r"[^@\s;,]+@[^@\s;,]+\.[^@\s;,]+")
_INTEGERS = ("IntValue", "ShortValue", "LongValue", "ByteValue")


class UnfitValueError(ValueError):
    """The value does not fit the field; the text is what the ERP says."""


def converted(name: str, type_name: str, value: Any) -> Any:
    """The value as the tables hold it; an empty text is no value.

    Raises:
        UnfitValueError: The value is of another type.
    """
    if value is None or value == "":
        return None
    try:
        if type_name == "BooleanValue":
            return _boolean(value)
        if type_name in _INTEGERS:
            return _integer(value)
        if type_name in ("DecimalValue", "DoubleValue"):
            return Decimal(str(value)).quantize(_FOUR_PLACES)
        if type_name == "DateTimeValue":
            return _milliseconds(value)
    except (ValueError, TypeError, InvalidOperation) as error:
        raise UnfitValueError(f"'{name}' has a value of the wrong type.") from error
    if isinstance(value, bool | dict | list):
        raise UnfitValueError(f"'{name}' has a value of the wrong type.")
    return str(value)


def is_email(text: str) -> bool:
    """Whether the ERP takes the text as an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    return int(value)


def _milliseconds(value: Any) -> int:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
