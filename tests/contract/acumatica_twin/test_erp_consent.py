"""docs/api/acumatica.md#statements, statements 6a to 7a and 3a: codes, refreshed tokens, and the tenant reached."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

CLIENT = "3f6d2c1a-8a5e-4d0b-9c7e-2b1f0a9d8e7c@Sandbox"
REDIRECT = "http://localhost:8765/"
PERSON = {"username": "admin", "password": "sandbox", "decision": "allow"}


def ask(client: Any, method: str = "POST", form: Any = None, **asked: Any) -> Any:
    """Call the page of the authorization code flow; by default as a person who allows it."""
    usual = {"response_type": "code", "client_id": CLIENT, "redirect_uri": REDIRECT, "scope": "api offline_access"}
    query = {**usual, "state": "s1", **asked}
    return client.request(method, "/identity/connect/authorize", params=query, data=form or PERSON)


def sent_back(answer: Any) -> dict[str, str]:
    """What the application gets in its redirect URI."""
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(f"{REDIRECT}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def exchange(client: Any, **form: str) -> Any:
    """Call the token endpoint with a code."""
    return client.token(grant_type="authorization_code", redirect_uri=REDIRECT, **form)


def refresh(client: Any, token: str) -> Any:
    """Call the token endpoint with a refresh token."""
    return client.token(grant_type="refresh_token", refresh_token=token)


def tokens(client: Any) -> dict[str, Any]:
    """Sign in by the whole flow."""
    answer = exchange(client, code=sent_back(ask(client))["code"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read(client: Any, access_token: str) -> int:
    """Read a customer with a bearer; returns the status."""
    bearer = {"Authorization": f"Bearer {access_token}"}
    return int(client.get(f"{client.default}/Customer", {"$top": 1}, headers=bearer).status_code)


def seats(client: Any) -> int:
    """Seats that are taken."""
    return len(client.control("GET", "state")["sessions"])


def test_s17_06a_code_gives_tokens_once_when_a_person_allows_it(stranger: Any) -> None:
    """The page asks, the form brings the code and the state back, and the code can be exchanged one time."""
    page = ask(stranger, "GET")
    assert (page.status_code, "password" in page.text) == (200, True)
    back = sent_back(ask(stranger))
    assert back["state"] == "s1"
    first = exchange(stranger, code=back["code"]).json()
    assert (first["token_type"], first["expires_in"], "refresh_token" in first) == ("Bearer", 3600, True)
    assert read(stranger, first["access_token"]) == 200
    assert exchange(stranger, code=back["code"]).json() == {"error": "invalid_grant"}


def test_s17_06a_page_sends_nobody_on_when_application_or_address_is_unknown(stranger: Any) -> None:
    """A foreign redirect URI gets no code, not even a refusal."""
    for wrong in ({"redirect_uri": "http://evil.example/"}, {"client_id": "0@Sandbox"}, {"client_id": "x@Other"}):
        answer = ask(stranger, **wrong)
        assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    ("asked", "form", "error"),
    [
        ({"response_type": "token"}, None, "unsupported_response_type"),
        ({"scope": "api everything"}, None, "invalid_scope"),
        ({}, {"decision": "deny"}, "access_denied"),
    ],
)
def test_s17_06a_refusal_comes_back_with_the_state(
    stranger: Any, asked: dict[str, str], form: dict[str, str] | None, error: str
) -> None:
    """What the application did wrong, or the person denied, comes back as an error."""
    assert sent_back(ask(stranger, form=form, **asked)) == {"error": error, "state": "s1"}


def test_s17_06a_wrong_password_shows_the_page_again(stranger: Any) -> None:
    """No code for a wrong password, and the account counts it."""
    answer = ask(stranger, form={**PERSON, "password": "wrong"})
    assert (answer.status_code, "Invalid credentials" in answer.text) == (200, True)


@pytest.mark.parametrize("wrong", [{"redirect_uri": "http://localhost:1/"}, {"client_secret": "x"}, {"code": "x"}])
def test_s17_06a_code_is_bound_to_what_it_was_given_for(stranger: Any, wrong: dict[str, str]) -> None:
    """Another redirect URI, a wrong secret or another code get nothing."""
    code = sent_back(ask(stranger))["code"]
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code": code, **wrong}
    assert stranger.token(**form).status_code == 400


def test_s17_06a_code_ends_after_five_minutes(stranger: Any) -> None:
    """A code that nobody exchanged in time is worth nothing."""
    code = sent_back(ask(stranger))["code"]
    stranger.advance(300)
    assert exchange(stranger, code=code).json() == {"error": "invalid_grant"}


def test_s17_06b_verifier_must_fit_when_pkce_is_on(stranger: Any) -> None:
    """With the switch the discovery document names S256, and a code without its verifier is worth nothing."""
    methods = "code_challenge_methods_supported"
    assert methods not in stranger.get("/identity/.well-known/openid-configuration").json()
    stranger.settings(oauth_pkce=True)
    assert stranger.get("/identity/.well-known/openid-configuration").json()[methods] == ["S256"]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).decode().rstrip("=")
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert exchange(stranger, code=sent_back(ask(stranger, **asked))["code"]).status_code == 400
    again = sent_back(ask(stranger, **asked))["code"]
    assert exchange(stranger, code=again, code_verifier="verifier").status_code == 200


def test_s17_06c_chain_ends_after_thirty_days_unless_it_slides(stranger: Any) -> None:
    """Refreshing renews the token, not the chain; with sliding expiry each refresh begins its life anew."""
    token = tokens(stranger)["refresh_token"]
    stranger.advance(29 * 86_400)
    token = refresh(stranger, token).json()["refresh_token"]
    stranger.advance(86_400)
    assert refresh(stranger, token).json() == {"error": "invalid_grant"}
    stranger.settings(refresh_slides=True)
    token = tokens(stranger)["refresh_token"]
    for _ in range(2):
        stranger.advance(29 * 86_400)
        token = refresh(stranger, token).json()["refresh_token"]


def test_s17_06c_used_refresh_token_is_taken_again_for_as_long_as_the_switch_says(stranger: Any) -> None:
    """By default a refresh token works once; a server may honour it for a while."""
    stranger.settings(refresh_again_seconds=60.0)
    token = tokens(stranger)["refresh_token"]
    assert refresh(stranger, token).status_code == 200
    stranger.advance(59)
    assert refresh(stranger, token).status_code == 200
    stranger.advance(2)
    assert refresh(stranger, token).json() == {"error": "invalid_grant"}


def test_s17_07a_refreshed_token_keeps_the_session(stranger: Any) -> None:
    """A refresh opens no second seat: the new token goes on in the session of the first, also when that has ended."""
    first = tokens(stranger)
    assert read(stranger, first["access_token"]) == 200
    second = refresh(stranger, first["refresh_token"]).json()
    assert read(stranger, second["access_token"]) == 200
    assert seats(stranger) == 1
    stranger.settings(idle_minutes=100.0)
    stranger.advance(3_601)
    assert read(stranger, second["access_token"]) == 401
    assert seats(stranger) == 1
    third = refresh(stranger, second["refresh_token"]).json()
    assert (read(stranger, third["access_token"]), seats(stranger)) == (200, 1)


def test_s17_07a_refreshed_token_takes_a_seat_of_its_own_when_switched(stranger: Any) -> None:
    """With the switch off the old session stays and a second one is opened."""
    stranger.settings(refreshed_token_keeps_session=False)
    first = tokens(stranger)
    assert read(stranger, first["access_token"]) == 200
    second = refresh(stranger, first["refresh_token"]).json()
    assert (read(stranger, second["access_token"]), seats(stranger)) == (200, 2)


def test_s17_03a_sign_in_lands_elsewhere_when_switched(stranger: Any) -> None:
    """A sign-in that names a tenant answers 204 in another one; the page says where, unless it is switched off."""
    stranger.settings(tenants=["Sandbox", "Second"], lands_in_tenant="Second")
    assert stranger.login(tenant="Sandbox").status_code == 204
    assert 'value="Second"' in stranger.get("/Frames/Login.aspx").text
    stranger.settings(names_tenant=False)
    assert "txtSingleCompany" not in stranger.get("/Frames/Login.aspx").text


def test_codes_and_verifiers_are_masked_in_the_call_log(stranger: Any) -> None:
    """The call log shows neither code, verifier nor tokens."""
    code = sent_back(ask(stranger))["code"]
    made = exchange(stranger, code=code, code_verifier="the-verifier").json()
    log = str(stranger.control("GET", "calls"))
    assert not [each for each in (code, "the-verifier", made["access_token"], made["refresh_token"]) if each in log]
