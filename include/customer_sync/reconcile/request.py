"""What a person or the schedule asks of a reconciliation: the params of its DAG. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from customer_sync.model.difference import DifferenceClass, RepairAction, repair_choices
from customer_sync.planning.window import RunRequest
from customer_sync.reconcile.repair.plan_repair import Policy
from customer_sync.settings.connector import Connector
from customer_sync.settings.params import read_params

Mode = Literal["compare", "adopt", "shadow"]
MODES = ("compare", "adopt", "shadow")
"""Values of ``mode``."""


class ReconcileRequest(BaseModel):
    """The params of a reconciliation.

    ``repair`` names repairs as ``class=action``; ``None`` leaves it to the connector file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = "compare"
    repair: tuple[str, ...] | None = None
    dry_run: bool = False
    plan_hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    matches: str | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _fits_together(self) -> ReconcileRequest:
        unknown = [text for text in self.repair or () if text not in repair_choices()]
        if unknown:
            raise ValueError(f"repair cannot be {', '.join(unknown)}; it can be: {', '.join(repair_choices())}")
        kinds = [text.partition("=")[0] for text in self.repair or ()]
        if len(set(kinds)) != len(kinds):
            raise ValueError("repair names a class twice")
        if self.mode != "compare" and self.repair:
            raise ValueError("repair is only allowed with mode 'compare'")
        if self.matches and self.mode != "adopt":
            raise ValueError("matches is only allowed with mode 'adopt'")
        return self

    def policy(self, connector: Connector) -> Policy:
        """What is done about each class: as asked for, else as the connector file says."""
        if self.mode != "compare":
            return {}
        if self.repair is None:
            return connector.reconcile.repair
        pairs = (text.partition("=") for text in self.repair)
        return {DifferenceClass(kind): RepairAction(action) for kind, _, action in pairs}

    def as_run_request(self) -> RunRequest:
        """The part that the guard of the sync knows."""
        return RunRequest(dry_run=self.dry_run, plan_hash=self.plan_hash)


def read_reconcile_request(params: Mapping[str, Any]) -> ReconcileRequest:
    """Validate a run's params.

    Raises:
        ConfigError: A param is wrong; the message names it and what is accepted.
    """
    return read_params(ReconcileRequest, params)
