"""The plan: complete, minimal, and blind to the order of things."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.model.company import Company, CompanyStatus, company_fields, user_fields
from customer_sync.model.operation import Action, AppliedCompany, CustomerPlan
from customer_sync.planning.diff import diff_company, diff_unenrolment, is_late
from customer_sync.settings.mapping import RemovalPolicy
from tests.properties.store_model import apply_operations
from tests.properties.strategies import companies

DELETE = RemovalPolicy(contact="delete", location="delete")
LEAVE = RemovalPolicy(contact="leave", location="leave")
policies = st.sampled_from([DELETE, LEAVE])


def after(desired: Company, state: AppliedCompany | None, policy: RemovalPolicy) -> AppliedCompany:
    """Apply a desired state to what is there."""
    result = apply_operations(state, diff_company(desired, state, policy))
    assert result is not None
    return result


@given(companies(), policies)
def test_nothing_is_left_to_do_when_all_was_done(desired: Company, policy: RemovalPolicy) -> None:
    """diff(x, applied(x)) is empty, from nothing on."""
    assert diff_company(desired, after(desired, None, policy), policy) == ()


@given(companies(), companies(), policies)
def test_the_operations_lead_from_any_state_to_the_desired_one(
    old: Company, new: Company, policy: RemovalPolicy
) -> None:
    """apply(diff(desired, applied), applied) equals the desired state in everything that it names."""
    state = after(new, after(old, None, policy), policy)
    assert state.fields == company_fields(new)
    users = {record.fields.email: record.fields for record in state.users.values()}
    for user in new.users:
        assert users[user.email] == user_fields(user)
    for address in new.addresses:
        assert state.addresses[address.external_id].fields == address
    if policy is DELETE:
        assert len(state.users) == len(new.users)
        assert set(state.addresses) == {address.external_id for address in new.addresses}
    assert new.payment_methods.items() <= state.payment_methods.items()
    if new.payment_terms is not None:
        assert state.payment_terms == new.payment_terms
    assert diff_company(new, state, policy) == ()


@given(companies(), companies())
def test_nothing_is_taken_away_when_the_policy_says_leave(old: Company, new: Company) -> None:
    """Under ``leave`` there is no deletion at all."""
    actions = {operation.action for operation in diff_company(new, after(old, None, LEAVE), LEAVE)}
    assert not actions & {Action.DELETE_USER, Action.DELETE_ADDRESS, Action.DELETE_COMPANY}


@given(companies(), companies(), policies)
def test_taking_comes_after_giving(old: Company, new: Company, policy: RemovalPolicy) -> None:
    """Within the users every promotion and creation stands before every demotion and removal."""
    operations = [
        operation
        for operation in diff_company(new, after(old, None, policy), policy)
        if operation.action.endswith("_user")
    ]
    lateness = [is_late(operation, new.users[0].role) for operation in operations if operation.action != "create_user"]
    assert lateness == sorted(lateness)
    promotions = [n for n, operation in enumerate(operations) if operation.values.get("role") == "Admin"]
    removals = [n for n, operation in enumerate(operations) if operation.action is Action.DELETE_USER]
    assert not promotions or not removals or max(promotions) < min(removals)


@given(companies(), companies(), policies)
def test_what_the_ledger_does_not_know_is_never_touched(old: Company, new: Company, policy: RemovalPolicy) -> None:
    """Operations name store ids of the ledger or make something new; nothing else in the store can be hit."""
    state = after(old, None, policy)
    known = {
        state.company_id,
        *(record.store_id for part in (state.users, state.addresses) for record in part.values()),
    }
    for operation in diff_company(new, state, policy):
        creates = operation.action in {Action.CREATE_USER, Action.CREATE_ADDRESS}
        assert (operation.store_id == 0) is creates
        assert creates or operation.store_id in known


@given(companies(), companies(), st.data())
def test_the_order_of_users_and_addresses_does_not_matter(old: Company, new: Company, data: st.DataObject) -> None:
    """The same people and places in another order need the same operations; only the admin comes first."""
    state = after(old, None, DELETE)
    others = data.draw(st.permutations(new.users[1:]))
    places = data.draw(st.permutations(new.addresses))
    shuffled = msgspec.structs.replace(new, users=(new.users[0], *others), addresses=tuple(places))

    def as_set(company: Company) -> set[bytes]:
        return {msgspec.json.encode(operation, order="sorted") for operation in diff_company(company, state, DELETE)}

    assert as_set(shuffled) == as_set(new)


@given(companies(), companies())
def test_before_holds_what_was_applied(old: Company, new: Company) -> None:
    """The log's old value is what we last wrote."""
    state = after(old, None, DELETE)
    by_id = {
        (part is state.addresses, record.store_id): msgspec.structs.asdict(record.fields)
        for part in (state.users, state.addresses)
        for record in part.values()
    }
    for operation in diff_company(new, state, DELETE):
        if operation.action is Action.UPDATE_COMPANY:
            for name, value in operation.before.items():
                have = getattr(state.fields, name)
                assert value == have or value.items() <= have.items()
        elif operation.action in {Action.UPDATE_USER, Action.UPDATE_ADDRESS}:
            fields = by_id[(operation.action is Action.UPDATE_ADDRESS, operation.store_id)]
            assert operation.before == {name: fields[name] for name in operation.values}


@given(companies(), st.sampled_from(["leave", "deactivate", "delete"]), st.integers(0, 3))
def test_unenrolment_happens_once(desired: Company, policy: str, status: int) -> None:
    """After the policy was carried out there is nothing left of it to do."""
    rules = RemovalPolicy.model_validate({"customer": policy})
    state = msgspec.structs.replace(after(desired, None, DELETE), status=CompanyStatus(status))
    left = apply_operations(state, diff_unenrolment("C1", state, rules))
    assert (left is None) is (policy == "delete")
    assert left is None or diff_unenrolment("C1", left, rules) == ()


@given(companies(), st.sampled_from([0, 2, 3]))
def test_a_company_that_comes_back_keeps_its_id(desired: Company, status: int) -> None:
    """Un-enrolled and enrolled again: the same company, approved, nothing made anew."""
    state = msgspec.structs.replace(after(desired, None, DELETE), status=CompanyStatus(status))
    operations = diff_company(desired, state, DELETE)
    assert [operation.action for operation in operations] == [Action.SET_STATUS]
    back = apply_operations(state, operations)
    assert back is not None
    assert (back.company_id, back.status) == (state.company_id, 1)


@given(st.lists(companies(), min_size=2, max_size=6), st.data())
def test_the_plans_hash_does_not_depend_on_batches_or_their_order(found: list[Company], data: st.DataObject) -> None:
    """Hashes add up, so a plan that was approved is recognised however the run was cut into batches."""
    plans = [
        CustomerPlan(customer_id=f"C{number}", kind="sync", operations=diff_company(company, None, DELETE))
        for number, company in enumerate(found)
    ]
    whole = sum(plan.plan_hash() for plan in plans) % 2**128
    shuffled = data.draw(st.permutations(plans))
    cut = data.draw(st.integers(0, len(plans)))
    parts = [sum(plan.plan_hash() for plan in part) % 2**128 for part in (shuffled[:cut], shuffled[cut:])]
    assert sum(parts) % 2**128 == whole
