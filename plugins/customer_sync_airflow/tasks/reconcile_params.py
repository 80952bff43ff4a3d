"""The trigger form of a reconciliation."""

from typing import Any

from airflow.sdk import Param

from customer_sync.model.difference import repair_choices
from customer_sync.settings.connector import Connector
from customer_sync_airflow.tasks.sync_params import plan_hash_param

MODES = ("compare", "adopt", "shadow")
"""Values of ``mode``."""


def reconcile_params(connector: Connector) -> dict[str, Any]:
    """Build the params of one connector's DAG.

    A run by hand is a dry run by default, so that a plan can be read first; where the
    connector file names repairs, the scheduled run is to make them, so there it is not.
    """
    return {
        "mode": Param(
            "compare",
            type="string",
            enum=list(MODES),
            title="Mode",
            description="compare: report differences, and repair those named below or in the connector file. "
            "adopt: link the companies that another connector made. "
            "shadow: compare every field beside that connector, write nothing.",
        ),
        "repair": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "enum": repair_choices()},
            examples=repair_choices(),
            uniqueItems=True,
            title="Repair",
            description="Only with mode compare: the action for each class of difference. Empty: as the connector "
            "file says (reconcile.repair), by default none.",
        ),
        "dry_run": Param(
            not connector.reconcile.repair,
            type="boolean",
            title="Dry run",
            description="Work out and log the plan of the repairs or adoptions; write nothing.",
        ),
        "plan_hash": plan_hash_param(
            "Repair only by this very plan: the hash that a dry run printed. Any other plan is refused."
        ),
        "matches": Param(
            None,
            type=["null", "string"],
            maxLength=200,
            title="Matches",
            description="Only with mode adopt: a CSV file below the reports of this connector, as an earlier adopt "
            "wrote it, with your decisions. Empty: unambiguous matches are adopted.",
        ),
    }
