"""From the applied to the desired state: which operations, in which order, and none too many."""

from typing import Any

import msgspec
import pytest

from customer_sync.model.company import (
    Company,
    CompanyFields,
    CompanyStatus,
    PaymentTerms,
    attempt_hash,
    company_fields,
    user_fields,
)
from customer_sync.model.operation import (
    Action,
    AppliedAddress,
    AppliedCompany,
    CompanyOperation,
    CustomerPlan,
    Operation,
)
from customer_sync.planning.diff import diff_company, diff_reference, diff_unenrolment, is_late
from customer_sync.settings.mapping import RemovalPolicy
from tests.unit.customer_sync.builders import a_company, a_user, an_entry, applied

DELETE = RemovalPolicy()
LEAVE = RemovalPolicy(customer="leave", contact="leave", location="leave")


def steps(operations: tuple[Operation, ...]) -> list[tuple[str, str]]:
    """Give action and key of each operation."""
    return [(str(operation.action), operation.key) for operation in operations]


def test_a_new_company_is_made_with_its_admin_when_nothing_is_applied() -> None:
    """Company and admin are one request; the others follow in the store's order."""
    desired = a_company(
        users=(a_user("1"), a_user("2", role="Junior Buyer")),
        addresses=(an_entry(),),
        payment_methods={"cheque": True},
        payment_terms=PaymentTerms(is_enabled=True, days=30),
    )
    operations = diff_company(desired, None, DELETE)
    assert steps(operations) == [
        ("create_company", "C001042"),
        ("create_user", "2"),
        ("create_address", "C001042:EAST"),
        ("set_payment_methods", "C001042"),
        ("set_payment_terms", "C001042"),
    ]
    assert operations[0].values["admin_email"] == "user.1@northwind.example"
    assert operations[0].values["company_name"] == "Northwind Kitchen Supply"
    assert all(operation.store_id == 0 and not operation.before for operation in operations)


def test_nothing_is_done_when_all_is_applied_already() -> None:
    """An unchanged customer costs no request."""
    desired = a_company(
        users=(a_user("1"), a_user("2", role="Junior Buyer")),
        addresses=(an_entry(),),
        payment_methods={"cheque": True, "cod": False},
        payment_terms=PaymentTerms(is_enabled=True, days=0),
    )
    assert diff_company(desired, applied(desired), DELETE) == ()


def test_only_the_changed_fields_are_sent_with_their_old_values() -> None:
    """A change of two fields names two fields, and what they were."""
    before = a_company(city="Oakland")
    (operation,) = diff_company(a_company(city="Alameda", zip_code="94501"), applied(before), DELETE)
    assert (operation.action, operation.key, operation.store_id) == (Action.UPDATE_COMPANY, "C001042", 61427)
    assert operation.values == {"city": "Alameda", "zip_code": "94501"}
    assert operation.before == {"city": "Oakland", "zip_code": ""}


def test_extra_fields_that_are_not_ours_are_not_compared() -> None:
    """The store's other extra fields may hold what they like."""
    desired = a_company()
    extra = {"Acumatica Customer ID": "C001042", "Theirs": "x"}
    fields = msgspec.structs.replace(company_fields(desired), extra_fields=extra)
    assert diff_company(desired, applied(desired, fields=fields), DELETE) == ()


def test_an_extra_field_is_sent_when_it_changed() -> None:
    """Our own extra fields follow the ERP."""
    before, after = (a_company(extra_fields={"Acumatica Customer ID": "C001042", "Region": r}) for r in ("W", "E"))
    (operation,) = diff_company(after, applied(before), DELETE)
    assert operation.values == {"extra_fields": after.extra_fields}
    assert operation.before == {"extra_fields": before.extra_fields}


@pytest.mark.parametrize("status", [0, 2, 3])
def test_the_company_is_approved_again_when_its_status_is_another(status: int) -> None:
    """A customer that is back gets the same company back."""
    desired = a_company()
    (operation,) = diff_company(desired, applied(desired, status=status), DELETE)
    assert (operation.key, operation.store_id) == ("C001042", 61427)
    assert (operation.action, operation.values, operation.before) == (
        Action.SET_STATUS,
        {"status": 1},
        {"status": status},
    )


def test_the_new_admin_is_promoted_before_the_old_one_is_demoted() -> None:
    """The company is never without an admin."""
    before = a_company(users=(a_user("1"), a_user("2", role="Junior Buyer"), a_user("3", role="Junior Buyer")))
    after = a_company(
        users=(a_user("2"), a_user("1", role="Junior Buyer"), a_user("3", role="Junior Buyer", last_name="Ito"))
    )
    operations = diff_company(after, applied(before), DELETE)
    assert [(operation.key, operation.values) for operation in operations] == [
        ("2", {"role": "Admin"}),
        ("3", {"last_name": "Ito"}),
        ("1", {"role": "Junior Buyer"}),
    ]
    assert [is_late(operation, "Admin") for operation in operations] == [False, False, True]


