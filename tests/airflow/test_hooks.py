"""Both hooks against the twins: a connection becomes a working client, and *Test* tells faults apart."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet

from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector
from customer_sync.settings.fernet_key import fernet_keys
from customer_sync.settings.kept_tokens import Tokens
from customer_sync.sources.acumatica.oauth import token_owner
from customer_sync_airflow.hooks.acumatica import AcumaticaHook
from customer_sync_airflow.hooks.better_b2b import BetterB2BHook
from customer_sync_airflow.hooks.kept_tokens import LedgerTokens
from sandbox.server import RunningTwin, running_acumatica, running_better_b2b

ERP_EXTRA = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
OAUTH = {
    "auth_style": "oauth_password",
    "client_id": "3f6d2c1a-8a5e-4d0b-9c7e-2b1f0a9d8e7c@Sandbox",
    "client_secret": "sandbox-secret",
}
NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def erp() -> Iterator[RunningTwin]:
    """The ERP's twin, with two tenants, so that a wrong one is refused."""
    with running_acumatica(customers=5, seed=1) as twin:
        users = requests.get(f"{twin.url}/_sandbox/settings", timeout=10).json()["users"]
        users = users.get("value", users) | {"nothing-shown": {"password": "sandbox", "customer_classes": ["NONE"]}}
        change(twin, tenants=["Sandbox", "Other"], lock_after_failures=0, users=users)
        yield twin


@pytest.fixture(scope="module")
def store() -> Iterator[RunningTwin]:
    """The store's twin."""
    with running_better_b2b(seed=1) as twin:
        yield twin


def change(twin: RunningTwin, **settings: Any) -> None:
    """Turn switches of a twin."""
    requests.put(f"{twin.url}/_sandbox/settings", json=settings, timeout=10).raise_for_status()


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str, form: dict[str, Any], extra: dict[str, Any]) -> None:
    """Create a connection."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({**form, "extra": extra}))


def erp_connection(
    monkeypatch: pytest.MonkeyPatch, twin: RunningTwin, extra: dict[str, Any] | None = None, **form: Any
) -> AcumaticaHook:
    """A hook on a connection of the ERP's twin, with changes."""
    whole = {"conn_type": "acumatica", "host": twin.url, "login": "admin", "password": "sandbox", **form}
    connect(monkeypatch, "erp_under_test", whole, {**ERP_EXTRA, **(extra or {})})
    return AcumaticaHook("erp_under_test")


def store_connection(
    monkeypatch: pytest.MonkeyPatch, twin: RunningTwin, extra: dict[str, Any] | None = None, **form: Any
) -> BetterB2BHook:
    """A hook on a connection of the store's twin, with changes."""
    whole = {"conn_type": "better-b2b", "host": twin.url, "password": "sandbox-token", **form}
    connect(monkeypatch, "store_under_test", whole, {"store_hash": "sandbox", **(extra or {})})
    return BetterB2BHook("store_under_test")


@pytest.mark.parametrize("extra", [{}, OAUTH, {"tenant": " "}], ids=["cookie", "oauth", "no tenant"])
def test_connection_of_erp_is_good_when_all_is_there(
    monkeypatch: pytest.MonkeyPatch, erp: RunningTwin, extra: dict[str, Any]
) -> None:
    """A right connection is told to be one, with either way to sign in; every session is closed again."""
    requests.delete(f"{erp.url}/_sandbox/calls", timeout=10).raise_for_status()
    ok, sentence = erp_connection(monkeypatch, erp, extra).test_connection()
    assert ok, sentence
    assert "to the tenant Sandbox" in sentence
    paths = [call["path"] for call in requests.get(f"{erp.url}/_sandbox/calls", timeout=10).json()]
    assert paths[-1] == "/entity/auth/logout"


