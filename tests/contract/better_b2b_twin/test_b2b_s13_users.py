"""Statements 20 to 25 of docs/api/better_b2b.md#statements: company users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import StoreClient

PARAMETER = "Parameter Error"
RULE = "Processing data contains logical errors"
NO_CHANNEL = "At least one B2B storefront needs to be enabled for a Company user."


@pytest.mark.parametrize(
    ("wrong", "message", "err_msg"),
    [
        ({"firstName": None}, PARAMETER, {"firstName": ["This field may not be null."]}),
        ({"companyId": None}, PARAMETER, {"companyId": ["This field may not be null."]}),
        ({"email": "lee(at)x"}, PARAMETER, {"email": ["Email is not correct."]}),
        ({"role": 5}, PARAMETER, {"role": ['"5" is not a valid choice']}),
        ({"role": None}, PARAMETER, {"non_field_errors": ["User must have a role."]}),
        ({"channelIds": None}, RULE, NO_CHANNEL),
        ({"channelIds": []}, RULE, NO_CHANNEL),
        ({"email": "taken@northwind.example"}, RULE, "Email already exists. ['taken@northwind.example']"),
    ],
)
def test_s13_20_answers_the_documented_error_when_a_create_is_wrong(
    store: StoreClient, wrong: dict[str, Any], message: str, err_msg: object
) -> None:
    """Each row of the error table answers with its own status, message and text."""
    company_id = store.new_company(adminEmail="taken@northwind.example")
    seen = store.post("/users", store.user_body(company_id, **wrong))
    assert (seen.status, seen.message, seen.err_msg) == (422, message, err_msg)
    assert len(store.users_of(company_id)) == 1


def test_s13_20_checks_in_order_when_everything_is_wrong(store: StoreClient) -> None:
    """Fields, e-mail format, role value, role present, channel, e-mail free, company exists: one after the other."""
    store.new_company(adminEmail="taken@northwind.example")
    good = store.user_body(1, email="taken@northwind.example")
    body: dict[str, Any] = {"email": "nope", "role": 5}
    seen = []
    for fix in (
        {name: good[name] for name in ("firstName", "lastName", "companyId")},
        {"email": good["email"]},
        {"role": None},
        {"role": 2},
        {"channelIds": [1]},
        {"email": "free@northwind.example"},
    ):
        seen.append(store.post("/users", body).err_msg)
        body.update(fix)
    last = store.post("/users", body)
    assert list(seen[0]) == ["firstName", "lastName", "companyId"]
    assert seen[1:] == [
        {"email": ["Email is not correct."]},
        {"role": ['"5" is not a valid choice']},
        {"non_field_errors": ["User must have a role."]},
        NO_CHANNEL,
        "Email already exists. ['taken@northwind.example']",
    ]
    assert (last.status, last.message) == (404, "Not Found Error")
    store.switch(unknown_company_status=422)
    assert store.post("/users", body).status == 422


def test_s13_20_answers_the_documented_error_when_an_update_is_wrong(store: StoreClient) -> None:
    """An update has texts of its own."""
    company_id = store.new_company()
    user_id = store.new_user(company_id)
    before = store.user(user_id)
    for wrong, err_msg in (
        ({"email": "lee(at)x"}, {"email": ["Enter a valid email address."]}),
        ({"role": 5}, {"role": ['The value "5" is not a valid role.']}),
        ({"firstName": None}, {"firstName": ["This field may not be null."]}),
        ({"channelIds": []}, NO_CHANNEL),
    ):
        seen = store.put(f"/users/{user_id}", wrong)
        assert (seen.status, seen.err_msg) == (422, err_msg)
    assert store.user(user_id) == before


def test_s13_20_answers_404_when_the_user_is_unknown(store: StoreClient) -> None:
    """An unknown user is a 404 with the documented text, for every verb."""
    for seen in (store.get("/users/1"), store.put("/users/1", {}), store.delete("/users/1")):
        assert (seen.status, seen.message) == (404, "Not Found Error")
        assert seen.err_msg == "User matching query does not exist."


def test_s13_20_refuses_a_list_filter_when_a_role_is_unknown(store: StoreClient) -> None:
    """A wrong list filter is nested by index."""
    seen = store.get("/users", roles=99)
    assert (seen.status, seen.err_msg) == (422, {"roles": {"0": ['"99" is not a valid choice.']}})


def test_s13_21_holds_e_mails_unique_when_case_differs(store: StoreClient) -> None:
    """An e-mail belongs to one user of the whole store, whatever its case; the switch makes case count."""
    first, second = store.new_company(), store.new_company()
    user_id = store.new_user(first, email="Lee@northwind.example")
    refused = store.post("/users", store.user_body(second, email="lee@NORTHWIND.example"))
    assert (refused.status, refused.err_msg) == (422, "Email already exists. ['lee@NORTHWIND.example']")
    found = store.get("/users", email="LEE@northwind.example").data
    assert [user["id"] for user in found] == [user_id]
    assert store.get("/users", email="ee@northwind.example").total_count == 0
    store.switch(email_case_insensitive=False)
    assert store.get("/users", email="LEE@northwind.example").total_count == 0
    store.new_user(second, email="lee@northwind.example")


def test_s13_21_refuses_an_update_when_the_e_mail_is_another_user_s(store: StoreClient) -> None:
    """A user cannot take an e-mail over, but may keep its own."""
    company_id = store.new_company(adminEmail="boss@northwind.example")
    user_id = store.new_user(company_id, email="lee@northwind.example")
    assert store.put(f"/users/{user_id}", {"email": "boss@northwind.example"}).status == 422
    assert store.put(f"/users/{user_id}", {"email": "Lee@Northwind.example"}).status == 200
    account = store.user(user_id)["customerId"]
    assert store.put(f"/users/{user_id}", {"email": "new@northwind.example"}).data["customerId"] == account
    successor = store.new_user(company_id, email="lee@northwind.example")
    assert store.user(successor)["customerId"] != account
    assert store.put(f"/users/{user_id}", {"email": "shopper@plainshop.example"}).status == 422


def test_s13_21_refuses_a_super_admin_when_made_a_user(store: StoreClient) -> None:
    """A Super Admin's e-mail counts as existing."""
    company_id = store.new_company()
    seen = store.post("/users", store.user_body(company_id, email="superadmin@store.example"))
    assert seen.err_msg == "Email already exists. ['superadmin@store.example']"
    store.switch(refuse_super_admin_email=False)
    store.new_user(company_id, email="superadmin@store.example")


