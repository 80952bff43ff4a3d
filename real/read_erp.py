"""What our client of the ERP makes of a recorded answer: which call gets it, and which values it must give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from customer_sync.http.transport import HttpRequest, HttpResponse
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.pages import BadRow, Page, decode_row
from customer_sync.sources.acumatica.selection import Selection
from real.clients import erp_client
from real.error_classes import error_of
from real.folder import Exchange

Value = tuple[str, str, str]
"""Field, ours, recorded."""

_ENDPOINT: Final = re.compile(r"^/+entity/(?P<name>[^/]+)/(?P<version>[\d.]+)(?:/(?P<rest>.*))?$")
_ONE: Final = re.compile(r"\w+/[^/$]+(/[^/$]+)?")
_LIST_OF_ENDPOINTS: Final = re.compile(r"/+entity/?")
_NO_FIELDS: Final = {"id", "rowNumber", "note", "custom", "files", "_links", "error", "delete", "session"}
_SIGN_IN: Final = ("/entity/auth/", "/identity/connect/token")
_ANY: Final = Selection("Customer", ("CustomerID",))


def read_with_client(url: str, exchange: Exchange) -> Iterator[Value]:
    """Ask what was asked when the exchange was recorded, and compare what comes of it.

    Yields:
        Values that are not the recorded ones.

    Raises:
        SyncError: The client refused the answer, or the answer was a refusal.
    """
    with erp_client(url, **_settings_of(exchange)) as client:
        yield from _asked(client, exchange, _below_endpoint(exchange))


def _settings_of(exchange: Exchange) -> dict[str, Any]:
    """How the client is set up that would send such a request."""
    found = _ENDPOINT.match(exchange.path)
    if found:
        return {"endpoint_name": found["name"], "endpoint_version": found["version"]}
    if exchange.path == "/identity/connect/token":
        return {"auth_style": "oauth_password", "client_id": "0@Recorded", "client_secret": "replayed"}
    is_list = _LIST_OF_ENDPOINTS.fullmatch(exchange.path) and exchange.is_success
    return dict(_listed(exchange.json())) if is_list else {}


def _below_endpoint(exchange: Exchange) -> str:
    found = _ENDPOINT.match(exchange.path)
    return (found["rest"] or "") if found else ""


def _asked(client: AcumaticaClient, exchange: Exchange, rest: str) -> Iterator[Value]:
    entity, _, below = rest.partition("/")
    if _LIST_OF_ENDPOINTS.fullmatch(exchange.path):
        client.check_endpoint()
    elif exchange.path.startswith(_SIGN_IN):
        client.list_rows(_ANY)
    elif rest == "swagger.json":
        yield from _same(set(client.endpoint_schema().entities), _schemas(exchange.json()), "schemas")
    elif below == "$adHocSchema":
        yield from _same(set(client.custom_fields(entity)), _custom(exchange.json()), "custom")
    elif re.fullmatch(r"\w+", rest) and exchange.method == "PUT":
        record = client.put(rest, exchange.sent_json() or {})
        yield from _same(record.get("id"), (exchange.json() or {}).get("id"), "id")
    elif exchange.method == "GET" and entity:
        yield from _read(client, exchange, rest)
    elif error := error_of(exchange):
        # A call that the product never makes; its errors have classes all the same.
        raise error


def _read(client: AcumaticaClient, exchange: Exchange, rest: str) -> Iterator[Value]:
    """Rows of a list, or one record, which the client decodes as when it reads a list again record by record."""
    if re.fullmatch(r"\w+", rest):
        yield from _rows(client.list_rows, rest, exchange.json())
    elif error := error_of(exchange):
        raise error
    elif _ONE.fullmatch(rest):
        yield from _rows(lambda selection: _page_of(selection, exchange), rest.partition("/")[0], [exchange.json()])


def is_asked_by_us(exchange: Exchange) -> bool:
    """Whether the product makes such a call."""
    rest = _below_endpoint(exchange)
    return exchange.path.startswith(_SIGN_IN) or bool(
        _LIST_OF_ENDPOINTS.fullmatch(exchange.path)
        or re.fullmatch(r"\w+|swagger\.json|\w+/\$adHocSchema", rest)
        or (_ONE.fullmatch(rest) and exchange.method == "GET")
    )


def fields_of(row: Mapping[str, Any], below: str = "") -> dict[str, Any]:
    """The scalar fields of a recorded row, those of linked parts by their path."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name in _NO_FIELDS or not isinstance(value, dict):
            continue
        if set(value) <= {"value"}:
            found[f"{below}{name}"] = value.get("value")
        else:
            found |= fields_of(value, f"{below}{name}/")
    return found


def _rows(list_rows: Any, entity: str, recorded: Any) -> Iterator[Value]:
    rows = recorded if isinstance(recorded, list) else []
    names = list(dict.fromkeys(name for row in rows for name in fields_of(row)))
    # What is a scalar in one row and a part in another is a part that one row leaves empty.
    names = [name for name in names if not any(other.startswith(f"{name}/") for other in names)]
    selection = Selection(entity, tuple(names) or ("CustomerID",))
    page = list_rows(selection)
    for bad in page.bad_rows:
        yield "row", bad.reason, "a readable row"
    yield from _same(page.received, len(rows), "rows")
    if page.bad_rows:
        return
    for row, wanted in zip(page.rows, rows, strict=False):
        values = fields_of(wanted)
        for name in names:
            ours = selection.getter(name)(row)
            if not _is_equal(ours, values.get(name)):
                yield name, repr(ours), repr(values.get(name))


def _listed(body: Any) -> dict[str, str]:
    """An endpoint of contract 4 that a site lists."""
    listed = body.get("endpoints", []) if isinstance(body, dict) else body
    fitting = [each for each in listed if each.get("name") == "Default" and "20" <= each.get("version", "") < "26"]
    return {f"endpoint_{name}": fitting[-1][name] for name in ("name", "version")} if fitting else {}


def _page_of(selection: Selection, exchange: Exchange) -> Page:
    """One record, decoded as the client does when it reads a list again record by record."""
    row = decode_row(selection, HttpRequest("GET", exchange.path), HttpResponse(exchange.status, body=exchange.body))
    return Page([], [row]) if isinstance(row, BadRow) else Page([row])


def _is_equal(ours: Any, recorded: Any) -> bool:
    if isinstance(ours, datetime) and isinstance(recorded, str):
        return ours == datetime.fromisoformat(recorded)
    if isinstance(ours, Decimal) and isinstance(recorded, int | float):
        return ours == Decimal(str(recorded))
    return bool(ours == recorded)


def _same(ours: Any, recorded: Any, field: str) -> Iterator[Value]:
    if ours != recorded:
        yield field, repr(ours), repr(recorded)


def _schemas(document: Any) -> set[str]:
    return set(document.get("definitions") or document.get("components", {}).get("schemas") or {})


def _custom(row: Any) -> set[str]:
    return {f"{view}.{name}" for view, fields in (row.get("custom") or {}).items() for name in fields}
