"""The sections ``store`` and ``erp`` of a connector file: how both systems are used, and their budgets."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field

from customer_sync.settings.section import Code, Section, setting
from customer_sync.settings.source_section import SourceSection

DEFAULT_CHANNEL_ID = 1
"""The storefront that every store has."""

ChannelIds = Annotated[tuple[int, ...], Field(min_length=1)]

SHARED_NAME = r"^[a-z][a-z0-9_]{0,39}$"
"""Form of a connector's id, and of the name under which connectors share an ERP or a store."""


class StoreRules(Section):
    """How companies are made in the store, and its request budget.

    ``requests_per_minute`` times ``share`` is what we take of the store's budget; the
    answer's headers correct the first, never the share. ``concurrency`` is the
    largest number of requests in flight; as many are used as the pace can keep busy.
    ``single_creates`` makes companies one by one, for shops that need the store's webhook of each.
    ``channels_by_class`` puts companies' users on the storefronts of their customer's class; of new ones the first is
    where they come from. ``catalog_id`` is the catalog of new companies where each needs one.
    Connectors that write to one store give it one name in ``shared_as``: they then share
    its budget and load one after the other.
    """

    shared_as: str | None = setting(
        None,
        'Connectors that write to one store give it one name; see "Many connectors".',
        "main_shop",
        accepted="a name in the form of an id, or null",
        pattern=SHARED_NAME,
    )

    key_field: str = setting(
        SourceSection.default_key_field,
        "Holds the Customer ID; by it a company is found again.",
        "ERP Customer ID",
        accepted="text: name of a unique extra field of companies",
        min_length=1,
    )
    record_field: str | None = setting(
        None,
        "Holds the record id, which proves whose company it is when the ledger is lost "
        "([adoption](people.md#adoption)).",
        "ERP Record ID",
        accepted="text: name of an extra field of companies that shoppers do not see",
        min_length=1,
    )
    channel_ids: tuple[int, ...] = setting(
        (DEFAULT_CHANNEL_ID,),
        "Storefronts of a new company. One beside the default that the store does not list stops the run by name.",
        [1, 2],
        min_length=1,
    )
    channels_by_class: dict[Code, ChannelIds] = setting(
        {},
        "Storefronts of the companies and users of the class's customers; a class that is not named has "
        "`store.channel_ids`. Of what is made new the first is the one that it comes from. Users that are there "
        "already follow a changed class or rule, as one change of each that the plan shows (`storefronts`); without "
        "any rule they stay where they are.",
        {"EAST": [2], "WEST": [3, 1]},
        accepted="a mapping: class of the customer to a list of at least one number",
    )
    origin_channel_id: int = setting(
        DEFAULT_CHANNEL_ID,
        "Storefront that a new company comes from.",
        1,
    )
    customer_group_id: int | None = setting(
        None,
        "Customer group of a new company; null leaves it to the store.",
        0,
    )
    company_page: str = setting(
        "",
        "Where people see a company; Connector Logs links to it, empty: no link.",
        "https://b2b.example.com/companies/{company_id}",
        accepted="text of at most 500: an address with `{company_id}`; `{host}` is replaced by the connection's",
        max_length=500,
        pattern=r"^$|^(https?://|\{host\})[^\s\"'<>]*$",
    )
    default_phone: str = setting(
        "",
        "Used where a customer has no phone; empty: such a customer is quarantined with `phone_missing`.",
        "+1 555 010 0000",
        max_length=50,
    )
    requests_per_minute: int = setting(
        150,
        "The store's budget; the answers' headers correct it.",
        600,
        ge=1,
        le=60_000,
    )
    share: float = setting(
        0.8,
        "Our part of the budget; the rest is left to the shop.",
        0.5,
        gt=0,
        le=1,
    )
    bulk_size: int = setting(
        10,
        "Rows of one bulk request.",
        5,
        ge=1,
        le=10,
    )
    single_creates: bool = setting(
        False,
        "Makes companies one by one: a shop that needs the webhook *company created* gets none for those "
        "that are made in bulk.",
        True,
    )
    catalog_id: int | None = setting(
        None,
        "Catalog of a new company in a store of Dependent Companies, which asks for one: a run stops by "
        "name without it. Companies are then made one by one.",
        12,
    )
    concurrency: int = setting(
        16,
        "Most requests in flight; as many are used as the pace and the latency can keep busy.",
        8,
        ge=1,
        le=32,
    )

    @property
    def is_one_by_one(self) -> bool:
        """Whether companies are made singly although the store takes several at once."""
        return self.single_creates or self.catalog_id is not None

    @property
    def pace_per_minute(self) -> float:
        """Requests a minute that we may send to the store."""
        return self.requests_per_minute * self.share

    @property
    def storefronts(self) -> frozenset[int]:
        """Every storefront that new companies and users may be put on."""
        by_class = (number for numbers in self.channels_by_class.values() for number in numbers)
        return frozenset({*self.channel_ids, *filter(None, [self.origin_channel_id]), *by_class})

    def storefronts_of(self, customer_class: str) -> str:
        """Storefronts of the users of a class's customers, as a user's field; ``""`` where the file has no rule."""
        if not self.channels_by_class:
            return ""
        numbers = self.channels_folded.get(customer_class.casefold(), self.channel_ids)
        return ",".join(map(str, sorted(set(numbers))))

    @cached_property
    def channels_folded(self) -> dict[str, tuple[int, ...]]:
        """Storefronts of new companies and users by their customer's class, case-folded."""
        return {name.casefold(): numbers for name, numbers in self.channels_by_class.items()}


class ErpRules(Section):
    """How the ERP is read, and its budgets of requests and of session seats.

    ``requests_per_minute`` is ``None`` where the licence sets no limit that we must keep;
    ``server_filter`` lets a full read leave out, in the source, those whose type, class or status the eligibility rules
    refuse and who have no company. ``seats`` are the API sessions that we may have open at the same time. Connectors
    that read one tenant (or one licence) give it one name in ``shared_as`` and share both.
    """

    shared_as: str | None = setting(
        None,
        'Connectors that read one tenant, or tenants of one licence, give it one name; see "Many connectors".',
        "head_office",
        accepted="a name in the form of an id, or null",
        pattern=SHARED_NAME,
    )
    seats: int = setting(
        2,
        "API sessions that we may have open at the same time: what the licence has, less what others need.",
        4,
        ge=1,
        le=100,
    )
    page_size: int = setting(
        500,
        "Rows of one page.",
        1000,
        ge=2,
        le=5000,
    )
    requests_per_minute: int | None = setting(
        None,
        "Budget of requests; null: the licence sets no limit that we must keep.",
        90,
        ge=1,
        le=60_000,
    )
    write_reference: bool = setting(
        True,
        "Whether the company's id is written into the customer; not where `source.customer.reference_id` is null.",
        False,
    )
    server_filter: bool = setting(
        False,
        "Whether a full read lets the ERP [leave out](scaling.md#server-filter) customers whose type, "
        "class or status is refused and who have no company.",
        True,
    )
