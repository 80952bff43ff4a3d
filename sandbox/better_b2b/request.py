"""One API call as the handlers see it, and the reading of its query: paging, filters, times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.envelope import TOO_LARGE, Page, Refusal, field_refusal, text_refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sandbox.better_b2b.state import Store

DEFAULT_LIMIT = 10
BULK_MAX = 10
# Users 1 to 250 inclusive; companies and addresses more than 1 and less than 250 (docs/api/better_b2b.md#paging).
WIDE_LIMITS = (1, 250)
NARROW_LIMITS = (2, 249)

_FIELD_STATUS = 422
_INTEGER = re.compile(r"[+-]?\d{1,18}")


@dataclass(slots=True)
class Request:
    """One call after routing.

    Attributes:
        ids: Numbers in the path, in order.
        pairs: Query parameters in the order sent.
        body: The decoded body; none when there was none.
        failing_rows: Rows (from 0) that an ordered `partial_bulk` lets fail.
    """

    ids: tuple[int, ...] = ()
    pairs: Sequence[tuple[str, str]] = ()
    body: Any = None
    failing_rows: Sequence[int] = ()
    _by_name: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name = dict(self.pairs)

    def value(self, name: str) -> str | None:
        """A query parameter; an empty one counts as not given."""
        return self._by_name.get(name) or None

    def values(self, *names: str) -> list[str]:
        """All values of a repeatable query parameter; a comma does not separate."""
        return [value for name, value in self.pairs if name in names and value]

    def integer(self, name: str) -> int | None:
        """A whole number from the query.

        Raises:
            Refusal: 422 shape 1 naming the parameter.
        """
        text = self.value(name)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text):
            raise field_refusal({name: ["A valid integer is required."]})
        return int(text)

    def choice(self, name: str, choices: Iterable[str], default: str) -> str:
        """A word from the query, compared without case.

        Raises:
            Refusal: 422 shape 1 naming the parameter.
        """
        text = self.value(name)
        if text is None:
            return default
        for choice in choices:
            if choice.lower() == text.lower():
                return choice
        raise field_refusal({name: [f'"{text}" is not a valid choice.']})

    def wants_extra_fields(self) -> bool:
        """Whether a list shall show extra fields (`isIncludeExtraFields=1`)."""
        return self.choice("isIncludeExtraFields", ("0", "1", "false", "true"), "0") in ("1", "true")

    def object_body(self) -> dict[str, Any]:
        """The body, which must be a JSON object.

        Raises:
            Refusal: 422 shape 1 when it is something else.
        """
        if not isinstance(self.body, dict):
            kind = type(self.body).__name__
            raise field_refusal(
                {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]},
            )
        return self.body


def read_limits(store: Store, request: Request, limits: tuple[int, int]) -> tuple[int, int]:
    """Offset and limit of a list.

    Raises:
        Refusal: 422 shape 1 when one is out of range, 413 when it is too large (statement 6).
    """
    offset = request.integer("offset") or 0
    limit = request.integer("limit")
    if limit is None:
        limit = DEFAULT_LIMIT
    lowest, highest = limits
    if not lowest <= limit <= highest:
        status = store.settings["limit_too_large_status"]
        if store.settings["limit_out_of_range"] == "refuse" and limit > highest and status != _FIELD_STATUS:
            raise text_refusal(status, TOO_LARGE, f"Ensure that limit is less than or equal to {highest}.")
        if store.settings["limit_out_of_range"] == "refuse":
            raise field_refusal({"limit": [f"Ensure this value is between {lowest} and {highest}."]})
        limit = min(max(limit, lowest), highest)
    if offset < 0:
        raise field_refusal({"offset": ["Ensure this value is greater than or equal to 0."]})
    return offset, limit


def cut(rows: Sequence[Any], offset: int, limit: int) -> tuple[Sequence[Any], Page]:
    """One page of a list that is at hand as a whole."""
    return rows[offset : offset + limit], Page(offset, limit, len(rows))


def time_test(request: Request, *, includes_bounds: bool) -> Callable[[Any], bool] | None:
    """The four time filters as one test, or none when no time was given.

    Args:
        request: The call.
        includes_bounds: Companies include the bounds, users and addresses are strictly later or earlier
            (docs/api/better_b2b.md#time-filters).
    """
    bounds = [
        (attribute, is_lower, bound)
        for name, attribute, is_lower in (
            ("minModified", "updated_at", True),
            ("maxModified", "updated_at", False),
            ("minCreated", "created_at", True),
            ("maxCreated", "created_at", False),
        )
        if (bound := request.integer(name)) is not None
    ]
    if not bounds:
        return None
    slack = 0 if includes_bounds else 1

    def fits(row: Any) -> bool:
        return all(
            getattr(row, attribute) >= bound + slack if is_lower else getattr(row, attribute) <= bound - slack
            for attribute, is_lower, bound in bounds
        )

    return fits


def bulk_rows(request: Request, *, too_many: Refusal, no_array: Refusal | None = None) -> list[Any]:
    """The rows of a bulk body.

    Args:
        request: The call.
        too_many: The family's 413 for more than ten rows.
        no_array: The family's refusal of a body that is no array; shape 1 when left out.

    Raises:
        Refusal: One of these.
    """
    rows = request.body
    if not isinstance(rows, list):
        kind = type(rows).__name__
        raise no_array or field_refusal({"non_field_errors": [f'Expected a list of items but got type "{kind}".']})
    if len(rows) > BULK_MAX:
        raise too_many
    return rows


def too_many_rows() -> Refusal:
    """The 413 of users and addresses."""
    return text_refusal(413, TOO_LARGE, "Add up to ten data at a time")
