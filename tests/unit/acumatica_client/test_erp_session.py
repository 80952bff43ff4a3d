"""One seat, taken when needed and given back always; a wrong password is sent once."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from customer_sync.errors import (
    AuthenticationFailed,
    ConfigError,
    ConnectFailed,
    ContractError,
    ReplyLost,
    SessionLimit,
    Unavailable,
)

CREDENTIALS = {
    "message": "An error has occurred.",
    "exceptionMessage": "Error: Invalid credentials. Please try again.",
    "exceptionType": "PX.Data.PXException",
}
ENDPOINTS = {
    "version": {"acumaticaBuildVersion": "25.201.0213"},
    "endpoints": [{"name": "Default", "version": "24.200.001"}],
}
OAUTH = {
    "auth_style": "oauth_password",
    "client_id": "4B8D-1@Sandbox",
    "client_secret": "cl13nt-s3cret",
}


def test_nothing_is_sent_when_nothing_was_asked(erp: Any, make_client: Any) -> None:
    """A client that is not used takes no seat and has none to give back."""
    with make_client():
        pass
    assert erp.requests == []


def test_seat_is_taken_once_when_several_requests_follow(erp: Any, make_client: Any, make_reply: Any) -> None:
    """One sign-in, the requests with its cookies, one sign-out with an explicit length of nothing."""
    erp.answering = lambda _: make_reply(200, ENDPOINTS, Set_Cookie="requestid=r2; path=/")
    with make_client() as client:
        client.check_endpoint()
        client.check_endpoint()
    assert erp.paths() == ["POST login", "GET entity", "GET entity", "POST logout"]
    assert erp.requests[1].headers["Cookie"] == ".ASPXAUTH=a1; CompanyID=X"
    assert erp.requests[2].headers["Cookie"] == ".ASPXAUTH=a1; CompanyID=X; requestid=r2"
    assert erp.requests[3].headers["Content-Length"] == "0"
    assert ".ASPXAUTH=a1" in erp.requests[3].headers["Cookie"]


def test_sign_in_names_everything_when_configured(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Tenant, branch and locale are sent when there are any, and left out when not."""
    erp.answering = lambda _: make_reply(200, ENDPOINTS)
    with make_client(tenant="Sandbox", branch="MAIN", locale="en-US") as client:
        client.check_endpoint()
    assert erp.requests[0].body == (
        b'{"name":"admin","password":"s3cret-pw","tenant":"Sandbox","branch":"MAIN","locale":"en-US"}'
    )
    erp.requests.clear()
    with make_client() as client:
        client.check_endpoint()
    assert b"tenant" not in erp.requests[0].body


def test_wrong_password_is_sent_once_when_it_is_refused(
    erp: Any, make_client: Any, make_reply: Any, slept_s: Any
) -> None:
    """No retry, no pause, no sign-out of a session that never was, and no password in the error."""
    erp.sign_in = lambda _: make_reply(500, CREDENTIALS)
    with pytest.raises(AuthenticationFailed, match="Nothing was retried") as caught, make_client() as client:
        client.check_endpoint()
    assert erp.paths() == ["POST login"]
    assert slept_s == []
    assert "s3cret" not in f"{caught.value!r} {caught.value.evidence} {client.settings!r}"


def test_wrong_password_is_sent_once_more_when_the_session_ended(erp: Any, make_client: Any, make_reply: Any) -> None:
    """When the password changed during a run, the one new sign-in fails and nothing follows."""
    erp.then(make_reply(401))
    erp.sign_in = iter_answers(erp.sign_in, lambda _: make_reply(500, CREDENTIALS))
    with pytest.raises(AuthenticationFailed), make_client() as client:
        client.check_endpoint()
    assert erp.paths() == ["POST login", "GET entity", "POST login"]


def iter_answers(*answerings: Any) -> Any:
    """Use one answering after the other."""
    left = list(answerings)

    def answer(request: Any) -> Any:
        return left.pop(0)(request)

    return answer


def use_and_break(client: Any, error: BaseException) -> None:
    """Use a client in its block and let the block end with an error."""
    with client:
        client.check_endpoint()
        raise error