def test_s13_21_links_the_shopper_when_made_a_user(store: StoreClient) -> None:
    """A plain store customer becomes a user on the same account, and comes back to it after a delete."""
    shopper = next(each for each in store.state()["customers"] if each["email"] == "shopper@plainshop.example")
    company_id = store.new_company()
    body = store.user_body(company_id, email="shopper@plainshop.example")
    first = store.post("/users", body).data
    assert first["bcId"] == shopper["id"]
    store.delete(f"/users/{first['userId']}")
    again = store.post("/users", body).data
    assert again["bcId"] == shopper["id"]
    assert again["userId"] != first["userId"]


def test_s13_22_takes_the_role_id_when_role_is_sent_too(store: StoreClient) -> None:
    """`companyRoleId` beats `role`; users of a custom role read role 2."""
    company_id = store.new_company()
    senior, lead = store.role_id("Senior Buyer"), store.role_id("Buying Lead")
    user = store.user(store.new_user(company_id, role=2, companyRoleId=senior))
    assert (user["role"], user["companyRoleId"], user["companyRoleName"]) == (1, senior, "Senior Buyer")
    user = store.user(store.new_user(company_id, role=None, companyRoleId=lead))
    assert (user["role"], user["companyRoleName"]) == (2, "Buying Lead")
    assert [each["id"] for each in store.get("/users", companyId=company_id, roles=2).data] == [user["id"]]
    assert store.post("/users", store.user_body(company_id, companyRoleId=1)).status == 422


def test_s13_22_gives_roles_other_ids_when_the_seed_differs(store: StoreClient) -> None:
    """Ids of predefined roles are the seed's own and stay for one seed."""
    ids = []
    for seed in (1, 2, 1):
        store.control("POST", "/seed", {"seed": seed})
        ids.append([role["id"] for role in store.get("/companies/roles").data if role["roleType"] == 1])
    assert ids[0] != ids[1]
    assert ids[0] == ids[2]


def test_s13_23_answers_the_full_user_when_updated(store: StoreClient) -> None:
    """PUT answers the user as GET shows it; company and origin channel do not move."""
    first, second = store.new_company(), store.new_company()
    user_id = store.new_user(first, originChannelId=1)
    update = {"firstName": "Ada", "companyId": second, "originChannelId": 0, "uuid": "100816", "phoneNumber": "5"}
    seen = store.put(f"/users/{user_id}", update)
    assert seen.data == store.user(user_id)
    assert (seen.data["firstName"], seen.data["companyId"], seen.data["uuid"]) == ("Ada", first, "100816")
    stored = next(user for user in store.state()["users"] if user["id"] == user_id)
    assert stored["originChannelId"] == 1


def test_s13_24_refuses_when_the_last_user_is_deleted(store: StoreClient) -> None:
    """A company keeps its last user."""
    company_id = store.new_company()
    admin = store.users_of(company_id)[0]["id"]
    seen = store.delete(f"/users/{admin}")
    assert (seen.status, seen.message) == (422, RULE)
    assert seen.err_msg == "The last user in company can not be deleted."
    assert store.users_of(company_id)[0]["id"] == admin


