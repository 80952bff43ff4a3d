"""What the ERP should never send: one clear sentence for the record at fault, and its neighbours are synced."""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from tests.integration.twin_world import World

NEIGHBOURS = ["C000001", "C000003", "C000004"]
NAMED = ["C000002", *NEIGHBOURS]
Rewrite = Callable[[bytes], bytes]


class _Rewriting:
    """A transport that changes the ERP's rows of one entity on their way, in lists and by key."""

    def __init__(self, inner: Transport, entity: str, rewrite: Rewrite) -> None:
        self._inner = inner
        self._entity = entity
        self._rewrite = rewrite

    def send(self, request: HttpRequest) -> HttpResponse:
        answer = self._inner.send(request)
        if request.method != "GET" or f"/{self._entity}/" not in f"{request.path}/":
            return answer
        return HttpResponse(answer.status, answer.headers, self._rewrite(answer.body), answer.elapsed_s)

    def close(self) -> None:
        self._inner.close()


def disturbed(world: World, entity: str, rewrite: Rewrite) -> World:
    """The world with an ERP whose lists of one entity are changed."""
    return replace(world, wrap_erp=lambda inner: _Rewriting(inner, entity, rewrite))


def in_row_of(key_field: str, key: str, pattern: bytes, replacement: bytes) -> Rewrite:
    """Replace the first match after a row's key, and check that there was one."""

    def rewrite(body: bytes) -> bytes:
        mark = re.search(rb'"%s":\{"value":"?%s"?\}' % (key_field.encode(), key.encode()), body)
        if mark is None or b'"Status"' not in body:
            return body
        start = body.rfind(b'{"id"', 0, mark.start())
        changed, count = re.subn(pattern, replacement, body[start:], count=1)
        assert count == 1
        return body[:start] + changed

    return rewrite


def assert_neighbours_are_synced(world: World) -> None:
    """The other customers are in the store."""
    assert set(world.companies()) >= set(NEIGHBOURS)
    assert {world.last_outcome(key)[0] for key in NEIGHBOURS} == {"created"}


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (rb'"MainContact":\{', b'"MainContact":null,"Other":{'),
        (rb'"CustomerName":\{"value":', b'"CustomerName":{"value":[1,2],"was":'),
        (rb'"EnableKensiumCommerce":\{"value":true\}', b'"EnableKensiumCommerce":{"value":{"yes":1}}'),
        (rb'"Status":\{"value":"Active"\}', b'"Status":{"value":7}'),
        (rb'"LastModifiedDateTime":\{"value":"[^"]*"', b'"LastModifiedDateTime":{"value":"yesterday"'),
    ],
    ids=["null for an object", "list for a text", "object for a flag", "number for a text", "no date"],
)
def test_neighbours_are_synced_when_one_row_has_a_value_of_the_wrong_type(
    world: World, pattern: bytes, replacement: bytes
) -> None:
    """One customer with a value that does not fit is quarantined or refused by name; the others are synced."""
    broken = disturbed(world, "Customer", in_row_of("CustomerID", "C000002", pattern, replacement))

    report = broken.sync(mode="selected", customer_ids=NAMED)

    assert_neighbours_are_synced(broken)
    outcome, reasons = broken.last_outcome("C000002")
    assert outcome in {"quarantined", "filtered"}, outcome
    assert reasons
    assert report.extracted == sum(report.outcomes.values()) == 4


def test_company_stays_and_customer_is_synced_again_when_its_row_was_unreadable_once(world: World) -> None:
    """An unreadable row never withdraws a company; readable again, the customer goes on."""
    world.sync(mode="selected", customer_ids=NAMED)
    before = world.book()
    broken = disturbed(
        world,
        "Customer",
        in_row_of("CustomerID", "C000002", rb'"CustomerName":\{"value":', b'"CustomerName":{"value":[1,2],"was":'),
    )

    broken.sync(mode="selected", customer_ids=NAMED)

    assert broken.last_outcome("C000002") == ("quarantined", "record_unreadable")
    assert broken.book() == before
    with world.ledger() as ledger:
        assert [row.reason for row in ledger.quarantine.load(["C000002"])["C000002"]] == ["record_unreadable"]
    world.sync(mode="selected", customer_ids=NAMED)
    assert world.last_outcome("C000002") == ("unchanged", "")
    with world.ledger() as ledger:
        assert ledger.quarantine.load(["C000002"]) == {}


@pytest.mark.parametrize(
    ("entity", "key_field", "key"), [("Contact", "ContactID", "100041"), ("CustomerLocation", "LocationID", "EAST")]
)
def test_only_its_customer_is_quarantined_when_a_contact_or_location_is_unreadable(
    world: World, entity: str, key_field: str, key: str
) -> None:
    """An unreadable contact or location stops its own customer, by name, and nobody else."""
    rewrite = in_row_of(key_field, key, rb'"Status":\{"value":"[^"]*"\}', b'"Status":{"value":{"a":1}}')
    broken = disturbed(world, entity, rewrite)

    broken.sync(mode="selected", customer_ids=NAMED)

    assert broken.last_outcome("C000002") == ("quarantined", "record_unreadable")
    assert_neighbours_are_synced(broken)


