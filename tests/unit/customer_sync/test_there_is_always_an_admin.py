"""Who is the admin when contacts wait or leave: somebody, or the company does not trade (docs/people.md#admin)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest

from customer_sync.model.company import Company, CompanyStatus, CompanyUser, user_fields
from customer_sync.model.operation import Action, AppliedCompany, CompanyOperation, UserOperation
from customer_sync.planning.diff import diff_company, is_late, seat_users
from customer_sync.settings.mapping import RemovalPolicy
from tests.unit.customer_sync.builders import a_company, a_team, a_user, applied, in_short

DELETE = RemovalPolicy()
LEAVE = RemovalPolicy(customer="leave", contact="leave", location="leave")
ACCOUNT = a_user("ACCOUNT", role="Some role")
ADMIN, JUNIOR = {"role": "Admin"}, {"role": "Junior Buyer"}
TRADES, CLOSED = {"status": 1}, {"status": 3}


class Case(NamedTuple):
    """A company, what the source says of its people, and what follows from it.

    Attributes:
        store: The people of the company, the admin first; ids in the store count up from 1.
        desired: Who is to be a user, the admin first.
        waiting: Whose contact the store refused, so that it must not be sent.
        expected: Action, key, id and values of each operation.
        successors: Who may be the admin beside them.
        policy: What happens to who is withdrawn.
        changes: What is different in the store from the plain company.
        taken: Whose e-mail is to be another customer's.
    """

    store: tuple[str, ...]
    desired: tuple[str, ...]
    waiting: tuple[str, ...]
    expected: list[tuple[str, str, int, dict[str, Any]]]
    successors: tuple[CompanyUser, ...] = ()
    policy: RemovalPolicy = DELETE
    changes: Mapping[str, Any] = MappingProxyType({})
    taken: tuple[str, ...] = ()


CASES = {
    "somebody new is to be admin and waits: the present one stays": Case(
        ("ann", "bob"), ("cleo", "ann", "bob"), ("cleo",), []
    ),
    "the admin left and the next one waits: a colleague is promoted before the admin goes": Case(
        ("leaver", "bob"),
        ("cleo", "bob"),
        ("cleo",),
        [("update_user", "bob", 2, ADMIN), ("delete_user", "leaver", 1, {})],
    ),
    "the admin left and the next one waits: somebody new is made admin": Case(
        ("leaver",),
        ("cleo", "dora", "erik"),
        ("cleo",),
        [
            ("create_user", "dora", 0, ADMIN),
            ("create_user", "erik", 0, JUNIOR),
            ("delete_user", "leaver", 1, {}),
        ],
    ),
    "who waits is passed over, wherever in the order": Case(
        ("leaver",),
        ("cleo", "dora", "erik"),
        ("cleo", "dora"),
        [("create_user", "erik", 0, ADMIN), ("delete_user", "leaver", 1, {})],
    ),
    "the admin left and everybody waits: the account is made admin": Case(
        ("leaver",),
        ("cleo",),
        ("cleo",),
        [("create_user", "ACCOUNT", 0, ADMIN), ("delete_user", "leaver", 1, {})],
        successors=(a_user("cleo"), ACCOUNT),
    ),
    "the account is passed over when it waits, too": Case(
        ("leaver",),
        ("cleo",),
        ("cleo", "ACCOUNT"),
        [("set_company_status", "C001042", 61427, CLOSED)],
        successors=(ACCOUNT,),
    ),
    "the account is admin already and stays it while everybody waits": Case(
        ("ACCOUNT",), ("cleo",), ("cleo",), [], successors=(ACCOUNT,)
    ),
    "nobody may follow: the admin stays, a junior leaver goes, and the company stops trading": Case(
        ("leaver", "gone"),
        ("cleo",),
        ("cleo",),
        [("set_company_status", "C001042", 61427, CLOSED), ("delete_user", "gone", 2, {})],
    ),
    "nobody may follow, and the company does not trade already": Case(
        ("leaver",), ("cleo",), ("cleo",), [], changes={"status": CompanyStatus.INACTIVE}
    ),
    "a successor came: the company trades again": Case(
        ("leaver",),
        ("cleo",),
        (),
        [
            ("set_company_status", "C001042", 61427, TRADES),
            ("create_user", "cleo", 0, ADMIN),
            ("delete_user", "leaver", 1, {}),
        ],
        changes={"status": CompanyStatus.INACTIVE},
    ),
    "nobody may follow, and nobody is removed by the policy: all stays as it is": Case(
        ("leaver",), ("cleo",), ("cleo",), [], policy=LEAVE
    ),
    "a junior leaver goes while the admin waits with a change": Case(
        ("ann", "gone"), ("ann",), ("ann",), [("delete_user", "gone", 2, {})]
    ),
    "the admin waits with a change and stays the admin": Case(("ann", "bob"), ("ann", "bob"), ("ann",), []),
    "the next admin waits as a junior: the present one stays": Case(("bob", "ann"), ("ann", "bob"), ("ann",), []),
    "the next admin waits as a junior and the present one left: a colleague follows": Case(
        ("leaver", "ann", "bob"),
        ("ann", "bob"),
        ("ann",),
        [("update_user", "bob", 3, ADMIN), ("delete_user", "leaver", 1, {})],
    ),
    "whose e-mail is another customer's is not made": Case(("ann",), ("ann", "bob"), (), [], taken=("bob",)),
    "whose e-mail is another customer's goes": Case(
        ("ann", "bob"), ("ann", "bob"), (), [("delete_user", "bob", 2, {})], taken=("bob",)
    ),
    "the admin's e-mail is another customer's: the next contact is promoted before the admin goes": Case(
        ("ann", "bob"),
        ("ann", "bob"),
        (),
        [("update_user", "bob", 2, ADMIN), ("delete_user", "ann", 1, {})],
        taken=("ann",),
    ),
    "the next admin's e-mail is another customer's: the one after it is made": Case(
        ("leaver",),
        ("ann", "bob", "cleo"),
        (),
        [
            ("create_user", "bob", 0, ADMIN),
            ("create_user", "cleo", 0, JUNIOR),
            ("delete_user", "leaver", 1, {}),
        ],
        taken=("ann",),
    ),
    "all e-mails are another customer's: the account is made": Case(
        ("ann",),
        ("ann",),
        (),
        [("create_user", "ACCOUNT", 0, ADMIN), ("delete_user", "ann", 1, {})],
        successors=(ACCOUNT,),
        taken=("ann",),
    ),
    "one e-mail is another customer's, the other contact waits: the account is made": Case(
        ("leaver",),
        ("ann", "bob"),
        ("bob",),
        [("create_user", "ACCOUNT", 0, ADMIN), ("delete_user", "leaver", 1, {})],
        successors=(ACCOUNT,),
        taken=("ann",),
    ),
    "all e-mails are another customer's, the account's, too: the company stops trading": Case(
        ("ann", "bob"),
        ("ann", "bob"),
        (),
        [("set_company_status", "C001042", 61427, CLOSED), ("delete_user", "bob", 2, {})],
        successors=(ACCOUNT,),
        taken=("ann", "bob", "ACCOUNT"),
    ),
    "all e-mails are another customer's, and it does not trade already": Case(
        ("ann",), ("ann",), (), [], changes={"status": CompanyStatus.INACTIVE}, taken=("ann",)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_company_has_an_admin_or_does_not_trade(case: Case) -> None:
    """First whoever follows, then whoever goes; where nobody may follow the last admin stays and the company stops."""
    base = applied(a_team(*case.store), **case.changes)
    held = [f"contact:{name}" for name in case.waiting] + [f"email:{name}" for name in case.taken]
    operations = diff_company(a_team(*case.desired), base, case.policy, held, case.successors)
    assert in_short(operations) == case.expected


def test_a_second_admin_goes_while_everybody_else_waits() -> None:
    """A colleague who waits and is admin in the store is enough: nothing closes, and who has left goes."""
    two_admins = a_company(users=(a_user("bob"), a_user("leaver")))
    desired = a_team("ann", "bob")
    operations = diff_company(desired, applied(two_admins), DELETE, ["contact:ann", "contact:bob"])
    assert in_short(operations) == [("delete_user", "leaver", 2, {})]


def test_a_company_that_has_no_admin_and_gets_none_stops_trading() -> None:
    """Whose e-mail is another customer's goes, and nobody is left to answer for the company."""
    base = applied(a_company(users=(a_user("ann", role="Junior Buyer"),)))
    assert in_short(diff_company(a_team("ann"), base, DELETE, ["email:ann"])) == [
        ("set_company_status", "C001042", 61427, CLOSED),
        ("delete_user", "ann", 1, {}),
    ]
    empty = applied(a_company(users=()))
    assert in_short(diff_company(a_team("ann"), empty, DELETE, ["email:ann"])) == [
        ("set_company_status", "C001042", 61427, CLOSED)
    ]


