"""Recorded requests, sent to our twins: each answers in the recorded shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from customer_sync.http.transport import HttpResponse
from real import ask_erp_twin, ask_store_twin
from real.differences import Difference, Tally
from real.folder import Exchange, decoded
from real.shape import shape_differences
from real.twin_api import TwinApi, as_store
from sandbox.server import running_acumatica, running_better_b2b

PART: Final = "twin"
_NO_CONTENT: Final = 204


def try_as_client(exchanges: list[Exchange]) -> Tally:
    """Send every request to the twin of the system that answered it."""
    tally = Tally()
    with (
        running_acumatica(customers=0) as erp,
        running_better_b2b() as store,
        TwinApi(erp.url) as erp_api,
        as_store(store.url) as store_api,
    ):
        for exchange in exchanges:
            tally.tried["requests answered by our twins"] += 1
            if exchange.system == "store":
                answer = ask_store_twin.ask(store_api, exchange)
            else:
                answer = ask_erp_twin.ask(erp_api, exchange)
            tally.differences += _compared(exchange, answer)
    return tally


def _compared(exchange: Exchange, answer: HttpResponse) -> Iterator[Difference]:
    def differ(field: str, ours: str, recorded: str) -> Difference:
        return Difference(PART, exchange.file, exchange.subject, field, ours, recorded)

    if answer.status != exchange.status:
        said = answer.body.decode("utf-8", "replace")[:200]
        yield differ("status", f"{answer.status} {said}", str(exchange.status))
        return
    ours, recorded = _media_type(answer.headers.get("Content-Type") or ""), _media_type(exchange.header("Content-Type"))
    if exchange.headers and exchange.status != _NO_CONTENT and ours != recorded:
        yield differ("Content-Type", ours, recorded)
    set_now = {line.partition("=")[0].strip() for line in answer.headers.getlist("Set-Cookie")}
    for name in sorted(set(exchange.cookies) - set_now):
        yield differ(f"cookie {name}", "not set", "set")
    if exchange.body or answer.body:
        for found in shape_differences(decoded(answer.body), exchange.json()):
            yield differ(found.path, found.ours, found.recorded)
    if _kind_of_error(decoded(answer.body)) != _kind_of_error(exchange.json()):
        yield differ("exceptionType", _kind_of_error(decoded(answer.body)), _kind_of_error(exchange.json()))


def _media_type(header: str) -> str:
    return header.lower().replace(" ", "")


def _kind_of_error(body: object) -> str:
    return str(body.get("exceptionType") or "") if isinstance(body, dict) else ""
