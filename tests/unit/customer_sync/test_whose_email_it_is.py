"""Whose each e-mail is where several customers want it: one answer, whoever asks first (docs/people.md#emails)."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.model.company import CompanyFields, CompanyStatus, CompanyUser, content_hash, user_fields
from customer_sync.model.operation import (
    Action,
    AppliedUser,
    CompanyOperation,
    Operation,
    StatusOperation,
    UserOperation,
)
from customer_sync.model.outcome import Finding, Reason
from customer_sync.planning.emails import (
    Stake,
    Staked,
    email_finding,
    email_freed,
    email_given,
    email_id,
    held_by,
    holders_of,
    kept_by_colleagues,
    lost_to,
    owner_of,
    rank_of,
    stakes_of,
    stakes_on_leaving,
)
from tests.unit.customer_sync.builders import a_customer, a_team, a_user, applied

MIA = email_id("mia@people.example")


def stake(customer_id: str, kind: Stake, rank: str = "") -> Staked:
    """Make what a customer has to do with Mia's e-mail."""
    return Staked(MIA, customer_id, f"contact of {customer_id}", kind, rank)


OURS, GOING, WITHDRAWN = stake("C1", Stake.OURS, "9"), stake("C2", Stake.GOING, "1"), stake("C3", Stake.WITHDRAWN, "1")
FIRST, LATER = stake("C5", Stake.CLAIMED, "2026-01"), stake("C4", Stake.CLAIMED, "2026-02")


@pytest.mark.parametrize(
    ("stakes", "owner"),
    [
        pytest.param([], None, id="nobody has to do with it"),
        pytest.param([GOING], None, id="who gives it up does not keep it"),
        pytest.param([GOING, WITHDRAWN], WITHDRAWN, id="nobody claims it: a withdrawn company keeps it"),
        pytest.param([WITHDRAWN, LATER], LATER, id="a claimant comes before a withdrawn company"),
        pytest.param([LATER, FIRST, GOING], FIRST, id="of two claimants the customer that was made first"),
        pytest.param([FIRST, LATER, OURS], OURS, id="who has it and keeps it comes before everybody"),
        pytest.param(
            [stake("C8", Stake.CLAIMED), stake("C7", Stake.CLAIMED)],
            stake("C7", Stake.CLAIMED),
            id="of two that were made at the same time the first number",
        ),
    ],
)
def test_an_email_goes_to_who_keeps_it_then_to_the_first_claimant(stakes: list[Staked], owner: Staked | None) -> None:
    """A holder that trades, then claimants in the order in which the customers were made, then a withdrawn holder."""
    assert owner_of(stakes) == owner


@given(st.permutations([OURS, GOING, WITHDRAWN, FIRST, LATER]), st.integers(0, 5))
def test_the_answer_does_not_depend_on_the_order_in_which_customers_are_read(stakes: list[Staked], count: int) -> None:
    """Batches, their order and retries change nothing."""
    found = stakes[:count]
    assert owner_of(found) == owner_of(sorted(found))


@pytest.mark.parametrize(
    ("customer_id", "stakes", "lost"),
    [
        pytest.param("C5", [], "", id="nobody else has to do with it"),
        pytest.param("C5", [FIRST, LATER], "", id="it is its own"),
        pytest.param("C4", [FIRST, LATER], "C5", id="another claimant was first"),
        pytest.param("C5", [FIRST, OURS], "C1", id="another one keeps it"),
        pytest.param("C9", [OURS], "C1", id="it claims nothing yet, and another one keeps it"),
        pytest.param("C9", [FIRST], "C5", id="it claims nothing yet, and another one claims it"),
        pytest.param("C9", [WITHDRAWN], "", id="it claims nothing yet, and only a withdrawn company has it"),
        pytest.param("C9", [GOING], "", id="it claims nothing yet, and the holder gives it up"),
        pytest.param("C2", [GOING, WITHDRAWN], "C3", id="it gives up what a withdrawn company has as well"),
    ],
)
def test_a_customer_learns_to_whom_it_lost_an_email(customer_id: str, stakes: list[Staked], lost: str) -> None:
    """The quarantine row names the customer that holds the e-mail."""
    assert lost_to(customer_id, stakes) == lost


