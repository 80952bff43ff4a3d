"""The trigger form of the sync: params with types, bounds and help texts (docs/architecture.md#stable-names)."""

from typing import Any

from airflow.sdk import Param

MODES = ("incremental", "full", "selected")
"""Values of ``mode``."""

ISO_MOMENT = (
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?"
    r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$"
)
"""ISO 8601 with a zone; without one, 00:00 would mean another moment on every machine.

Days that a month does not have are left to extract, which says what is wrong.
"""


def sync_params() -> dict[str, Any]:
    """Build the params; each DAG needs its own."""
    return {
        "mode": Param(
            "incremental",
            type="string",
            enum=list(MODES),
            title="Mode",
            description="incremental: what changed since the last good run. full: every customer. "
            "selected: the customers named below.",
        ),
        "customer_ids": Param(
            [],
            type=["array", "null"],
            items={"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S"},
            maxItems=5000,
            uniqueItems=True,
            title="Customer IDs",
            description="Only with mode selected, and required there: one CustomerID per line, such as C000123.",
        ),
        "modified_from": _moment(
            "Modified from", "Only with mode incremental: customers changed at this moment or later."
        ),
        "modified_to": _moment("Modified to", "Only with mode incremental: customers changed before this moment."),
        "dry_run": Param(
            False,  # noqa: FBT003 - the form's default
            type="boolean",
            title="Dry run",
            description="Work out and log the plan; write nothing to the store or to the ERP.",
        ),
        "retry_quarantined": Param(
            False,  # noqa: FBT003 - the form's default
            type="boolean",
            title="Retry quarantined",
            description="Try quarantined customers again although they did not change in the ERP.",
        ),
        "plan_hash": plan_hash_param(
            "Apply only this very plan: the hash that a dry run printed. Any other plan is refused."
        ),
        "undo_run": Param(
            None,
            type=["null", "string"],
            minLength=1,
            maxLength=250,
            title="Undo run",
            description="Take this run back in place of a sync: its id, as the page Runs shows it. "
            "Leave mode, customers and moments as they are; dry run and plan hash work as for a sync.",
        ),
    }


def plan_hash_param(description: str) -> Param:
    """The field for the hash of a plan that was read before."""
    return Param(None, type=["null", "string"], pattern="^[0-9a-f]{32}$", title="Plan hash", description=description)


def _moment(title: str, description: str) -> Param:
    text = f"{description} A zone is needed, as in 2026-11-22T00:00:00+00:00."
    # The format gives the form its date picker; it is checked only where an optional package is installed.
    return Param(None, type=["null", "string"], format="date-time", pattern=ISO_MOMENT, title=title, description=text)
