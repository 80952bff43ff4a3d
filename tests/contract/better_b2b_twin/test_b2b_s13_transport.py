"""Statements 1 to 7 of docs/api/better_b2b.md#statements: sign-in, bodies, envelope, error shapes, rate, paging."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import StoreClient

TOKEN = "sandbox-token"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Auth-Token": TOKEN, "X-Store-Hash": "sandbox"}, 200),
        ({"authToken": TOKEN}, 200),
        ({"authToken": TOKEN, "X-Store-Hash": "sandbox"}, 401),
        ({"X-Auth-Token": TOKEN}, 500),
        ({"X-Auth-Token": TOKEN, "X-Store-Hash": "another"}, 500),
        ({"X-Auth-Token": "unknown", "X-Store-Hash": "sandbox"}, 401),
        ({"authToken": "unknown"}, 401),
        ({"X-Auth-Token": "sandbox-token-without-scope", "X-Store-Hash": "sandbox"}, 403),
        ({}, 401),
    ],
)
def test_s13_01_signs_in_or_refuses_when_headers_are(store: StoreClient, headers: dict[str, str], status: int) -> None:
    """Both sign-in styles work alone, and every wrong combination has its own status."""
    seen = store.call("GET", "/companies", headers=headers)
    assert seen.status == status
    assert seen.body["code"] == status
    if status == 403:
        assert seen.message == seen.err_msg == "Invalid access token"


def test_s13_01_switches_change_the_statuses_when_set(store: StoreClient) -> None:
    """The open statuses of signing in can be chosen."""
    store.switch(combined_auth_status=200, unknown_token_status=403)
    both = {"authToken": TOKEN, "X-Store-Hash": "sandbox"}
    assert store.call("GET", "/companies", headers=both).status == 200
    assert store.call("GET", "/companies", headers={"authToken": "unknown"}).status == 403


def test_s13_02_refuses_a_body_when_it_is_not_declared_as_json(store: StoreClient) -> None:
    """A body needs the content type application/json; the status can be chosen."""
    headers = {"X-Auth-Token": TOKEN, "X-Store-Hash": "sandbox", "Content-Type": "text/plain"}
    assert store.call("POST", "/companies", data=b"{}", headers=headers).status == 415
    store.switch(wrong_content_type_status=400)
    assert store.call("POST", "/companies", data=b"{}", headers=headers).status == 400


@pytest.mark.parametrize("body", [b"{", b"", b"{'a': 1}", b'{"a": "\xff"}', b"[" * 5000, b"9" * 5000])
def test_s13_02_refuses_a_body_when_it_is_not_json(store: StoreClient, body: bytes) -> None:
    """Malformed JSON is a 400, or what the switch says, and never a crash."""
    headers = {"X-Auth-Token": TOKEN, "X-Store-Hash": "sandbox", "Content-Type": "application/json"}
    assert store.call("POST", "/companies", data=body, headers=headers).status == 400
    store.switch(malformed_json_status=422)
    assert store.call("POST", "/companies", data=body, headers=headers).status == 422


def test_s13_03_answers_200_with_the_family_s_word_when_posting(store: StoreClient) -> None:
    """POST answers 200; companies and roles say SUCCESS, users, addresses and payments say Success."""
    company = store.post("/companies", store.company_body())
    company_id = company.data["companyId"]
    role = store.post("/companies/roles", {"name": "Clerk", "permissions": []})
    user = store.post("/users", store.user_body(company_id))
    address = store.post("/addresses", store.address_body(company_id))
    payments = store.get(f"/companies/{company_id}/payments")
    assert {each.status for each in (company, role, user, address, payments)} == {200}
    assert {each.body["code"] for each in (company, role, user, address, payments)} == {200}
    assert {company.message, role.message, store.get("/companies").message} == {"SUCCESS"}
    assert {user.message, address.message, payments.message, store.get("/users").message} == {"Success"}


def test_s13_03_ignores_keys_when_unknown_or_read_only(store: StoreClient) -> None:
    """Keys that cannot be written vanish without a word."""
    company_id = store.new_company(companyId=5, companyStatus=3, createdAt=1, flavour="salt", updatedAt=1)
    company = store.company(company_id)
    assert company_id != 5
    assert company["companyStatus"] == 1
    assert company["createdAt"] > 1
    assert "flavour" not in company
    user_id = store.new_user(company_id, id=7, customerId=8, flavour="salt")
    assert user_id != 7
    assert store.user(user_id)["customerId"] != 8


def test_s13_03_finds_the_route_when_slashes_are_doubled(store: StoreClient) -> None:
    """A double slash counts as one, unless switched off."""
    assert store.call("GET", "//companies").status == 200
    store.switch(tolerate_double_slash=False)
    assert store.call("GET", "//companies").status == 404


def test_s13_04_uses_all_error_shapes_when_each_place_fails(store: StoreClient) -> None:
    """Every family answers errors in its own shape and spelling."""
    company_id = store.new_company()
    user = store.post("/users", store.user_body(company_id, lastName=None))
    assert user.body == {
        "code": 422,
        "data": {"errMsg": {"lastName": ["This field may not be null."]}},
        "meta": {"message": "Parameter Error"},
    }
    address = store.post("/addresses", store.address_body(company_id, lastName=None))
    assert address.err_msg == {"last_name": ["This field may not be null."]}
    rows = [store.address_body(company_id), store.address_body(company_id, lastName=None)]
    assert store.post("/addresses/bulk", rows).err_msg == [{}, {"last_name": ["This field may not be null."]}]
    company = store.post("/companies", {})
    assert company.body == {"code": 422, "data": {}, "meta": {"message": "The company name is required."}}
    bulk = store.post("/companies/bulk", [store.company_body(), store.company_body(companyPhone=None)])
    assert bulk.data == {"errors": [{"id": "1", "_detail": "The company phone is required."}]}
    assert store.get("/no-such-place").body == {"code": 404, "message": "Not Found"}


@pytest.mark.parametrize("path", ["/companies/1/attachments", "/companies/1/hierarchy", "/companies/1/subsidiaries"])
def test_s13_04_answers_404_in_shape_3_when_a_feature_is_not_served(store: StoreClient, path: str) -> None:
    """Features outside the twin are told in the companies' shape."""
    assert store.get(path).body == {"code": 404, "data": {}, "meta": {"message": "This resource is not found."}}


