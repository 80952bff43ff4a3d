"""Every class of difference has a definite rule: a table of what each side says and what is therefore told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from customer_sync.model.company import Address, CompanyStatus, UserFields
from customer_sync.model.difference import MEANINGS, REMEDIES, REPAIRS, DifferenceClass, RepairAction, Standing
from customer_sync.model.operation import AppliedUser
from customer_sync.reconcile.compare.sides import Waiting
from customer_sync.targets.port import PaymentSettings, StoredAddress, StoredUser
from tests.unit.customer_sync.builders import a_connector, a_user, an_entry
from tests.unit.customer_sync.three_sides import (
    COMPANY_ID,
    WRITTEN_S,
    Sides,
    a_store_company,
    a_whole_company,
    agreeing,
    remembered,
)

Told = list[tuple[str, str, str, str]]
"""Class, entity, key and field of each difference."""

BEFORE_OUR_WRITE = WRITTEN_S - 3600


def told(sides: Sides) -> Told:
    """Compare and tell the differences."""
    result = sides.compare()
    return [(str(each.kind), each.entity, each.key, each.field) for each in (*result.differences, *result.waits)]


def without_store(sides: Sides) -> Sides:
    """The company is gone from the store."""
    sides.companies, sides.users, sides.addresses = [], [], []
    return sides


def without_ledger(sides: Sides) -> Sides:
    """The ledger was lost."""
    sides.known = None
    return sides


def erp_says(**changes: object) -> Sides:
    """The ERP changed after the last run."""
    sides = agreeing()
    sides.desired = a_whole_company(**changes)
    return sides


def not_eligible(claim: str, status: int = 1, known_status: int = 1) -> Sides:
    """The customer is not eligible any more, or gone."""
    sides = agreeing().spoil_company(updated_at_s=WRITTEN_S, status=status)
    assert sides.known is not None
    sides.desired, sides.claim = None, claim
    sides.known = msgspec.structs.replace(sides.known, status=CompanyStatus(known_status))
    return sides


def with_stray_user(mark: str, email: str = "someone@northwind.example") -> Sides:
    """A further user stands in the company."""
    sides = agreeing()
    fields = UserFields(email=email, first_name="Sam", last_name="Hill", role="Junior Buyer")
    sides.users.append(StoredUser(id=99, fields=fields, key=mark, company_id=COMPANY_ID))
    return sides


def with_stray_address(external_id: str, *, is_stray: bool = False) -> Sides:
    """A further address stands in the company."""
    sides = agreeing()
    sides.addresses.append(StoredAddress(id=99, fields=Address(external_id=external_id), company_id=61427))
    sides.store["strays"] = frozenset({99} if is_stray else ())
    return sides


def with_ledger(**facts: object) -> Callable[[Sides], Sides]:
    """The ledger knows more."""

    def change(sides: Sides) -> Sides:
        sides.ledger |= facts
        return sides

    return change


def key_twice() -> Sides:
    """A second company carries the key."""
    sides = agreeing()
    sides.companies.append(a_store_company(a_whole_company(), 70000))
    return sides


def email_elsewhere() -> Sides:
    """A contact's e-mail belongs to a user of another company, and the contact has no user of its own."""
    sides = agreeing().drop_user("100816").forget("users", "100816")
    sides.store["taken"] = {"user.100816@northwind.example": 555}
    return sides


def reference(text: str) -> Sides:
    """The ERP names another company, or none."""
    sides = agreeing()
    sides.reference = text
    return sides


def ledger_says(**changes: object) -> Sides:
    """The ledger holds another value than ERP and store agree on."""
    sides = agreeing()
    sides.known = remembered(a_whole_company(**changes), content_hash="")
    return sides


def ledger_keeps_a_dead_link() -> Sides:
    """The ledger links a user that neither ERP nor store have."""
    sides = agreeing()
    assert sides.known is not None
    users = {**sides.known.users, "100817": AppliedUser(store_id=77, fields=UserFields(email="gone@northwind.example"))}
    sides.known = msgspec.structs.replace(sides.known, users=users)
    return sides


def new_contact() -> Sides:
    """The ERP has a contact that was never sent."""
    return erp_says(users=(a_user("100815"), a_user("100816", role="Junior Buyer"), a_user("100817", role="Buyer")))