@pytest.mark.parametrize(
    ("change_of_form", "expected"),
    [
        ({"host": NOBODY_LISTENS}, "No connection to Acumatica"),
        ({"password": "wrong"}, "Correct login, password and tenant"),
        ({"password": ""}, "has no Password"),
        ({"login": ""}, "has no API user"),
        ({"extra": {"tenant": "Elsewhere"}}, "The site does not know the tenant"),
        ({"extra": {**OAUTH, "client_secret": "wrong"}}, "client"),
        ({"extra": {"endpoint_version": "99.100.001"}}, "It serves: Default/20.200.001"),
        ({"extra": {"endpoint_name": "Nowhere"}}, "does not serve the endpoint Nowhere/24.200.001"),
        ({"extra": {"endpoint_name": "Default"}}, "has no Customer field EnableKensiumCommerce"),
        ({"login": "clerk"}, "insufficient rights to access the Customers (AR303000) form"),
        ({"login": "nothing-shown"}, "The API user sees no customer at all"),
        ({"extra": {"auth_style": "guess"}}, "auth_style"),
    ],
)
def test_fault_of_erp_connection_is_told_when_tested(
    monkeypatch: pytest.MonkeyPatch, erp: RunningTwin, change_of_form: dict[str, Any], expected: str
) -> None:
    """Each fault of the ERP's connection has a sentence of its own, in seconds."""
    ok, sentence = erp_connection(monkeypatch, erp, **change_of_form).test_connection()
    assert not ok
    assert expected in sentence


def test_kept_tokens_are_used_when_tested(
    monkeypatch: pytest.MonkeyPatch, erp: RunningTwin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """*Test* finds the tokens of a consent by site and application, whatever the id; without one it says what to do."""
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", f"sqlite:///{tmp_path / 'ledger.db'}")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    hook = erp_connection(monkeypatch, erp, {**OAUTH, "auth_style": "oauth_code"}, login="", password="")
    ok, sentence = hook.test_connection()
    assert not ok
    assert "run `customer-sync login`" in sentence
    form = {"grant_type": "password", "username": "admin", "password": "sandbox", "scope": "api offline_access"}
    form |= {"client_id": OAUTH["client_id"], "client_secret": OAUTH["client_secret"]}
    given = requests.post(f"{erp.url}/identity/connect/token", data=form, timeout=10).json()
    owner = token_owner(erp.url, OAUTH["client_id"], {})
    ended = datetime.now(UTC) - timedelta(hours=1)
    LedgerTokens().replace(owner, Tokens("ended", given["refresh_token"], ended), "erp_knb")
    ok, sentence = hook.test_connection()
    assert ok, sentence
    kept = LedgerTokens().current(owner, lambda _: False, lambda _: pytest.fail("renewed"))
    assert kept.refresh != given["refresh_token"]
    assert not [text for text in (kept.access, kept.refresh, given["refresh_token"]) if text in caplog.text]


def test_airflow_gives_the_key_where_the_environment_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that Airflow gets from a command or a file is found too, and that there is none is said."""
    key = Fernet.generate_key().decode()
    monkeypatch.delenv("AIRFLOW__CORE__FERNET_KEY", raising=False)
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY_CMD", f"echo {key}")
    assert fernet_keys() == [key]
    for without in ("true", "echo {FERNET_KEY}"):  # the second is what Airflow gives before it has a file of settings
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY_CMD", without)
        with pytest.raises(ConfigError, match="AIRFLOW__CORE__FERNET_KEY"):
            fernet_keys()


def test_another_tenant_is_told_when_tested(monkeypatch: pytest.MonkeyPatch, erp: RunningTwin) -> None:
    """A sign-in that lands elsewhere is a fault of the connection, though every credential is right."""
    change(erp, lands_in_tenant="Other")
    try:
        ok, sentence = erp_connection(monkeypatch, erp).test_connection()
    finally:
        change(erp, lands_in_tenant="")
    assert not ok
    assert "named the tenant 'Sandbox' and reached 'Other'" in sentence


def test_connection_of_store_is_good_when_all_is_there(monkeypatch: pytest.MonkeyPatch, store: RunningTwin) -> None:
    """A right connection of the store is told to be one."""
    ok, sentence = store_connection(monkeypatch, store).test_connection()
    assert ok, sentence


@pytest.mark.parametrize(
    ("change_of_form", "expected"),
    [
        ({"host": NOBODY_LISTENS}, "No connection to Better B2B"),
        ({"password": "wrong"}, "Check the API token"),
        ({"password": ""}, "has no API token"),
        ({"password": "sandbox-token-without-scope"}, "scope"),
        ({"extra": {"store_hash": "wrong"}}, "store_hash"),
        ({"extra": {"store_hash": ""}}, "has no Store hash"),
        ({"extra": {"api_prefix": "/elsewhere"}}, "api_prefix"),
    ],
)
def test_fault_of_store_connection_is_told_when_tested(
    monkeypatch: pytest.MonkeyPatch, store: RunningTwin, change_of_form: dict[str, Any], expected: str
) -> None:
    """Each fault of the store's connection has a sentence of its own, in seconds."""
    ok, sentence = store_connection(monkeypatch, store, **change_of_form).test_connection()
    assert not ok
    assert expected in sentence


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"store": {"key_field": "Our Number"}}, "no company extra field 'Our Number'"),
        ({"contacts": {"other_role": "Clerk"}}, "no role 'Clerk' (it has: Admin, "),
        ({"terms": {"30D": {"payment_methods": {"gold": True}}}}, "no payment method gold (it has: authorizenet, "),
    ],
)
def test_what_store_lacks_is_told_when_tested(
    monkeypatch: pytest.MonkeyPatch, store: RunningTwin, connectors_dir: Path, rules: dict[str, Any], expected: str
) -> None:
    """A store without the key field, a role or a payment method of the connector file is told apart from a good one."""
    hook = store_connection(monkeypatch, store)
    (connectors_dir / "knb.yaml").write_text(json.dumps({"id": "knb", **rules}), encoding="utf-8")
    ok, sentence = hook.test_connection()
    assert not ok
    assert expected in sentence
    assert "knb.yaml" in sentence


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({"visible_extra_fields": ["Acumatica Customer ID"]}, "'Acumatica Customer ID' to shoppers"),
        ({"required_extra_fields": ["Acumatica Customer ID"]}, "requires the company extra field"),
    ],
)
def test_a_key_that_is_not_safe_is_told_when_tested(
    monkeypatch: pytest.MonkeyPatch, store: RunningTwin, switches: dict[str, Any], expected: str
) -> None:
    """Shoppers could pass for a customer, or would have to invent one."""
    change(store, **switches)
    ok, sentence = store_connection(monkeypatch, store).test_connection()
    change(store, visible_extra_fields=[], required_extra_fields=[])
    assert not ok
    assert expected in sentence


