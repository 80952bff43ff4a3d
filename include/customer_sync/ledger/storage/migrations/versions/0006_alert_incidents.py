"""alert incidents: what is wrong now, and who has been told

Revision: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the ledger forward."""
    op.create_table(
        "alert_incident",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("alert", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("opened_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recovered_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "alert", name=op.f("pk_alert_incident")),
    )


def downgrade() -> None:
    """Move the ledger back."""
    op.drop_table("alert_incident")
