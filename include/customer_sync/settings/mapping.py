"""The connector file's sections that say who belongs in the store, and what a customer becomes there.

A change of these is a change of the mapping: the next scheduled run then reads everything.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from typing import Literal

from pydantic import model_validator

from customer_sync.settings.section import Code, Section, setting

TermDays = Literal[0, 5, 15, 30, 45, 60]
"""Payment-term days that the store accepts (docs/api/better_b2b.md#payment-terms)."""


class EligibilityRules(Section):
    """Which customers belong in the store. Texts are compared without regard to case.

    ``opt_in_required`` says whether a customer must be switched on, and bear the mark of this sync;
    ``connection_type`` is that mark, of customers, contacts and locations; empty where the source has none. ``only``
    names the customers of a pilot by number or record id, and is empty where all may come.
    """

    opt_in_required: bool = setting(
        True,
        "Whether a customer needs the tick and the connection type; off, both are not read.",
        False,
    )
    only: tuple[Code, ...] = setting(
        (),
        "Numbers or record ids of the only customers that come, for [a pilot](going-live.md#pilot); empty: all "
        "may. The others are `not_in_pilot`, and a company that one of them has is kept as it is.",
        ["C000001", "C000002"],
    )
    types: tuple[Code, ...] = setting(
        ("B2B",),
        "Accepted customer types; else `type_not_b2b`.",
        ["B2B", "Wholesale"],
        min_length=1,
    )
    classes: tuple[Code, ...] = setting(
        (),
        "Accepted customer classes, empty for all; else `class_not_selected`.",
        ["KEY", 100],
    )
    connection_type: Code = setting(
        "",
        "Connection type of customers, and of contacts and locations where they opt in.",
        "SHOP",
    )
    sync_statuses: tuple[Code, ...] = setting(
        ("Active", "Credit Hold", "One-Time"),
        "Statuses that sync; any other but those on hold is `status_inactive`.",
        ["Active"],
    )
    hold_statuses: tuple[Code, ...] = setting(
        ("On Hold",),
        "Statuses that keep a company as it is and make none: `status_on_hold`.",
        ["On Hold", "Credit Hold"],
    )

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

    include: bool = setting(
        True,
        "Whether contacts are read at all; if not, the account is the only user.",
        False,
    )
    opt_in_required: bool = setting(
        True,
        "Whether a contact needs its own tick and connection type.",
        False,
    )
    primary_role: str = setting(
        "Admin",
        "Role of the primary contact, *Primary Admin* in the ERP's words.",
        "Admin",
        accepted="text: name of a role in the store",
        min_length=1,
    )
    other_role: str = setting(
        "Junior Buyer",
        "Role of the other contacts.",
        "Senior Buyer",
        accepted="text: name of a role in the store",
        min_length=1,
    )
    admin_fallback: Literal["account", "refuse"] = setting(
        "account",
        "Who is the admin where no contact can be: the account itself, or nobody, which quarantines the "
        "customer with `no_admin_contact`.",
        "refuse",
    )
    welcome_email: Literal["never", "after_cutover", "always"] = setting(
        "never",
        "Whether the store sends new users its e-mail of welcome; `after_cutover` spares people a storm "
        "of them on the first load.",
        "always",
    )
    cutover: date | None = setting(
        None,
        "From the beginning of this day on, in UTC, `after_cutover` sends them.",
        "2027-01-15",
        accepted="a day such as `2027-01-15`",
    )

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

    include: bool = setting(
        True,
        "Whether locations are read at all.",
        False,
    )
    opt_in_required: bool = setting(
        False,
        "Whether a location needs its own tick and connection type.",
        True,
    )
    billing_address: bool = setting(
        True,
        "Whether the billing address is kept in the address book as `<CustomerID>:BILLING`.",
        False,
    )


class TermsRule(Section):
    """What one value of the customer's terms means in the store; ``enabled: false`` switches net terms off."""

    enabled: bool = setting(
        True,
        "False: terms without credit, such as prepayment; they switch net terms off and have no `days`.",
        False,
    )
    days: TermDays | None = setting(
        None,
        "Net payment days; null leaves them alone.",
        30,
    )
    payment_methods: dict[str, bool] = setting(
        {},
        "Methods switched on or off. Codes that any terms of the table name and these do not are "
        "switched off, so that a change of terms takes the old methods away; empty leaves all alone.",
        {"cheque": True, "purchase_order": True},
        accepted="code of a payment method: true or false",
    )

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

    countries: dict[Code, Code] = setting(
        {},
        "Countries.",
        {"DEU1": "DE"},
        accepted="code of the ERP: code or name of a country",
    )
    states: dict[Code, dict[Code, Code]] = setting(
        {},
        "States.",
        {"US": {"CALIF": "CA"}, "JP": {1: "Hokkaido"}},
        accepted="country's code: {code of the ERP: code or name of a state}",
    )
    default_states: dict[Code, Code] = setting(
        {},
        "State of addresses that name none, in countries for which the store demands one. Empty: "
        "such addresses are left out with a finding, since a wrong state means wrong tax and freight.",
        {"DE": "Bayern"},
        accepted="country's code: code or name of a state",
    )

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

    customer: Literal["leave", "deactivate", "delete"] = setting(
        "deactivate",
        "The company: left, set to status 3 (its users lose access, every id stays), or deleted.",
        "leave",
    )
    contact: Literal["leave", "delete"] = setting(
        "delete",
        "The company user.",
        "leave",
    )
    location: Literal["leave", "delete"] = setting(
        "delete",
        "The address.",
        "leave",
    )
    foreign_users: Literal["report", "demote", "remove"] = setting(
        "report",
        "Users of an adopted company whom the ERP does not know: named only, given "
        "`contacts.other_role`, or removed; the last two [after a yes](people.md#foreign-users), and "
        "`remove` only with `policy.contact: delete`.",
        "demote",
    )
    released_email: str | None = setting(
        None,
        "The e-mail of a user who is nobody, with the id of the user whose place it takes: so the last "
        "person of a company that does not trade [gives its e-mail up](people.md#emails). It has "
        "`contacts.other_role`.",
        "released-{user_id}@example.com",
        accepted="an e-mail with `{user_id}` before the `@`",
        pattern=r"^[^@\s{}]*\{user_id\}[^@\s{}]*@[^@\s{}]+\.[^@\s{}]+$",
    )