def new_company(*waiting: str, successors: tuple[CompanyUser, ...] = ()) -> list[tuple[str, str]]:
    """Give who is made with a new company and who after it, and in which role."""
    operations = diff_company(a_team("ann", "bob", "cleo"), None, DELETE, waiting, successors)
    made: list[tuple[str, str]] = []
    for operation in operations:
        if isinstance(operation, CompanyOperation):
            assert operation.action is Action.CREATE_COMPANY
            assert operation.admin is not None
            made.append((operation.admin_key, operation.admin.role))
        if isinstance(operation, UserOperation):
            assert operation.new is not None
            made.append((operation.key, operation.new.role))
    return made


@pytest.mark.parametrize(
    ("waiting", "successors", "made"),
    [
        pytest.param(
            (),
            (),
            [("ann", "Admin"), ("bob", "Junior Buyer"), ("cleo", "Junior Buyer")],
            id="nobody waits: the primary contact comes with the company",
        ),
        pytest.param(
            ("contact:ann",),
            (),
            [("bob", "Admin"), ("cleo", "Junior Buyer")],
            id="the primary contact waits: the next one comes with the company, and is made once",
        ),
        pytest.param(
            ("contact:bob",), (), [("ann", "Admin"), ("cleo", "Junior Buyer")], id="a colleague waits: the others come"
        ),
        pytest.param(
            ("contact:ann", "contact:bob", "contact:cleo"),
            (ACCOUNT,),
            [("ACCOUNT", "Admin")],
            id="everybody waits: the account comes with the company",
        ),
        pytest.param(
            ("email:ann", "contact:bob"),
            (),
            [("cleo", "Admin")],
            id="an e-mail is another customer's and a colleague waits: the next one comes with the company",
        ),
        pytest.param(
            ("email:ann", "email:bob", "email:cleo"),
            (ACCOUNT,),
            [("ACCOUNT", "Admin")],
            id="all e-mails are another customer's: the account comes with the company",
        ),
        pytest.param(
            ("email:ann", "email:bob", "email:cleo", "email:ACCOUNT"),
            (ACCOUNT,),
            [],
            id="all e-mails are another customer's, the account's, too: no company is made",
        ),
        pytest.param(
            ("contact:ann", "contact:bob", "contact:cleo"), (), [], id="nobody can be the admin: no company is made"
        ),
        pytest.param(("customer:",), (ACCOUNT,), [], id="the company itself waits: nobody is made"),
    ],
)
def test_a_new_company_comes_with_the_first_admin_that_the_store_takes(
    waiting: tuple[str, ...], successors: tuple[CompanyUser, ...], made: list[tuple[str, str]]
) -> None:
    """One person's e-mail keeps no company out; without an admin there is none."""
    assert new_company(*waiting, successors=successors) == made


