"""Batch files go by age, and only those of the connectors' own DAGs."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from customer_sync_airflow.tasks.batch_files import Removal, remove_old_files

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def a_file(base: Path, name: str, age_days: int) -> Path:
    """A batch file of that age."""
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"customers")
    moment = (NOW - timedelta(days=age_days)).timestamp()
    os.utime(path, (moment, moment))
    return path


def test_old_files_go_when_retention_is_over(tmp_path: Path) -> None:
    """Old files and the folders that they leave empty go; young ones and those of other DAGs stay."""
    old = a_file(tmp_path, "customer_sync__knb/run 1/extract/a.gz", 31)
    young = a_file(tmp_path, "customer_sync__knb/run+2/extract/b.gz", 29)
    mixed = a_file(tmp_path, "customer_sync__knb/run+2/load/c.gz", 31)
    other = a_file(tmp_path, "someone_elses/run1/task/d.gz", 400)
    removal = remove_old_files(
        f"file://{tmp_path}", ["customer_sync__knb", "customer_sync__new"], keep=timedelta(days=30), now_utc=NOW
    )
    assert removal == Removal(files=2, size_bytes=18, kept=1)
    assert young.exists()
    assert other.exists()
    assert not old.exists()
    assert not mixed.exists()
    assert not old.parent.parent.exists()
    assert not mixed.parent.exists()
