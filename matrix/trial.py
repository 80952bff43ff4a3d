"""What is asked of each environment; every question raises a `TrialError` or answers with a few words."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from demo.airflow_api import AirflowApi
from matrix.world import CONNECTOR, TrialError, World

DAGS = {
    *(f"{prefix}__{CONNECTOR}" for prefix in ("customer_sync", "customer_reconcile", "customer_push")),
    *("connector_housekeeping", "connector_watch"),
}
SYNC = f"customer_sync__{CONNECTOR}"
_WAIT_S = 240


def parse(world: World) -> str:
    """The bundle serves all DAGs, without an import error, beside an empty DAG folder."""
    world.run("airflow", "db", "migrate")
    world.run("airflow", "dags", "reserialize")
    errors = world.run("airflow", "dags", "list-import-errors", "-o", "json", codes=(0, 1)).strip()
    _demand(errors.endswith(("[]", "No data found")), f"import errors: {errors[-1500:]}")
    found = {row["dag_id"]: row["bundle_name"] for row in world.json("airflow", "dags", "list", "-o", "json")}
    _demand(found == dict.fromkeys(DAGS, "customer-sync"), f"DAGs found: {found}")
    return f"{len(found)} DAGs"


def provider(world: World) -> str:
    """Airflow knows both connection types, under each spelling."""
    rows = world.json("airflow", "providers", "hooks", "-o", "json")
    ours = {row["connection_type"] for row in rows if row["package_name"] == "acumatica-better-b2b-sync"}
    _demand(ours == {"acumatica", "better-b2b", "better_b2b"}, f"connection types found: {ours}")
    return f"{len(ours)} types"


def dags_test(world: World) -> str:
    """``airflow dags test`` syncs the customers of the ERP's twin into the store's."""
    world.fresh_systems("dags_test.db")
    world.run("airflow", "dags", "test", SYNC, "--conf", '{"mode": "full"}')
    story = world.json("customer-sync", "explain", CONNECTOR, "C000001", "--json")
    _demand(story["outcome"] == "created", f"outcome of C000001: {story['outcome']}")
    again = world.json("customer-sync", "run", CONNECTOR, "--mode", "full", "--json")["counts"]
    _demand(not again.get("created") and again["unchanged"] > 0, f"a second run: {again}")
    return f"{again['unchanged']} synced"


def approval(world: World) -> str:
    """A run that must be approved writes nothing until a person has said yes, and then all that was shown."""
    text = world.connector_file.read_text(encoding="utf-8")
    world.connector_file.write_text(f"{text}approval: {{ask: always, timeout_minutes: 60}}\n", encoding="utf-8")
    world.fresh_systems("approval.db")
    api = world.start_airflow()
    for name, settings in json.loads(world.run("customer-sync", "pools")).items():
        api.put_pool(name, settings)
    _until("the DAG", lambda: api.dag(SYNC))
    # The latest interval's run begins at once.
    api.set_paused(SYNC, paused=False)
    question = _until("a question", lambda: _question(world))
    run_id = question["task_instance"]["dag_run_id"]
    _demand(world.store_writes() == 0, f"{world.store_writes()} writes before the answer")
    _answer(world, question)
    state = _until("the end of the run", lambda: _ended(api, run_id))
    states = sorted({f"{each.task_id}: {each.state}" for each in api.task_states(SYNC, run_id)})
    _demand(state == "success", f"the run is {state} ({', '.join(states)})")
    _demand(world.store_writes() > 0, "nothing was written after the answer")
    return "asked, done"


def pages(world: World) -> str:
    """Connector Logs with its files, Health, the push route and all plugins are served without an error."""
    server = world.server
    server.token = AirflowApi(server.address).sign_in()
    plugins = {each["name"] for each in server.get("/api/v2/plugins")["plugins"]}
    wanted = {"connection_test", "connector_logs", "push_notifications"}
    _demand(wanted <= plugins, f"plugins found: {plugins}")
    errors = server.get("/api/v2/plugins/importErrors")["import_errors"]
    _demand(errors == [], f"plugins with errors: {errors}")
    logs = "/connector-logs"
    paths = (
        f"{logs}/",
        f"{logs}/customer?connector={CONNECTOR}&id=C000001",
        f"{logs}/health",
        f"{logs}/static/pages.css",
    )
    for path in paths:
        _demand(server.answers(path), f"{path} was answered with {server.call('GET', path)[0]}")
    status, _ = server.call("POST", f"/push-notifications/{CONNECTOR}", {})
    _demand(status == 401, f"a push without its secret was answered with {status}")  # noqa: PLR2004 - Unauthorized
    return f"{len(paths)} served"


def test_button(world: World) -> str:
    """*Test* of a connection without a port reaches the ERP's twin."""
    form = json.loads(world.variables["AIRFLOW_CONN_ACUMATICA_KNB"])
    form |= {"connection_id": "tried", "port": 0, "extra": json.dumps(form["extra"])}
    server = world.server
    server.token = AirflowApi(server.address).sign_in()
    status, answer = server.call("POST", "/api/v2/connections/test", form)
    _demand(bool(isinstance(answer, dict) and answer.get("status")), f"Test was answered with {status}: {answer}")
    return "signed in"


def lacking(world: World) -> list[str]:
    """What this Airflow cannot do, in the package's own sentences; it must not be found out by a crash."""
    script = "import json; from customer_sync_airflow.compat import lacking; print(json.dumps(lacking()))"
    found: list[str] = world.json("python", "-c", script)
    return found


QUESTIONS: dict[str, Callable[[World], str]] = {
    "parse": parse,
    "provider": provider,
    "dags test": dags_test,
    "approval": approval,
    "pages": pages,
    "Test": test_button,
}
"""By the table's column; the last three share the Airflow that *approval* starts."""


def _question(world: World) -> dict[str, Any] | None:
    server = world.server
    server.token = AirflowApi(server.address).sign_in()
    found = server.get(f"/api/v2/dags/{SYNC}/dagRuns/~/hitlDetails?response_received=false")["hitl_details"]
    return found[0] if found else None


def _answer(world: World, question: dict[str, Any]) -> None:
    instance = question["task_instance"]
    _demand("plan hash `" in question["body"], "the question names no plan")
    # Somebody reads the question first; Airflow 3.3.2 was seen to stumble over an answer in the first 0.3 s.
    time.sleep(2)
    server = world.server
    server.token = AirflowApi(server.address).sign_in()
    run = f"/api/v2/dags/{instance['dag_id']}/dagRuns/{instance['dag_run_id']}".replace("+", "%2B")
    path = f"{run}/taskInstances/{instance['task_id']}/{instance['map_index']}/hitlDetails"
    status, answer = server.call("PATCH", path, {"chosen_options": ["Approve"], "params_input": {}})
    _demand(status == 200, f"the answer was refused ({status}): {answer}")  # noqa: PLR2004 - OK


def _ended(api: AirflowApi, run_id: str) -> str | None:
    state = api.run_state(SYNC, run_id)
    return state if state in {"success", "failed"} else None


def _until(what: str, look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(1)
    raise TrialError(f"{what} did not come in {_WAIT_S} s")


def _demand(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_so:
        raise TrialError(otherwise)
