"""Who has left loses access whatever else waits, and the last admin is replaced first (docs/people.md#access-first)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest

from customer_sync.model.company import CompanyStatus, CompanyUser, Payment, user_fields
from customer_sync.model.customer import Customer
from customer_sync.model.operation import (
    Action,
    AppliedCompany,
    AppliedUser,
    CustomerPlan,
    Operation,
    StatusOperation,
    UserOperation,
)
from customer_sync.planning.access import access_of, diff_access, moved_away, withdrawal_plan
from customer_sync.planning.diff import diff_unenrolment
from customer_sync.settings.mapping import RemovalPolicy
from tests.unit.customer_sync.builders import (
    a_company,
    a_connector,
    a_contact,
    a_customer,
    a_team,
    a_user,
    applied,
    in_short,
)

DELETE = RemovalPolicy()
ADMIN = {"role": "Admin"}
CLOSES = ("set_company_status", "C001042", 61427, {"status": 3})
INACTIVE = MappingProxyType({"status": CompanyStatus.INACTIVE})


class Case(NamedTuple):
    """A company whose customer waits as a whole, who has left it, and what follows.

    Attributes:
        store: The people of the company, the admin first; ids in the store count up from 1.
        leaving: Whose contact has left.
        expected: Action, key, id and values of each operation.
        able: Who may be the admin, in order.
        waiting: Parts that must not be sent.
        contact: The policy for users.
        colleagues: Who may be the admin where no successor can.
        changes: What is different in the store from the plain company.
    """

    store: tuple[str, ...]
    leaving: tuple[str, ...]
    expected: list[tuple[str, str, int, dict[str, Any]]]
    able: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    contact: str = "delete"
    colleagues: tuple[str, ...] = ()
    changes: Mapping[str, Any] = MappingProxyType({})


CASES = {
    "nobody has left": Case(("ann", "bob"), (), []),
    "a stranger has left": Case(("ann", "bob"), ("zoe",), []),
    "a junior has left: it goes, and the admin stays": Case(
        ("ann", "bob", "cleo"), ("bob", "cleo"), [("delete_user", "bob", 2, {}), ("delete_user", "cleo", 3, {})]
    ),
    "users are not removed by the policy": Case(("ann", "bob"), ("ann", "bob"), [], able=("dora",), contact="leave"),
    "the admin has left: a colleague is promoted before the admin goes": Case(
        ("ann", "bob"), ("ann",), [("update_user", "bob", 2, ADMIN), ("delete_user", "ann", 1, {})], able=("bob",)
    ),
    "the admin has left: a colleague who is there comes before somebody new": Case(
        ("ann", "bob", "cleo"),
        ("ann",),
        [("update_user", "cleo", 3, ADMIN), ("delete_user", "ann", 1, {})],
        able=("dora", "cleo", "bob"),
    ),
    "the admin has left: the first who may be one is made, where none is there": Case(
        ("ann", "bob"),
        ("ann",),
        [("create_user", "dora", 0, ADMIN), ("delete_user", "ann", 1, {})],
        able=("dora", "erik"),
    ),
    "the admin has left: who has left, too, does not follow": Case(
        ("ann", "bob"),
        ("ann", "bob"),
        [("create_user", "dora", 0, ADMIN), ("delete_user", "ann", 1, {}), ("delete_user", "bob", 2, {})],
        able=("ann", "bob", "dora"),
    ),
    "the admin has left: who waits does not follow": Case(
        ("ann", "bob"),
        ("ann",),
        [("create_user", "dora", 0, ADMIN), ("delete_user", "ann", 1, {})],
        able=("bob", "dora"),
        waiting=("contact:bob",),
    ),
    "the admin has left: whose e-mail is another's does not follow, unless a user already": Case(
        ("ann", "bob"),
        ("ann",),
        [("update_user", "bob", 2, ADMIN), ("delete_user", "ann", 1, {})],
        able=("dora", "bob"),
        waiting=("email:dora", "email:bob"),
    ),
    "everybody who may follow waits for an e-mail: the company stops trading": Case(
        ("ann",), ("ann",), [CLOSES], able=("dora",), waiting=("email:dora",)
    ),
    "nobody may follow the admin: the company stops trading": Case(("ann", "bob"), ("ann",), [CLOSES]),
    "everybody who may follow waits: the company stops trading": Case(
        ("ann",), ("ann",), [CLOSES], able=("dora",), waiting=("contact:dora",)
    ),
    "no successor can: a colleague who stays is promoted before the company stops trading": Case(
        ("ann", "bob", "cleo"),
        ("ann",),
        [("update_user", "cleo", 3, ADMIN), ("delete_user", "ann", 1, {})],
        able=("dora",),
        waiting=("email:dora",),
        colleagues=("cleo", "erik"),
    ),
    "a successor who is to come comes before a colleague": Case(
        ("ann", "bob"),
        ("ann",),
        [("create_user", "dora", 0, ADMIN), ("delete_user", "ann", 1, {})],
        able=("dora",),
        colleagues=("bob",),
    ),
    "a colleague whom the store refuses does not follow": Case(
        ("ann", "bob"), ("ann",), [CLOSES], waiting=("contact:bob",), colleagues=("bob",)
    ),
    "nobody may follow, and the company does not trade already": Case(("ann",), ("ann",), [], changes=INACTIVE),
    "the company does not trade: whoever stays is admin": Case(
        ("ann", "bob"), ("ann",), [("update_user", "bob", 2, ADMIN), ("delete_user", "ann", 1, {})], changes=INACTIVE
    ),
    "the company does not trade, and everybody is to go: the admin stays": Case(
        ("ann", "bob", "cleo"),
        ("ann", "bob", "cleo"),
        [("delete_user", "bob", 2, {}), ("delete_user", "cleo", 3, {})],
        changes=INACTIVE,
    ),
    "nobody may follow, and the store refused to stop the company": Case(
        ("ann",), ("ann",), [], waiting=("customer:status",)
    ),
    "a removal that waits is not sent": Case(
        ("ann", "bob", "cleo"), ("bob", "cleo"), [("delete_user", "cleo", 3, {})], waiting=("contact:bob",)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_who_has_left_loses_access_and_nothing_else_happens(case: Case) -> None:
    """Users go by the policy; the last admin only after somebody follows, or the company does not trade."""
    operations = diff_access(
        "C001042",
        applied(a_team(*case.store), **case.changes),
        RemovalPolicy.model_validate({"contact": case.contact}),
        lambda key: key in case.leaving,
        "Admin",
        [a_user(name, role="Some role") for name in case.able],
        case.waiting,
        colleagues=case.colleagues,
    )
    assert in_short(operations) == case.expected


def leaves(base: AppliedCompany, *leaving: str, able: tuple[CompanyUser, ...] = ()) -> tuple[Operation, ...]:
    """What happens when these people leave a company."""
    return diff_access("C001042", base, DELETE, lambda key: key in leaving, "Admin", able)


def test_another_admin_of_the_company_is_enough() -> None:
    """Nobody needs to follow where an admin stays."""
    base = applied(a_company(users=(a_user("ann"), a_user("bob"))))
    assert in_short(leaves(base, "ann", able=(a_user("cleo"),))) == [("delete_user", "ann", 1, {})]


def test_nobody_needs_to_follow_who_was_no_admin() -> None:
    """A company that has no admin, as it was found in the store, loses its leavers and gets none."""
    base = applied(a_company(users=(a_user("ann", role="Junior Buyer"), a_user("bob", role="Junior Buyer"))))
    assert in_short(leaves(base, "ann", able=(a_user("cleo"),))) == [("delete_user", "ann", 1, {})]


def test_the_last_user_is_replaced_although_it_was_no_admin() -> None:
    """A company is never without users."""
    base = applied(a_company(users=(a_user("ann", role="Junior Buyer"),)))
    assert in_short(leaves(base, "ann", able=(a_user("cleo"),))) == [
        ("create_user", "cleo", 0, ADMIN),
        ("delete_user", "ann", 1, {}),
    ]
    assert in_short(leaves(base, "ann")) == [CLOSES]


def test_a_colleague_who_has_the_successors_email_is_that_successor() -> None:
    """As the account is whose e-mail a junior user has: nobody can be made with it. Who is refused follows nobody."""
    base = applied(a_team("ann", "bob"))
    heir = msgspec.structs.replace(a_user("ACCOUNT"), email=base.users["bob"].fields.email.upper())
    goes: tuple[str, str, int, dict[str, Any]] = ("delete_user", "ann", 1, {})
    assert in_short(leaves(base, "ann", able=(heir, a_user("erik")))) == [("update_user", "bob", 2, ADMIN), goes]
    refused = diff_access("C1", base, DELETE, "ann".__eq__, "Admin", (heir, a_user("erik")), held_back=["contact:bob"])
    assert in_short(refused) == [("create_user", "erik", 0, ADMIN), goes]


def test_a_promotion_changes_the_role_alone() -> None:
    """Of a customer that waits nothing else is written, whatever the source says by now."""
    base = applied(a_team("ann", "bob"))
    ann, bob = base.users["ann"], base.users["bob"]
    able = a_user("bob", last_name="Ito", role="Junior Buyer")
    assert leaves(base, "ann", able=(able,)) == (
        UserOperation(
            action=Action.UPDATE_USER,
            key="bob",
            store_id=2,
            new=msgspec.structs.replace(bob.fields, role="Admin"),
            old=bob.fields,
            changed=("role",),
        ),
        UserOperation(action=Action.DELETE_USER, key="ann", store_id=1, old=ann.fields),
    )


def test_a_new_admin_has_what_the_source_says_of_it() -> None:
    """And the admin's role, whichever its own is."""
    able = a_user("dora", last_name="Ito", role="Junior Buyer")
    first, _ = leaves(applied(a_team("ann")), "ann", able=(able,))
    assert first == UserOperation(
        action=Action.CREATE_USER, key="dora", new=msgspec.structs.replace(user_fields(able), role="Admin")
    )