def test_who_has_an_email_gives_it_up_first() -> None:
    """All who have it in the store but the one who gets it; claimants have nothing to give up."""
    assert holders_of("C5", [OURS, GOING, WITHDRAWN, FIRST, LATER]) == [OURS, GOING, WITHDRAWN]
    assert holders_of("C1", [OURS, GOING]) == [GOING]


@pytest.mark.parametrize(
    ("holder", "detail"),
    [
        ("C1", "the e-mail belongs to customer C1"),
        ("", "the e-mail belongs to a user of a company that is not ours"),
    ],
)
def test_a_contact_that_waits_names_who_holds_its_email(holder: str, detail: str) -> None:
    """Contact, field and holder; the hash says which state of the contact waits."""
    user = a_user("mia")
    assert email_finding(user, holder) == Finding(
        reason=Reason.EMAIL_IN_USE,
        entity="contact",
        key="mia",
        field="contact.email",
        detail=detail,
        hash=content_hash(user),
        holder=holder,
    )


def test_an_email_is_the_same_in_whatever_case_it_is_written() -> None:
    """The directory holds no e-mail, only what it is looked for by."""
    assert email_id("Mia@People.example") == MIA
    assert email_id("max@people.example") != MIA
    assert "mia" not in MIA
    assert len(MIA) == 16
    assert email_id("\ud800@people.example") != MIA


def test_customers_are_ordered_by_when_they_were_made_then_by_their_record() -> None:
    """Two of the same second are ordered by what never changes; without a record id the number is all there is."""
    older = a_customer("C2", created_at_utc="2026-01-01T00:00:00+00:00", record_id="b")
    younger = a_customer("C1", created_at_utc="2026-01-02T00:00:00+00:00", record_id="a")
    same = a_customer("C3", created_at_utc="2026-01-01T00:00:00+00:00", record_id="c")
    assert sorted([younger, same, older], key=rank_of) == [older, same, younger]
    assert rank_of(a_customer("C9", created_at_utc="2026", record_id="")) == "2026 C9"
    assert rank_of(older) == "2026-01-01T00:00:00+00:00 b"


# What one customer has and claims.

ANN, BOB, CLEO = (a_user(name) for name in ("ann", "bob", "cleo"))
REMOVES_BOB = UserOperation(action=Action.DELETE_USER, key="bob", store_id=2, old=user_fields(BOB))
CUSTOMER = a_customer(created_at_utc="2026", record_id="r")


def mine(user: CompanyUser, kind: Stake, key: str = "") -> Staked:
    """Make the customer's stake in a user's e-mail."""
    return Staked(email_id(user.email), "C001042", key or user.key, kind, "2026 r")


def test_a_customer_keeps_what_it_has_claims_what_it_wants_and_gives_up_the_rest() -> None:
    """Of users who stay, who are to come, and who go."""
    base = applied(a_team("ann", "bob"))
    assert stakes_of(CUSTOMER, (ANN, CLEO), base, (REMOVES_BOB,), ()) == [
        mine(ANN, Stake.OURS),
        mine(BOB, Stake.GOING),
        mine(CLEO, Stake.CLAIMED),
    ]


def test_a_customer_without_a_company_claims_everything() -> None:
    """It has nothing yet."""
    assert stakes_of(CUSTOMER, (ANN, BOB), None, (), ()) == [mine(ANN, Stake.CLAIMED), mine(BOB, Stake.CLAIMED)]


def test_who_is_refused_claims_nothing_and_keeps_the_email() -> None:
    """A contact that the store refused must not keep another customer from an e-mail, nor lose its own."""
    base = applied(a_team("ann"))
    moved = msgspec.structs.replace(ANN, email="new@people.example")
    assert stakes_of(CUSTOMER, (moved, CLEO), base, (), {"contact:ann", "contact:cleo"}) == [mine(ANN, Stake.OURS)]


def test_an_email_that_passes_to_a_colleague_stays_the_customers() -> None:
    """Its holder gives it up and a colleague gets it: no other customer can have it in between."""
    base = applied(a_team("ann", "bob"))
    heir = msgspec.structs.replace(CLEO, email=BOB.email.upper())
    assert stakes_of(CUSTOMER, (ANN, heir), base, (REMOVES_BOB,), ()) == [mine(ANN, Stake.OURS), mine(BOB, Stake.OURS)]


