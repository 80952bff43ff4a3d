"""The list's address and its filter: what stands in the one is the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from customer_sync.ledger.story.log_scope import LogFilter
from customer_sync.ledger.story.log_search import Order, Position
from customer_sync_airflow.pages.cursor import read_cursor, write_cursor
from customer_sync_airflow.pages.hidden_search import hide, reveal
from customer_sync_airflow.pages.moment import Moment, checked_moment
from customer_sync_airflow.pages.rights import DAG_PREFIX, Viewer

RANGES = {"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days"}
_SPANS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
ORDERS = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "customer": "Customer, A to Z",
    "customer_desc": "Customer, Z to A",
}
_LONGEST = 300


class FilterForm(BaseModel):
    """The query of the list's address; empty values are as good as absent ones.

    Attributes:
        dag_id: Stands for the connector where Airflow opens the page in a tab of a DAG.
        last: A range that ends now, instead of ``since`` and ``until``.
        since: First moment, inclusive, with zone.
        until: Last moment, exclusive, with zone.
        q: Part of a customer's number or name, as the form sends it; see :attr:`searched`.
        find: The same, encrypted, as it stands in an address.
        after: Position behind which the page begins.
        before: Position before which it ends.
    """

    model_config = ConfigDict(extra="ignore")

    connector: str = Field(default="", max_length=_LONGEST)
    dag_id: str = Field(default="", max_length=_LONGEST)
    run_id: str = Field(default="", max_length=_LONGEST)
    customer: str = Field(default="", max_length=_LONGEST)
    outcome: str = Field(default="", max_length=_LONGEST)
    reason: str = Field(default="", max_length=_LONGEST)
    action: str = Field(default="", max_length=_LONGEST)
    level: str = Field(default="", max_length=_LONGEST)
    entity: str = Field(default="", max_length=_LONGEST)
    q: str = Field(default="", max_length=_LONGEST)
    find: str = Field(default="", max_length=4 * _LONGEST + 200)
    last: str = Field(default="", pattern=rf"^({'|'.join(RANGES)})?$")
    since: Moment | None = None
    until: Moment | None = None
    order: Order = "newest"
    after: str = Field(default="", max_length=1000)
    before: str = Field(default="", max_length=1000)

    def chosen_connector(self) -> str:
        """The connector that is asked for, ``""`` for all."""
        if self.connector:
            return self.connector
        return self.dag_id.removeprefix(DAG_PREFIX) if self.dag_id.startswith(DAG_PREFIX) else ""

    def to_filter(self, viewer: Viewer, now: datetime | None = None) -> LogFilter:
        """The filter, within what the person may see."""
        chosen = self.chosen_connector()
        since = (now or datetime.now(UTC)) - _SPANS[self.last] if self.last else self.since
        return LogFilter(
            connectors=viewer.connectors & {chosen} if chosen else viewer.connectors,
            since=since,
            until=None if self.last else self.until,
            outcome=self.outcome,
            reason=self.reason,
            action=self.action,
            level=self.level,
            entity=self.entity,
            run_id=self.run_id,
            customer_id=self.customer,
            text=self.searched,
            by_name=viewer.named() if self.searched else frozenset(),
        )

    @property
    def searched(self) -> str:
        """What is searched for.

        Raises:
            HTTPException: 400; the address is damaged.
        """
        return self.q.strip() or reveal(self.find)

    def is_narrowed(self) -> bool:
        """Whether anything but connector, run and order is chosen."""
        return bool(self._values().keys() - {"connector", "dag_id", "run_id", "order"})

    def address(self, **changes: str | None) -> str:
        """The query of this filter with some values changed; a page of its own is left unless given."""
        values = {**self._values(), **changes}
        return urlencode({name: value for name, value in values.items() if value})

    def _values(self) -> dict[str, Any]:
        values = self.model_dump(mode="json", exclude={"after", "before", "q", "find"}, exclude_defaults=True)
        values["find"] = hide(self.searched)
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True)
class Place:
    """A position in the log as it stands in an address."""

    position: Position | None

    @classmethod
    def read(cls, text: str) -> Place:
        """Read one back.

        Raises:
            HTTPException: 400, it is none of ours.
        """
        return cls(
            read_cursor(
                text,
                lambda moment, number, connector, customer: Position(
                    checked_moment(moment), int(number), str(connector), str(customer)
                ),
            )
        )

    def __str__(self) -> str:
        if self.position is None:
            return ""
        moment, number, connector, customer = self.position
        return write_cursor(moment.isoformat(), number, connector, customer)