def test_a_company_that_stops_trading_names_what_it_was() -> None:
    """The log says from which status."""
    (operation,) = leaves(applied(a_team("ann"), status=CompanyStatus.PENDING), "ann")
    assert operation == StatusOperation(
        action=Action.SET_STATUS,
        key="C001042",
        store_id=61427,
        new=CompanyStatus.INACTIVE,
        old=CompanyStatus.PENDING,
    )


def test_a_user_goes_though_another_contact_has_the_email_now() -> None:
    """Whoever has left knows the password; that contact gets a user of its own with the next whole sync."""
    base = applied(a_team("ann", "bob"))
    heir = a_user("new", email=base.users["bob"].fields.email.upper())
    assert in_short(leaves(base, "bob", able=(heir,))) == [("delete_user", "bob", 2, {})]


def test_nobody_follows_the_last_admin_whose_email_is_the_admins() -> None:
    """The store makes no second user of one e-mail, and keeps a company's last user: the company stops trading."""
    base = applied(a_team("ann"))
    heir = a_user("new", email=base.users["ann"].fields.email.upper())
    assert in_short(leaves(base, "ann", able=(heir,))) == [CLOSES]


def test_a_former_user_of_a_contact_goes_with_the_contact() -> None:
    """Who was replaced in the store and has left has two users; both go."""
    base = applied(a_team("ann", "bob (former)", "bob"))
    assert in_short(leaves(base, "bob")) == [("delete_user", "bob (former)", 2, {}), ("delete_user", "bob", 3, {})]


