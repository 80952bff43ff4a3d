"""The connector file's sections that say who belongs in the store, and what a customer becomes there.

A change of these is a change of the mapping: the next scheduled run then reads everything.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from typing import Literal

from pydantic import Field, model_validator

from customer_sync.settings.section import Code, Section

TermDays = Literal[0, 5, 15, 30, 45, 60]
"""Payment-term days that the store accepts (docs/api/better_b2b.md#payment-terms)."""


class EligibilityRules(Section):
    """Which customers belong in the store. Texts are compared without regard to case.

    ``opt_in_required`` says whether a customer must be switched on, and bear the mark of this sync;
    ``connection_type`` is that mark, of customers, contacts and locations; empty where the source has none. ``only``
    names the customers of a pilot by number or record id, and is empty where all may come.
    """

    opt_in_required: bool = True
    only: tuple[Code, ...] = ()
    types: tuple[Code, ...] = Field(default=("B2B",), min_length=1)
    classes: tuple[Code, ...] = ()
    connection_type: Code = ""
    sync_statuses: tuple[Code, ...] = ("Active", "Credit Hold", "One-Time")
    hold_statuses: tuple[Code, ...] = ("On Hold",)

    @cached_property
    def types_folded(self) -> frozenset[str]:
        """Accepted types, case-folded."""
        return frozenset(text.casefold() for text in self.types)

    @cached_property
    def classes_folded(self) -> frozenset[str]:
        """Accepted classes, case-folded; empty accepts all."""
        return frozenset(text.casefold() for text in self.classes)

    @cached_property
    def only_folded(self) -> frozenset[str]:
        """Numbers and record ids of the pilot, case-folded; empty accepts all."""
        return frozenset(text.strip().casefold() for text in self.only if text.strip())

    @cached_property
    def connection_type_folded(self) -> str:
        """The connection type, case-folded."""
        return self.connection_type.casefold()

    def is_marked(self, connection_type: str) -> bool:
        """Whether a record with this connection type is meant for this sync."""
        mark = self.connection_type_folded
        return not mark or connection_type.casefold() == mark

    @cached_property
    def sync_statuses_folded(self) -> frozenset[str]:
        """Statuses that sync, case-folded."""
        return frozenset(text.casefold() for text in self.sync_statuses)

    @cached_property
    def hold_statuses_folded(self) -> frozenset[str]:
        """Statuses that keep a company and create none, case-folded."""
        return frozenset(text.casefold() for text in self.hold_statuses)


class ContactRules(Section):
    """Which contacts become company users, and with which role of the store.

    ``admin_fallback`` says who becomes the admin where no contact can:
    ``account`` the account itself, ``refuse`` quarantines the customer. ``welcome_email`` says whether the store
    sends new users its e-mail of welcome: ``after_cutover`` from the beginning of the day ``cutover`` on, in UTC.
    """

    include: bool = True
    opt_in_required: bool = True
    primary_role: str = Field(default="Admin", min_length=1)
    other_role: str = Field(default="Junior Buyer", min_length=1)
    admin_fallback: Literal["account", "refuse"] = "account"
    welcome_email: Literal["never", "after_cutover", "always"] = "never"
    cutover: date | None = None

    @model_validator(mode="after")
    def _names_its_day(self) -> ContactRules:
        if self.welcome_email == "after_cutover" and self.cutover is None:
            raise ValueError("'welcome_email: after_cutover' needs the day in 'cutover', such as 2027-01-15")
        return self

    def welcomes(self, at_utc: datetime) -> bool:
        """Whether users that are made at a moment get an e-mail of welcome."""
        if self.welcome_email == "after_cutover":
            return self.cutover is not None and at_utc.date() >= self.cutover
        return self.welcome_email == "always"


class LocationRules(Section):
    """Which locations become addresses."""

    include: bool = True
    opt_in_required: bool = False
    billing_address: bool = True


class TermsRule(Section):
    """What one value of the customer's terms means in the store; ``enabled: false`` switches net terms off."""

    enabled: bool = True
    days: TermDays | None = None
    payment_methods: dict[str, bool] = Field(default={})

    @model_validator(mode="after")
    def _says_something(self) -> TermsRule:
        if self.enabled and self.days is None and not self.payment_methods:
            raise ValueError("a terms rule needs 'days', 'payment_methods' or both, or 'enabled: false'")
        if not self.enabled and self.days is not None:
            raise ValueError("a terms rule with 'enabled: false' has no 'days'")
        return self


class Geography(Section):
    """Corrections of country and state codes that the ERP uses in its own way.

    ``countries`` maps a code of the ERP to a country's code or name; ``states`` maps, per
    country, a code of the ERP to a state's code or name. ``default_states`` gives, per country, the state of
    addresses that name none, where the store demands one.
    """

    countries: dict[Code, Code] = Field(default={})
    states: dict[Code, dict[Code, Code]] = Field(default={})
    default_states: dict[Code, Code] = Field(default={})

    @cached_property
    def countries_folded(self) -> dict[str, str]:
        """The corrections of countries, case-folded."""
        return {own.casefold(): iso.casefold() for own, iso in self.countries.items()}

    @cached_property
    def states_folded(self) -> dict[str, dict[str, str]]:
        """The corrections of states per country, case-folded."""
        return {
            country.casefold(): {own.casefold(): iso.casefold() for own, iso in table.items()}
            for country, table in self.states.items()
        }

    @cached_property
    def default_states_folded(self) -> dict[str, str]:
        """The states of addresses that name none, by case-folded country."""
        return {country.casefold(): state for country, state in self.default_states.items()}


class RemovalPolicy(Section):
    """What happens in the store when a record is withdrawn in the ERP.

    ``customer``: ``leave`` the company, ``deactivate`` it (status 3: its users lose
    access, every id stays) or ``delete`` it. A store has no switch for a single
    user or address, so ``contact`` and ``location`` are ``leave`` or ``delete``. ``foreign_users`` says what becomes
    of the users of an adopted company whom the source does not know: ``report`` them, ``demote`` them to
    ``contacts.other_role``, or ``remove`` them; the last two after a person's yes. ``released_email`` is the e-mail of
    a user who is nobody, with ``{user_id}`` for the id of the one whose place it takes: the last user of a company that
    does not trade cannot be deleted otherwise.
    """

    customer: Literal["leave", "deactivate", "delete"] = "deactivate"
    contact: Literal["leave", "delete"] = "delete"
    location: Literal["leave", "delete"] = "delete"
    foreign_users: Literal["report", "demote", "remove"] = "report"
    released_email: str | None = Field(default=None, pattern=r"^[^@\s{}]*\{user_id\}[^@\s{}]*@[^@\s{}]+\.[^@\s{}]+$")
