"""Names, e-mails and phones stand in the ledger's applied documents and journal, and nowhere else unmasked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from customer_sync.commands.main import main
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import metadata
from customer_sync.ledger.story.lines import each_customer
from customer_sync.ledger.story.log_scope import LogFilter
from customer_sync.ledger.story.log_search import iter_log
from customer_sync.model.outcome import LogEntry
from customer_sync.reporting.journalled import with_changes
from customer_sync.reporting.log_entry import format_entry
from tests.integration.twin_world import World

UNMASKED = {("customer_state", "applied"), ("journal", "parts")}
"""Columns that hold the truth: docs/architecture.md#ledger."""

SHORTEST = 7
"""Shorter words may be part of others."""


def personal_values(world: World) -> set[str]:
    """E-mails, phones and names of everybody in the ERP and in the store."""
    found: set[str] = set()
    for record in [*_records(world.erp_state()), *_records(world.store_state())]:
        for name, value in record.items():
            if isinstance(value, str) and ("email" in name.casefold() or "phone" in name.casefold()):
                found.add(value.strip())
        full = (record.get("FirstName"), record.get("LastName")), (record.get("firstName"), record.get("lastName"))
        found.update(f"{first} {last}" for first, last in full if first and last)
        found.update(str(record[name]) for name in ("CustomerName", "companyName") if record.get(name))
    return {value for value in found if len(value) >= SHORTEST and value.strip(" .")}


def _records(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _records(each)
    elif isinstance(value, list):
        for each in value:
            yield from _records(each)


def columns_of(url: str, *, unmasked: bool = False) -> Iterator[tuple[str, str]]:
    """(place, text) of every value of the ledger that is not to hold personal data, or of all that are."""
    engine = open_engine(url)
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                for name, value in row.items():
                    if ((table.name, name) in UNMASKED) is unmasked and value is not None:
                        yield f"{table.name}.{name}", str(value)
    engine.dispose()


def command(*arguments: str) -> Iterator[tuple[str, str]]:
    """What a command prints."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), suppress(SystemExit):
        main(arguments)
    yield f"customer-sync {' '.join(arguments)}", out.getvalue() + err.getvalue()


def test_no_personal_value_leaves_the_ledger_unmasked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other column, task logs, report files, plans, the export of the log, and what commands print."""
    reports = tmp_path / "reports"
    monkeypatch.setenv("CUSTOMER_SYNC_REPORTS_DIR", str(reports))
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", world.ledger_url)
    monkeypatch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(tmp_path))
    shipped = world.connector.model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "knb.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    said: list[tuple[str, str]] = []

    def sink(title: str, entries: Sequence[LogEntry]) -> None:
        said.extend([("task log", title), *(("task log", format_entry(entry)) for entry in entries)])

    world.sync(run_id="dry", mode="full", dry_run=True, sink=sink)
    # An answer that is lost, and one that refuses: both sides' own words come into the log.
    lost = {"match": {"method": "POST", "path_regex": "/addresses/bulk$"}, "effect": "commit_then_reset", "times": 1}
    world.store_faults(lost)
    world.sync(run_id="first", mode="full", sink=sink)
    world.edit("Customer", CustomerID="C000002", Email="somebody.else@elsewhere.example")
    world.sync(run_id="second", mode="full", sink=sink)
    world.reconcile(run_id="compared", sink=sink)

    said += columns_of(world.ledger_url)
    said += [(str(path), path.read_text(encoding="utf-8")) for path in reports.rglob("*.*") if path.is_file()]
    engine = open_engine(world.ledger_url)
    for rows in iter_log(engine, LogFilter(connectors=frozenset({world.connector.id}))):
        full = with_changes(engine, each_customer(rows), lambda _: world.connector)
        said += [("export", json.dumps(row, default=str, ensure_ascii=False)) for row in full]
    engine.dispose()
    with Ledger.open(world.connector.id, world.ledger_url) as ledger:
        customers = [customer_id for customer_id, *_ in ledger.runs.customers("first")]
    for customer_id in customers:
        said += command("explain", world.connector.id, customer_id)
        said += command("explain", world.connector.id, customer_id, "--json")

    values = personal_values(world)
    assert len(values) > 300
    assert {place.partition(" ")[0] for place, _ in said} > {"task", "export", "customer-sync", "story.lines"}
    # The search finds what is there: the documents of the companies hold it.
    assert any(value in text for _, text in columns_of(world.ledger_url, unmasked=True) for value in values)
    leaks = {(place, value) for place, text in said for value in values if value in text}
    assert leaks == set()
