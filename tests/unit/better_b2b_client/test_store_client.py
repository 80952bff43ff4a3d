"""What the client asks of the store for each call, what it repeats, and what it never sends twice."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from customer_sync.errors import (
    AmbiguousWriteError,
    ConnectFailed,
    ContractError,
    NotFound,
    PauseTooLong,
    RateLimited,
    RecordRejected,
    ReplyLost,
    Unavailable,
)
from customer_sync.model.company import PaymentTerms
from customer_sync.settings.system_rules import StoreRules

KEY = "Acumatica Customer ID"
NOT_FOUND = {"code": 404, "data": {}, "meta": {"message": "This resource is not found."}}


def _company(number: int, key: str | None = None) -> dict[str, Any]:
    fields = [] if key is None else [{"fieldName": KEY, "fieldValue": key}]
    return {"companyId": number, "companyName": f"Company {number}", "extraFields": fields}


def _paged(make_reply: Any, make_envelope: Any, rows: list[Any]) -> Any:
    """Serve a list by offset and limit."""

    def answer(request: Any) -> Any:
        query = dict(request.query)
        start = int(query["offset"])
        page = rows[start : start + int(query["limit"])]
        return make_reply(200, make_envelope(page, total=len(rows)))

    return answer


@pytest.mark.parametrize(
    ("style", "names"), [("x_auth_token", {"X-Auth-Token", "X-Store-Hash"}), ("authtoken", {"authToken"})]
)
def test_styles_are_not_mixed_when_signing(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any, style: str, names: set[str]
) -> None:
    """The legacy token must not be combined with the store hash (docs/api/better_b2b.md#sign-in)."""
    store.answering = lambda _: make_reply(200, make_envelope([], total=0))
    make_client(auth_style=style).count_companies()
    assert set(store.requests[0].headers) == names | {"Accept"}


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_every_company_comes_once_when_crawled(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any, count: int
) -> None:
    """All pages are read in the steady order, with extra fields, and no page more."""
    store.answering = _paged(make_reply, make_envelope, [_company(number) for number in range(count)])
    found = [company.id for company in make_client().companies(modified_since_s=1772637895)]
    assert found == list(range(count))
    assert len(store.requests) == max(1, -(-count // 100))
    query = dict(store.requests[0].query)
    assert (query["sortBy"], query["orderBy"], query["isIncludeExtraFields"]) == ("companyName", "ASC", "1")
    assert query["minModified"] == "1772637895"


def test_rows_that_slipped_are_found_when_pages_shift(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """A company deleted in front moves one over the page's edge; the list is read again until all were seen."""
    rows = [_company(number) for number in range(250)]
    serve = _paged(make_reply, make_envelope, rows)

    def answer(request: Any) -> Any:
        got = serve(request)
        if len(store.requests) == 1:
            rows.pop(0)
        return got

    store.answering = answer
    found = [company.id for company in make_client().companies()]
    # Number 100 slipped from the second page to the first while it was being read.
    assert sorted(found) == list(range(250))


def test_rows_come_once_when_they_move_back(store: Any, make_client: Any, make_reply: Any, make_envelope: Any) -> None:
    """A company that moves to a later page while the list is read comes once."""
    rows = [_company(number) for number in range(150)]
    serve = _paged(make_reply, make_envelope, rows)

    def answer(request: Any) -> Any:
        got = serve(request)
        rows.append(rows.pop(0))
        return got

    store.answering = answer
    found = [company.id for company in make_client().companies()]
    assert sorted(found) == list(range(150))


def test_crawl_ends_when_the_store_miscounts(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any, caplog: Any
) -> None:
    """A count that never fits is told in the log and not chased for ever."""
    store.answering = lambda request: make_reply(
        200, make_envelope([_company(1)] if dict(request.query)["offset"] == "0" else [], total=9)
    )
    assert len(list(make_client().companies())) == 1
    assert len(store.requests) == 6
    assert "counts 9 records" in caplog.text


def test_page_ends_the_list_when_there_is_no_count(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """Without a count a short page is the last one."""
    pages = [[_company(number) for number in range(100)], [_company(100)]]
    store.then(*[make_reply(200, make_envelope(page)) for page in pages])
    assert len(list(make_client().companies())) == 101


def test_key_is_compared_again_when_searched(store: Any, make_client: Any, make_reply: Any, make_envelope: Any) -> None:
    """A search that returns more than was asked for, as contains-search does, is filtered by exact value."""
    rows = [_company(1, "C10"), _company(2, "C100"), _company(3, "c10"), _company(4), _company(5, "C10")]
    store.answering = _paged(make_reply, make_envelope, rows)
    assert [company.id for company in make_client().companies_by_key("C10")] == [1, 5]
    query = dict(store.requests[0].query)
    assert (query["extraFields"], query["extraFieldFilterType"]) == (f"{KEY}:C10", "exact-match")


def test_company_is_created_when_the_payload_is_good(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """The id comes back; channels, origin and group are filled in from the settings unless named."""
    store.answering = lambda _: make_reply(200, make_envelope({"companyId": "61427", "customerId": 1}))
    client = make_client(rules=StoreRules(customer_group_id=0))
    assert client.create_companies([{"company_name": "N", "channel_ids": [2]}]) == [61427]
    assert store.sent() == [
        ("POST", "/companies", {"companyName": "N", "channelIds": [2], "originChannelId": 1, "customerGroupId": 0})
    ]


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"data": [{"companyId": 1}, {"companyId": 2}], "meta": {"message": "SUCCESS"}}, [1, 2]),
        ({"data": [{"companyId": "1"}, {"companyId": "2"}], "meta": {}}, [1, 2]),
        ({"data": {"message": "SUCCESS"}, "meta": [{"companyId": 1}, {"companyId": 2}]}, [1, 2]),
        ({"data": {}, "meta": {"companies": [{"companyId": 1}, {"companyId": 2}]}}, [1, 2]),
        ({"data": [{"companyId": 1}], "meta": {}}, None),
        ({"data": [{"companyId": 1}, {"companyId": 1}], "meta": {}}, None),
        ({"data": [{"companyId": 1}, {"companyId": None}], "meta": {}}, None),
        ({"data": [{"companyId": 1}, "x"], "meta": {}}, None),
        ({"data": [], "meta": {}}, None),
        ({"data": None, "meta": None}, None),
    ],
)
def test_ids_are_attributed_when_they_can_be(
    store: Any, make_client: Any, make_reply: Any, body: Any, ids: Any
) -> None:
    """In order, from either place, and only when there is exactly one for every row."""
    store.answering = lambda _: make_reply(200, {"code": 200, **body})
    assert make_client().create_companies([{"company_name": "A"}, {"company_name": "B"}]) == (ids or [None, None])


@pytest.mark.parametrize("count", [0, 11])
def test_bulk_is_refused_when_it_is_empty_or_too_long(store: Any, make_client: Any, count: int) -> None:
    """What the store would answer with 413 is not sent."""
    client = make_client()
    for call in (client.create_companies, client.create_users, client.create_addresses):
        with pytest.raises(ValueError, match="1 to 10 rows"):
            call([{}] * count)
    assert store.requests == []


@pytest.mark.parametrize("lost", [ReplyLost("Lost."), 500, 503, "html", "cut", "list"], ids=str)
@pytest.mark.parametrize("call", ["create_companies", "create_users", "create_addresses"])
def test_creation_is_unknown_when_its_answer_is_lost(
    store: Any, make_client: Any, make_reply: Any, lost: Any, call: str
) -> None:
    """A POST without a readable answer is sent once and must be looked up."""
    answers = {"html": make_reply(200, b"<html>"), "cut": make_reply(200, b'{"code":'), "list": make_reply(200, [])}
    answer = make_reply(lost) if isinstance(lost, int) else answers.get(lost, lost) if isinstance(lost, str) else lost
    store.answering = lambda _: answer
    with pytest.raises(AmbiguousWriteError, match="read it back"):
        getattr(make_client(), call)([{"uuid": "1"} if call != "create_addresses" else {"label": "x"}])
    assert len(store.requests) == 1


def test_creation_is_repeated_when_it_was_never_done(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any, slept_s: Any
) -> None:
    """No connection and 429 mean that nothing happened: the POST may go again."""
    limited = make_reply(429, b"", X_Request_Window_Resets_After="41.4 s")
    store.then(ConnectFailed("Nobody."), limited, make_reply(200, make_envelope({"companyId": 7})))
    assert make_client().create_companies([{"company_name": "N"}]) == [7]
    assert len(store.requests) == 3
    assert slept_s[1] == pytest.approx(41.9)


@pytest.mark.parametrize("passing", [ReplyLost("Lost."), Unavailable("Down."), 500, "cut"], ids=str)
def test_change_is_repeated_when_its_answer_is_lost(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any, passing: Any
) -> None:
    """PUT and DELETE do the same twice as once, so they simply go again."""
    done = make_reply(200, make_envelope({"companyId": 1}))
    failed = make_reply(500) if passing == 500 else make_reply(200, b'{"co') if passing == "cut" else passing
    client = make_client()
    calls: list[Callable[[], object]] = [
        lambda: client.update_companies([(1, {"city": "X"})]),
        lambda: client.update_companies([(1, {"city": "X"}), (2, {"city": "X"})]),
        lambda: client.set_company_status(1, 3),
        lambda: client.delete_company(1),
        lambda: client.delete_user(1),
        lambda: client.update_address(1, {"city": "X"}),
    ]
    for call in calls:
        store.then(failed, done)
        call()
    assert len(store.requests) == 12


def test_change_is_unknown_when_the_retries_run_out(store: Any, make_client: Any, make_reply: Any) -> None:
    """After the last try the change may or may not be there."""
    store.answering = lambda _: make_reply(503)
    with pytest.raises(AmbiguousWriteError):
        make_client().update_companies([(1, {"city": "X"})])
    assert len(store.requests) == 3


@pytest.mark.parametrize("call", ["delete_company", "delete_user", "delete_address"])
def test_deletion_is_done_when_the_record_is_gone(store: Any, make_client: Any, make_reply: Any, call: str) -> None:
    """404 to a deletion is a success."""
    store.answering = lambda _: make_reply(404, NOT_FOUND)
    getattr(make_client(), call)(5)
    assert len(store.requests) == 1


@pytest.mark.parametrize("call", ["company", "user", "address"])
def test_record_is_none_when_it_does_not_exist(store: Any, make_client: Any, make_reply: Any, call: str) -> None:
    """404 to a look-up by id is a normal result."""
    store.answering = lambda _: make_reply(404, NOT_FOUND)
    assert getattr(make_client(), call)(5) is None


def test_error_is_raised_when_a_list_is_not_found(store: Any, make_client: Any, make_reply: Any) -> None:
    """404 to a list means a wrong address, and must never look like an empty store."""
    store.answering = lambda _: make_reply(404, NOT_FOUND)
    with pytest.raises(NotFound, match="api_prefix"):
        list(make_client().companies())


def test_every_thread_waits_when_the_budget_is_used_up(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any, slept_s: Any
) -> None:
    """The wait is the window's end, and it is counted as a refusal and a repetition."""
    store.then(
        make_reply(429, b"", X_Request_Window_Resets_After="12 s"),
        make_reply(429, b"", Retry_After="3"),
        make_reply(429, b""),
        make_reply(200, make_envelope([], total=0)),
    )
    client = make_client()
    client.count_companies()
    assert slept_s == [12.5, 3.5, 60.5]
    use = client.requests_used()
    assert (use.total, use.refused, use.retried) == (4, 3, 3)


def test_run_fails_for_now_when_the_budget_never_comes_back(store: Any, make_client: Any, make_reply: Any) -> None:
    """The waiting is bounded by seconds."""
    store.answering = lambda _: make_reply(429, b"", Retry_After="60")
    with pytest.raises(RateLimited):
        make_client().count_companies()
    assert len(store.requests) == 10


def test_pace_follows_when_answers_tell_the_budget(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """The allocated budget of the answer's headers sets the pace."""
    store.answering = lambda _: make_reply(
        200,
        make_envelope([], total=0),
        X_Requests_Allocated="300 times/60 s",
        X_Requests_Remaining="299 times",
        X_Request_Window_Resets_After="59 s",
    )
    client = make_client()
    client.count_companies()
    assert client.pacer.requests_per_minute == pytest.approx(240, rel=0.01)


def test_email_is_compared_without_case_when_a_user_is_searched(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """The exact user is found, whatever else the store returns; several are an error and not a guess."""
    rows = [{"id": 1, "email": "lee@x.example"}, {"id": 2, "email": "Dana@X.example"}]
    store.answering = _paged(make_reply, make_envelope, rows)
    found = make_client().user_by_email(" dana@x.EXAMPLE ")
    assert found
    assert found.id == 2
    assert make_client().user_by_email("nobody@x.example") is None
    rows.append({"id": 3, "email": "dana@x.example"})
    with pytest.raises(ContractError, match="2, 3") as caught:
        make_client().user_by_email("dana@x.example")
    assert "dana" not in str(caught.value)


def test_channels_are_filled_in_when_a_user_is_created(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """A user without a channel would be refused."""
    store.answering = lambda _: make_reply(200, make_envelope([{"userId": 5}, {"userId": 6}]))
    assert make_client().create_users([{"email": "a@b.example"}, {"email": "c@d.example", "channel_ids": [2]}]) == [
        5,
        6,
    ]
    assert store.sent()[0][2] == [
        {"channelIds": [1], "originChannelId": 1, "email": "a@b.example"},
        {"channelIds": [2], "originChannelId": 1, "email": "c@d.example"},
    ]


def test_user_is_named_when_a_bulk_refusal_quotes_it(store: Any, make_client: Any, make_reply: Any) -> None:
    """The row whose e-mail is taken stands alone although the store gives no number."""
    body = {"code": 422, "data": {"errMsg": "Email already exists. ['b@x.example']"}, "meta": {"message": "Processing"}}
    store.answering = lambda _: make_reply(422, body)
    with pytest.raises(RecordRejected) as caught:
        make_client().create_users([{"email": "a@x.example"}, {"email": "B@x.example"}])
    assert list(caught.value.row_errors) == [1]
    assert caught.value.is_email_taken


def test_addresses_are_attributed_when_external_ids_agree(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """Whole rows come back, so that the order is checked and not believed."""
    sent = [{"external_id": "C1:A", "label": "a"}, {"external_id": "C1:B", "label": "b"}]
    rows = [{"addressId": 1, "externalId": "C1:A"}, {"addressId": 2, "externalId": "C1:B"}]
    store.answering = lambda _: make_reply(200, make_envelope(rows))
    assert make_client().create_addresses(sent) == [1, 2]
    rows.reverse()
    assert make_client().create_addresses(sent) == [None, None]
    rows.pop()
    assert make_client().create_addresses(sent) == [None, None]


def test_addresses_are_asked_for_in_few_requests_when_searched(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """Many external ids go into few queries, each id once, and foreign rows are left out."""
    rows = [
        {"addressId": 1, "companyId": "7", "externalId": "C1:0"},
        {"addressId": 2, "companyId": "8", "externalId": "c1:0"},
        {"addressId": 3, "companyId": "7", "externalId": "other"},
    ]
    store.answering = _paged(make_reply, make_envelope, rows)
    wanted = [f"C1:{number}" for number in range(100)]
    assert [address.id for address in make_client().addresses_by_key([*wanted, *wanted])] == [1]
    asked = [value for request in store.requests for name, value in request.query if name == "externalId[]"]
    assert asked == wanted
    assert len(store.requests) <= 3


def test_nothing_is_asked_when_there_is_nothing_to_do(store: Any, make_client: Any) -> None:
    """No external ids and no payment codes cost no request."""
    client = make_client()
    assert client.addresses_by_key([]) == []
    client.set_payment_methods(1, {})
    assert store.requests == []


def test_payment_settings_are_written_when_changed(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """Only the named codes are sent, and terms as the store wants them."""
    store.answering = lambda _: make_reply(200, make_envelope({"isEnabled": True, "paymentTerms": "30"}))
    client = make_client()
    client.set_payment_methods(7, {"cheque": True, "cod": False})
    client.set_payment_terms(7, PaymentTerms(is_enabled=True, days=30))
    assert store.sent() == [
        (
            "PUT",
            "/companies/7/payments",
            {"payments": [{"code": "cheque", "isEnabled": True}, {"code": "cod", "isEnabled": False}]},
        ),
        ("PUT", "/companies/7/payment-terms", {"isEnabled": True, "paymentTerms": 30}),
    ]


def test_value_is_refused_when_the_store_would_not_take_it(store: Any, make_client: Any) -> None:
    """Terms of 10 days and status 4 are mistakes of the caller, told before anything is sent."""
    with pytest.raises(ValueError, match="10 days"):
        make_client().set_payment_terms(7, PaymentTerms(is_enabled=True, days=10))
    with pytest.raises(ValueError, match="not a company status"):
        make_client().set_company_status(7, 4)
    assert store.requests == []


def test_answers_are_not_mixed_up_when_threads_share_the_client(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """Eight threads get the answers to their own questions."""
    store.answering = lambda request: make_reply(200, make_envelope(_company(int(request.path.rsplit("/", 1)[1]))))
    client = make_client()
    wrong: list[int] = []

    def ask(first: int) -> None:
        for number in range(first, first + 50):
            company = client.company(number)
            if company is None or company.id != number:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert client.requests_used().total == 400


def test_huge_values_are_read_when_they_come(store: Any, make_client: Any, make_reply: Any) -> None:
    """Ten megabytes of name, or of error text, are read and not stumbled over."""
    name = "x" * 10_000_000
    store.answering = lambda _: make_reply(200, {"code": 200, "data": {"companyId": 1, "companyName": name}})
    company = make_client().company(1)
    assert company
    assert len(company.fields.company_name) == 10_000_000
    store.answering = lambda _: make_reply(422, json.dumps({"code": 422, "data": {"errMsg": name}}).encode())
    with pytest.raises(RecordRejected) as caught:
        make_client().update_companies([(1, {"city": "X"})])
    assert len(str(caught.value)) <= 2_000


@pytest.mark.parametrize(
    "pause", ["31536000", "999999999", "Fri, 30 Nov 2096 12:00:00 GMT", "9" * 5_000, "-1", "1e999"]
)
def test_call_ends_when_the_store_asks_for_a_pause_of_a_year(
    store: Any, make_client: Any, make_reply: Any, slept_s: list[float], pause: str
) -> None:
    """A pause beyond belief is cut, in seconds or as a date, and the call ends within ten minutes with a sentence."""
    store.answering = lambda _: make_reply(429, {"code": 429, "data": {}}, Retry_After=pause)
    client = make_client()
    with pytest.raises(RateLimited, match="request budget is used up"):
        client.company(1)
    assert sum(slept_s) <= 600
    # The next request of this client is not held back for a year either.
    assert client.pacer.acquire() <= 61


def test_pause_is_named_when_it_is_beyond_belief(store: Any, make_client: Any, make_reply: Any) -> None:
    """The sentence says what was asked for, what is done instead, and whom to ask."""
    store.answering = lambda _: make_reply(429, {"code": 429, "data": {}}, Retry_After="31536000")
    with pytest.raises(PauseTooLong, match=r"a pause of 31,536,000 s.*after 60 s.*support"):
        make_client().company(1)


def test_crawl_ends_when_the_store_repeats_a_page_and_counts_more(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """A list that shows one page again and again with a growing total ends with a sentence and not with the task."""
    page = [_company(number) for number in range(100)]
    store.answering = lambda request: make_reply(
        200, make_envelope(page, total=int(dict(request.query)["offset"]) + 1_000)
    )
    with pytest.raises(ContractError, match=r"same records of /companies page after page.*100 came.*support"):
        list(make_client().companies())
    assert len(store.requests) == 6


def test_crawl_goes_on_when_a_page_repeats_once(
    store: Any, make_client: Any, make_reply: Any, make_envelope: Any
) -> None:
    """A page that shifted because others write is read again, and nothing is lost."""
    rows = [_company(number) for number in range(150)]
    is_shifted = iter([False, True])

    def answer(request: Any) -> Any:
        offset = 0 if next(is_shifted, False) else int(dict(request.query)["offset"])
        return make_reply(200, make_envelope(rows[offset : offset + 100], total=150))

    store.answering = answer
    assert [company.id for company in make_client().companies()] == list(range(150))
