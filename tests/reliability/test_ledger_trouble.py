"""The ledger is locked, read-only, out of room or gone: a clear sentence, nothing half-done, nothing made twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from customer_sync.errors import ConfigError, TransientApiError
from customer_sync.ledger import Ledger
from tests.integration.twin_world import World
from tests.reliability.crash.matrix import CrashLab
from tests.reliability.crash.scenario import count_records, defects, expectation, unbalanced, writes

Record = Callable[[str, object], None]


def ledger_file(world: World) -> Path:
    """The ledger's file."""
    return Path(world.ledger_url.removeprefix("sqlite:///"))


def end_other_connections(url: str) -> int:
    """Have the server end all other connections to a database; returns how many there were."""
    admin = sa.create_engine(url)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with admin.connect() as connection:
        ended = connection.execute(sa.text(f"{others} AND datname = current_database()")).scalars().all()
    admin.dispose()
    return len(ended)


def assert_refused_while_locked(world: World) -> None:
    """Another process holds the ledger: the run says so, may be tried again, and has written nothing."""
    holder = sqlite3.connect(ledger_file(world), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    impatient = replace(world, ledger_url=f"{world.ledger_url}?timeout=0.2")

    with pytest.raises(TransientApiError, match=r"database is locked\): another process has been holding it"):
        impatient.sync(mode="full")

    holder.execute("ROLLBACK")
    holder.close()
    assert writes(world) == []


def test_run_fails_with_the_reason_when_another_process_holds_the_ledger(small_world: World) -> None:
    """Locked: the task is to be tried again and says why; nothing was written, and the next run does it all."""
    small_world.ledger().close()
    assert_refused_while_locked(small_world)
    assert small_world.sync(mode="full").outcomes["created"] == 6


def test_run_may_be_tried_again_when_a_new_ledger_is_locked_before_its_tables_are_made(small_world: World) -> None:
    """A lock passes, also where the ledger has only just been created: no ConfigError, which nobody would retry."""
    assert_refused_while_locked(small_world)


def test_run_names_the_missing_right_when_the_ledger_is_read_only(small_world: World) -> None:
    """Read-only: a ConfigError that names the setting, before anything is written."""
    small_world.ledger().close()
    read_only = replace(small_world, ledger_url=f"sqlite:///file:{ledger_file(small_world)}?mode=ro&uri=true")

    with pytest.raises(ConfigError, match="may not be written") as refused:
        read_only.sync(mode="full")

    assert refused.value.evidence["setting"] == "CUSTOMER_SYNC_LEDGER_URL"
    assert writes(small_world) == []


def test_no_company_is_made_twice_when_the_ledger_was_deleted(small_world: World) -> None:
    """A lost ledger is built anew from the store: no create, the same records, and the next run writes nothing."""
    small_world.sync(mode="full")
    before = expectation(small_world)
    references = small_world.references()
    for part in ("", "-wal", "-shm"):
        Path(f"{ledger_file(small_world)}{part}").unlink(missing_ok=True)
    small_world.forget_calls()

    small_world.sync(mode="full", run_id="anew")

    assert [line for line in small_world.write_lines() if line.startswith(("POST", "DELETE"))] == []
    assert defects(small_world, before) == []
    assert count_records(small_world.store_state()) == before.counts
    assert small_world.references() == references
    assert unbalanced(small_world, "anew") == []
    small_world.forget_calls()
    small_world.sync()
    assert writes(small_world) == []


@pytest.mark.long
def test_ledger_goes_on_when_its_server_dropped_a_waiting_connection(postgres_urls: Callable[[], str]) -> None:
    """A connection that the server ended while it waited in the pool is replaced without a word."""
    url = postgres_urls()
    with Ledger.open("knb", url) as ledger:
        ledger.watermarks.load()

        assert end_other_connections(url) > 0
        assert ledger.watermarks.load() == {}


@pytest.mark.long
def test_run_fails_with_the_reason_when_the_ledgers_server_is_gone(postgres_urls: Callable[[], str]) -> None:
    """A connection that ends in the middle of a transaction: an error of ours, and nothing of it was written."""
    url = postgres_urls()
    with Ledger.open("knb", url) as ledger:

        def write_while_the_server_ends_it() -> None:
            with ledger.write() as connection:
                ledger.watermarks.put(connection, "r", {"customers": "half"})
                end_other_connections(url)
                ledger.watermarks.put(connection, "r", {"contacts": "half"})

        with pytest.raises(TransientApiError, match="check that the database is up"):
            write_while_the_server_ends_it()

        assert ledger.watermarks.load() == {}


@pytest.mark.timeout(280)
def test_nothing_is_half_done_when_the_disk_fills_up_anywhere(crash_lab: CrashLab, record_property: Record) -> None:
    """The disk fills up at many moments of a run: an error of ours each time; with room again all is finished."""
    rooms = range(2_000, 180_000, 32_000)
    problems, stopped = [], 0
    for room in rooms:
        found, was_stopped = crash_lab.attempt_without_room(room)
        problems += found
        stopped += was_stopped
    record_property("figure", f"disk full: {len(rooms)} sizes of disk, {stopped} runs stopped by it")
    assert not problems, "\n".join(problems[:20])
    assert stopped >= 5
