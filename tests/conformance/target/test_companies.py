from __future__ import annotations

import pytest
from msgspec.structs import replace

from customer_sync.errors import NotFound, RecordRejected
from customer_sync.model.company import COMPANY_FIELDS, CompanyFields, CompanyStatus
from customer_sync.model.operation import Action
from customer_sync.targets.port import Target
from tests.conformance.harness import TargetUnderTest
from tests.conformance.records import Records

TEXTS = [name for name in COMPANY_FIELDS if name != "extra_fields"]
OTHER = {
    "company_name": "Bäckerei Größe & Söhne",
    "company_phone": "+49 30 901820",
    "company_email": "neu@example.example",
    "address_line1": "Straße des 17. Juni 1",
    "address_line2": "Hinterhaus",
    "city": "Berlin",
    "state": "Berlin",
    "country": "DE",
    "zip_code": "10785",
}
SETTABLE = [CompanyStatus.PENDING, CompanyStatus.APPROVED, CompanyStatus.REJECTED, CompanyStatus.INACTIVE]
NOBODY = 2_000_000_000


def known(fields: CompanyFields, names: list[str]) -> dict[str, str]:
    """The texts of a company by name."""
    return {name: getattr(fields, name) for name in names}


def test_a_company_is_created_as_it_was_sent(records: Records) -> None:
    """Every field that was sent reads back."""
    sent = records.company()
    made = records.make_company()
    assert known(made.fields, TEXTS) == known(sent, TEXTS)
    assert made.fields.extra_fields[records.key_field] == records.key()


def test_a_company_comes_with_its_first_user(target: Target, records: Records) -> None:
    """The creation makes exactly one user, with the admin's fields and a role of the store."""
    made = records.make_company()
    (user,) = target.users(company_id=made.id)
    sent = records.user("boss-a")
    assert replace(user.fields, role="") == replace(sent, role="")
    assert user.fields.role in target.facts.roles.values()


def test_a_creation_answers_with_the_id(records: Records) -> None:
    """The id of a single creation is always known."""
    assert records.send(records.new_company()) == [records.only_company().id]


def test_a_new_company_has_a_status(records: Records) -> None:
    """Whether a new company may trade at once can be read."""
    assert records.make_company().status in {CompanyStatus.PENDING, CompanyStatus.APPROVED}


def test_a_new_company_has_no_addresses(target: Target, records: Records) -> None:
    """An address book holds what was put into it."""
    assert list(target.addresses(company_id=records.make_company().id)) == []


def test_two_companies_may_have_one_name(records: Records) -> None:
    """Names are no keys."""
    first = records.make_company("A", company_name="Twin Supply")
    second = records.make_company("B", company_name="Twin Supply")
    assert first.id != second.id


@pytest.mark.parametrize("rows", [2, "most"])
def test_companies_are_created_in_bulk(target: Target, records: Records, rows: int | str) -> None:
    """Every row becomes one company; ids are in the order of the rows, or not told at all."""
    most = target.cost(Action.CREATE_COMPANY).rows
    names = [f"B{number}" for number in range(most if rows == "most" else min(2, most))]
    orders = [records.new_company(name) for name in names]
    before = target.requests_used().total
    ids = records.send(*orders)
    assert target.requests_used().total == before + 1
    found = [records.only_company(name).id for name in names]
    assert ids in (found, [None] * len(names))
    assert len(set(found)) == len(names)
    for name, company_id in zip(names, found, strict=True):
        assert [user.fields.email for user in target.users(company_id=company_id)] == [
            records.email(f"boss-{name.lower()}")
        ]


