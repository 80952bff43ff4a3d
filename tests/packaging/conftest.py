"""The bare environment with its twins, for all tests of this folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.server import running_acumatica, running_better_b2b
from tests.packaging.bare import Bare, make_environment


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The virtual environment; it takes most of the time, so all tests of a process share it."""
    return make_environment(tmp_path_factory.mktemp("bare"))


@pytest.fixture
def twins() -> Iterator[dict[str, str]]:
    """Fresh twins of both systems, run by this interpreter, as the connections of the connector `knb`."""
    extra = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
    with running_acumatica(customers=20) as erp, running_better_b2b() as store:
        source = {"conn_type": "acumatica", "host": erp.url, "login": "admin", "password": "sandbox", "extra": extra}
        target = {"conn_type": "better_b2b", "host": store.url, "password": "sandbox-token"}
        yield {
            "AIRFLOW_CONN_ACUMATICA_KNB": json.dumps(source),
            "AIRFLOW_CONN_BETTER_B2B_KNB": json.dumps({**target, "extra": {"store_hash": "sandbox"}}),
        }


@pytest.fixture(scope="module")
def home(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home with the example connector of the package, taking push notifications."""
    home = tmp_path_factory.mktemp("airflow-home")
    (home / "connectors").mkdir()
    (home / "dags").mkdir()
    (example,) = environment.glob("lib/python3*/site-packages/customer_sync/examples/knb.yaml")
    copied = Path(shutil.copy(example, home / "connectors"))
    copied.write_text(copied.read_text(encoding="utf-8") + "\npush: {enabled: true}\n", encoding="utf-8")
    done = Bare(environment, home).run("airflow", "db", "migrate")
    assert done.returncode == 0, done.stderr[-2000:]
    return home


@pytest.fixture
def bare(environment: Path, home: Path, twins: dict[str, str]) -> Bare:
    """The environment with that home, and connections to the twins."""
    return Bare(environment, home, twins)
