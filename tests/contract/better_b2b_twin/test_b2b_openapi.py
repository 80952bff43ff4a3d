"""The store's OpenAPI document: complete, resolvable, and true under generated calls."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jsonschema
import msgspec
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.better_b2b.app import BetterB2BTwin, create_app
from sandbox.better_b2b.openapi import document
from sandbox.better_b2b.routes import ROUTES
from sandbox.exchange import Call
from sandbox.twin import TwinEnvironment

if TYPE_CHECKING:
    from conftest import StoreClient

AUTH = {"x-auth-token": "sandbox-token", "x-store-hash": "sandbox", "content-type": "application/json"}
DOCUMENT: dict[str, Any] = msgspec.json.decode(document())
OPERATIONS = [(path, verb) for path, verbs in DOCUMENT["paths"].items() for verb in verbs]


def test_serves_the_document_when_asked(store: StoreClient) -> None:
    """The document is served without sign-in and says where the API is."""
    answer = requests.get(store.url + "/openapi.json", timeout=5)
    assert answer.status_code == 200
    assert (answer.json()["openapi"], answer.json()["servers"]) == ("3.1.0", [{"url": "/api/v3/io"}])


def test_describes_every_route_when_compared() -> None:
    """What is served is described, and the other way round."""
    described = {(re.sub(r"{\w+}", "*", path).strip("/"), verb.upper()) for path, verb in OPERATIONS}
    assert described == {(path, verb) for path, verbs in ROUTES.items() for verb in verbs}


def test_resolves_every_reference_when_read() -> None:
    """All references point to something, all schemas are schemas, all operation ids differ."""
    schemas = DOCUMENT["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', document().decode()))
    assert named == set(schemas)
    ids = [DOCUMENT["paths"][path][verb]["operationId"] for path, verb in OPERATIONS]
    assert len(ids) == len(set(ids))


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        target: dict[str, Any] = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return target
    return schema


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["\u00b2", "9" * 5000, 10**29, -(10**29), "1e5", " 7 ", "\u0663"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
EMAILS = st.integers(0, 40).map(lambda number: f"person{number}@generated.example")
EDGES = st.sampled_from(["", " ", "x" * 300, "a@b", "\u0000", "Ünï©ode", "superadmin@store.example", "<b>&"])
WORDS = st.one_of(st.text(max_size=30), st.text("abc", min_size=1, max_size=9), EDGES)
ROLE_IDS = sorted(create_app(TwinEnvironment()).store.roles)
# Values that mean something to the seeded store, by field; what is not here comes from the schema alone.
HINTS: dict[str, st.SearchStrategy[Any]] = {
    "companyId": st.integers(61_000, 61_006),
    "userId": st.integers(20_000, 20_006),
    "addressId": st.integers(33_000, 33_004),
    "customerId": st.integers(9_000, 9_006),
    "roleId": st.sampled_from(ROLE_IDS),
    "companyRoleId": st.sampled_from(ROLE_IDS),
    "permissionId": st.integers(39, 43),
    "channelIds": st.just([1]),
    "countryCode": st.sampled_from(["US", "CA", "GB"]),
    "countryName": st.sampled_from(["United States", "Canada", "United Kingdom"]),
    "stateCode": st.sampled_from(["CA", "ON"]),
    "stateName": st.sampled_from(["California", "Ontario"]),
    "fieldName": st.sampled_from(["Acumatica Customer ID", "Other"]),
    "fieldValue": st.sampled_from(["K1", "K2", "K3"]),
    "extraFields": st.just([{"fieldName": "Acumatica Customer ID", "fieldValue": "K9"}]),
    "searchType": st.sampled_from(["0", "1"]),
    "q": st.sampled_from(["US", "CA", "Canada", "California", "ad"]),
}


def _text(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "email":
        return EMAILS
    codes = st.sampled_from(["cheque", "get_addresses", "purchase_enable"])
    return st.one_of(WORDS, codes) if schema.get("minLength") else WORDS


def _object(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    names = schema.get("properties", {})
    required = schema.get("required", ())
    return st.fixed_dictionaries(
        {name: _values(each, name) for name, each in names.items() if name in required},
        optional={name: _values(each, name) for name, each in names.items() if name not in required},
    )


def _values(schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Values that mostly fit a schema, and mean something to the store where the name is known."""
    schema = _resolved(schema)
    if name in HINTS and schema.get("type") != "object":
        return HINTS[name]
    kinds: dict[str, Any] = {
        "object": _object,
        "array": lambda each: st.lists(_values(each["items"]), max_size=min(3, each.get("maxItems", 3))),
        "integer": lambda _: st.sampled_from([0, 1, 2, 10, 30]),
        "boolean": lambda _: st.booleans(),
        "number": lambda _: st.floats(0, 1e6),
        "string": _text,
    }
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    made: st.SearchStrategy[Any] = kinds[schema["type"]](schema)
    return made


