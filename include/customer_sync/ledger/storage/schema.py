"""Tables of the ledger, our own database; never Airflow's metadata database. (docs/architecture.md#ledger)

Times are aware UTC; SQLite stores them without a zone, so ``UtcDateTime`` puts it
back. JSON columns hold the last applied payloads: the file is readable by its owner only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    TypeDecorator,
    UniqueConstraint,
    and_,
    literal_column,
    true,
)
from sqlalchemy import String as _SqlString
from sqlalchemy import Text as _SqlText
from sqlalchemy.event import listens_for

from customer_sync.model.company import CompanyStatus

REVISION = "0024"
"""The newest migration: these tables are what it leads to."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

_WHERE: Final = "where"

_Id = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time, on databases with and without time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("ledger times must be aware")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class TextWithoutNul(TypeDecorator[str]):
    """Text in which U+FFFD stands for U+0000, which PostgreSQL cannot hold and a record of the ERP may."""

    impl = _SqlString
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Replace it, in what is stored and in what is looked for alike."""
        return value.replace("\0", "\ufffd") if value and "\0" in value else value


String = TextWithoutNul


class Text(TextWithoutNul):
    """The same without a bound on its length."""

    impl = _SqlText
    cache_ok = True


def _holder() -> list[Column[Any]]:
    """Who holds something, and its sign of life."""
    return [
        Column("name", String(300), nullable=False),
        Column("process", String(120), nullable=False),
        Column("since_utc", UtcDateTime, nullable=False),
        Column("seen_at_utc", UtcDateTime, nullable=False),
    ]


def _key(name: str, length: int = 200) -> Column[Any]:
    return Column(name, String(length), primary_key=True)


def is_closed(state: Any) -> ColumnElement[bool]:
    """Whether a company may not trade in the store, in the words of the index that has these alone."""
    others = (CompanyStatus.APPROVED, CompanyStatus.UNKNOWN)
    return and_(*(state.c.status != literal_column(str(int(status))) for status in others))


def has_finding(known: Any) -> ColumnElement[bool]:
    """Whether what was said of a customer last asks for a person, in the words of the index that has these alone."""
    flag: ColumnElement[bool] = known.c.has_finding
    return flag == true()


def _index_where(what: str, table: Table, condition: ColumnElement[bool]) -> None:
    """An index of the few customers that a view shows, in the order of their numbers: the others cost nothing."""
    Index(f"ix_{table.name}_{what}", table.c.connector_id, table.c.customer_id, info={_WHERE: condition})


@listens_for(metadata, "before_create")
def _bound_indexes(_target: MetaData, connection: Connection, **_: Any) -> None:
    """Say to the database at hand what such an index holds: to say it to both would import both dialects every time."""
    for index in (index for table in metadata.tables.values() for index in table.indexes if _WHERE in index.info):
        index.dialect_options[connection.dialect.name]["where"] = index.info[_WHERE]


# One row per record of the source with a company; `applied` is what we last applied to it as JSON text
# (state/applied_document.py). `customer_id` is the number that the record has now, `company_key` the key that its
# company carries in the store, in folded case; a company has one link, whatever the connector.
customer_state = Table(
    "customer_state",
    metadata,
    _key("connector_id", 40),
    _key("customer_id"),
    Column("store", String(300), nullable=False),
    Column("company_id", _Id, nullable=False),
    Column("company_key", String(200), nullable=False, default=""),
    Column("record_id", String(64)),
    Column("status", Integer, nullable=False),
    Column("applied", Text, nullable=False),
    Column("parts", Integer, nullable=False, default=0),  # users and addresses in it
    Column("reference_id", String(100), nullable=False, default=""),
    Column("content_hash", String(64), nullable=False, default=""),
    Column("made_by_run", String(250), nullable=False, default=""),
    Column("evidence", String(100), nullable=False, default=""),  # why the company is the record's; "": not weighed yet
    Column("parts_known", Boolean, nullable=False, default=True),
    Column("is_behind", Boolean, nullable=False, default=False),  # being made: its new parts are in the journal alone
    Column("linked_at_utc", UtcDateTime, nullable=False),
    Column("applied_at_utc", UtcDateTime, nullable=False),
    UniqueConstraint("store", "company_id"),
    UniqueConstraint("connector_id", "record_id"),
    Index(None, "connector_id", "company_key"),
)
_index_where("closed", customer_state, is_closed(customer_state))

# The directory of e-mails, each by its hash: which customers have it, for which contact, and which claim it.
email = Table(
    "email",
    metadata,
    _key("connector_id", 40),
    _key("email_hash", 16),
    _key("customer_id"),
    Column("contact_key", String(200), nullable=False),
    Column("stake", String(10), nullable=False),  # ours | going | withdrawn | claimed
    Column("rank", String(150), nullable=False, default=""),  # orders claimants
    Column("run", _Id, nullable=False, default=0),  # that said so, as a number
    Column("since", _Id, nullable=False, default=0),  # the run that first claimed it
    Index(None, "connector_id", "contact_key"),
    Index(None, "connector_id", "customer_id"),
    sqlite_with_rowid=False,
)

# One row per request that writes; `parts` says for whom, what was before and what is after (journal/parts.py).
# A request carries neighbours: which rows name a customer shows by the first and the last of them, in code point order.
_Neighbour = String(200).with_variant(String(200, collation="C"), "postgresql")

journal = Table(
    "journal",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("connector_id", String(40), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("action", String(40), nullable=False),
    Column("first_customer", _Neighbour, nullable=False),
    Column("last_customer", _Neighbour, nullable=False),
    Column("parts", LargeBinary, nullable=False),
    Column("part_count", Integer, nullable=False),
    Column("made", Text),  # JSON: the ids that the store gave to new records, part by part
    Column("state", String(20), nullable=False),  # open | confirmed | refused | split | abandoned
    Column("opened_at_utc", UtcDateTime, nullable=False),
    Column("settled_at_utc", UtcDateTime),
    Index(None, "connector_id", "state"),
    Index(None, "connector_id", "first_customer", "last_customer"),
    Index(None, "connector_id", "run_id", "first_customer", "last_customer"),
    Index(None, "connector_id", "opened_at_utc"),
)
run = Table(
    "run",
    metadata,
    _key("run_id", 250),
    _key("connector_id", 40),
    Column("mode", String(20), nullable=False),
    Column("dry_run", Boolean, nullable=False, default=False),
    Column("moves_watermark", Boolean, nullable=False, default=False),
    Column("window", JSON, nullable=False),
    Column("stamps", JSON),
    Column("resume_after", String(200), nullable=False, default=""),
    Column("extracted", Integer, nullable=False, default=0),
    Column("plan_hash", String(64), nullable=False, default=""),
    Column("approval", JSON),
    Column("state", String(20), nullable=False),  # running | success | failed
    Column("usage", JSON),
    Column("summary", JSON),
    Column("started_at_utc", UtcDateTime, nullable=False),
    Column("ended_at_utc", UtcDateTime),
    Index(None, "connector_id", "started_at_utc"),
)

# One row per batch of a run: whom it read, and what became of each (story/batches.py).
batch = Table(
    "batch",
    metadata,
    _key("connector_id", 40),  # Airflow gives the runs of two connectors the same id
    _key("run_id", 250),
    _key("batch_key", 100),
    Column("first_customer", _Neighbour, nullable=False),
    Column("last_customer", _Neighbour, nullable=False),
    Column("size", Integer, nullable=False),
    Column("open_count", Integer, nullable=False),  # customers without an outcome yet
    Column("handed_on", Boolean, nullable=False, default=True),  # extract closed the customers of the others itself
    Column("customers", LargeBinary, nullable=False),
    Column("outcomes", LargeBinary, nullable=False),
)

# One row per batch of a run's plan, until load has done what was planned: its customers, what is to be done for each,
# with the real values, and who is taken out (story/plans.py).
plan = Table(
    "plan",
    metadata,
    _key("connector_id", 40),
    _key("run_id", 250),
    _key("batch_key", 100),
    Column("planned_at_utc", UtcDateTime, nullable=False),
    Column("customers", LargeBinary, nullable=False),
    Column("operations", LargeBinary, nullable=False),
    Column("withheld", Text, nullable=False, default="[]"),
)

# One row per customer, step and time at which something was said of it; the lines of the connector log are in `lines`.
story = Table(
    "story",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("logged_at_utc", UtcDateTime, nullable=False),
    Column("shape_id", _Id, nullable=False),  # of story_shape
    Column("connector_id", String(40), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("task", String(20), nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("customer_name", String(250), nullable=False, default=""),
    Column("lines", Text, nullable=False),
    Index(None, "connector_id", "customer_id", "id"),
    Index(None, "run_id", "logged_at_utc", "id"),
    Index(None, "shape_id", "logged_at_utc", "id"),
    Index(None, "logged_at_utc", "id"),
)

# Which kinds of lines a story has, each combination once: their numbers joined by commas.
story_shape = Table(
    "story_shape",
    metadata,
    Column("shape_id", _Id, primary_key=True, autoincrement=False),
    Column("connector_id", String(40), nullable=False),
    Column("kinds", Text, nullable=False),
)

# What a line says apart from whom and when, each combination once: some hundreds, however long the log is.
log_kind = Table(
    "log_kind",
    metadata,
    Column("kind_id", _Id, primary_key=True, autoincrement=False),
    Column("connector_id", String(40), nullable=False),
    Column("entity", String(20), nullable=False),
    Column("action", String(40), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("level", String(10), nullable=False),
    Column("reasons", String(500), nullable=False),
)

# Lines of the log by run, kind and hour; written with the lines and never changed, so that writers do not meet. Lines
# that went, because others say what became of a plan, are counted with a minus.
log_count = Table(
    "log_count",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("run_id", String(250), nullable=False),
    Column("kind_id", _Id, nullable=False),
    Column("hour_utc", UtcDateTime, nullable=False),
    Column("day_utc", Date, nullable=False),
    Column("rows", Integer, nullable=False),
    Index(None, "run_id"),
    Index(None, "hour_utc"),
)

# Whom the connector has met: `name` is masked, `full_name` as the ERP has it, of eligible customers and of those with a
# company alone; `search` is number and name in folded case, `told` identifies what was said last;
# `email_hash` is the Account Email that the customer claims, `email_run` the run that claimed it, as a number,
# `record_id` its record in the source, `reference_id` the company's id that this one holds.
known_customer = Table(
    "known_customer",
    metadata,
    _key("connector_id", 40),
    _key("customer_id"),
    Column("name", String(250), nullable=False, default=""),
    Column("full_name", String(250), nullable=False, default=""),
    Column("search", String(500), nullable=False),
    Column("told", String(32)),
    Column("has_finding", Boolean, nullable=False, default=False),
    Column("email_hash", String(64)),
    Column("email_run", _Id),
    Column("record_id", String(100)),
    Column("reference_id", String(100)),
    Column("rows_hash", LargeBinary),  # what the source said when the customer was last closed (state/source_rows.py)
    Column("rows_reasons", String(500)),  # why it was not eligible then; NULL: it was, and nothing was left to do
    Index(None, "connector_id", "email_hash"),
    Index(None, "connector_id", "reference_id"),
)
_index_where("with_finding", known_customer, has_finding(known_customer))
_index_where("not_eligible", known_customer, known_customer.c.rows_reasons.is_not(None))

quarantine = Table(
    "quarantine",
    metadata,
    _key("connector_id", 40),
    _key("customer_id"),
    _key("entity", 20),
    _key("record_key"),
    Column("reason", String(60), nullable=False),
    Column("field", String(100), nullable=False, default=""),
    Column("detail", Text, nullable=False, default=""),
    Column("content_hash", String(64), nullable=False, default=""),
    # Who holds the e-mail that the record waits for, and when the store was last asked.
    Column("holder_id", String(120), nullable=False, default=""),
    Column("asked_at_utc", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=1),
    Column("first_seen_at_utc", UtcDateTime, nullable=False),
    Column("last_seen_at_utc", UtcDateTime, nullable=False),
    Column("run_id", String(250), nullable=False),
)

unfinished = Table(
    "unfinished",
    metadata,
    _key("connector_id", 40),
    _key("customer_id"),
    Column("since_utc", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=1),
)

watermark = Table(
    "watermark",
    metadata,
    _key("connector_id", 40),
    _key("name", 40),
    Column("value", String(200), nullable=False),
    Column("moved_at_utc", UtcDateTime, nullable=False),
    Column("run_id", String(250), nullable=False, default=""),
)

STORE: Final = "store"
"""Under which name of `watermark` the store is remembered that a connector reaches."""

# What a store calls countries (under country "") and the states of each: asked for once a day. `changes` counts how
# often a list was not what it was before; `identity` says of which store it is.
store_place = Table(
    "store_place",
    metadata,
    _key("store", 100),  # the budget's name, which connectors of one store share
    _key("country_code", 10),
    Column("identity", String(300), nullable=False),
    Column("places", JSON, nullable=False),
    Column("changes", Integer, nullable=False, default=0),
    Column("read_at_utc", UtcDateTime, nullable=False),
)

# What doctor saw when it last looked at a connector: masked, and replaced by the next look.
examination = Table(
    "examination",
    metadata,
    _key("connector_id", 40),
    Column("checks", JSON, nullable=False),
    Column("ended_at_utc", UtcDateTime, nullable=False),
)

alert_incident = Table(
    "alert_incident",
    metadata,
    _key("connector_id", 40),
    _key("alert", 40),
    Column("run_id", String(250), nullable=False, default=""),
    Column("facts", Text, nullable=False, default=""),
    Column("link", Text, nullable=False, default=""),
    Column("opened_at_utc", UtcDateTime, nullable=False),
    Column("recovered_at_utc", UtcDateTime),
    Column("told", String(100), nullable=False, default=""),  # channels that know of it, comma-separated
)

push_customer = Table(
    "push_customer",
    metadata,
    _key("connector_id", 40),
    _key("customer_id"),
    Column("newest_ticks", BigInteger, nullable=False),
    Column("received_at_utc", UtcDateTime, nullable=False),
    Column("waiting_since_utc", UtcDateTime),  # NULL: handed out, or read by a scheduled run
    Index(None, "connector_id", "waiting_since_utc"),
)

push_inbox = Table(
    "push_inbox",
    metadata,
    _key("connector_id", 40),
    Column("received", BigInteger, nullable=False, default=0),
    Column("left_out", BigInteger, nullable=False, default=0),
    Column("last_received_at_utc", UtcDateTime, nullable=False),
    Column("announced_at_utc", UtcDateTime),
)

lease = Table(
    "lease",
    metadata,
    _key("resource"),
    Column("holder", String(40), nullable=False),  # empty: given back
    Column("run_id", String(250), nullable=False),
    Column("try_number", Integer, nullable=False),
    *_holder(),
    # Until when a request of a former holder may have left whose answer nobody awaited.
    Column("left_by_utc", UtcDateTime),
)

difference = Table(
    "difference",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("connector_id", String(40), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("seen_at_utc", UtcDateTime, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("customer_name", String(250), nullable=False, default="", server_default=""),
    Column("entity", String(20), nullable=False),
    Column("record_key", String(450), nullable=False, default="", server_default=""),
    Column("company_id", _Id, nullable=False, default=0, server_default="0"),
    Column("store_id", _Id, nullable=False, default=0, server_default="0"),
    Column("field", String(100), nullable=False, default="", server_default=""),
    Column("erp_value", Text, nullable=False, default="", server_default=""),
    Column("ledger_value", Text, nullable=False, default="", server_default=""),
    Column("store_value", Text, nullable=False, default="", server_default=""),
    Column("detail", Text, nullable=False, default="", server_default=""),
    Column("action", String(20), nullable=False, default="report", server_default="report"),
    Index(None, "connector_id", "run_id", "kind"),
    Index(None, "connector_id", "customer_id", "id"),
)

access_removal = Table(
    "access_removal",
    metadata,
    _key("connector_id", 40),
    _key("customer_id"),
    _key("user_key"),
    Column("removed_at_utc", UtcDateTime, primary_key=True),
    Column("deactivated_at_utc", UtcDateTime),
    Column("cause", String(20), nullable=False),  # contact | customer
    Column("run_id", String(250), nullable=False),
    Index(None, "connector_id", "removed_at_utc"),
)

request_turn = Table(
    "request_turn",
    metadata,
    _key("budget", 100),
    Column("next_at_utc", UtcDateTime, nullable=False),
)

session_seat = Table(
    "session_seat",
    metadata,
    _key("budget", 100),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(40), nullable=False),
    *_holder(),
)

# Tokens that change with every use: encrypted with the key of coordination/tokens.py. `owner` is a hash of the site and
# the application that they are for.
token = Table(
    "token",
    metadata,
    _key("owner", 64),
    Column("label", String(200), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("changed_at_utc", UtcDateTime, nullable=False),
)

operator_action = Table(
    "operator_action",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("connector_id", String(40), nullable=False),
    Column("customer_id", String(200), nullable=False),
    Column("acted_at_utc", UtcDateTime, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(40), nullable=False),
    Column("why", Text, nullable=False, default=""),
    Column("detail", Text, nullable=False, default=""),
    Index(None, "connector_id", "customer_id", "id"),
)

set_aside = Table(
    "set_aside",
    metadata,
    _key("connector_id", 40),
    _key("customer_id"),
    Column("kind", String(10), nullable=False),  # skip | handled | undone
    Column("since_utc", UtcDateTime, nullable=False),
    Column("source_hash", String(64), nullable=False, default=""),
)
