"""Which contacts become users, and who is the admin."""

from typing import Any

import msgspec
import pytest

from customer_sync.model.customer import Contact, Customer
from customer_sync.model.outcome import Finding, Reason
from customer_sync.rules.company_mapping import BLOCKING
from customer_sync.rules.company_users import account_successor, build_users, leavers, successors
from customer_sync.rules.several_values import not_used
from customer_sync.settings.connector import Connector
from tests.unit.customer_sync.builders import a_connector, a_contact, a_customer, a_store_without_bounds

PRIMARY = a_contact("100815", is_primary=True)


def users_of(customer: Customer, connector: Connector | None = None) -> tuple[list[tuple[str, str]], list[Finding]]:
    """Give key and role of each user, and the findings."""
    findings: list[Finding] = []
    users = build_users(customer, connector or a_connector(), findings)
    return [(user.key, user.role) for user in users], findings


def test_several_values_in_one_field_are_told_and_stop_nobody() -> None:
    """The first is used; how many others there are is said of customer and contact, without showing them."""
    customer = a_customer(contacts=(msgspec.structs.replace(PRIMARY, unused={"contact.email": 2}),))
    users, findings = users_of(customer)
    assert users == [("100815", a_connector().contacts.primary_role)]
    assert [(each.reason, each.field, each.detail) for each in findings] == [
        (Reason.VALUES_NOT_USED, "contact.email", "2 more values")
    ]
    assert Reason.VALUES_NOT_USED not in BLOCKING
    assert [each.detail for each in not_used({"email": 1})] == ["1 more value"]


@pytest.mark.parametrize(
    ("changes", "settings", "reasons"),
    [
        ({}, {}, []),
        ({"active": False}, {}, [Reason.CONTACT_INACTIVE]),
        ({"enabled": False}, {}, [Reason.CONTACT_NOT_ENABLED]),
        ({"enabled": None}, {}, [Reason.CONTACT_NOT_ENABLED]),
        ({"connection_type": "OTHER"}, {}, [Reason.CONTACT_NOT_ENABLED]),
        ({"connection_type": "knb"}, {}, []),
        ({"enabled": None, "connection_type": ""}, {"opt_in_required": False}, []),
        ({"first_name": ""}, {}, [Reason.CONTACT_NAME_MISSING]),
        ({"last_name": ""}, {}, [Reason.CONTACT_NAME_MISSING]),
        ({"email": ""}, {}, [Reason.CONTACT_EMAIL_MISSING]),
        ({"email": "lee"}, {}, [Reason.CONTACT_EMAIL_INVALID]),
        ({"email": f"{'l' * 60}@{'n' * 31}.example"}, {}, []),
        ({"email": f"{'l' * 60}@{'n' * 32}.example"}, {}, [Reason.CONTACT_EMAIL_INVALID]),
        (
            {"active": False, "enabled": False, "first_name": "", "email": ""},
            {},
            [
                Reason.CONTACT_INACTIVE,
                Reason.CONTACT_NOT_ENABLED,
                Reason.CONTACT_NAME_MISSING,
                Reason.CONTACT_EMAIL_MISSING,
            ],
        ),
    ],
)
def test_a_contact_is_left_out_for_exactly_the_rules_that_it_breaks(
    changes: dict[str, Any], settings: dict[str, Any], reasons: list[Reason]
) -> None:
    """Every rule on both sides; the customer itself goes on with the others."""
    second = a_contact("100816", **changes)
    users, findings = users_of(a_customer(contacts=(PRIMARY, second)), a_connector(contacts=settings))
    assert [finding.reason for finding in findings if finding.key == "100816"] == reasons
    assert ("100816" in dict(users)) is (not reasons)
    assert users[0] == ("100815", "Admin")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_name": ""}, "contact.first_name"),
        ({"last_name": ""}, "contact.last_name"),
        ({"email": ""}, "contact.email"),
        ({"email": "lee"}, "contact.email"),
        ({"active": False}, "contact.active"),
        ({"enabled": False}, "contact.enabled"),
    ],
)
def test_the_missing_field_is_named(changes: dict[str, str], field: str) -> None:
    """An operator sees which box to fill in."""
    _, findings = users_of(a_customer(contacts=(PRIMARY, a_contact("100816", **changes))))
    assert [finding.field for finding in findings] == [field]
    assert findings[0].entity == "contact"


