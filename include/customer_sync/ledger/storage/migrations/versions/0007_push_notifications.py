"""push notifications: customers that the ERP told of, and how many notifications came

Revision: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the ledger forward."""
    op.create_table(
        "push_customer",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("newest_ticks", sa.BigInteger(), nullable=False),
        sa.Column("received_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_since_utc", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_push_customer")),
    )
    op.create_index(
        op.f("ix_push_customer_connector_id_waiting_since_utc"), "push_customer", ["connector_id", "waiting_since_utc"]
    )
    op.create_table(
        "push_inbox",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("left_out", sa.BigInteger(), nullable=False),
        sa.Column("last_received_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("announced_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("connector_id", name=op.f("pk_push_inbox")),
    )


def downgrade() -> None:
    """Move the ledger back."""
    op.drop_table("push_inbox")
    op.drop_table("push_customer")
