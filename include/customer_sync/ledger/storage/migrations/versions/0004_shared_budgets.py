"""shared budgets: turns for requests and seats for sessions, whatever machine a task lands on

Revision: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the ledger forward."""
    op.create_table(
        "request_turn",
        sa.Column("budget", sa.String(length=100), nullable=False),
        sa.Column("next_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("budget", name=op.f("pk_request_turn")),
    )
    op.create_table(
        "session_seat",
        sa.Column("budget", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("expires_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("budget", "number", name=op.f("pk_session_seat")),
    )


def downgrade() -> None:
    """Move the ledger back."""
    op.drop_table("session_seat")
    op.drop_table("request_turn")
