"""What the values of a field look like, and how one of them is shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from customer_sync.discovery.description import Looks, Place
from customer_sync.redaction import Kind, mask_email, mask_name, mask_phone, mask_text

ON: Final = frozenset({"true", "1", "yes", "y"})
"""Texts that count as ticked; ``docs/connector-file.md`` names them."""
_FLAGS: Final = ON | {"false", "0", "no", "n"}
_EMAIL: Final = re.compile(r"[^@\s;,]+@[^@\s;,]+\.[^@\s;,]+")
_PHONE: Final = re.compile(r"\+?[\d ().x/-]{5,}")
_MOST_CODES: Final = 40
_CODE_CHARS: Final = 30
_MOSTLY: Final = 0.8
_LEAST_REPEATED: Final = 2

Column = Sequence[Any]


def texts(column: Column | None) -> list[str]:
    """The values that are there, as texts."""
    values = [value for value in column or () if value is not None]
    return [text for value in values if (text := _text(value))]


def codes(column: Column | None) -> Counter[str]:
    """How often each value is there."""
    return Counter(texts(column))


def look(column: Column, looks: Looks) -> float:
    """How well values fit: 1 they do, 0 nothing can be said, -1 they do not."""
    values = texts(column)
    if not values or not looks:
        return 0.0
    share = sum(_fits(value, looks) for value in values) / len(values)
    if looks == "unique":
        return 1.0 if len(set(values)) == len(values) else -1.0
    if looks == "code":
        distinct = len(set(values))
        few = distinct <= min(_MOST_CODES, max(_LEAST_REPEATED, len(values) // 2))
        return 1.0 if few and share >= _MOSTLY else 0.0 if share >= _MOSTLY else -1.0
    return 1.0 if share >= _MOSTLY else -1.0


def is_flag(column: Column | None) -> bool:
    """Whether every value says on or off."""
    values = texts(column)
    return bool(values) and all(value.casefold() in _FLAGS for value in values)


def agree(one: Place, other: Place) -> bool:
    """Whether two places hold the same in every record that was looked at, and something at all."""
    if one.column is None or other.column is None or len(one.column) != len(other.column):
        return False
    pairs = list(zip(map(_same, one.column), map(_same, other.column), strict=True))
    return any(each for each, _ in pairs) and all(left == right for left, right in pairs)


def holds_several(column: Column | None) -> bool:
    """Whether people write several e-mail addresses into one field."""
    return any(len(_EMAIL.findall(value)) > 1 for value in texts(column))


def sample_of(column: Column | None, mask: Kind | None = None) -> str:
    """One value, masked: a code that several records share is shown as it is."""
    counted = codes(column)
    if not counted:
        return ""
    value, times = counted.most_common(1)[0]
    if mask is not None:
        return _masked(value, mask)
    is_code = times >= _LEAST_REPEATED and len(value) <= _CODE_CHARS and not _EMAIL.search(value)
    if is_code and (is_flag(column) or not _PHONE.fullmatch(value)):
        shown = [
            each for each, count in counted.most_common(3) if count >= _LEAST_REPEATED and len(each) <= _CODE_CHARS
        ]
        return ", ".join(mask_text(each) for each in shown)
    return _masked(value, "email" if "@" in value else "name")


def _masked(value: str, mask: Kind) -> str:
    if mask == "email":
        return mask_email(value)
    return mask_phone(value) if mask == "phone" else mask_name(value)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value).strip()


def _fits(value: str, looks: Looks) -> bool:
    test = _TESTS.get(looks)
    return test is None or test(value)


_TESTS: Final[Mapping[Looks, Callable[[str], bool]]] = {
    "email": lambda value: _EMAIL.search(value) is not None,
    "flag": lambda value: value.casefold() in _FLAGS,
    "phone": lambda value: _PHONE.fullmatch(value) is not None,
    "number": str.isdecimal,
    "name": lambda value: any(each.isalpha() for each in value) and _EMAIL.fullmatch(value) is None,
    "code": lambda value: len(value) <= _CODE_CHARS and _EMAIL.search(value) is None,
}


def _same(value: Any) -> str:
    """A value as it counts: on and off are one text each, and off is nothing."""
    text = "" if value is None else _text(value).casefold()
    if text in ON:
        return "on"
    return "" if text in {"false", "0", "no", "n"} else text
