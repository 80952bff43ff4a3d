"""Calls made up from the twin's own API document: every answer is one that the document names, never a crash."""

from __future__ import annotations

import random
from typing import Any

import pytest

# What a crash would look like: the server's own text instead of the ERP's body.
_CRASH = "Internal Server Error"
_WORDS = [
    "CustomerID",
    "Email",
    "MainContact/Email",
    "MainContact",
    "Contacts",
    "Contacts/ContactID",
    "CreditLimit",
    "LastModifiedDateTime",
    "EnableKensiumCommerce",
    "NoteID",
    "Status",
    "PrimaryContactID",
    "SiteAssociations",
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "gt",
    "ge",
    "lt",
    "le",
    "(",
    ")",
    ",",
    "'C000001'",
    "'a''b'",
    "''",
    "5",
    "-1.5",
    "0M",
    "true",
    "false",
    "null",
    "datetimeoffset'2026-01-01'",
    "datetimeoffset'x'",
    "date'2025-06-17'",
    "guid'x'",
    "guid'6f3c1f0e-51a9-ee11-8359-0690322d016b'",
    "substringof(",
    "startswith(",
    "endswith(",
    "contains(",
    "cf.String(",
    "f",
    "=",
    "'CurrentCustomer.UsrKNConnectionType'",
    "BusinessAccount",
    "ContactID",
    "Customer",
    "LocationID",
    "%",
    "é",
]
_PATHS = [
    "MainContact",
    "MainContact/Address",
    "BillingContact",
    "Contacts",
    "Contacts/Contact",
    "Contacts/Contact/Address",
    "PrimaryContact",
    "PrimaryContact/Address",
    "CreditVerificationRules",
    "Attributes",
    "SiteAssociations",
    "files",
    "CustomerID",
    "Address",
    "LocationContact",
    "LocationContact/Address",
    "RoleAssignments",
    "Nope",
    "MainContact/Nope",
]
_VALUES: list[Any] = [
    None,
    "",
    "x",
    "a@b.example",
    0,
    7,
    -1,
    2.5,
    10**20,
    True,
    "true",
    "2026-01-01",
    [],
    {},
    "é" * 300,
    "C000001",
]


def _checked(answer: Any, allowed: set[int]) -> None:
    assert _CRASH not in answer.text
    assert answer.status_code in allowed, answer.text
    if answer.status_code == 500:
        body = answer.json()
        assert {"message", "exceptionMessage", "exceptionType", "stackTrace"} == set(body)
        assert body["exceptionType"] in {
            "System.NotSupportedException",
            "System.Collections.Generic.KeyNotFoundException",
            "PX.Api.ContractBased.CannotOptimizeException",
            "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException",
            "PX.Api.ContractBased.MoreThanOneEntitySatisfiesTheConditionException",
            "PX.Data.PXException",
        }


@pytest.mark.parametrize("seed", range(4))
def test_list_is_answered_by_the_book_when_its_parameters_are_made_up(erp: Any, seed: int) -> None:
    """Any mixture of filter, select, expand, custom, top and skip gets 200, 400 or a documented 500."""
    dice = random.Random(seed)
    for _ in range(150):
        query: dict[str, str] = {}
        if dice.random() < 0.7:
            query["$filter"] = " ".join(dice.choices(_WORDS, k=dice.randrange(1, 8)))
        if dice.random() < 0.5:
            query["$select"] = ",".join(dice.choices(_PATHS, k=dice.randrange(1, 4)))
        if dice.random() < 0.5:
            query["$expand"] = ",".join(dice.choices(_PATHS, k=dice.randrange(1, 4)))
        if dice.random() < 0.2:
            query["$custom"] = dice.choice(["A.B", "x", "MainContact/A.B", "CurrentCustomer.UsrKNEnableCommerce", "."])
        query["$top"] = dice.choice(["1", "2", "", "0", "5", "60", "7", "-1"])
        query["$skip"] = dice.choice(["0", "", "3", "59", "1", "0", "2", "y"])
        entity = dice.choice(["Customer", "Contact", "CustomerLocation"])
        _checked(erp.get(f"{erp.extended}/{entity}", query), {200, 400, 500})


def _body(dice: random.Random, names: list[str], depth: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name in dice.choices(names, k=dice.randrange(1, 6)):
        form = dice.random()
        if form < 0.7:
            body[name] = {"value": dice.choice(_VALUES)}
        elif form < 0.85 and depth < 3:
            body[name] = _body(dice, [*names, "Address", "Email", "City", "FullName"], depth + 1)
        elif form < 0.92:
            body[name] = [{"value": 1}, {"id": "x", "delete": True}, _body(dice, names, 3)]
        else:
            body[name] = dice.choice(_VALUES)
    return body


@pytest.mark.parametrize("seed", range(4))
def test_write_is_answered_by_the_book_when_its_body_is_made_up(erp: Any, seed: int) -> None:
    """Any body gets 200, 400, 412, 422 or a documented 500, and the tables stay readable."""
    dice = random.Random(seed)
    schemas = erp.get(f"{erp.extended}/swagger.json").json()["components"]["schemas"]
    for _ in range(150):
        entity = dice.choice(["Customer", "Contact", "CustomerLocation"])
        names = list(schemas[entity]["allOf"][1]["properties"])
        body = _body(dice, [*names, "note", "custom", "id"] if dice.random() < 0.2 else names)
        if dice.random() < 0.6:
            body.update({"CustomerID": {"value": "C000001"}, "ContactID": {"value": 100021}})
            body.update({"Customer": {"value": "C000001"}, "LocationID": {"value": "MAIN"}})
        headers = dice.choice([{}, {"If-Match": "*"}, {"If-None-Match": "*"}])
        _checked(erp.put(f"{erp.extended}/{entity}", body, headers=headers), {200, 400, 412, 422, 500})
    parts = "MainContact,MainContact/Address,BillingContact,Contacts,Contacts/Contact,SiteAssociations,Attributes"
    assert erp.get(f"{erp.extended}/Customer", {"$expand": parts}).status_code == 200
    for entity in ("Contact", "CustomerLocation"):
        assert erp.get(f"{erp.extended}/{entity}").status_code == 200
    erp.control("PUT", "state", erp.control("GET", "state"))


@pytest.mark.parametrize("verb", ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_path_is_answered_by_the_book_when_it_is_made_up(erp: Any, verb: str) -> None:
    """Odd paths under every verb get an answer of the ERP."""
    base = "/entity/Default/24.200.001"
    tails = [
        "",
        "/",
        "/Customer/",
        "/Customer/a/b/c",
        "/Customer/%00",
        "/Customer/|",
        "/Nope",
        "/Customer/$adHocSchema/x",
    ]
    for path in [
        *(base + tail for tail in tails),
        "/entity/x",
        "/entity//",
        "/identity/x",
        "/t",
        "/t/Sandbox",
        "/odatav4",
    ]:
        _checked(
            erp.request(verb, path, json={} if verb in ("PUT", "POST", "PATCH") else None),
            {200, 204, 400, 401, 404, 422, 500},
        )
