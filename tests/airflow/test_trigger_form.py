"""Wrong input is refused by Airflow's own API, as the trigger form sends it, before anything runs."""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.airflow.api_server import ApiServer, running_api_server

if TYPE_CHECKING:
    from tests.airflow.conftest import LoadDags

RUNS = "/api/v2/dags/customer_sync__knb/dagRuns"

pytestmark = pytest.mark.usefixtures("metadata_database")


@pytest.fixture(scope="module")
def api() -> Iterator[ApiServer]:
    """Airflow's api-server."""
    with running_api_server() as found:
        yield found


@pytest.fixture
def known_dag(load_dags: "LoadDags") -> None:
    """The DAG is in Airflow's database, as its processor writes it."""
    assert load_dags()
    bundles = importlib.import_module("airflow.dag_processing.bundles.manager").DagBundlesManager()
    bundles.sync_bundles_to_db()
    dagbag = importlib.import_module("airflow.dag_processing.dagbag")
    for bundle in bundles.get_all_dag_bundles():
        bundle.initialize()
        found = dagbag.BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        dagbag.sync_bag_to_db(found, bundle.name, bundle.version)


WRONG: list[dict[str, Any]] = [
    {"mode": "everything"},
    {"mode": None},
    {"mode": "selected", "customer_ids": "C000001"},
    {"mode": "selected", "customer_ids": [1]},
    {"mode": "selected", "customer_ids": [""]},
    {"mode": "selected", "customer_ids": ["   "]},
    {"mode": "selected", "customer_ids": ["C1", "C1"]},
    {"mode": "selected", "customer_ids": ["C" * 201]},
    {"mode": "selected", "customer_ids": [f"C{number}" for number in range(5001)]},
    {"modified_from": "yesterday"},
    {"modified_from": "2026-11-22"},
    {"modified_from": "2026-11-22T00:00:00"},
    {"modified_from": "2026-13-22T00:00:00Z"},
    {"modified_from": "2026-11-32T00:00:00Z"},
    {"modified_to": "2026-11-22T25:00:00Z"},
    {"modified_to": "2026-11-22T00:61:00Z"},
    {"modified_to": 1_700_000_000},
    {"dry_run": "perhaps"},
    {"retry_quarantined": 1},
    {"plan_hash": "abc"},
    {"plan_hash": "G" * 32},
    {"undo_run": ""},
    {"undo_run": "r" * 251},
]
"""What the form's own types cannot mean."""


@pytest.mark.usefixtures("known_dag")
def test_wrong_input_is_refused_before_anything_runs(api: ApiServer) -> None:
    """Each wrong param answers 400 or 422 and starts no run; the message names the param."""
    before = api.get(RUNS).json()["total_entries"]
    for conf in WRONG:
        answer = api.post(RUNS, json={"logical_date": None, "conf": conf})
        assert answer.status_code in {400, 422}, (conf, answer.status_code, answer.text)
        assert any(name in answer.text for name in conf), (conf, answer.text)
    assert api.get(RUNS).json()["total_entries"] == before


@pytest.mark.usefixtures("known_dag")
def test_form_offers_help_choices_and_date_pickers(api: ApiServer) -> None:
    """Every param has a title and a help text; modes are a choice, moments have a date picker."""
    params = api.get("/api/v2/dags/customer_sync__knb/details").json()["params"]
    for name, param in params.items():
        assert param["schema"]["title"], name
        assert param["description"] or param["schema"].get("description"), name
    assert params["mode"]["schema"]["enum"] == ["incremental", "full", "selected"]
    for name in ("modified_from", "modified_to"):
        assert params[name]["schema"]["format"] == "date-time"
