"""Statements 33 to 37 of docs/api/better_b2b.md#statements: faults, call log, control, seed, consistency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.better_b2b.switches import SWITCHES
from sandbox.edge_cases import EDGE_CASES
from sandbox.people import world

if TYPE_CHECKING:
    from conftest import StoreClient

KEY = "Acumatica Customer ID"
CREATE = {"method": "POST", "path_regex": "/companies$"}


def _order(store: StoreClient, effect: str, match: dict[str, str] | None = None, **order: Any) -> None:
    store.control("PUT", "/faults", [{"match": match or CREATE, "effect": effect, **order}])


@pytest.mark.parametrize(
    ("style", "content_type", "holds"),
    [
        ("envelope", "application/json", '"errMsg"'),
        ("gateway", "application/json", '{"code":503,"message":'),
        ("html", "text/html", "<html>"),
        ("empty", None, ""),
    ],
)
def test_s13_33_answers_any_status_when_ordered(
    store: StoreClient, style: str, content_type: str | None, holds: str
) -> None:
    """A status can be ordered in four styles of body, by method and path, as often as asked."""
    _order(store, "status", status=503, body_style=style, times=1)
    count = store.get("/companies").total_count
    answer = requests.post(store.url + "/api/v3/io/companies", json={}, timeout=5)
    assert answer.status_code == 503
    assert (answer.headers.get("content-type") or "").startswith(content_type or "")
    assert holds in answer.text
    assert bool(answer.text) is (style != "empty")
    assert store.get("/companies").total_count == count
    assert store.post("/companies", store.company_body()).status == 200


@pytest.mark.parametrize(
    ("effect", "is_stored"),
    [("fail_before_commit", False), ("commit_then_fail", True)],
)
def test_s13_33_stores_or_not_when_a_500_is_ordered(store: StoreClient, effect: str, is_stored: bool) -> None:  # noqa: FBT001  # a column of the table
    """The same 500 can mean that everything or nothing was stored."""
    body = store.company_body()
    _order(store, effect, times=1)
    seen = store.post("/companies", body)
    assert seen.status == 500
    assert store.get("/users", email=body["adminEmail"]).total_count == int(is_stored)


@pytest.mark.parametrize(("effect", "is_stored"), [("commit_then_reset", True), ("connection_reset", False)])
def test_s13_33_cuts_the_connection_when_ordered(store: StoreClient, effect: str, is_stored: bool) -> None:  # noqa: FBT001  # a column of the table
    """A lost connection can mean either, too."""
    body = store.company_body()
    _order(store, effect, times=1)
    with pytest.raises(requests.ConnectionError):
        store.post("/companies", body)
    assert store.get("/users", email=body["adminEmail"]).total_count == int(is_stored)


def test_s13_33_stores_nothing_when_hanging(store: StoreClient) -> None:
    """A timeout can be ordered: nothing comes until the client gives up."""
    _order(store, "timeout", times=1)
    with pytest.raises(requests.ReadTimeout):
        requests.post(store.url + "/api/v3/io/companies", json={}, timeout=0.2)


def test_s13_33_cuts_the_body_when_truncating(store: StoreClient) -> None:
    """A body can end before its length is reached."""
    _order(store, "truncate", {"method": "GET", "path_regex": "/payments$"}, times=1, keep_bytes=10)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        store.get("/payments")


def test_s13_33_waits_when_a_delay_is_ordered(store: StoreClient) -> None:
    """A delay is added to the call and nothing else."""
    _order(store, "delay_ms", {"path_regex": "/payments$"}, times=1, delay_ms=120)
    assert store.get("/payments").status == 200
    slow = store.control("GET", "/calls?path=/payments")[-1]
    assert slow["duration_ms"] >= 115  # an event loop may wake a millisecond early
    assert slow["fault"] == "delay_ms"


def test_s13_33_refuses_for_a_while_when_a_burst_is_ordered(store: StoreClient) -> None:
    """A burst of 429 lasts its seconds of sandbox time, with or without the header that tells its end."""
    store.control("PUT", "/clock", {"freeze": True})
    _order(store, "burst_429", {"path_regex": "/payments$"}, seconds=30)
    seen = store.get("/payments")
    assert (seen.status, seen.headers["X-Request-Window-Resets-After"]) == (429, "30.000 s")
    assert "X-Requests-Allocated" not in seen.headers  # this twin runs without a limit: there is nothing to tell
    store.switch(requests_per_minute=150, send_retry_after=True)
    seen = store.get("/payments")
    assert (seen.headers["X-Requests-Remaining"], seen.headers["Retry-After"]) == ("0 times", "30")
    store.control("PUT", "/clock", {"advance_s": 31})
    assert store.get("/payments").status == 200
    _order(store, "burst_429", {"path_regex": "/payments$"}, seconds=30, header=False)
    assert "X-Request-Window-Resets-After" not in store.get("/payments").headers


def test_s13_33_loses_rows_when_a_partial_bulk_is_ordered(store: StoreClient) -> None:
    """Rows named by number fail: companies say so, users and addresses come back shorter."""
    _order(store, "partial_bulk", {"path_regex": "/companies/bulk"}, rows=[1])
    seen = store.post("/companies/bulk", [store.company_body() for _ in range(3)])
    assert (seen.status, [row["id"] for row in seen.data["errors"]]) == (400, ["1"])
    company_id = store.new_company()
    _order(store, "partial_bulk", {"path_regex": "bulk"}, rows=[0, 2])
    users = [store.user_body(company_id) for _ in range(3)]
    made = store.post("/users/bulk", users).data
    assert [store.user(row["userId"])["email"] for row in made] == [users[1]["email"]]
    rows = [store.address_body(company_id, label=label) for label in "abc"]
    assert [row["label"] for row in store.post("/addresses/bulk", rows).data] == ["b"]


def test_s13_33_hits_by_body_after_and_times_when_ordered(store: StoreClient) -> None:
    """A fault waits for its turn, knows bodies, and ends."""
    _order(store, "status", {"body_regex": "Special"}, status=503, after=1, times=2)
    special = [store.post("/companies", store.company_body(companyName="Special")).status for _ in range(4)]
    assert special == [200, 503, 503, 200]
    assert store.post("/companies", store.company_body()).status == 200


def test_s13_34_logs_every_call_when_made(store: StoreClient) -> None:
    """The log tells time, method, path, query, body, sign-in style, status, duration and fault; it can be filtered."""
    store.get("/companies", limit=7)
    store.post("/companies", store.company_body(companyName="Logged"))
    store.call("GET", "/payments", headers={"authToken": "sandbox-token"})
    rows = store.control("GET", "/calls")
    assert [(row["method"], row["path"]) for row in rows] == [
        ("GET", "/api/v3/io/companies"),
        ("POST", "/api/v3/io/companies"),
        ("GET", "/api/v3/io/payments"),
    ]
    assert (rows[0]["query"], rows[0]["status"], rows[0]["fault"]) == ("limit=7", 200, None)
    assert "Logged" in rows[1]["body"]
    assert "companyId" in rows[1]["answer"]
    assert [row["auth_style"] for row in rows] == ["x_auth_token", "x_auth_token", "authtoken"]
    assert [row["method"] for row in store.control("GET", "/calls?method=POST")] == ["POST"]
    assert len(store.control("GET", f"/calls?since={rows[1]['seq']}&path=payments")) == 1
    store.control("DELETE", "/calls")
    assert store.control("GET", "/calls") == []


def test_s13_35_shows_every_switch_when_asked(store: StoreClient) -> None:
    """All choices stand by name with value, default and meaning; wrong ones are refused by name."""
    shown = store.control("GET", "/settings")
    assert set(shown) == {switch.name for switch in SWITCHES}
    assert all(entry["doc"] for entry in shown.values())
    assert {name: entry["value"] for name, entry in shown.items() if entry["value"] != entry["default"]} == {
        "requests_per_minute": 0
    }
    for wrong in ({"auto_aprove": True}, {"auto_approve": "yes"}):
        refused = store.call("PUT", "/settings", wrong, headers={}, prefix="/_sandbox")
        assert (refused.status, refused.body["error"]["field"]) == (400, next(iter(wrong)))


def test_s13_35_obeys_the_clock_when_set(store: StoreClient) -> None:
    """Stamps come from sandbox time, which can be set, frozen and moved."""
    store.control("PUT", "/clock", {"set": "2026-05-01T10:00:00+00:00", "freeze": True})
    company_id = store.new_company()
    assert store.company(company_id)["createdAt"] == 1_777_629_600
    store.control("PUT", "/clock", {"advance_s": 90})
    store.put(f"/companies/{company_id}", {"city": "Alameda"})
    company = store.company(company_id)
    assert (company["createdAt"], company["updatedAt"]) == (1_777_629_600, 1_777_629_690)


def test_s13_35_comes_back_to_the_seed_when_reset(store: StoreClient) -> None:
    """A reset takes data, switches, faults, clock and calls back."""
    before = store.state()
    store.new_company()
    store.switch(auto_approve=False)
    _order(store, "status", status=503)
    store.control("PUT", "/clock", {"advance_s": 1000})
    store.control("POST", "/reset")
    assert store.state() == before
    assert store.control("GET", "/calls") == []
    assert store.control("GET", "/faults") == []
    assert store.control("GET", "/settings")["auto_approve"]["value"] is True
    assert abs(store.control("GET", "/clock")["offset_s"]) < 1


def test_s13_35_takes_its_own_state_when_loaded(store: StoreClient) -> None:
    """The whole state can be read, put back, and is the same; the store goes on from there."""
    company_id = store.new_company()
    store.new_address(company_id, externalId="C1:EAST", isBilling=True, isDefaultBilling=True)
    store.put(f"/companies/{company_id}/payments", {"payments": [{"code": "cheque", "isEnabled": True}]})
    store.put(f"/companies/{company_id}/payment-terms", {"isEnabled": True, "paymentTerms": 15})
    state = store.state()
    store.control("POST", "/reset")
    store.control("PUT", "/state", state)
    assert store.state() == state
    assert store.get("/addresses", **{"externalId[]": "C1:EAST"}).total_count == 1
    assert store.get(f"/companies/{company_id}/payments").data[0]["isEnabled"] is True
    assert store.new_company() > company_id


def test_s13_35_seeds_companies_when_asked(store: StoreClient) -> None:
    """A seed takes a number and a count of hand-made companies; unknown keys are refused."""
    made = store.control("POST", "/seed", {"seed": 3, "companies": 50})
    assert (made["seed"], made["companies"]) == (3, 54)
    assert store.get("/companies").total_count == 54
    assert store.call("POST", "/seed", {"kompanies": 1}, headers={}, prefix="/_sandbox").status == 400


def test_s13_36_holds_the_peculiar_records_when_seeded(store: StoreClient) -> None:
    """The seed shows everything a sync can stumble over, and nothing that carries our key."""
    state = store.state()
    companies = state["companies"]
    names = [company["companyName"] for company in companies]
    assert any(company["companyStatus"] == 0 for company in companies)
    assert any(names.count(name) == 2 for name in names)
    assert all(company["extraFields"] == [] for company in companies)
    roles = [(role["name"], role["roleType"]) for role in state["roles"]]
    assert roles == [("Admin", 1), ("Senior Buyer", 1), ("Junior Buyer", 1), ("Buying Lead", 2)]
    assert state["super_admins"]
    definition = store.get("/companies/extra-fields").data[0]
    assert (definition["fieldName"], definition["isUnique"]) == (KEY, True)


@pytest.mark.parametrize("seed", [1, 2])
def test_s13_36_meets_the_erp_s_world_when_seeded_alike(store: StoreClient, seed: int) -> None:
    """A shopper and a user of another company have e-mails that contacts of the ERP's world use."""
    store.control("POST", "/seed", {"seed": seed})
    state = store.state()
    contacts = {
        contact.email.casefold() for customer in world(seed, len(EDGE_CASES) + 10) for contact in customer.contacts
    }
    users = {user["email"].casefold() for user in state["users"]}
    shoppers = {customer["email"].casefold() for customer in state["customers"]} - users
    assert shoppers & contacts
    assert users & contacts


