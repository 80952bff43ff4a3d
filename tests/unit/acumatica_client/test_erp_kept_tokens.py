"""Signing in with tokens that are kept: no password, one session, and renewed when they are refused or about to end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from customer_sync.errors import AuthenticationFailed, ConfigError, SessionLimit, Unavailable
from customer_sync.machine import machine
from customer_sync.settings.kept_tokens import Tokens
from customer_sync.sources.acumatica.oauth import token_owner

ENDPOINTS = {
    "version": {"acumaticaBuildVersion": "25.201.0213"},
    "endpoints": [{"name": "Default", "version": "24.200.001"}],
}
BY_CODE = {
    "auth_style": "oauth_code",
    "client_id": "4B8D-1@Sandbox",
    "client_secret": "cl13nt-s3cret",
    "username": "",
    "password": "",
}


class Kept:
    """Keeps one set of tokens in memory."""

    def __init__(self, life_s: float = 3_600.0) -> None:
        self.tokens = Tokens("access-token-0", "refresh-token-0", machine().utc_now() + timedelta(seconds=life_s))

    def __call__(self, is_stale: Callable[[Tokens], bool], renew: Callable[[str], Tokens]) -> Tokens:
        if is_stale(self.tokens):
            self.tokens = renew(self.tokens.refresh)
        return self.tokens


def answering(erp: Any, make_reply: Any, *tokens: Any, entity: Any = None) -> None:
    """Answer token calls one after the other, and everything else well or by ``entity``."""
    left = list(tokens)
    erp.answering = lambda request: (
        left.pop(0)
        if request.path == "/identity/connect/token"
        else entity.pop(0)
        if entity
        else make_reply(200, ENDPOINTS)
    )


def granted(make_reply: Any, number: int, life_s: float = 3_600, **fields: Any) -> Any:
    """An answer of the token endpoint."""
    body = {"access_token": f"access-token-{number}", "expires_in": life_s, "refresh_token": f"refresh-token-{number}"}
    return make_reply(200, body | fields)


def test_kept_token_is_used_without_user_and_password(erp: Any, make_client: Any, make_reply: Any) -> None:
    """While it lasts nothing is asked for; the seat is freed at the end."""
    answering(erp, make_reply)
    with make_client(Kept(), **BY_CODE) as client:
        client.check_endpoint()
        assert client.reached_tenant() == "Sandbox"
    assert erp.paths() == ["GET entity", "POST logout"]
    assert erp.requests[0].headers["Authorization"] == "Bearer access-token-0"


def test_ended_token_is_renewed_before_it_is_sent(erp: Any, make_client: Any, make_reply: Any) -> None:
    """The refresh token goes with the application's secret, and the next one is kept."""
    answering(erp, make_reply, granted(make_reply, 1))
    kept = Kept(life_s=0)
    with make_client(kept, **BY_CODE) as client:
        client.check_endpoint()
    form = {name: values[0] for name, values in parse_qs(erp.requests[0].body.decode()).items()}
    assert form == {
        "grant_type": "refresh_token",
        "client_id": "4B8D-1@Sandbox",
        "client_secret": "cl13nt-s3cret",
        "refresh_token": "refresh-token-0",
    }
    assert (kept.tokens.access, kept.tokens.refresh) == ("access-token-1", "refresh-token-1")
    assert erp.paths() == ["POST token", "GET entity", "POST logout"]


def test_session_goes_on_with_the_next_token(erp: Any, make_client: Any, make_reply: Any) -> None:
    """No sign-out between two tokens of one consent: the ERP goes on with the session."""
    busy_and_well = [make_reply(503), make_reply(200, ENDPOINTS), make_reply(200, ENDPOINTS)]
    brief, lasting = granted(make_reply, 1, life_s=0.0001), granted(make_reply, 2)
    answering(erp, make_reply, brief, lasting, entity=busy_and_well)
    with make_client(Kept(life_s=0), **BY_CODE) as client:
        client.check_endpoint()  # the pause after the 503 outlasts the token
        client.check_endpoint()
    assert erp.paths() == ["POST token", "GET entity", "GET entity", "POST token", "GET entity", "POST logout"]
    assert erp.requests[-1].headers["Authorization"] == "Bearer access-token-2"


