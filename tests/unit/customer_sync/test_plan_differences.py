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
    parts_of,
    user_fields,
)
from customer_sync.model.operation import (
    Action,
    AddressOperation,
    AppliedAddress,
    CompanyOperation,
    CustomerPlan,
    Operation,
    UserOperation,
    part_of,
)
from customer_sync.planning.diff import diff_company, diff_reference, is_late
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
    assert operations[0] == CompanyOperation(
        action=Action.CREATE_COMPANY,
        key="C001042",
        new=company_fields(desired),
        admin=user_fields(desired.users[0]),
        admin_key="1",
    )
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


@pytest.mark.parametrize(
    ("waiting", "left_out"),
    [
        ("customer:", "update_company"),
        ("customer:status", "set_company_status"),
        ("contact:1", "update_user"),
        ("contact:2", "create_user"),
        ("contact:9", "delete_user"),
        ("location:C001042:EAST", "update_address"),
        ("location:C001042:WEST", "create_address"),
        ("location:C001042:OLD", "delete_address"),
        ("payment:methods", "set_payment_methods"),
        ("payment:terms", "set_payment_terms"),
    ],
)
def test_a_part_that_waits_keeps_nothing_else_from_being_done(waiting: str, left_out: str) -> None:
    """Everything changed at once: the part that waits is left out, the rest comes in the order of work."""
    before = a_company(
        users=(a_user("1"), a_user("9", role="Junior Buyer")), addresses=(an_entry("EAST"), an_entry("OLD"))
    )
    desired = a_company(
        city="Alameda",
        users=(a_user("1", last_name="Ito"), a_user("2", role="Junior Buyer")),
        addresses=(an_entry("EAST", city="Bristol"), an_entry("WEST")),
        payment_methods={"cheque": True},
        payment_terms=PaymentTerms(is_enabled=True, days=30),
    )
    base = applied(before, status=CompanyStatus.INACTIVE)
    every = [
        ("update_company", "C001042"),
        ("set_company_status", "C001042"),
        ("update_user", "1"),
        ("create_user", "2"),
        ("delete_user", "9"),
        ("update_address", "C001042:EAST"),
        ("create_address", "C001042:WEST"),
        ("delete_address", "C001042:OLD"),
        ("set_payment_methods", "C001042"),
        ("set_payment_terms", "C001042"),
    ]
    assert steps(diff_company(desired, base, DELETE)) == every
    expected = [step for step in every if step[0] != left_out]
    assert steps(diff_company(desired, base, DELETE, [waiting])) == expected


def test_a_part_is_called_what_the_operations_on_it_are_called() -> None:
    """A part waits by the hash of what it should be; who may be a user beside the desired ones is one as well."""
    desired = a_company(
        users=(a_user("1"), a_user("2", role="Junior Buyer")),
        addresses=(an_entry("EAST"),),
        payment_methods={"cheque": True},
        payment_terms=PaymentTerms(is_enabled=True, days=30),
    )
    other, same = a_user("9"), a_user("2")
    parts = parts_of(desired, (other, same))
    assert parts == {
        "contact:9": other,
        "contact:1": desired.users[0],
        "contact:2": desired.users[1],
        "location:C001042:EAST": an_entry("EAST"),
        "payment:methods": {"cheque": True},
        "payment:terms": PaymentTerms(is_enabled=True, days=30),
    }
    operations = diff_company(desired, applied(a_company(users=())), DELETE)
    assert {part_of(operation) for operation in operations} == parts.keys() - {"contact:9"}
    assert parts_of(a_company(users=())) == {"payment:methods": {}, "payment:terms": None}


def test_what_goes_is_named_with_what_it_was() -> None:
    """The log's old value of a removal is the record as it was last written."""
    before = a_company(users=(a_user("1"), a_user("9", role="Junior Buyer")), addresses=(an_entry("OLD"),))
    assert diff_company(a_company(users=(a_user("1"),)), applied(before), DELETE) == (
        UserOperation(action=Action.DELETE_USER, key="9", store_id=2, old=user_fields(before.users[1])),
        AddressOperation(action=Action.DELETE_ADDRESS, key="C001042:OLD", store_id=1, old=an_entry("OLD")),
    )


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
