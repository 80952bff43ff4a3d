"""Whole runs in a real Airflow against both twins, over real HTTP."""

import gzip
import os
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import known_customer, store_place
from tests.airflow.sync_world import CUSTOMERS, World, calls

if TYPE_CHECKING:
    from tests.airflow.conftest import LoadDags

pytestmark = pytest.mark.usefixtures("metadata_database")


def test_second_run_writes_nothing_when_nothing_changed(world: World) -> None:
    """The first run accounts for every customer; the second sends no write, and who waits for an e-mail still waits."""
    first = world.run(mode="full")
    assert first.state == "success"
    assert sum(first.outcomes.values()) == CUSTOMERS
    assert first.outcomes["created"] > CUSTOMERS / 2
    assert "failed" not in first.outcomes
    assert first.states[("load", "success")] == CUSTOMERS / 20
    assert all(label.endswith("(20)") for label in first.labels)

    requests.delete(f"{world.store.url}/_sandbox/calls", timeout=10).raise_for_status()
    second = world.run(mode="full")
    assert second.state == "success"
    assert world.store_writes() == []
    assert second.outcomes["waiting"] == 2
    assert second.outcomes["unchanged"] + second.outcomes["waiting"] == first.outcomes["created"]
    assert sum(second.outcomes.values()) == CUSTOMERS


def test_dry_run_writes_nothing_when_asked(world: World) -> None:
    """A dry run gives every customer an outcome and sends the store no write; load is skipped.

    The batches lie in files that only their owner can read, and no e-mail of a customer is in Airflow's database.
    """
    result = world.run(mode="full", dry_run=True)
    assert result.state == "success"
    assert world.store_writes() == []
    assert result.outcomes["planned"] > 0
    assert sum(result.outcomes.values()) == CUSTOMERS
    assert result.states[("load", "skipped")] == 1
    home = Path(os.environ["AIRFLOW_HOME"])
    files = {path: gzip.decompress(path.read_bytes()) for path in (home / "xcom").rglob("*.gz")}
    with_customers = [path for path, content in files.items() if b"@" in content]
    assert with_customers
    assert {path.stat().st_mode & 0o777 for path in with_customers} == {0o600}
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        values = [str(value) for (value,) in database.execute("SELECT value FROM xcom WHERE value IS NOT NULL")]
    assert len(values) > CUSTOMERS / 20
    assert not [value for value in values if "@" in value]


def test_run_is_green_when_nothing_changed_at_all(world: World) -> None:
    """An incremental run over no change looks at nobody but those who wait for an e-mail, and is a success."""
    assert world.run(mode="full").state == "success"
    requests.put(f"{world.erp.url}/_sandbox/clock", json={"advance_s": 7200}, timeout=10).raise_for_status()
    result = world.run(modified_from="2090-01-01T00:00:00+00:00")
    assert result.state == "success"
    assert result.outcomes.keys() <= {"waiting"}
    assert result.states[("guard", "success")] == 1


def test_places_are_read_once_a_day_when_nobody_is_judged(world: World) -> None:
    """Extract hands on nobody of whom nothing changed; guard then asks for the store's lists that are due."""
    for _ in range(2):
        assert world.run(mode="full").state == "success"
    with Ledger.open("knb") as ledger, ledger.write() as connection:
        is_remembered = known_customer.c.rows_hash.is_not(None)
        quiet = connection.execute(sa.select(known_customer.c.customer_id).where(is_remembered)).scalars().all()
        yesterday = utc_now() - timedelta(days=1, minutes=1)
        lists = connection.execute(sa.update(store_place).values(read_at_utc=yesterday)).rowcount
    requests.delete(f"{world.store.url}/_sandbox/calls", timeout=10).raise_for_status()
    result = world.run(mode="selected", customer_ids=quiet[:3])
    assert result.state == "success"
    assert result.states[("transform", "skipped")] == 1
    paths = [call["path"] for call in calls(world.store)]
    assert sum(path.endswith(("/countries", "/states")) for path in paths) == lists > 0