LOST = {"updated_at_s": BEFORE_OUR_WRITE}


def email_of_a_withdrawn_company() -> Sides:
    """The same, and that company does not trade."""
    sides = email_elsewhere()
    sides.store["not_trading"] = frozenset({555})
    return sides


def waiting_for_nobody() -> Sides:
    """A contact waits for its e-mail, which nobody has any more."""
    sides = agreeing().drop_user("100816").forget("users", "100816")
    part = "email:100816"
    return with_ledger(held_back=(part,), waiting=(part,))(sides)


def waiting_for_somebody() -> Sides:
    """The same, and somebody has it still."""
    sides = waiting_for_nobody()
    sides.store["taken"] = {"user.100816@northwind.example": 555}
    return sides


REFUSED = Waiting(entity="contact", key="100816", reason="rejected_by_store")


def a_refused_contact() -> Sides:
    """The store refused a contact, and all else is as it should be."""
    sides = agreeing().drop_user("100816").forget("users", "100816")
    return with_ledger(held_back=("contact:100816",), quarantine=(REFUSED,))(sides)


def nothing_fits() -> Sides:
    """The company carries another record's id, so that it is not this customer's whatever else fits."""
    sides = agreeing()
    sides.erp["record_id"] = "this one"
    sides.companies[0] = msgspec.structs.replace(sides.companies[0], record_id="another")
    return sides


def of_a_stranger() -> Sides:
    """Somebody registered in the shop and filled in the customer's number; the ledger links none."""
    sides = without_ledger(agreeing())
    (company,) = sides.companies
    fields = msgspec.structs.replace(company.fields, company_email="sam@else.example")
    sides.companies[0] = msgspec.structs.replace(company, record_id="", fields=fields, status=CompanyStatus.PENDING)
    sides.reference = ""
    return sides


def with_an_unknown_admin() -> Sides:
    """Somebody made a further Admin in the store."""
    sides = with_stray_user("")
    stray = sides.users[-1]
    sides.users[-1] = msgspec.structs.replace(stray, fields=msgspec.structs.replace(stray.fields, role="Admin"))
    return sides