def test_s13_37_never_uses_an_id_again_when_records_are_deleted(store: StoreClient) -> None:
    """Ids of deleted records stay theirs."""
    company_id = store.new_company()
    user_id, address_id = store.new_user(company_id), store.new_address(company_id)
    store.delete(f"/users/{user_id}")
    store.delete(f"/addresses/{address_id}")
    assert store.new_user(company_id) > user_id
    assert store.new_address(company_id) > address_id
    store.delete(f"/companies/{company_id}")
    assert store.new_company() > company_id


def test_s13_37_moves_the_company_s_stamp_only_when_the_company_is_written(store: StoreClient) -> None:
    """Users, addresses, payments and terms leave the company's updatedAt alone, unless switched."""
    store.control("PUT", "/clock", {"freeze": True})
    company_id = store.new_company()
    path = f"/companies/{company_id}"
    writes = [
        lambda: store.new_user(company_id),
        lambda: store.new_address(company_id),
        lambda: store.put(f"{path}/payments", {"payments": [{"code": "cheque", "isEnabled": True}]}),
        lambda: store.put(f"{path}/payment-terms", {"isEnabled": True, "paymentTerms": 15}),
    ]

    def moves(write: Any) -> bool:
        before = store.company(company_id)["updatedAt"]
        store.control("PUT", "/clock", {"advance_s": 5})
        write()
        return bool(store.company(company_id)["updatedAt"] > before)

    assert [moves(write) for write in writes] == [False] * 4
    assert moves(lambda: store.put(f"{path}/status", {"companyStatus": 2}))
    assert moves(lambda: store.put(path, {"city": "Alameda"}))
    store.switch(company_updated_by_children=True)
    assert [moves(write) for write in writes] == [True] * 4


def test_s13_37_shows_a_write_when_read_next(store: StoreClient) -> None:
    """Every write is visible to the next read, in details and in lists."""
    company_id = store.new_company(extraFields=[{"fieldName": KEY, "fieldValue": "V1"}])
    query = {"extraFields": f"{KEY}:V1", "extraFieldFilterType": "exact-match"}
    assert store.get("/companies", **query).data[0]["companyId"] == company_id
    store.put(f"/companies/{company_id}", {"extraFields": [{"fieldName": KEY, "fieldValue": "V2"}]})
    assert store.get("/companies", **query).data == []
    user_id = store.new_user(company_id, email="seen@northwind.example")
    assert store.get("/users", email="seen@northwind.example").data[0]["id"] == user_id
    store.put(f"/users/{user_id}", {"email": "moved@northwind.example"})
    assert store.get("/users", email="seen@northwind.example").data == []
    store.delete(f"/users/{user_id}")
    assert store.get("/users", email="moved@northwind.example").data == []
