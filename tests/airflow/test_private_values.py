"""What travels between tasks is encrypted wherever Airflow would keep it in its database."""

import base64
import importlib
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet

from customer_sync.errors import BatchDamaged, ConfigError
from customer_sync_airflow.tasks.private_values import push_private, seal, unseal
from tests.airflow.sync_world import CUSTOMERS, World, running_world

THRESHOLD = "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD"
BACKEND = "AIRFLOW__CORE__XCOM_BACKEND"
KEY = "AIRFLOW__CORE__FERNET_KEY"
TEXT = '[{"email":"maria@example.com"}]'


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """Airflow's key."""
    made = Fernet.generate_key().decode()
    monkeypatch.setenv(KEY, made)
    return made


def pushed(content: str) -> Any:
    """What the backend is given for a text."""
    seen: dict[str, Any] = {}
    push_private({"ti": SimpleNamespace(xcom_push=lambda key, value: seen.update({key: value}))}, "batch", content)  # type: ignore[typeddict-item, arg-type] # what is used of a context
    return seen["batch"]


@pytest.mark.parametrize(("threshold", "is_sealed"), [("-1", True), ("1024", True), ("0", False), ("10", False)])
def test_value_is_encrypted_when_it_would_stay_in_the_database(
    key: str, monkeypatch: pytest.MonkeyPatch, threshold: str, *, is_sealed: bool
) -> None:
    """Below the threshold, or without one; what becomes a file is left as it is, and both are read back."""
    assert key
    monkeypatch.setenv(THRESHOLD, threshold)
    value = pushed(TEXT)
    assert ("maria" not in value) is is_sealed
    assert (value == TEXT) is not is_sealed
    assert unseal(value) == TEXT


def test_value_is_encrypted_when_the_backend_is_airflows_own(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the backend is needed: the default one keeps everything in the database."""
    assert key
    monkeypatch.delenv(BACKEND)
    monkeypatch.setenv(THRESHOLD, "0")
    value = pushed(TEXT * 1000)
    assert "maria" not in value
    assert len(value) < len(TEXT) * 10  # packed first
    assert unseal(value) == TEXT * 1000


def test_key_can_be_rotated_when_values_are_about(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest key encrypts, all of them decrypt; with another one the sentence says what to do."""
    sealed = seal(TEXT)
    newer = Fernet.generate_key().decode()
    monkeypatch.setenv(KEY, f"{newer},{key}")
    assert unseal(sealed) == TEXT
    monkeypatch.setenv(KEY, newer)
    with pytest.raises(BatchDamaged, match="another Fernet key"):
        unseal(sealed)
    token = Fernet(newer).encrypt(zlib.compress(b"[]"))[:-8] + base64.urlsafe_b64encode(b"spoilt")
    with pytest.raises(BatchDamaged, match="another Fernet key"):
        unseal(f"{sealed.partition(':')[0]}:{token.decode()}")


def test_value_is_not_pushed_when_there_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes into the database in clear instead."""
    monkeypatch.setenv(KEY, "")
    monkeypatch.setenv(f"{KEY}_CMD", "true")
    monkeypatch.setenv(THRESHOLD, "-1")
    with pytest.raises(ConfigError, match=KEY):
        pushed(TEXT)


def test_value_is_not_pushed_when_airflow_was_never_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any key tasks are given the template of a configuration, which is no key."""
    monkeypatch.delenv(KEY)
    monkeypatch.setenv(THRESHOLD, "-1")
    with pytest.raises(ConfigError, match=f"there is no key: set {KEY}"):
        pushed(TEXT)


def test_key_is_named_without_its_value_when_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong key is a setting to correct; what stands there may be somebody's secret."""
    monkeypatch.setenv(KEY, "no-key-but-secret")
    monkeypatch.setenv(THRESHOLD, "-1")
    with pytest.raises(ConfigError, match="holds no key") as caught:
        pushed(TEXT)
    assert "secret" not in str(caught.value)


@pytest.fixture
def world(
    key: str,
    metadata_database: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    connectors_dir: Path,
    load_dags: Callable[[], dict[str, Any]],
) -> Iterator[World]:
    """Both twins and a DAG, in an Airflow whose XCom backend keeps everything in the database."""
    assert key
    assert metadata_database is None
    monkeypatch.setenv(THRESHOLD, "-1")
    backend = importlib.import_module("airflow.providers.common.io.xcom.backend")
    backend._get_threshold.cache_clear()
    with running_world(monkeypatch, tmp_path, connectors_dir, load_dags) as found:
        yield found
    backend._get_threshold.cache_clear()


def test_no_customer_is_readable_in_airflows_database_when_it_keeps_the_batches(world: World) -> None:
    """A whole run with the threshold that Airflow ships: it ends well, and XCom shows no e-mail and no name."""
    result = world.run(mode="full")
    assert result.state == "success"
    assert sum(result.outcomes.values()) == CUSTOMERS
    home = Path(os.environ["AIRFLOW_HOME"])
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        rows = database.execute("SELECT value FROM xcom WHERE value IS NOT NULL AND run_id = ?", [world.last_run_id])
        values = [str(value) for (value,) in rows]
    sealed = [value for value in values if "fernet+zlib:" in value]
    assert len(sealed) >= CUSTOMERS / 20
    assert not [value for value in values if "@" in value or "main_address" in value]