def test_s13_04_answers_405_when_the_verb_is_not_served(store: StoreClient) -> None:
    """A known path with another verb, or a feature that is off, is a 405."""
    assert store.call("PATCH", "/companies").status == 405
    assert store.put(f"/companies/{store.new_company()}/catalogs", {"catalogId": 1}).status == 405


def test_s13_05_tells_the_window_with_units_when_answering(store: StoreClient) -> None:
    """Every answer, a refusal too, carries the four headers with units in their values."""
    store.control("PUT", "/clock", {"freeze": True})
    store.switch(requests_per_minute=150)
    store.control("PUT", "/clock", {"advance_s": 60})
    for used, seen in enumerate((store.get("/companies"), store.get("/companies/1"), store.get("/users")), start=1):
        assert seen.headers["X-Requests-Allocated"] == "150 times/60 s"
        assert seen.headers["X-Requests-Window-Length"] == f"{used} times"
        assert seen.headers["X-Requests-Remaining"] == f"{150 - used} times"
        assert seen.headers["X-Request-Window-Resets-After"] == "60.000 s"
    refused = store.call("GET", "/users", headers={})
    assert refused.headers["X-Requests-Remaining"] == "147 times"


def test_s13_05_refuses_the_151st_call_when_the_window_is_open(store: StoreClient) -> None:
    """150 calls pass in 60 s of sandbox time, the next is a 429, and time opens the window again."""
    store.control("PUT", "/clock", {"freeze": True})
    store.switch(requests_per_minute=150)
    assert {store.get("/payments").status for _ in range(150)} == {200}
    refused = store.get("/payments")
    assert refused.status == 429
    assert refused.body == {
        "code": 429,
        "data": {"errMsg": "Request limit exceeded."},
        "meta": {"message": "Too Many Requests"},
    }
    assert "Retry-After" not in refused.headers
    store.switch(send_retry_after=True)
    store.control("PUT", "/clock", {"advance_s": 20})
    assert 40 <= int(store.get("/payments").headers["Retry-After"]) <= 41
    store.control("PUT", "/clock", {"advance_s": 40})
    assert store.get("/payments").status == 200


def test_s13_06_pages_ten_rows_when_no_limit_is_given(store: StoreClient) -> None:
    """Lists give ten rows and the count of all."""
    store.control("POST", "/seed", {"companies": 20})
    first = store.get("/companies")
    assert len(first.data) == 10
    assert first.body["meta"]["pagination"] == {"totalCount": 24, "limit": 10, "offset": 0}
    last = store.get("/companies", offset=20, limit=10)
    assert len(last.data) == 4
    assert store.get("/companies", offset=24).data == []


