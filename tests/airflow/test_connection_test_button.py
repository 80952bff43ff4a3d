"""The *Test* button in Airflow's own api-server: what the browser sends for a stored connection reaches the hook."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.server import RunningTwin, running_acumatica, running_better_b2b
from tests.airflow.api_server import ApiServer, running_api_server

ERP_EXTRA = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
HASH = "x7shop"

pytestmark = pytest.mark.usefixtures("metadata_database")


@pytest.fixture(scope="module")
def erp() -> Iterator[RunningTwin]:
    """The ERP's twin."""
    with running_acumatica(customers=5, seed=1) as twin:
        yield twin


@pytest.fixture(scope="module")
def store() -> Iterator[RunningTwin]:
    """The store's twin; Airflow masks the ERP's password wherever it stands, so the hash must be another word."""
    with running_better_b2b(seed=1) as twin:
        switches = {"store_hash": HASH}
        requests.put(f"{twin.url}/_sandbox/settings", json=switches, timeout=10).raise_for_status()
        yield twin


@pytest.fixture(scope="module")
def api_server() -> Iterator[ApiServer]:
    """Airflow's api-server with our plugins, everyone an administrator."""
    with running_api_server(AIRFLOW__CORE__TEST_CONNECTION="Enabled") as server:
        yield server


def as_the_browser_sends(stored: dict[str, Any]) -> dict[str, Any]:
    """What the connection list of Airflow 3.3.2 posts for a row: blanks for nothing, and Number(null) for the port."""
    texts = {name: stored[name] or "" for name in ("description", "host", "login", "password", "schema")}
    kept = {name: stored[name] for name in ("conn_type", "connection_id")}
    return {**kept, **texts, "extra": stored["extra"] or "{}", "port": int(stored["port"] or 0)}


def test_button(client: ApiServer, **form: Any) -> requests.Response:
    """Store a connection, read it back with its secrets masked, and press *Test* in its row."""
    conn_id = f"button_{form['conn_type'].replace('-', '_')}_{form.get('port') or 'no_port'}"
    client.delete(f"/api/v2/connections/{conn_id}")
    answer = client.post("/api/v2/connections", json={"connection_id": conn_id, **form})
    assert answer.status_code == 201, answer.text
    stored = client.get(f"/api/v2/connections/{conn_id}").json()
    assert stored["password"] == "***"
    return client.post("/api/v2/connections/test", json=as_the_browser_sends(stored))


test_button.__test__ = False


@pytest.mark.parametrize("place", ["in the Base URL", "in its own field"])
def test_stored_erp_connection_is_tested_when_button_is_pressed(
    api_server: ApiServer, erp: RunningTwin, place: str
) -> None:
    """Wherever the port stands, the button reaches the ERP with the stored password and says what it found."""
    host, _, port = erp.url.rpartition(":")
    address = {"host": erp.url} if place == "in the Base URL" else {"host": host, "port": int(port)}
    form = {"conn_type": "acumatica", "login": "admin", "password": "sandbox", "extra": json.dumps(ERP_EXTRA)}
    answer = test_button(api_server, **form, **address)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] is True, answer.json()


@pytest.mark.parametrize("conn_type", ["better-b2b", "better_b2b"])
def test_stored_store_connection_is_tested_when_button_is_pressed(
    api_server: ApiServer, store: RunningTwin, conn_type: str
) -> None:
    """Without a port, and whichever way Airflow spells the type: typed into the form, or imported."""
    extra = json.dumps({"store_hash": HASH})
    answer = test_button(api_server, conn_type=conn_type, host=store.url, password="sandbox-token", extra=extra)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] is True, answer.json()


def test_other_endpoint_stays_refused_when_password_is_masked(api_server: ApiServer, erp: RunningTwin) -> None:
    """The stored password goes to the stored address only; our mending of port 0 opens no other."""
    form = {"conn_type": "acumatica", "login": "admin", "password": "sandbox", "extra": json.dumps(ERP_EXTRA)}
    test_button(api_server, **form, host=erp.url)
    stored = api_server.get("/api/v2/connections/button_acumatica_no_port").json()
    for change in ({"host": "http://127.0.0.1:9"}, {"port": 9}):
        answer = api_server.post("/api/v2/connections/test", json={**as_the_browser_sends(stored), **change})
        assert answer.status_code == 400
    answer = api_server.post("/api/v2/connections/test", json={**as_the_browser_sends(stored), "conn_type": "http"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "way",
    [
        {"proxies": {"http": "http://127.0.0.1:9"}},
        {"verify": False},
        {"headers": {"Host": "other.example.com"}},
        {"X-Forwarded-Host": "other.example.com"},
    ],
    ids=["proxies", "verify", "headers", "header"],
)
@pytest.mark.parametrize("secret", ["***", "left out", "typed"])
def test_stored_secrets_go_the_stored_way_only(
    api_server: ApiServer, store: RunningTwin, secret: str, way: dict[str, Any]
) -> None:
    """Through a proxy or to an unproven server that the stored connection does not name nothing stored is sent."""
    extra = {"store_hash": HASH}
    test_button(api_server, conn_type="better-b2b", password="sandbox-token", extra=json.dumps(extra), host=store.url)
    sent = as_the_browser_sends(api_server.get("/api/v2/connections/button_better_b2b_no_port").json())
    sent["extra"] = json.dumps(extra | way)
    if secret == "left out":
        del sent["password"]
    elif secret == "typed":
        sent["password"] = "another-token"
    calls = f"{store.url}/_sandbox/calls"
    requests.delete(calls, timeout=10)
    said = api_server.post("/api/v2/connections/test", json=sent).json()
    assert said["status"] is False
    assert ("stored secrets are sent in the stored way only" in said["message"]) == (secret != "typed"), said
    if secret != "typed":
        assert requests.get(calls, timeout=10).json() == []


def test_form_offers_both_systems_when_types_are_listed(api_server: ApiServer) -> None:
    """The form knows both types, their fields and their labels."""
    listed = api_server.get("/ui/connections/hook_meta").json()
    types = {item["connection_type"]: item for item in listed}
    assert types["acumatica"]["hook_name"] == "Acumatica"
    assert {"tenant", "endpoint_name", "endpoint_version"} <= set(types["acumatica"]["extra_fields"])
    assert types["better-b2b"]["hook_name"] == "Better B2B"
    assert set(types["better-b2b"]["extra_fields"]) == set(types["better_b2b"]["extra_fields"])
