"""What the twins themselves answer, recorded and tried: a recording of the truth differs in nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from customer_sync.http.transport import HttpResponse
from real.as_client import try_as_client
from real.as_server import try_as_server
from real.error_classes import try_examples
from real.folder import Exchange, System, read_folder
from real.twin_api import TwinApi, as_store
from sandbox.server import running_acumatica, running_better_b2b

Ask = tuple[str, str, Any]
SITE = "https://erp.example/Instance"
ENDPOINT = "/entity/Default/24.200.001"
EXPANDED = "$expand=MainContact,MainContact/Address"
SHOP = "/api/v3/io"
FIRM = {
    "companyName": "Recorded Oy",
    "companyPhone": "09 1234",
    "companyEmail": "firm@own.example",
    "country": "FI",
    "adminFirstName": "Aino",
    "adminLastName": "Own",
    "adminEmail": "aino@own.example",
    "channelIds": [1],
    "originChannelId": 1,
}


def _row(ask: Ask, answer: HttpResponse, host: str) -> dict[str, Any]:
    method, path, sent = ask
    return {
        "method": method,
        "url": f"{host}{path}",
        "request_body": sent,
        "status": {"code": answer.status},
        "headers": {"Content-Type": [answer.headers.get("Content-Type") or ""]},
        "body": answer.body.decode(),
    }


def _recorded(twin: TwinApi, asks: Sequence[Ask], host: str) -> list[dict[str, Any]]:
    rows = []
    for ask in asks:
        path, _, query = ask[1].partition("?")
        sent = None if ask[2] is None else json.dumps(ask[2]).encode()
        pairs = [(name, value) for name, _, value in (each.partition("=") for each in query.split("&")) if name]
        rows.append(_row(ask, twin.send(ask[0], path, sent, pairs), host))
    return rows


def _read(folder: Path, system: System, rows: list[dict[str, Any]]) -> list[Exchange]:
    path = folder / system / "own.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"exchanges": rows}), encoding="utf-8")
    return read_folder(folder).recorded


def _differences(exchanges: list[Exchange]) -> list[str]:
    tallies = [try_as_server(exchanges), try_as_client(exchanges), try_examples(exchanges)]
    return [str(each) for tally in tallies for each in tally.differences]


def test_nothing_differs_when_the_erps_twin_is_recorded(tmp_path: Path) -> None:
    """Endpoints, lists, reads by key and by id, refusals, writes, schema and sign-out, below a site's folder."""
    with running_acumatica(customers=20) as running, TwinApi(running.url) as twin:
        twin.sign_in()
        customer = twin.json("GET", f"{ENDPOINT}/Customer?$top=1")[0]
        location = twin.json("GET", f"{ENDPOINT}/CustomerLocation?$top=1")[0]
        key, owner = customer["CustomerID"]["value"], location["Customer"]["value"]
        asks: list[Ask] = [
            ("GET", "/entity", None),
            ("GET", f"{ENDPOINT}/Customer?$top=2&{EXPANDED}", None),
            ("GET", f"{ENDPOINT}/Customer/{key}?{EXPANDED}", None),
            ("GET", f"{ENDPOINT}/Customer/{customer['id']}", None),
            ("GET", f"{ENDPOINT}/Contact?$top=2", None),
            ("GET", f"{ENDPOINT}/CustomerLocation?$filter=Customer eq '{owner}'", None),
            ("GET", f"{ENDPOINT}/Customer/NOSUCH", None),
            ("GET", f"{ENDPOINT}/Customer?$filter=Nope eq 1", None),
            ("PUT", f"{ENDPOINT}/Customer", {"CustomerID": {"value": key}, "CustomerName": {"value": "New"}}),
            ("PUT", f"{ENDPOINT}/Customer", {"CustomerName": {"value": "x"}, "Terms": {"value": "NOPE"}}),
            ("GET", f"{ENDPOINT}/Customer/$adHocSchema", None),
            ("POST", "/entity/auth/logout", None),
        ]
        rows = _recorded(twin, asks, SITE)
    assert _differences(_read(tmp_path, "acumatica", rows)) == []


def test_nothing_differs_when_the_stores_twin_is_recorded(tmp_path: Path) -> None:
    """Lists cut short, single reads, facts, writes with other ids and refusals."""
    with running_better_b2b() as running, as_store(running.url) as twin:
        made = twin.json("POST", f"{SHOP}/companies", FIRM)["data"]["companyId"]
        user = twin.json("GET", f"{SHOP}/users?companyId={made}")["data"][0]["id"]
        person = {"companyId": made, "email": "b@own.example", "firstName": "B", "lastName": "C", "companyRoleId": 2}
        asks: list[Ask] = [
            ("GET", "/companies?limit=2&offset=0", None),
            ("GET", f"/companies/{made}", None),
            ("GET", f"/users?companyId={made}&limit=2&offset=0", None),
            ("GET", f"/users/{user}", None),
            ("GET", "/states?countryCode=IN", None),
            ("GET", "/companies/roles", None),
            ("GET", "/users/extra-fields", None),
            ("GET", f"/companies/{made}/payments", None),
            ("PUT", f"/users/{user}", {"firstName": "Anni"}),
            ("PUT", f"/companies/{made}/status", {"companyStatus": 3}),
            ("POST", "/users", {**person, "channelIds": [1]}),
            ("GET", "/users/987654321", None),
            ("DELETE", f"/users/{user}", None),
        ]
        rows = _recorded(twin, [(method, f"{SHOP}{path}", sent) for method, path, sent in asks], "https://shop.example")
    assert _differences(_read(tmp_path, "store", rows)) == []
