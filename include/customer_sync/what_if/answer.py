"""What a what-if answers: figures of both plans, and what lies between them; names and values are masked."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Verdict = Literal["passes", "asks", "refuses"]
"""What guard would do with a run's plan: apply it, wait for a person's approval, or refuse it."""

SHOWN = 10
"""So many customers are named of each kind, unless somebody asks for another number."""

SHOWN_OF_A_FIELD = 3
"""So many examples are given of each field."""


class ShownCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as an example; ``why`` are the codes of the reasons why it is not eligible."""

    customer_id: str
    name: str
    why: tuple[str, ...] = ()


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Customers of one kind: how many, by reason, and the first of them by number."""

    count: int = 0
    by_reason: dict[str, int] = {}
    examples: tuple[ShownCustomer, ...] = ()


class ShownChange(msgspec.Struct, frozen=True, kw_only=True):
    """One value that would be written; ``key`` names the contact or location, ``""`` where the company is meant."""

    customer_id: str
    key: str
    old: Any
    new: Any


class ChangedField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a kind of record.

    Attributes:
        entity: Kind of the record.
        field: Its name.
        is_new_record: Whether the records are made by the run; else they exist and are changed.
        changes: How often the run writes it.
        changes_now: How often the present file's run writes it.
        differs: How often the run writes what the present file's run does not write.
        examples: Some of the writes, those first that differ.
    """

    entity: str
    field: str
    is_new_record: bool
    changes: int
    changes_now: int
    differs: int
    examples: tuple[ShownChange, ...] = ()


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """What guard would do, and in one sentence each which of its limits the plan trips."""

    verdict: Verdict
    tripped: tuple[str, ...] = ()


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """Customers whose changes cannot be worked out before load asks the store."""

    reason: str
    count: int
    customer_ids: tuple[str, ...]


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """What applying the plan takes when nothing is refused; reading the ERP comes on top.

    ``store_per_minute`` is the pace that the connector file allows, ``hours`` the time for the store's requests at it.
    """

    store: int
    source: int
    store_per_minute: float
    hours: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one run would do; each figure is that of a dry run in mode full.

    Attributes:
        plan_hash: Identifies the operations.
        extracted: Customers that it reads.
        eligible: Customers that belong in the store.
        outcomes: Customers by outcome.
        reasons: How often each reason decided an outcome.
        customers: Customers of whom something is written.
        operations: What is written for them.
        actions: The same by action.
        created: Companies that are made.
        withdrawn: Companies that are withdrawn.
        removed: Users and addresses that are removed.
        welcomed: New users who get the store's e-mail of welcome.
        shoppers: New users who shop in the store already; ``None`` where the store was not asked.
        withheld: Customers that share an Account Email and are taken out.
        unknown: What cannot be worked out.
        guard: What guard would do.
        requests: What it takes.
    """

    plan_hash: str
    extracted: int
    eligible: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    customers: int
    operations: int
    actions: dict[str, int]
    created: int
    withdrawn: int
    removed: int
    welcomed: int
    shoppers: int | None
    withheld: tuple[str, ...]
    unknown: tuple[Unknown, ...]
    guard: Guard
    requests: Requests


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in one plan and not in the other.

    Attributes:
        becomes_eligible: Eligible by the draft and not by the present file.
        no_longer_eligible: The other way round; with a company or without.
        withdrawn: Whose company the draft's run withdraws and the present file's does not.
    """

    becomes_eligible: Counted
    no_longer_eligible: Counted
    withdrawn: Counted


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A what-if.

    Attributes:
        connector_id: Whose.
        source: What people call the ERP.
        store: What people call the store.
        file: Name of the draft, ``""`` where the present file was planned.
        settings: Settings in which the draft differs from the present file, as paths.
        plan: What a run with the draft would do, or with the present file where there is no draft.
        now: What a run with the present file would do; ``None`` without a draft, or where it could not be planned.
        difference: What lies between both; ``None`` where there is one plan.
        fields: Which fields are written how often.
        read_requests: Requests to the ERP that the what-if itself took.
        seconds_after_reading: Time from the last customer that was read to the answer.
        notes: What a reader must know to trust the figures, a sentence each.
    """

    connector_id: str
    source: str
    store: str
    file: str
    settings: tuple[str, ...]
    plan: Plan
    now: Plan | None
    difference: Difference | None
    fields: tuple[ChangedField, ...]
    read_requests: int
    seconds_after_reading: float
    notes: tuple[str, ...]
