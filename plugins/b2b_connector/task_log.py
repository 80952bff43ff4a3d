"""Log entries as lines of the task log: folded per batch, one line per customer and part."""

import logging
from collections.abc import Iterable, Sequence

from customer_sync.log_entry import format_entry
from customer_sync.outcome import LogEntry

log = logging.getLogger(__name__)

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
    log.info("::group::%s", title)
    for entry in entries:
        log.log(_LEVELS[entry.level], "%s", format_entry(entry))
    log.info("::endgroup::")


def print_lines(lines: Iterable[str]) -> None:
    """Print a summary, one record per line, so that none of it is cut."""
    for line in lines:
        log.info("%s", line)
