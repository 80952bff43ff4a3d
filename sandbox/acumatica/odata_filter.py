"""`$filter` of OData v4 as far as the DAC plane needs it: comparisons, and, or, not, text functions.

Source: docs/api/acumatica.md#odata.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<moment>\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?)"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark>[(),]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}


class BadFilterError(ValueError):
    """The filter cannot be read; the text says where."""


def row_test(text: str, fields: frozenset[str], moments: frozenset[str]) -> Callable[[dict[str, Any]], bool]:
    """A test for rows, which are dictionaries with moments as milliseconds.

    Args:
        text: The filter.
        fields: Fields of the set.
        moments: Those of them that are moments.

    Raises:
        BadFilterError: The filter is outside what is understood, or names an unknown field.
    """
    parser = _Parser(text, fields, moments)
    test = parser.disjunction()
    parser.expect_end()
    return test


class _Parser:
    def __init__(self, text: str, fields: frozenset[str], moments: frozenset[str]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._fields = fields
        self._moments = moments

    def disjunction(self) -> Callable[[dict[str, Any]], bool]:
        tests = [self._conjunction()]
        while self._tokens[self._at] == ("name", "or"):
            self._at += 1
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def expect_end(self) -> None:
        if self._tokens[self._at][0] != "end":
            raise BadFilterError(f"unexpected '{self._tokens[self._at][1]}' in $filter")

    def _conjunction(self) -> Callable[[dict[str, Any]], bool]:
        tests = [self._term()]
        while self._tokens[self._at] == ("name", "and"):
            self._at += 1
            tests.append(self._term())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _term(self) -> Callable[[dict[str, Any]], bool]:
        kind, text = self._next()
        if (kind, text) == ("mark", "("):
            inner = self.disjunction()
            self._take(")")
            return inner
        if (kind, text) == ("name", "not"):
            negated = self._term()
            return lambda row: not negated(row)
        if kind == "name" and text in _TEXT:
            return self._text_function(text)
        return self._comparison(kind, text)

    def _comparison(self, kind: str, text: str) -> Callable[[dict[str, Any]], bool]:
        field = self._field(kind, text)
        operator = self._next()[1]
        if operator not in _COMPARE:
            raise BadFilterError(f"unexpected '{operator}' after {field}")
        expected = self._constant(field)
        compare = _COMPARE[operator]
        if expected is None:
            return lambda row: (row[field] is None) == (operator == "eq")
        return lambda row: row[field] is not None and _same_kind(row[field], expected) and compare(row[field], expected)

    def _text_function(self, function: str) -> Callable[[dict[str, Any]], bool]:
        self._take("(")
        field = self._field(*self._next())
        self._take(",")
        part = str(self._constant(field)).casefold()
        self._take(")")
        found = _TEXT[function]
        return lambda row: isinstance(row[field], str) and found(row[field].casefold(), part)

    def _field(self, kind: str, text: str) -> str:
        if kind != "name" or text not in self._fields:
            raise BadFilterError(f"unknown property '{text}'")
        return text

    def _constant(self, field: str) -> Any:
        kind, text = self._next()
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "moment" and field in self._moments:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
        if kind == "guid":
            return text.lower()
        if kind == "name" and text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text]
        raise BadFilterError(f"unexpected '{text}' in $filter")

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        if token[0] != "end":
            self._at += 1
        return token

    def _take(self, mark: str) -> None:
        found = self._next()
        if found != ("mark", mark):
            raise BadFilterError(f"expected '{mark}' instead of '{found[1]}' in $filter")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    rest = text.strip()
    while rest:
        match = _TOKEN.match(rest)
        if match is None:
            raise BadFilterError(f"unexpected '{rest[:20]}' in $filter")
        found.append((str(match.lastgroup), str(match.group(str(match.lastgroup)))))
        rest = rest[match.end() :].strip()
    return [*found, ("end", "")]


def _same_kind(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool)
    return isinstance(left, str) == isinstance(right, str)