def test_run_stays_small_and_quick_when_a_name_has_ten_megabytes(world: World) -> None:
    """A name of 10 MB is cut to what the store holds and said so, in bounded time and memory."""
    huge = b'"CustomerName":{"value":"' + b"x" * 10_000_000 + b'"}'
    pattern = rb'"CustomerName":\{"value":"[^"]*"\}'
    broken = disturbed(world, "Customer", in_row_of("CustomerID", "C000002", pattern, huge))
    tracemalloc.start()
    began = time.monotonic()
    try:
        broken.sync(mode="selected", customer_ids=NAMED)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert_neighbours_are_synced(broken)
    assert broken.companies()["C000002"]["companyName"] == "x" * 200
    assert peak_bytes < 250 * 1024 * 1024
    assert time.monotonic() - began < 60
    with broken.ledger() as ledger:
        rows = ledger.log.rows(customer_id="C000002", limit=1000)
    assert any("value_cut" in row["reasons"] for row in rows)
    assert max(len(row["message"]) + len(row["changes"]) for row in rows) < 20_000


def test_text_arrives_as_it_is_when_it_looks_like_markup_or_a_formula(world: World) -> None:
    """Names are data: markup, templates, formulas and quotes arrive unchanged."""
    name = "<script>alert('x')</script> {{7*7}} ${jndi:ldap://x} =1+1 \"; DROP TABLE company_link; --"
    world.edit("Customer", CustomerID="C000002", CustomerName=name)

    world.sync(mode="selected", customer_ids=NAMED)

    assert world.companies()["C000002"]["companyName"] == name
    assert_neighbours_are_synced(world)


@pytest.mark.parametrize("key", ["ACME WEST 46", "NORTH/SOUTH47"])
def test_changes_arrive_when_a_key_holds_blanks_or_a_slash(world: World, key: str) -> None:
    """A key that cannot stand in a path is created, linked back, changed and withdrawn like any other."""
    world.sync(mode="selected", customer_ids=[key])
    assert world.references()[key] == str(world.companies()[key]["companyId"])
    world.edit("Customer", CustomerID=key, CustomerName="Renamed")
    world.sync(mode="selected", customer_ids=[key])
    assert world.companies()[key]["companyName"] == "Renamed"

    world.edit("Customer", CustomerID=key, EnableKensiumCommerce=False)
    world.sync(mode="selected", customer_ids=[key])

    assert world.companies()[key]["companyStatus"] == 3


@pytest.mark.parametrize("gap", ["AddressLine1", "City", "PostalCode", "State"])
def test_customer_is_synced_without_an_address_when_its_address_is_half_empty(world: World, gap: str) -> None:
    """A gap in the main address leaves out what the store cannot hold, by reason, and keeps the customer."""
    world.edit("Customer", CustomerID="C000002", MainContact={"Address": {gap: ""}})

    world.sync(mode="selected", customer_ids=NAMED)

    assert world.last_outcome("C000002") == ("created", "")
    with world.ledger() as ledger:
        reasons = {row["reasons"] for row in ledger.log.rows(customer_id="C000002", limit=1000)}
    keys = {row["externalId"].partition(":")[2] for row in world.book()["C000002"]["addresses"]}
    if gap == "PostalCode":
        assert keys == {"BILLING", "EAST", "MAIN", "WEST"}
    else:
        assert "location_address_incomplete" in reasons
        assert keys == {"EAST", "WEST"}
    assert_neighbours_are_synced(world)


@pytest.mark.parametrize("character", [r"\u0000", r"\u0001", r"\n", r"\u007f", r"\u202e"])
def test_customer_is_quarantined_when_its_number_holds_a_control_character(world: World, character: str) -> None:
    """A number that databases, logs or URLs cannot hold is said to be unreadable, and never *unchanged*."""
    number = rb'"CustomerID":{"value":"C00%s0002"}' % character.encode()

    def rewrite(body: bytes) -> bytes:
        return body.replace(b'"CustomerID":{"value":"C000002"}', number)

    broken = disturbed(world, "Customer", rewrite)
    for _ in range(2):
        broken.sync(mode="full")
        assert set(world.companies()) >= set(NEIGHBOURS)
        with world.ledger() as ledger:
            (run, *_) = ledger.runs.recent("full", 1)
            rows = ledger.runs.customers(run["run_id"])
        assert [(outcome, reasons) for key, _, outcome, reasons in rows if key.startswith("C00\\")] == [
            ("quarantined", "record_unreadable")
        ]
        assert all(key.isprintable() for key, *_ in rows)
