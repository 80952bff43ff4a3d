"""Log entries as lines of the task log: folded per batch, one line per customer and part."""

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from customer_sync.model.outcome import LogEntry
from customer_sync.one_line import one_line
from customer_sync.reporting.log_entry import format_entry

if TYPE_CHECKING:
    from customer_sync.reporting.request_count import CountsRequests

log = logging.getLogger(__name__)

PROGRESS_EVERY_S = 30.0
"""A batch of new customers takes minutes within the store's budget; silence would look like a hang."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def print_batch(title: str, entries: Sequence[LogEntry]) -> None:
    """Print the entries of one batch under a heading that Airflow's UI folds.

    Args:
        title: What the batch is, with its counts; without entries it may have several lines.
        entries: Masked already, and in the ledger already.
    """
    if not entries:
        print_lines(title.splitlines())
        return
    log.info("::group::%s", one_line(title))
    for entry in entries:
        log.log(_LEVELS[entry.level], "%s", format_entry(entry))
    log.info("::endgroup::")


def print_lines(lines: Iterable[str]) -> None:
    """Print a summary, one record per line, so that none of it is cut, and nothing in it folds or hides other lines."""
    for line in lines:
        log.info("%s", one_line(line))


@contextmanager
def reporting_requests(system: str, client: "CountsRequests", *, every_s: float = PROGRESS_EVERY_S) -> Iterator[None]:
    """Print how many requests a client has used: now and then, at the end, and also on failure.

    Args:
        system: Name of the other side.
        client: The client.
        every_s: Seconds between signs of life.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            log.info("Still at work: %d requests to %s so far.", client.requests_used().total, system)

    watcher = threading.Thread(target=watch, name=f"progress of {system}", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        used = client.requests_used()
        log.info("Requests to %s: %d (%d refused, %d repeated).", system, used.total, used.refused, used.retried)
