"""Statements 29 to 32 of docs/api/better_b2b.md#statements: payment methods, terms, credit, roles and permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import StoreClient

CODES = ["cheque", "bankdeposit", "cod", "authorizenet", "purchase_order"]


def test_s13_29_has_three_key_sets_when_payments_are_read(store: StoreClient) -> None:
    """Store, company and enabled methods are told with three different sets of keys."""
    company_id = store.new_company()
    changed = store.put(f"/companies/{company_id}/payments", {"payments": [{"code": "cheque", "isEnabled": True}]})
    assert changed.body == {"code": 200, "data": [], "meta": {"message": "Success"}}
    of_store = store.get("/payments").data[0]
    assert of_store == {"id": of_store["id"], "paymentCode": "cheque", "paymentTitle": "Check"}
    of_company = store.get(f"/companies/{company_id}/payments").data
    assert of_company[0] == {
        "paymentId": of_store["id"],
        "code": "cheque",
        "paymentTitle": "Check",
        "isEnabled": True,
    }
    enabled = store.get("/company-payment-methods", companyId=company_id)
    stamp = enabled.data[0]["createdAt"]
    assert enabled.data == [
        {
            "companyId": company_id,
            "paymentId": of_store["id"],
            "createdAt": stamp,
            "updatedAt": stamp,
            "paymentMethodCode": "cheque",
            "paymentMethodTitle": "Check",
        }
    ]
    assert enabled.total_count == 1


def test_s13_29_touches_only_listed_codes_when_updating(store: StoreClient) -> None:
    """An update of methods leaves the others as they are."""
    path = f"/companies/{store.new_company()}/payments"
    store.put(path, {"payments": [{"code": "cheque", "isEnabled": True}, {"code": "cod", "isEnabled": True}]})
    store.put(path, {"payments": [{"code": "cheque", "isEnabled": False}]})
    assert {row["code"]: row["isEnabled"] for row in store.get(path).data} == {
        **dict.fromkeys(CODES, False),
        "cod": True,
    }


def test_s13_29_answers_the_documented_texts_when_payments_are_wrong(store: StoreClient) -> None:
    """Errors of payments have a trailing blank or stand in both places, and change nothing."""
    path = f"/companies/{store.new_company()}/payments"
    before = store.get(path).data
    good = {"code": "cheque", "isEnabled": True}
    seen = store.put(path, {"payments": [good, {"isEnabled": True}]})
    assert (seen.status, seen.message, seen.err_msg) == (400, "Bad Requests Error", "Code is required.; ")
    seen = store.put(path, {"payments": [good, {"code": "gold", "isEnabled": True}]})
    assert (seen.status, seen.message, seen.err_msg) == (404, "Payment Does not Exist", "Payment Does not Exist")
    for missing in ("/companies/1/payments", "/companies/1/payment-terms"):
        seen = store.get(missing)
        assert (seen.status, seen.message, seen.err_msg) == (404, "Company Does not Exist", "Company Does not Exist")
    assert store.get(path).data == before


def test_s13_29_sorts_and_searches_when_enabled_methods_are_listed(store: StoreClient) -> None:
    """Enabled methods of all companies can be searched by code or title and sorted by stamp."""
    store.control("PUT", "/clock", {"freeze": True})
    company_id = store.new_company()
    for code in ("cheque", "cod"):
        store.control("PUT", "/clock", {"advance_s": 10})
        store.put(f"/companies/{company_id}/payments", {"payments": [{"code": code, "isEnabled": True}]})

    def codes(**params: str) -> list[str]:
        return [row["paymentMethodCode"] for row in store.get("/company-payment-methods", **params).data]

    assert codes() == ["cod", "cheque"]
    assert codes(sortBy="createdAt", orderBy="ASC") == ["cheque", "cod"]
    assert codes(q="delivery") == ["cod"]


@pytest.mark.parametrize("days", [0, 5, 15, 30, 45, 60])
def test_s13_30_keeps_the_terms_when_the_days_are_known(store: StoreClient, days: int) -> None:
    """The six values are stored and echoed."""
    path = f"/companies/{store.new_company()}/payment-terms"
    body = {"isEnabled": True, "paymentTerms": days}
    assert store.put(path, body).data == body
    assert store.get(path).data == body


@pytest.mark.parametrize("days", [7, -1, "30", 30.5, True])
def test_s13_30_refuses_the_terms_when_the_days_are_unknown(store: StoreClient, days: object) -> None:
    """Other values are a 400 with the documented text."""
    path = f"/companies/{store.new_company()}/payment-terms"
    seen = store.put(path, {"isEnabled": True, "paymentTerms": days})
    assert (seen.status, seen.message) == (400, "Bad Requests Error")
    assert seen.err_msg == "Payment terms value error, must be in [0, 5, 15, 30, 45, 60]; "
    assert store.get(path).data == {"isEnabled": False, "paymentTerms": 30}


def test_s13_30_shows_the_store_s_default_when_terms_are_off(store: StoreClient) -> None:
    """Days count only while enabled; the default can be chosen; both keys are needed."""
    path = f"/companies/{store.new_company()}/payment-terms"
    assert store.put(path, {"isEnabled": False, "paymentTerms": 7}).data == {"isEnabled": False, "paymentTerms": 30}
    store.switch(default_payment_terms=45)
    assert store.get(path).data == {"isEnabled": False, "paymentTerms": 45}
    assert store.put(path, {"isEnabled": True}).status == 400
    assert store.put(path, {"paymentTerms": 30}).status == 400


def test_s13_30_refuses_credit_when_the_feature_is_off(store: StoreClient) -> None:
    """Credit is off by default, and says so."""
    path = f"/companies/{store.new_company()}/credit"
    for seen in (store.get(path), store.put(path, {"creditHold": True})):
        assert (seen.status, seen.message) == (400, "API logic error")
        assert seen.err_msg == "Store company credit is not enabled"


def test_s13_30_keeps_credit_when_the_feature_is_on(store: StoreClient) -> None:
    """With the feature on, credit is a partial update, and an empty one puts everything back."""
    store.switch(credit_enabled=True)
    path = f"/companies/{store.new_company()}/credit"
    initial = store.get(path).data
    store.put(path, {"creditEnabled": True, "availableCredit": 25000})
    assert store.put(path, {"creditHold": True}).data == {
        **initial,
        "creditEnabled": True,
        "availableCredit": 25000.0,
        "creditHold": True,
    }
    assert store.put(path, {"creditHold": "perhaps"}).status == 422
    assert store.put(path, {}).data == initial


def test_s13_31_starts_without_methods_when_a_company_is_new(store: StoreClient) -> None:
    """New companies have every method of the store, none enabled, unless switched."""
    rows = store.get(f"/companies/{store.new_company()}/payments").data
    assert [row["code"] for row in rows] == CODES
    assert {row["isEnabled"] for row in rows} == {False}
    store.switch(payments_enabled_by_default=True)
    rows = store.get(f"/companies/{store.new_company()}/payments").data
    assert {row["isEnabled"] for row in rows} == {True}


def test_s13_31_has_other_methods_when_switched(store: StoreClient) -> None:
    """The store's codes can be chosen; the next seed takes them up."""
    store.switch(payment_codes=["wire", "cheque"])
    store.control("POST", "/seed", {})
    assert [row["paymentCode"] for row in store.get("/payments").data] == ["wire", "cheque"]


