"""The command ``customer-sync``: parses the command line, and ends every command the same way."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final, NoReturn

from customer_sync.gc_paused import gc_paused

# The collector would walk what imports leave, which stays, again and again: a tenth of a command's start.
with gc_paused():
    from customer_sync.commands.answer import FAILED, REFUSED, answer, say
    from customer_sync.commands.discover import add_discover
    from customer_sync.commands.doctor import add_doctor
    from customer_sync.commands.explain import add_explain
    from customer_sync.commands.ledger import add_ledger
    from customer_sync.commands.login import add_login
    from customer_sync.commands.plan import add_plan
    from customer_sync.commands.pools import add_pools
    from customer_sync.commands.reconcile import add_reconcile
    from customer_sync.commands.run import add_run
    from customer_sync.commands.undo import add_undo
    from customer_sync.errors import PlanRefused, SyncError

INTERRUPTED: Final = 130
"""128 + SIGINT, what a shell reports for a command that was interrupted."""
TERMINATED: Final = 143
"""128 + SIGTERM."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Command line without the program's name; ``None`` takes the process's own.

    Returns:
        The exit code: 0 done, 1 failed or differences found, 2 wrong command line, 3 refused by a guard.
    """
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # A service manager ends a command by SIGTERM: sessions are closed and leases released then, too.
    signal.signal(signal.SIGTERM, _end)
    perform: Callable[[argparse.Namespace], int] = chosen.perform
    try:
        return perform(chosen)
    except SyncError as error:
        say(error.message)
        if getattr(chosen, "json", False):
            answer({"error": error.message}, [], as_json=True)
        return REFUSED if isinstance(error, PlanRefused) else FAILED
    except KeyboardInterrupt:
        say("Interrupted. What was confirmed is in the ledger; the next run goes on from there.")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="customer-sync",
        description="Keeps the companies of a B2B store equal to the customers of an ERP.",
        epilog="Connector files: CUSTOMER_SYNC_CONNECTORS_DIR, else $AIRFLOW_HOME/connectors. "
        "Ledger: CUSTOMER_SYNC_LEDGER_URL, else an SQLite file in $AIRFLOW_HOME.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (
        add_discover,
        add_doctor,
        add_run,
        add_plan,
        add_explain,
        add_reconcile,
        add_undo,
        add_login,
        add_pools,
        add_ledger,
    ):
        add(commands)
    return parser


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
