"""The contract that twin and real store share: runs on the twin, and on a real store when one is named."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import StoreClient

KEY = "Acumatica Customer ID"
LISTS = ("/companies", "/users", "/addresses", "/companies/roles", "/companies/extra-fields")


@pytest.mark.parametrize("path", LISTS)
def test_wraps_lists_in_the_envelope_when_read(any_store: StoreClient, path: str) -> None:
    """Every list has the envelope with code, data, message and pagination."""
    seen = any_store.get(path, limit=2, offset=0)
    assert (seen.status, seen.body["code"]) == (200, 200)
    assert len(seen.data) <= 2
    assert seen.message.upper() == "SUCCESS"
    pagination = seen.body["meta"]["pagination"]
    assert (pagination["limit"], pagination["offset"]) == (2, 0)
    assert pagination["totalCount"] >= len(seen.data)


def test_has_the_predefined_roles_when_read(any_store: StoreClient) -> None:
    """Admin, Senior Buyer and Junior Buyer are there as predefined roles, and show their permissions in detail."""
    roles = {role["name"]: role for role in any_store.get("/companies/roles", limit=100).data}
    for name in ("Admin", "Senior Buyer", "Junior Buyer"):
        assert roles[name]["roleType"] == 1
        detail = any_store.get(f"/companies/roles/{roles[name]['id']}").data
        assert {"id", "code", "permissionLevel"} <= set(detail["permissions"][0])


def test_lists_the_store_s_payment_methods_when_read(any_store: StoreClient) -> None:
    """Methods of the store have the first of the three key sets."""
    for method in any_store.get("/payments").data:
        assert set(method) == {"id", "paymentCode", "paymentTitle"}


def test_finds_nothing_when_no_record_has_the_key(any_store: StoreClient) -> None:
    """A look-up by key, by e-mail or by external id that finds nothing is an empty list, not an error."""
    nobody = uuid.uuid4().hex
    key = {"extraFields": f"{KEY}:{nobody}", "extraFieldFilterType": "exact-match", "isIncludeExtraFields": 1}
    assert any_store.get("/companies", **key).data == []
    assert any_store.get("/users", email=f"{nobody}@nobody.example").data == []
    assert any_store.get("/addresses", **{"externalId[]": nobody}).data == []


def test_answers_404_in_the_family_s_shape_when_a_record_is_unknown(any_store: StoreClient) -> None:
    """Companies tell in the message, users and addresses in errMsg too."""
    assert any_store.get("/companies/999999999").status == 404
    user, address = any_store.get("/users/999999999"), any_store.get("/addresses/999999999")
    assert (user.status, user.err_msg) == (404, "User matching query does not exist.")
    assert (address.status, address.err_msg) == (404, "Address matching query does not exist.")


def test_tells_the_request_budget_when_answering(any_store: StoreClient) -> None:
    """Where there is a budget, its headers carry numbers with units."""
    if any_store.url.startswith("http://127.0.0.1"):
        any_store.switch(requests_per_minute=150)
    headers = any_store.get("/payments").headers
    assert headers["X-Requests-Allocated"].endswith(" s")
    assert headers["X-Requests-Remaining"].endswith(" times")
    assert float(headers["X-Request-Window-Resets-After"].removesuffix(" s")) >= 0


def test_carries_a_company_through_its_life_when_written(any_writable_store: StoreClient) -> None:
    """A company is created with its admin, found by key, extended, changed, and deleted with all that is its own."""
    store, mark = any_writable_store, uuid.uuid4().hex[:12]
    fields = [{"fieldName": KEY, "fieldValue": mark}]
    company_id = store.new_company(
        companyName=f"Contract {mark}", adminEmail=f"admin-{mark}@contract.example", extraFields=fields
    )
    try:
        query = {"extraFields": f"{KEY}:{mark}", "extraFieldFilterType": "exact-match"}
        assert [row["companyId"] for row in store.get("/companies", **query).data] == [company_id]
        store.put(f"/companies/{company_id}/status", {"companyStatus": 1})
        record_id = str(uuid.uuid4())
        store.put(f"/companies/{company_id}", {"uuid": record_id})
        company = store.company(company_id)
        assert (int(company["companyStatus"]), company["uuid"]) == (1, record_id)
        admin = store.users_of(company_id)[0]
        assert (admin["email"], admin["role"]) == (f"admin-{mark}@contract.example", 0)
        user_id = store.new_user(company_id, email=f"buyer-{mark}@contract.example")
        taken = store.post("/users", store.user_body(company_id, email=f"buyer-{mark}@contract.example"))
        assert (taken.status, taken.err_msg) == (422, f"Email already exists. ['buyer-{mark}@contract.example']")
        address_id = store.new_address(company_id, externalId=f"{mark}:MAIN")
        found = store.get("/addresses", **{"externalId[]": f"{mark}:MAIN"}).data
        assert [row["addressId"] for row in found] == [address_id]
        assert store.delete(f"/addresses/{address_id}").data == {"addressId": address_id}
        assert store.delete(f"/users/{user_id}").data == {"userId": user_id}
        last = store.delete(f"/users/{admin['id']}")
        assert (last.status, last.err_msg) == (422, "The last user in company can not be deleted.")
    finally:
        assert store.delete(f"/companies/{company_id}").status == 200
    assert store.get(f"/companies/{company_id}").status == 404