def test_a_refused_row_of_a_bulk_creation_does_what_the_cost_says(target: Target, records: Records) -> None:
    """All or nothing, or row by row: as ``cost`` says, and the refused row is never made."""
    cost = target.cost(Action.CREATE_COMPANY)
    names = [f"B{number}" for number in range(cost.rows)]
    orders = [records.new_company(name) for name in names]
    orders[-1] = records.new_company(names[-1], company_name="x" * 201)
    with pytest.raises(RecordRejected) as refusal:
        records.send(*orders)
    kept = [bool(target.companies_by_key(records.key(name))) for name in names]
    assert kept == [not cost.is_atomic] * (len(names) - 1) + [False]
    assert refusal.value.good_rows_kept in ({None, not cost.is_atomic} if len(names) > 1 else {None, False, True})
    assert set(refusal.value.row_errors) <= {len(names) - 1}


def test_a_taken_key_is_refused_by_name_where_keys_are_unique(target: Target, records: Records) -> None:
    """Where the key field is unique, a second company of the key is refused as such; else both are found."""
    first = records.make_company()
    second = records.new_company("A", company_email=records.email("else"), admin=records.user("else"))
    if target.facts.extra_fields("company")[records.key_field.casefold()].is_unique:
        with pytest.raises(RecordRejected) as refusal:
            records.send(second)
        assert refusal.value.is_key_taken
        assert not refusal.value.is_email_taken
        assert records.only_company().id == first.id
        assert target.user_by_email(records.email("else")) is None
    else:
        records.send(second)
        assert len(target.companies_by_key(records.key())) == 2


def test_a_refused_creation_leaves_neither_company_nor_user(target: Target, records: Records) -> None:
    """Company and first user are made together or not at all."""
    with pytest.raises(RecordRejected):
        records.send(records.new_company(company_name="x" * 201))
    assert target.companies_by_key(records.key()) == []
    assert target.user_by_email(records.email("boss-a")) is None


@pytest.mark.parametrize("form", ["the same", "another case"])
def test_the_email_of_another_companys_user_is_refused_for_a_first_user(
    target: Target, records: Records, form: str
) -> None:
    """An e-mail belongs to one user of the whole store; the refusal says so, and no company is left behind."""
    records.make_company()
    email = records.email("boss-a")
    admin = records.user("else", email=email if form == "the same" else email.upper())
    with pytest.raises(RecordRejected) as refusal:
        records.send(records.new_company("B", admin=admin))
    assert refusal.value.is_email_taken
    assert not refusal.value.is_key_taken
    assert target.companies_by_key(records.key("B")) == []


def test_two_companies_may_share_their_own_email_where_the_limits_allow(target: Target, records: Records) -> None:
    """Only users' e-mails are unique, unless the limits say more."""
    records.make_company("A", company_email=records.email("shared"))
    if not target.limits.company_emails_unique:
        assert records.make_company("B", company_email=records.email("shared")).id


@pytest.mark.parametrize("name", TEXTS)
def test_an_update_changes_one_field_and_no_other(records: Records, name: str) -> None:
    """An update is partial: what it does not name stays."""
    have = records.make_company()
    records.send(records.company_change(have, **{name: OTHER[name]}))
    now = records.only_company()
    assert known(now.fields, TEXTS) == {**known(have.fields, TEXTS), name: OTHER[name]}
    assert now.fields.extra_fields == have.fields.extra_fields
    assert now.status is have.status


def test_an_update_changes_all_fields_at_once(records: Records) -> None:
    """Several fields travel in one update."""
    have = records.make_company()
    records.send(records.company_change(have, **OTHER))
    assert known(records.only_company().fields, TEXTS) == OTHER


@pytest.mark.parametrize("name", TEXTS)
def test_a_field_that_can_be_cleared_reads_back_empty(target: Target, records: Records, name: str) -> None:
    """What the field table calls clearable is empty after an update to nothing; the rest is refused and stays."""
    have = records.make_company()
    order = records.company_change(have, **{name: ""})
    if target.limits.fields.company[name].can_clear:
        records.send(order)
        assert getattr(records.only_company().fields, name) == ""
    else:
        with pytest.raises((RecordRejected, ValueError)):
            records.send(order)
        assert records.only_company().fields == have.fields


