"""A real Airflow for the tests: a home and a SQLite metadata database of their own per test process.

The environment is set when this file is read, because Airflow reads it when it is imported; then Airflow is
imported here, once, because it and what it brings warn about each other while they are imported.
"""

import atexit
import base64
import importlib
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import DAG

    from tests.airflow.sync_world import World

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(tempfile.mkdtemp(prefix="airflow-home-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
    "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
    "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": f"file://{HOME / 'xcom'}",
    "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "1024",
    "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_COMPRESSION": "gzip",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow.db'}",
}

FOREIGN_WARNINGS = (
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::UserWarning",
    "ignore::ResourceWarning",
    "ignore:Multiple rows returned with uselist=False:sqlalchemy.exc.SAWarning",
)
"""Airflow warns of itself; none of it is ours to mend."""

AIRFLOW_MODULES = (
    "airflow.sdk",
    "airflow.utils.db",
    "airflow.dag_processing.dagbag",
    "airflow.api_fastapi.app",
    "airflow.providers.http.hooks.http",
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for name in AIRFLOW_MODULES:
        importlib.import_module(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and let Airflow's own warnings pass in them."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.airflow)
            for text in FOREIGN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(text))


@pytest.fixture(scope="session")
def metadata_database() -> None:
    """Airflow's tables, created once per test process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("airflow.utils.db").initdb()


@pytest.fixture
def connectors_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of connector files that holds a copy of the one that ships."""
    folder = tmp_path / "connectors"
    folder.mkdir()
    shutil.copy(ROOT / "include" / "connectors" / "knb.yaml", folder)
    monkeypatch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(folder))
    return folder


@pytest.fixture
def load_dags(connectors_dir: Path) -> "LoadDags":
    """Parses the DAG folder as Airflow does, with the connector files of the test."""
    assert connectors_dir.is_dir()
    return LoadDags()


@pytest.fixture
def world(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, connectors_dir: Path, load_dags: "LoadDags"
) -> "Iterator[World]":
    """Fresh twins, a fresh ledger, and the DAG that connects them."""
    # Imported here: it brings the product along, and Airflow must be imported first.
    from tests.airflow.sync_world import running_world  # noqa: PLC0415 - see above

    with running_world(monkeypatch, tmp_path, connectors_dir, load_dags) as found:
        yield found


class LoadDags:
    """Parses the DAG folder when called."""

    def __call__(self) -> dict[str, "DAG"]:
        """All DAGs by id; a file that cannot be imported fails the test."""
        bag = importlib.import_module("airflow.dag_processing.dagbag").DagBag(str(ROOT / "dags"))
        assert bag.import_errors == {}
        return dict(bag.dags)
