"""What a person asks of an undo."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from customer_sync.planning.window import RunRequest


class UndoRequest(BaseModel):
    """What a person asks of an undo.

    Attributes:
        undo_run: The run that is taken back.
        delete_created: Whether companies that it made are deleted, not deactivated.
        dry_run: Plan alone.
        plan_hash: The plan that was seen; without Airflow it is asked for where a guard trips.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    undo_run: str = Field(min_length=1, max_length=250)
    delete_created: bool = False
    dry_run: bool = False
    plan_hash: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")

    def as_run_request(self) -> RunRequest:
        """The same as guard takes it."""
        return RunRequest(undo_run=self.undo_run, dry_run=self.dry_run, plan_hash=self.plan_hash)
