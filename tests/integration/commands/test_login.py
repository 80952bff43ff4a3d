"""`customer-sync login` against the ERP's twin: a person allows it once, and runs go on by themselves."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.fernet import Fernet

from customer_sync.adapters import open_source
from customer_sync.commands.connection_lookup import read_connection_text
from customer_sync.commands.loopback import code_of
from customer_sync.commands.main import main
from customer_sync.errors import AuthenticationFailed
from customer_sync.ledger import Ledger
from customer_sync.ledger.coordination.tokens import KeptTokens
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.consent import AcumaticaConsent, ask_for_consent
from sandbox.server import RunningTwin, running_acumatica

CLIENT = "3f6d2c1a-8a5e-4d0b-9c7e-2b1f0a9d8e7c@Sandbox"
BROWSER = """#!{python}
import sys, requests
requests.post(sys.argv[1], data={form!r}, timeout=20)
"""
ALLOW = {"username": "admin", "password": "sandbox", "decision": "allow"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTwin]:
    """The ERP's twin for the whole file."""
    with running_acumatica(customers=5, seed=1, sessions=1) as twin:
        yield twin


@dataclass
class Terminal:
    """Where an operator types commands, beside a browser."""

    twin: RunningTwin
    home: Path
    environment: dict[str, str]
    redirect_uri: str

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start the command; it is gone when the block ends."""
        command = [sys.executable, "-m", "customer_sync.commands.main", "login", "acumatica_shop", *arguments]
        command += ["--redirect-uri", self.redirect_uri]
        pipe = subprocess.PIPE
        with subprocess.Popen(  # noqa: S603 - our own command
            command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=self.home
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command with a browser whose person allows it; returns code, output and messages."""
        browser = self.home / "browser"
        browser.write_text(BROWSER.format(python=sys.executable, form=ALLOW), encoding="utf-8")
        browser.chmod(stat.S_IRWXU)
        self.environment["BROWSER"] = str(browser)
        with self.started(*arguments) as process:
            out, err = process.communicate(timeout=120)
            return process.returncode, out, err

    def switch(self, **settings: Any) -> None:
        """Turn switches of the twin."""
        requests.put(f"{self.twin.url}/_sandbox/settings", json=settings, timeout=10).raise_for_status()

    def calls(self) -> list[str]:
        """Paths that were called since the last reset."""
        return [call["path"] for call in requests.get(f"{self.twin.url}/_sandbox/calls", timeout=10).json()]

    def files(self) -> bytes:
        """All that lies in the operator's folder."""
        return b"".join(path.read_bytes() for path in self.home.rglob("*") if path.is_file())