def seat(desired: Company, base: AppliedCompany, *waiting: str) -> CompanyUser | None:
    """Give who is to be the admin."""
    return seat_users(desired, base, frozenset(waiting)).admin


def test_the_admin_in_waiting_is_seated_with_the_connectors_role() -> None:
    """The role of the primary contact goes to whoever is admin in its place, and to nobody else."""
    desired = a_company(users=(a_user("ann", role="Lead"), a_user("bob", role="Buyer"), a_user("cleo", role="Buyer")))
    base = applied(a_company(users=(a_user("bob", role="Buyer"),)))
    seats = seat_users(desired, base, frozenset({"contact:ann"}))
    assert seats.role == "Lead"
    assert seats.admin == a_user("bob", role="Lead")
    assert {key: user.role for key, user in seats.users.items()} == {"ann": "Lead", "bob": "Lead", "cleo": "Buyer"}
    assert seats.have == base.users
    assert seat(desired, base) == desired.users[0]
    assert seat(desired, base, "contact:ann", "contact:bob", "contact:cleo") is None


def test_promotions_come_first_and_removals_last() -> None:
    """Promote, then change and make, then demote, then remove."""
    before = a_team("ann", "bob", "cleo", "leaver")
    users = {user.key: user for user in a_team("bob", "ann", "cleo", "dora").users}
    users["cleo"] = msgspec.structs.replace(users["cleo"], last_name="Ito")
    operations = diff_company(a_company(users=tuple(users.values())), applied(before), DELETE)
    assert in_short(operations) == [
        ("update_user", "bob", 2, ADMIN),
        ("update_user", "cleo", 3, {"last_name": "Ito"}),
        ("create_user", "dora", 0, JUNIOR),
        ("update_user", "ann", 1, JUNIOR),
        ("delete_user", "leaver", 4, {}),
    ]
    assert [is_late(operation, "Admin") for operation in operations] == [False, False, False, True, True]


