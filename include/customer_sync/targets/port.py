"""What a store of companies must do for the sync.

An adapter lives in a package of its own below ``targets``, or in any other distribution that names it under the entry
point ``customer_sync.targets``. ``tests/conformance`` holds what each must prove.

Every method may raise, beside what it documents: :class:`~customer_sync.errors.TransientApiError` when its own retries
ran out, :class:`~customer_sync.errors.PermanentApiError` for a lack of rights, and
:class:`~customer_sync.errors.ContractError` for an answer that does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

import msgspec

from customer_sync.http.pacing import RequestUse
from customer_sync.model.company import Address, CompanyFields, CompanyStatus, PaymentTerms, UserFields
from customer_sync.model.fields import EntityFields
from customer_sync.model.operation import Action, Operation
from customer_sync.model.place import Place


class StoredCompany(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A company as the store shows it.

    ``key`` is our customer's number and ``record_id`` its record in the source, ``""`` where it carries none; times
    are Unix seconds, ``None`` where the store shows none. ``repr`` shows no personal data, here and below.
    """

    id: int
    key: str = ""
    record_id: str = ""
    fields: CompanyFields
    group_id: int | None = None
    status: CompanyStatus = CompanyStatus.APPROVED
    created_at_s: int | None = None
    updated_at_s: int | None = None

    def __repr__(self) -> str:
        return f"StoredCompany(id={self.id}, key={self.key!r}, status={self.status.name})"


class StoredUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A company user; ``key`` is our contact's id, ``""`` where it carries none, ``company_id`` 0 without a company."""

    id: int
    company_id: int = 0
    key: str = ""
    fields: UserFields
    created_at_s: int | None = None
    updated_at_s: int | None = None

    def __repr__(self) -> str:
        return f"StoredUser(id={self.id}, company_id={self.company_id}, key={self.key!r})"


class StoredAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An address of a company; ``fields.external_id`` names our customer and location."""

    id: int
    company_id: int = 0
    fields: Address

    def __repr__(self) -> str:
        return f"StoredAddress(id={self.id}, company_id={self.company_id}, external_id={self.fields.external_id!r})"


class PaymentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A company's payment methods (code -> on or off) and terms, as far as they were asked for."""

    methods: dict[str, bool]
    terms: PaymentTerms | None


class ActionCost(NamedTuple):
    """How the store takes one action.

    Attributes:
        rows: Most operations of one request; 1: singly.
        is_atomic: Whether a refused request stored none of its rows; else good rows may have been stored.
    """

    rows: int = 1
    is_atomic: bool = True


Extended = Literal["company", "user", "address"]
"""A kind of record that has extra fields."""


class ExtraField(NamedTuple):
    """An extra field: whether its values are unique, whether shoppers see it, and whether every new record needs it."""

    name: str
    is_unique: bool = False
    is_visible: bool = False
    is_required: bool = False


class PlaceFacts(Protocol):
    """What the store calls countries and states."""

    @property
    def countries(self) -> Sequence[Place]:
        """Countries as addresses must name them; empty where the store has no list of them."""

    def states(self, country_code: str) -> Sequence[Place]:
        """States of a country as addresses must name them; empty where the store has no list of them."""


class TargetFacts(PlaceFacts, Protocol):
    """What the store has; read when first asked for, once."""

    @property
    def roles(self) -> Mapping[str, str]:
        """Roles of users: case-folded name -> name."""

    @property
    def payment_methods(self) -> frozenset[str]:
        """Codes of the payment methods."""

    def extra_fields(self, kind: Extended) -> Mapping[str, ExtraField]:
        """Extra fields that records of a kind have, by their case-folded names."""

    @property
    def channels(self) -> Mapping[int, str] | None:
        """Storefronts that take company users: id -> name; ``None`` of a store that does not list them."""

    @property
    def needs_catalogs(self) -> bool:
        """Whether the companies that the store shows have a catalog each: then a new one needs one as well."""


class TargetLimits(NamedTuple):
    """What is known of a kind of store without asking it.

    Attributes:
        fields: How long texts may be, how fields are masked, which can be cleared.
        term_days: Payment terms that it takes, in days.
        longest_work_s: Longest time for which the store works on a request, in seconds.
        last_user_undeletable: Whether a company's last user cannot be deleted.
        user_can_move: Whether a user can be moved to another company.
        company_emails_unique: Whether two companies may be refused for sharing an e-mail.
        stamps_settle_s: How long after a write the store may still move its stamps by itself.
    """

    fields: EntityFields
    term_days: tuple[int, ...]
    longest_work_s: float = 60.0
    last_user_undeletable: bool = True
    user_can_move: bool = False
    company_emails_unique: bool = True
    stamps_settle_s: float = 120.0