# Which contacts have left: from the customer's record, and from other customers' records.


def test_a_contact_moved_where_another_customer_has_it_now() -> None:
    """Whoever is only absent did not move; a former user counts by its contact."""
    base = applied(a_team("ann", "bob", "cleo (former)", "dora", "erik"))
    owners = {"ann": "C001042", "bob": "C2", "cleo": "C3", "zoe": "C2", "erik": "C001042"}
    assert moved_away("C001042", base, owners) == {"bob", "cleo"}
    assert moved_away("C2", base, owners) == {"ann", "cleo", "erik"}
    assert moved_away("C001042", base, {}) == frozenset()
    assert moved_away("C001042", None, owners) == frozenset()


PEOPLE = a_customer(
    reference_id="61427",
    contacts=(
        a_contact("ann", is_primary=True, email="ann@northwind.example"),
        a_contact("bob", active=False, email="bob@northwind.example"),
        a_contact("cleo", enabled=False, email="cleo@northwind.example"),
    ),
)


@pytest.mark.parametrize(
    ("kind", "policy", "leavers", "is_present"),
    [
        pytest.param("access", "deactivate", {"bob", "cleo", "dora"}, False, id="it waits: who is denied access"),
        pytest.param("access", "leave", {"bob", "cleo", "dora"}, False, id="it waits, and companies are left alone"),
        pytest.param("unenroll", "leave", {"bob", "cleo", "dora"}, True, id="it is withdrawn and trades on"),
        pytest.param("unenroll", "deactivate", {"dora"}, True, id="it is withdrawn and stops: who moved goes at once"),
        pytest.param("unenroll", "delete", {"dora"}, True, id="it is withdrawn and deleted: who moved goes at once"),
    ],
)
def test_a_plan_without_a_company_names_who_has_left(
    kind: Any, policy: str, leavers: set[str], *, is_present: bool
) -> None:
    """Who is inactive, not switched on or moved; a withdrawal knows all contacts with their e-mails as well."""
    connector = a_connector(policy={"customer": policy})
    plan = withdrawal_plan(PEOPLE, kind, connector, ["dora"])
    emails = {name: f"{name}@northwind.example" for name in ("ann", "bob", "cleo")}
    assert plan == CustomerPlan(
        customer_id="C001042",
        kind=kind,
        record_id=PEOPLE.record_id,
        erp_reference="61427",
        leavers=frozenset(leavers),
        present=emails if is_present else None,
        successors=plan.successors,
        colleagues=frozenset({"ann"}),
        payment=Payment({}) if kind == "access" else None,
    )
    assert [user.key for user in plan.successors] == ["ann", "ACCOUNT"]


