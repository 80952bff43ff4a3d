"""Names, e-mails and phones stand in the ledger's applied documents and journal, and nowhere else unmasked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from customer_sync.commands.main import main
from customer_sync.errors import PlanRefused, RunUnbalanced
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import customer_state, known_customer, metadata
from customer_sync.ledger.story.lines import each_customer
from customer_sync.ledger.story.log_scope import LogFilter
from customer_sync.ledger.story.log_search import iter_log
from customer_sync.model.alert import Alert, Notice
from customer_sync.model.outcome import LogEntry
from customer_sync.reporting.incident_rules import judge_refusal, judge_run, judge_silence, notify
from customer_sync.reporting.journalled import with_changes
from customer_sync.reporting.log_entry import format_entry
from customer_sync.reporting.run_metrics import measure_run
from customer_sync.run import Run, Sink
from customer_sync.settings.alert_rules import AlertRules
from customer_sync.settings.connector import Connector
from customer_sync.steps.approval import approve_plan, ask_for_approval, reject_plan
from tests.integration.personal_values import personal_values
from tests.integration.twin_world import World, attempts

NAMES = {("known_customer", "full_name"), ("known_customer", "search")}
UNMASKED = {("customer_state", "applied"), ("journal", "parts"), *NAMES}
"""Columns that hold the truth: docs/architecture.md#ledger."""


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


COMMANDS = (
    ("run", "knb", "--mode", "full"),
    ("reconcile", "knb"),
    ("reconcile", "knb", "--mode", "shadow"),
    ("pools", "knb"),
)
"""What operators call, and send on when they ask for help."""


