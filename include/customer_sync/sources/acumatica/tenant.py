"""Which tenant a sign-in has reached; a good one does not prove that it is the one named.

A site with one tenant takes any name, and one with a stale list of tenants has let a named sign-in end in its default
one (docs/api/acumatica.md#tenant). A page that the session may see names the tenant in a hidden input.
"""

from __future__ import annotations

import logging
from html.parser import HTMLParser
from typing import Final

from customer_sync.errors import ConfigError, Unavailable
from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.sources.acumatica.settings import SYSTEM

log = logging.getLogger(__name__)

PAGE: Final = "/Frames/Login.aspx"
_INPUT: Final = "txtSingleCompany"
_OK: Final = 200
_PASSING: Final = frozenset({429, 502, 503, 504})
_HEAD_BYTES: Final = 1_000_000


def read_tenant(request: HttpRequest, answer: HttpResponse) -> str:
    """Read the tenant's name from the page.

    Args:
        request: What was asked.
        answer: What came back.

    Returns:
        The name, ``""`` where the page does not say.

    Raises:
        Unavailable: The site cannot answer at present.
    """
    if answer.status in _PASSING:
        raise Unavailable(
            f"{SYSTEM} answered {request.operation} with {answer.status}, so which tenant was reached is not known.",
            system=SYSTEM,
            operation=request.operation,
            status=answer.status,
        )
    if answer.status != _OK:
        return ""
    finder = _Finder()
    finder.feed(answer.body[:_HEAD_BYTES].decode("utf-8", "replace"))
    return finder.tenant


def refuse_another(named: str, reached: str) -> None:
    """Refuse a tenant that is not the one named; a page that does not say is passed with a warning.

    Args:
        named: By the connection.
        reached: By the page, ``""`` where it does not say.

    Raises:
        ConfigError: They differ.
    """
    if not reached:
        log.warning(
            "%s does not say which tenant the sign-in reached, so that it is %r could not be checked. A copy of a "
            "tenant is noticed by its record ids.",
            SYSTEM,
            named,
        )
    elif reached.casefold() != named.casefold():
        raise ConfigError(
            f"The sign-in named the tenant {named!r} and reached {reached!r}. Nothing was read or written. If "
            f"{reached!r} is the right one, put it into 'tenant' of the Airflow connection; if not, have an "
            "administrator of the site see to it that the API user can sign in to the other.",
            setting="tenant",
        )


class _Finder(HTMLParser):
    """Finds the hidden input; the web server's framework may put something before its name."""

    def __init__(self) -> None:
        super().__init__()
        self.tenant = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See an element."""
        values = dict(attrs)
        if tag == "input" and any((values.get(name) or "").endswith(_INPUT) for name in ("id", "name")):
            self.tenant = (values.get("value") or "").strip()