def test_updates_of_several_companies_travel_together(target: Target, records: Records) -> None:
    """A bulk update changes each row by itself."""
    most = target.cost(Action.UPDATE_COMPANY).rows
    have = [records.make_company(f"B{number}") for number in range(most)]
    orders = [records.company_change(each, city=f"City {number}") for number, each in enumerate(have)]
    before = target.requests_used().total
    ids = records.send(*orders)
    assert target.requests_used().total == before + 1
    assert ids in ([each.id for each in have], [None] * most)
    assert [records.only_company(f"B{number}").fields.city for number in range(most)] == [
        f"City {number}" for number in range(most)
    ]


def test_a_refused_row_of_a_bulk_update_does_what_the_cost_says(target: Target, records: Records) -> None:
    """All or nothing, or row by row: as ``cost`` says, and the refused row keeps its values."""
    cost = target.cost(Action.UPDATE_COMPANY)
    have = [records.make_company(f"B{number}") for number in range(cost.rows)]
    names = ["Renamed"] * (cost.rows - 1) + ["x" * 201]
    with pytest.raises(RecordRejected) as refusal:
        records.send(*(records.company_change(each, company_name=name) for each, name in zip(have, names, strict=True)))
    assert set(refusal.value.row_errors) <= {cost.rows - 1}
    now = [records.only_company(f"B{number}").fields.company_name for number in range(cost.rows)]
    good = "Renamed" if not cost.is_atomic else None
    assert now == [good or each.fields.company_name for each in have[:-1]] + [have[-1].fields.company_name]


def test_an_update_of_a_company_that_is_gone_is_not_found(records: Records) -> None:
    """A caller learns that its record does not exist."""
    have = records.make_company()
    records.send(records.company_end(have.id))
    with pytest.raises(NotFound):
        records.send(records.company_change(have, city="Elsewhere"))


def test_a_company_may_get_another_key(target: Target, records: Records) -> None:
    """A customer that was renumbered keeps its company."""
    have = records.make_company()
    extra_fields = {**have.fields.extra_fields, records.key_field: records.key("NEW")}
    records.send(records.company_change(have, extra_fields=extra_fields))
    assert records.only_company("NEW").id == have.id
    assert target.companies_by_key(records.key()) == []


def test_a_key_that_was_given_up_is_free(records: Records) -> None:
    """A number that nobody has any more may be used again."""
    have = records.make_company()
    extra_fields = {**have.fields.extra_fields, records.key_field: records.key("NEW")}
    records.send(records.company_change(have, extra_fields=extra_fields))
    second = records.make_company("A", company_email=records.email("else"), admin=records.user("else"))
    assert second.id != have.id


def test_a_taken_key_is_refused_for_an_update_where_keys_are_unique(target: Target, records: Records) -> None:
    """The owner keeps its key."""
    first, second = records.make_company("A"), records.make_company("B")
    extra_fields = {**second.fields.extra_fields, records.key_field: first.key}
    if target.facts.extra_fields("company")[records.key_field.casefold()].is_unique:
        with pytest.raises(RecordRejected) as refusal:
            records.send(records.company_change(second, extra_fields=extra_fields))
        assert refusal.value.is_key_taken
        assert records.only_company("A").id == first.id
        assert records.only_company("B").id == second.id


def test_an_update_to_the_own_key_is_no_conflict(records: Records) -> None:
    """A company does not stand in its own way."""
    have = records.make_company()
    records.send(records.company_change(have, company_name="Renamed", extra_fields=have.fields.extra_fields))
    assert records.only_company().fields.company_name == "Renamed"


def test_extra_fields_are_created_and_changed(records: Records, target_under_test: TargetUnderTest) -> None:
    """Values of extra fields read back from creation and from update."""
    name = target_under_test.plain_extra_field
    have = records.make_company(extra_fields={name: "Gold"})
    assert have.fields.extra_fields[name] == "Gold"
    records.send(records.company_change(have, extra_fields={**have.fields.extra_fields, name: "Silver"}))
    assert records.only_company().fields.extra_fields[name] == "Silver"