@pytest.mark.parametrize("name", ["Admin", "Senior Buyer", "Junior Buyer"])
def test_s13_32_keeps_predefined_roles_when_changed_or_deleted(store: StoreClient, name: str) -> None:
    """Predefined roles cannot be changed or deleted; the status can be chosen."""
    path = f"/companies/roles/{store.role_id(name)}"
    before = store.get(path).data
    body = {"name": "Mine", "permissions": []}
    for seen in (store.put(path, body), store.delete(path)):
        assert (seen.status, seen.data) == (400, {})
    store.switch(predefined_role_status=422)
    assert store.delete(path).status == 422
    assert store.get(path).data == before


def test_s13_32_keeps_a_role_when_users_have_it(store: StoreClient) -> None:
    """A role in use cannot be deleted; once free it can."""
    company_id = store.new_company()
    role_id = store.post("/companies/roles", {"name": "Clerk", "permissions": []}).data["id"]
    user_id = store.new_user(company_id, companyRoleId=role_id)
    refused = store.delete(f"/companies/roles/{role_id}")
    assert (refused.status, refused.data) == (400, {})
    store.switch(assigned_role_status=409)
    assert store.delete(f"/companies/roles/{role_id}").status == 409
    store.put(f"/users/{user_id}", {"role": 2})
    assert store.delete(f"/companies/roles/{role_id}").status == 200
    assert store.get(f"/companies/roles/{role_id}").status == 404


