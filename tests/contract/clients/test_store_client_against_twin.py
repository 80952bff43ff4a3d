"""The store client against the store's twin, over real HTTP, with faults, limits and odd answers."""

import threading
from typing import Any

import pytest

from customer_sync.errors import (
    AmbiguousWriteError,
    AuthenticationFailed,
    ConfigError,
    ContractError,
    NotFound,
    RecordRejected,
    ReplyLost,
    Unavailable,
)
from customer_sync.model.company import PaymentTerms
from customer_sync.model.operation import Action

KEY = "Acumatica Customer ID"
RECORD_ID = "7a1f0c52-3b5e-4d0e-9b0d-2f6c1e8a4b11"


def company(number: int, **changes: Any) -> dict[str, Any]:
    """Make a company that the store takes."""
    return {
        "company_name": f"Company {number:04}",
        "company_phone": "+1 (555) 010-4420",
        "company_email": f"ap{number}@northwind.example",
        "country": "US",
        "state": "California",
        "city": "Oakland",
        "address_line1": "410 Harbor Ave",
        "zip_code": "94607",
        "admin_first_name": "Dana",
        "admin_last_name": "Rivera",
        "admin_email": f"dana{number}@northwind.example",
        "accept_creation_email": False,
        "extra_fields": {KEY: f"T{number:06}"},
        **changes,
    }


def user(number: int, company_id: int, **changes: Any) -> dict[str, Any]:
    """Make a company user that the store takes."""
    return {
        "first_name": "Lee",
        "last_name": "Okafor",
        "email": f"lee{number}@northwind.example",
        "company_id": company_id,
        "role": 2,
        **changes,
    }


def address(number: int, company_id: int, **changes: Any) -> dict[str, Any]:
    """Make an address that the store takes."""
    return {
        "company_id": company_id,
        "first_name": "Northwind",
        "last_name": "East",
        "address_line1": "2200 Wharf St",
        "city": "Alameda",
        "state_name": "California",
        "state_code": "CA",
        "country_name": "United States",
        "country_code": "US",
        "external_id": f"T1:{number}",
        "is_shipping": True,
        **changes,
    }


def test_company_reads_back_when_it_was_created(make_store_client: Any) -> None:
    """Every field that was sent is in the store, and the key finds it."""
    client = make_store_client()
    (company_id,) = client.create_companies([company(1)])
    found = client.company(company_id)
    assert (found.fields.company_name, found.fields.company_email, found.fields.state) == (
        "Company 0001",
        "ap1@northwind.example",
        "California",
    )
    assert found.fields.extra_fields == {KEY: "T000001"}
    assert [one.id for one in client.companies_by_key("T000001")] == [company_id]
    assert client.companies_by_key("T00000") == []
    client.update_companies([(company_id, {"city": "Alameda"})], RECORD_ID)
    changed = client.company(company_id)
    assert (changed.record_id, changed.fields.city, changed.fields.company_name) == (
        RECORD_ID,
        "Alameda",
        "Company 0001",
    )


def test_no_update_is_lost_over_a_uuid_that_the_store_refuses(store: Any, make_store_client: Any) -> None:
    """It goes once more without; what is no uuid is never sent, nor anything in bulk."""
    client = make_store_client()
    ids = client.create_companies([company(1), company(2)])
    client.update_companies([(ids[0], {"city": "Alameda"})], "C001042")
    client.update_companies([(each, {"zip_code": "94501"}) for each in ids], RECORD_ID)
    assert [(client.company(each).fields.zip_code, client.company(each).record_id) for each in ids] == [
        ("94501", "")
    ] * 2
    refused = {"status": 422, "body_style": "envelope", "message": "uuid: Must be a valid UUID."}
    store.fault("status", match={"method": "PUT", "body_regex": "uuid"}, **refused)
    for city in ("Berkeley", "Emeryville"):
        client.update_companies([(ids[0], {"city": city})], RECORD_ID)
        assert client.company(ids[0]).fields.city == city
    assert sum("uuid" in str(row["body"]) for row in store.calls("PUT")) == 1


