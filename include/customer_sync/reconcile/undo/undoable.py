"""Whether a run can be taken back at all; the answer is a sentence for a person."""

from __future__ import annotations

from datetime import timedelta

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.settings.connector import Connector


def mode_of_undone_run(ledger: Ledger, connector: Connector, run_id: str, *, by: str = "") -> str:
    """The mode of a run that is to be undone.

    Args:
        ledger: The connector's ledger.
        connector: Says for how long a run can be undone.
        run_id: The run.
        by: The run that is to undo it, which knows itself already.

    Raises:
        ConfigError: There is nothing that could be undone.
    """
    days = connector.retention.undo_days
    row = ledger.runs.get(run_id) if run_id != by else None
    if row is None:
        raise _refused(
            f"Connector {connector.id} has made no run {run_id!r} that its ledger still knows: copy the id from the "
            "page Runs. Another connector's run is undone by that connector's own DAG, and what ended more than "
            f"{days} days ago (retention.undo_days) cannot be undone."
        )
    if row["dry_run"]:
        raise _refused(f"Run {run_id} was a dry run and wrote nothing: there is nothing to take back.")
    ended = row["ended_at_utc"] or row["started_at_utc"]
    if utc_now() - ended > timedelta(days=days):
        raise _refused(
            f"Run {run_id} ended {ended:%Y-%m-%d %H:%M} UTC, more than {days} days ago: for so long a run can be "
            "undone (retention.undo_days in the connector file)."
        )
    return str(row["mode"])


def _refused(sentence: str) -> ConfigError:
    return ConfigError(sentence, setting="undo_run")