def test_s13_32_replaces_all_permissions_when_a_role_is_updated(store: StoreClient) -> None:
    """A PUT replaces the whole permission set and the name."""
    addresses = {"code": "get_addresses", "permissionLevel": 2}
    buying = {"code": "purchase_enable", "permissionLevel": 3}
    role = store.post("/companies/roles", {"name": "Clerk", "permissions": [addresses]}).data
    assert [(each["code"], each["permissionLevel"]) for each in role["permissions"]] == [("get_addresses", 2)]
    path = f"/companies/roles/{role['id']}"
    store.put(path, {"name": "Chief Clerk", "permissions": [buying]})
    read = store.get(path).data
    assert (read["name"], read["roleType"], read["roleLevel"]) == ("Chief Clerk", 2, 1)
    assert [(each["code"], each["permissionLevel"]) for each in read["permissions"]] == [("purchase_enable", 3)]


def test_s13_32_refuses_a_role_when_a_permission_is_unknown(store: StoreClient) -> None:
    """Unknown codes are a 400, wrong levels, names that repeat or are too long a 422; nothing is stored."""
    count = store.get("/companies/roles").total_count

    def status(name: str, code: str = "get_addresses", level: object = 2) -> int:
        permissions = [{"code": code, "permissionLevel": level}]
        return store.post("/companies/roles", {"name": name, "permissions": permissions}).status

    assert status("Clerk", code="fly") == 400
    assert [status("Clerk", level=4), status("admin"), status("x" * 201), status("")] == [422] * 4
    store.switch(unknown_permission_status=422)
    assert status("Clerk", code="fly") == 422
    assert store.get("/companies/roles").total_count == count


def test_s13_32_has_forty_permissions_when_read(any_store: StoreClient) -> None:
    """All documented permissions are there, the misspelt one too, each with its five texts."""
    rows = {row["code"]: row for row in any_store.get("/companies/permissions").data if not row["isCustom"]}
    assert {"get_addresses", "deplicate_shopping_list", "purchase_enable", "get_company_subsidiaries"} <= set(rows)
    assert set(rows["get_addresses"]) == {"id", "name", "description", "code", "isCustom", "moduleName"}


def test_s13_32_gives_roles_less_when_they_rank_lower(store: StoreClient) -> None:
    """Admin holds everything, Senior Buyer less, Junior Buyer may not even buy."""
    held = {
        name: {each["code"] for each in store.get(f"/companies/roles/{store.role_id(name)}").data["permissions"]}
        for name in ("Admin", "Senior Buyer", "Junior Buyer")
    }
    assert len(held["Admin"]) == 40
    assert held["Junior Buyer"] < held["Senior Buyer"] < held["Admin"]
    assert "purchase_enable" in held["Senior Buyer"] - held["Junior Buyer"]
    assert "create_user" not in held["Senior Buyer"]


def test_s13_32_keeps_permissions_apart_when_custom_ones_are_made(store: StoreClient) -> None:
    """Custom permissions live and die by the API, and follow their role; predefined ones do not change."""
    body = {"name": "Fly", "description": "", "code": "fly", "moduleName": "air"}
    made = store.post("/companies/permissions", body).data
    assert (made["isCustom"], made["code"]) == (True, "fly")
    assert store.post("/companies/permissions", body).status == 422
    role = {"name": "Pilot", "permissions": [{"code": "fly", "permissionLevel": 1}]}
    role_id = store.post("/companies/roles", role).data["id"]
    store.put(f"/companies/permissions/{made['id']}", {**body, "code": "soar"})
    assert store.get(f"/companies/roles/{role_id}").data["permissions"][0]["code"] == "soar"
    assert store.delete(f"/companies/permissions/{made['id']}").status == 200
    assert store.get(f"/companies/roles/{role_id}").data["permissions"] == []
    built_in = store.get("/companies/permissions", q="get addresses").data[0]
    assert store.delete(f"/companies/permissions/{built_in['id']}").status == 400
