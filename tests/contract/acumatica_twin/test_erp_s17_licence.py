"""docs/api/acumatica.md#statements, statements 9 to 11: what the licence allows."""

from __future__ import annotations

import threading
import time
from typing import Any

import requests


def test_s17_09_login_is_refused_when_all_seats_are_taken(erp: Any) -> None:
    """The third sign-in at two seats is 429 with the words `API Login Limit`; a freed seat lets it in."""
    second, third = erp.another(), erp.another()
    assert second.login().status_code == 204
    refused = third.login()
    assert refused.status_code == 429
    assert "API Login Limit" in refused.text
    assert "Retry-After" not in refused.headers
    second.logout()
    assert third.login().status_code == 204


def test_s17_09_bearer_is_redirected_when_all_seats_are_taken(erp: Any) -> None:
    """A call with a bearer gets 302 to Error.aspx with the message in the query."""
    erp.another().login()
    stranger = erp.another()
    bearer = {"Authorization": f"Bearer {stranger.token().json()['access_token']}"}
    refused = stranger.get(f"{stranger.default}/Customer", headers=bearer)
    assert refused.status_code == 302
    assert refused.headers["Location"].startswith("/Frames/Error.aspx?")
    assert "number%20of%20concurrent%20API%20logins" in refused.headers["Location"]


def test_s17_09_refusal_is_plain_text_when_the_style_is_switched(erp: Any) -> None:
    """Style `plain_429` answers both kinds of sign-in with the third form that was seen."""
    erp.settings(session_limit_style="plain_429")
    erp.another().login()
    stranger = erp.another()
    bearer = {"Authorization": f"Bearer {stranger.token().json()['access_token']}"}
    for refused in (stranger.login(), stranger.get(f"{stranger.default}/Customer", headers=bearer)):
        assert refused.status_code == 429
        assert refused.headers["Content-Type"].startswith("text/plain")
        assert refused.text == "The custom error module does not recognize this error."


def test_s17_10_answers_are_delayed_when_half_of_the_minute_is_used(erp: Any) -> None:
    """From half of the limit on the delay is (time left)/(requests left), and nothing is refused."""
    erp.control("PUT", "clock", {"set": "2026-05-01T10:00:58Z", "freeze": True})
    erp.settings(requests_per_minute=4, idle_minutes=1e9)
    spent = []
    for _ in range(4):
        began = time.monotonic()
        assert erp.get(f"{erp.default}/Customer", {"$top": 1}).status_code == 200
        spent.append(time.monotonic() - began)
    assert max(spent[:2]) < 0.5
    assert spent[2] >= 1.0  # two seconds left, two requests left
    assert spent[3] >= 2.0  # two seconds left, one request left


def test_s17_10_nothing_is_refused_when_the_minute_is_used_up(erp: Any) -> None:
    """Beyond the limit an answer waits for the rest of the minute, and is still an answer."""
    erp.control("PUT", "clock", {"set": "2026-05-01T10:00:59.8Z", "freeze": True})
    erp.settings(requests_per_minute=2, idle_minutes=1e9)
    assert {erp.get(f"{erp.default}/Customer", {"$top": 1}).status_code for _ in range(6)} == {200}


def _concurrent(erp: Any, count: int) -> list[requests.Response]:
    answers: list[requests.Response] = []
    cookies = erp.http.cookies.get_dict()
    url = f"{erp.url}{erp.default}/Customer?$top=1"
    threads = [
        threading.Thread(target=lambda: answers.append(requests.get(url, cookies=cookies, timeout=60)))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _slow_write(erp: Any) -> threading.Thread:
    """Occupies the only place for two seconds; returns when it does."""
    erp.settings(concurrent_requests=1, latency_put_ms=2000.0)
    body = {"CustomerID": {"value": "C000001"}, "CustomerName": {"value": "Busy"}}
    cookies = erp.http.cookies.get_dict()
    url = f"{erp.url}{erp.default}/Customer"
    writer = threading.Thread(target=lambda: requests.put(url, json=body, cookies=cookies, timeout=60))
    writer.start()
    time.sleep(0.5)
    return writer


def test_s17_11_request_is_refused_when_twenty_are_waiting(erp: Any) -> None:
    """Twenty requests wait in silence; the ones beyond them get 429 without Retry-After."""
    writer = _slow_write(erp)
    answers = _concurrent(erp, 24)
    writer.join()
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 4
    assert len([answer for answer in answers if answer.status_code == 200]) == 20
    assert not [answer for answer in refused if "Retry-After" in answer.headers]


def test_s17_11_request_is_refused_when_it_waited_too_long(erp: Any) -> None:
    """A request that waited longer than the bound (ten minutes by default) gets 429."""
    assert erp.control("GET", "settings")["queue_seconds"]["default"] == 600.0
    writer = _slow_write(erp)
    erp.settings(queue_seconds=0.3)
    began = time.monotonic()
    refused = erp.get(f"{erp.default}/Customer", {"$top": 1})
    assert refused.status_code == 429
    assert time.monotonic() - began < 1.4
    writer.join()


def test_answers_take_their_latency_when_it_is_set(erp: Any) -> None:
    """Lists, reads by key, writes and sign-ins have latencies of their own; the work itself counts.

    Source: docs/api/acumatica.md#speed.
    """
    erp.settings(latency_ms=100.0, latency_per_row_ms=10.0, latency_by_key_ms=200.0, latency_put_ms=300.0)
    spent: list[float] = []
    body = {"CustomerID": {"value": "C000001"}}
    for call in (
        lambda: erp.get(f"{erp.default}/Customer", {"$top": 1}),
        lambda: erp.get(f"{erp.default}/Customer", {"$top": 20}),
        lambda: erp.customer("C000001"),
        lambda: erp.put(f"{erp.default}/Customer", body),
        erp.login,
    ):
        began = time.monotonic()
        call()
        spent.append(time.monotonic() - began)
    for seconds, wanted in zip(spent, (0.11, 0.3, 0.2, 0.3, 0.1), strict=True):
        assert wanted <= seconds < wanted + 0.5
