"""Every route of the Connector Logs pages asks for a login; a new one that does not fails here."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route

ADDRESS = "http://testserver"


@pytest.fixture(scope="module")
def app() -> Any:
    """The app as Airflow mounts it."""
    return importlib.import_module("customer_sync_airflow.pages.app").build_app()


@pytest.fixture
def client(app: Any, metadata_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Somebody who is not logged in, before the app and an auth manager with passwords."""
    assert metadata_database is None
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    importlib.import_module("airflow.api_fastapi.app").create_auth_manager().init()
    with importlib.import_module("starlette.testclient").TestClient(app) as made:
        yield made


def routes_of(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """(method, path) of every route; only the files of the pages' looks are public."""
    for route in routes:
        if isinstance(route, Mount):
            assert route.path == "/static", f"{route.path} is mounted: it has no login of its own"
            continue
        inner = getattr(route, "routes", None)
        if inner:
            yield from routes_of(list(inner))
        elif isinstance(route, Route):
            for method in (route.methods or set()) - {"HEAD"}:
                yield method, route.path


def test_every_route_is_refused_without_a_login(app: Any, client: Any) -> None:
    """401, whatever the route; the data routes and the actions are among them."""
    found = sorted({(method, path) for method, path in api_routes(app)})
    assert {("GET", "/"), ("GET", "/export.csv"), ("GET", "/customer"), ("POST", "/actions/link")} <= set(found)
    headers = {"X-Connector-Logs": "1", "Origin": ADDRESS}
    for method, path in found:
        body = {"connector": "knb", "customer_id": "C1", "why": "w", "kind": "skip", "company_id": 1}
        answer = client.request(method, path, json=body if method == "POST" else None, headers=headers)
        assert answer.status_code == 401, (method, path, answer.text)


def api_routes(app: Any) -> list[tuple[str, str]]:
    """The app's routes, however deep the routers are."""
    found = list(routes_of(app.routes))
    openapi = importlib.import_module("fastapi.openapi.utils").get_openapi(title="t", version="1", routes=app.routes)
    return found + [(method.upper(), path) for path, methods in openapi["paths"].items() for method in methods]


def test_no_description_of_the_routes_is_served(client: Any) -> None:
    """Docs and schema of a mounted app would be public."""
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404
