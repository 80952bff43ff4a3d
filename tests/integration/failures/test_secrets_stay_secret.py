"""Runs that succeed and runs that fail leave no secret and no unmasked personal data where people look."""

from __future__ import annotations

import contextlib
import logging
import pickle
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet

from customer_sync.errors import SyncError
from customer_sync.ledger import Ledger
from customer_sync.ledger.coordination.tokens import KeptTokens
from customer_sync.model.outcome import LogEntry
from customer_sync.pipeline import run
from customer_sync.planning.window import RunRequest
from customer_sync.reporting.log_entry import format_entry
from customer_sync.settings.kept_tokens import Tokens
from tests.integration.twin_world import World

PASSWORD = "pa55-Geheim-w0rt"
TOKEN = "tok-9f8e7d6c-verborgen"
EMAIL = "maria.geheim@privat-firma.example"
ACCOUNT_EMAIL = "konto.geheim@privat-firma.example"
PHONE = "+49 171 5550199"
PERSON = "Geheimrat"
CUSTOMERS = ["C000001", "C000002", "C000003"]
APPLICATION = {"client_id": "3f6d2c1a-8a5e-4d0b-9c7e-2b1f0a9d8e7c@Sandbox", "client_secret": "sandbox-secret"}
SECRETS = (PASSWORD, TOKEN)
PERSONAL = (EMAIL, ACCOUNT_EMAIL, PHONE, PHONE.replace(" ", ""), PERSON)
HOLDS_PAYLOAD = {"customer_state", "journal"}
"""Tables that must hold the last applied values, and what was written; they may hold personal data, never secrets.

Source: docs/architecture.md#ledger.
"""


@dataclass
class Heard:
    """Everything that a person could read of a run."""

    texts: list[str] = field(default_factory=list)

    def sink(self, title: str, entries: Sequence[LogEntry]) -> None:
        """Take in what a task prints."""
        self.texts.append(title)
        self.texts.extend(format_entry(entry) for entry in entries)
        self.texts.extend(repr(entry) for entry in entries)


@pytest.fixture
def planted(world: World) -> World:
    """A world whose ERP and store use planted secrets, and whose customers hold planted personal data."""
    world.edit("Customer", CustomerID="C000001", Email=ACCOUNT_EMAIL, MainContact={"Phone1": PHONE})
    world.edit("Contact", ContactID=100022, Email=EMAIL, LastName=PERSON, Phone1=PHONE)
    world.erp_settings(users={"admin": {"password": PASSWORD}})
    world.store_settings(token=TOKEN)
    return world


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All log records of all libraries, from debug upwards."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


def sync(world: World, heard: Heard, *, password: str = PASSWORD, token: str = TOKEN, **sign_in: Any) -> None:
    """One run whose output, errors included, is heard."""
    erp, store = world.source(**{"password": password, **sign_in}), world.store(token=token)
    heard.texts += [repr(erp), repr(store), repr(erp.settings), repr(store.settings), str(erp.settings)]
    request = RunRequest(mode="selected", customer_ids=tuple(CUSTOMERS))
    try:
        report = run(world.connector, erp, store, world.ledger_url, request, sink=heard.sink)
    except SyncError as error:
        chain: BaseException | None = error
        while chain is not None:
            heard.texts += [str(chain), repr(chain), repr(getattr(chain, "evidence", ""))]
            chain = chain.__cause__ or chain.__context__
        heard.texts.append(repr(pickle.loads(pickle.dumps(error)).__dict__))  # noqa: S301 - made one line above
    else:
        heard.texts += [repr(report), *report.lines]


def disturb(world: World) -> None:
    """Make the store quote what it was sent, as refusals do."""
    world.store_faults(
        {"match": {"method": "POST", "path_regex": "/users"}, "effect": "commit_then_fail", "times": 1},
        {
            "match": {"method": "PUT", "path_regex": "/payments"},
            "effect": "status",
            "status": 422,
            "times": 1,
            "message": f"Email already exists. ['{EMAIL}'] phone {PHONE}, sent with {TOKEN}",
        },
    )


def tables(world: World) -> Iterator[tuple[str, str]]:
    """Name and content of every table of the ledger."""
    with contextlib.closing(sqlite3.connect(world.ledger_url.removeprefix("sqlite:///"))) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            yield name, "\n".join(map(str, connection.execute(f'SELECT * FROM "{name}"').fetchall()))  # noqa: S608 - own names


