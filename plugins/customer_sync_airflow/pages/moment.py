"""A moment as it stands in an address: with zone, and in years that every calendar and database can reckon with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def _within_reason(moment: datetime) -> datetime:
    """Refuse what no log can hold; in years 1 and 9999 a change of zone leaves the calendar."""
    if not _FIRST <= moment <= _LAST:
        raise ValueError(f"give a time from {_FIRST.year} to {_LAST.year - 1}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_within_reason)]
"""A time of the log, with zone."""


def checked_moment(text: object) -> datetime:
    """Read one in ISO 8601.

    Raises:
        ValueError: It is none, has no zone, or lies outside of what a log can hold.
    """
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return _within_reason(moment)