def test_of_a_customer_that_is_gone_only_those_leave_who_are_another_customers() -> None:
    """What becomes of its company, and of the others in it, the policy says alone."""
    gone = Customer(customer_id="C001042", record_id="5f0c", is_gone=True)
    plan = withdrawal_plan(gone, "unenroll", a_connector(), ["dora"])
    assert plan == CustomerPlan(customer_id="C001042", kind="unenroll", record_id="5f0c", leavers=frozenset({"dora"}))


def a_plan(**changes: Any) -> CustomerPlan:
    """Make the plan of a customer that waits."""
    return CustomerPlan(**{"customer_id": "C001042", "kind": "access", **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, [], id="nobody has left"),
        pytest.param({"leavers": frozenset({"bob"})}, [("delete_user", "bob", 2, {})], id="who is denied access"),
        pytest.param({"leavers": frozenset({"ACCOUNT"})}, [], id="the account is no contact and never leaves"),
        pytest.param(
            {"present": {"ann": "USER.ANN@northwind.example", "bob": "user.bob@northwind.example"}},
            [],
            id="withdrawn: who is there with the same e-mail stays",
        ),
        pytest.param(
            {"present": {"ann": "user.ann@northwind.example"}},
            [("delete_user", "bob", 2, {})],
            id="withdrawn: who is not there any more goes",
        ),
        pytest.param(
            {"present": {"ann": "user.ann@northwind.example", "bob": "new@northwind.example"}},
            [("delete_user", "bob", 2, {})],
            id="withdrawn: who has another e-mail goes, and the former one is free",
        ),
        pytest.param(
            {
                "present": {"ann": "user.ann@northwind.example", "bob": "user.bob@northwind.example"},
                "leavers": frozenset({"bob"}),
            },
            [("delete_user", "bob", 2, {})],
            id="withdrawn: who is denied access goes although the e-mail is the same",
        ),
    ],
)
def test_who_leaves_follows_from_the_plan(changes: dict[str, Any], expected: list[Any]) -> None:
    """Contacts that are denied access; of a withdrawn customer also those who are gone or have another e-mail."""
    base = applied(a_team("ann", "bob", "ACCOUNT"))
    assert in_short(access_of(a_plan(**changes), base, a_connector())) == expected


def test_a_desired_user_follows_the_admin_before_all_others() -> None:
    """First those who are to be users, then who may be one beside them, in the role that the connector names."""
    base = applied(a_company(users=(a_user("ann", role="Lead"),)))
    connector = a_connector(contacts={"primary_role": "Lead"})
    leavers = frozenset({"ann"})
    plan = a_plan(leavers=leavers, desired=a_team("dora"), successors=(a_user("ACCOUNT"),))
    goes: tuple[str, str, int, dict[str, Any]] = ("delete_user", "ann", 1, {})
    assert in_short(access_of(plan, base, connector)) == [("create_user", "dora", 0, {"role": "Lead"}), goes]
    assert in_short(access_of(plan, base, connector, ["contact:dora"])) == [
        ("create_user", "ACCOUNT", 0, {"role": "Lead"}),
        goes,
    ]
    alone = a_plan(leavers=leavers, successors=(a_user("ACCOUNT"),))
    assert in_short(access_of(alone, base, connector)) == [("create_user", "ACCOUNT", 0, {"role": "Lead"}), goes]


def test_a_company_stops_trading_when_nobody_of_the_plan_may_follow() -> None:
    """The plan's customer is the one whose company stops."""
    plan = a_plan(leavers=frozenset({"ann"}), desired=a_team("dora"))
    assert in_short(access_of(plan, applied(a_team("ann")), a_connector(), ["contact:dora"])) == [CLOSES]


