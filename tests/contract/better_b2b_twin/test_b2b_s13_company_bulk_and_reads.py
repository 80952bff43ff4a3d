"""Statements 17 to 19 of docs/api/better_b2b.md#statements: companies in bulk, their end, types of reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import StoreClient

KEY = "Acumatica Customer ID"
NOT_FOUND = {"code": 404, "data": {}, "meta": {"message": "This resource is not found."}}


def _key(value: str) -> list[dict[str, str]]:
    return [{"fieldName": KEY, "fieldValue": value}]


def test_s13_17_refuses_the_call_when_there_are_more_than_ten_rows(store: StoreClient) -> None:
    """Eleven rows are a 413, and nothing is stored."""
    before = store.state()
    rows = [store.company_body() for _ in range(11)]
    for seen in (store.post("/companies/bulk", rows), store.put("/companies/bulk", rows)):
        assert seen.body == {"code": 413, "data": {}, "meta": {"message": "Request Entity Too Large"}}
    assert store.state() == before


def test_s13_17_keeps_good_rows_when_others_fail(store: StoreClient) -> None:
    """Each row stands alone: good ones are stored, failed ones named by position, the call is a 400."""
    count = store.get("/companies").total_count
    rows = [store.company_body(), store.company_body(companyPhone=None), store.company_body(adminEmail="no")]
    seen = store.post("/companies/bulk", rows)
    assert (seen.status, [row["id"] for row in seen.data["errors"]]) == (400, ["1", "2"])
    assert seen.message == "Some companies updated failed, you can see these in errors."
    assert store.get("/companies").total_count == count + 1


def test_s13_17_keeps_no_row_when_switched(store: StoreClient) -> None:
    """With bulk_keeps_good_rows off a failed row takes the others with it."""
    store.switch(bulk_keeps_good_rows=False)
    before = store.state()
    assert store.post("/companies/bulk", [store.company_body(), store.company_body(companyPhone=None)]).status == 400
    assert store.state() == before


def test_s13_17_answers_ids_in_order_when_all_rows_pass(store: StoreClient) -> None:
    """Ids come as a list in the order of the rows; the switch gives the vendor's garbled example."""
    rows = [store.company_body(companyName=f"Bulk {number}") for number in range(10)]
    ids = [row["companyId"] for row in store.post("/companies/bulk", rows).data]
    assert [store.company(each)["companyName"] for each in ids] == [row["companyName"] for row in rows]
    store.switch(bulk_as_documented=True)
    seen = store.post("/companies/bulk", [store.company_body()])
    assert list(seen.body["meta"][0]) == ["companyId"]
    assert isinstance(seen.data, dict)


def test_s13_17_updates_rows_by_id_when_bulk_updating(store: StoreClient) -> None:
    """PUT names failed rows by company id; an unknown id refuses the whole call, or its row when switched."""
    first, second = store.new_company(), store.new_company()
    good = store.put("/companies/bulk", [{"companyId": first, "city": "A"}, {"companyId": str(second), "city": "B"}])
    assert good.data == [{"companyId": first}, {"companyId": second}]
    bad = store.put("/companies/bulk", [{"companyId": first, "city": "C"}, {"companyId": second, "companyName": ""}])
    assert bad.data["errors"] == [{"id": str(second), "_detail": "The company name is required."}]
    assert [store.company(each)["city"] for each in (first, second)] == ["C", "B"]
    rows = [{"companyId": first, "city": "D"}, {"companyId": 1, "city": "E"}]
    assert store.put("/companies/bulk", rows).body == NOT_FOUND
    assert store.company(first)["city"] == "C"
    store.switch(bulk_unknown_company="row_error")
    assert store.put("/companies/bulk", rows).status == 400
    assert store.company(first)["city"] == "D"


def test_s13_18_takes_users_and_addresses_along_when_deleted(store: StoreClient) -> None:
    """A deleted company is gone with its users and addresses; its core customers stay."""
    created = store.post("/companies", store.company_body())
    company_id, customer_id = created.data["companyId"], created.data["customerId"]
    user_id, address_id = store.new_user(company_id), store.new_address(company_id)
    assert store.delete(f"/companies/{company_id}").body == {"code": 200, "data": {}, "meta": {"message": "SUCCESS"}}
    assert store.get(f"/companies/{company_id}").body == NOT_FOUND
    assert store.get(f"/users/{user_id}").status == 404
    assert store.get(f"/addresses/{address_id}").status == 404
    assert customer_id in [each["id"] for each in store.state()["customers"]]


def test_s13_18_leaves_users_and_addresses_when_switched(store: StoreClient) -> None:
    """The other reading, no cascade, can be played."""
    store.switch(delete_cascades=False)
    company_id = store.new_company()
    user_id, address_id = store.new_user(company_id), store.new_address(company_id)
    store.delete(f"/companies/{company_id}")
    assert store.user(user_id)["companyId"] == company_id
    assert store.address(address_id)["companyId"] == str(company_id)
    assert store.delete(f"/users/{user_id}").status == 200


def test_s13_19_reads_numbers_as_observed_when_not_switched(store: StoreClient) -> None:
    """Status and stamps are integers, the group is null, an address holds its company as a string."""
    company_id = store.new_company(customerGroupId=7)
    company = store.company(company_id)
    assert [type(company[name]) for name in ("companyStatus", "createdAt", "updatedAt")] == [int, int, int]
    assert company["bcGroupId"] is None
    assert store.address(store.new_address(company_id))["companyId"] == str(company_id)


def test_s13_19_reads_numbers_as_in_the_schema_when_switched(store: StoreClient) -> None:
    """The schema's types can be played, and Dependent mode shows a group per company."""
    store.switch(company_numbers_as_strings=True, address_company_id_as_string=False, independent_companies=False)
    company_id = store.new_company(companyName="Grouped")
    company = store.company(company_id)
    assert [type(company[name]) for name in ("companyStatus", "createdAt", "updatedAt")] == [str, str, str]
    assert isinstance(company["bcGroupId"], int)
    assert company["bcGroupName"] == "Grouped"
    assert store.company(store.new_company(companyName="Grouped"))["bcGroupName"] != "Grouped"
    assert store.address(store.new_address(company_id))["companyId"] == company_id
    assert store.put(f"/companies/{company_id}/catalogs", {"catalogId": 5}).status == 200
    assert store.company(company_id)["catalogId"] == 5


def test_s13_19_shows_extra_fields_in_lists_when_asked(store: StoreClient) -> None:
    """Lists carry extra fields only on request, details always, with flags as strings."""
    company_id = store.new_company(extraFields=_key("X1"))
    assert "extraFields" not in store.get("/companies").data[0]
    listed = store.get("/companies", isIncludeExtraFields=1).data[0]
    assert listed["extraFields"] == store.company(company_id)["extraFields"]
    assert listed["extraFields"] == [
        {
            "fieldName": KEY,
            "fieldValue": "X1",
            "labelName": KEY,
            "isRequired": "0",
            "dataType": "0",
            "fieldType": 0,
        }
    ]