def test_the_primary_contact_is_the_admin_when_it_can_be_a_user() -> None:
    """Whatever its number and place, the primary contact leads; the rest follow by ContactID."""
    contacts = (a_contact("99"), a_contact("100817", is_primary=True), a_contact("100816"))
    users, findings = users_of(a_customer(contacts=contacts))
    assert users == [("100817", "Admin"), ("99", "Junior Buyer"), ("100816", "Junior Buyer")]
    assert findings == []


def test_the_first_contact_is_the_admin_when_the_primary_cannot_be_a_user() -> None:
    """A company is not held up by its primary contact, and the log says who took over."""
    contacts = (a_contact("100815", is_primary=True, email=""), a_contact("100817"), a_contact("99"))
    users, findings = users_of(a_customer(contacts=contacts))
    assert users == [("99", "Admin"), ("100817", "Junior Buyer")]
    assert findings[-1] == Finding(reason=Reason.ADMIN_NOT_PRIMARY, entity="contact", key="99")


@pytest.mark.parametrize("contacts", [(), (a_contact(enabled=False),), (a_contact(email="x"),)])
def test_the_account_is_the_admin_when_no_contact_can_be(contacts: tuple[Contact, ...]) -> None:
    """A company cannot exist without an admin, so the account itself stands in and the log says so."""
    findings: list[Finding] = []
    users = build_users(a_customer(contacts=contacts), a_connector(), findings)
    assert [(user.key, user.email, user.role) for user in users] == [("ACCOUNT", "ap@northwind.example", "Admin")]
    assert (users[0].first_name, users[0].last_name) == ("Dana", "Rivera")
    assert users[0].phone_number == "+1 555 010 4420"
    assert findings[-1] == Finding(reason=Reason.ADMIN_IS_ACCOUNT, entity="contact", key="ACCOUNT")


def test_the_company_name_stands_for_the_admin_when_nobody_is_named() -> None:
    """The store wants two names; the firm's stands for both."""
    users = build_users(a_customer(contacts=(), attention="", name="Northwind"), a_connector(), [])
    assert (users[0].first_name, users[0].last_name) == ("Northwind", "Northwind")


@pytest.mark.parametrize(
    ("facts", "field", "cuts"),
    [
        ({"attention": "", "name": "N" * 101}, "name", ["101 characters cut to 100"] * 2),
        ({"attention": "A" * 101}, "attention", ["101 characters cut to 100"] * 2),
        ({"phone": "5" * 51}, "phone", ["51 characters cut to 50"]),
        ({"attention": "", "name": "N" * 100, "phone": "5" * 50}, "", []),
    ],
)
def test_a_cut_of_the_accounts_texts_names_the_field_it_came_from(
    facts: dict[str, str], field: str, cuts: list[str]
) -> None:
    """The operator is sent to the value that is too long, and sees that it is the account's."""
    _, findings = users_of(a_customer(contacts=(), **facts))
    assert [finding for finding in findings if finding.reason is Reason.VALUE_CUT] == [
        Finding(reason=Reason.VALUE_CUT, entity="contact", key="ACCOUNT", field=field, detail=detail) for detail in cuts
    ]


def test_the_contacts_after_a_repeated_email_are_users() -> None:
    """Only the contact that repeats an e-mail is left out, and every later one is still looked at."""
    repeated = a_contact("100816", email=PRIMARY.email.upper())
    users, findings = users_of(a_customer(contacts=(PRIMARY, repeated, a_contact("100817"))))
    assert [key for key, _ in users] == ["100815", "100817"]
    assert findings == [
        Finding(reason=Reason.CONTACT_EMAIL_DUPLICATE, entity="contact", key="100816", field="contact.email")
    ]