@pytest.mark.parametrize(
    ("changes", "left", "expected"),
    [
        pytest.param({}, (), [CLOSES], id="nobody has left, and the record shows nobody who may be admin"),
        pytest.param(
            {}, ("bob",), [("delete_user", "bob", 2, {}), CLOSES], id="who has left goes, and the company stops trading"
        ),
        pytest.param({}, ("ann", "bob"), [CLOSES], id="it stops trading once"),
        pytest.param({"status": CompanyStatus.INACTIVE}, (), [], id="it does not trade already"),
    ],
)
def test_a_company_of_which_nobody_may_be_admin_stops_trading(
    changes: dict[str, Any], left: tuple[str, ...], expected: list[Any]
) -> None:
    """Also where the admin's contact is only absent: there is nobody to wait for."""
    plan = withdrawal_plan(
        a_customer(contacts=()),
        "access",
        a_connector(contacts={"admin_fallback": "refuse"}),
        left,
        ["no_admin_contact"],
    )
    assert in_short(access_of(plan, applied(a_team("ann", "bob"), **changes), a_connector())) == expected


def test_nobody_takes_the_place_of_the_last_user_of_a_closed_company() -> None:
    """In the lowest role, under an e-mail with the user's id; then the person goes, and that is all."""
    connector = a_connector(policy={"released_email": "gone-{user_id}@x.example"})
    closed = applied(a_team("ann"), status=CompanyStatus.INACTIVE)
    plan = a_plan(leavers=frozenset({"ann"}))
    made, goes = access_of(plan, closed, connector)
    assert in_short([made, goes]) == [
        ("create_user", "RELEASED", 0, {"role": "Junior Buyer"}),
        ("delete_user", "ann", 1, {}),
    ]
    assert isinstance(made, UserOperation)
    assert made.new is not None
    assert made.new.email == "gone-1@x.example"
    nobody = AppliedUser(store_id=2, fields=made.new)
    after = msgspec.structs.replace(closed, users={"RELEASED": nobody, **closed.users})
    assert access_of(plan, after, connector) == (goes,)
    assert access_of(plan, msgspec.structs.replace(after, users={"RELEASED": nobody}), connector) == ()
    assert access_of(plan, applied(a_team("ann")), connector)[0].action is Action.SET_STATUS


def test_nobody_is_removed_when_the_connector_leaves_contacts() -> None:
    """The policy of the connector file holds for leavers, too."""
    base = applied(a_team("ann", "bob"))
    plan = a_plan(leavers=frozenset({"bob"}))
    assert access_of(plan, base, a_connector(policy={"contact": "leave"})) == ()


def test_a_withdrawn_customers_successor_who_is_no_user_is_not_gone() -> None:
    """Somebody new follows the admin whose contact is another customer's now."""
    plan = a_plan(
        kind="unenroll", present={"dora": "user.dora@northwind.example"}, successors=(a_user("dora"), a_user("ACCOUNT"))
    )
    assert in_short(access_of(plan, applied(a_team("ann")), a_connector())) == [
        ("create_user", "dora", 0, ADMIN),
        ("delete_user", "ann", 1, {}),
    ]


# What becomes of the company of a customer that is not eligible any more.

STOPS = StatusOperation(
    action=Action.SET_STATUS, key="C001042", store_id=61427, new=CompanyStatus.INACTIVE, old=CompanyStatus.APPROVED
)
GOES = UserOperation(action=Action.DELETE_USER, key="bob", store_id=2, old=user_fields(a_user("bob")))


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
    ("policy", "status", "access", "expected"),
    [
        pytest.param("leave", 1, (GOES,), (GOES,), id="left: who has left goes"),
        pytest.param("leave", 1, (STOPS,), (STOPS,), id="left: without a successor of the admin it stops all the same"),
        pytest.param("deactivate", 1, (GOES,), (GOES, STOPS), id="deactivated: who has left goes first"),
        pytest.param("deactivate", 1, (STOPS,), (STOPS,), id="deactivated: it stops once"),
        pytest.param("deactivate", 3, (GOES,), (GOES,), id="deactivated already: who has left goes"),
    ],
)
def test_who_has_left_goes_when_the_company_is_withdrawn(
    policy: Any, status: int, access: tuple[Operation, ...], expected: tuple[Operation, ...]
) -> None:
    """People go first, then the company stops, once."""
    base = AppliedCompany(company_id=61427, status=CompanyStatus(status))
    assert diff_unenrolment("C001042", base, RemovalPolicy(customer=policy), access) == expected


def test_a_deleted_company_takes_its_people_with_it() -> None:
    """Nobody is removed one by one."""
    base = AppliedCompany(company_id=61427)
    operations = diff_unenrolment("C001042", base, RemovalPolicy(customer="delete"), (GOES,))
    assert in_short(operations) == [("delete_company", "C001042", 61427, {})]
