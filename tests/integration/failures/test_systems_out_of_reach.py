"""When a system is down, refuses the login or has no seat, one sentence says so and nothing stays behind."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from customer_sync.errors import (
    AuthenticationFailed,
    ConfigError,
    ConnectFailed,
    LeaseLost,
    PermanentApiError,
    SessionLimit,
    SyncError,
    TransientApiError,
)
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.pipeline import run
from customer_sync.planning.window import RunRequest
from tests.integration.failures.prepared import EVERYONE, Moment
from tests.integration.failures.recovery import assert_as_undisturbed, calm
from tests.integration.twin_world import World, attempts

ONE: dict[str, Any] = {"mode": "selected", "customer_ids": ["C000001"]}
NOWHERE = "http://127.0.0.1:9"


def assert_is_one_sentence(error: BaseException, *parts: str) -> None:
    """A message for people: what, where, what to do, and no traceback or address of an object."""
    text = str(error)
    assert all(part in text for part in parts), text
    assert len(text) < 700
    assert " 0x" not in text
    assert "Traceback" not in text


def test_one_sentence_names_the_host_when_the_erp_is_down(world: World) -> None:
    """An ERP that nobody can connect to is a transient error that names address and remedy; the run can be repeated."""
    with pytest.raises(ConnectFailed) as failure:
        replace(world, erp_url=NOWHERE).sync(**ONE)

    assert_is_one_sentence(failure.value, "Acumatica", NOWHERE, "check host and port")
    world.sync(**ONE)
    assert world.last_outcome("C000001") == ("created", "")


def test_one_sentence_names_the_host_when_the_store_is_down(world: World) -> None:
    """A store that nobody can connect to leaves its customers failed; the next run takes them up."""
    with pytest.raises(ConnectFailed) as failure:
        replace(world, store_url=NOWHERE).sync(**ONE)

    assert_is_one_sentence(failure.value, "Better B2B", NOWHERE, "check host and port")
    assert world.last_outcome("C000001") == ("failed", "batch_failed")
    assert world.seats_taken() == 0
    with world.ledger() as ledger:
        assert set(ledger.runs.unfinished()) == {"C000001"}
    world.sync(**ONE)
    assert world.last_outcome("C000001") == ("created", "")


def test_password_is_tried_once_when_it_is_wrong(world: World) -> None:
    """A wrong password is tried exactly once, because the ERP locks accounts; the error says what to correct."""
    with pytest.raises(AuthenticationFailed) as failure:
        run(world.connector, world.source(password="wrong"), world.store(), world.ledger_url, RunRequest(**ONE))

    assert_is_one_sentence(failure.value, "Correct login, password and tenant")
    assert len([row for row in world.erp_calls() if row["path"].endswith("/auth/login")]) == 1
    assert world.seats_taken() == 0
    assert world.store_writes() == []


def test_token_is_named_when_the_store_refuses_it(world: World) -> None:
    """A wrong API token is a permanent error that says where the token is set; nothing was written."""
    with pytest.raises(PermanentApiError) as failure:
        run(world.connector, world.source(), world.store(token="wrong"), world.ledger_url, RunRequest(**ONE))

    assert_is_one_sentence(failure.value, "Better B2B", "token")
    assert "wrong" not in str(failure.value).replace("are wrong", "")
    assert world.seats_taken() == 0
    assert world.companies() == {}


def test_version_is_named_when_the_erp_does_not_serve_it(world: World) -> None:
    """An endpoint version that the ERP does not serve is an error that names it; the session is signed out."""
    client = world.source(endpoint_version="99.999.999")
    with pytest.raises((ConfigError, PermanentApiError)) as failure:
        run(world.connector, client, world.store(), world.ledger_url, RunRequest(**ONE))

    assert_is_one_sentence(failure.value, "99.999.999")
    assert world.seats_taken() == 0


@pytest.mark.parametrize("style", ["session_limit_429", "session_limit_302"])
def test_run_waits_for_a_seat_when_the_licence_is_used_up_for_a_while(world: World, style: str) -> None:
    """A refusal for want of seats is waited for and leaves no trace."""
    world.erp_faults({"match": {"path_regex": "/entity/auth/login"}, "effect": style, "times": 1})

    world.sync(**ONE)

    assert world.last_outcome("C000001") == ("created", "")
    assert world.seats_taken() == 0


@pytest.mark.parametrize("style", ["session_limit_429", "session_limit_302"])
def test_error_says_how_to_free_a_seat_when_none_comes_free(world: World, style: str) -> None:
    """A licence that stays used up is a transient error that says what to do."""
    world.erp_faults({"match": {"path_regex": "/entity/auth/login"}, "effect": style})

    with pytest.raises(SessionLimit) as failure:
        world.sync(**ONE)

    assert_is_one_sentence(failure.value, "No API seat is free", "sign other integrations out")
    assert world.seats_taken() == 0


def test_run_gets_the_last_seat_when_half_of_them_are_taken(world: World) -> None:
    """With one of two seats taken by another integration the sync runs on the other and frees it."""
    with world.source() as other:
        other.check_endpoint()
        assert world.seats_taken() == 1

        world.sync(**ONE)

        assert world.seats_taken() == 1
    assert world.last_outcome("C000001") == ("created", "")


@pytest.mark.parametrize(
    ("path", "method"), [("/Customer", "GET"), ("/Contact", "GET"), ("/CustomerLocation", "GET"), ("/Customer", "PUT")]
)
@pytest.mark.parametrize("effect", ["truncate", "html", "malformed_json", "connection_reset", "status"])
def test_seat_is_free_and_nothing_is_withdrawn_when_the_erp_breaks_off(
    world: World, path: str, method: str, effect: str
) -> None:
    """Whatever the ERP's answer is cut to, it is never read as "no customers": signed out, nothing removed."""
    world.sync(**ONE)
    before = world.book()["C000001"]
    world.edit("Customer", CustomerID="C000001", CommerceReferenceID="")
    world.erp_faults({"match": {"method": method, "path_regex": f"{path}$"}, "effect": effect})

    with pytest.raises(SyncError):
        world.sync(**ONE)

    assert world.seats_taken() == 0
    assert world.book()["C000001"] == before
    calm(world)
    world.sync(**ONE)
    assert world.last_outcome("C000001")[0] in {"updated", "unchanged"}
    assert set(world.references()) == {"C000001"}