def test_s13_24_turns_the_company_inactive_when_its_last_admin_leaves(store: StoreClient) -> None:
    """The last admin may go; the company turns Inactive, and Approved again with the next admin."""
    company_id = store.new_company()
    buyer = store.new_user(company_id)
    admin = store.users_of(company_id)[0]["id"]
    assert store.delete(f"/users/{admin}").data == {"userId": admin}
    assert store.company(company_id)["companyStatus"] == 3
    store.put(f"/users/{buyer}", {"role": 0})
    assert store.company(company_id)["companyStatus"] == 1
    store.put(f"/users/{buyer}", {"role": 1})
    assert store.company(company_id)["companyStatus"] == 3
    store.new_user(company_id, role=0)
    assert store.company(company_id)["companyStatus"] == 1


def test_s13_24_keeps_a_rejection_when_an_admin_comes(store: StoreClient) -> None:
    """Only an Inactive company is lifted by its first admin; a Rejected one stays so."""
    company_id = store.new_company()
    admin = store.users_of(company_id)[0]["id"]
    store.put(f"/users/{admin}", {"role": 1})
    store.put(f"/companies/{company_id}/status", {"companyStatus": 2})
    store.put(f"/users/{admin}", {"role": 0})
    assert store.company(company_id)["companyStatus"] == 2


def test_s13_24_leaves_the_status_when_switched(store: StoreClient) -> None:
    """Both reactions can be switched off, and a status set by hand is not lifted by a second admin."""
    company_id = store.new_company()
    store.put(f"/companies/{company_id}/status", {"companyStatus": 3})
    store.new_user(company_id, role=0)
    assert store.company(company_id)["companyStatus"] == 3
    store.switch(last_admin_deactivates=False, new_admin_reactivates=False)
    other = store.new_company()
    buyer = store.new_user(other)
    store.delete(f"/users/{store.users_of(other)[0]['id']}")
    assert store.company(other)["companyStatus"] == 1
    store.put(f"/companies/{other}/status", {"companyStatus": 3})
    store.put(f"/users/{buyer}", {"role": 0})
    assert store.company(other)["companyStatus"] == 3


def test_s13_25_stores_all_users_in_order_when_all_rows_pass(store: StoreClient) -> None:
    """Ten rows are stored at once and answered in order; eleven are too many."""
    company_id = store.new_company()
    rows = [store.user_body(company_id, firstName=f"N{number}") for number in range(10)]
    seen = store.post("/users/bulk", rows)
    assert [store.user(row["userId"])["firstName"] for row in seen.data] == [row["firstName"] for row in rows]
    assert [store.user(row["userId"])["customerId"] for row in seen.data] == [row["bcId"] for row in seen.data]
    over = store.post("/users/bulk", [store.user_body(company_id) for _ in range(11)])
    assert (over.status, over.message, over.err_msg) == (
        413,
        "Request Entity Too Large",
        "Add up to ten data at a time",
    )


def test_s13_25_stores_no_user_when_one_row_fails(store: StoreClient) -> None:
    """A failed row refuses all, with the body of a single create and no row number."""
    company_id = store.new_company()
    good, bad = store.user_body(company_id), store.user_body(company_id, lastName=None)
    seen = store.post("/users/bulk", [good, bad])
    assert (seen.status, seen.err_msg) == (422, {"lastName": ["This field may not be null."]})
    twins = [good, {**good, "firstName": "Other"}]
    assert store.post("/users/bulk", twins).err_msg == f"Email already exists. ['{good['email']}']"
    assert len(store.users_of(company_id)) == 1
    store.switch(user_bulk_all_or_nothing=False)
    assert store.post("/users/bulk", [good, bad]).status == 422
    assert len(store.users_of(company_id)) == 2


def test_s13_25_asks_for_required_extra_fields_when_the_store_has_some(store: StoreClient) -> None:
    """A required extra field of users is asked for on both ways a user is made."""
    field = {"fieldName": "Cost Center", "isRequired": True}
    store.control("POST", "/seed", {"extra_fields": {"users": [field]}})
    values = [{"fieldName": "Cost Center", "fieldValue": "42"}]
    assert store.post("/companies", store.company_body()).message == "Cost Center is required."
    company_id = store.new_company(userExtraFields=values)
    assert store.post("/users", store.user_body(company_id)).err_msg == "Cost Center is required."
    user_id = store.new_user(company_id, extraFields=values)
    assert store.user(user_id)["extraFields"] == values
    assert "extraFields" not in store.get("/users").data[0]
    assert store.get("/users/extra-fields").data[0]["fieldName"] == "Cost Center"