def test_session_is_renewed_once_when_it_ended(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A 401 in the middle of a run signs in again and repeats the request."""
    erp.then(make_reply(401), make_reply(200, ENDPOINTS))
    with make_client() as client:
        assert client.check_endpoint().build == "25.201.0213"
    assert erp.paths() == ["POST login", "GET entity", "POST login", "GET entity", "POST logout"]


def test_run_stops_when_the_session_ends_again(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A second 401 is no accident; the seat is given back all the same."""
    erp.then(make_reply(401))
    with pytest.raises(AuthenticationFailed), make_client() as client:
        client.check_endpoint()
    assert erp.paths() == ["POST login", "GET entity", "POST login", "GET entity", "POST logout"]


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt(), SystemExit(1)])
def test_seat_is_given_back_when_the_task_breaks(
    erp: Any, make_client: Any, make_reply: Any, error: BaseException
) -> None:
    """Whatever ends the block, also a cancel, the session is signed out."""
    erp.answering = lambda _: make_reply(200, ENDPOINTS)
    with pytest.raises(type(error)):
        use_and_break(make_client(), error)
    assert erp.paths()[-1] == "POST logout"
    assert erp.closed == 1


def test_first_error_is_kept_when_signing_out_fails_too(
    erp: Any, make_client: Any, make_reply: Any, caplog: Any
) -> None:
    """A failed sign-out is tried twice, logged as a seat still taken, and hides nothing."""
    erp.sign_out = lambda _: ReplyLost("The answer was lost.")
    erp.answering = lambda _: make_reply(200, ENDPOINTS)
    with pytest.raises(RuntimeError, match="first"):
        use_and_break(make_client(), RuntimeError("first"))
    assert erp.paths().count("POST logout") == 2
    assert "stays taken" in caplog.text


def test_seat_counts_as_free_when_the_session_had_ended(
    erp: Any, make_client: Any, make_reply: Any, caplog: Any
) -> None:
    """A 401 to the sign-out is no failure."""
    erp.sign_out = lambda _: make_reply(401)
    erp.answering = lambda _: make_reply(200, ENDPOINTS)
    with make_client() as client:
        client.check_endpoint()
    assert erp.paths().count("POST logout") == 1
    assert caplog.text == ""


@pytest.mark.parametrize("first", [ConnectFailed("Nobody there.")])
def test_sign_in_is_repeated_when_nothing_was_sent(
    erp: Any, make_client: Any, make_reply: Any, first: Exception
) -> None:
    """A connection that was never made costs no attempt at the password."""
    erp.sign_in = iter_answers(lambda _: first, erp.sign_in)
    erp.answering = lambda _: make_reply(200, ENDPOINTS)
    with make_client() as client:
        client.check_endpoint()
    assert erp.paths() == ["POST login", "POST login", "GET entity", "POST logout"]


@pytest.mark.parametrize(
    ("answer", "kind"), [(ReplyLost("Lost."), ReplyLost), ("gateway", Unavailable), ("empty", ContractError)]
)
def test_sign_in_is_not_repeated_when_it_may_have_arrived(
    erp: Any, make_client: Any, make_reply: Any, answer: Any, kind: type[Exception]
) -> None:
    """A password that may have been counted as wrong is not sent again by itself; the error says what happened."""
    answers = {"gateway": make_reply(503, b"<html>"), "empty": make_reply(204)}
    erp.sign_in = lambda _: answers.get(answer, answer) if isinstance(answer, str) else answer
    with pytest.raises(kind), make_client() as client:
        client.check_endpoint()
    assert erp.paths() == ["POST login"]


def test_seat_is_awaited_when_none_is_free(erp: Any, make_client: Any, make_reply: Any, slept_s: Any) -> None:
    """All three refusals (docs/api/acumatica.md#refusals) are waited for, and a seat that becomes free is used."""
    erp.sign_in = iter_answers(
        lambda _: make_reply(429, b"API Login Limit"),
        lambda _: make_reply(429, b"The custom error module does not recognize this error."),
        erp.sign_in,
    )
    erp.answering = lambda _: make_reply(200, ENDPOINTS)
    with make_client() as client:
        client.check_endpoint()
    assert slept_s == [45.0, 45.0]
    assert client.requests_used().refused == 2