def test_extra_fields_that_are_not_sent_stay(records: Records, target_under_test: TargetUnderTest) -> None:
    """An update of some extra fields leaves the others, such as those that a merchant keeps by hand."""
    name = target_under_test.plain_extra_field
    have = records.make_company(extra_fields={name: "Gold"})
    records.send(records.company_change(have, extra_fields={records.key_field: records.key()}))
    assert records.only_company().fields.extra_fields[name] == "Gold"


def test_values_of_a_plain_extra_field_may_repeat(
    target: Target, records: Records, target_under_test: TargetUnderTest
) -> None:
    """Only fields that are unique by the store's facts refuse a second value."""
    name = target_under_test.plain_extra_field
    assert not target.facts.extra_fields("company")[name.casefold()].is_unique
    for letter in ("A", "B"):
        assert records.make_company(letter, extra_fields={name: "Gold"}).fields.extra_fields[name] == "Gold"


@pytest.mark.parametrize("status", SETTABLE)
def test_a_status_is_set_and_read(records: Records, status: CompanyStatus) -> None:
    """Each status comes back as it was set, and nothing else changes."""
    have = records.make_company()
    records.send(records.status(have.id, status))
    now = records.only_company()
    assert now.status is status
    assert now.fields == have.fields


@pytest.mark.parametrize("status", SETTABLE)
def test_a_company_of_any_status_is_found_and_changed(target: Target, records: Records, status: CompanyStatus) -> None:
    """A company that may not trade is still there for the sync."""
    have = records.make_company()
    records.send(records.status(have.id, status))
    records.send(records.company_change(have, city="Elsewhere"))
    now = records.only_company()
    assert (now.status, now.fields.city) == (status, "Elsewhere")
    assert have.id in {company.id for company in target.companies()}


def test_a_company_can_be_closed_and_opened_again(target: Target, records: Records) -> None:
    """Users and addresses outlast a time in which a company may not trade."""
    have = records.make_company()
    records.make_address(have.id)
    for status in (CompanyStatus.INACTIVE, CompanyStatus.APPROVED):
        records.send(records.status(have.id, status))
    assert records.only_company().status is CompanyStatus.APPROVED
    assert len(list(target.users(company_id=have.id))) == 1
    assert len(list(target.addresses(company_id=have.id))) == 1


def test_the_status_of_a_company_that_is_gone_is_not_found(records: Records) -> None:
    """A caller learns that its record does not exist."""
    with pytest.raises(NotFound):
        records.send(records.status(NOBODY, CompanyStatus.INACTIVE))


def test_a_deleted_company_takes_its_users_and_addresses_along(target: Target, records: Records) -> None:
    """Nothing of it is found any more, and nobody can sign in for it."""
    have = records.make_company()
    user = records.make_user(have.id)
    address = records.make_address(have.id)
    records.send(records.company_end(have.id))
    assert target.company(have.id) is None
    assert target.companies_by_key(records.key()) == []
    assert target.user(user.id) is None
    assert target.user_by_email(user.fields.email) is None
    assert target.address(address.id) is None
    assert target.addresses_by_key([address.fields.external_id]) == []


def test_a_deleted_company_leaves_others_alone(target: Target, records: Records) -> None:
    """Only the company that was named is deleted."""
    first, second = records.make_company("A"), records.make_company("B")
    records.make_address(second.id, company="B")
    records.send(records.company_end(first.id))
    assert records.only_company("B").id == second.id
    assert len(list(target.users(company_id=second.id))) == 1
    assert len(list(target.addresses(company_id=second.id))) == 1


def test_a_company_that_is_gone_counts_as_deleted(records: Records) -> None:
    """Deleting twice is no error."""
    have = records.make_company()
    for _ in range(2):
        assert records.send(records.company_end(have.id)) == [have.id]


def test_a_deleted_companys_key_and_emails_are_free(records: Records) -> None:
    """A customer that comes back can have its company again."""
    first = records.make_company()
    records.send(records.company_end(first.id))
    second = records.make_company()
    assert second.id != first.id
    assert records.user_named("boss-a").company_id == second.id