def test_a_store_of_dependent_companies_is_named_and_served_by_its_catalog(store: Any, make_store_client: Any) -> None:
    """Without the setting a sentence says which one is missing; with it companies are made singly, each with it."""
    store.switch(independent_companies=False, catalog_required=True)
    client = make_store_client()
    assert not client.needs_catalogs
    for rows in ([company(1)], [company(1), company(2)]):
        with pytest.raises(ConfigError, match=r"Dependent Companies.*store\.catalog_id"):
            client.create_companies(rows)
    client = make_store_client(catalog_id=5)
    assert client.cost(Action.CREATE_COMPANY).rows == 1
    client.create_companies([company(1)])
    assert make_store_client().needs_catalogs


def test_shoppers_are_counted_where_the_core_store_answers(store: Any, make_store_client: Any) -> None:
    """Company users have an account there as well and do not count; no answer is no number."""
    client = make_store_client()
    client.create_companies([company(1)])
    (admin,) = [user.fields.email for user in client.users() if "ap1@" in user.fields.email or "1" in user.fields.email]
    emails = ["SHOPPER@plainshop.example", "nobody@plainshop.example", admin]
    assert client.shoppers(emails) == 1
    assert client.shoppers([f"n{number}@plainshop.example" for number in range(120)]) == 0
    store.switch(serve_core_customers=False)
    assert client.shoppers(emails) is None


def test_shoppers_among_many_are_not_asked_for(store: Any, make_store_client: Any) -> None:
    """A plan of a whole new store does not wait for what it only counts."""
    before = len(store.calls())
    assert make_store_client().shoppers([f"n{number}@plainshop.example" for number in range(3_001)]) is None
    assert len(store.calls()) == before


@pytest.mark.parametrize("as_documented", [False, True])
def test_bulk_ids_are_attributed_when_all_were_stored(
    store: Any, make_store_client: Any, *, as_documented: bool
) -> None:
    """In either form of the answer the ids belong to the rows in order."""
    store.switch(bulk_as_documented=as_documented)
    client = make_store_client()
    ids = client.create_companies([company(number) for number in range(10)])
    assert [client.company(company_id).key for company_id in ids] == [f"T{number:06}" for number in range(10)]


def test_good_rows_are_kept_when_bulk_rows_are_refused(make_store_client: Any) -> None:
    """The refusal names the rows, and the others are found by their key."""
    client = make_store_client()
    client.create_companies([company(1)])
    with pytest.raises(RecordRejected) as caught:
        client.create_companies([company(2), company(1, admin_email="other@x.example"), company(3, company_phone="")])
    assert sorted(caught.value.row_errors) == [1, 2]
    assert caught.value.good_rows_kept
    assert caught.value.is_key_taken
    assert len(client.companies_by_key("T000002")) == 1
    assert client.companies_by_key("T000003") == []


def test_bulk_changes_are_attributed_when_one_is_refused(make_store_client: Any) -> None:
    """A PUT in bulk is refused by company id, told here by row."""
    client = make_store_client()
    ids = client.create_companies([company(number) for number in range(3)])
    with pytest.raises(RecordRejected) as caught:
        client.update_companies(
            [(ids[0], {"city": "A"}), (ids[2], {"company_name": "x" * 300}), (ids[1], {"city": "B"})]
        )
    assert list(caught.value.row_errors) == [1]
    with pytest.raises(NotFound):
        client.update_companies([(ids[0], {"city": "A"}), (999_999, {"city": "B"})])


def test_status_is_set_when_changed(make_store_client: Any) -> None:
    """A company is switched off and on again."""
    client = make_store_client()
    (company_id,) = client.create_companies([company(1)])
    for status in (3, 1):
        client.set_company_status(company_id, status)
        assert client.company(company_id).status == status


