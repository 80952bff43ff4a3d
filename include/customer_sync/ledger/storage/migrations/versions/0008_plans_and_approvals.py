"""plans and approvals: what a run was going to do to whom, and what a person said to it

Revision: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the ledger forward."""
    op.add_column("run", sa.Column("approval", sa.JSON(), nullable=True))
    op.create_table(
        "plan_customer",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("customer_name", sa.String(length=250), nullable=False),
        sa.Column("batch_key", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("operations", sa.Integer(), nullable=False),
        sa.Column("plan_hash", sa.String(length=32), nullable=False),
        sa.Column("unknown", sa.String(length=60), nullable=False),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("planned_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "run_id", "customer_id", name=op.f("pk_plan_customer")),
    )
    op.create_index(
        op.f("ix_plan_customer_connector_id_run_id_batch_key"), "plan_customer", ["connector_id", "run_id", "batch_key"]
    )


def downgrade() -> None:
    """Move the ledger back."""
    op.drop_table("plan_customer")
    op.drop_column("run", "approval")
