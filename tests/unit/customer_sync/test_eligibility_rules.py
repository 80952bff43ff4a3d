"""Who belongs in the store: one row per rule on each side of each boundary."""

from typing import Any

import pytest

from customer_sync.model.customer import Customer
from customer_sync.model.outcome import UNENROLLING_REASONS, Reason
from customer_sync.rules.eligibility import Decision, decide_eligibility
from tests.unit.customer_sync.builders import a_connector, a_customer, a_store_without_bounds

TYPE, CLASS = Reason.TYPE_NOT_B2B, Reason.CLASS_NOT_SELECTED
MISSING, INVALID = Reason.EMAIL_MISSING, Reason.EMAIL_INVALID
OFF, OTHER_CONNECTION = Reason.NOT_ENABLED, Reason.CONNECTION_TYPE_MISMATCH
HOLD, INACTIVE = Reason.STATUS_ON_HOLD, Reason.STATUS_INACTIVE


def an_email(length: int) -> str:
    """Make a valid e-mail of so many characters."""
    labels = ".".join(["northwind"] * 30)
    return f"ap@{labels[: length - len('ap@.example')].rstrip('.').ljust(length - len('ap@.example'), 'n')}.example"


def decide(customer_facts: dict[str, Any], rules: dict[str, Any] | None = None) -> Decision:
    """Judge an otherwise eligible customer."""
    return decide_eligibility(a_customer(**customer_facts), a_connector(eligibility=rules or {}))


@pytest.mark.parametrize("facts", [{"enabled": None}, {"enabled": False}, {"connection_type": ""}])
def test_without_opt_in_nobody_needs_to_be_switched_on(facts: dict[str, Any]) -> None:
    """Type, e-mail and status decide alone, as in a tenant without the extension."""
    assert not decide(facts).is_eligible
    assert decide(facts, {"opt_in_required": False}).is_eligible
    assert not decide({**facts, "customer_type": "B2C"}, {"opt_in_required": False}).is_eligible


def test_a_mark_that_is_not_read_is_not_demanded() -> None:
    """Opt-in by a tick of the merchant's own: no connection type beside it."""
    connector = a_connector(source={"customer": {"enabled": "UsrWeb", "connection_type": None}})
    assert decide_eligibility(a_customer(connection_type=""), connector).is_eligible
    assert decide_eligibility(a_customer(enabled=False), connector).reasons == (OFF,)


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        ({"customer": {"enabled": None}}, {}, "eligibility.opt_in_required is true"),
        ({"contact": {"enabled": None}}, {}, "contacts.opt_in_required is true"),
        (
            {"location": {"enabled": None}},
            {"locations": {"opt_in_required": True}},
            "locations.opt_in_required is true",
        ),
        (
            {"location": {"entity": "Customer"}},
            {"locations": {"opt_in_required": True}},
            "locations.opt_in_required is true",
        ),
    ],
)
def test_an_opt_in_that_is_read_from_nowhere_is_refused(
    source: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    """When the file is read: nobody would ever be eligible, and all companies withdrawn."""
    with pytest.raises(ValueError, match=words):
        a_connector(source=source, **settings)


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        ({}, ()),
        ({"customer_type": "b2b"}, ()),
        ({"customer_type": "B2C"}, (TYPE,)),
        ({"customer_type": ""}, (TYPE,)),
        ({"customer_type": "B2B "}, (TYPE,)),
        ({"email": ""}, (MISSING,)),
        ({"email": "ap@northwind"}, (INVALID,)),
        ({"email": "ap(at)northwind.example"}, (INVALID,)),
        ({"email": "a@northwind.example; b@northwind.example"}, (INVALID,)),
        ({"email": "AP@Northwind.Example"}, ()),
        ({"email": "maría@señal.example"}, ()),
        ({"email": an_email(200)}, ()),
        ({"email": an_email(200 + 1)}, (INVALID,)),
        ({"enabled": False}, (OFF,)),
        ({"enabled": None}, (OFF,)),
        ({"connection_type": "knb"}, ()),
        ({"connection_type": ""}, (OTHER_CONNECTION,)),
        ({"connection_type": "KNB2"}, (OTHER_CONNECTION,)),
        ({"status": "Active"}, ()),
        ({"status": "ACTIVE"}, ()),
        ({"status": "Credit Hold"}, ()),
        ({"status": "One-Time"}, ()),
        ({"status": "On Hold"}, (HOLD,)),
        ({"status": "on hold"}, (HOLD,)),
        ({"status": "Inactive"}, (INACTIVE,)),
        ({"status": ""}, (INACTIVE,)),
        ({"status": "Prospect"}, (INACTIVE,)),
    ],
)
def test_every_rule_decides_on_both_sides_of_its_boundary(facts: dict[str, Any], reasons: tuple[Reason, ...]) -> None:
    """A customer is refused for exactly the rules that it breaks."""
    decision = decide(facts)
    assert decision.reasons == reasons
    assert decision.is_eligible is (not reasons)


