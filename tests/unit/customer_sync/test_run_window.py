"""Which changes a run covers: the precedence table of docs/architecture.md#windows, row by row."""

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from customer_sync.errors import ConfigError
from customer_sync.planning.window import Window, is_full_due, read_request, resolve_window, whole

STREAMS = ("customers", "contacts", "locations")
MARKS = {
    "customers": "2026-03-01T12:00:00+00:00",
    "contacts": "2026-03-01T11:00:00+00:00",
    "locations": "2026-03-01T10:00:00+00:00",
}
INTERVAL = (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC))
FEBRUARY = ("2026-02-01T00:00:00+00:00", "2026-02-02T00:00:00+00:00")


def window(params: dict[str, Any] | None = None, **facts: Any) -> Window:
    """Resolve the window of a run."""
    return resolve_window(
        read_request(params or {}), **{"streams": STREAMS, "watermarks": MARKS, "overlap_minutes": 10, **facts}
    )


def test_each_stream_goes_on_from_its_watermark_minus_the_overlap() -> None:
    """The schedule's run reads what changed, a little of it twice."""
    found = window()
    assert found.mode == "incremental"
    assert found.since == {
        "customers": "2026-03-01T11:50:00+00:00",
        "contacts": "2026-03-01T10:50:00+00:00",
        "locations": "2026-03-01T09:50:00+00:00",
    }
    assert found.until == ""
    assert found.moves_watermark


def test_a_stream_is_read_from_the_beginning_when_it_has_no_watermark() -> None:
    """Nothing is skipped for a stream that was never seen."""
    assert set(window(watermarks={"customers": MARKS["customers"]}).since) == {"customers"}


@pytest.mark.parametrize(
    ("params", "facts", "mode", "moves"),
    [
        ({}, {}, "incremental", True),
        ({"dry_run": True}, {}, "incremental", False),
        ({}, {"is_backfill": True, "data_interval": INTERVAL}, "incremental", False),
        ({}, {"is_backfill": True}, "incremental", False),
        ({}, {"data_interval": INTERVAL}, "incremental", True),
        ({}, {"mapping_changed": True}, "full", True),
        ({"dry_run": True}, {"mapping_changed": True}, "full", False),
        ({}, {"watermarks": {}}, "full", True),
        ({}, {"full_is_due": True}, "full", True),
        ({"dry_run": True}, {"full_is_due": True}, "full", False),
        ({"modified_from": "2026-01-01T00:00:00Z"}, {"full_is_due": True}, "incremental", False),
        ({"mode": "full"}, {}, "full", True),
        ({"mode": "full", "dry_run": True}, {}, "full", False),
        ({"mode": "full"}, {"is_backfill": True, "data_interval": INTERVAL}, "full", False),
        ({"mode": "selected", "customer_ids": ["C1"]}, {}, "selected", False),
        ({"mode": "selected", "customer_ids": ["C1"]}, {"mapping_changed": True}, "selected", False),
        ({"modified_from": "2026-01-01T00:00:00Z"}, {}, "incremental", False),
        ({"modified_from": "2026-01-01T00:00:00Z"}, {"mapping_changed": True}, "incremental", False),
        ({"modified_to": "2026-01-01T00:00:00Z"}, {}, "incremental", False),
    ],
)
def test_mode_and_watermarks_follow_from_who_asks(
    params: dict[str, Any], facts: dict[str, Any], mode: str, *, moves: bool
) -> None:
    """Only a regular incremental or full run moves the watermarks."""
    found = window(params, **facts)
    assert (found.mode, found.moves_watermark) == (mode, moves)
    assert found.why


@pytest.mark.parametrize(
    ("params", "facts", "since", "until"),
    [
        ({"modified_from": "2026-01-01T00:00:00Z"}, {}, "2026-01-01T00:00:00+00:00", ""),
        ({"modified_to": "2026-01-01T00:00:00Z"}, {}, None, "2026-01-01T00:00:00+00:00"),
        (
            {"modified_from": "2026-01-01T02:00:00+02:00", "modified_to": "2026-01-01T00:00:00-05:00"},
            {},
            "2026-01-01T00:00:00+00:00",
            "2026-01-01T05:00:00+00:00",
        ),
        ({}, {"is_backfill": True, "data_interval": INTERVAL}, *FEBRUARY),
        (
            {"modified_from": "2026-01-01T00:00:00Z"},
            {"is_backfill": True, "data_interval": INTERVAL},
            "2026-01-01T00:00:00+00:00",
            "",
        ),
        ({}, {"is_backfill": True, "data_interval": INTERVAL, "mapping_changed": True}, *FEBRUARY),
        ({}, {"is_backfill": True, "data_interval": INTERVAL, "watermarks": {}}, *FEBRUARY),
    ],
)
def test_bounds_are_half_open_in_utc_and_params_win_over_the_interval(
    params: dict[str, Any], facts: dict[str, Any], since: str | None, until: str
) -> None:
    """Explicit params, then the backfill's interval, for all three streams alike."""
    found = window(params, **facts)
    assert found.since == (dict.fromkeys(STREAMS, since) if since else {})
    assert found.until == until


