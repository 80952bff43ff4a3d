"""docs/api/acumatica.md#statements, statements 1 to 8: sign-in and sessions."""

from __future__ import annotations

import http.client
import threading
import time
from typing import Any

import requests


def _seats(erp: Any) -> int:
    return len(erp.control("GET", "state")["sessions"])


def test_s17_01_cookies_are_given_when_the_login_is_right(stranger: Any) -> None:
    """A sign-in answers 204, empty, with ticket and session cookies that a client on plain http sends back."""
    answer = stranger.login()
    assert (answer.status_code, answer.content) == (204, b"")
    assert {".ASPXAUTH", "ASP.NET_SessionId", "CompanyID", "UserBranch", "requestid", "requeststat"} <= set(
        answer.cookies.keys()
    )
    raw = answer.raw.headers.getlist("Set-Cookie")
    assert not [cookie for cookie in raw if "secure" in cookie.lower()]
    assert len([cookie for cookie in raw if cookie.startswith(".ASPXAUTH=")]) == 2
    assert stranger.get(f"{stranger.default}/Customer", {"$top": 1}).status_code == 200


def test_s17_01_later_answers_refresh_the_trace_cookies_when_a_client_reads(erp: Any) -> None:
    """Every answer of the API carries a new requestid and a requeststat."""
    first = erp.get(f"{erp.default}/Customer", {"$top": 1}).cookies
    second = erp.get(f"{erp.default}/Customer", {"$top": 1}).cookies
    assert first["requestid"] != second["requestid"]
    assert "+sc:~/entity/Default" in second["requeststat"]


def test_s17_01_every_answer_renews_locale_and_branch_as_they_were_chosen(stranger: Any) -> None:
    """Refused or not, an answer of the API sets them again; the culture of the sign-in stays."""
    assert {"Locale", "UserBranch"} <= set(stranger.login(password="wrong").cookies.keys())
    assert stranger.login(locale="de-DE").cookies["Locale"].endswith("Culture=de-DE")
    read = stranger.get(f"{stranger.default}/Customer", {"$top": 1}).cookies
    assert (read["Locale"], read["UserBranch"]) == ("TimeZone=GMTM0800A&Culture=de-DE", "1")


def test_s17_05_a_refusal_without_a_session_says_one_sentence_and_begins_a_web_session(stranger: Any) -> None:
    """A 401 holds `message` alone and sets a session cookie that is nobody's seat."""
    refused = stranger.get(f"{stranger.default}/Customer", {"$top": 1})
    assert (refused.status_code, refused.json()) == (401, {"message": "You are not logged in."})
    assert refused.cookies["ASP.NET_SessionId"]
    assert stranger.get(f"{stranger.default}/Customer", {"$top": 1}).status_code == 401
    assert _seats(stranger) == 0


def test_s17_01_form_body_signs_in_when_sent_instead_of_json(stranger: Any) -> None:
    """The credentials may travel as a form."""
    form = {"name": "admin", "password": "sandbox", "tenant": "Sandbox"}
    assert stranger.request("POST", "/entity/auth/login", data=form).status_code == 204


def test_s17_02_wrong_password_is_a_500_when_signing_in(stranger: Any) -> None:
    """A wrong password is 500 with `Invalid credentials`, not 401."""
    answer = stranger.login(password="wrong")
    assert answer.status_code == 500
    assert "Invalid credentials" in answer.json()["exceptionMessage"]
    assert answer.json()["exceptionType"] == "PX.Data.PXException"


def test_s17_02_account_is_locked_when_five_passwords_in_a_row_were_wrong(stranger: Any) -> None:
    """After five wrong ones even the right password is refused with `locked`, until the lock has run out."""
    for _ in range(5):
        assert "Invalid credentials" in stranger.login(password="wrong").json()["exceptionMessage"]
    refused = stranger.login()
    assert refused.status_code == 500
    assert "locked" in refused.json()["exceptionMessage"]
    stranger.advance(15 * 60)
    assert stranger.login().status_code == 204


def test_s17_02_count_starts_anew_when_a_right_password_came_between(stranger: Any) -> None:
    """Only failures in a row lock."""
    for _ in range(4):
        stranger.login(password="wrong")
    assert stranger.login().status_code == 204
    for _ in range(4):
        stranger.login(password="wrong")
    assert stranger.login().status_code == 204


