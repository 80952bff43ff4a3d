"""A customer as a row of the list, of a file, and as the head of its page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from customer_sync.errors import ConfigError
from customer_sync.ledger.story.customer_facts import CustomerFacts
from customer_sync.reporting.customer_words import StateNow, next_step_now, state_now, waits_in_words
from customer_sync.settings.connector_file import find_connector

CUSTOMER_COLUMNS = (
    "connector_id",
    "customer_id",
    "customer_name",
    "state",
    "company_id",
    "waits",
    "last_change_utc",
    "next_step",
)
"""Columns of the list where it is a file, in order."""


class CustomerRow(NamedTuple):
    """What is shown of a customer."""

    connector_id: str
    customer_id: str
    name: str
    state: StateNow
    company_id: int | None
    waits: list[str]
    last_change_utc: datetime | None
    next_step: str

    def as_cells(self) -> dict[str, Any]:
        """The row of a file."""
        return {
            **dict(zip(CUSTOMER_COLUMNS[:3], self[:3], strict=True)),
            "state": self.state.words,
            "company_id": "" if self.company_id is None else str(self.company_id),
            "waits": "; ".join(self.waits),
            "last_change_utc": self.last_change_utc,
            "next_step": self.next_step,
        }


def rows_of(found: Iterable[CustomerFacts], named: frozenset[str]) -> list[CustomerRow]:
    """Customers as rows; by their real names where ``named`` has their connector."""
    words = words_of_connectors()
    return [
        CustomerRow(
            *facts.key,
            name_of(facts, named),
            state_now(facts),
            facts.company_id,
            waits_in_words(facts),
            facts.applied_at_utc or facts.decided_at_utc,
            next_step_now(facts, words(facts.key.connector_id)),
        )
        for facts in found
    ]


def name_of(facts: CustomerFacts, named: frozenset[str]) -> str:
    """The name as a person may read it."""
    return (facts.full_name if facts.key.connector_id in named else "") or facts.name


def words_of_connectors() -> Callable[[str], Mapping[str, str]]:
    """The words of the screens of each connector's source; a file that is gone or wrong has none."""

    @cache
    def words_of(connector_id: str) -> Mapping[str, str]:
        try:
            return find_connector(connector_id).source.words
        except ConfigError:
            return {}

    return words_of