def test_bounds_are_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zone of the machine is in no bound."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        found = window({"modified_from": "2026-01-01T02:00:00+02:00"})
    time.tzset()
    assert found.since == dict.fromkeys(STREAMS, "2026-01-01T00:00:00+00:00")


def test_a_backfill_remembers_its_interval() -> None:
    """A re-processed interval takes up what the ledger recorded for it."""
    assert window({}, is_backfill=True, data_interval=INTERVAL).interval == FEBRUARY
    assert window().interval is None


@pytest.mark.parametrize(
    ("params", "facts", "resume_after"),
    [
        ({}, {}, "C5"),
        ({"mode": "full"}, {}, "C5"),
        ({"mode": "full", "dry_run": True}, {}, ""),
        ({}, {"mapping_changed": True}, ""),
        ({"mode": "full"}, {"mapping_changed": True}, ""),
        ({"mode": "full"}, {"watermarks": MARKS}, ""),
        ({}, {"watermarks": {}}, ""),
        ({"mode": "selected", "customer_ids": ["C1"]}, {}, ""),
        ({}, {"is_backfill": True, "data_interval": INTERVAL}, ""),
    ],
)
def test_a_long_read_goes_on_where_it_stopped_unless_the_rules_changed(
    params: dict[str, Any], facts: dict[str, Any], resume_after: str
) -> None:
    """Customers before the saved key were judged by the old rules, so new rules start from the beginning."""
    found = window(params, **{"watermarks": {**MARKS, "resume_after": "C5"}, **facts})
    assert found.resume_after == resume_after
    assert found.mode == "full" or not resume_after
    assert ("after C5" in found.why) is bool(resume_after)


def test_selected_ids_are_trimmed_and_asked_for_once() -> None:
    """A pasted list with blanks and repetitions works."""
    assert window({"mode": "selected", "customer_ids": [" C2", "C1", "C2 "]}).customer_ids == ("C2", "C1")


ROWS = [
    ({"mode": "selected", "customer_ids": ["C1"]}, {}, "selected customers"),
    ({"modified_from": "2026-01-01T00:00:00Z"}, {}, "modified_from / modified_to of the params"),
    ({"mode": "full"}, {}, "mode full"),
    ({}, {"is_backfill": True, "data_interval": INTERVAL}, "the backfill's data interval"),
    ({}, {"mapping_changed": True}, "the connector's rules or mapping changed"),
    ({}, {"watermarks": {"resume_after": "C5"}}, "incremental: the long read goes on after C5"),
    ({}, {"watermarks": {}}, "no watermark yet"),
    ({}, {"full_is_due": True}, "the first scheduled run after a tick of full_schedule"),
    ({}, {}, "watermarks minus 10 minutes"),
]
"""The precedence table: params, what else is known of the run, and why it reads what it reads."""


@pytest.mark.parametrize(("params", "facts", "why"), ROWS)
def test_every_row_of_the_table_says_why(params: dict[str, Any], facts: dict[str, Any], why: str) -> None:
    """The log and the audit name the row that decided."""
    assert window(params, **facts).why == why


@pytest.mark.parametrize(("params", "facts", "_why"), ROWS)
def test_retrying_the_quarantined_is_passed_on(params: dict[str, Any], facts: dict[str, Any], _why: str) -> None:
    """The switch holds in every row of the table."""
    assert window({**params, "retry_quarantined": True}, **facts).retry_quarantined is True
    assert window(params, **facts).retry_quarantined is False


@pytest.mark.parametrize(
    "facts",
    [
        {"mapping_changed": True},
        {"watermarks": {"resume_after": "C5"}},
        {"watermarks": {}},
        {"full_is_due": True},
        {},
    ],
)
def test_a_backfill_without_an_interval_moves_nothing(facts: dict[str, Any]) -> None:
    """Whatever row it falls into, the schedule's watermarks are not a backfill's to move, nor its long read's place."""
    found = window(is_backfill=True, **facts)
    assert (found.moves_watermark, found.resume_after) == (False, "")