def test_s17_02_nobody_is_locked_out_when_the_switch_is_zero(stranger: Any) -> None:
    """`lock_after_failures` 0 never locks."""
    stranger.settings(lock_after_failures=0)
    for _ in range(7):
        stranger.login(password="wrong")
    assert stranger.login().status_code == 204


def test_s17_03_unknown_tenant_is_refused_when_the_site_has_two(stranger: Any) -> None:
    """With two tenants an unknown one is UndefinedCompany, an omitted one the default, and `company` an alias."""
    stranger.settings(tenants=["Sandbox", "Second"])
    refused = stranger.login(tenant="Nowhere")
    assert refused.status_code == 500
    assert refused.json()["exceptionType"] == "PX.Data.PXUndefinedCompanyException"
    assert stranger.login(tenant=None).status_code == 204
    assert 'value="Sandbox"' in stranger.get("/Frames/Login.aspx").text
    assert stranger.login(tenant=None, company="Second").status_code == 204
    assert 'id="txtSingleCompany" value="Second"' in stranger.get("/Frames/Login.aspx").text


def test_s17_03_any_tenant_name_works_when_the_site_has_one(stranger: Any) -> None:
    """A single-tenant site takes any name, so 204 does not prove the tenant."""
    assert stranger.login(tenant="Whatever").status_code == 204
    assert 'value="Sandbox"' in stranger.get("/Frames/Login.aspx").text


def test_s17_04_seat_is_free_at_once_when_signed_out_with_a_length(erp: Any) -> None:
    """Sign-out with `Content-Length: 0` answers 204 and frees the seat."""
    assert _seats(erp) == 1
    assert erp.logout().status_code == 204
    assert _seats(erp) == 0
    assert erp.get(f"{erp.default}/Customer").status_code == 401


def test_s17_04_seat_stays_taken_when_signed_out_without_a_length(erp: Any) -> None:
    """Without a length header the web server answers 411 in HTML and the session stays open."""
    host = erp.url.removeprefix("http://")
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in erp.http.cookies)
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.putrequest("POST", "/entity/auth/logout")
    connection.putheader("Cookie", cookies)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 411
    assert b"<html" in answer.read().lower()
    connection.close()
    assert _seats(erp) == 1
    assert erp.get(f"{erp.default}/Customer", {"$top": 1}).status_code == 200


def test_s17_05_session_ends_when_idle_for_ten_minutes(erp: Any) -> None:
    """After ten idle minutes the session is gone: 401, and the seat is free."""
    erp.advance(9 * 60)
    assert erp.get(f"{erp.default}/Customer", {"$top": 1}).status_code == 200
    erp.advance(10 * 60)
    refused = erp.get(f"{erp.default}/Customer", {"$top": 1})
    assert refused.status_code == 401
    assert refused.json()["message"] == "You are not logged in."
    assert _seats(erp) == 0


def test_s17_06_password_grant_gives_a_token_when_everything_is_right(stranger: Any) -> None:
    """The token is a bearer of 3600 seconds, without a refresh token unless asked for."""
    answer = stranger.token()
    assert answer.status_code == 200
    body = answer.json()
    assert (body["expires_in"], body["token_type"], body["scope"]) == (3600, "Bearer", "api")
    assert "refresh_token" not in body


def test_s17_06_password_grant_is_refused_when_client_user_or_tenant_is_wrong(stranger: Any) -> None:
    """Wrong secret is invalid_client; wrong user, a user without API rights, or a wrong suffix is invalid_grant."""
    client = "3f6d2c1a-8a5e-4d0b-9c7e-2b1f0a9d8e7c"
    assert stranger.token(client_secret="x").json() == {"error": "invalid_client"}
    assert stranger.token(client_id="0@Sandbox").json() == {"error": "invalid_client"}
    wanted = {"error": "invalid_grant", "error_description": "invalid_username_or_password"}
    assert stranger.token(password="x").json() == wanted
    assert stranger.token(username="portal").json() == wanted
    assert stranger.token(client_id=f"{client}@Other").json() == wanted
    assert stranger.token(client_id=client).json() == wanted
    assert stranger.token(client_id=f"{client}@Other").status_code == 400
    stranger.settings(oauth_tenant_suffix=False)
    assert stranger.token(client_id=f"{client}@Other").status_code == 200