def test_everything_comes_once_when_crawled(make_store_client: Any) -> None:
    """More companies, users and addresses than a page holds come once each."""
    client = make_store_client(page_size=7, requests_per_minute=6_000)
    before = client.count_companies()
    ids = [
        one
        for start in range(0, 30, 10)
        for one in client.create_companies([company(n) for n in range(start, start + 10)])
    ]
    client.create_users([user(number, ids[0]) for number in range(10)])
    client.create_addresses([address(number, ids[0]) for number in range(10)])
    crawled = [one.id for one in client.companies()]
    assert len(crawled) == len(set(crawled)) == before + 30 == client.count_companies()
    assert set(ids) <= set(crawled)
    assert len(list(client.users(company_id=ids[0]))) == 11
    assert len(list(client.addresses(company_id=ids[0]))) == 10
    found = client.addresses_by_key([f"T1:{number}" for number in range(0, 20, 2)])
    assert sorted(one.fields.external_id for one in found) == [f"T1:{number}" for number in range(0, 10, 2)]


def test_user_is_found_when_the_case_differs(make_store_client: Any) -> None:
    """One user per e-mail, whatever its case."""
    client = make_store_client()
    (company_id,) = client.create_companies([company(1)])
    (user_id,) = client.create_users([user(1, company_id)])
    assert client.user_by_email("LEE1@northwind.EXAMPLE").id == user_id
    with pytest.raises(RecordRejected) as caught:
        client.create_users([user(2, company_id, email="Lee1@northwind.example")])
    assert caught.value.is_email_taken
    client.update_user(user_id, {"first_name": "Leonora"})
    assert client.user(user_id).fields.first_name == "Leonora"
    client.delete_user(user_id)
    client.delete_user(user_id)
    assert client.user_by_email("lee1@northwind.example") is None


def test_row_is_told_when_a_bulk_of_users_is_refused(make_store_client: Any) -> None:
    """Where the store quotes the e-mail, the row is known, and nothing was stored."""
    client = make_store_client()
    (company_id,) = client.create_companies([company(1)])
    client.create_users([user(1, company_id)])
    with pytest.raises(RecordRejected) as caught:
        client.create_users([user(2, company_id), user(1, company_id), user(3, company_id)])
    assert list(caught.value.row_errors) == [1]
    assert client.user_by_email("lee2@northwind.example") is None


def test_row_is_told_when_a_bulk_of_addresses_is_refused(make_store_client: Any) -> None:
    """The list of errors is aligned with the request."""
    client = make_store_client()
    (company_id,) = client.create_companies([company(1)])
    with pytest.raises(RecordRejected) as caught:
        client.create_addresses([address(1, company_id), address(2, company_id, last_name=None)])
    assert list(caught.value.row_errors) == [1]


def test_payment_settings_read_back_when_written(make_store_client: Any) -> None:
    """Only the named method changes, and the terms are as written; a company that does not exist has none."""
    client = make_store_client()
    (company_id,) = client.create_companies([company(1)])
    first, *_ = codes = sorted(client.payment_methods)
    client.set_payment_methods(company_id, {first: True})
    client.set_payment_terms(company_id, PaymentTerms(is_enabled=True, days=45))
    have = client.payment_settings(company_id, methods=True, terms=True)
    assert have.methods == {code: code == first for code in codes}
    assert have.terms == PaymentTerms(is_enabled=True, days=45)
    assert client.payment_settings(999_999, methods=True, terms=False) is None
    assert client.payment_settings(999_999, methods=False, terms=True) is None
    with pytest.raises(NotFound, match="Payment Does not Exist"):
        client.set_payment_methods(company_id, {"nope": True})


def test_definitions_are_known_when_read(make_store_client: Any) -> None:
    """Roles and the key's definition are there."""
    client = make_store_client()
    assert {"admin", "senior buyer", "junior buyer"} <= client.role_ids.keys() == client.roles.keys()
    assert client.extra_fields("company")[KEY.casefold()].is_unique


def test_storefronts_are_known_where_the_store_lists_them(make_store_client: Any, store: Any) -> None:
    """A store with one alone refuses to, which is no error."""
    assert make_store_client().channels is None
    store.switch(multi_storefront=True)
    assert make_store_client().channels == {1: "Default Storefront"}


