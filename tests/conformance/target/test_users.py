from __future__ import annotations

import pytest
from msgspec.structs import replace

from customer_sync.errors import ConfigError, NotFound, RecordRejected
from customer_sync.model.company import USER_FIELDS
from customer_sync.model.operation import Action
from customer_sync.targets.port import Order, Target
from tests.conformance.records import Records

TEXTS = [name for name in USER_FIELDS if name not in {"role", "email", "storefronts", "extra_fields"}]
OTHER = {"first_name": "Jürgen", "last_name": "O'Größe-Nuñez", "phone_number": "+49 30 901820"}
NOBODY = 2_000_000_000


def test_a_user_is_created_as_it_was_sent(records: Records) -> None:
    """Every field reads back, with the contact's id as key and the company that it belongs to."""
    company_id = records.make_company().id
    made = records.make_user(company_id)
    assert made.fields == records.user()
    assert made.key == "contact-ann"
    assert made.company_id == company_id


def test_a_creation_answers_with_the_id(records: Records) -> None:
    """The id of a single creation is always known."""
    assert records.send(records.new_user(records.make_company().id)) == [records.user_named("ann").id]


def test_a_user_without_a_phone_is_created(records: Records) -> None:
    """What a person lacks is left out, not refused."""
    made = records.make_user(records.make_company().id, phone_number="")
    assert made.fields.phone_number == ""


def test_a_user_may_have_any_role_of_the_store(records: Records) -> None:
    """Every role of the facts can be given."""
    company_id = records.make_company().id
    for number, role in enumerate(records.roles()):
        assert records.make_user(company_id, f"user{number}", role=role).fields.role == role


def test_an_unknown_role_is_refused(target: Target, records: Records) -> None:
    """A role that the store lacks gives nobody access."""
    company_id = records.make_company().id
    with pytest.raises((ConfigError, RecordRejected)):
        records.send(records.new_user(company_id, role="Astronaut"))
    assert target.user_by_email(records.email("ann")) is None


@pytest.mark.parametrize("rows", [2, "most"])
def test_users_are_created_in_bulk(target: Target, records: Records, rows: int | str) -> None:
    """Every row becomes one user; ids are in the order of the rows, or not told at all."""
    most = target.cost(Action.CREATE_USER).rows
    names = [f"user{number}" for number in range(most if rows == "most" else min(2, most))]
    company_id = records.make_company().id
    before = target.requests_used().total
    ids = records.send(*(records.new_user(company_id, name) for name in names))
    assert target.requests_used().total == before + 1
    found = [records.user_named(name).id for name in names]
    assert ids in (found, [None] * len(names))


def test_users_of_several_companies_are_created_together(target: Target, records: Records) -> None:
    """Rows of one request may belong to different companies."""
    if target.cost(Action.CREATE_USER).rows > 1:
        companies = [records.make_company(name).id for name in ("A", "B")]
        records.send(*(records.new_user(each, f"user{each}") for each in companies))
        assert [records.user_named(f"user{each}").company_id for each in companies] == companies


@pytest.mark.parametrize("problem", ["taken e-mail", "twice in one request", "no first name"])
def test_a_refused_row_of_a_bulk_creation_does_what_the_cost_says(
    target: Target, records: Records, problem: str
) -> None:
    """All or nothing, or row by row: as ``cost`` says, and the refused row is never made."""
    cost = target.cost(Action.CREATE_USER)
    company_id = records.make_company().id
    names = [f"user{number}" for number in range(cost.rows)]
    orders = [records.new_user(company_id, name) for name in names]
    bad = {
        "taken e-mail": {"email": records.email("boss-a")},
        "twice in one request": {"email": records.email(names[0] if cost.rows > 1 else "boss-a")},
        "no first name": {"first_name": ""},
    }[problem]
    orders[-1] = records.new_user(company_id, names[-1], **bad)
    with pytest.raises(RecordRejected) as refusal:
        records.send(*orders)
    assert refusal.value.is_email_taken is (problem != "no first name")
    kept = [target.user_by_email(records.email(name)) is not None for name in names]
    assert kept == [not cost.is_atomic] * (len(names) - 1) + [False]
    if problem == "taken e-mail":
        assert set(refusal.value.row_errors) <= {len(names) - 1}


@pytest.mark.parametrize("form", ["the same", "upper"])
@pytest.mark.parametrize("where", ["own company", "other company"])
def test_an_email_that_a_user_has_is_refused_as_taken(records: Records, where: str, form: str) -> None:
    """An e-mail belongs to one user of the whole store, however it is written."""
    first, second = records.make_company("A"), records.make_company("B")
    holder = records.make_user(first.id)
    email = holder.fields.email if form == "the same" else holder.fields.email.upper()
    company_id = first.id if where == "own company" else second.id
    with pytest.raises(RecordRejected) as refusal:
        records.send(records.new_user(company_id, "else", email=email))
    assert refusal.value.is_email_taken
    assert records.user_named("ann") == holder


def test_a_user_of_a_company_that_is_gone_is_not_found(target: Target, records: Records) -> None:
    """A caller learns that the company does not exist, and no user is left without one."""
    with pytest.raises(NotFound):
        records.send(records.new_user(NOBODY))
    assert target.user_by_email(records.email("ann")) is None


