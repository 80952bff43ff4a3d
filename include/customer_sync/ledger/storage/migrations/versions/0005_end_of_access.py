"""end of access: how long an access outlives its end in the ERP can be measured

Revision: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the ledger forward."""
    op.add_column("write_intent", sa.Column("access_ended_at_utc", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Move the ledger back."""
    op.drop_column("write_intent", "access_ended_at_utc")
