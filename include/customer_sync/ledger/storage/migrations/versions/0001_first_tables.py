"""first tables

Revision: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move the ledger forward."""
    op.create_table(
        "account_email",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("email_hash", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_account_email")),
    )
    with op.batch_alter_table("account_email", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_account_email_connector_id_email_hash"), ["connector_id", "email_hash"], unique=False
        )

    op.create_table(
        "child_link",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("child_key", sa.String(length=200), nullable=False),
        sa.Column("store_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("applied_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", "entity", "child_key", name=op.f("pk_child_link")),
    )
    with op.batch_alter_table("child_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_child_link_connector_id_entity_child_key"),
            ["connector_id", "entity", "child_key"],
            unique=False,
        )

    op.create_table(
        "company_link",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_id", sa.String(length=64), nullable=False),
        sa.Column("account_email", sa.String(length=320), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("payment_methods", sa.JSON(), nullable=False),
        sa.Column("payment_terms", sa.JSON(), nullable=True),
        sa.Column("reference_id", sa.String(length=100), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by_run", sa.String(length=250), nullable=False),
        sa.Column("parts_known", sa.Boolean(), nullable=False),
        sa.Column("linked_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_company_link")),
    )
    with op.batch_alter_table("company_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_company_link_connector_id_account_email"), ["connector_id", "account_email"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_company_link_connector_id_company_id"), ["connector_id", "company_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_company_link_connector_id_record_id"), ["connector_id", "record_id"], unique=False
        )

    op.create_table(
        "connector_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("logged_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("customer_name", sa.String(length=250), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("record_key", sa.String(length=450), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("reasons", sa.String(length=500), nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("store_id", sa.String(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector_log")),
    )
    with op.batch_alter_table("connector_log", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_connector_log_connector_id_customer_id_id"),
            ["connector_id", "customer_id", "id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_connector_log_logged_at_utc"), ["logged_at_utc"], unique=False)
        batch_op.create_index(batch_op.f("ix_connector_log_run_id_id"), ["run_id", "id"], unique=False)

    op.create_table(
        "lease",
        sa.Column("resource", sa.String(length=200), nullable=False),
        sa.Column("holder", sa.String(length=300), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("expires_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("resource", name=op.f("pk_lease")),
    )
    op.create_table(
        "quarantine",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("record_key", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_seen_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", "entity", "record_key", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("moves_watermark", sa.Boolean(), nullable=False),
        sa.Column("window", sa.JSON(), nullable=False),
        sa.Column("stamps", sa.JSON(), nullable=True),
        sa.Column("resume_after", sa.String(length=200), nullable=False),
        sa.Column("extracted", sa.Integer(), nullable=False),
        sa.Column("plan_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("usage", sa.JSON(), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.Column("started_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "connector_id", name=op.f("pk_run")),
    )
    op.create_table(
        "run_customer",
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("batch_key", sa.String(length=100), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reasons", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "customer_id", name=op.f("pk_run_customer")),
    )
    with op.batch_alter_table("run_customer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_run_customer_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_run_customer_run_id_outcome"), ["run_id", "outcome"], unique=False)

    op.create_table(
        "unfinished",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("since_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_unfinished")),
    )
    op.create_table(
        "watermark",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("moved_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "name", name=op.f("pk_watermark")),
    )
    op.create_table(
        "write_intent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("record_key", sa.String(length=450), nullable=False),
        sa.Column("store_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("opened_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_intent")),
    )
    with op.batch_alter_table("write_intent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_write_intent_connector_id_state_customer_id"),
            ["connector_id", "state", "customer_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_write_intent_run_id_customer_id"), ["run_id", "customer_id"], unique=False)


def downgrade() -> None:
    """Move the ledger back."""
    with op.batch_alter_table("write_intent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_write_intent_run_id_customer_id"))
        batch_op.drop_index(batch_op.f("ix_write_intent_connector_id_state_customer_id"))

    op.drop_table("write_intent")
    op.drop_table("watermark")
    op.drop_table("unfinished")
    with op.batch_alter_table("run_customer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_customer_run_id_outcome"))
        batch_op.drop_index(batch_op.f("ix_run_customer_customer_id"))

    op.drop_table("run_customer")
    op.drop_table("run")
    op.drop_table("quarantine")
    op.drop_table("lease")
    with op.batch_alter_table("connector_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_connector_log_run_id_id"))
        batch_op.drop_index(batch_op.f("ix_connector_log_logged_at_utc"))
        batch_op.drop_index(batch_op.f("ix_connector_log_connector_id_customer_id_id"))

    op.drop_table("connector_log")
    with op.batch_alter_table("company_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_company_link_connector_id_record_id"))
        batch_op.drop_index(batch_op.f("ix_company_link_connector_id_company_id"))
        batch_op.drop_index(batch_op.f("ix_company_link_connector_id_account_email"))

    op.drop_table("company_link")
    with op.batch_alter_table("child_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_child_link_connector_id_entity_child_key"))
    op.drop_table("child_link")
    with op.batch_alter_table("account_email", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_email_connector_id_email_hash"))

    op.drop_table("account_email")