@pytest.mark.parametrize("key", ["100815", "100816"])
def test_a_cut_of_a_contacts_name_is_said(key: str) -> None:
    """Of the admin and of everybody else."""
    contacts = [a_contact(each, last_name="L" * (101 if each == key else 100)) for each in ("100815", "100816")]
    _, findings = users_of(a_customer(contacts=tuple(contacts)))
    cuts = [finding for finding in findings if finding.reason is Reason.VALUE_CUT]
    assert [(each.entity, each.key, each.field) for each in cuts] == [("contact", key, "contact.last_name")]


@pytest.mark.parametrize(("length", "is_admin"), [(100, True), (101, False)])
def test_the_account_is_the_admin_when_a_user_may_have_its_email(length: int, *, is_admin: bool) -> None:
    """A company's e-mail may be longer than a user's."""
    email = f"ap@{'n' * 60}.{'n' * (length - 72)}.example"
    assert len(email) == length
    assert bool(users_of(a_customer(contacts=(), email=email))[0]) is is_admin


def test_an_email_of_any_length_is_a_users_when_the_store_bounds_none() -> None:
    """A store of another kind may hold any text: contacts and account are users with theirs, and nothing is cut."""
    connector = a_connector().model_copy(update={"target": a_store_without_bounds()})
    email = f"ap@{'n' * 60}.{'n' * 60}.example"
    name = "N" * 500
    contact = a_contact("100815", is_primary=True, email=email, first_name=name)
    for customer in (a_customer(contacts=(contact,)), a_customer(contacts=(), email=email, attention=name)):
        findings: list[Finding] = []
        (user,) = build_users(customer, connector, findings)
        assert (user.email, user.first_name) == (email, name)
        assert [finding for finding in findings if finding.reason is not Reason.ADMIN_IS_ACCOUNT] == []


@pytest.mark.parametrize("contacts", [(), (a_contact(enabled=False),)])
def test_nobody_is_the_admin_when_the_connector_refuses_the_account(contacts: tuple[Contact, ...]) -> None:
    """With ``admin_fallback: refuse`` the customer has no users, so transform quarantines it."""
    connector = a_connector(contacts={"admin_fallback": "refuse"})
    assert users_of(a_customer(contacts=contacts), connector)[0] == []


def test_contacts_are_not_looked_at_when_they_are_not_included() -> None:
    """``include: false`` leaves the account as the only user, without a word on each contact."""
    users, findings = users_of(a_customer(contacts=(PRIMARY,)), a_connector(contacts={"include": False}))
    assert users == [("ACCOUNT", "Admin")]
    assert [finding.reason for finding in findings] == [Reason.ADMIN_IS_ACCOUNT]


def test_an_email_belongs_to_the_more_important_contact_when_two_share_it() -> None:
    """The store knows a user by e-mail: the primary keeps it, case does not make two of one."""
    shared = "Team@Northwind.example"
    contacts = (a_contact("1", email=shared.lower()), a_contact("2", email=shared, is_primary=True))
    users, findings = users_of(a_customer(contacts=contacts))
    assert users == [("2", "Admin")]
    assert findings == [
        Finding(reason=Reason.CONTACT_EMAIL_DUPLICATE, entity="contact", key="1", field="contact.email")
    ]


def test_a_contact_that_is_left_out_does_not_take_its_email_from_another() -> None:
    """Only those who become users compete for an address."""
    contacts = (
        a_contact("1", email="team@northwind.example", active=False),
        a_contact("2", email="team@northwind.example"),
    )
    assert users_of(a_customer(contacts=contacts))[0] == [("2", "Admin")]


def test_the_roles_are_those_of_the_connector() -> None:
    """A store's own role names are a setting."""
    connector = a_connector(contacts={"primary_role": "Boss", "other_role": "Clerk"})
    customer = a_customer(contacts=(PRIMARY, a_contact("100816")))
    assert users_of(customer, connector)[0] == [("100815", "Boss"), ("100816", "Clerk")]


@pytest.mark.parametrize(
    ("changes", "attribute", "length"),
    [
        ({"first_name": "F" * 101}, "first_name", 100),
        ({"last_name": "L" * 101}, "last_name", 100),
        ({"phone": "5" * 51}, "phone_number", 50),
    ],
)
def test_a_users_value_is_cut_and_said_when_it_is_too_long(
    changes: dict[str, str], attribute: str, length: int
) -> None:
    """A long name does not keep a person out."""
    findings: list[Finding] = []
    users = build_users(a_customer(contacts=(a_contact("7", is_primary=True, **changes),)), a_connector(), findings)
    assert len(getattr(users[0], attribute)) == length
    assert [(finding.reason, finding.entity, finding.key) for finding in findings] == [
        (Reason.VALUE_CUT, "contact", "7")
    ]