def test_null_params_count_as_absent() -> None:
    """The trigger form sends null for what was left empty."""
    empty = {"customer_ids": None, "modified_from": None, "modified_to": None, "plan_hash": None}
    assert read_request(empty) == read_request({})


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"mode": "selected"}, "customer_ids is required by"),
        ({"mode": "selected", "customer_ids": []}, "customer_ids is required by"),
        ({"customer_ids": ["C1"]}, "only allowed with mode 'selected'"),
        ({"mode": "full", "customer_ids": ["C1"]}, "only allowed with mode 'selected'"),
        ({"mode": "selected", "customer_ids": ["C1", " "]}, "blank"),
        ({"mode": "selected", "customer_ids": "C1"}, "customer_ids"),
        ({"mode": "selected", "customer_ids": ["C1"] * 5001}, "5000"),
        ({"mode": "everything"}, "mode"),
        ({"mode": "full", "modified_from": "2026-01-01T00:00:00Z"}, "only allowed with mode 'incremental'"),
        ({"modified_from": "2026-01-01T00:00:00"}, "modified_from"),
        ({"modified_from": "yesterday"}, "modified_from"),
        (
            {"modified_from": "2026-01-02T00:00:00Z", "modified_to": "2026-01-01T00:00:00Z"},
            "modified_from must be before modified_to",
        ),
        (
            {"modified_from": "2026-01-01T00:00:00Z", "modified_to": "2026-01-01T00:00:00Z"},
            "modified_from must be before modified_to",
        ),
        ({"dry_run": "perhaps"}, "dry_run"),
        ({"plan_hash": "ABC"}, "plan_hash"),
        ({"plan_hash": "G" * 32}, "plan_hash"),
        ({"customers": ["C1"]}, "customers"),
    ],
)
def test_one_sentence_names_the_param_when_it_is_wrong(params: dict[str, Any], words: str) -> None:
    """A wrong trigger fails at once, with the param and what to do."""
    with pytest.raises(ConfigError) as caught:
        read_request(params)
    assert words in str(caught.value)
    assert str(caught.value).endswith("Correct them and start again.")
    assert "\n" not in str(caught.value)
    assert caught.value.evidence == {"setting": "params"}


def test_a_watermark_in_another_zone_means_the_same_moment() -> None:
    """Stamps are moments, not texts."""
    stamp = datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))).isoformat()
    assert window(watermarks={"customers": stamp}).since == {"customers": "2026-03-01T11:50:00+00:00"}


@pytest.mark.parametrize(("params", "facts", "why"), ROWS)
def test_only_a_window_of_watermarks_can_turn_out_to_be_wrong(
    params: dict[str, Any], facts: dict[str, Any], why: str
) -> None:
    """A stamp beyond the source's clock matters where the window was made of stamps, and nowhere else."""
    assert window(params, **facts).from_watermarks is why.startswith("watermarks")


def test_a_full_run_that_is_due_starts_from_the_beginning() -> None:
    """It reads everybody, whatever the watermarks say."""
    found = window({"retry_quarantined": True}, full_is_due=True)
    assert found == Window(
        mode="full",
        why="the first scheduled run after a tick of full_schedule",
        retry_quarantined=True,
        moves_watermark=True,
    )


MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
NIGHTLY = "0 0 * * *"


@pytest.mark.parametrize(
    ("schedule", "last_full_utc", "is_due"),
    [
        pytest.param(None, None, False, id="no schedule: never"),
        pytest.param(NIGHTLY, None, True, id="there was no full run yet"),
        pytest.param(NIGHTLY, MIDNIGHT - timedelta(seconds=1), True, id="the last one was before the tick"),
        pytest.param(NIGHTLY, MIDNIGHT, False, id="the last one began with the tick"),
        pytest.param(NIGHTLY, MIDNIGHT + timedelta(hours=1), False, id="the last one was after the tick"),
        pytest.param("0 0 * * 1", MIDNIGHT - timedelta(days=6), True, id="weekly, on Monday: it is Monday"),
        pytest.param("0 0 * * 0", MIDNIGHT - timedelta(hours=23), False, id="weekly, on Sunday: Sunday's is done"),
    ],
)
def test_a_full_run_is_due_when_a_tick_passed_since_the_last(
    schedule: str | None, last_full_utc: datetime | None, *, is_due: bool
) -> None:
    """Once for each tick, by the first scheduled run after it."""
    assert is_full_due(schedule, last_full_utc, MIDNIGHT + timedelta(hours=2)) is is_due


@pytest.mark.parametrize("params", [{}, {"dry_run": True}, {"retry_quarantined": True}])
def test_everything_is_read_in_place_of_a_window_that_cannot_be_trusted(params: dict[str, Any]) -> None:
    """It moves the watermarks where the other window would have, and retries what that one would have."""
    replaced = window(params)
    assert whole(replaced, "a stamp lies in the future") == Window(
        mode="full",
        why="a stamp lies in the future",
        retry_quarantined=bool(params.get("retry_quarantined")),
        moves_watermark=not params.get("dry_run"),
    )
