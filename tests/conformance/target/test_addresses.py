from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from customer_sync.errors import NotFound, RecordRejected
from customer_sync.model.company import Address
from customer_sync.model.operation import Action
from customer_sync.targets.port import Target
from tests.conformance.records import OAKLAND, UTRECHT, Records

OTHER = {
    "first_name": "Jürgen",
    "last_name": "Größe",
    "address_line1": "Straße des 17. Juni 1",
    "address_line2": "Hinterhaus",
    "city": "Alameda South",
    "zip_code": "94502",
    "phone_number": "+49 30 901820",
    "label": "Neues Lager",
}
PLAIN = {"is_billing": False, "is_shipping": False, "is_default_billing": False, "is_default_shipping": False}
FLAGS: list[dict[str, bool]] = [
    {**PLAIN, "is_shipping": True},
    {**PLAIN, "is_billing": True},
    {**PLAIN, "is_billing": True, "is_shipping": True},
    {**PLAIN, "is_shipping": True, "is_default_shipping": True},
    {**PLAIN, "is_billing": True, "is_default_billing": True},
    dict.fromkeys(PLAIN, True),
]
NOBODY = 2_000_000_000


def flags(address: Address) -> dict[str, bool]:
    """The four flags of an address."""
    return {name: getattr(address, name) for name in PLAIN}


def shown(flags_of: dict[str, bool]) -> str:
    """Names of the flags that are on."""
    return "+".join(name.removeprefix("is_") for name, is_on in flags_of.items() if is_on)


def now(target: Target, address_id: int) -> Address:
    """An address as it is in the store now."""
    found = target.address(address_id)
    assert found is not None
    return found.fields


@pytest.mark.parametrize("place", [OAKLAND, UTRECHT], ids=["with a state", "without a state"])
def test_an_address_is_created_as_it_was_sent(records: Records, place: dict[str, str]) -> None:
    """Every field reads back, in countries with and without states."""
    company_id = records.make_company().id
    made = records.make_address(company_id, **place)
    assert made.fields == records.address(**place)
    assert made.company_id == company_id


@pytest.mark.parametrize("which", FLAGS, ids=shown)
def test_an_address_is_created_with_its_flags(records: Records, which: dict[str, Any]) -> None:
    """What an address is for reads back."""
    made = records.make_address(records.make_company().id, **which)
    assert flags(made.fields) == which


def test_an_address_without_optional_texts_is_created(records: Records) -> None:
    """What a place lacks is left out, not refused."""
    lacks = dict.fromkeys(("address_line2", "zip_code", "phone_number", "label"), "")
    assert records.make_address(records.make_company().id, **lacks).fields == records.address(**lacks)


@pytest.mark.parametrize("rows", [2, "most"])
def test_addresses_are_created_in_bulk(target: Target, records: Records, rows: int | str) -> None:
    """Every row becomes one address; ids are in the order of the rows, or not told at all."""
    most = target.cost(Action.CREATE_ADDRESS).rows
    company_id = records.make_company().id
    orders = [
        records.new_address(company_id, f"L{number}") for number in range(most if rows == "most" else min(2, most))
    ]
    before = target.requests_used().total
    ids = records.send(*orders)
    assert target.requests_used().total == before + 1
    found = {each.fields.external_id: each.id for each in target.addresses(company_id=company_id)}
    assert ids in ([found[order.operation.key] for order in orders], [None] * len(orders))
    assert len(found) == len(orders)


def test_addresses_of_several_companies_are_created_together(target: Target, records: Records) -> None:
    """Rows of one request may belong to different companies."""
    if target.cost(Action.CREATE_ADDRESS).rows > 1:
        companies = [records.make_company(name).id for name in ("A", "B")]
        records.send(*(records.new_address(each, f"L{each}") for each in companies))
        for company_id in companies:
            (made,) = target.addresses(company_id=company_id)
            assert made.fields.external_id.endswith(f"L{company_id}")


def test_a_refused_row_of_a_bulk_creation_does_what_the_cost_says(target: Target, records: Records) -> None:
    """All or nothing, or row by row: as ``cost`` says, and the refused row is never made."""
    cost = target.cost(Action.CREATE_ADDRESS)
    company_id = records.make_company().id
    orders = [records.new_address(company_id, f"L{number}") for number in range(cost.rows)]
    orders[-1] = records.new_address(company_id, "BAD", first_name="")
    with pytest.raises(RecordRejected) as refusal:
        records.send(*orders)
    assert set(refusal.value.row_errors) <= {cost.rows - 1}
    kept = {each.fields.external_id for each in target.addresses(company_id=company_id)}
    assert kept == (set() if cost.is_atomic else {order.operation.key for order in orders[:-1]})