@pytest.fixture
def terminal(running: RunningTwin, tmp_path: Path) -> Terminal:
    """A terminal with a connection, a key and an empty ledger."""
    requests.post(f"{running.url}/_sandbox/reset", timeout=10).raise_for_status()
    with socket.create_server(("127.0.0.1", 0)) as free:
        redirect_uri = f"http://localhost:{free.getsockname()[1]}/"
    extra = {"auth_style": "oauth_code", "client_id": CLIENT, "client_secret": "sandbox-secret"}
    extra |= {"endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
    environment = {
        "PATH": "/usr/bin:/bin",
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "CUSTOMER_SYNC_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        "AIRFLOW_CONN_ACUMATICA_SHOP": json.dumps({"conn_type": "acumatica", "host": running.url, "extra": extra}),
    }
    made = Terminal(running, tmp_path, environment, redirect_uri)
    made.switch(oauth_redirect_uris=[redirect_uri], oauth_pkce=True)
    return made


def test_login_keeps_tokens_that_open_the_endpoint(terminal: Terminal) -> None:
    """The browser comes back to the command, PKCE is used where the site checks it, and one seat is used and freed."""
    code, out, err = terminal.run("--json")
    assert code == 0, err
    assert json.loads(out) == {
        "connection": "acumatica_shop",
        "opens": "the endpoint KNCommerce/24.200.001 in the tenant Sandbox",
    }
    assert terminal.calls()[-2:] == ["/entity", "/entity/auth/logout"]
    assert "code_challenge" in err
    shown = out + err + terminal.files().decode("utf-8", "replace")
    assert not [text for text in ("sandbox-secret", "eyJ", "access_token") if text in shown]


def test_login_without_a_browser_takes_the_address_that_is_pasted(terminal: Terminal) -> None:
    """On a server the person opens the address elsewhere; what the browser ends at is enough."""
    terminal.switch(oauth_pkce=False)
    with terminal.started("--paste") as process:
        assert process.stderr
        address = next(line.strip() for line in process.stderr if line.startswith("http"))
        assert "code_challenge" not in address
        back = requests.post(address, data=ALLOW, allow_redirects=False, timeout=10).headers["Location"]
        out, err = process.communicate(f"{back}\n", timeout=120)
    assert process.returncode == 0, err
    assert "acumatica_shop opens the endpoint KNCommerce/24.200.001" in out
    assert parse_qs(urlsplit(back).query)["code"][0] not in out + err


def test_what_is_wrong_is_said_before_a_person_is_asked(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No key, another way to sign in, another system, a redirect URI elsewhere: one sentence each, and no request."""
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)

    def said(**extra: str) -> str:
        form = json.loads(terminal.environment["AIRFLOW_CONN_ACUMATICA_SHOP"])
        form["extra"] |= extra
        monkeypatch.setenv("AIRFLOW_CONN_ACUMATICA_SHOP", json.dumps(form))
        assert main(["login", "acumatica_shop", "--redirect-uri", terminal.redirect_uri]) == 1
        return capsys.readouterr().err

    assert "needs no consent" in said(auth_style="cookie")
    assert "has no Endpoint name" in said(endpoint_name="")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "too short")
    assert "holds no key" in said()
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", terminal.environment["AIRFLOW__CORE__FERNET_KEY"])
    terminal.redirect_uri = "https://shop.example.com/back"
    assert "--paste" in said()
    monkeypatch.setenv("AIRFLOW_CONN_STORE", "better-b2b://:token@127.0.0.1:1/http?store_hash=x")
    assert main(["login", "store"]) == 1
    assert "need no login" in capsys.readouterr().err
    assert terminal.calls() == []


def consent_of(terminal: Terminal, ledger: Ledger, **extra: str) -> AcumaticaConsent:
    """An attempt to get a person's consent, with some fields of the connection changed."""
    found = read_connection_text("acumatica_shop", terminal.environment["AIRFLOW_CONN_ACUMATICA_SHOP"])
    tokens = KeptTokens(ledger.engine, lambda: [terminal.environment["AIRFLOW__CORE__FERNET_KEY"]])
    return ask_for_consent(replace(found, extra={**found.extra, **extra}, tokens=tokens))


def allowed(terminal: Terminal, consent: AcumaticaConsent) -> str:
    """What a person's browser brings back: the code."""
    address = consent.address(terminal.redirect_uri, "s1")
    back = requests.post(address, data=ALLOW, allow_redirects=False, timeout=10).headers["Location"]
    return code_of(back, "s1")


def test_wrong_secret_is_said_after_the_person_agreed(terminal: Terminal) -> None:
    """The application's own secret is tried with the code, and its refusal names the fields."""
    with Ledger.open("shop", terminal.environment["CUSTOMER_SYNC_LEDGER_URL"]) as ledger:
        consent = consent_of(terminal, ledger, client_secret="wrong-secret")
        code = allowed(terminal, consent)
        with pytest.raises(AuthenticationFailed, match="client_id and client_secret"):
            consent.finish(terminal.redirect_uri, code)
        with pytest.raises(AuthenticationFailed, match="customer-sync login"):
            consent_of(terminal, ledger).finish(terminal.redirect_uri, code)


def test_runs_go_on_with_the_tokens_that_login_kept(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tasks with one seat share the tokens, and renew those that ended early; the seat is free at the end."""
    with Ledger.open("shop", terminal.environment["CUSTOMER_SYNC_LEDGER_URL"]) as ledger:
        consent = consent_of(terminal, ledger)
        consent.finish(terminal.redirect_uri, allowed(terminal, consent))
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", terminal.environment["AIRFLOW__CORE__FERNET_KEY"])
        found = read_connection_text("acumatica_shop", terminal.environment["AIRFLOW_CONN_ACUMATICA_SHOP"])
        terminal.switch(idle_minutes=100.0)
        for _ in range(2):
            with open_source(Connector(id="shop"), found, ledger) as erp:
                assert erp.contract().served_by.startswith("the endpoint KNCommerce/24.200.001")
                requests.put(f"{terminal.twin.url}/_sandbox/clock", json={"advance_s": 3_601}, timeout=10)
                assert sum(len(page.customers) for page in erp.customers_after("")) > 0
    state = requests.get(f"{terminal.twin.url}/_sandbox/state", timeout=10).json()
    assert state["sessions"] == []
    refreshed = [path for path in terminal.calls() if path == "/identity/connect/token"]
    assert len(refreshed) == 3


@pytest.mark.parametrize("again_s", [60.0, 0.0], ids=["old one still accepted", "old one refused"])
def test_answer_that_is_lost_on_its_way(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, again_s: float) -> None:
    """The ERP renewed the tokens and nobody heard of it: it is asked again; if it refuses, a consent is needed."""
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", terminal.environment["AIRFLOW__CORE__FERNET_KEY"])
    found = read_connection_text("acumatica_shop", terminal.environment["AIRFLOW_CONN_ACUMATICA_SHOP"])
    terminal.switch(refresh_again_seconds=again_s)
    fault = {"match": {"path_regex": "/connect/token"}, "effect": "commit_then_reset", "times": 1}
    with Ledger.open("shop", terminal.environment["CUSTOMER_SYNC_LEDGER_URL"]) as ledger:

        def consented() -> None:
            consent = consent_of(terminal, ledger)
            consent.finish(terminal.redirect_uri, allowed(terminal, consent))

        def read() -> None:
            with open_source(Connector(id="shop"), found, ledger) as erp:
                erp.contract()

        consented()
        requests.put(f"{terminal.twin.url}/_sandbox/clock", json={"advance_s": 3_601}, timeout=10)
        requests.put(f"{terminal.twin.url}/_sandbox/faults", json=[fault], timeout=10).raise_for_status()
        if again_s:
            read()
            return
        with pytest.raises(AuthenticationFailed, match="customer-sync login"):
            read()
        consented()
        read()