def test_nothing_planted_is_found_when_runs_succeed_and_fail(planted: World, logged: pytest.LogCaptureFixture) -> None:
    """Passwords, tokens, e-mails, phones and names of people are in no log line, error, report or log table."""
    heard = Heard()
    disturb(planted)
    sync(planted, heard)
    planted.store_faults()
    sync(planted, heard)
    planted.edit_as(PASSWORD, "Customer", CustomerID="C000001", CustomerName="Elbe Neu")
    planted.store_faults({"match": {"method": "PUT"}, "effect": "html"})
    sync(planted, heard)
    planted.store_faults()
    sync(replace(planted, store_url="http://127.0.0.1:9"), heard)
    sync(planted, heard, password=f"{PASSWORD}-wrong")
    sync(planted, heard, token=f"{TOKEN}-wrong")
    heard.texts += [
        logging.Formatter().format(record)
        for record in logged.records
        if not record.name.startswith("uvicorn")  # the twins' own server, which runs in this process
    ]

    text = "\n".join(heard.texts)
    assert len(heard.texts) > 100
    assert [planted_text for planted_text in (*SECRETS, *PERSONAL) if planted_text in text] == []


def test_no_token_is_found_where_people_look(planted: World, logged: pytest.LogCaptureFixture) -> None:
    """Tokens that were renewed, quoted by the ERP, refused or revoked are in no log line, error, report or file."""
    heard, seen, key = Heard(), [APPLICATION["client_secret"]], Fernet.generate_key().decode()
    form = {"grant_type": "password", "username": "admin", "password": PASSWORD, "scope": "api offline_access"}
    given = requests.post(f"{planted.erp_url}/identity/connect/token", data=form | APPLICATION, timeout=10).json()
    with Ledger.open(planted.connector.id, planted.ledger_url) as ledger:
        kept = KeptTokens(ledger.engine, lambda: [key])
        kept.replace("owner", Tokens("ended-access", given["refresh_token"], datetime.now(UTC)), "erp_knb")

        def current(is_stale: Callable[[Tokens], bool], renew: Callable[[str], Tokens]) -> Tokens:
            found = kept.current("owner", is_stale, renew)
            seen.extend((found.access, found.refresh))
            return found

        sign_in: Any = {"auth_style": "oauth_code", "username": "", **APPLICATION, "tokens": current}
        sync(planted, heard, **sign_in)
        quoting = f"bearer {seen[1]}, refreshed by {seen[2]}"
        planted.erp_faults(
            {"match": {"path_regex": "/Customer"}, "effect": "status", "status": 400, "message": quoting}
        )
        sync(planted, heard, **sign_in)
        planted.erp_faults()
        for token in seen[1:]:
            requests.post(f"{planted.erp_url}/identity/connect/revocation", data={"token": token}, timeout=10)
        sync(planted, heard, **sign_in)

    heard.texts += [logging.Formatter().format(each) for each in logged.records if not each.name.startswith("uvicorn")]
    text = "\n".join(heard.texts)
    ledger_file = Path(planted.ledger_url.removeprefix("sqlite:///"))
    files = b"".join(path.read_bytes() for path in ledger_file.parent.glob(f"{ledger_file.name}*"))
    assert "customer-sync login" in text
    assert len(set(seen)) > 2
    assert [each for each in (*seen, given["refresh_token"]) if each in text or each.encode() in files] == []


def test_ledger_holds_personal_data_nowhere_but_in_the_applied_state(planted: World) -> None:
    """No table holds a secret; only the links hold personal data, and the file is its owner's alone."""
    disturb(planted)
    sync(planted, Heard())
    planted.store_faults()
    sync(planted, Heard())

    found = dict(tables(planted))
    assert EMAIL in found["customer_state"]  # else nothing would be proved by not finding it elsewhere
    assert [(name, word) for name, text in found.items() for word in SECRETS if word in text] == []
    assert [
        (name, word) for name, text in found.items() if name not in HOLDS_PAYLOAD for word in PERSONAL if word in text
    ] == []
    assert Path(planted.ledger_url.removeprefix("sqlite:///")).stat().st_mode & 0o077 == 0