def test_s17_06_client_credentials_are_not_offered_when_asked_for(stranger: Any) -> None:
    """The client credentials flow does not exist."""
    assert stranger.token(grant_type="client_credentials").json() == {"error": "unsupported_grant_type"}


def test_s17_06_refresh_token_rotates_when_used(stranger: Any) -> None:
    """With offline_access a refresh token is given, replaced at every use, and worth nothing afterwards."""
    first = stranger.token(scope="api offline_access").json()["refresh_token"]
    renewed = stranger.token(grant_type="refresh_token", refresh_token=first)
    assert renewed.status_code == 200
    assert renewed.json()["refresh_token"] != first
    assert stranger.token(grant_type="refresh_token", refresh_token=first).json()["error"] == "invalid_grant"


def test_s17_06_token_ends_when_its_hour_is_over(stranger: Any) -> None:
    """After 3600 seconds the token is refused and its session gone."""
    bearer = {"Authorization": f"Bearer {stranger.token().json()['access_token']}"}
    for _ in range(6):
        assert stranger.get(f"{stranger.default}/Customer", {"$top": 1}, headers=bearer).status_code == 200
        stranger.advance(599)
    stranger.advance(7)
    assert stranger.get(f"{stranger.default}/Customer", {"$top": 1}, headers=bearer).status_code == 401
    assert _seats(stranger) == 0


def test_s17_07_one_session_is_shared_when_the_scope_is_api(stranger: Any) -> None:
    """All calls with one token use one seat; sign-out with the bearer frees it; using it again opens a new one."""
    bearer = {"Authorization": f"Bearer {stranger.token().json()['access_token']}"}
    for _ in range(3):
        answer = requests.get(f"{stranger.url}{stranger.default}/Customer?$top=1", headers=bearer, timeout=10)
        assert answer.status_code == 200
    assert _seats(stranger) == 1
    out = stranger.request("POST", "/entity/auth/logout", headers={**bearer, "Content-Length": "0"})
    assert (out.status_code, _seats(stranger)) == (204, 0)
    assert stranger.get(f"{stranger.default}/Customer", {"$top": 1}, headers=bearer).status_code == 200
    assert _seats(stranger) == 1


def test_s17_07_each_call_takes_a_seat_when_concurrent_access_keeps_no_cookies(stranger: Any) -> None:
    """With api:concurrent_access a client without cookies opens a session per call, one with cookies does not."""
    token = stranger.token(scope="api api:concurrent_access").json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    kept = requests.Session()
    url = f"{stranger.url}{stranger.default}/Customer?$top=1"
    for _ in range(2):
        assert kept.get(url, headers=bearer, timeout=10).status_code == 200
    assert _seats(stranger) == 1
    assert requests.get(url, headers=bearer, timeout=10).status_code == 200
    assert _seats(stranger) == 2
    assert requests.get(url, headers=bearer, timeout=10, allow_redirects=False).status_code == 302
    kept.close()


def test_s17_07_seat_stays_taken_when_the_token_is_revoked(stranger: Any) -> None:
    """Revocation ends the token and frees no seat."""
    token = stranger.token().json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    stranger.get(f"{stranger.default}/Customer", {"$top": 1}, headers=bearer)
    assert stranger.request("POST", "/identity/connect/revocation", data={"token": token}).status_code == 200
    assert stranger.get(f"{stranger.default}/Customer", {"$top": 1}, headers=bearer).status_code == 401
    assert _seats(stranger) == 1


def test_s17_08_calls_wait_for_each_other_when_they_share_a_session(erp: Any) -> None:
    """Calls of one session are handled one after another, whatever the client sends in parallel."""
    erp.settings(latency_ms=200.0)
    cookies = erp.http.cookies.get_dict()
    url = f"{erp.url}{erp.default}/Customer?$top=1"

    def call() -> None:
        assert requests.get(url, cookies=cookies, timeout=30).status_code == 200

    threads = [threading.Thread(target=call) for _ in range(4)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 0.8


def test_s17_08_calls_overlap_when_they_have_sessions_of_their_own(erp: Any) -> None:
    """Two sessions do not wait for each other."""
    other = erp.another()
    assert other.login().status_code == 204
    erp.settings(latency_ms=1000.0)
    done: list[int] = []
    threads = [
        threading.Thread(target=lambda c=client: done.append(c.get(f"{c.default}/Customer", {"$top": 1}).status_code))
        for client in (erp, other)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [200, 200]
    assert time.monotonic() - began < 1.9
