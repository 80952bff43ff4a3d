"""Tokens in the ledger: encrypted, renewed once for all, kept whatever happens between answer and commit."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from customer_sync.errors import AuthenticationFailed, ConfigError
from customer_sync.ledger import Ledger
from customer_sync.ledger.coordination.tokens import KeptTokens
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.schema import lease, token
from customer_sync.settings.kept_tokens import Tokens
from tests.integration.ledger.another_process import another_process

KEY = Fernet.generate_key().decode()
OWNER = "an-owner"


class Server:
    """Exchanges refresh tokens, each once or, by ``honours_used``, as often as they come."""

    def __init__(self, *, honours_used: bool = False) -> None:
        self.valid = ["refresh-0"]
        self.honours_used = honours_used
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def exchange(self, refresh: str) -> Tokens:
        """Give the next tokens."""
        with self._lock:
            self.asked.append(refresh)
            if refresh not in self.valid:
                raise AuthenticationFailed("invalid_grant: run `customer-sync login`.")
            if not self.honours_used:
                self.valid.remove(refresh)
            number = len(self.asked)
            self.valid.append(f"refresh-{number}")
            return tokens(number)


def tokens(number: int, *, stale: bool = False) -> Tokens:
    """Tokens of a server."""
    return Tokens(f"access-{number}", f"refresh-{number}", utc_now() + timedelta(hours=-1 if stale else 1))


def is_over(found: Tokens) -> bool:
    """Whether tokens have ended."""
    return found.renew_at_utc <= utc_now()


def other_than(used: str) -> Callable[[Tokens], bool]:
    """Whether tokens are those that the server refused."""
    return lambda found: found.access == used


def keeping(ledger: Ledger, keys: list[str] | None = None) -> KeptTokens:
    """The tokens of a ledger under a key."""
    return KeptTokens(ledger.engine, lambda: keys or [KEY])


@pytest.fixture
def kept(ledger: Ledger) -> KeptTokens:
    """A ledger that holds tokens which have ended."""
    made = keeping(ledger)
    made.replace(OWNER, tokens(0, stale=True), "erp_knb")
    return made


def test_stored_tokens_are_given_without_a_request_while_they_last(kept: KeptTokens) -> None:
    """One renewal serves all tasks of an hour."""
    server = Server()
    for _ in range(3):
        assert kept.current(OWNER, is_over, server.exchange).access == "access-1"
    assert server.asked == ["refresh-0"]
    assert kept.current(OWNER, other_than("access-1"), server.exchange).access == "access-2"
    assert server.asked == ["refresh-0", "refresh-1"]


def test_nothing_of_a_token_can_be_read_in_the_ledger(kept: KeptTokens, ledger: Ledger, tmp_path: Path) -> None:
    """Neither table nor file shows a token; whose they are is a hash and a label."""
    kept.current(OWNER, is_over, Server().exchange)
    with ledger.engine.connect() as connection:
        rows = str(connection.execute(sa.select(token)).all())
    files = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.db*"))
    assert "erp_knb" in rows
    assert not [text for text in ("access-", "refresh-") if text in rows or text.encode() in files]
    assert "access-" not in repr(tokens(1))


def test_two_tasks_use_a_refresh_token_once(kept: KeptTokens, ledger_url: str) -> None:
    """Who comes second waits, and gets what the first one brought."""
    server = Server()
    with Ledger.open("knb", ledger_url) as second, ThreadPoolExecutor(2) as pool:
        stores = (kept, keeping(second))
        found = list(pool.map(lambda store: store.current(OWNER, is_over, server.exchange), stores))
    assert {each.access for each in found} == {"access-1"}
    assert server.asked == ["refresh-0"]


KILLED = f"""
import os, time
from customer_sync.ledger.coordination.tokens import KeptTokens
from customer_sync.ledger.storage.clock import utc_now

def answered_and_not_saved(refresh):
    print("taken", flush=True)
    time.sleep(600)