def test_a_new_admin_is_made_before_the_old_one_is_removed() -> None:
    """Give first, take last."""
    operations = diff_company(a_company(users=(a_user("2"),)), applied(a_company(users=(a_user("1"),))), DELETE)
    assert steps(operations) == [("create_user", "2"), ("delete_user", "1")]
    assert operations[1].before == msgspec.structs.asdict(user_fields(a_user("1")))
    assert is_late(operations[1], "Admin")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (DELETE, [("delete_user", "2"), ("delete_address", "C001042:EAST")]),
        (LEAVE, []),
        (RemovalPolicy(contact="leave"), [("delete_address", "C001042:EAST")]),
        (RemovalPolicy(location="leave"), [("delete_user", "2")]),
    ],
)
def test_withdrawn_users_and_addresses_go_by_the_policy(policy: RemovalPolicy, expected: list[tuple[str, str]]) -> None:
    """``delete`` removes what the ERP withdrew, ``leave`` does not touch it."""
    before = a_company(users=(a_user("1"), a_user("2", role="Junior Buyer")), addresses=(an_entry(),))
    assert steps(diff_company(a_company(users=(a_user("1"),)), applied(before), policy)) == expected


def test_a_user_keeps_its_account_when_its_contact_got_another_id() -> None:
    """E-mail identifies a user in the store: no second one is made, none is removed."""
    before = a_company(users=(a_user("1"), a_user("2", email="Mina@northwind.example", role="Junior Buyer")))
    after = a_company(users=(a_user("1"), a_user("7", email="mina@northwind.example", role="Junior Buyer")))
    (operation,) = diff_company(after, applied(before), DELETE)
    assert (operation.action, operation.key, operation.store_id) == (Action.UPDATE_USER, "7", 2)
    assert operation.values == {"email": "mina@northwind.example"}


def test_the_account_hands_over_to_a_contact_of_the_same_email() -> None:
    """A contact that appears with the Account Email takes over the account's user."""
    before = a_company(users=(a_user("ACCOUNT", email="ap@northwind.example", first_name="Northwind"),))
    after = a_company(users=(a_user("5", email="ap@northwind.example"),))
    (operation,) = diff_company(after, applied(before), DELETE)
    assert (operation.action, operation.key, operation.values) == (Action.UPDATE_USER, "5", {"first_name": "Lee"})


def test_contacts_exchange_their_users_when_they_exchanged_their_emails() -> None:
    """The store lets nobody take an e-mail that is in use: each e-mail stays with its user, the persons change."""
    before = a_company(users=(a_user("1"), a_user("2", role="Junior Buyer"), a_user("3", role="Junior Buyer")))
    first, second, third = (user.email for user in before.users)
    after = a_company(
        users=(
            a_user("1", email=second, last_name="Ito"),
            a_user("2", email=third, role="Junior Buyer"),
            a_user("3", email=first, role="Junior Buyer"),
        )
    )
    operations = diff_company(after, applied(before), DELETE)
    assert [(operation.key, operation.store_id, operation.values) for operation in operations] == [
        ("1", 2, {"last_name": "Ito", "role": "Admin"}),
        ("3", 1, {"role": "Junior Buyer"}),
    ]


def test_users_stay_where_they_are_when_one_of_the_circle_is_held_back() -> None:
    """What the store refused before keeps its user; the other contact of the exchange waits with it."""
    before = a_company(users=(a_user("1"), a_user("2", role="Junior Buyer")))
    first, second = (user.email for user in before.users)
    after = a_company(users=(a_user("1", email=second), a_user("2", email=first, role="Junior Buyer")))
    (operation,) = diff_company(after, applied(before), DELETE, ["contact:2"])
    assert (operation.key, operation.store_id, operation.values) == ("1", 1, {"email": second})


def test_a_held_back_contact_is_neither_made_nor_changed_nor_removed() -> None:
    """What the store refused before is not sent again until it changes."""
    before = a_company(users=(a_user("1"), a_user("2", role="Junior Buyer")))
    after = a_company(
        users=(a_user("1"), a_user("2", role="Junior Buyer", last_name="Ito"), a_user("3", role="Junior Buyer"))
    )
    assert diff_company(after, applied(before), DELETE, ["contact:2", "contact:3"]) == ()
    assert steps(diff_company(after, applied(before), DELETE, ["contact:3"])) == [("update_user", "2")]


def test_only_the_changed_part_of_an_address_is_sent() -> None:
    """An address is updated by its store id, field by field."""
    before = a_company(addresses=(an_entry(), an_entry("WEST")))
    after = a_company(addresses=(an_entry(), an_entry("WEST", city="Bristol")))
    (operation,) = diff_company(after, applied(before), DELETE)
    assert (operation.action, operation.key, operation.store_id) == (Action.UPDATE_ADDRESS, "C001042:WEST", 2)
    assert (operation.values, operation.before) == ({"city": "Bristol"}, {"city": "London"})


def test_payment_methods_that_we_do_not_name_stay_as_they_are() -> None:
    """Only codes of the connector's table are switched, and only where they differ."""
    desired = a_company(payment_methods={"cheque": True, "cod": False})
    base = applied(desired, payment_methods={"cheque": False, "cod": False, "card": True})
    (operation,) = diff_company(desired, base, DELETE)
    assert (operation.values, operation.before) == ({"cheque": True}, {"cheque": False})


