"""The page *Health*: what doctor saw, a look that is started from it, and pools that are made from it."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from customer_sync.ledger import Ledger
from customer_sync.model.check import Check
from tests.airflow.sync_world import World, calls

if TYPE_CHECKING:
    from tests.airflow.conftest import LoadDags

HEADERS = {"X-Connector-Logs": "1", "Origin": "http://testserver"}
DAG_ID = "customer_doctor__knb"
POOLS = ("acumatica_knb", "better_b2b_knb")
SEEN = (
    Check(id="erp.sign_in", title="the sign-in", ok=True, level="good", sentence="The ERP takes the credentials."),
    Check(
        id="store.roles",
        title="the roles",
        ok=False,
        level="bad",
        sentence="The store has no role <Clerk>.",
        remedy="Create it there.",
    ),
    Check(id="data.names", title="names", ok=None, level="unknown", sentence="Not looked at: the store comes first."),
)

pytestmark = pytest.mark.usefixtures("metadata_database")


@pytest.fixture
def ledger(tmp_path: Path, connectors_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """An empty ledger."""
    assert connectors_dir.is_dir()
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", url)
    with Ledger.open("knb", url) as opened:
        yield opened


@pytest.fixture
def in_airflow() -> Iterator[Callable[..., None]]:
    """Says what Airflow knows: whether the doctor's DAG is there or paused, its newest run, and the pools."""
    models = {
        name: getattr(importlib.import_module(f"airflow.models.{module}"), name)
        for module, name in (
            ("dag", "DagModel"),
            ("dagbundle", "DagBundleModel"),
            ("dagrun", "DagRun"),
            ("pool", "Pool"),
        )
    }
    session = importlib.import_module("airflow.utils.session").create_session
    dag, bundle, run, pool = models.values()

    def forget(opened: Any) -> None:
        opened.query(run).filter(run.dag_id == DAG_ID).delete()
        opened.query(pool).filter(pool.pool.in_(POOLS)).delete()

    def state(*, is_paused: bool = False, newest: str = "", pools: tuple[str, ...] = POOLS) -> None:
        with session() as opened:
            forget(opened)
            opened.merge(bundle(name="dags-folder"))
            opened.flush()
            opened.merge(dag(dag_id=DAG_ID, bundle_name="dags-folder", is_stale=False, is_paused=is_paused))
            for name in pools:
                opened.add(pool(pool=name, slots=1, description="", include_deferred=False))
            if newest:
                made = run(dag_id=DAG_ID, run_id=f"manual__{newest}", run_type="manual", state=newest)
                opened.add(made)

    yield state
    with session() as opened:
        forget(opened)


@pytest.fixture
def open_as(ledger: Ledger, in_airflow: Callable[..., None]) -> Iterator[Callable[..., Any]]:
    """Gives a client of a person who may act or not, and make pools or not, before an Airflow that has everything."""
    assert ledger.connector_id == "knb"
    in_airflow()
    access = importlib.import_module("customer_sync_airflow.pages.rights")
    test_client = importlib.import_module("starlette.testclient").TestClient
    opened: list[Any] = []

    class Viewer(access.Viewer):  # type: ignore[misc] # imported when Airflow is there
        """Rights as the test says."""

        rights = (False, False)

        def may_act(self, connector_id: str) -> bool:
            return self.rights[0] and connector_id in self.connectors

        def may_see_names(self, connector_id: str) -> bool:  # noqa: ARG002 - as its base
            return False

        def may_make_pools(self) -> bool:
            return self.rights[1]

    class Person:
        def get_name(self) -> str:
            return "olga"

    def make(*, acts: bool = True, makes_pools: bool = True) -> Any:
        app = importlib.import_module("customer_sync_airflow.pages.app").build_app()
        viewer = Viewer(Person(), "olga", frozenset({"knb"}))
        object.__setattr__(viewer, "rights", (acts, makes_pools))
        app.dependency_overrides[access.current_viewer] = lambda: viewer
        app.dependency_overrides[access.may_read_runs] = lambda: None
        opened.append(test_client(app, headers={"accept": "text/html"}))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def test_nobody_has_looked_yet(open_as: Callable[..., Any]) -> None:
    """The page says so, and offers to look to who may."""
    text = open_as().get("/health").text
    assert "Nobody has looked yet." in text
    assert "Check now" in text
    assert "data-waits" not in text
    text = open_as(acts=False).get("/health").text
    assert "Check now" not in text
    assert "cannot have it looked at anew" in text