@st.composite
def _spoilt(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """A body that fits, or one of which a part was replaced by junk or taken out."""
    body = draw(_values(schema))
    damage = draw(st.integers(0, 5))
    target = draw(st.sampled_from(body)) if isinstance(body, list) and body else body
    if damage > 2 or not isinstance(target, dict) or not target:
        return draw(JUNK) if damage == 0 else body
    name = draw(st.sampled_from(sorted(target)))
    if damage == 1:
        del target[name]
    else:
        target[name] = draw(st.one_of(JUNK, WORDS))
    return body


@st.composite
def _calls(draw: st.DrawFn) -> tuple[str, str, str, list[tuple[str, Any]], Any]:
    path, verb = draw(st.sampled_from(OPERATIONS))
    operation = DOCUMENT["paths"][path][verb]
    filled = re.sub(r"{(\w+)}", lambda found: str(draw(HINTS[found.group(1)])), path)
    pairs: list[tuple[str, Any]] = []
    for parameter in operation["parameters"]:
        is_sent = parameter["required"] or draw(st.integers(0, 3)) == 0
        if parameter["in"] == "query" and is_sent:
            good = _values(parameter["schema"], parameter["name"])
            value = draw(JUNK if draw(st.integers(0, 9)) == 0 else good)
            pairs += [(parameter["name"], each) for each in (value if isinstance(value, list) else [value])]
    body = None
    if "requestBody" in operation:
        body = draw(_spoilt(operation["requestBody"]["content"]["application/json"]["schema"]))
    return path, verb, filled, pairs, body


@settings(max_examples=60, deadline=None)
@given(path=st.one_of(st.sampled_from(["companies", "roles", "api/v3/io/users"]), st.text(max_size=9)), rest=JUNK)
def test_answers_any_address_when_paths_are_generated(path: str, rest: object) -> None:
    """No address, however odd, gets a 5xx."""
    twin = create_app(TwinEnvironment())
    call = Call("GET", f"/{path}/{rest}", "", urlencode({"tab": rest, "q": rest, "offset": rest}), AUTH, b"")
    assert asyncio.run(twin.respond(call)).status < 500


@cache
def _validator(path: str, verb: str, status: str) -> jsonschema.Draft202012Validator:
    schema = DOCUMENT["paths"][path][verb]["responses"][status]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def _send(twin: BetterB2BTwin, verb: str, path: str, pairs: list[tuple[str, Any]], body: Any) -> tuple[int, Any]:
    raw = b"" if verb in ("get", "delete") else msgspec.json.encode(body)
    call = Call(verb.upper(), "/api/v3/io" + path, path, urlencode(pairs), AUTH, raw)
    answer = asyncio.run(twin.respond(call))
    return answer.status, msgspec.json.decode(answer.body)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    calls=st.lists(_calls(), min_size=1, max_size=8),
    switches=st.fixed_dictionaries({"credit_enabled": st.booleans(), "independent_companies": st.booleans()}),
)
def test_answers_within_its_schema_when_calls_are_generated(
    calls: list[tuple[str, str, str, list[tuple[str, Any]], Any]], switches: dict[str, bool]
) -> None:
    """No generated call, right or wrong, gets a 5xx or an answer outside the document."""
    twin = create_app(TwinEnvironment())
    twin.settings.update(switches)
    for company_id in (61_000, 61_001):
        place = {"countryCode": "US", "stateCode": "CA", "city": "Oakland", "addressLine1": "1 Harbor"}
        body = {"companyId": company_id, "firstName": "Lee", "lastName": "Okafor", **place}
        assert _send(twin, "post", "/addresses", [], body)[0] == 200
    for path, verb, filled, pairs, body in calls:
        status, seen = _send(twin, verb, filled, pairs, body)
        assert status < 500
        _validator(path, verb, "200" if status == 200 else "default").validate(seen)