def test_all_is_adopted_and_nothing_made_twice_when_the_ledger_is_lost(moment: Moment, waiting: World) -> None:
    """With the ledger deleted, companies, users and addresses are found again; none is made a second time."""
    waiting.sync(mode="selected", customer_ids=EVERYONE)
    Path(waiting.ledger_url.removeprefix("sqlite:///")).unlink()
    waiting.forget_calls()

    report = waiting.sync(mode="selected", customer_ids=EVERYONE)

    assert [line for line in waiting.write_lines() if line.startswith(("POST", "DELETE"))] == []
    assert report.outcomes == {"adopted": 9, "filtered": 1}
    assert_as_undisturbed(waiting, moment)


def test_changes_arrive_once_when_the_ledger_is_lost_before_they_were_written(moment: Moment, waiting: World) -> None:
    """With the ledger lost before a run that has everything to do, the store still becomes right, without doubles."""
    Path(waiting.ledger_url.removeprefix("sqlite:///")).unlink()

    waiting.sync(mode="selected", customer_ids=EVERYONE)
    waiting.sync(mode="selected", customer_ids=EVERYONE)

    book = waiting.book()
    for key, expected in moment.expected.items():
        assert book[key]["companyName"] == expected["companyName"]
        assert book[key]["addresses"] == expected["addresses"]
        assert {user["email"] for user in expected["users"]} <= {user["email"] for user in book[key]["users"]}