@pytest.mark.parametrize(
    ("effect", "stored"),
    [
        ("commit_then_fail", True),
        ("commit_then_reset", True),
        ("truncate", True),
        ("malformed_json", True),
        ("fail_before_commit", False),
        ("connection_reset", False),
        ("html", False),
    ],
)
def test_creation_is_unknown_when_it_is_disturbed(
    store: Any, make_store_client: Any, effect: str, *, stored: bool
) -> None:
    """Stored or not, the POST is sent once and must be looked up by key."""
    client = make_store_client()
    store.fault(effect, match={"method": "POST"})
    with pytest.raises(AmbiguousWriteError):
        client.create_companies([company(1)])
    assert len(store.calls("POST", "/companies")) == 1
    assert len(client.companies_by_key("T000001")) == stored


@pytest.mark.parametrize(
    "effect", ["commit_then_fail", "commit_then_reset", "truncate", "fail_before_commit", "status"]
)
def test_change_is_done_when_it_was_disturbed(store: Any, make_store_client: Any, effect: str) -> None:
    """PUT and DELETE are repeated until they are answered; the result is that of one."""
    client = make_store_client()
    (company_id,) = client.create_companies([company(1)])
    store.fault(effect, match={"method": "PUT"}, times=2)
    client.update_companies([(company_id, {"city": "Alameda"})])
    assert client.company(company_id).fields.city == "Alameda"
    store.fault(effect, match={"method": "DELETE"}, times=1)
    client.delete_company(company_id)
    assert client.company(company_id) is None


@pytest.mark.parametrize(
    ("effect", "kind"),
    [("status", Unavailable), ("connection_reset", ReplyLost), ("malformed_json", ReplyLost), ("html", ContractError)],
)
def test_run_stops_when_reading_stays_disturbed(
    store: Any, make_store_client: Any, effect: str, kind: type[Exception]
) -> None:
    """A list that cannot be read is an error and never an empty store."""
    client = make_store_client()
    store.fault(effect, match={"method": "GET"})
    with pytest.raises(kind):
        list(client.companies())


@pytest.mark.parametrize("header", [True, False])
def test_work_is_done_when_the_store_refuses_for_a_while(store: Any, make_store_client: Any, *, header: bool) -> None:
    """A burst of 429, with or without the header, is waited for, writes included."""
    client = make_store_client()
    store.fault("burst_429", seconds=20, header=header)
    (company_id,) = client.create_companies([company(1)])
    assert client.company(company_id)
    assert client.requests_used().refused >= 1


def test_nothing_is_refused_when_the_budget_is_paced(make_limited_client: Any) -> None:
    """Over three full windows of 150 requests none is refused, and the budget is used to 95 %."""
    client, passed_s = make_limited_client(share=1.0)
    for _ in range(450):
        client.count_companies()
    assert client.requests_used().refused == 0
    assert passed_s() <= 180 * 1.05


def test_share_is_kept_when_others_need_the_budget(make_limited_client: Any) -> None:
    """With a share of 80 % at most 120 of the 150 requests of a minute are ours."""
    client, passed_s = make_limited_client(share=0.8)
    for _ in range(240):
        client.count_companies()
    assert client.requests_used().refused == 0
    assert 110 <= passed_s() <= 125


def test_ids_are_whole_when_threads_write_side_by_side(make_store_client: Any) -> None:
    """Eight threads create companies through one client; none is lost or doubled."""
    client = make_store_client(requests_per_minute=60_000)
    created: list[int] = []

    def work(thread: int) -> None:
        for number in range(5):
            created.extend(client.create_companies([company(thread * 100 + number)]))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(created)) == 40
    assert set(created) <= {one.id for one in client.companies()}


def test_setting_is_named_when_credentials_are_wrong(make_store_client: Any) -> None:
    """A wrong token, a wrong prefix and a wrong hash each lead to the setting to correct."""
    with pytest.raises(AuthenticationFailed, match="API token"):
        make_store_client(token="wrong").count_companies()
    with pytest.raises(NotFound, match="api_prefix"):
        make_store_client(api_prefix="/api/v9").count_companies()
    with pytest.raises(Unavailable, match="store_hash"):
        make_store_client(store_hash="wrong").count_companies()
    assert make_store_client(auth_style="authtoken", store_hash="").count_companies() >= 0
