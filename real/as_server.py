"""Recorded exchanges, replayed as a server to our clients: each is read, and gives the recorded values."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from customer_sync.errors import AmbiguousWriteError, SyncError
from real import read_erp, read_store
from real.differences import Difference, Tally, shown
from real.error_classes import problem_with
from real.folder import Exchange
from real.read_erp import Value
from real.recorded_server import RecordedServer, recorded_server

PART: Final = "server"


def try_as_server(exchanges: list[Exchange]) -> Tally:
    """Let our clients read every exchange."""
    tally = Tally()
    with recorded_server() as server:
        for exchange in exchanges:
            side = read_store if exchange.system == "store" else read_erp
            asked = side.is_asked_by_us(exchange)
            tally.tried["exchanges read by our clients" if asked else "exchanges of calls that we never make"] += 1
            tally.differences += [
                Difference(PART, exchange.file, exchange.subject, field, shown(ours), shown(recorded))
                for field, ours, recorded in _problems(server, exchange)
            ]
    return tally


def _problems(server: RecordedServer, exchange: Exchange) -> Iterator[Value]:
    server.exchange = exchange
    side = read_store if exchange.system == "store" else read_erp
    with _warnings() as warnings:
        try:
            yield from side.read_with_client(server.url, exchange)
        except SyncError as raised:
            yield from _judged(raised, exchange)
        except Exception as raised:  # noqa: BLE001 - that nothing else is raised is what is tried
            yield "class", f"{type(raised).__name__} raised: {raised}", "a value, or an error of ours"
        else:
            if not exchange.is_success:
                yield "class", "success", f"an error for status {exchange.status}"
    for text in warnings:
        yield "log", text, "no warning"


def _judged(raised: SyncError, exchange: Exchange) -> Iterator[Value]:
    # A write that failed on the way may have been done; what it failed with is what counts here.
    error = raised.__cause__ if isinstance(raised, AmbiguousWriteError) else raised
    if exchange.is_success:
        yield "class", f"{type(raised).__name__}: {raised}", "success"
    elif isinstance(error, SyncError) and (problem := problem_with(error, exchange)):
        yield problem


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What our clients warn of while the block runs; requests that are tried again are warned of and no news."""
    found: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    handler = Collect(logging.WARNING)
    log = logging.getLogger("customer_sync.sources")
    log.addHandler(handler)
    try:
        yield found
    finally:
        log.removeHandler(handler)
