"""People come, wait and leave in any combination: somebody is admin at every moment, or the company does not trade."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.model.company import Company, CompanyStatus, CompanyUser
from customer_sync.model.operation import Action, AppliedCompany, Operation, part_of
from customer_sync.planning.access import diff_access
from customer_sync.planning.diff import diff_company
from customer_sync.settings.mapping import RemovalPolicy
from tests.properties.store_model import apply_operations
from tests.properties.strategies import companies

DELETE = RemovalPolicy()
ACCOUNT = CompanyUser(key="ACCOUNT", email="office@northwind.example", role="Admin")
contacts = st.sets(st.sampled_from("123456"))
accounts = st.sampled_from([(), (ACCOUNT,)])


def made(desired: Company) -> AppliedCompany:
    """Make a company from nothing."""
    state = apply_operations(None, diff_company(desired, None, DELETE))
    assert state is not None
    return state


def admins(state: AppliedCompany) -> list[str]:
    """Give the keys of a company's admins."""
    return [key for key, record in state.users.items() if record.fields.role == "Admin"]


def step_by_step(state: AppliedCompany, operations: Iterable[Operation]) -> AppliedCompany:
    """Apply one operation after another; there is an admin after each."""
    for operation in operations:
        after = apply_operations(state, [operation])
        assert after is not None
        assert admins(after), "the company is without an admin"
        state = after
    return state


@given(companies(), companies(), contacts, accounts)
def test_somebody_is_admin_at_every_moment_whoever_waits(
    old: Company, new: Company, waiting: set[str], successors: tuple[CompanyUser, ...]
) -> None:
    """What waits is not touched, everything else is done once, and without a successor the company stops trading."""
    held = {f"contact:{key}" for key in waiting}
    before = made(old)
    operations = diff_company(new, before, DELETE, held, successors)
    assert not held & {part_of(operation) for operation in operations}
    after = step_by_step(before, operations)
    assert diff_company(new, after, DELETE, held, successors) == ()
    desired = {user.key for user in new.users} | {user.key for user in successors}
    assert (after.status == CompanyStatus.INACTIVE) is not desired.intersection(admins(after))


@given(companies(), contacts, accounts)
def test_a_new_company_is_made_when_anybody_can_be_its_admin(
    desired: Company, waiting: set[str], successors: tuple[CompanyUser, ...]
) -> None:
    """It comes with an admin and gets everybody who does not wait; without an admin nothing is made."""
    held = {f"contact:{key}" for key in waiting}
    operations = diff_company(desired, None, DELETE, held, successors)
    able = [user.key for user in desired.users if user.key not in waiting]
    if not able and not successors:
        assert operations == ()
        return
    state = apply_operations(None, operations)
    assert state is not None
    assert list(state.users) == (able or ["ACCOUNT"])
    assert admins(state) == (able[:1] or ["ACCOUNT"])


def whose(keys: set[str]) -> Callable[[str], bool]:
    """Give whether a contact is one of these."""
    return lambda key: key in keys


@given(companies(), contacts, contacts, accounts)
def test_who_has_left_is_gone_and_nobody_else_is_touched(
    old: Company, leaving: set[str], able: set[str], others: tuple[CompanyUser, ...]
) -> None:
    """Of a customer that waits: leavers go, a successor is promoted or made where the last admin goes; that is all."""
    before = made(old)
    candidates = tuple(
        CompanyUser(key=key, email=f"next.{key}@northwind.example", role="Junior Buyer") for key in sorted(able)
    )
    operations = diff_access("C1", before, DELETE, whose(leaving), "Admin", (*candidates, *others))
    after = step_by_step(before, operations)
    rest = diff_access("C1", after, DELETE, whose(leaving), "Admin", (*candidates, *others))
    stay = before.users.keys() - leaving
    if after.status == CompanyStatus.INACTIVE:
        assert after == msgspec.structs.replace(before, status=CompanyStatus.INACTIVE)
        assert not (able - leaving)
        assert not others
        closed = step_by_step(after, rest)
        assert diff_access("C1", closed, DELETE, whose(leaving), "Admin", (*candidates, *others)) == ()
        assert closed.users.keys() == stay or (not stay and len(closed.users) == 1)
        assert admins(closed)
        return
    assert rest == ()
    assert stay <= after.users.keys()
    assert not leaving & after.users.keys()
    given = [operation for operation in operations if operation.action is not Action.DELETE_USER]
    assert len(given) == (1 if operations and not stay.intersection(admins(before)) else 0)
    changed = [key for key in stay if after.users[key] != before.users[key]]
    assert changed == [operation.key for operation in given if operation.action is Action.UPDATE_USER]
