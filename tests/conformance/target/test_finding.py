from __future__ import annotations

import pytest

from customer_sync.targets.port import Target
from tests.conformance.harness import TargetUnderTest
from tests.conformance.records import Records

NOBODY = 2_000_000_000


def test_a_company_is_found_by_its_id(target: Target, records: Records) -> None:
    """The id that a look-up shows leads to the same record."""
    made = records.make_company()
    assert target.company(made.id) == made


def test_a_company_of_no_such_id_is_none(target: Target) -> None:
    """An unknown id is an answer, not an error."""
    assert target.company(NOBODY) is None


def test_a_company_is_found_by_its_key(target: Target, records: Records) -> None:
    """The key leads to the company that carries it."""
    made = records.make_company()
    assert [found.id for found in target.companies_by_key(records.key())] == [made.id]
    assert made.key == records.key()


def test_a_key_that_nobody_has_finds_nothing(target: Target, records: Records) -> None:
    """An absent key is an empty list."""
    assert target.companies_by_key(records.key()) == []


@pytest.mark.parametrize("part", ["start", "end", "middle", "longer"])
def test_a_part_of_a_key_finds_nothing(target: Target, records: Records, part: str) -> None:
    """Keys are compared whole: C10 is not C100."""
    records.make_company("C100")
    key = records.key("C100")
    sought = {"start": key[:-1], "end": key[1:], "middle": key[1:-1], "longer": f"{key}0"}[part]
    assert target.companies_by_key(sought) == []


def test_keys_that_begin_alike_are_kept_apart(target: Target, records: Records) -> None:
    """Each of several similar keys finds its own company."""
    made = {name: records.make_company(name).id for name in ("C1", "C10", "C100")}
    for name, company_id in made.items():
        assert [found.id for found in target.companies_by_key(records.key(name))] == [company_id]


def test_a_key_in_another_case_is_not_the_same(target: Target, records: Records) -> None:
    """Keys are compared exactly, as the source tells them apart."""
    records.make_company("abc")
    assert target.companies_by_key(records.key("ABC")) == []


@pytest.mark.parametrize("name", ["A B", "A:B", "A&B=C", "A,B", "A#%B", "Ä-ß", "A/B", "A'\"B"])
def test_a_key_with_special_characters_is_found(target: Target, records: Records, name: str) -> None:
    """No character of a key has a meaning on the way."""
    made = records.make_company(name, company_email=records.email("office"), admin=records.user("boss"))
    assert [found.id for found in target.companies_by_key(records.key(name))] == [made.id]


def test_a_user_is_found_by_its_id(target: Target, records: Records) -> None:
    """The id that a look-up shows leads to the same record."""
    made = records.make_user(records.make_company().id)
    assert target.user(made.id) == made


def test_a_user_of_no_such_id_is_none(target: Target) -> None:
    """An unknown id is an answer, not an error."""
    assert target.user(NOBODY) is None


@pytest.mark.parametrize("form", ["as it is", "upper", "title"])
def test_a_user_is_found_by_its_email_in_any_case(target: Target, records: Records, form: str) -> None:
    """E-mails are compared without regard to case."""
    made = records.make_user(records.make_company().id)
    email = made.fields.email
    sought = {"as it is": email, "upper": email.upper(), "title": email.title()}[form]
    found = target.user_by_email(sought)
    assert found is not None
    assert found.id == made.id


@pytest.mark.parametrize("part", ["start", "end", "longer"])
def test_a_part_of_an_email_finds_nobody(target: Target, records: Records, part: str) -> None:
    """E-mails are compared whole."""
    email = records.make_user(records.make_company().id).fields.email
    sought = {"start": email[:-1], "end": email[1:], "longer": f"x{email}"}[part]
    assert target.user_by_email(sought) is None


def test_an_email_with_a_plus_is_found(target: Target, records: Records) -> None:
    """A plus sign of an e-mail is not taken for a blank on the way."""
    made = records.make_user(records.make_company().id, "ann+buyer", first_name="Ann")
    found = target.user_by_email(records.email("ann+buyer"))
    assert found is not None
    assert found.id == made.id


def test_a_first_user_is_found_by_its_email(records: Records) -> None:
    """The user that came with a company is a user like any other."""
    made = records.make_company()
    assert records.user_named("boss-a").company_id == made.id


def test_an_address_is_found_by_its_id(target: Target, records: Records) -> None:
    """The id that a look-up shows leads to the same record."""
    made = records.make_address(records.make_company().id)
    assert target.address(made.id) == made


def test_an_address_of_no_such_id_is_none(target: Target) -> None:
    """An unknown id is an answer, not an error."""
    assert target.address(NOBODY) is None


def test_addresses_of_several_companies_are_found_by_their_keys(target: Target, records: Records) -> None:
    """One look-up serves several companies, and shows whose each address is."""
    companies = {name: records.make_company(name).id for name in ("A", "B")}
    for name, company_id in companies.items():
        records.make_address(company_id, "EAST", company=name)
        records.make_address(company_id, "WEST", company=name)
    sought = [f"{records.key(name)}:EAST" for name in companies]
    found = target.addresses_by_key(sought)
    assert sorted((each.company_id, each.fields.external_id) for each in found) == sorted(
        zip(companies.values(), sought, strict=True)
    )


def test_the_same_external_id_in_two_companies_finds_both(target: Target, records: Records) -> None:
    """External ids need not be unique in the store; the caller picks by company."""
    companies = [records.make_company(name).id for name in ("A", "B")]
    for company_id in companies:
        records.make_address(company_id, "SAME")
    found = target.addresses_by_key([f"{records.key()}:SAME"])
    assert sorted(each.company_id for each in found) == sorted(companies)


def test_many_addresses_are_found_in_one_look_up(target: Target, records: Records) -> None:
    """A look-up of as many keys as a large customer has finds all, each once."""
    company_id = records.make_company().id
    rows = target.cost(records.new_address(company_id).operation.action).rows
    orders = [records.new_address(company_id, f"LOCATION-{number:03}") for number in range(45)]
    for start in range(0, len(orders), rows):
        records.send(*orders[start : start + rows])
    found = target.addresses_by_key([order.operation.key for order in orders])
    assert sorted(each.fields.external_id for each in found) == sorted(order.operation.key for order in orders)


def test_a_part_of_an_external_id_finds_nothing(target: Target, records: Records) -> None:
    """External ids are compared whole."""
    records.make_address(records.make_company().id, "EAST")
    assert target.addresses_by_key([f"{records.key()}:EAS", f"{records.key()}:EAST2", records.key()]) == []


def test_no_external_ids_find_no_addresses(target: Target, records: Records) -> None:
    """An empty question does not answer with the whole store."""
    records.make_address(records.make_company().id)
    assert target.addresses_by_key([]) == []


def test_what_one_connection_wrote_another_finds(
    target: Target, records: Records, target_under_test: TargetUnderTest
) -> None:
    """A record is found as soon as its creation was answered, from everywhere."""
    made = records.make_company()
    with target_under_test.make() as other:
        assert [found.id for found in other.companies_by_key(records.key())] == [made.id]
        assert other.user_by_email(records.email("boss-a")) == target.user_by_email(records.email("boss-a"))
