"""The wheel does all that the checkout does, installed where nothing of the checkout is."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.bare import DAGS, OWN_DAG_FILE, ROOT, Bare, listed

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def test_dags_are_listed_with_a_file_of_two_lines(bare: Bare) -> None:
    """A DAG file of the user's own brings the DAGs of all connector files, and those that look after them."""
    (bare.home / "dags" / "customers.py").write_text(OWN_DAG_FILE, encoding="utf-8")
    assert listed(bare) == dict.fromkeys(DAGS, "dags-folder")
    (bare.home / "dags" / "customers.py").unlink()


def test_dags_are_listed_and_run_with_the_bundle_and_an_empty_folder(bare: Bare) -> None:
    """No DAG file at all: the bundle serves the DAGs, and a sync runs from them to its end."""
    bundle = {"name": "customer-sync", "classpath": "customer_sync_airflow.bundle.PackagedDags", "kwargs": {}}
    variable = {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle])}
    served = replace(bare, variables={**bare.variables, **variable})
    assert not list((bare.home / "dags").glob("*.py"))
    assert listed(served) == dict.fromkeys(DAGS, "customer-sync")
    done = served.run("airflow", "dags", "test", "customer_sync__knb", "--conf", '{"mode": "full"}')
    assert done.returncode == 0, done.stderr[-2000:]
    story = served.json("customer-sync", "explain", "knb", "C000001", "--json")
    assert story["outcome"] == "created"
    assert story["runs"][0]["run_id"].startswith("manual__")


def test_connection_types_are_known(bare: Bare) -> None:
    """Both types have hooks, under the spelling of the form and under that of the environment."""
    rows = bare.json("airflow", "providers", "hooks", "-o", "json")
    hooks = {row["connection_type"]: row["class"] for row in rows if row["package_name"] == "acumatica-better-b2b-sync"}
    assert set(hooks) == {"acumatica", "better-b2b", "better_b2b"}


def test_pages_push_route_and_test_work_in_the_api_server(bare: Bare, twins: dict[str, str], environment: Path) -> None:
    """All plugins are there without an error, pages with their files, the route, and *Test* against the ERP's twin."""
    form = {**json.loads(twins["AIRFLOW_CONN_ACUMATICA_KNB"]), "connection_id": "tried", "port": 0}
    form["extra"] = json.dumps(form["extra"])
    script = (Path(__file__).parent / "api_server_script.py").read_text(encoding="utf-8")
    seen = bare.json("python", "-c", script, json.dumps(form))
    assert all(place.startswith(str(environment)) for place in seen["places"])
    assert not [place for place in seen["path"] if place.startswith(str(ROOT))]
    assert {"connection_test", "connector_logs", "push_notifications"} <= set(seen["plugins"])
    assert seen["plugin_errors"] == []
    assert (seen["push"], seen["page"], seen["page_title"], seen["style"]) == (401, 200, True, 200)
    assert seen["test"]["status"] is True, seen["test"]


def test_command_syncs_explains_and_reconciles(bare: Bare, tmp_path: Path) -> None:
    """The pipeline without Airflow's processes, against the twins; nothing is left to do or to repair afterwards."""
    shutil.copytree(bare.home / "connectors", tmp_path / "connectors")
    alone = replace(bare, home=tmp_path)
    first: dict[str, Any] = alone.json("customer-sync", "run", "knb", "--mode", "full", "--json")
    assert first["counts"]["created"] > 0
    assert (tmp_path / "customer_sync_ledger.db").is_file()
    again = alone.json("customer-sync", "run", "knb", "--mode", "full", "--json")
    assert again["counts"]["unchanged"] == first["counts"]["created"]
    story = alone.json("customer-sync", "explain", "knb", "C000001", "--json")
    assert story["outcome"] == "unchanged"
    # One customer of the seed has no name: it waits, is listed, and is all that is not equal.
    compared = alone.run("customer-sync", "reconcile", "knb", "--json")
    assert compared.returncode == 1
    assert [(each["class"], each["customer_id"]) for each in json.loads(compared.stdout)["differences"]] == [
        ("waiting", "C000020")
    ]
    assert set(alone.json("customer-sync", "pools")) == {"acumatica_knb", "better_b2b_knb"}


def test_missing_connector_files_are_explained_with_the_example(bare: Bare, tmp_path: Path) -> None:
    """Where there is no folder, the sentence says what was looked at and where an example is."""
    done = replace(bare, home=tmp_path).run("customer-sync", "pools")
    assert done.returncode == 1
    assert f"{tmp_path / 'connectors'} (does not exist)" in done.stderr
    assert str(bare.folder) in done.stderr
    assert "examples/knb.yaml is an example to start from" in done.stderr
