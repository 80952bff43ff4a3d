"""The route of push notifications in Airflow's own api-server, fed by the twin's push sender with all its faults."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from customer_sync.ledger.storage.schema import push_customer
from customer_sync.model.push_notification import BODY_BYTES_MAX
from customer_sync.reporting.run_metrics import PUSH_MISSED, measure_run
from customer_sync.run import Run
from sandbox.server import running_acumatica, running_better_b2b
from tests.airflow.api_server import ApiServer, running_api_server
from tests.integration.twin_world import World, call, shipped_connector

SECRET = "push-secret-71c0"
ROUTE = "/push-notifications/knb"
MESSAGE = {"Inserted": [{"CustomerID": "C1"}], "Deleted": [], "Query": "Q", "Id": "1", "TimeStamp": 5}

pytestmark = pytest.mark.usefixtures("metadata_database")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Connector files and the ledger of the api-server: one connector takes push notifications, one does not."""
    folder = tmp_path_factory.mktemp("push")
    (folder / "connectors").mkdir()
    for name, lines in {"knb": "push: {enabled: true, debounce_s: 0}", "off": "name: takes none"}.items():
        (folder / "connectors" / f"{name}.yaml").write_text(f"id: {name}\n{lines}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[ApiServer]:
    """Airflow's api-server with our plugins; nobody is signed in."""
    connection = json.dumps({"conn_type": "generic", "password": SECRET})
    with running_api_server(
        AIRFLOW_CONN_ACUMATICA_PUSH_KNB=connection,
        AIRFLOW_CONN_ACUMATICA_PUSH_OFF=connection,
        CUSTOMER_SYNC_CONNECTORS_DIR=str(place / "connectors"),
        CUSTOMER_SYNC_LEDGER_URL=f"sqlite:///{place / 'ledger.db'}",
    ) as running:
        del running.headers["Authorization"]
        yield running


@pytest.fixture(scope="module")
def world(place: Path) -> Iterator[World]:
    """Both twins on the ledger of the api-server, in step."""
    with running_acumatica(customers=30, seed=1) as erp, running_better_b2b(seed=1) as store:
        rules = shipped_connector()
        rules = rules.model_copy(update={"push": rules.push.model_copy(update={"enabled": True})})
        made = World(erp.url, store.url, rules, f"sqlite:///{place / 'ledger.db'}")
        made.sync(mode="full")
        yield made


def post(server: ApiServer, data: Any = MESSAGE, secret: str = SECRET, route: str = ROUTE) -> requests.Response:
    """Post a notification."""
    body = data if isinstance(data, bytes) else json.dumps(data)
    return server.post(route, data=body, headers={"X-Push-Secret": secret})


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], "\u00e9".encode().decode("latin-1")])
def test_request_is_refused_when_secret_is_wrong(server: ApiServer, secret: str) -> None:
    """No right secret, no entry; a body is not even looked at."""
    assert post(server, secret=secret).status_code == 401
    assert post(server, b"x" * (BODY_BYTES_MAX + 1), secret=secret).status_code == 401


def test_connector_without_push_answers_like_an_unknown_one(server: ApiServer) -> None:
    """Nobody can find out by asking which connectors there are."""
    answers = [post(server, route=f"/push-notifications/{name}") for name in ("off", "nobody", "..%2Fknb")]
    assert {answer.status_code for answer in answers[:2]} == {401}
    assert answers[0].text == answers[1].text
    assert answers[2].status_code in {401, 404}


def test_bearer_token_admits_as_well(server: ApiServer) -> None:
    """Whichever header the ERP's destination is given."""
    answer = server.post(ROUTE, data=json.dumps(MESSAGE), headers={"Authorization": f"Bearer {SECRET}"})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("body", "status"), [(b"no json", 400), (b"{}", 400), (b"", 400), (b" " * (BODY_BYTES_MAX + 1), 413)]
)
def test_what_is_no_notification_is_refused(server: ApiServer, body: bytes, status: int) -> None:
    """Malformed is 400, too long is 413, with and without a length that is told before."""
    assert post(server, body).status_code == status
    parts = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    if body:
        chunked = server.post(ROUTE, data=parts, headers={"X-Push-Secret": SECRET})
        assert chunked.status_code == status


def test_nothing_but_post_is_answered(server: ApiServer) -> None:
    """There is nothing to read there, and no documentation."""
    for path in (ROUTE, "/push-notifications/docs", "/push-notifications/openapi.json"):
        assert server.get(path).status_code in {404, 405}