@pytest.mark.parametrize("handed_over", ["user.ann@northwind.example", "User.ANN@northwind.example"])
def test_an_email_is_free_before_its_owner_is_demoted_when_a_colleague_takes_it_over(handed_over: str) -> None:
    """The colleague may be the next admin, and can be that only once the e-mail is free."""
    before = a_team("ann", "bob")
    desired = a_company(
        users=(a_user("bob", email=handed_over), a_user("ann", email="new@northwind.example", role="Junior Buyer"))
    )
    ann = user_fields(before.users[0])
    bob = user_fields(before.users[1])
    operations = diff_company(desired, applied(before), DELETE)
    assert operations == (
        UserOperation(
            action=Action.UPDATE_USER,
            key="bob",
            store_id=2,
            new=user_fields(desired.users[0]),
            old=bob,
            changed=("email", "role"),
        ),
        UserOperation(
            action=Action.UPDATE_USER,
            key="ann",
            store_id=1,
            new=msgspec.structs.replace(ann, email="new@northwind.example"),
            old=ann,
            changed=("email",),
        ),
        UserOperation(
            action=Action.UPDATE_USER,
            key="ann",
            store_id=1,
            new=user_fields(desired.users[1]),
            old=ann,
            changed=("role",),
        ),
    )
    assert [is_late(operation, "Admin") for operation in operations] == [False, False, True]


def test_an_email_changes_with_the_demotion_when_nobody_takes_it_over() -> None:
    """One request is enough; it comes last."""
    desired = a_company(users=(a_user("bob"), a_user("ann", email="new@northwind.example", role="Junior Buyer")))
    operations = diff_company(desired, applied(a_team("ann", "bob")), DELETE)
    assert in_short(operations) == [
        ("update_user", "bob", 2, ADMIN),
        ("update_user", "ann", 1, {"email": "new@northwind.example", **JUNIOR}),
    ]