@pytest.mark.parametrize(
    ("path", "limit", "status"),
    [
        ("/users", 1, 200),
        ("/users", 250, 200),
        ("/users", 0, 422),
        ("/users", 251, 413),
        ("/companies", 2, 200),
        ("/companies", 249, 200),
        ("/companies", 1, 422),
        ("/companies", 250, 413),
        ("/addresses", 249, 200),
        ("/addresses", 1, 422),
        ("/addresses", "ten", 422),
    ],
)
def test_s13_06_bounds_the_limit_when_given(store: StoreClient, path: str, limit: object, status: int) -> None:
    """Users take 1 to 250 rows, companies and addresses 2 to 249; less is 422 naming the parameter, more 413."""
    seen = store.get(path, limit=limit)
    assert seen.status == status
    if status == 422:
        assert list(seen.err_msg) == ["limit"]


def test_s13_06_refuses_a_large_limit_with_422_when_switched(store: StoreClient) -> None:
    """The other answer that stores were thought to give."""
    store.switch(limit_too_large_status=422)
    assert list(store.get("/companies", limit=250).err_msg) == ["limit"]


def test_s13_06_takes_the_nearest_limit_when_switched(store: StoreClient) -> None:
    """A store that clamps instead of refusing can be played."""
    store.switch(limit_out_of_range="clamp")
    assert store.get("/companies", limit=1000).body["meta"]["pagination"]["limit"] == 249


def test_s13_07_lists_the_last_change_first_when_no_order_is_asked(store: StoreClient) -> None:
    """The default order is updatedAt, newest first, ties by the larger id; a write shifts the rows of a crawl."""
    store.control("PUT", "/clock", {"freeze": True})
    ids = [store.new_company() for _ in range(3)]
    assert [row["companyId"] for row in store.get("/companies", limit=3).data] == ids[::-1]
    store.control("PUT", "/clock", {"advance_s": 1})
    store.put(f"/companies/{ids[0]}", {"companyPhone": "2"})
    assert [row["companyId"] for row in store.get("/companies", limit=3).data] == [ids[0], ids[2], ids[1]]


def test_s13_07_lists_every_row_once_when_rows_moved(store: StoreClient) -> None:
    """A changed row moves, it is not doubled; lists cut by a filter have the same order."""
    store.control("PUT", "/clock", {"freeze": True})
    company_id = store.new_company()
    users = [store.users_of(company_id)[0]["id"], *(store.new_user(company_id) for _ in range(3))]
    for moved in (users[1], users[1], users[0]):
        store.control("PUT", "/clock", {"advance_s": 1})
        store.put(f"/users/{moved}", {"phoneNumber": "2"})
    expected = [users[0], users[1], users[3], users[2]]
    assert [row["id"] for row in store.get("/users", companyId=company_id).data] == expected
    everyone = [row["id"] for row in store.get("/users", limit=250).data]
    assert everyone[:4] == expected
    assert len(everyone) == len(set(everyone)) == store.get("/users").total_count


def test_s13_07_sorts_by_name_when_asked(store: StoreClient) -> None:
    """Both words of the order are honoured, in any case; others are refused."""
    for name in ("beta", "Alpha", "Gamma"):
        store.new_company(companyName=name)
    up = [row["companyName"] for row in store.get("/companies", sortBy="companyName", orderBy="ASC").data]
    assert up == sorted(up, key=str.casefold)
    down = [row["companyName"] for row in store.get("/companies", sortBy="companyName", orderBy="desc").data]
    assert down == sorted(down, key=str.casefold, reverse=True)
    assert store.get("/companies", sortBy="shoeSize").status == 422


def test_s13_07_filters_by_time_when_bounds_are_given(store: StoreClient) -> None:
    """Companies include the bounds of a time filter, users and addresses do not."""
    store.control("PUT", "/clock", {"set": "2026-05-01T10:00:00+00:00", "freeze": True})
    company_id = store.new_company()
    store.new_address(company_id)
    stamp = store.company(company_id)["createdAt"]
    for name in ("minModified", "maxModified", "minCreated", "maxCreated"):
        assert company_id in [row["companyId"] for row in store.get("/companies", limit=100, **{name: stamp}).data]
        assert store.get("/users", companyId=company_id, **{name: stamp}).total_count == 0
        assert store.get("/addresses", companyId=company_id, **{name: stamp}).total_count == 0
    for name in ("minModified", "minCreated"):
        assert store.get("/companies", **{name: stamp + 1}).total_count == 0
        assert store.get("/users", companyId=company_id, **{name: stamp - 1}).total_count == 1
        assert store.get("/addresses", companyId=company_id, **{name: stamp - 1}).total_count == 1
