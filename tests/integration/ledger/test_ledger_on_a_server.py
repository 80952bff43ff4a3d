"""What only a database server can do to the ledger: restart, cut connections, serve many writers at once."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from customer_sync.errors import ConfigError, TransientApiError
from customer_sync.ledger import Lease, Ledger
from customer_sync.ledger.storage.connect_retry import PATIENCE_S, wait_for_server
from customer_sync.ledger.storage.database import open_engine
from tests.reliability.private_postgres import free_port, running_postgres

WRITERS = 6


@pytest.fixture
def ledgers(postgres_url: str) -> Iterator[list[Ledger]]:
    """Several machines' ledgers of one connector."""
    with ExitStack() as stack:
        yield [stack.enter_context(Ledger.open("knb", postgres_url)) for _ in range(WRITERS)]


def cut_all_connections(url: str) -> int:
    """Have the server end every other connection to a database."""
    admin = sa.create_engine(url)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with admin.connect() as connection:
        ended = connection.execute(sa.text(f"{others} AND datname = current_database()")).scalars().all()
    admin.dispose()
    return len(ended)


def test_connecting_waits_when_the_server_is_being_restarted(
    postgres_urls: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    """A refused connection is tried again until the server is back; one line says so."""
    assert postgres_urls is not None  # skips where there is no PostgreSQL
    port = free_port()
    engine = sa.create_engine(f"postgresql+psycopg://ledger@127.0.0.1:{port}/postgres")
    with ExitStack() as started:
        pauses: list[float] = []

        def start_the_server(seconds: float) -> None:
            if not pauses:
                started.enter_context(running_postgres(port))
            pauses.append(seconds)

        wait_for_server(engine, sleep=start_the_server)
        with caplog.at_level(logging.WARNING), engine.connect() as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        engine.dispose()
    assert pauses
    assert [record.message for record in caplog.records] == [
        f"The ledger's server is away; waiting up to {PATIENCE_S:.0f} s for it."
    ]


def test_waiting_ends_when_the_server_does_not_come_back(postgres_urls: Callable[[], str]) -> None:
    """After a minute the driver's own error is told."""
    assert postgres_urls is not None
    engine = sa.create_engine(f"postgresql+psycopg://ledger@127.0.0.1:{free_port()}/postgres")
    slept_s = [0.0]
    wait_for_server(engine, clock=lambda: slept_s[0], sleep=lambda s: slept_s.__setitem__(0, slept_s[0] + s))
    with pytest.raises(sa.exc.OperationalError):
        engine.connect()
    assert slept_s[0] == PATIENCE_S


def test_a_missing_database_is_told_at_once(postgres_url: str) -> None:
    """What waiting cannot cure is a setting to correct."""
    with pytest.raises(ConfigError, match="does not exist"):
        open_engine(f"{postgres_url}_of_nobody")


def test_a_broken_connection_is_replaced_when_it_waited_in_the_pool(postgres_url: str) -> None:
    """All pooled connections die with a restart; the next statement knows nothing of it."""
    with Ledger.open("knb", postgres_url) as ledger:
        for _ in range(3):
            ledger.watermarks.load()
            assert cut_all_connections(postgres_url) >= 1
            assert ledger.watermarks.load() == {}


def test_a_commit_without_an_answer_is_told_as_unknown(postgres_url: str) -> None:
    """The error says that it may be there or not, and nothing is run a second time by itself."""
    with Ledger.open("knb", postgres_url) as ledger:
        bodies = []

        def cut(_: sa.Connection) -> None:
            cut_all_connections(postgres_url)

        def write() -> None:
            with ledger.write() as connection:
                bodies.append(1)
                ledger.watermarks.put(connection, "r", {"customers": "x"})
                sa.event.listen(connection.engine, "commit", cut, once=True)

        with pytest.raises(TransientApiError, match="rolled back or is there as a whole"):
            write()
        assert len(bodies) == 1
        assert ledger.watermarks.load() == {}


def test_numbers_of_all_batches_add_up_when_they_end_at_once(ledgers: list[Ledger]) -> None:
    """Requests used are read, added to and written by several machines; none is lost."""
    with ledgers[0].write() as connection:
        ledgers[0].runs.begin(connection, "r1", mode="full", window={})

    def add(ledger: Ledger) -> None:
        for _ in range(10):
            with ledger.write() as connection:
                ledger.runs.add_usage(connection, "r1", {"acumatica": {"requests": 1}})

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(add, ledgers))
    row = ledgers[0].runs.get("r1")
    assert row is not None
    assert row["usage"] == {"acumatica": {"requests": 10 * WRITERS}}


def test_one_of_many_gets_the_store_when_all_ask_at_once(ledgers: list[Ledger]) -> None:
    """Runs on several machines ask for a free store in the same moment: one gets it, the others are told to wait."""
    leases = [ledger.lease("store:knb", f"r{number}", 1) for number, ledger in enumerate(ledgers)]

    def take(lease: Lease) -> bool:
        try:
            lease.acquire(wait_s=0)
        except TransientApiError:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        taken = list(pool.map(take, leases))
    assert sum(taken) == 1
    with ledgers[0].write() as connection:
        leases[taken.index(True)].confirm(connection)