def test_connection_is_good_when_it_serves_one_of_several_connectors(
    monkeypatch: pytest.MonkeyPatch, store: RunningTwin, connectors_dir: Path
) -> None:
    """A test does not tell which connector is meant, so the needs of any one will do."""
    (connectors_dir / "else.yaml").write_text('{"id": "else", "store": {"key_field": "Theirs"}}', encoding="utf-8")
    ok, sentence = store_connection(monkeypatch, store).test_connection()
    assert ok, sentence


def test_budget_of_connector_reaches_client_when_hook_has_one(
    monkeypatch: pytest.MonkeyPatch, erp: RunningTwin, store: RunningTwin
) -> None:
    """Page size, pace, share and channels of the connector file are those of the clients."""
    rules = {
        "id": "shop",
        "erp": {"page_size": 77, "requests_per_minute": 50},
        "store": {"requests_per_minute": 90, "share": 0.5, "channel_ids": [7], "bulk_size": 3, "concurrency": 2},
    }
    connector = Connector.model_validate(rules)
    erp_connection(monkeypatch, erp)
    store_connection(monkeypatch, store)
    reader = AcumaticaHook("erp_under_test", connector=connector).get_conn()
    writer = BetterB2BHook("store_under_test", connector=connector).get_conn()
    assert (reader.settings.page_size, reader.settings.requests_per_minute) == (77, 50)
    assert (writer.pacer.requests_per_minute, writer.settings.rules) == (90, connector.store)
    assert writer.settings.origin == {"channel_ids": [7], "origin_channel_id": 1}
