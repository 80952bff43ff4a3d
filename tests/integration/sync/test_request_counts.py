"""How many requests a sync takes, counted from the twins' call logs: the figures that hold on any machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.ledger_size import size_of
from customer_sync.settings.connector import Connector
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, attempts, call, shipped_connector

CUSTOMERS = 300
COMPANIES = 270
"""Every tenth customer of the uniform world is inactive."""
MOST_ROWS = 7
MOST_BYTES = 6_000


def _connector(*, write_back: bool = False, terms: bool = False) -> Connector:
    shipped = shipped_connector()
    changed: dict[str, Any] = {"erp": shipped.erp.model_copy(update={"write_reference": write_back})}
    if terms:
        changed["terms"] = {**shipped.terms, "PREPAY": shipped.terms["30D"]}
    return Connector(**{**{name: getattr(shipped, name) for name in Connector.model_fields}, **changed})


@pytest.fixture
def uniform(tmp_path: Path) -> Iterator[World]:
    """Customers of two contacts, two locations and a billing address each, and an empty store."""
    with (
        running_acumatica(customers=CUSTOMERS, shape="uniform", sessions=4) as erp,
        running_better_b2b() as store,
    ):
        yield World(erp.url, store.url, _connector(), f"sqlite:///{tmp_path / 'ledger.db'}")


def _store_requests(world: World) -> Counter[str]:
    rows = call(f"{world.store_url}/_sandbox/calls")
    # What the store calls countries and states is asked once a day, and counted apart.
    rows = [row for row in rows if not row["path"].endswith(("/countries", "/states"))]
    return Counter(f"{row['method']} {re.sub(r'[0-9]+', 'N', row['path'].split('/io', 1)[-1])}" for row in rows)


def test_a_new_company_takes_little_more_than_half_a_request(uniform: World) -> None:
    """One company, one further user and three addresses in requests of ten are 0.5; the rest reads back in pages."""
    report = uniform.sync(mode="full")
    assert report.outcomes == {"created": COMPANIES, "filtered": CUSTOMERS - COMPANIES}
    requests = _store_requests(uniform)
    lists = ("companies/extra-fields", "users/extra-fields", "addresses/extra-fields", "companies/roles")
    preflight = sum(requests[f"GET /{name}"] for name in lists)
    assert requests["POST /companies"] == 1, "the first company of a store comes by itself"
    assert requests["POST /companies/bulk"] == requests["POST /users/bulk"] == COMPANIES / 10
    assert requests["POST /addresses/bulk"] == 3 * COMPANIES / 10
    assert (requests.total() - preflight) / COMPANIES <= 0.53, requests
    assert preflight == 4


def test_a_new_company_takes_seven_rows_and_six_thousand_bytes_at_most(uniform: World) -> None:
    """With the write-back on: state, contacts, journal, story and search, beyond what an empty ledger takes."""
    world = replace(uniform, connector=_connector(write_back=True))
    with world.ledger():
        empty = size_of(world.ledger_url)
    world.sync(mode="full")
    full = size_of(world.ledger_url)
    rows = {name: (count - empty.rows.get(name, 0)) / COMPANIES for name, count in full.rows.items()}
    assert sum(rows.values()) <= MOST_ROWS, rows
    assert (full.bytes - empty.bytes) / COMPANIES <= MOST_BYTES


def test_an_unchanged_company_takes_none(uniform: World) -> None:
    """Neither a full run nor an incremental one asks the store for what the ledger knows."""
    uniform.sync(mode="full")
    uniform.forget_calls()
    assert uniform.sync(mode="full").outcomes["unchanged"] == COMPANIES
    uniform.sync()
    assert _store_requests(uniform) == {}


def test_payment_settings_take_one_request_each_and_only_once(uniform: World) -> None:
    """The store has no bulk for them: 2.5 requests per company is the bound with methods and terms mapped."""
    uniform.connector = _connector(terms=True)
    uniform.sync(mode="full")
    assert _store_requests(uniform).total() / COMPANIES <= 2.5 * 1.05
    uniform.forget_calls()
    uniform.sync(mode="full")
    assert _store_requests(uniform) == {}


def test_the_reference_is_written_back_with_one_request_per_customer_and_only_once(uniform: World) -> None:
    """Our own write-back moves the customer's stamp; the next run recognises it by its content."""
    uniform.connector = _connector(write_back=True)
    uniform.sync(mode="full")
    puts = [row for row in uniform.erp_calls() if row["method"] == "PUT"]
    assert len(puts) == COMPANIES
    uniform.forget_calls()
    uniform.sync()
    assert [row for row in uniform.erp_calls() if row["method"] == "PUT"] == []
    assert _store_requests(uniform) == {}


def test_reading_takes_no_request_per_customer(uniform: World) -> None:
    """Pages of customers, contacts and locations: some dozens of requests for hundreds of customers."""
    uniform.sync(mode="full", dry_run=True)
    reads = [row for row in uniform.erp_calls() if row["method"] == "GET"]
    assert len(reads) <= 6 * (CUSTOMERS / 40) + 10, Counter(row["path"] for row in reads)


def test_the_plan_tells_what_it_will_cost_and_the_audit_what_it_did(uniform: World) -> None:
    """Without refusals the expectation misses only the preflight; the audit counts what was really sent."""
    with attempts(uniform, "run", mode="full") as parts:
        planned = parts.plan()._plans
        expected = sum(descriptor.store_requests for *_, descriptor in planned)
        report = parts.load().audit()
    sent = _store_requests(uniform).total()
    assert sent - 7 <= expected <= sent
    assert any(f"{sent} to Better B2B" in line for line in report.lines), report.lines


def test_the_stores_companies_are_counted_until_all_are_known(uniform: World) -> None:
    """An empty ledger makes the first of three batches look at once; the second counts, the third asks no more."""
    batch = uniform.connector.batch.model_copy(update={"size": 100, "largest": 100})
    uniform.connector = uniform.connector.model_copy(update={"batch": batch})
    uniform.sync(mode="full")
    calls = call(f"{uniform.store_url}/_sandbox/calls")
    reads = [row["query"] for row in calls if row["method"] == "GET" and row["path"].endswith("/companies")]
    assert sum("minCreated" in query for query in reads) >= 3, "every batch reads its companies back"
    assert sum(query.startswith("limit=2&") for query in reads) == 1, reads
