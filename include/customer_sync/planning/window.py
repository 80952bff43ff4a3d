"""Which changes a run covers: params, else a backfill's data interval, else the watermarks. Pure.

Source: docs/architecture.md#windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

# It brings no types.
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from customer_sync.settings.params import read_params

Mode = Literal["incremental", "full", "selected"]


class RunRequest(BaseModel):
    """What a person or the schedule asks of a run: the params of the DAG.

    ``modified_from`` and ``modified_to`` bound the window half-open and need a zone. ``undo_run`` is the run that is to
    be taken back in place of a sync.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = "incremental"
    customer_ids: tuple[str, ...] = Field(default=(), max_length=5000)
    modified_from: AwareDatetime | None = None
    modified_to: AwareDatetime | None = None
    dry_run: bool = False
    retry_quarantined: bool = False
    plan_hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    undo_run: str | None = Field(default=None, min_length=1, max_length=250)

    @model_validator(mode="before")
    @classmethod
    def _nulls_are_absent(cls, values: Any) -> Any:
        return (
            {key: value for key, value in values.items() if value is not None} if isinstance(values, dict) else values
        )

    @model_validator(mode="after")
    def _fits_together(self) -> RunRequest:
        if (self.mode == "selected") != bool(self.customer_ids):
            raise ValueError("customer_ids is required by and only allowed with mode 'selected'")
        if self.mode != "incremental" and (self.modified_from or self.modified_to):
            raise ValueError("modified_from and modified_to are only allowed with mode 'incremental'")
        if self.modified_from and self.modified_to and self.modified_from >= self.modified_to:
            raise ValueError("modified_from must be before modified_to")
        if any(not key.strip() for key in self.customer_ids):
            raise ValueError("customer_ids must not hold blank ids")
        if self.undo_run and (self.mode != "incremental" or self.modified_from or self.modified_to):
            raise ValueError("undo_run names all that is to be done: leave mode, customer_ids and the moments alone")
        return self


def read_request(params: Mapping[str, Any]) -> RunRequest:
    """Validate a run's params.

    Raises:
        ConfigError: A param is wrong; the message names it and what is accepted.
    """
    return read_params(RunRequest, params)


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The changes that one run covers.

    ``since`` holds, per stream, the inclusive lower bound (ISO 8601, UTC) or nothing
    for "from the beginning"; ``until`` is the exclusive upper bound or ``""``.
    ``why`` says in words where the bounds come from.
    """

    mode: Mode
    why: str
    customer_ids: tuple[str, ...] = ()
    since: dict[str, str] = {}
    until: str = ""
    retry_quarantined: bool = False
    moves_watermark: bool = False
    from_watermarks: bool = False
    resume_after: str = ""
    interval: tuple[str, str] | None = None


def resolve_window(  # noqa: PLR0911 - one return per row of the precedence table, in its order
    request: RunRequest,
    *,
    streams: Sequence[str],
    watermarks: Mapping[str, str],
    overlap_minutes: int,
    is_backfill: bool = False,
    data_interval: tuple[datetime, datetime] | None = None,
    mapping_changed: bool = False,
    full_is_due: bool = False,
) -> Window:
    """Decide what a run reads.

    Args:
        request: The validated params.
        streams: The source's lists of changes, that of the customers themselves first.
        watermarks: Stamp per stream (ISO 8601), and ``resume_after`` where a long read was cut off.
        overlap_minutes: How far before the watermark an incremental run starts.
        is_backfill: Whether Airflow runs this for a past interval.
        data_interval: The interval, half-open; used only by backfills.
        mapping_changed: The connector's rules changed since the watermark moved last.
        full_is_due: It is a scheduled run, the first after a tick of ``full_schedule``.

    Returns:
        The window. It moves the watermarks only in mode ``incremental`` or ``full``
        without explicit bounds, outside backfills and dry runs.
    """
    retry = request.retry_quarantined
    if request.mode == "selected":
        ids = tuple(dict.fromkeys(key.strip() for key in request.customer_ids))
        return Window(mode="selected", why="selected customers", customer_ids=ids, retry_quarantined=retry)
    if request.modified_from or request.modified_to:
        lower, upper = _iso(request.modified_from), _iso(request.modified_to)
        return Window(
            mode="incremental",
            why="modified_from / modified_to of the params",
            since=dict.fromkeys(streams, lower) if lower else {},
            until=upper,
            retry_quarantined=retry,
        )
    if request.mode == "full":
        # A long read that was cut off goes on, unless other rules applied to what it read before.
        goes_on = "" if mapping_changed else watermarks.get("resume_after", "")
        return _full("mode full", request, goes_on, is_backfill=is_backfill)
    if is_backfill and data_interval is not None:
        lower, upper = _iso(data_interval[0]), _iso(data_interval[1])
        return Window(
            mode="incremental",
            why="the backfill's data interval",
            since=dict.fromkeys(streams, lower),
            until=upper,
            retry_quarantined=retry,
            interval=(lower, upper),
        )
    if mapping_changed:
        return _full("the connector's rules or mapping changed", request, "", is_backfill=is_backfill)
    if watermarks.get("resume_after"):
        return _full("incremental", request, watermarks["resume_after"], is_backfill=is_backfill)
    if not watermarks.get(streams[0]):
        return _full("no watermark yet", request, "", is_backfill=is_backfill)
    if full_is_due:
        return _full("the first scheduled run after a tick of full_schedule", request, "", is_backfill=is_backfill)
    overlap = timedelta(minutes=overlap_minutes)
    since = {name: _iso(datetime.fromisoformat(watermarks[name]) - overlap) for name in streams if watermarks.get(name)}
    return Window(
        mode="incremental",
        why=f"watermarks minus {overlap_minutes} minutes",
        since=since,
        retry_quarantined=retry,
        moves_watermark=not request.dry_run and not is_backfill,
        from_watermarks=True,
    )


def is_full_due(schedule: str | None, last_full_utc: datetime | None, now_utc: datetime) -> bool:
    """Whether a tick of a cron schedule, in UTC, lies between the last full run and now.

    Args:
        schedule: Five cron columns; ``None``: never.
        last_full_utc: When the last good full run began; ``None`` when there was none.
        now_utc: Now.
    """
    if schedule is None:
        return False
    # It brings calendars that no other run needs.
    from croniter import croniter  # type: ignore[import-untyped] # noqa: PLC0415 - see above

    return last_full_utc is None or last_full_utc < croniter(schedule, now_utc).get_prev(datetime)


def whole(window: Window, why: str) -> Window:
    """The window of everything, in the place of one that cannot be trusted; it moves what that one would have moved."""
    return Window(
        mode="full",
        why=why,
        retry_quarantined=window.retry_quarantined,
        moves_watermark=window.moves_watermark,
    )


def _full(why: str, request: RunRequest, resume_after: str, *, is_backfill: bool) -> Window:
    moves = not request.dry_run and not is_backfill
    goes_on = moves and bool(resume_after)
    return Window(
        mode="full",
        why=f"{why}: the long read goes on after {resume_after}" if goes_on else why,
        retry_quarantined=request.retry_quarantined,
        moves_watermark=moves,
        resume_after=resume_after if goes_on else "",
    )


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""
