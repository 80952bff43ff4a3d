"""kinds and counts of log rows, and whom the log knows: any filter answers at once, however long the log is

Revision: 0009
Revises: 0008
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WORDS = ("connector_id", "entity", "action", "outcome", "level", "reasons")
_INDEXES = (
    ["run_id", "logged_at_utc", "id"],
    ["kind_id", "logged_at_utc", "id"],
    ["logged_at_utc", "id"],
)


def upgrade() -> None:
    """Move the ledger forward."""
    op.create_table(
        "log_kind",
        sa.Column("kind_id", _Id, autoincrement=False, nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("reasons", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("kind_id", name=op.f("pk_log_kind")),
    )
    op.create_table(
        "log_count",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("kind_id", _Id, nullable=False),
        sa.Column("hour_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day_utc", sa.Date(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_count")),
    )
    for column in ("run_id", "hour_utc"):
        op.create_index(op.f(f"ix_log_count_{column}"), "log_count", [column])
    op.create_table(
        "log_customer",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("search", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_log_customer")),
    )
    with op.batch_alter_table("connector_log") as batch_op:
        batch_op.add_column(sa.Column("kind_id", _Id, nullable=False, server_default="0"))
    with op.batch_alter_table("connector_log") as batch_op:
        batch_op.alter_column("kind_id", server_default=None)
        batch_op.drop_index(batch_op.f("ix_connector_log_run_id_id"))
        batch_op.drop_index(batch_op.f("ix_connector_log_logged_at_utc"))
    _sort_old_rows_into_kinds()
    for columns in _INDEXES:
        op.create_index(op.f(f"ix_connector_log_{'_'.join(columns)}"), "connector_log", columns)
    _count_old_rows()
    _know_old_customers()


def downgrade() -> None:
    """Move the ledger back."""
    for columns in _INDEXES:
        op.drop_index(op.f(f"ix_connector_log_{'_'.join(columns)}"), "connector_log")
    with op.batch_alter_table("connector_log") as batch_op:
        batch_op.drop_column("kind_id")
        batch_op.create_index(batch_op.f("ix_connector_log_run_id_id"), ["run_id", "id"])
        batch_op.create_index(batch_op.f("ix_connector_log_logged_at_utc"), ["logged_at_utc"])
    for table in ("log_customer", "log_count", "log_kind"):
        op.drop_table(table)


def _sort_old_rows_into_kinds() -> None:
    connection = op.get_bind()
    listed = ", ".join(_WORDS)
    equal = " AND ".join(f"{word} = :{word}" for word in _WORDS)
    for row in connection.execute(sa.text(f"SELECT DISTINCT {listed} FROM connector_log")).all():  # noqa: S608 - our own names
        digest = hashlib.blake2b("\x1f".join(row).encode(), digest_size=8).digest()
        values = dict(zip(_WORDS, row, strict=True)) | {"kind_id": int.from_bytes(digest) >> 1}
        named = ", ".join(f":{word}" for word in _WORDS)
        connection.execute(sa.text(f"INSERT INTO log_kind (kind_id, {listed}) VALUES (:kind_id, {named})"), values)  # noqa: S608 - our own names
        connection.execute(sa.text(f"UPDATE connector_log SET kind_id = :kind_id WHERE {equal}"), values)  # noqa: S608 - our own names


def _count_old_rows() -> None:
    if op.get_bind().dialect.name == "sqlite":
        hour, day = "strftime('%Y-%m-%d %H:00:00.000000', logged_at_utc)", "date(logged_at_utc)"
    else:
        hour = "date_trunc('hour', logged_at_utc AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
        day = "(logged_at_utc AT TIME ZONE 'UTC')::date"
    grouped = f"run_id, kind_id, {hour}, {day}"
    op.execute(
        f'INSERT INTO log_count (run_id, kind_id, hour_utc, day_utc, "rows") SELECT {grouped}, COUNT(*) '  # noqa: S608 - our own constants
        f"FROM connector_log GROUP BY {grouped}"
    )


def _know_old_customers() -> None:
    op.execute(
        "INSERT INTO log_customer (connector_id, customer_id, name, search) "
        "SELECT connector_id, customer_id, MAX(customer_name), LOWER(customer_id || ' ' || MAX(customer_name)) "
        "FROM connector_log GROUP BY connector_id, customer_id"
    )