def test_run_fails_for_now_when_no_seat_becomes_free(erp: Any, make_client: Any, make_reply: Any) -> None:
    """After a few waits the task gives up as a transient failure, so that Airflow tries later."""
    erp.sign_in = lambda _: make_reply(429, b"API Login Limit")
    with pytest.raises(SessionLimit), make_client() as client:
        client.check_endpoint()
    assert erp.paths() == ["POST login"] * 3


def test_client_signs_in_again_when_used_after_its_end(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A closed client can be used in another block."""
    erp.answering = lambda _: make_reply(200, ENDPOINTS)
    client = make_client()
    for _ in range(2):
        with client:
            client.check_endpoint()
    assert erp.paths() == ["POST login", "GET entity", "POST logout"] * 2


def test_bearer_is_used_when_the_style_is_oauth(erp: Any, make_client: Any, make_reply: Any) -> None:
    """The password flow sends a form, uses the token, and signs out with it, which frees the seat."""

    def answer(request: Any) -> Any:
        if request.path == "/identity/connect/token":
            return make_reply(200, {"access_token": "tok3n", "expires_in": 3600, "token_type": "Bearer"})
        return make_reply(200, ENDPOINTS)

    erp.answering = answer
    with make_client(**OAUTH) as client:
        client.check_endpoint()
    assert erp.paths() == ["POST token", "GET entity", "POST logout"]
    form = parse_qs(erp.requests[0].body.decode())
    assert form["grant_type"] == ["password"]
    assert form["client_id"] == ["4B8D-1@Sandbox"]
    assert form["scope"] == ["api"]
    assert erp.requests[1].headers["Authorization"] == "Bearer tok3n"
    assert erp.requests[2].headers["Authorization"] == "Bearer tok3n"
    assert "s3cret" not in repr(client.settings)


def test_token_is_renewed_when_it_is_about_to_end(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A token is given back and replaced before it ends in the middle of a request."""
    lives = iter([0.5, 3600])

    def answer(request: Any) -> Any:
        if request.path == "/identity/connect/token":
            return make_reply(200, {"access_token": "tok3n", "expires_in": next(lives)})
        return make_reply(503) if erp.paths().count("GET entity") == 1 else make_reply(200, ENDPOINTS)

    erp.answering = answer
    with make_client(**OAUTH) as client:
        client.check_endpoint()
        client.check_endpoint()
    assert erp.paths() == [
        "POST token",
        "GET entity",
        "GET entity",
        "POST logout",
        "POST token",
        "GET entity",
        "POST logout",
    ]


def test_tenant_must_agree_when_the_client_id_names_one(make_client: Any) -> None:
    """The suffix alone selects the tenant, so a mismatch would read another company's customers."""
    with pytest.raises(ConfigError, match="make them agree") as caught:
        make_client(**{**OAUTH, "client_id": "4B8D-1@Other"}, tenant="Sandbox")
    assert caught.value.evidence["setting"] == "client_id"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("username", ""),
        ("password", ""),
        ("auth_style", "basic"),
        ("endpoint_name", ""),
        ("endpoint_version", "24/200"),
        ("page_size", 1),
        ("requests_per_minute", -1),
        ("read_timeout_s", 0),
    ],
)
def test_setting_is_named_when_it_is_wrong(make_client: Any, setting: str, value: Any) -> None:
    """Every setting says what it accepts before anything is sent."""
    with pytest.raises(ConfigError, match="Acumatica connection"):
        make_client(**{setting: value})


@pytest.mark.parametrize(("setting", "value"), [("client_id", "no-suffix"), ("client_secret", "")])
def test_setting_is_named_when_oauth_lacks_it(make_client: Any, setting: str, value: str) -> None:
    """The OAuth settings are needed with that style only."""
    with pytest.raises(ConfigError) as caught:
        make_client(**{**OAUTH, setting: value})
    assert caught.value.evidence["setting"] == setting