def wait_until(seen: Callable[[], bool], what: str) -> None:
    """Wait for the twin's sender."""
    deadline = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def push_settings(world: World, server: ApiServer, **faults: Any) -> None:
    """Let the ERP push to the route."""
    header = {"push_header_name": "X-Push-Secret", "push_header_value": SECRET}
    off = dict.fromkeys(("push_drop", "push_duplicate", "push_reorder", "push_split"), False)
    world.erp_settings(push_url=f"{server.url}{ROUTE}", push_retry_seconds=0.01, **header, **{**off, **faults})


def all_sent(world: World, edits: int) -> bool:
    """Whether the twin has sent what there is to send."""
    push = world.erp_state()["push"]
    assert not push["failed"], push["failed"]
    return len(push["sent"]) >= edits


@pytest.mark.parametrize(
    ("faults", "messages"),
    [({}, 6), ({"push_duplicate": True, "push_reorder": True, "push_split": True}, 24), ({"push_drop": True}, 0)],
    ids=["no faults", "duplicated, reordered, split", "all lost"],
)
def test_store_ends_the_same_whatever_happens_to_the_notifications(
    world: World, server: ApiServer, faults: dict[str, Any], messages: int
) -> None:
    """Edits arrive by push, or else by the next scheduled run, which counts them as missed; then all is done."""
    with world.ledger() as ledger, ledger.write() as connection:
        connection.execute(sa.delete(push_customer))
    world.sync()
    with world.ledger() as ledger:
        marks = ledger.watermarks.load()
    call(f"{world.erp_url}/_sandbox/clock", "PUT", {"advance_s": 3600})
    push_settings(world, server, **faults)
    run_id = f"scheduled {sorted(faults)}"
    wanted = messages + len(world.erp_state()["push"]["sent"])
    eligible = sorted(world.companies())[:6]
    for number, key in enumerate(eligible):
        world.edit("Customer", CustomerID=key, CustomerName=f"Name {number} {run_id}")
    wait_until(lambda: all_sent(world, wanted), "the sender did not send")
    world.erp_settings(push_url=None)
    with world.ledger() as ledger:
        named = ledger.push.hand_out()
    assert named == ([] if "push_drop" in faults else eligible)
    if named:
        world.sync(mode="selected", customer_ids=named)
        assert {company["companyName"] for key, company in world.companies().items() if key in eligible} == {
            f"Name {number} {run_id}" for number in range(6)
        }
        with world.ledger() as ledger:
            assert ledger.watermarks.load() == marks, "a selected run moved the watermark"
    scheduled = world.sync(run_id=run_id)
    assert scheduled.outcomes.get("updated", 0) == (0 if named else 6)
    with world.ledger() as ledger:
        row = ledger.runs.get(run_id)
        assert row is not None
        count = 0 if named else 6
        assert row["summary"]["push"] == {"found": count, "missed": count}
        found = measure_run(Run(world.connector, ledger, run_id), now_utc=datetime.now(UTC))
        assert [item.value for item in found if item.name == PUSH_MISSED] == [count]
        assert ledger.push.health().pending == 0
    world.forget_calls()
    world.sync(mode="full")
    assert world.store_writes() == []


def test_deleted_entry_deletes_nothing(world: World, server: ApiServer) -> None:
    """A notification that says a customer is gone leads to a read of it, and the read says that it is there."""
    key = min(world.companies())
    message = {**MESSAGE, "Inserted": [], "Deleted": [{"CustomerID": key}], "TimeStamp": 2**62}
    assert post(server, message).json()["new"] == 1
    with world.ledger() as ledger:
        named = ledger.push.hand_out()
    assert key in named
    world.forget_calls()
    world.sync(mode="selected", customer_ids=[key])
    assert key in world.companies()
    assert world.store_writes() == []


def test_flood_of_notifications_is_one_run(world: World, server: ApiServer) -> None:
    """Two hundred notifications of three customers leave three waiting customers and one announcement."""
    with world.ledger() as ledger:
        ledger.push.hand_out()
    start = 2**62 + 1000
    for number in range(200):
        rows = [{"CustomerID": f"F{number % 3}"}]
        assert post(server, {**MESSAGE, "Inserted": rows, "TimeStamp": start + number}).status_code == 202
    with world.ledger() as ledger:
        assert ledger.push.announce(0) == 3
        assert ledger.push.announce(0) == 0
        assert ledger.push.hand_out() == ["F0", "F1", "F2"]
