"""The filter dialect's grammar: text in, tree out, refusal of everything else (docs/api/acumatica.md#filters).

Nothing is guessed: what the grammar does not hold is refused with the word that does not fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from sandbox.acumatica.errors import filter_not_supported

COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
TEXT_CALLS = ("substringof", "startswith", "endswith")
CUSTOM_KINDS = ("String", "Decimal", "DateTime", "Boolean", "Int", "Guid", "Short", "Long", "Double", "Byte")

_TOKEN = re.compile(
    r"""
    (?P<space>[ ]+)
  | (?P<typed>[A-Za-z]+'(?:[^']|'')*')
  | (?P<quoted>'(?:[^']|'')*')
  | (?P<number>-?\d+(?:\.\d+)?M?)(?![\w:.-])
  | (?P<name>[A-Za-z_][\w.]*(?:/[A-Za-z_][\w.]*)*)
  | (?P<mark>[(),=])
    """,
    re.VERBOSE,
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant.

    Attributes:
        kind: `text`, `number`, `boolean`, `null`, `moment` or `guid`.
        value: Text, Decimal, bool, none, milliseconds since 1970, or lower-case text.
    """

    kind: Literal["text", "number", "boolean", "null", "moment", "guid"]
    value: Any


@dataclass(frozen=True, slots=True)
class Operand:
    """A field of the record, of a linked entity, or of a view.

    Attributes:
        path: Field path; for a custom field the view and the field.
        custom_kind: `String` … of a `cf.` operand; none for contract fields.
    """

    path: tuple[str, ...]
    custom_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operand op literal`."""

    operand: Operand
    operator: str
    literal: Constant


@dataclass(frozen=True, slots=True)
class TextCall:
    """`substringof`, `startswith` or `endswith`."""

    function: str
    operand: Operand
    needle: str


@dataclass(frozen=True, slots=True)
class Never:
    """A comparison of a text function with a boolean: accepted, and no row is found."""


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` or `or` of several terms."""

    is_and: bool
    terms: tuple[Node, ...]


Node = Comparison | TextCall | Never | Junction


def parsed_filter(text: str) -> Node:
    """The tree of a filter.

    Raises:
        ApiError: The text is outside the dialect (500).
    """
    parser = _Parser(_tokens(text))
    node = parser.disjunction()
    parser.expect_end()
    return node


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise filter_not_supported(text[position : position + 40])
        if match.lastgroup != "space":
            found.append((str(match.lastgroup), match.group()))
        position = match.end()
    return found


class _Parser:
    """Recursive descent over the tokens; `and` binds tighter than `or`."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._at = 0

    def disjunction(self) -> Node:
        return self._junction("or", self._conjunction)

    def expect_end(self) -> None:
        kind, text = self._tokens[self._at]
        if kind != "end":
            raise filter_not_supported(text)

    def _conjunction(self) -> Node:
        return self._junction("and", self._term)

    def _junction(self, word: str, part: Any) -> Node:
        terms = [part()]
        while self._tokens[self._at] == ("name", word):
            self._at += 1
            terms.append(part())
        return terms[0] if len(terms) == 1 else Junction(word == "and", tuple(terms))

    def _term(self) -> Node:
        kind, text = self._next()
        if (kind, text) == ("mark", "("):
            inner = self.disjunction()
            self._take("mark", ")")
            return inner
        if kind != "name" or text in ("not", "true", "false", "null", *COMPARISONS, "and", "or"):
            raise filter_not_supported(text or "end of expression")
        if text.startswith("cf."):
            return self._comparison(self._custom(text))
        if self._tokens[self._at] == ("mark", "("):
            return self._text_call(text)
        return self._comparison(Operand(tuple(text.split("/"))))

    def _comparison(self, operand: Operand) -> Node:
        kind, word = self._next()
        if kind != "name" or word not in COMPARISONS:
            raise filter_not_supported(word or "/".join(operand.path))
        literal = self._literal()
        if literal.kind == "null" and word not in ("eq", "ne"):
            raise filter_not_supported(f"{word} null")
        return Comparison(operand, word, literal)

    def _text_call(self, function: str) -> Node:
        if function not in TEXT_CALLS:
            raise filter_not_supported(function)
        self._take("mark", "(")
        if function == "substringof":
            needle = self._quoted()
            self._take("mark", ",")
            operand = self._operand()
        else:
            operand = self._operand()
            self._take("mark", ",")
            needle = self._quoted()
        self._take("mark", ")")
        if self._tokens[self._at] in (("name", "eq"), ("name", "ne")):
            self._at += 1
            if self._literal().kind != "boolean":
                raise filter_not_supported(function)
            return Never()
        return TextCall(function, operand, needle)

    def _operand(self) -> Operand:
        kind, text = self._next()
        if kind != "name" or text in ("true", "false", "null"):
            raise filter_not_supported(text or "end of expression")
        if text.startswith("cf."):
            return self._custom(text)
        if self._tokens[self._at] == ("mark", "("):
            raise filter_not_supported(text)
        return Operand(tuple(text.split("/")))

    def _custom(self, text: str) -> Operand:
        kind = text.removeprefix("cf.")
        if kind not in CUSTOM_KINDS:
            raise filter_not_supported(text)
        self._take("mark", "(")
        self._take("name", "f")
        self._take("mark", "=")
        view, _, name = self._quoted().partition(".")
        self._take("mark", ")")
        return Operand((view, name), kind)

    def _quoted(self) -> str:
        kind, text = self._next()
        if kind != "quoted":
            raise filter_not_supported(text or "end of expression")
        return _unquoted(text)

    def _literal(self) -> Constant:
        kind, text = self._next()
        if kind == "quoted":
            return Constant("text", _unquoted(text))
        if kind == "number":
            return Constant("number", Decimal(text.removesuffix("M")))
        if kind == "typed":
            return _typed_literal(text)
        if kind == "name" and text in ("true", "false"):
            return Constant("boolean", text == "true")
        if (kind, text) == ("name", "null"):
            return Constant("null", None)
        raise filter_not_supported(text or "end of expression")

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        if token[0] != "end":
            self._at += 1
        return token

    def _take(self, kind: str, text: str) -> None:
        found = self._next()
        if found != (kind, text):
            raise filter_not_supported(found[1] or "end of expression")


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def _typed_literal(text: str) -> Constant:
    name, _, rest = text.partition("'")
    content = rest[:-1]
    if name == "datetimeoffset":
        return Constant("moment", _moment_ms(content, text))
    if name == "date" and _DATE.fullmatch(content):
        return Constant("moment", _moment_ms(content, text))
    if name == "guid" and _GUID.fullmatch(content):
        return Constant("guid", content.lower())
    raise filter_not_supported(text)


def _moment_ms(content: str, shown: str) -> float:
    """Milliseconds since 1970; a moment without a zone is UTC."""
    if " " in content:  # an offset whose plus sign was not escaped
        raise filter_not_supported(shown)
    try:
        moment = datetime.fromisoformat(content)
    except ValueError:
        raise filter_not_supported(shown) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() * 1000
