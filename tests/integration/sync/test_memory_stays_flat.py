"""A run's memory does not grow with the number of customers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.contender import run_ours


def _peak_mb(customers: int, folder: Path) -> float:
    order = {"customers": customers, "dry_run": True, "ledger_url": f"sqlite:///{folder / f'{customers}.db'}"}
    measured = run_ours("bench.endless_run", order)
    assert sum(measured.told["outcomes"].values()) == customers
    return measured.peak_mb


@pytest.mark.long
@pytest.mark.timeout(900)
def test_five_times_as_many_customers_need_no_more_memory(tmp_path: Path) -> None:
    """Both reads reach the largest batch; what grows beside it would be held for every customer."""
    assert _peak_mb(50_000, tmp_path) <= 1.25 * _peak_mb(10_000, tmp_path)
