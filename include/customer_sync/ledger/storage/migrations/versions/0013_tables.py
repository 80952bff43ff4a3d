"""the ledger's tables

Revision: 0013
Revises: nothing
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "access_removal",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("user_key", sa.String(length=200), nullable=False),
        sa.Column("removed_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deactivated_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint(
            "connector_id", "customer_id", "user_key", "removed_at_utc", name=op.f("pk_access_removal")
        ),
    )
    op.create_index(
        op.f("ix_access_removal_connector_id_removed_at_utc"),
        "access_removal",
        ["connector_id", "removed_at_utc"],
        unique=False,
    )
    op.create_table(
        "account_email",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("email_hash", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_account_email")),
    )
    op.create_index(
        op.f("ix_account_email_connector_id_email_hash"), "account_email", ["connector_id", "email_hash"], unique=False
    )
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
    op.create_table(
        "contact_holder",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("contact_key", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "contact_key", "customer_id", name=op.f("pk_contact_holder")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_contact_holder_connector_id_customer_id"),
        "contact_holder",
        ["connector_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_state",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("applied", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("reference_id", sa.String(length=100), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by_run", sa.String(length=250), nullable=False),
        sa.Column("parts_known", sa.Boolean(), nullable=False),
        sa.Column("linked_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_customer_state")),
    )
    op.create_index(
        op.f("ix_customer_state_connector_id_company_id"),
        "customer_state",
        ["connector_id", "company_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_customer_state_connector_id_record_id"), "customer_state", ["connector_id", "record_id"], unique=False
    )
    op.create_table(
        "difference",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("seen_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("customer_name", sa.String(length=250), server_default="", nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("record_key", sa.String(length=450), server_default="", nullable=False),
        sa.Column(
            "company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("store_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("field", sa.String(length=100), server_default="", nullable=False),
        sa.Column("erp_value", sa.Text(), server_default="", nullable=False),
        sa.Column("ledger_value", sa.Text(), server_default="", nullable=False),
        sa.Column("store_value", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("action", sa.String(length=20), server_default="report", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_difference")),
    )
    op.create_index(
        op.f("ix_difference_connector_id_customer_id_id"),
        "difference",
        ["connector_id", "customer_id", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_difference_connector_id_run_id_kind"), "difference", ["connector_id", "run_id", "kind"], unique=False
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column(
            "first_customer",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "last_customer",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("part_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("opened_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    op.create_index(
        op.f("ix_journal_connector_id_first_customer_last_customer"),
        "journal",
        ["connector_id", "first_customer", "last_customer"],
        unique=False,
    )
    op.create_index(
        op.f("ix_journal_connector_id_opened_at_utc"), "journal", ["connector_id", "opened_at_utc"], unique=False
    )
    op.create_index(
        op.f("ix_journal_connector_id_run_id_first_customer_last_customer"),
        "journal",
        ["connector_id", "run_id", "first_customer", "last_customer"],
        unique=False,
    )
    op.create_index(op.f("ix_journal_connector_id_state"), "journal", ["connector_id", "state"], unique=False)
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
        "log_count",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hour_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day_utc", sa.Date(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_count")),
    )
    op.create_index(op.f("ix_log_count_hour_utc"), "log_count", ["hour_utc"], unique=False)
    op.create_index(op.f("ix_log_count_run_id"), "log_count", ["run_id"], unique=False)
    op.create_table(
        "log_customer",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("search", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_log_customer")),
    )
    op.create_table(
        "log_kind",
        sa.Column("kind_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("reasons", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("kind_id", name=op.f("pk_log_kind")),
    )
    op.create_table(
        "operator_action",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("acted_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_action")),
    )
    op.create_index(
        op.f("ix_operator_action_connector_id_customer_id_id"),
        "operator_action",
        ["connector_id", "customer_id", "id"],
        unique=False,
    )
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
        op.f("ix_plan_customer_connector_id_run_id_batch_key"),
        "plan_customer",
        ["connector_id", "run_id", "batch_key"],
        unique=False,
    )
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
        op.f("ix_push_customer_connector_id_waiting_since_utc"),
        "push_customer",
        ["connector_id", "waiting_since_utc"],
        unique=False,
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
        "request_turn",
        sa.Column("budget", sa.String(length=100), nullable=False),
        sa.Column("next_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("budget", name=op.f("pk_request_turn")),
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
        sa.Column("approval", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("usage", sa.JSON(), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.Column("started_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at_utc", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "connector_id", name=op.f("pk_run")),
    )
    op.create_table(
        "run_customer",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("batch_key", sa.String(length=100), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reasons", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "run_id", "customer_id", name=op.f("pk_run_customer")),
    )
    op.create_index(
        op.f("ix_run_customer_connector_id_customer_id"), "run_customer", ["connector_id", "customer_id"], unique=False
    )
    op.create_index(
        op.f("ix_run_customer_connector_id_run_id_outcome"),
        "run_customer",
        ["connector_id", "run_id", "outcome"],
        unique=False,
    )
    op.create_table(
        "session_seat",
        sa.Column("budget", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("expires_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("budget", "number", name=op.f("pk_session_seat")),
    )
    op.create_table(
        "set_aside",
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("since_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "customer_id", name=op.f("pk_set_aside")),
    )
    op.create_table(
        "story",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("logged_at_utc", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shape_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=250), nullable=False),
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("customer_name", sa.String(length=250), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_story")),
    )
    op.create_index(
        op.f("ix_story_connector_id_customer_id_id"), "story", ["connector_id", "customer_id", "id"], unique=False
    )
    op.create_index(op.f("ix_story_logged_at_utc_id"), "story", ["logged_at_utc", "id"], unique=False)
    op.create_index(op.f("ix_story_run_id_logged_at_utc_id"), "story", ["run_id", "logged_at_utc", "id"], unique=False)
    op.create_index(
        op.f("ix_story_shape_id_logged_at_utc_id"), "story", ["shape_id", "logged_at_utc", "id"], unique=False
    )
    op.create_table(
        "story_shape",
        sa.Column(
            "shape_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("connector_id", sa.String(length=40), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shape_id", name=op.f("pk_story_shape")),
    )
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


def downgrade() -> None:
    """Drop them."""
    op.drop_table("watermark")
    op.drop_table("unfinished")
    op.drop_table("story_shape")
    op.drop_index(op.f("ix_story_shape_id_logged_at_utc_id"), table_name="story")
    op.drop_index(op.f("ix_story_run_id_logged_at_utc_id"), table_name="story")
    op.drop_index(op.f("ix_story_logged_at_utc_id"), table_name="story")
    op.drop_index(op.f("ix_story_connector_id_customer_id_id"), table_name="story")
    op.drop_table("story")
    op.drop_table("set_aside")
    op.drop_table("session_seat")
    op.drop_index(op.f("ix_run_customer_connector_id_run_id_outcome"), table_name="run_customer")
    op.drop_index(op.f("ix_run_customer_connector_id_customer_id"), table_name="run_customer")
    op.drop_table("run_customer")
    op.drop_table("run")
    op.drop_table("request_turn")
    op.drop_table("quarantine")
    op.drop_table("push_inbox")
    op.drop_index(op.f("ix_push_customer_connector_id_waiting_since_utc"), table_name="push_customer")
    op.drop_table("push_customer")
    op.drop_index(op.f("ix_plan_customer_connector_id_run_id_batch_key"), table_name="plan_customer")
    op.drop_table("plan_customer")
    op.drop_index(op.f("ix_operator_action_connector_id_customer_id_id"), table_name="operator_action")
    op.drop_table("operator_action")
    op.drop_table("log_kind")
    op.drop_table("log_customer")
    op.drop_index(op.f("ix_log_count_run_id"), table_name="log_count")
    op.drop_index(op.f("ix_log_count_hour_utc"), table_name="log_count")
    op.drop_table("log_count")
    op.drop_table("lease")
    op.drop_index(op.f("ix_journal_connector_id_state"), table_name="journal")
    op.drop_index(op.f("ix_journal_connector_id_run_id_first_customer_last_customer"), table_name="journal")
    op.drop_index(op.f("ix_journal_connector_id_opened_at_utc"), table_name="journal")
    op.drop_index(op.f("ix_journal_connector_id_first_customer_last_customer"), table_name="journal")
    op.drop_table("journal")
    op.drop_index(op.f("ix_difference_connector_id_run_id_kind"), table_name="difference")
    op.drop_index(op.f("ix_difference_connector_id_customer_id_id"), table_name="difference")
    op.drop_table("difference")
    op.drop_index(op.f("ix_customer_state_connector_id_record_id"), table_name="customer_state")
    op.drop_index(op.f("ix_customer_state_connector_id_company_id"), table_name="customer_state")
    op.drop_table("customer_state")
    op.drop_index(op.f("ix_contact_holder_connector_id_customer_id"), table_name="contact_holder")
    op.drop_table("contact_holder")
    op.drop_table("alert_incident")
    op.drop_index(op.f("ix_account_email_connector_id_email_hash"), table_name="account_email")
    op.drop_table("account_email")
    op.drop_index(op.f("ix_access_removal_connector_id_removed_at_utc"), table_name="access_removal")
    op.drop_table("access_removal")