@pytest.mark.parametrize("name", TEXTS)
def test_an_update_changes_one_field_and_no_other(records: Records, name: str) -> None:
    """An update is partial: what it does not name stays."""
    have = records.make_user(records.make_company().id)
    records.send(records.user_change(have, **{name: OTHER[name]}))
    now = records.user_named("ann")
    assert now.fields == replace(have.fields, **{name: OTHER[name]})
    assert (now.id, now.company_id, now.key) == (have.id, have.company_id, have.key)


def test_an_update_changes_the_email(target: Target, records: Records) -> None:
    """The user goes by the new e-mail, and the former is free."""
    company_id = records.make_company().id
    have = records.make_user(company_id)
    records.send(records.user_change(have, email=records.email("new")))
    assert records.user_named("new").id == have.id
    assert target.user_by_email(have.fields.email) is None
    assert records.make_user(company_id).id != have.id


def test_an_update_to_an_email_that_differs_in_case_is_no_conflict(target: Target, records: Records) -> None:
    """A user does not stand in its own way."""
    have = records.make_user(records.make_company().id)
    records.send(records.user_change(have, email=have.fields.email.upper()))
    now = target.user(have.id)
    assert now is not None
    assert now.fields.email.casefold() == have.fields.email.casefold()


def test_an_update_to_a_taken_email_is_refused(records: Records) -> None:
    """Both users keep what they have."""
    company_id = records.make_company().id
    first, second = records.make_user(company_id, "ann"), records.make_user(company_id, "bob")
    with pytest.raises(RecordRejected) as refusal:
        records.send(records.user_change(second, email=first.fields.email))
    assert refusal.value.is_email_taken
    assert (records.user_named("ann"), records.user_named("bob")) == (first, second)


def test_an_update_changes_the_role(records: Records) -> None:
    """A person is promoted and demoted by name of the role."""
    first, second, *_ = records.roles()
    have = records.make_user(records.make_company().id, role=first)
    for role in (second, first):
        records.send(records.user_change(have, role=role))
        assert records.user_named("ann").fields == replace(have.fields, role=role)


@pytest.mark.parametrize("name", TEXTS)
def test_a_field_that_can_be_cleared_reads_back_empty(target: Target, records: Records, name: str) -> None:
    """What the field table calls clearable is empty after an update to nothing; the rest is refused and stays."""
    have = records.make_user(records.make_company().id)
    order = records.user_change(have, **{name: ""})
    if target.limits.fields.user[name].can_clear:
        records.send(order)
        assert getattr(records.user_named("ann").fields, name) == ""
    else:
        with pytest.raises((RecordRejected, ValueError)):
            records.send(order)
        assert records.user_named("ann").fields == have.fields


def test_a_first_user_gets_its_key_with_an_update(records: Records) -> None:
    """The user that came with a company can be tied to its contact afterwards."""
    records.make_company()
    have = records.user_named("boss-a")
    order = records.user_change(have, last_name="Keyed")
    records.send(Order(replace(order.operation, key="contact-77"), order.company_id))
    assert records.user_named("boss-a").key == "contact-77"


def test_an_update_of_a_user_that_is_gone_is_not_found(records: Records) -> None:
    """A caller learns that its record does not exist."""
    have = records.make_user(records.make_company().id)
    records.send(records.user_end(have))
    with pytest.raises(NotFound):
        records.send(records.user_change(have, last_name="Ghost"))


def test_a_user_cannot_move_to_another_company(target: Target, records: Records) -> None:
    """An update never takes a person to another company, unless the limits say that it can."""
    first, second = records.make_company("A"), records.make_company("B")
    have = records.make_user(first.id)
    order = records.user_change(have, last_name="Moved")
    if not target.limits.user_can_move:
        records.send(Order(order.operation, second.id))
        assert records.user_named("ann").company_id == first.id


def test_a_deleted_user_is_gone_and_its_email_free(target: Target, records: Records) -> None:
    """Nobody signs in with it, and another company may have it."""
    first, second = records.make_company("A"), records.make_company("B")
    have = records.make_user(first.id)
    records.send(records.user_end(have))
    assert target.user(have.id) is None
    assert target.user_by_email(have.fields.email) is None
    assert have.id not in {user.id for user in target.users(company_id=first.id)}
    assert records.make_user(second.id).company_id == second.id


def test_a_user_that_is_gone_counts_as_deleted(records: Records) -> None:
    """Deleting twice is no error."""
    have = records.make_user(records.make_company().id)
    for _ in range(2):
        assert records.send(records.user_end(have)) == [have.id]


def test_a_companys_last_user_is_refused_where_the_limits_say_so(target: Target, records: Records) -> None:
    """A company is never left without a user, unless the store allows it."""
    company_id = records.make_company().id
    last = records.user_named("boss-a")
    if target.limits.last_user_undeletable:
        with pytest.raises(RecordRejected) as refusal:
            records.send(records.user_end(last))
        assert not refusal.value.is_email_taken
        assert list(target.users(company_id=company_id)) == [last]
    else:
        records.send(records.user_end(last))
        assert list(target.users(company_id=company_id)) == []


def test_a_first_user_can_be_deleted_once_there_is_another(target: Target, records: Records) -> None:
    """The first user is not bound to its company for ever."""
    company_id = records.make_company().id
    other = records.make_user(company_id, role=records.user_named("boss-a").fields.role)
    records.send(records.user_end(records.user_named("boss-a")))
    assert [user.id for user in target.users(company_id=company_id)] == [other.id]