CASES: dict[str, tuple[Sides, Told]] = {
    "e-mail of a withdrawn company": (
        email_of_a_withdrawn_company(),
        [("held_by_withdrawn", "contact", "100816", "email")],
    ),
    "waits for nobody": (waiting_for_nobody(), [("wait_is_over", "contact", "100816", "")]),
    "waits for somebody": (waiting_for_somebody(), [("user_of_other_company", "contact", "100816", "email")]),
    "a contact that the store refused": (a_refused_contact(), [("waiting", "contact", "100816", "")]),
    "another record's company": (nothing_fits(), [("link_unproven", "customer", "", "")]),
    "a stranger's company with the customer's number": (of_a_stranger(), [("link_unproven", "customer", "", "")]),
    "a link that nobody weighed": (
        with_ledger(is_weighed=False)(agreeing()),
        [("link_unproven", "customer", "", "")],
    ),
    "an Admin whom the ERP does not know": (
        with_an_unknown_admin(),
        [("foreign_user", "contact", "user 99", "role")],
    ),
    "all agree": (agreeing(), []),
    "letter case of an e-mail": (agreeing().spoil_company(company_email="AP@Northwind.example"), []),
    "another name of a country": (agreeing().spoil_address(country_name="Great Britain"), []),
    "company gone": (without_store(agreeing()), [("missing_in_store", "customer", "", "")]),
    "company never made": (without_store(without_ledger(agreeing())), [("missing_in_store", "customer", "", "")]),
    "user deleted in the store": (agreeing().drop_user("100816"), [("missing_in_store", "contact", "100816", "")]),
    "address deleted in the store": (
        Sides(**{**vars(agreeing()), "addresses": []}),
        [("missing_in_store", "location", "C001042:EAST", "")],
    ),
    "ledger lost": (without_ledger(agreeing()), [("missing_in_ledger", "customer", "", "")]),
    "user unknown to the ledger": (
        agreeing().forget("users", "100816"),
        [("missing_in_ledger", "contact", "100816", "")],
    ),
    "address unknown to the ledger": (
        agreeing().forget("addresses", "C001042:EAST"),
        [("missing_in_ledger", "location", "C001042:EAST", "")],
    ),
    "ledger behind": (ledger_says(company_name="Old Name"), [("missing_in_ledger", "customer", "", "")]),
    "ledger links what is gone": (ledger_keeps_a_dead_link(), [("missing_in_ledger", "contact", "100817", "")]),
    "not eligible, still trading": (not_eligible("withdrawn"), [("extra_in_store", "customer", "", "status")]),
    "key of nobody": (
        Sides(**{**vars(not_eligible("absent")), "known": None}),
        [("extra_in_store", "customer", "", "status")],
    ),
    "gone from the ERP": (not_eligible("absent"), [("deleted_in_erp", "customer", "", "status")]),
    "gone and withdrawn": (
        not_eligible("absent", status=CompanyStatus.INACTIVE, known_status=CompanyStatus.INACTIVE),
        [],
    ),
    "withdrawn": (not_eligible("withdrawn", status=CompanyStatus.INACTIVE, known_status=CompanyStatus.INACTIVE), []),
    "reactivated by hand": (
        not_eligible("withdrawn", known_status=CompanyStatus.INACTIVE).spoil_company(),
        [("drift", "customer", "", "status")],
    ),
    "withdrawal lost": (
        not_eligible("withdrawn", known_status=CompanyStatus.INACTIVE).spoil_company(**LOST),
        [("write_lost", "customer", "", "status")],
    ),
    "ERP changed a field": (erp_says(company_name="New Name"), [("erp_changed", "customer", "", "company_name")]),
    "ERP has a new contact": (new_contact(), [("erp_changed", "contact", "100817", "")]),
    "ERP withdrew a contact": (erp_says(users=(a_user("100815"),)), [("erp_changed", "contact", "100816", "")]),
    "ERP has a new location": (
        erp_says(addresses=(an_entry(), an_entry("WEST"))),
        [("erp_changed", "location", "C001042:WEST", "")],
    ),
    "company edited by hand": (
        agreeing().spoil_company(city="Elsewhere", zip_code="1"),
        [("drift", "customer", "", "city"), ("drift", "customer", "", "zip_code")],
    ),
    "key cleared by hand": (
        agreeing().spoil_company(extra_fields={}),
        [("drift", "customer", "", "extra_fields.Acumatica Customer ID")],
    ),
    "company deactivated by hand": (
        agreeing().spoil_company(status=CompanyStatus.INACTIVE),
        [("drift", "customer", "", "status")],
    ),
    "user edited by hand": (
        agreeing().spoil_user("100816", first_name="Max"),
        [("drift", "contact", "100816", "first_name")],
    ),
    "role raised by hand": (agreeing().spoil_user("100816", role="Admin"), [("drift", "contact", "100816", "role")]),
    "address edited by hand": (agreeing().spoil_address(city="Leeds"), [("drift", "location", "C001042:EAST", "city")]),
    "company's write lost": (
        agreeing().spoil_company(**LOST, city="Old Town"),
        [("write_lost", "customer", "", "city")],
    ),
    "user's write lost": (
        agreeing().spoil_user("100816", **LOST, last_name="Old"),
        [("write_lost", "contact", "100816", "last_name")],
    ),
    "address's write lost": (
        agreeing().spoil_address(changed=False, city="Old Town"),
        [("write_lost", "location", "C001042:EAST", "city")],
    ),
    "write without an answer": (
        with_ledger(unanswered=frozenset({"C001042"}))(agreeing().spoil_company(city="Old Town")),
        [("write_lost", "customer", "", "city")],
    ),
    "company's write lost, and the stamp moved by itself": (
        with_ledger(overwritten={"company": {"city": "Old Town"}})(
            agreeing().spoil_company(updated_at_s=WRITTEN_S + 25, city="Old Town")
        ),
        [("write_lost", "customer", "", "city")],
    ),
    "company edited soon after our write": (
        with_ledger(overwritten={"company": {"city": "Old Town"}})(
            agreeing().spoil_company(updated_at_s=WRITTEN_S + 25, city="Elsewhere")
        ),
        [("drift", "customer", "", "city")],
    ),
    "company edited, by a clock that is a minute behind": (
        agreeing().spoil_company(updated_at_s=WRITTEN_S - 60, city="Elsewhere"),
        [("drift", "customer", "", "city")],
    ),
    "company set back long after our write": (
        with_ledger(overwritten={"company": {"city": "Old Town"}})(
            agreeing().spoil_company(updated_at_s=WRITTEN_S + 121, city="Old Town")
        ),
        [("drift", "customer", "", "city")],
    ),
    "user's write lost, and the stamp moved by itself": (
        with_ledger(overwritten={"contact:100816": {"last_name": "Old"}})(
            agreeing().spoil_user("100816", updated_at_s=WRITTEN_S + 5, last_name="Old")
        ),
        [("write_lost", "contact", "100816", "last_name")],
    ),
    "a new user's phone was dropped": (
        agreeing(a_whole_company(users=(a_user("100815"), a_user("100816", phone_number="5")))).spoil_user(
            "100816", updated_at_s=WRITTEN_S + 25, phone_number=""
        ),
        [("write_lost", "contact", "100816", "phone_number")],
    ),
    "address's write lost, changed about then": (
        with_ledger(overwritten={"location:C001042:EAST": {"city": "Old Town"}})(
            agreeing().spoil_address(changed=None, city="Old Town")
        ),
        [("write_lost", "location", "C001042:EAST", "city")],
    ),
    "address edited about then": (
        with_ledger(overwritten={"location:C001042:EAST": {"city": "Old Town"}})(
            agreeing().spoil_address(changed=None, city="Leeds")
        ),
        [("drift", "location", "C001042:EAST", "city")],
    ),
    "withdrawal lost, and the stamp moved by itself": (
        with_ledger(overwritten={"company": {"status": 1}})(
            not_eligible("withdrawn", known_status=CompanyStatus.INACTIVE).spoil_company(updated_at_s=WRITTEN_S + 25)
        ),
        [("write_lost", "customer", "", "status")],
    ),
    "deletion lost": (
        with_ledger(deleted_ids=frozenset({"contact:99"}))(with_stray_user("100817")),
        [("write_lost", "contact", "100817", "")],
    ),
    "key on two companies": (key_twice(), [("duplicate_key", "customer", "", "")]),
    "key on two, none linked": (
        without_ledger(key_twice()),
        [("duplicate_key", "customer", "", ""), ("duplicate_key", "customer", "", "")],
    ),
    "e-mail of another company's user": (
        email_elsewhere(),
        [("user_of_other_company", "contact", "100816", "email")],
    ),
    "user of a contact that is none": (with_stray_user("100817"), [("orphaned_child", "contact", "100817", "")]),
    "somebody else's user": (with_stray_user(""), []),
    "second address of one location": (
        with_stray_address("C001042:EAST"),
        [("orphaned_child", "location", "C001042:EAST", "")],
    ),
    "address of no location": (
        with_stray_address("C001042:GONE"),
        [("orphaned_child", "location", "C001042:GONE", "")],
    ),
    "address of another customer": (
        with_stray_address("C009999:MAIN", is_stray=True),
        [("orphaned_child", "location", "C009999:MAIN", "")],
    ),
    "somebody else's address": (with_stray_address("warehouse:7"), []),
    "reference missing": (reference(""), [("reference_mismatch", "reference", "", "reference_id")]),
    "reference wrong": (reference("4711"), [("reference_mismatch", "reference", "", "reference_id")]),
}


