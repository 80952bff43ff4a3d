"""The tenant that a sign-in reached is the one that is named, before anything is read."""

from typing import Any

import pytest

from customer_sync.errors import ConfigError, Unavailable

ENDPOINTS = {
    "version": {"acumaticaBuildVersion": "25.201.0213"},
    "endpoints": [{"name": "Default", "version": "24.200.001"}],
}
PAGE = b'<html><form><input type="hidden" name="ctl00$txtSingleCompany" value="%s" /></form></html>'


def answer_page(erp: Any, make_reply: Any, page: Any) -> None:
    """Let the page that names the tenant be answered so, and everything else well."""
    erp.answering = lambda request: page if request.path == "/Frames/Login.aspx" else make_reply(200, ENDPOINTS)


@pytest.mark.parametrize("shown", [b"Sandbox", b"SANDBOX", b" Sandbox "])
def test_named_tenant_is_read_when_it_was_reached(erp: Any, make_client: Any, make_reply: Any, shown: bytes) -> None:
    """One request more for each session, right after the sign-in; case is the person's."""
    answer_page(erp, make_reply, make_reply(200, PAGE % shown))
    with make_client(tenant="Sandbox") as client:
        client.check_endpoint()
        client.check_endpoint()
    assert erp.paths() == ["POST login", "GET Login.aspx", "GET entity", "GET entity", "POST logout"]


def test_another_tenant_is_refused_by_name_before_anything_is_read(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Both names are in the sentence, the seat is given back, and the password is not tried again."""
    answer_page(erp, make_reply, make_reply(200, PAGE % b"Fabrikam &amp; Sons"))
    named = "named the tenant 'Sandbox' and reached 'Fabrikam & Sons'"
    with pytest.raises(ConfigError, match=named) as caught, make_client(tenant="Sandbox") as client:
        client.check_endpoint()
    assert erp.paths() == ["POST login", "GET Login.aspx", "POST logout"]
    assert caught.value.evidence["setting"] == "tenant"


def test_renewed_session_is_checked_too(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A session that ended in the middle of a run may begin again in another tenant."""
    shown = iter([b"Sandbox", b"Other"])
    entity = iter([make_reply(401), make_reply(200, ENDPOINTS)])
    erp.answering = lambda request: (
        make_reply(200, PAGE % next(shown)) if request.path == "/Frames/Login.aspx" else next(entity)
    )
    with pytest.raises(ConfigError, match="reached 'Other'"), make_client(tenant="Sandbox") as client:
        client.check_endpoint()
    assert erp.paths()[-2:] == ["GET Login.aspx", "POST logout"]


@pytest.mark.parametrize("page", ["no input", 302, 404, 500])
def test_page_that_does_not_say_is_passed_with_a_warning(
    erp: Any, make_client: Any, make_reply: Any, caplog: Any, page: str | int
) -> None:
    """Builds without that page still sync; that nothing was compared is in the log."""
    answer_page(erp, make_reply, make_reply(page) if isinstance(page, int) else make_reply(200, b"<html></html>"))
    with make_client(tenant="Sandbox") as client:
        client.check_endpoint()
    assert "could not be checked" in caplog.text


def test_site_that_is_down_is_not_taken_for_one_that_does_not_say(erp: Any, make_client: Any, make_reply: Any) -> None:
    """What passes is waited for, and the seat is given back when it does not."""
    answer_page(erp, make_reply, make_reply(503))
    with pytest.raises(Unavailable), make_client(tenant="Sandbox") as client:
        client.check_endpoint()
    assert erp.paths()[-1] == "POST logout"


def test_nothing_more_is_asked_when_no_tenant_is_named(erp: Any, make_client: Any, make_reply: Any) -> None:
    """On a site with one tenant the name is needless; which it is can be asked."""
    answer_page(erp, make_reply, make_reply(200, PAGE % b"Company"))
    with make_client() as client:
        client.check_endpoint()
        assert erp.paths() == ["POST login", "GET entity"]
        assert client.reached_tenant() == "Company"


def test_deleted_records_are_read_of_the_tenant_reached(erp: Any, make_client: Any, make_reply: Any) -> None:
    """The feed's address holds the tenant, also where the connection does not."""
    answers = {"/Frames/Login.aspx": make_reply(200, PAGE % b"Our Company")}
    erp.answering = lambda request: answers.get(request.path, make_reply(200, {"value": []}))
    with make_client() as client:
        assert client.deleted() == {}
    assert "/t/Our%20Company/api/odata/dac/" in erp.requests[2].path