KeptTokens(ledger.engine, lambda: [{KEY!r}]).current({OWNER!r}, lambda _: True, answered_and_not_saved)
"""


@pytest.mark.parametrize("honours_used", [True, False], ids=["old one still accepted", "old one refused"])
def test_kill_between_answer_and_commit(kept: KeptTokens, ledger_url: str, *, honours_used: bool) -> None:
    """Where a used token is taken again nothing is lost; where it is not, the sentence says what a person must do."""
    server = Server(honours_used=honours_used)
    with another_process(ledger_url, KILLED) as process:
        server.exchange("refresh-0")  # what the other process sent; its answer dies with it
        process.kill()
        process.wait()
        if honours_used:
            assert kept.current(OWNER, is_over, server.exchange).access == "access-2"
            return
        with pytest.raises(AuthenticationFailed, match="customer-sync login"):
            kept.current(OWNER, is_over, server.exchange)
    kept.replace(OWNER, tokens(7), "erp_knb")
    assert kept.current(OWNER, is_over, server.exchange).access == "access-7"


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """A signal interrupts, also where the tests were started in the background, whose signals are ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_signal_between_answer_and_commit_loses_nothing(kept: KeptTokens) -> None:
    """A task that is cancelled while it renews has kept the answer when it ends."""
    server = Server()

    def answered(refresh: str) -> Tokens:
        made = server.exchange(refresh)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return made

    with pytest.raises(KeyboardInterrupt):
        kept.current(OWNER, is_over, answered)
    assert kept.current(OWNER, is_over, server.exchange).access == "access-1"
    assert server.asked == ["refresh-0"]


def test_ledger_that_is_locked_when_the_answer_comes_is_awaited(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What the server gives once is kept as soon as the ledger can be written again."""
    server = Server()
    with Ledger.open("knb", f"{sqlite_url}?timeout=0.2") as ledger:
        store = keeping(ledger)
        store.replace(OWNER, tokens(0, stale=True), "erp_knb")
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)

        def answered(refresh: str) -> Tokens:
            other.execute("BEGIN IMMEDIATE")
            threading.Timer(0.6, lambda: other.execute("ROLLBACK")).start()
            return server.exchange(refresh)

        assert store.current(OWNER, is_over, answered).access == "access-1"
        assert store.current(OWNER, is_over, server.exchange).access == "access-1"
        other.close()
    assert "not kept yet" in caplog.text


def test_generation_before_is_tried_when_the_newest_is_refused(kept: KeptTokens) -> None:
    """A server that went back to what it knew before is met by the token that it knew."""
    server = Server(honours_used=True)
    kept.current(OWNER, is_over, server.exchange)
    server.valid.remove("refresh-1")
    assert kept.current(OWNER, other_than("access-1"), server.exchange).access == "access-3"
    assert server.asked == ["refresh-0", "refresh-1", "refresh-0"]


def test_tokens_of_a_process_taken_for_dead_are_kept_beside_the_newer(
    kept: KeptTokens, ledger: Ledger, ledger_url: str
) -> None:
    """Both answers were good: the later one to be saved does not hide the other, and is tried when that is refused."""
    server = Server(honours_used=True)

    def asleep(refresh: str) -> Tokens:
        mine = server.exchange(refresh)
        with ledger.write() as connection:
            connection.execute(sa.delete(lease))
        with Ledger.open("knb", ledger_url) as other:
            keeping(other).current(OWNER, is_over, server.exchange)
        return mine

    kept.current(OWNER, is_over, asleep)
    assert kept.current(OWNER, is_over, server.exchange).access == "access-2"
    server.valid.remove("refresh-2")
    assert kept.current(OWNER, other_than("access-2"), server.exchange).access == "access-4"
    assert server.asked[-2:] == ["refresh-2", "refresh-1"]


def test_consent_given_meanwhile_is_not_overwritten(kept: KeptTokens) -> None:
    """Who signs in anew while a task renews the old tokens has signed in."""
    server = Server()

    def renewed(refresh: str) -> Tokens:
        kept.replace(OWNER, tokens(50), "erp_knb")
        return server.exchange(refresh)

    kept.current(OWNER, is_over, renewed)
    assert kept.current(OWNER, is_over, server.exchange).access == "access-50"


@pytest.mark.usefixtures("kept")
def test_key_is_needed_and_may_be_exchanged(ledger: Ledger) -> None:
    """Another key is told apart from a missing one; with the former behind it nothing is lost."""
    other = Fernet.generate_key().decode()
    with pytest.raises(ConfigError, match="another key"):
        keeping(ledger, [other]).current(OWNER, is_over, Server().exchange)
    assert keeping(ledger, [other, KEY]).current(OWNER, is_over, Server().exchange).access == "access-1"
    assert keeping(ledger, [other]).current(OWNER, is_over, Server().exchange).access == "access-1"
    with pytest.raises(ConfigError, match="holds no key"):
        keeping(ledger, ["short"]).check_key()


def test_nobody_has_signed_in_yet(ledger: Ledger) -> None:
    """The remedy is in the sentence."""
    with pytest.raises(ConfigError, match="customer-sync login"):
        keeping(ledger).current(OWNER, is_over, Server().exchange)
