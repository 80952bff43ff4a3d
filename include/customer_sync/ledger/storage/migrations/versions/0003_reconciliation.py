"""Differences found by reconciliations, and when people lost their access.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def _text(name: str, length: int | None = None, *, default: str = "") -> sa.Column[str]:
    kind = sa.String(length) if length else sa.Text()
    return sa.Column(name, kind, nullable=False, server_default=default)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "difference",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("connector_id", sa.String(40), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("seen_at_utc", _MOMENT, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("customer_id", sa.String(200), nullable=False),
        _text("customer_name", 250),
        sa.Column("entity", sa.String(20), nullable=False),
        _text("record_key", 450),
        sa.Column("company_id", _ID, nullable=False, server_default="0"),
        sa.Column("store_id", _ID, nullable=False, server_default="0"),
        _text("field", 100),
        _text("erp_value"),
        _text("ledger_value"),
        _text("store_value"),
        _text("detail"),
        _text("action", 20, default="report"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_difference")),
    )
    for columns in (("connector_id", "run_id", "kind"), ("connector_id", "customer_id", "id")):
        op.create_index(op.f(f"ix_difference_{'_'.join(columns)}"), "difference", list(columns))
    op.create_table(
        "access_removal",
        sa.Column("connector_id", sa.String(40), nullable=False),
        sa.Column("customer_id", sa.String(200), nullable=False),
        sa.Column("user_key", sa.String(200), nullable=False),
        sa.Column("removed_at_utc", _MOMENT, nullable=False),
        sa.Column("deactivated_at_utc", _MOMENT),
        sa.Column("cause", sa.String(20), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.PrimaryKeyConstraint(
            "connector_id", "customer_id", "user_key", "removed_at_utc", name=op.f("pk_access_removal")
        ),
    )
    name = op.f("ix_access_removal_connector_id_removed_at_utc")
    op.create_index(name, "access_removal", ["connector_id", "removed_at_utc"])


def downgrade() -> None:
    """Drop both."""
    op.drop_table("access_removal")
    op.drop_table("difference")