def test_what_was_seen_is_shown_by_group_with_remedies(open_as: Callable[..., Any], ledger: Ledger) -> None:
    """Groups with something off are open; texts are escaped; the first page counts it."""
    with ledger.write() as connection:
        ledger.examinations.put(connection, SEEN)
    client = open_as()
    text = client.get("/health").text
    assert "A run would fail, or do harm" in text
    assert "3 checks: 1 bad, 0 worth a look, 1 not looked at." in text
    assert "The store has no role &lt;Clerk&gt;." in text
    assert "Create it there." in text
    assert text.index("The ERP takes the credentials.") < text.index("no role")
    assert "all good" in text
    assert "The last look found 1 thing in the way of a run." in text
    assert "to look at</a>" in client.get("/").text


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_look_that_is_being_taken_is_shown_and_not_started_twice(
    open_as: Callable[..., Any], in_airflow: Callable[..., None], state: str
) -> None:
    """The page looks again by itself; a second look is refused."""
    client = open_as()
    in_airflow(newest=state)
    text = client.get("/health").text
    assert "A look is being taken" in text
    assert "data-waits" in text
    assert "Check now" not in text
    answer = client.post("/actions/check", json={"connector": "knb"}, headers=HEADERS)
    assert answer.status_code == 409
    assert "being taken already" in answer.json()["detail"]


def test_a_look_that_failed_leads_to_its_log(open_as: Callable[..., Any], in_airflow: Callable[..., None]) -> None:
    """What was seen before stays; the run of the task is linked."""
    client = open_as()
    in_airflow(newest="failed")
    text = client.get("/health").text
    assert "The newest look could not be taken." in text
    assert f"../dags/{DAG_ID}/runs/manual__failed" in text


def test_a_look_is_started_with_the_persons_own_login(
    open_as: Callable[..., Any], in_airflow: Callable[..., None]
) -> None:
    """The route names the DAG; refused without the right, for another site, and where no run would come of it."""
    order = {"connector": "knb"}
    answer = open_as().post("/actions/check", json=order, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["dag_id"], answer.json()["conf"]) == (DAG_ID, {})
    assert open_as(acts=False).post("/actions/check", json=order, headers=HEADERS).status_code == 403
    evil = {**HEADERS, "Origin": "http://evil.example"}
    assert open_as().post("/actions/check", json=order, headers=evil).status_code == 403
    assert open_as().post("/actions/check", json={"connector": "other"}, headers=HEADERS).status_code == 404
    client = open_as()
    in_airflow(is_paused=True)
    paused = client.post("/actions/check", json=order, headers=HEADERS)
    assert paused.status_code == 409
    assert "is paused: unpause it" in paused.json()["detail"]


def test_missing_pools_are_offered_to_who_may_make_them(
    open_as: Callable[..., Any], in_airflow: Callable[..., None]
) -> None:
    """The route says which, in the form of Airflow's API; without the right there is a sentence and the command."""
    client = open_as()
    in_airflow(pools=("acumatica_knb",))
    text = client.get("/health").text
    assert "The pool better_b2b_knb is missing" in text
    assert "Make the pools" in text
    answer = client.post("/actions/pools", json={"connector": "knb"}, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    (made,) = answer.json()["pools"]
    assert (made["name"], made["slots"], made["include_deferred"]) == ("better_b2b_knb", 1, True)
    in_airflow()
    assert client.post("/actions/pools", json={"connector": "knb"}, headers=HEADERS).status_code == 409
    refused = open_as(makes_pools=False)
    in_airflow(pools=())
    text = refused.get("/health").text
    assert "Make the pools" not in text
    assert "airflow pools import pools.json" in text
    answer = refused.post("/actions/pools", json={"connector": "knb"}, headers=HEADERS)
    assert answer.status_code == 403
    assert "airflow pools import pools.json" in answer.json()["detail"]


def test_a_missing_connection_is_named_with_the_command_that_makes_it(open_as: Callable[..., Any]) -> None:
    """To be filled in and run as it is."""
    text = open_as().get("/health").text
    assert "The connection acumatica_knb cannot be read." in text
    assert "airflow connections add acumatica_knb --conn-json" in text


def test_the_page_of_the_dag_says_what_it_needs(load_dags: "LoadDags") -> None:
    """Connections and pools by name, and the exact commands."""
    doc = load_dags()["customer_sync__knb"].doc_md or ""
    assert "## Before the first run" in doc
    assert "airflow connections add better_b2b_knb --conn-json" in doc
    assert "customer-sync pools > pools.json && airflow pools import pools.json" in doc


def test_the_task_keeps_what_it_saw_and_writes_nothing_elsewhere(world: World, load_dags: "LoadDags") -> None:
    """Green whatever it finds; names are masked; the twins saw a sign-in and reads."""
    run = load_dags()[DAG_ID].test(logical_date=None)
    assert [(each.task_id, str(each.state)) for each in run.get_task_instances()] == [("look", "success")]
    with Ledger.open("knb") as ledger:
        last = ledger.examinations.last()
    assert last is not None
    found = {each.id: each for each in last.checks}
    assert found["erp.sign_in"].ok
    assert found["store.roles"].ok
    assert found["airflow.pools"].ok is None
    assert "(Sh•••@tw•••.example)" in found["data.shared_account_emails"].sentence
    assert {call["path"] for call in calls(world.erp) if call["method"] != "GET"} == {
        "/entity/auth/login",
        "/entity/auth/logout",
    }
    assert world.store_writes() == []
