"""A filter's tree made into a test for rows, and into bounds that the indexes can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.access import LINKS, reader
from sandbox.acumatica.collation import folded
from sandbox.acumatica.contract import DATE_TIME, Endpoint, custom_fields
from sandbox.acumatica.errors import filter_not_supported, unknown_field
from sandbox.acumatica.filter_syntax import Comparison, Constant, Junction, Never, Node, Operand, TextCall

if TYPE_CHECKING:
    from collections.abc import Callable

_CARD_LINKS = ("MainContact", "BillingContact", "ShippingContact", "LocationContact")
_NUMBERS = ("IntValue", "ShortValue", "LongValue", "DecimalValue", "DoubleValue", "ByteValue")
_KIND_OF_TYPE = {
    "StringValue": "text",
    "BooleanValue": "boolean",
    DATE_TIME: "moment",
    "GuidValue": "guid",
    **dict.fromkeys(_NUMBERS, "number"),
}
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda found, expected: found == expected,
    "ne": lambda found, expected: found != expected,
    "gt": lambda found, expected: found > expected,
    "ge": lambda found, expected: found >= expected,
    "lt": lambda found, expected: found < expected,
    "le": lambda found, expected: found <= expected,
}


class DetailPathError(Exception):
    """The filter goes into a detail, whose result the ERP does not promise."""


def compiled_filter(endpoint: Endpoint, entity: str, node: Node) -> Callable[[Any], bool]:
    """A test for rows of a top-level entity.

    Raises:
        ApiError: A field is unknown, or compared with a constant of another kind.
        DetailPathError: A path goes into a detail.
    """
    if isinstance(node, Never):
        return lambda _row: False
    if isinstance(node, Junction):
        tests = [compiled_filter(endpoint, entity, term) for term in node.terms]
        if node.is_and:
            return lambda row: all(test(row) for test in tests)
        return lambda row: any(test(row) for test in tests)
    read, type_name = _resolved(endpoint, entity, node.operand)
    if isinstance(node, TextCall):
        return _text_test(node, read, type_name)
    return _comparison_test(node, read, type_name)


def _resolved(endpoint: Endpoint, entity: str, operand: Operand) -> tuple[Callable[[Any], Any], str]:
    if operand.custom_kind is not None:
        view, name = operand.path
        custom = custom_fields(entity).get((view, name))
        if custom is None:
            raise unknown_field()
        return reader(entity, custom.name), f"{operand.custom_kind}Value"
    steps: list[Callable[[Any], Any]] = []
    place, contract = entity, endpoint.entities[entity]
    *links, last = operand.path
    for name in links:
        found = contract.fields.get(name)
        if found is None or found.kind == "scalar":
            raise unknown_field()
        if found.kind == "detail":
            raise DetailPathError(name)
        steps.append(LINKS[place][name])
        place = "Card" if name in _CARD_LINKS else found.type
        contract = endpoint.entities[found.type]
    scalar = contract.fields.get(last)
    if scalar is None:
        raise unknown_field()
    if scalar.kind != "scalar":
        raise filter_not_supported("/".join(operand.path))
    return _through(steps, reader(place, last)), scalar.type


def _through(steps: list[Callable[[Any], Any]], read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if not steps:
        return read

    def read_through(row: Any) -> Any:
        for step in steps:
            row = step(row)
            if row is None:
                return None
        return read(row)

    return read_through


def _text_test(node: TextCall, read: Callable[[Any], Any], type_name: str) -> Callable[[Any], bool]:
    if type_name != "StringValue":
        raise filter_not_supported(node.function)
    needle = node.needle.casefold()
    if node.function == "startswith":
        return lambda row: bool((found := read(row)) is not None and found.casefold().startswith(needle))
    if node.function == "endswith":
        return lambda row: bool((found := read(row)) is not None and found.casefold().endswith(needle))
    return lambda row: bool((found := read(row)) is not None and needle in found.casefold())


def _comparison_test(node: Comparison, read: Callable[[Any], Any], type_name: str) -> Callable[[Any], bool]:
    constant = node.literal
    if constant.kind == "null":
        if node.operator == "eq":
            return lambda row: read(row) is None
        return lambda row: read(row) is not None
    if constant.kind != _KIND_OF_TYPE[type_name]:
        raise filter_not_supported(f"{'/'.join(node.operand.path)} {node.operator} a constant of kind {constant.kind}")
    compare = _ORDERED[node.operator]
    if constant.kind == "text":
        expected = folded(constant.value)
        # As in SQL, a missing value is neither equal nor unequal to a constant.
        return lambda row: (found := read(row)) is not None and compare(folded(found), expected)
    expected_value = constant.value
    return lambda row: (found := read(row)) is not None and compare(found, expected_value)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the indexes may use; every bound is included, and the test decides in the end.

    Attributes:
        low: Smallest first key part, or none.
        high: Largest first key part, or none.
        keys: The only first key parts that can match, or none when any can.
        low_ms: Smallest stamp, or none.
        high_ms: Largest stamp, or none.
        accounts: The only business accounts that can match (contacts), or none.
        ids: The only record ids that can match, or none.
    """

    low: Any = None
    high: Any = None
    keys: frozenset[Any] | None = None
    low_ms: float | None = None
    high_ms: float | None = None
    accounts: frozenset[Any] | None = None
    ids: frozenset[Any] | None = None


FIRST_KEYS = {"Customer": "CustomerID", "Contact": "ContactID", "CustomerLocation": "Customer"}


def bounds_of(entity: str, node: Node) -> Bounds:
    """Bounds of a filter for the indexes of an entity's table."""
    key = FIRST_KEYS[entity]
    low, high = _span(node, key)
    low_ms, high_ms = _span(node, "LastModifiedDateTime")
    return Bounds(
        low=low,
        high=high,
        keys=_only(node, key),
        low_ms=low_ms,
        high_ms=high_ms,
        accounts=_only(node, "BusinessAccount") if entity == "Contact" else None,
        ids=_only(node, "NoteID"),
    )


def _comparable(constant: Constant) -> Any:
    return folded(constant.value) if constant.kind == "text" else constant.value


def _span(node: Node, field: str) -> tuple[Any, Any]:
    """Smallest and largest value that `field` can have in a match; none is open."""
    if isinstance(node, Comparison) and node.operand.path == (field,) and node.literal.kind != "null":
        value = _comparable(node.literal)
        if node.operator == "eq":
            return value, value
        if node.operator in ("gt", "ge"):
            return value, None
        if node.operator in ("lt", "le"):
            return None, value
    if isinstance(node, Junction):
        spans = [_span(term, field) for term in node.terms]
        lows, highs = [low for low, _ in spans], [high for _, high in spans]
        if node.is_and:
            known_lows, known_highs = (
                [low for low in lows if low is not None],
                [high for high in highs if high is not None],
            )
            return max(known_lows, default=None), min(known_highs, default=None)
        return (None if None in lows else min(lows)), (None if None in highs else max(highs))
    return None, None


def _only(node: Node, field: str) -> frozenset[Any] | None:
    """The values that `field` must have one of in a match; none when it is free."""
    if isinstance(node, Comparison):
        if node.operand.path == (field,) and node.operator == "eq" and node.literal.kind != "null":
            return frozenset((_comparable(node.literal),))
        return None
    if isinstance(node, Junction):
        sets = [_only(term, field) for term in node.terms]
        known = [found for found in sets if found is not None]
        if node.is_and:
            return min(known, key=len, default=None)
        return frozenset().union(*known) if len(known) == len(sets) else None
    return frozenset() if isinstance(node, Never) else None