class _Gate:
    """A transport that holds the first write until it is told to let it through."""

    def __init__(self, inner: Transport, reached: threading.Event, opened: threading.Event) -> None:
        self._inner = inner
        self._reached = reached
        self._opened = opened

    def send(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and not self._opened.is_set():
            self._reached.set()
            assert self._opened.wait(60)
        return self._inner.send(request)

    def close(self) -> None:
        self._inner.close()


def test_older_try_stops_when_a_newer_try_of_the_same_load_took_over(moment: Moment, waiting: World) -> None:
    """An orphaned try that wakes up beside its own retry finds its lease gone and writes nothing more."""
    reached, opened = threading.Event(), threading.Event()
    slow = replace(waiting, wrap_store=lambda inner: _Gate(inner, reached, opened))
    stopped: list[SyncError] = []
    with attempts(waiting, "run_1", mode="selected", customer_ids=EVERYONE) as newer:
        newer.plan()
        older = newer.copy_for(slow)

        def orphan() -> None:
            try:
                older.load(1)
            except SyncError as error:
                stopped.append(error)

        thread = threading.Thread(target=orphan)
        thread.start()
        assert reached.wait(60)
        newer.load(2)
        opened.set()
        thread.join(60)
        report = newer.audit()

    assert [type(error) for error in stopped] == [LeaseLost]
    assert report.extracted == sum(report.outcomes.values())
    assert_as_undisturbed(waiting, moment)


def test_second_run_gives_way_when_another_run_is_writing(moment: Moment, waiting: World) -> None:
    """While one run holds the store, another run's load says so and leaves it alone."""
    with waiting.ledger() as ledger:
        lease = ledger.lease(f"store:{waiting.connector.id}", "other_run", 1)
        lease.acquire()
        second = ledger.lease(f"store:{waiting.connector.id}", "run_2", 1)
        with pytest.raises(TransientApiError) as failure:
            second.acquire(wait_s=0.0)
        lease.release()

    assert_is_one_sentence(failure.value, "Another run has been writing")
    waiting.sync(mode="selected", customer_ids=EVERYONE)
    assert_as_undisturbed(waiting, moment)


def test_sentence_names_the_ledger_when_its_file_is_no_database(world: World, tmp_path: Path) -> None:
    """A ledger that is no database is a setting to correct, said before anything is read or written."""
    broken = tmp_path / "broken.db"
    shutil.copyfile(__file__, broken)

    with pytest.raises(ConfigError) as failure:
        replace(world, ledger_url=f"sqlite:///{broken}").sync(**ONE)

    assert_is_one_sentence(failure.value, "CUSTOMER_SYNC_LEDGER_URL")
    assert world.erp_calls() == []


class _OneWriteOnly:
    """Lets one write through; from the second on the store cannot be reached."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._writes = 0

    def send(self, request: HttpRequest) -> HttpResponse:
        self._writes += request.method != "GET"
        if self._writes > 1 and request.method != "GET":
            raise ConnectFailed("the store is gone", system="Better B2B", operation="write")
        return self._inner.send(request)

    def close(self) -> None:
        self._inner.close()


def test_a_customer_is_put_back_when_its_change_was_taken_back_after_half_of_it_was_applied(world: World) -> None:
    """What the ERP wants now was applied whole once; that is no proof that the store still holds it."""
    world.sync(**ONE)
    name = world.companies()["C000001"]["companyName"]
    world.edit("Customer", CustomerID="C000001", CustomerName="Half Way")
    with pytest.raises(SyncError):
        replace(world, wrap_store=_OneWriteOnly).sync(**ONE)
    assert world.companies()["C000001"]["companyName"] == "Half Way"

    world.edit("Customer", CustomerID="C000001", CustomerName=name)
    world.sync(**ONE)

    assert world.last_outcome("C000001") == ("updated", "")
    assert world.companies()["C000001"]["companyName"] == name