@pytest.mark.parametrize(
    ("changes", "settings", "has_left"),
    [
        pytest.param({}, {}, False, id="active and switched on"),
        pytest.param({"active": False}, {}, True, id="inactive"),
        pytest.param({"enabled": False}, {}, True, id="switched off"),
        pytest.param({"enabled": None}, {}, True, id="never switched on"),
        pytest.param({"connection_type": "OTHER"}, {}, True, id="switched on for another shop"),
        pytest.param({"enabled": False}, {"opt_in_required": False}, False, id="switches do not count"),
        pytest.param({"active": False}, {"opt_in_required": False}, True, id="inactive, whatever the switches"),
        pytest.param({"email": ""}, {}, False, id="no e-mail: it waits, it has not left"),
        pytest.param({"last_name": ""}, {}, False, id="no name: it waits, it has not left"),
    ],
)
def test_a_contact_has_left_when_its_record_denies_access(
    changes: dict[str, Any], settings: dict[str, Any], *, has_left: bool
) -> None:
    """What is missing in a record takes no access away."""
    customer = a_customer(contacts=(PRIMARY, a_contact("100816", **changes)))
    assert leavers(customer, a_connector(contacts=settings)) == ({"100816"} if has_left else frozenset())


@pytest.mark.parametrize(
    ("facts", "settings", "keys"),
    [
        pytest.param({}, {}, ["100815", "100816", "ACCOUNT"], id="the contacts in order, then the account"),
        pytest.param({"contacts": ()}, {}, ["ACCOUNT"], id="no contact: the account, once"),
        pytest.param({}, {"admin_fallback": "refuse"}, ["100815", "100816"], id="the account is refused"),
        pytest.param({"contacts": ()}, {"admin_fallback": "refuse"}, [], id="nobody"),
        pytest.param({"email": ""}, {}, ["100815", "100816"], id="the account has no e-mail"),
        pytest.param({"email": "ap"}, {}, ["100815", "100816"], id="the account's e-mail is none"),
        pytest.param({"email": f"{'l' * 60}@{'n' * 32}.example"}, {}, ["100815", "100816"], id="or is too long"),
    ],
)
def test_the_account_may_follow_after_all_contacts(
    facts: dict[str, Any], settings: dict[str, Any], keys: list[str]
) -> None:
    """Who may be the admin, in order; the account where the connector allows it and it has an e-mail."""
    customer = a_customer(**{"contacts": (a_contact("100816"), PRIMARY), **facts})
    assert [user.key for user in successors(customer, a_connector(contacts=settings))] == keys


def test_the_account_that_may_follow_is_the_admin_that_it_would_be_alone() -> None:
    """The same person with the same role, in a company of several people as in an empty one."""
    connector = a_connector(contacts={"primary_role": "Lead"})
    alone = build_users(a_customer(contacts=()), connector, [])
    assert account_successor(a_customer(contacts=(PRIMARY,)), connector) == alone
    assert (alone[0].key, alone[0].role, alone[0].first_name) == ("ACCOUNT", "Lead", "Dana")


def test_the_account_that_may_follow_fits_the_store_when_its_name_is_too_long() -> None:
    """Its name is cut as that of every user."""
    (account,) = account_successor(a_customer(attention=f"Dana {'R' * 101}"), a_connector())
    assert (account.first_name, account.last_name) == ("Dana", "R" * 100)


def test_a_contacts_extra_fields_are_its_users() -> None:
    """Of the admin and of everybody else."""
    contacts = (
        a_contact("1", is_primary=True, extra_fields={"Desk": "D1"}),
        a_contact("2", extra_fields={"Desk": "D2"}),
    )
    users = build_users(a_customer(contacts=contacts), a_connector(), [])
    assert [user.extra_fields for user in users] == [{"Desk": "D1"}, {"Desk": "D2"}]