class Order(NamedTuple):
    """One operation, and what belongs to it beside the record's values.

    Attributes:
        company_id: The company that it belongs to, 0 while it does not exist.
        record_id: The source's record that the company is of.
        channel_ids: Storefronts of a new company or user; empty: those of the connector file.
        is_welcomed: Whether the store sends a new user its e-mail of welcome.
    """

    operation: Operation
    company_id: int
    record_id: str = ""
    channel_ids: tuple[int, ...] = ()
    is_welcomed: bool = False


class PlanningStore(Protocol):
    """What a plan needs of a store: nothing of its records."""

    @property
    def identity(self) -> str:
        """Which store it is: the same for every connection to it, another for every other; ``""`` if it cannot say."""

    @property
    def facts(self) -> PlaceFacts:
        """What this store has."""

    def requests_used(self) -> RequestUse:
        """Requests since the connection was made."""

    def shoppers(self, emails: Sequence[str]) -> int | None:
        """Count those of some e-mails that shoppers have whom a new user would take over, with what they ordered.

        Returns:
            Their number; ``None`` where the store cannot say.
        """


class Target(PlanningStore, Protocol):
    """A store of companies; safe to use from several threads. Its connections are closed at the end of a block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    @property
    def name(self) -> str:
        """What people call the system."""

    @property
    def facts(self) -> TargetFacts:
        """What this store has."""

    @property
    def limits(self) -> TargetLimits:
        """What stores of this kind hold."""

    def cost(self, action: Action) -> ActionCost:
        """How the store takes an action."""

    def useful_in_flight(self) -> int:
        """How many requests the store's pace can keep busy now."""

    def now_utc(self) -> datetime | None:
        """The store's own time, as of its last answer; ``None`` before one, and where it does not say."""

    # -- finding ------------------------------------------------------------------------------------

    def count_companies(self) -> int:
        """Number of companies in the store."""

    def company(self, company_id: int) -> StoredCompany | None:
        """One company, ``None`` if the store has none of that id."""

    def companies_by_key(self, key: str) -> list[StoredCompany]:
        """Companies whose key is exactly this: none, one, or, where people copied it, several."""

    def user(self, user_id: int) -> StoredUser | None:
        """One user, ``None`` if the store has none of that id."""

    def user_by_email(self, email: str) -> StoredUser | None:
        """The user with this e-mail in the whole store, compared without regard to case."""

    def address(self, address_id: int) -> StoredAddress | None:
        """One address, ``None`` if the store has none of that id."""

    def addresses_by_key(self, external_ids: Sequence[str]) -> list[StoredAddress]:
        """Addresses that carry one of these external ids, of any company."""

    def payment_settings(self, company_id: int, *, methods: bool, terms: bool) -> PaymentSettings | None:
        """A company's payment settings, as far as asked for; ``None`` if it does not exist."""

    # -- crawling: each record once, also while others write -----------------------------------------

    def companies(self, *, created_since_s: int | None = None) -> Iterator[StoredCompany]:
        """All companies, or those created since."""

    def users(self, *, company_id: int | None = None, created_since_s: int | None = None) -> Iterator[StoredUser]:
        """All users, those of one company, or those created since."""

    def addresses(
        self, *, company_id: int | None = None, modified_since_s: int | None = None
    ) -> Iterator[StoredAddress]:
        """All addresses, those of one company, or those modified since."""

    # -- writing -------------------------------------------------------------------------------------

    def perform(self, action: Action, orders: Sequence[Order]) -> list[int | None]:
        """Send operations of one action in one request, and learn the id of each record.

        A record that is to be deleted and is gone already counts as deleted. Everything but a creation may be sent
        again without looking: it leads to the same state. A creation's first user gets the highest role. A request
        whose answer was lost has either been carried out when ``AmbiguousWriteError`` is raised, or never will be: an
        adapter lets ``limits.longest_work_s`` pass from its sending on. After a crash the core does.

        Args:
            action: What all orders do.
            orders: 1 to ``cost(action).rows``.

        Returns:
            The record's id per order; ``None`` where all were done but the answer does not say which is which, so
            that they have to be looked up.

        Raises:
            RecordRejected: The store refused, ``taken`` saying what is taken; with several orders it need not say
                which.
            NotFound: A record, or its company, does not exist; none of the orders was carried out.
            AmbiguousWriteError: The request left and its outcome is unknown: read back before anything is repeated.
        """
