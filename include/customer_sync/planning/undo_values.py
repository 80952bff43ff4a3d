"""Values of one part taken back, field by field, where ledger and store hold what the run wrote. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from customer_sync.model.outcome import Reason
from customer_sync.planning.undo_changes import Change, Left

Record = TypeVar("Record", bound=msgspec.Struct)

_BY_CODE: Final = {"country_name": "country_code", "state_name": "state_code"}
_EXTRA: Final = "extra_fields"


def restored(part: str, change: Change, applied: Record, real: Record) -> tuple[Record, list[Left]]:
    """A record with the values of before, and what of it has to stay.

    Args:
        part: The part's name.
        change: What the run did to it.
        applied: What the ledger holds.
        real: What the store shows.
    """
    values: dict[str, Any] = {}
    left: list[Left] = []
    for name, was in change.before.items():
        after = change.after.get(name, empty_value(applied, name))
        if name == _EXTRA:
            values[name], kept = _extra_fields(part, was, after, applied, real)
            left += kept
            continue
        mine, theirs = _comparable(name, applied, real)
        why = why_left(_folded(name, after), mine, theirs, was=_folded(name, was))
        if why is None:
            values[name] = was
        else:
            left.append(Left(part, name, why))
    return msgspec.structs.replace(applied, **values), left if change.is_sure else []


def touched(part: str, change: Change, applied: msgspec.Struct, real: msgspec.Struct) -> list[Left]:
    """What of a record that the run made holds another value by now."""
    found = [
        Left(part, name, why)
        for name, value in change.after.items()
        if not name.startswith("admin_") and (why := _why_touched(name, value, applied, real)) is not None
    ]
    return list(found)


def why_left(after: Any, applied: Any, real: Any, *, was: Any = None) -> Reason | None:
    """Why a value that a run wrote is left as it is.

    Args:
        after: What the run wrote.
        applied: What the ledger holds.
        real: What the store shows.
        was: What was there before: where it is there again, there is nothing to be said.

    Returns:
        ``None`` where the value may be taken back, or was.
    """
    if real != applied:
        return None if real == was is not None else Reason.TOUCHED_IN_STORE
    return None if applied in (after, was) else Reason.TOUCHED_BY_LATER_RUN


def empty_value(record: msgspec.Struct, name: str) -> Any:
    """The value that a field has where nothing is written into it."""
    return {} if name == _EXTRA else type(getattr(record, name))()


def _why_touched(name: str, after: Any, applied: msgspec.Struct, real: msgspec.Struct) -> Reason | None:
    if name == _EXTRA:
        return next(_why_extra_touched(after, applied, real), None)
    mine, theirs = _comparable(name, applied, real)
    return why_left(_folded(name, after), mine, theirs)


def _why_extra_touched(after: Mapping[str, str], applied: Any, real: Any) -> Iterator[Reason]:
    for key, value in after.items():
        why = why_left(value, applied.extra_fields.get(key, ""), real.extra_fields.get(key, ""))
        if why is not None:
            yield why


def _extra_fields(
    part: str, before: Mapping[str, str], after: Mapping[str, str], applied: Any, real: Any
) -> tuple[dict[str, str], list[Left]]:
    have: dict[str, str] = dict(applied.extra_fields)
    left: list[Left] = []
    for name, value in after.items():
        was = before.get(name, "")
        if was == value:
            continue
        why = why_left(value, have.get(name, ""), real.extra_fields.get(name, ""), was=was)
        if why is None:
            have[name] = was
        else:
            left.append(Left(part, f"{_EXTRA}.{name}", why))
    return have, left


def _comparable(name: str, applied: msgspec.Struct, real: msgspec.Struct) -> tuple[Any, Any]:
    """What ledger and store hold of a field, as they are to be compared."""
    mine, theirs = _folded(name, getattr(applied, name)), _folded(name, getattr(real, name))
    if name in _BY_CODE and getattr(applied, _BY_CODE[name]) == getattr(real, _BY_CODE[name]) != "":
        return mine, mine  # a store names a country in its own words
    return mine, theirs


def _folded(name: str, value: Any) -> Any:
    return value.casefold() if name == "email" else value
