"""Where a watermark may move to after a read that took its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from customer_sync.steps.stamps import safe_stamps

STAMP = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("took_minutes", "expected"),
    [(0, STAMP), (4.9, STAMP), (5, STAMP - timedelta(minutes=5)), (90, datetime(2026, 3, 4, 10, 30, tzinfo=UTC))],
)
def test_a_long_read_moves_the_watermark_less_far(took_minutes: float, expected: datetime) -> None:
    """What changed after its page was read stays inside the next window however long the read took."""
    assert safe_stamps({"customers": STAMP}, timedelta(minutes=took_minutes), 10) == {"customers": expected}