@pytest.mark.parametrize(
    ("wanted", "have", "sent"),
    [
        (None, PaymentTerms(is_enabled=True, days=30), False),
        (PaymentTerms(is_enabled=True, days=30), PaymentTerms(is_enabled=True, days=30), False),
        (PaymentTerms(is_enabled=True, days=45), PaymentTerms(is_enabled=True, days=30), True),
        (PaymentTerms(is_enabled=True, days=0), None, True),
    ],
)
def test_terms_are_sent_when_they_are_mapped_and_differ(
    wanted: PaymentTerms | None, have: PaymentTerms | None, *, sent: bool
) -> None:
    """Unmapped terms leave the store's as they are."""
    base = applied(a_company(), payment_terms=have)
    operations = diff_company(a_company(payment_terms=wanted), base, DELETE)
    assert [operation.action for operation in operations] == ([Action.SET_PAYMENT_TERMS] if sent else [])
    was = {} if have is None else {"is_enabled": have.is_enabled, "days": have.days}
    assert all(operation.before == was for operation in operations)


@pytest.mark.parametrize(
    ("policy", "status", "expected"),
    [
        ("leave", 1, []),
        ("deactivate", 1, [(Action.SET_STATUS, {"status": 3})]),
        ("deactivate", 0, [(Action.SET_STATUS, {"status": 3})]),
        ("deactivate", 3, []),
        ("delete", 1, [(Action.DELETE_COMPANY, {})]),
        ("delete", 3, [(Action.DELETE_COMPANY, {})]),
    ],
)
def test_unenrolment_follows_the_policy(
    policy: Any, status: int, expected: list[tuple[Action, dict[str, Any]]]
) -> None:
    """Leave, deactivate once, or delete."""
    base = AppliedCompany(company_id=61427, status=CompanyStatus(status))
    operations = diff_unenrolment("C001042", base, RemovalPolicy(customer=policy))
    assert [(operation.action, operation.values) for operation in operations] == expected
    assert all((operation.key, operation.store_id) == ("C001042", 61427) for operation in operations)


@pytest.mark.parametrize(
    ("company_id", "in_erp", "values"),
    [
        (61427, "61427", None),
        (61427, "", {"reference_id": "61427"}),
        (61427, "999", {"reference_id": "61427"}),
        (0, "", {"reference_id": ""}),
    ],
)
def test_the_companys_id_is_written_back_when_the_erp_lacks_it(
    company_id: int, in_erp: str, values: dict[str, str] | None
) -> None:
    """One request, and none where the ERP holds it already; a new company's id is not known yet."""
    operations = diff_reference("C001042", company_id, in_erp)
    assert [operation.values for operation in operations] == ([values] if values else [])
    assert all(operation.before == {"reference_id": in_erp} for operation in operations)
    assert all((operation.key, operation.store_id) == ("C001042", company_id) for operation in operations)


def test_the_plan_hash_depends_on_the_operations_and_not_on_their_fields_order() -> None:
    """The same plan has the same hash; another value, customer or kind has another."""

    def plan(customer_id: str = "C1", extra: dict[str, str] | None = None, **changes: Any) -> CustomerPlan:
        new = CompanyFields(extra_fields=extra or {"a": "1", "b": "2"})
        operation = CompanyOperation(action=Action.UPDATE_COMPANY, key="C1", new=new, changed=("extra_fields",))
        return CustomerPlan(**{"customer_id": customer_id, "kind": "sync", "operations": (operation,), **changes})

    assert plan().plan_hash() == plan(extra={"b": "2", "a": "1"}).plan_hash()
    assert 0 <= plan().plan_hash() < 2**128
    others = [plan("C2"), plan(extra={"a": "1", "b": "3"}), plan(kind="unenroll"), plan(operations=())]
    assert len({plan().plan_hash(), *(other.plan_hash() for other in others)}) == 5


def test_an_attempt_is_another_when_the_desired_state_or_the_reference_changed() -> None:
    """A customer in quarantine is sent again after either, and only then."""
    first = attempt_hash(a_company(), "61427")
    assert first == attempt_hash(a_company(), "61427")
    others = [
        attempt_hash(a_company(city="Alameda"), "61427"),
        attempt_hash(a_company(), ""),
        attempt_hash(a_company(), "9"),
    ]
    assert len({first, *others}) == 4


def test_what_was_never_applied_by_us_is_not_removed() -> None:
    """Users and addresses that the ledger does not know are the merchant's own."""
    desired: Company = a_company()
    base = applied(desired)
    assert diff_company(desired, base, DELETE) == ()
    known = {**base.addresses, "C001042:OLD": AppliedAddress(store_id=9, fields=an_entry("OLD"))}
    operations = diff_company(desired, applied(desired, addresses=known), DELETE)
    assert [(operation.action, operation.store_id) for operation in operations] == [(Action.DELETE_ADDRESS, 9)]
