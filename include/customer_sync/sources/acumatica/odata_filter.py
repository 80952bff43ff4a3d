"""Building ``$filter`` expressions of the ERP's OData 3 dialect (docs/api/acumatica.md#filters).

A filter is a value, not a string, so that nothing unquoted can slip in and parentheses go
only where "and binds tighter than or" asks for them.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

Value = str | bool | int | Decimal | dt.datetime | uuid.UUID | None

_OR: Final = 0
_AND: Final = 1
_TERM: Final = 2


@dataclass(frozen=True, slots=True)
class Filter:
    """One expression; ``str()`` gives it as in the query, before percent-encoding.

    Args:
        text: The expression.
        binding: How tightly its outermost operator binds; only this module sets it.
    """

    text: str
    binding: int = _TERM

    def __str__(self) -> str:
        return self.text


def eq(field: str, value: Value) -> Filter:
    """``field eq value``; strings are compared as the ERP's collation does, drop-downs by their label."""
    return _comparison(field, "eq", value)


def gt(field: str, value: Value) -> Filter:
    """``field gt value``."""
    return _comparison(field, "gt", value)


def ge(field: str, value: Value) -> Filter:
    """``field ge value``."""
    return _comparison(field, "ge", value)


def lt(field: str, value: Value) -> Filter:
    """``field lt value``."""
    return _comparison(field, "lt", value)


def le(field: str, value: Value) -> Filter:
    """``field le value``."""
    return _comparison(field, "le", value)


def all_of(*parts: Filter | None) -> Filter | None:
    """Join by ``and``; ``None`` means "no condition" and is left out.

    Returns:
        ``None`` when no condition is left.
    """
    return _join(" and ", _AND, parts)


def any_of(*parts: Filter) -> Filter:
    """Join by ``or``.

    Raises:
        ValueError: There is nothing to join: an empty choice matches nothing, which the dialect cannot say.
    """
    joined = _join(" or ", _OR, parts)
    if joined is None:
        raise ValueError("any_of() needs at least one condition.")
    return joined


def _join(word: str, binding: int, parts: tuple[Filter | None, ...]) -> Filter | None:
    present = [part for part in parts if part is not None]
    if len(present) <= 1:
        return present[0] if present else None
    return Filter(word.join(part.text if part.binding >= binding else f"({part.text})" for part in present), binding)


def _comparison(field: str, operator: str, value: Value) -> Filter:
    return Filter(f"{field} {operator} {_literal(value)}")


def _literal(value: Value) -> str:
    text = f"{value}"
    if value is None:
        text = "null"
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = "'" + value.replace("'", "''") + "'"
    elif isinstance(value, dt.datetime):
        text = f"datetimeoffset'{_utc_text(value)}'"
    elif isinstance(value, uuid.UUID):
        text = f"guid'{value}'"
    elif isinstance(value, Decimal):
        text = f"{value:f}M"
    return text


def _utc_text(moment: dt.datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; the ERP would read it as some other moment.")
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
