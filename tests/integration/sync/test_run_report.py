"""The report that a run leaves behind."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from customer_sync.reporting.run_report import balance_of
from tests.integration.twin_world import World


def test_report_balances_with_the_run_when_a_folder_is_configured(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row per customer, counts that equal the audit's, and nobody else may read the files."""
    monkeypatch.setenv("CUSTOMER_SYNC_REPORTS_DIR", str(tmp_path / "reports"))

    report = world.sync(mode="full", run_id="manual__2026-03-04T05:06:07+00:00")

    folder = tmp_path / "reports" / "knb" / "manual__2026-03-04T05_06_07_00_00"
    customers = pd.read_csv(folder / "customers.csv", keep_default_na=False)
    assert customers["outcome"].value_counts().to_dict() == report.outcomes
    assert customers["customer_id"].is_unique
    log = pd.read_csv(folder / "log.csv", keep_default_na=False)
    assert set(customers["customer_id"]) == set(log.loc[log["outcome"] != "", "customer_id"])
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_customer_with_several_reasons_counts_once_under_each() -> None:
    """The balance adds up per reason, not per combination of reasons."""
    customers = pd.DataFrame(
        [("C1", "filtered", "email_missing,not_enabled"), ("C2", "filtered", "not_enabled"), ("C3", "created", "")],
        columns=["customer_id", "outcome", "reasons"],
    )

    rows = {(row.outcome, row.reason): row.customers for row in balance_of(customers).itertuples()}

    assert rows == {("filtered", "email_missing"): 1, ("filtered", "not_enabled"): 2, ("created", ""): 1}