@pytest.mark.parametrize(("sides", "expected"), CASES.values(), ids=CASES.keys())
def test_difference_is_told_in_its_class_when_sides_disagree(sides: Sides, expected: Told) -> None:
    """One row per class and side of its boundary: exactly what is wrong is told, and nothing else."""
    assert told(sides) == expected


def test_customer_held_for_now_is_compared_with_what_was_applied() -> None:
    """A company that is kept as it is must be as we left it; what the ERP says of it now does not count."""
    kept = not_eligible("kept")
    assert kept.compare().standing is Standing.KEPT
    kept.spoil_company(city="Elsewhere").spoil_user("100816", first_name="Max")
    assert [(each.kind, each.field) for each in kept.compare().differences] == [
        ("drift", "city"),
        ("drift", "first_name"),
    ]


def test_reason_in_quarantine_explains_a_missing_company() -> None:
    """Who is in quarantine is missing for a known reason: it waits, and what for is told."""
    row = Waiting(entity="customer", key="", reason="email_duplicate", field="email", holder="C2")
    result = with_ledger(quarantine=(row,))(without_store(without_ledger(agreeing()))).compare()
    assert (result.standing, result.differences) == (Standing.QUARANTINED, ())
    (waits,) = result.waits
    assert (str(waits.kind), waits.customer_id, waits.entity, waits.company_id) == ("waiting", "C001042", "customer", 0)
    assert waits.detail.startswith("email_duplicate: waits for another value of Account Email on the customer's")
    assert waits.detail.endswith("in the ERP, or until customer C2 has another one")


