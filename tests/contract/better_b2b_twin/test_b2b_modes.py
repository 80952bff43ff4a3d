"""Modes and habits of real stores that the twin plays by switches (docs/sandbox.md)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.better_b2b_twin.conftest import KEY_FIELD, StoreClient


def fields(store: StoreClient, company_id: int) -> dict[str, str]:
    """A company's extra fields."""
    return {each["fieldName"]: each["fieldValue"] for each in store.company(company_id)["extraFields"]}


def test_bulk_drops_extra_fields_when_switched(store: StoreClient) -> None:
    """In requests of several only; a single create and a single update keep them."""
    store.switch(bulk_drops_extra_fields=True)
    rows = store.post("/companies/bulk", [store.company_body(), store.company_body()]).data
    first, second = (row["companyId"] for row in rows)
    assert fields(store, first) == fields(store, second) == {}
    key = [{"fieldName": KEY_FIELD, "fieldValue": "C1"}]
    store.put("/companies/bulk", [{"companyId": first, "extraFields": key}])
    assert fields(store, first) == {}
    store.put(f"/companies/{first}", {"extraFields": key})
    assert fields(store, first) == {KEY_FIELD: "C1"}
    assert fields(store, store.new_company()) != {}


def test_price_lists_are_read_only_when_companies_are_independent(store: StoreClient) -> None:
    """Dependent mode takes them; Independent refuses, or as switched ignores or stores them."""
    company_id = store.new_company()
    lists = {"priceListAssign": [{"channelId": 1, "priceListId": 3}]}
    assert store.put(f"/companies/{company_id}", lists).status == 422
    store.switch(price_lists_when_independent="ignore")
    assert store.put(f"/companies/{company_id}", lists).status == 200
    assert store.company(company_id)["priceListAssign"] == []
    store.switch(independent_companies=False, price_lists_when_independent="refuse")
    store.put(f"/companies/{company_id}", lists)
    assert [each["priceListId"] for each in store.company(company_id)["priceListAssign"]] == [3]


@pytest.mark.parametrize(
    ("path", "catalog"), [("/companies", {"catalogId": 5}), ("/companies/bulk", {"catalogName": "A"})]
)
def test_a_catalog_is_asked_for_when_dependent_and_switched(
    store: StoreClient, path: str, catalog: dict[str, Any]
) -> None:
    """By id, and in bulk by name; Independent mode asks for none."""
    body = store.company_body()
    store.switch(catalog_required=True)
    assert store.post("/companies", store.company_body()).status == 200
    store.switch(independent_companies=False)
    rows: Any = [body] if path.endswith("bulk") else body
    seen = store.post(path, rows)
    assert seen.status in {400, 422}
    assert "catalog id is required" in str(seen.body)
    rows = [{**body, **catalog}] if path.endswith("bulk") else {**body, **catalog}
    assert store.post(path, rows).status == 200


def test_extra_fields_show_to_shoppers_and_are_required_when_switched(store: StoreClient) -> None:
    """Of all three families; a record without the required value is refused."""
    definitions = {family: [{"fieldName": "Cost Centre"}] for family in ("users", "addresses")}
    store.control("POST", "/seed", {"extra_fields": definitions})
    company_id = store.new_company()
    names = ["Cost Centre"]
    store.switch(
        visible_extra_fields=[KEY_FIELD], required_user_extra_fields=names, required_address_extra_fields=names
    )
    assert store.get("/companies/extra-fields").data[0]["visibleToEnduser"] is True
    for family, post in (("users", store.user_body), ("addresses", store.address_body)):
        assert store.get(f"/{family}/extra-fields").data[0]["isRequired"] is True
        assert store.post(f"/{family}", post(company_id)).status == 422
        value = [{"fieldName": "Cost Centre", "fieldValue": "100"}]
        assert store.post(f"/{family}", {**post(company_id), "extraFields": value}).status == 200


def test_stamps_of_new_records_move_by_themselves(store: StoreClient) -> None:
    """Once, some seconds after creation; a later write has the last word."""
    store.control("PUT", "/clock", {"freeze": True})
    company_id = store.new_company()
    made_s = store.company(company_id)["createdAt"]
    store.control("PUT", "/clock", {"advance_s": 24})
    assert store.company(company_id)["updatedAt"] == made_s
    store.control("PUT", "/clock", {"advance_s": 6})
    assert store.company(company_id)["updatedAt"] == made_s + 25
    assert store.users_of(company_id)[0]["updatedAt"] == made_s + 25
    store.put(f"/companies/{company_id}", {"city": "Alameda"})
    assert store.company(company_id)["updatedAt"] == made_s + 30


def test_storefronts_are_those_of_the_switch(store: StoreClient) -> None:
    """Users keep those that the store has; another is dropped in silence."""
    store.switch(multi_storefront=True, storefronts=["Default Storefront", "Outlet"])
    assert [(row["channelId"], row["channelName"]) for row in store.get("/channels").data] == [
        (1, "Default Storefront"),
        (2, "Outlet"),
    ]
    company_id = store.new_company(channelIds=[2, 9])
    assert [each["channelId"] for each in store.users_of(company_id)[0]["channelList"]] == [2]
