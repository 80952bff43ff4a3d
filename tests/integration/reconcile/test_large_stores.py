"""Large stores: hundreds of defects among thousands, none among tens of thousands, a thousand companies taken over."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from customer_sync.model.difference import REPAIRS
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.reconcile.corruption import Corruption, new_run_id, repaired_by_hand, told, ways
from tests.integration.reconcile.incumbent import taken_over_from_an_incumbent
from tests.integration.reconcile.ready_made import make_equal
from tests.integration.reconcile.test_corrupted_store import EVERY_REPAIR
from tests.integration.twin_world import World, shipped_connector

ROOT = Path(__file__).resolve().parents[3]
TASK_BUDGET_MB = 250
"""What a task may take above a bare Airflow task; here the whole process must stay below it."""


@contextmanager
def large_world(customers: int, folder: Path) -> Iterator[World]:
    """Twins with so many customers, and a store and ledger that equal them."""
    with running_acumatica(customers=customers) as erp, running_better_b2b() as store:
        world = World(erp.url, store.url, shipped_connector(), f"sqlite:///{folder / 'ledger.db'}")
        make_equal(world)
        yield world


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_hundred_defects_among_five_thousand_are_all_found_and_repaired(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every defect in its class and none invented; repaired, a comparison finds all equal and a sync writes nothing."""
    with large_world(6_300, tmp_path) as world:
        companies = len(world.companies())
        expected = Corruption(world, random.Random(20261125)).spoil(11)
        found = told_by(world)
        per_class = Counter(kind for _, kind, _, _ in expected)
        with capsys.disabled():
            sys.stdout.write(
                f"\n{companies} companies, {len(expected)} defects in {len(ways())} ways: {dict(per_class)}\n"
            )
        assert sum(expected.values()) >= 200
        assert set(per_class) == {str(kind) for kind in REPAIRS} - {"waiting"}
        assert found == expected

        world.reconcile(repair=EVERY_REPAIR)
        repaired_by_hand(world)
        world.reconcile(repair=EVERY_REPAIR)
        assert not told_by(world)
        world.forget_calls()
        world.sync(mode="full")
        assert world.write_lines() == []


def told_by(world: World) -> Counter[tuple[str, str, str, str]]:
    """Compare, and give what was told beyond who waits, as these worlds have it from the beginning."""
    run_id = new_run_id()
    report = world.reconcile(run_id=run_id)
    assert report.standings["unsettled"] == 0
    return Counter({each: count for each, count in told(world, run_id).items() if each[1] != "waiting"})


@pytest.mark.long
@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_clean_store_of_twenty_thousand_companies_shows_nothing_within_the_memory_of_a_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty thousand companies over real HTTP: no finding, and the whole process takes less than a task may."""
    with large_world(25_100, tmp_path) as world:
        command = [sys.executable, "-m", "tests.integration.reconcile.comparison_process"]
        done = subprocess.run(  # noqa: S603 - our own module
            [*command, world.erp_url, world.store_url, world.ledger_url],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=500,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    with capsys.disabled():
        sys.stdout.write(f"\n{done.stdout}")
    assert told["classes"] == {"waiting": told["standings"]["quarantined"]}
    assert told["standings"]["equal"] >= 20_000
    assert told["standings"]["different"] == told["standings"]["unsettled"] == 0
    assert told["peak_mb"] < TASK_BUDGET_MB


@pytest.mark.long
@pytest.mark.timeout(600)
def test_thousand_companies_of_an_incumbent_are_adopted_without_a_creation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All are matched and adopted; the next sync makes no company, user or address and ends where it should."""
    with large_world(1_300, tmp_path) as synced:
        book, before = synced.book(), synced.store_state()
        truth = {key: company["companyId"] for key, company in synced.companies().items()}
        world = taken_over_from_an_incumbent(synced, random.Random(20261125))
        lists: list[str] = []
        report = world.reconcile(mode="adopt", keep_list=lists.append)
        with capsys.disabled():
            sys.stdout.write(f"\n{report.facts['matches']}\n")
        assert report.facts["matches"]["accepted"] + report.facts["matches"]["proposed"] >= 1_000
        # Two customers share an Account Email: a person says which of them the company is.
        rows = [row for row in csv.DictReader(io.StringIO(lists[0])) if row["customer_id"] in truth]
        assert sum(not row["decision"] for row in rows) <= 3
        decided = [f"{row['customer_id']},{truth[row['customer_id']]},adopt" for row in rows]
        world.reconcile(mode="adopt", decisions="\n".join(["customer_id,company_id,decision", *decided]))
        world.sync(mode="full")
        # The incumbent had no company for two customers; a sync makes those, and nothing for anybody else.
        assert {key: company["companyId"] for key, company in world.companies().items() if key in truth} == truth
        after = world.store_state()
        for table in ("users", "addresses"):
            assert _of(after, table, truth) == _of(before, table, truth), table
        assert {key: entry for key, entry in world.book().items() if key in truth} == book
        world.forget_calls()
        world.sync(mode="full")
        assert world.write_lines() == []


def _of(state: dict[str, Any], table: str, companies: dict[str, int]) -> int:
    """How many records of some companies a store has."""
    ids = set(companies.values())
    return sum(row["companyId"] in ids for row in state[table])