@pytest.mark.parametrize(("claim", "standing"), [("withdrawn", "withdrawn"), ("absent", "withdrawn")])
def test_nobody_waits_who_is_not_to_be_in_the_store(claim: str, standing: str) -> None:
    """What is left in quarantine of a customer that is no longer eligible, or gone, says nothing."""
    status = CompanyStatus.INACTIVE
    sides = with_ledger(quarantine=(REFUSED,))(not_eligible(claim, status=status, known_status=status))
    assert (str(sides.compare().standing), told(sides)) == (standing, [])


def test_adopted_value_is_accepted_until_the_erp_changes() -> None:
    """After *adopt* the store's value stands beside the ERP's without a finding, until the ERP changes."""
    sides = agreeing().spoil_company(city="Elsewhere")
    assert sides.known is not None
    sides.known = msgspec.structs.replace(
        sides.known, fields=msgspec.structs.replace(sides.known.fields, city="Elsewhere")
    )
    assert sides.compare().standing is Standing.ACCEPTED
    sides.desired = a_whole_company(city="Berkeley")
    assert [str(each.kind) for each in sides.compare().differences] == ["erp_changed"]


def test_payment_settings_are_judged_only_when_they_were_read() -> None:
    """What was not read is neither equal nor different."""
    sides = agreeing(a_whole_company(payment_methods={"cheque": True}))
    assert told(sides) == []
    sides.store["payment"] = PaymentSettings(methods={"cheque": False, "cod": True}, terms=None)
    assert told(sides) == [("drift", "payment", "", "cheque")]


def test_contact_that_the_store_refused_is_not_missing() -> None:
    """A contact held back is left out by the sync as well."""
    sides = agreeing().drop_user("100816").forget("users", "100816")
    sides.ledger["held_back"] = ("contact:100816",)
    assert told(sides) == []


def test_policy_leave_leaves_what_was_withdrawn() -> None:
    """Under the policy *leave* a company that still trades is as the merchant wants it."""
    sides = not_eligible("withdrawn")
    assert sides.compare(a_connector(policy={"customer": "leave"})).standing is Standing.WITHDRAWN


def test_values_of_all_three_sides_are_told() -> None:
    """A difference shows what ERP, ledger and store hold."""
    (found,) = agreeing().spoil_company(city="Elsewhere").compare().differences
    assert (found.erp, found.ledger, found.store) == ("", "", "Elsewhere")
    assert (found.company_id, found.customer_id) == (COMPANY_ID, "C001042")


def test_unknown_users_of_any_role_are_findings_where_the_policy_lets_none_stay() -> None:
    """With *report* only an Admin is one; the others are counted."""
    sides = with_stray_user("")
    assert sides.compare().foreign == 1
    found = sides.compare(a_connector(policy={"foreign_users": "remove"})).differences
    assert [str(each.kind) for each in found] == ["foreign_user"]


def test_every_class_has_words_and_actions() -> None:
    """Nobody meets a class without its meaning, and no finding is without a remedy."""
    assert set(MEANINGS) == set(DifferenceClass)
    assert set(REMEDIES) == set(REPAIRS) == set(DifferenceClass) - {DifferenceClass.EQUAL, DifferenceClass.FOREIGN}
    assert all(RepairAction.REPORT in actions for actions in REPAIRS.values())
    seen = {kind for _, expected in CASES.values() for kind, *_ in expected}
    assert seen == {str(kind) for kind in REPAIRS}