def connect(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the connections that commands look for."""
    extra = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
    erp = {"conn_type": "acumatica", "host": world.erp_url, "login": "admin", "password": "sandbox", "extra": extra}
    store = {"conn_type": "better-b2b", "host": world.store_url, "password": "sandbox-token"}
    monkeypatch.setenv("AIRFLOW_CONN_ACUMATICA_KNB", json.dumps(erp))
    monkeypatch.setenv("AIRFLOW_CONN_BETTER_B2B_KNB", json.dumps({**store, "extra": {"store_hash": "sandbox"}}))


def refused(world: World, sink: Sink) -> Iterator[tuple[str, str]]:
    """Runs that end with an error: the store quotes what it was sent, the ERP answers with a record, a guard stops."""
    company = world.companies()["C000001"]
    email, phone = company["companyEmail"], company["companyPhone"]
    said = f"Email already exists. ['{email}'] phone {phone} of {company['companyName']}"
    world.store_faults({"match": {"method": "PUT"}, "effect": "status", "status": 422, "message": said})
    world.edit("Customer", CustomerID="C000001", CustomerName=f"{company['companyName']} & Sons")
    world.sync(run_id="refused", mode="full", sink=sink)
    world.store_faults()
    rules = {**world.connector.model_dump(mode="json"), "eligibility": {"types": ["NOBODY"]}}
    strict = replace(world, connector=Connector.model_validate(rules))
    with pytest.raises(PlanRefused) as stopped:
        strict.sync(run_id="stopped", mode="full", sink=sink)
    yield "refusal", f"{stopped.value} {stopped.value!r} {stopped.value.message}"


def measured(world: World) -> Iterator[tuple[str, str]]:
    """What each run is measured by."""
    with world.ledger() as ledger:
        for run_id in ("dry", "first", "second", "refused", "stopped", "compared"):
            run = Run(world.connector, ledger, run_id)
            yield from (("metric", str(each)) for each in measure_run(run, now_utc=datetime.now(UTC)))


def alerted(world: World) -> Iterator[tuple[str, str]]:
    """Every alert, in every form in which a channel gets it, and its end."""
    rules = AlertRules.model_validate(
        {"no_success_minutes": 1, "most_rejected_share": 0.0, "rejected_always_allowed": 0}
    )
    connector = world.connector.model_copy(update={"alerts": rules})
    got: list[Notice] = []
    with world.ledger() as ledger:
        judge_run(ledger, connector, "stopped", is_green=False, link="")
        judge_run(ledger, connector, "first", is_green=False, link="")
        row = ledger.runs.get("stopped") or {}
        judge_refusal(ledger, connector, "stopped", facts=f"refused: {(row['summary'] or {}).get('problems')}", link="")
        judge_silence(ledger, connector, now_utc=datetime.now(UTC) + timedelta(days=1), link="")
        assert notify(ledger, connector, {"email": got.append}) == []
        world.sync(run_id="green", mode="full")
        judge_run(ledger, connector, "green", is_green=True, link="")
        assert notify(ledger, connector, {"email": got.append}) == []
    assert {notice.alert for notice in got} == set(Alert)
    for notice in got:
        yield from (
            ("alert", text) for text in (notice.subject, notice.text, notice.markup, json.dumps(notice.to_json()))
        )


def asked(world: World) -> Iterator[tuple[str, str]]:
    """The question to a person, what is told after each answer, and the plan that the question leads to."""
    world.edit("Customer", CustomerID="C000003", CustomerName="Grabbe & Töchter GmbH", Email="grabbe@elsewhere.example")
    world.edit("Customer", CustomerID="C000004", EnableKensiumCommerce=False)
    careful = world.with_rules(approval={"ask": "always"})
    with attempts(careful, "asked", mode="full") as parts:
        summary = parts.plan(can_ask=True).summary
        subject, body, _ = ask_for_approval(parts.at("guard"), summary, link="http://127.0.0.1/plan")
        yield from (("approval", text) for text in (subject, body, *summary.lines))
        told = approve_plan(parts.at("guard"), summary.descriptors, parts.planned, by="olga")
        told.append(reject_plan(parts.at("guard"), summary.descriptors, by=None))
        yield from (("approval", text) for text in told)
        with suppress(RunUnbalanced):
            parts.audit()


def test_who_is_nothing_to_the_store_is_known_without_a_name(world: World) -> None:
    """The names of whom the store never sees are not kept, where a list finds customers by them."""
    world.sync(mode="full")
    known = known_customer.c
    with_company = sa.exists().where(customer_state.c.customer_id == known.customer_id)
    engine = open_engine(world.ledger_url)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(known.customer_id, known.full_name, known.search).where(
                known.rows_reasons.is_not(None), ~with_company
            )
        ).all()
    engine.dispose()
    assert rows
    assert {row.full_name for row in rows} == {""}
    assert [row.search for row in rows if row.search.split(" ", 1)[1:] and "•••" not in row.search] == []


def test_no_personal_value_leaves_the_ledger_unmasked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other column, task logs, report files, plans, the export of the log, and what commands print."""
    reports = tmp_path / "reports"
    monkeypatch.setenv("CUSTOMER_SYNC_REPORTS_DIR", str(reports))
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", world.ledger_url)
    monkeypatch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(tmp_path))
    shipped = world.connector.model_dump(mode="json", exclude_defaults=True)
    paced = {**shipped, "store": {**shipped.get("store", {}), "requests_per_minute": 60_000}}
    (tmp_path / "knb.yaml").write_text(yaml.safe_dump(paced), encoding="utf-8")
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
    said += refused(world, sink)
    said += measured(world)
    said += alerted(world)
    said += asked(world)

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
    connect(world, monkeypatch)
    for arguments in COMMANDS:
        said += command(*arguments)
        said += command(*arguments, "--json")

    values = personal_values(world)
    assert len(values) > 300
    places = {place.partition(" ")[0] for place, _ in said}
    assert places > {"task", "export", "customer-sync", "story.lines", "alert", "metric", "approval", "refusal"}
    # The store's own words were said, without what they quoted.
    assert [text for _, text in said if "Email already exists" in text]
    # The search finds what is there: the documents of the companies hold it.
    assert any(value in text for _, text in columns_of(world.ledger_url, unmasked=True) for value in values)
    leaks = {(place, value) for place, text in said for value in values if value in text}
    assert leaks == set()