def test_other_batches_go_on_when_one_batch_fails(world: World) -> None:
    """One failed batch makes the run fail; the others are in the store, and every seat of the ERP is given back."""
    fault = {"match": {"method": "POST", "body_regex": "C000031"}, "effect": "status", "status": 403, "times": 1000}
    requests.put(f"{world.store.url}/_sandbox/faults", json=[fault], timeout=10).raise_for_status()
    result = world.run(mode="full")
    assert result.state == "failed"
    assert result.states[("load", "failed")] == 1
    assert result.states[("load", "success")] == CUSTOMERS / 20 - 1
    assert result.states[("audit", "failed")] == 1
    assert sum(result.outcomes.values()) == CUSTOMERS
    assert result.outcomes["created"] > 0
    assert result.outcomes["failed"] > 0
    paths = Counter(call["path"] for call in calls(world.erp))
    assert paths["/entity/auth/login"] == paths["/entity/auth/logout"] > 0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": "wr0ng-password"}, "Correct login, password and tenant"),
        ({"extra": {"endpoint_version": "99.100.001"}}, "KNCommerce/24.200.001"),
        ({"extra": {"tenant": "Company"}}, "named the tenant 'Company' and reached 'Sandbox'"),
        ({"extra": {"endpoint_name": ""}}, "has no Endpoint name"),
    ],
)
def test_run_fails_at_once_when_connection_is_wrong(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
    expected: str,
) -> None:
    """A wrong connection fails extract at its first try with one sentence, and is never taken for "no customers"."""
    world.connect(monkeypatch, **change)
    result = world.run(mode="full")
    assert result.state == "failed"
    assert result.states[("extract", "failed")] == 1
    assert result.tries["extract"] == 1
    assert ("load", "success") not in result.states
    assert ("guard", "success") not in result.states
    logins = [call for call in calls(world.erp) if call["path"] == "/entity/auth/login"]
    assert len(logins) <= 1
    assert world.store_writes() == []
    sentences = [
        record.getMessage() for record in caplog.records if record.name == "customer_sync_airflow.tasks.error_boundary"
    ]
    assert expected in sentences[0]
    assert "wr0ng-password" not in caplog.text


def test_run_of_broken_connector_names_the_fault_when_triggered(
    load_dags: "LoadDags", connectors_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The run of a connector whose file is wrong fails at its first try, with file, field and remedy."""
    (connectors_dir / "shop.yaml").write_text("id: shop\nbatch: {size: 0}\n", encoding="utf-8")
    run = load_dags()["customer_sync__shop"].test(logical_date=None)
    assert str(run.state) == "failed"
    assert [item.try_number for item in run.get_task_instances()] == [1]
    assert "Connector file shop.yaml is wrong. batch.size" in caplog.text


def test_sentence_is_no_template_when_the_file_is_wrong(
    load_dags: "LoadDags", connectors_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Braces in a wrong file are shown as they are, and are never filled in with a connection's password."""
    asks = "{{ conn.acumatica_knb.password }}"
    (connectors_dir / "shop.yaml").write_text(f"id: shop\nname: ['{asks}']\n", encoding="utf-8")
    run = load_dags()["customer_sync__shop"].test(logical_date=None)
    assert str(run.state) == "failed"
    assert asks in caplog.text


def test_only_the_previewed_plan_is_applied_when_run_is_bound_to_it(world: World) -> None:
    """A run bound to another plan is refused before the first write; bound to the dry run's plan it applies it."""
    world.run(mode="full", dry_run=True)
    with Ledger.open("knb") as ledger:
        previewed = ledger.runs.get(world.last_run_id)["plan_hash"]
    refused = world.run(mode="full", plan_hash="0" * 32)
    assert refused.state == "failed"
    assert refused.tries["guard"] == 1
    assert refused.states[("load", "upstream_failed")] == 1
    assert world.store_writes() == []
    applied = world.run(mode="full", plan_hash=previewed)
    assert applied.state == "success"
    assert applied.outcomes["created"] > 0