def test_an_address_of_a_company_that_is_gone_is_not_found(target: Target, records: Records) -> None:
    """A caller learns that the company does not exist, and no address is left without one."""
    order = records.new_address(NOBODY)
    with pytest.raises(NotFound):
        records.send(order)
    assert target.addresses_by_key([order.operation.key]) == []


@pytest.mark.parametrize("name", OTHER)
def test_an_update_changes_one_field_and_no_other(target: Target, records: Records, name: str) -> None:
    """An update is partial: what it does not name stays."""
    have = records.make_address(records.make_company().id)
    records.send(records.address_change(have, **{name: OTHER[name]}))
    assert now(target, have.id) == replace(have.fields, **{name: OTHER[name]})


@pytest.mark.parametrize(
    "place",
    [UTRECHT, {**OAKLAND, "state_name": "Texas", "state_code": "TX"}],
    ids=["to a country without states", "to another state"],
)
def test_an_update_moves_an_address(target: Target, records: Records, place: dict[str, str]) -> None:
    """Country and state change together, and a state that is not there any more is not left behind."""
    have = records.make_address(records.make_company().id)
    changed = {name: value for name, value in place.items() if getattr(have.fields, name) != value}
    records.send(records.address_change(have, **changed))
    assert now(target, have.id) == replace(have.fields, **place)


def test_an_update_moves_an_address_to_a_country_with_states(target: Target, records: Records) -> None:
    """A state appears where there was none."""
    have = records.make_address(records.make_company().id, **UTRECHT)
    records.send(records.address_change(have, **OAKLAND))
    assert now(target, have.id) == replace(have.fields, **OAKLAND)


@pytest.mark.parametrize("after", FLAGS, ids=lambda which: f"to {shown(which)}")
@pytest.mark.parametrize("before", [FLAGS[0], FLAGS[-1]], ids=lambda which: f"from {shown(which)}")
def test_an_update_changes_the_flags(
    target: Target, records: Records, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """What an address is for can be changed in every direction, by the flags that differ alone."""
    have = records.make_address(records.make_company().id, **before)
    changed: dict[str, Any] = {name: is_on for name, is_on in after.items() if before[name] is not is_on}
    if changed:
        records.send(records.address_change(have, **changed))
    assert flags(now(target, have.id)) == after


def test_a_company_has_one_default_of_each_kind(target: Target, records: Records) -> None:
    """A new default takes the flag from the former; other companies keep theirs."""
    company_id, other_id = (records.make_company(name).id for name in ("A", "B"))
    default: dict[str, Any] = {"is_default_shipping": True}
    first = records.make_address(company_id, "ONE", **default)
    elsewhere = records.make_address(other_id, "ONE", company="B", **default)
    second = records.make_address(company_id, "TWO", **default)
    assert not now(target, first.id).is_default_shipping
    assert now(target, first.id).is_shipping
    assert now(target, second.id).is_default_shipping
    assert now(target, elsewhere.id).is_default_shipping


@pytest.mark.parametrize("name", [*OTHER, "external_id"])
def test_a_field_that_can_be_cleared_reads_back_empty(target: Target, records: Records, name: str) -> None:
    """What the field table calls clearable is empty after an update to nothing; the rest is refused and stays."""
    have = records.make_address(records.make_company().id)
    order = records.address_change(have, **{name: ""})
    if target.limits.fields.address[name].can_clear:
        records.send(order)
        assert getattr(now(target, have.id), name) == ""
    else:
        with pytest.raises((RecordRejected, ValueError)):
            records.send(order)
        assert now(target, have.id) == have.fields


def test_an_update_of_an_address_that_is_gone_is_not_found(records: Records) -> None:
    """A caller learns that its record does not exist."""
    have = records.make_address(records.make_company().id)
    records.send(records.address_end(have))
    with pytest.raises(NotFound):
        records.send(records.address_change(have, city="Nowhere"))


def test_a_deleted_address_is_gone(target: Target, records: Records) -> None:
    """It is found neither by id nor by key, and its neighbours stay."""
    company_id = records.make_company().id
    have, other = records.make_address(company_id, "ONE"), records.make_address(company_id, "TWO")
    records.send(records.address_end(have))
    assert target.address(have.id) is None
    assert target.addresses_by_key([have.fields.external_id]) == []
    assert [each.id for each in target.addresses(company_id=company_id)] == [other.id]


def test_an_address_that_is_gone_counts_as_deleted(records: Records) -> None:
    """Deleting twice is no error."""
    have = records.make_address(records.make_company().id)
    for _ in range(2):
        assert records.send(records.address_end(have)) == [have.id]