def test_who_gets_the_email_of_a_colleague_that_is_refused_waits() -> None:
    """A colleague whom the store refuses keeps the e-mail; one who is sent gives it up."""
    base = applied(a_team("ann", "bob"))
    users = (msgspec.structs.replace(CLEO, email=ANN.email.upper()), ANN, BOB)
    assert kept_by_colleagues(users, base, {"contact:ann"}) == [users[0]]
    assert kept_by_colleagues(users, base, {"contact:bob"}) == []
    assert kept_by_colleagues(users, base, ()) == []
    assert kept_by_colleagues(users, None, {"contact:ann"}) == []


@pytest.mark.parametrize(
    ("operations", "is_withdrawn", "ann", "bob"),
    [
        pytest.param((), False, Stake.OURS, Stake.OURS, id="it waits: it keeps what it has"),
        pytest.param((REMOVES_BOB,), False, Stake.OURS, Stake.GOING, id="it waits, and somebody has left"),
        pytest.param((), True, Stake.WITHDRAWN, Stake.WITHDRAWN, id="it is withdrawn: others come first"),
        pytest.param((REMOVES_BOB,), True, Stake.WITHDRAWN, Stake.GOING, id="it is withdrawn, and somebody has left"),
        pytest.param(
            (CompanyOperation(action=Action.DELETE_COMPANY, key="C001042", store_id=61427),),
            True,
            Stake.GOING,
            Stake.GOING,
            id="its company is deleted: all are free",
        ),
    ],
)
def test_a_customer_that_gets_nothing_claims_nothing(
    operations: tuple[Operation, ...], ann: Stake, bob: Stake, *, is_withdrawn: bool
) -> None:
    """Its users' e-mails are its own, on their way out, or free for whoever claims them."""
    base = applied(a_team("ann", "bob"))
    assert stakes_on_leaving(CUSTOMER, base, iter(operations), is_withdrawn=is_withdrawn) == [
        mine(ANN, ann),
        mine(BOB, bob),
    ]
    assert stakes_on_leaving(CUSTOMER, None, operations, is_withdrawn=is_withdrawn) == []


def update(*changed: str) -> UserOperation:
    """Change some fields of Bob, who gets Cleo's e-mail if that is one of them."""
    return UserOperation(
        action=Action.UPDATE_USER,
        key="bob",
        store_id=2,
        new=user_fields(CLEO),
        old=user_fields(BOB),
        changed=changed,
    )


COMPANY = CompanyFields(company_name="Northwind")


@pytest.mark.parametrize(
    ("operation", "freed", "given"),
    [
        pytest.param(REMOVES_BOB, BOB, None, id="a removal frees"),
        pytest.param(update("email", "role"), BOB, CLEO, id="another e-mail frees one and takes one"),
        pytest.param(update("role"), None, None, id="another role does neither"),
        pytest.param(
            UserOperation(action=Action.CREATE_USER, key="cleo", new=user_fields(CLEO)), None, CLEO, id="a new user"
        ),
        pytest.param(
            CompanyOperation(
                action=Action.CREATE_COMPANY, key="C1", new=COMPANY, admin=user_fields(ANN), admin_key="ann"
            ),
            None,
            ANN,
            id="a new company comes with its admin",
        ),
        pytest.param(
            CompanyOperation(action=Action.UPDATE_COMPANY, key="C1", new=COMPANY, old=COMPANY, changed=("city",)),
            None,
            None,
            id="a company's own e-mail is nobody's",
        ),
        pytest.param(
            StatusOperation(action=Action.SET_STATUS, key="C1", new=CompanyStatus.INACTIVE, old=CompanyStatus.APPROVED),
            None,
            None,
            id="a status does neither",
        ),
    ],
)
def test_an_operation_frees_and_takes_emails(
    operation: Operation, freed: CompanyUser | None, given: CompanyUser | None
) -> None:
    """By this a load sends what frees an e-mail before what takes it."""
    assert email_freed(operation) == (email_id(freed.email) if freed else "")
    assert email_given(operation) == (email_id(given.email) if given else "")


def test_a_company_holds_its_users_emails() -> None:
    """By contact; a company that does not exist holds none."""
    base = applied(a_team("ann"))
    former = AppliedUser(store_id=9, fields=user_fields(BOB))
    base = msgspec.structs.replace(base, users={**base.users, "bob (former)": former})
    assert held_by(base) == {email_id(ANN.email): "ann", email_id(BOB.email): "bob (former)"}
    assert held_by(None) == {}
