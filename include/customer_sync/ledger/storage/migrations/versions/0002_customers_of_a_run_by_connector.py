"""customers of a run by connector: Airflow gives the runs of two connectors the same id

Revision: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COLUMNS = "run_id, customer_id, batch_key, outcome, reasons"


def upgrade() -> None:
    """Move the ledger forward."""
    op.execute(
        "CREATE TABLE run_customer_copy AS SELECT run.connector_id AS connector_id, booked.* "
        "FROM run_customer AS booked JOIN run ON run.run_id = booked.run_id"
    )
    op.drop_table("run_customer")
    op.create_table(
        "run_customer",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        *_other_columns(),
        sa.PrimaryKeyConstraint("connector_id", "run_id", "customer_id", name=op.f("pk_run_customer")),
    )
    for columns in (["connector_id", "customer_id"], ["connector_id", "run_id", "outcome"]):
        op.create_index(op.f(f"ix_run_customer_{'_'.join(columns)}"), "run_customer", columns)
    op.execute(
        f"INSERT INTO run_customer (connector_id, {_COLUMNS}) "  # noqa: S608 - our own constant
        f"SELECT connector_id, {_COLUMNS} FROM run_customer_copy"
    )
    op.drop_table("run_customer_copy")


def downgrade() -> None:
    """Move the ledger back; of two connectors' rows with one run id and customer the first stays."""
    op.execute(
        "CREATE TABLE run_customer_copy AS SELECT * FROM run_customer AS kept WHERE connector_id = "
        "(SELECT MIN(connector_id) FROM run_customer AS other "
        "WHERE other.run_id = kept.run_id AND other.customer_id = kept.customer_id)"
    )
    op.drop_table("run_customer")
    op.create_table(
        "run_customer",
        *_other_columns(),
        sa.PrimaryKeyConstraint("run_id", "customer_id", name=op.f("pk_run_customer")),
    )
    for columns in (["customer_id"], ["run_id", "outcome"]):
        op.create_index(op.f(f"ix_run_customer_{'_'.join(columns)}"), "run_customer", columns)
    op.execute(
        f"INSERT INTO run_customer ({_COLUMNS}) SELECT {_COLUMNS} FROM run_customer_copy"  # noqa: S608 - our own constant
    )
    op.drop_table("run_customer_copy")


def _other_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("batch_key", sa.String(length=100), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reasons", sa.String(length=500), nullable=False),
    ]