def test_refused_token_is_renewed_once(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A token that was revoked before its end is not used again, and the request goes on with the next one."""
    entity = [make_reply(401), make_reply(200, ENDPOINTS), make_reply(200, ENDPOINTS)]
    answering(erp, make_reply, granted(make_reply, 1), entity=entity)
    with make_client(Kept(), **BY_CODE) as client:
        client.check_endpoint()
    assert erp.paths()[:3] == ["GET entity", "POST token", "GET entity"]


def test_server_that_sends_no_new_refresh_token_keeps_the_old_one(erp: Any, make_client: Any, make_reply: Any) -> None:
    """It does not exchange them."""
    answering(erp, make_reply, granted(make_reply, 1, refresh_token=None))
    kept = Kept(life_s=0)
    with make_client(kept, **BY_CODE) as client:
        client.check_endpoint()
    assert kept.tokens.refresh == "refresh-token-0"


@pytest.mark.parametrize(
    ("status", "body", "kind", "sentence"),
    [
        (400, {"error": "invalid_grant"}, AuthenticationFailed, "customer-sync login"),
        (400, {"error": "invalid_client"}, AuthenticationFailed, "client_id and client_secret"),
        (400, {"error": "unauthorized_client"}, AuthenticationFailed, "Authorization Code"),
        (503, b"<html>", Unavailable, "restarting"),
        (429, b"API Login Limit", SessionLimit, "No API seat"),
        (404, b"", ConfigError, "check host, https and instance path"),
    ],
)
def test_refusal_of_the_token_call_says_what_to_do(
    erp: Any, make_client: Any, make_reply: Any, status: int, body: Any, kind: type[Exception], sentence: str
) -> None:
    """No word of a password, which there is none; and no token in the error."""
    erp.answering = lambda _: make_reply(status, body)
    with pytest.raises(kind, match=sentence) as caught, make_client(Kept(life_s=0), **BY_CODE) as client:
        client.check_endpoint()
    assert "GET entity" not in erp.paths()
    assert "refresh-token" not in f"{caught.value!r} {getattr(caught.value, 'evidence', '')}"


def test_token_that_a_server_quotes_is_taken_out(erp: Any, make_client: Any, make_reply: Any, caplog: Any) -> None:
    """Neither error nor log shows a token, whatever the server says."""
    quoting = make_reply(400, {"message": "bad access-token-1 and refresh-token-0"})
    answering(erp, make_reply, granted(make_reply, 1), entity=[quoting])
    with pytest.raises(Exception, match="bad") as caught, make_client(Kept(life_s=0), **BY_CODE) as client:
        client.check_endpoint()
    shown = f"{caught.value!r} {getattr(caught.value, 'evidence', '')} {caplog.text}"
    assert not [text for text in ("access-token", "refresh-token", "cl13nt") if text in shown]


def test_tokens_belong_to_one_application_at_one_site() -> None:
    """However its address is written; another host, path or application has none of them."""
    ours = token_owner("https://erp.example.com/AcumaticaERP", "4B8D-1@Sandbox", {})
    for same in ("https://ERP.example.com:443/AcumaticaERP/", "https://erp.example.com/acumaticaerp"):
        assert token_owner(same, "4b8d-1@sandbox", {}) == ours
    for other in ("http://erp.example.com/AcumaticaERP", "https://erp.example.com:8443/AcumaticaERP", "https://evil/"):
        assert token_owner(other, "4B8D-1@Sandbox", {}) != ours
    assert token_owner("https://erp.example.com/AcumaticaERP", "4B8D-1@Other", {}) != ours
    assert token_owner("https://erp.example.com/AcumaticaERP", "4B8D-1@Sandbox", {"verify": False}) != ours


def test_client_without_a_ledger_says_so(make_client: Any) -> None:
    """Tokens that could not be kept are not asked for."""
    with pytest.raises(ConfigError, match="kept in the ledger"), make_client(**BY_CODE) as client:
        client.check_endpoint()


def test_application_is_needed_and_no_user(make_client: Any) -> None:
    """The settings of the application are named when they are missing."""
    for lacking in ("client_id", "client_secret"):
        with pytest.raises(ConfigError) as caught:
            make_client(**{**BY_CODE, lacking: ""})
        assert caught.value.evidence["setting"] == lacking
