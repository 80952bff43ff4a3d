"""`make demo ONCE=1`, twice: a first sync from nothing, then one that finds nothing to do."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_sync.ledger.story.batches import batches_of

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("config", "dags", "demo", "plugins", "sandbox")
KEY_FIELD = "Acumatica Customer ID"
WRITES = ("journal", "customer_state", "email")


@dataclass(frozen=True)
class Call:
    """What one call of the demo left: its exit code and words, the run's outcomes, sizes of the ledger, the store."""

    code: int
    told: str
    outcomes: dict[str, set[str]]
    rows: dict[str, int]
    keys: list[str]
    store: dict[str, object]


def call_demo(place: Path) -> Call:
    """Run the demo once in a copy of the project, and look at what it left."""
    environment = os.environ | {"ONCE": "1", "RESET": "", "COLUMNS": "140"}
    ended = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=420,
    )
    told = ended.stdout + ended.stderr
    assert ended.returncode == 0, told
    ledger = sa.create_engine(f"sqlite:///{place / '.demo' / 'ledger.db'}")
    with ledger.connect() as connection:
        newest = "SELECT run_id FROM run WHERE run_id LIKE 'manual__%' ORDER BY started_at_utc DESC LIMIT 1"
        run_id = connection.execute(sa.text(newest)).scalar_one()
        connectors = connection.execute(sa.text("SELECT DISTINCT connector_id FROM run")).scalars().all()
        outcomes: dict[str, set[str]] = {}
        for connector_id in connectors:
            for each in batches_of(connection, connector_id, run_id):
                for customer_id, (outcome, _) in zip(each.customers, each.became, strict=True):
                    outcomes.setdefault(outcome, set()).add(customer_id)
        counts = {name: sa.select(sa.func.count()).select_from(sa.table(name)) for name in WRITES}
        rows = {name: connection.execute(count).scalar_one() for name, count in counts.items()}
    ledger.dispose()
    store = json.loads((place / ".demo" / "state-store.json").read_text(encoding="utf-8"))
    fields = [field for company in store["companies"] for field in company["extraFields"]]
    keys = [field["fieldValue"] for field in fields if field["fieldName"] == KEY_FIELD]
    return Call(ended.returncode, told, outcomes, rows, keys, store)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what the demo needs, so that its state is not that of a person's own demo."""
    copy = tmp_path_factory.mktemp("project")
    for part in PARTS:
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    yield copy
    shutil.rmtree(copy)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_second_sync_writes_nothing_when_the_first_brought_everything_over(place: Path) -> None:
    """A newcomer's two commands: companies for exactly the eligible customers, then silence. Nothing stays behind."""
    first = call_demo(place)
    assert not {None, "", "failed", "unchanged"} & set(first.outcomes), first.told
    assert len(first.outcomes["created"]) > 300
    assert {"filtered", "quarantined"} <= set(first.outcomes)
    assert sorted(first.keys) == sorted(first.outcomes["created"])
    total = sum(map(len, first.outcomes.values()))
    assert total == 500
    assert f"extracted   │ {total:>9}" in first.told

    second = call_demo(place)
    assert second.outcomes["waiting"]
    assert second.outcomes["unchanged"] | second.outcomes["waiting"] == first.outcomes["created"]
    assert {name: ids for name, ids in second.outcomes.items() if name not in {"unchanged", "waiting"}} == {
        name: ids for name, ids in first.outcomes.items() if name != "created"
    }
    assert second.rows == first.rows
    assert second.store == first.store

    running = [entry for entry in Path("/proc").glob("[0-9]*/cwd") if reads(entry) == place]
    assert running == []
    readable = [path for path in (place / ".demo").rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert readable == []


def reads(link: Path) -> Path | None:
    """Where a link of a process leads; `None` when the process has ended."""
    try:
        return link.readlink()
    except OSError:
        return None