@pytest.mark.parametrize(
    ("rules", "facts", "reasons"),
    [
        ({"types": ["Wholesale", "B2B"]}, {"customer_type": "wholesale"}, ()),
        ({"types": ["Wholesale"]}, {"customer_type": "B2B"}, (TYPE,)),
        ({"classes": []}, {"customer_class": "ANYTHING"}, ()),
        ({"classes": ["KEY"]}, {"customer_class": "key"}, ()),
        ({"classes": ["key"]}, {"customer_class": "KEY"}, ()),
        ({"classes": ["KEY"]}, {"customer_class": "B2B"}, (CLASS,)),
        ({"classes": [100]}, {"customer_class": "100"}, ()),
        ({"connection_type": "ABC"}, {"connection_type": "KNB"}, (OTHER_CONNECTION,)),
        ({"connection_type": "ABC"}, {"connection_type": "abc"}, ()),
        ({"sync_statuses": ["Open"]}, {"status": "Active"}, (INACTIVE,)),
        ({"sync_statuses": ["Open"]}, {"status": "open"}, ()),
        ({"hold_statuses": ["Credit Hold"]}, {"status": "Credit Hold"}, (HOLD,)),
        ({"hold_statuses": []}, {"status": "On Hold"}, (INACTIVE,)),
    ],
)
def test_the_connector_file_decides_which_values_are_accepted(
    rules: dict[str, Any], facts: dict[str, Any], reasons: tuple[Reason, ...]
) -> None:
    """Types, classes, connection type and statuses are the merchant's to name."""
    assert decide(facts, rules).reasons == reasons


def test_all_failing_rules_are_named_in_order_when_several_fail() -> None:
    """One visit to the customer's page is enough to repair it."""
    facts = {
        "customer_type": "",
        "customer_class": "X",
        "email": "",
        "enabled": False,
        "connection_type": "",
        "status": "Inactive",
    }
    assert decide(facts, {"classes": ["KEY"]}).reasons == (TYPE, CLASS, MISSING, OFF, OTHER_CONNECTION, INACTIVE)


@pytest.mark.parametrize(
    ("facts", "rules"),
    [
        ({"customer_type": ""}, {}),
        ({"customer_class": "X"}, {"classes": ["KEY"]}),
        ({"enabled": False}, {}),
        ({"connection_type": ""}, {}),
        ({"status": "Inactive"}, {}),
        ({"status": "Inactive", "email": ""}, {}),
    ],
)
def test_a_company_is_withdrawn_when_the_customer_left_commerce(facts: dict[str, Any], rules: dict[str, Any]) -> None:
    """Switched off, of another type or class, or inactive: an existing company goes by the policy."""
    assert decide(facts, rules).is_unenrolling


@pytest.mark.parametrize("facts", [{"email": ""}, {"email": "nobody"}, {"status": "On Hold"}, {}])
def test_a_company_is_kept_when_only_data_is_wrong_or_on_hold(facts: dict[str, Any]) -> None:
    """A mistyped e-mail or a hold never takes a trading customer's company away."""
    assert not decide(facts).is_unenrolling


def test_every_filter_reason_either_withdraws_or_keeps_the_company() -> None:
    """The six reasons of docs/errors.md#filter withdraw a company, and no others do."""
    assert set(UNENROLLING_REASONS) == {TYPE, CLASS, OFF, OTHER_CONNECTION, INACTIVE, Reason.DELETED_IN_ERP}


def test_a_customer_that_is_gone_withdraws_its_company_whatever_else_is_empty() -> None:
    """Nothing is known of it but its number and its record, so no other reason is given."""
    decision = decide_eligibility(Customer(customer_id="C1", record_id="r-1", is_gone=True), a_connector())
    assert decision.reasons == (Reason.DELETED_IN_ERP,)
    assert decision.is_unenrolling


def test_an_email_of_any_length_is_accepted_when_the_store_bounds_none() -> None:
    """A store of another kind may hold any text; then only the form of an e-mail counts."""
    connector = a_connector().model_copy(update={"target": a_store_without_bounds()})
    assert decide_eligibility(a_customer(email=an_email(240)), connector).is_eligible
    assert decide_eligibility(a_customer(email="ap@northwind"), connector).reasons == (INVALID,)


def test_a_pilot_is_named_by_number_or_record_id_and_nobody_else_comes() -> None:
    """Who is not named keeps a company as it is; who is named must be eligible all the same."""
    one = {"customer_id": "C000001", "record_id": "6F9A-1"}
    assert decide(one, {"only": []}).is_eligible
    assert decide(one, {"only": ["c000001 ", "C000002"]}).is_eligible
    assert decide(one, {"only": ["6f9a-1"]}).is_eligible
    assert decide({**one, "enabled": False}, {"only": ["C000001"]}).reasons == (OFF,)
    other = decide(one, {"only": ["C000002"]})
    assert other.reasons == (Reason.NOT_IN_PILOT,)
    assert not other.is_unenrolling
    assert decide({**one, "record_id": ""}, {"only": ["", "C000002"]}).reasons == (Reason.NOT_IN_PILOT,)
