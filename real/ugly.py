"""Ugly values through ERP twin, sync and store twin: nothing crashes, each is written or explained, files are safe."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.transport import HttpSettings
from customer_sync.ledger import Ledger
from customer_sync.pipeline import run
from customer_sync.planning.window import RunRequest
from customer_sync.run import discard
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import load_connector
from customer_sync.sources.acumatica.source import AcumaticaSource
from real.clients import QUICK, erp_settings, store_client
from real.differences import Difference, Tally, shown
from real.folder import UglyValue
from real.safe_files import unsafe_cells
from real.safe_pages import unsafe_pages
from real.stored import stored_by
from real.twin_api import TwinApi, as_store
from real.ugly_customers import UglyCustomer, make, planned
from real.ugly_verdict import outcome_of, problems_of
from sandbox.server import running_acumatica, running_better_b2b

PART: Final = "ugly"
CONNECTOR: Final = Path(__file__).resolve().parents[1] / "include" / "connectors" / "knb.yaml"
_PLAN, _FIRST, _SECOND = "plan", "first", "second"
_PLANNED: Final = 400
"""Customers whose plan is written as a file."""
_ON_PAGES: Final = 400
"""Customers whose page is made."""


@dataclass
class _World:
    """Both twins, a connector and a ledger."""

    erp: TwinApi
    store: TwinApi
    connector: Connector
    ledger_url: str

    def sync(self, run_id: str, **request: Any) -> None:
        """One run."""
        settings = erp_settings(endpoint_name="KNCommerce", tenant="Sandbox", page_size=self.connector.erp.page_size)
        source = AcumaticaSource(
            CurlTransport(HttpSettings(base_url=self.erp.url)), settings, self.connector, retry=QUICK
        )
        target = store_client(self.store.url, self.connector)
        window = RunRequest.model_validate(request)
        run(self.connector, source, target, self.ledger_url, window, run_id=run_id, sink=discard)

    def sync_twice(self, planned_ids: Sequence[str]) -> list[str]:
        """Plan some customers, write all, then run again; return what the second run wrote."""
        self.sync(_PLAN, mode="selected", customer_ids=planned_ids, dry_run=True)
        self.sync(_FIRST, mode="full")
        self.erp.control("DELETE", "calls")
        self.store.control("DELETE", "calls")
        self.sync(_SECOND, mode="full")
        return self.writes()

    def writes(self) -> list[str]:
        """Requests that wrote to either system, signing in and out apart."""
        return [
            f"{row['method']} {row['path']}"
            for twin in (self.erp, self.store)
            for row in twin.control("GET", "calls")
            if row["method"] != "GET" and "/auth/" not in row["path"]
        ]


def try_ugly(values: Sequence[UglyValue], *, pages: bool = True) -> Tally:
    """Try every value as a customer of its own; with ``pages`` the pages for people are made too, by an Airflow."""
    tally = Tally()
    for value in values:
        tally.tried[f"ugly values: {value.kind}"] += 1
    if not values:
        return tally
    with (
        tempfile.TemporaryDirectory() as folder,
        running_acumatica(customers=0) as erp_twin,
        running_better_b2b() as store_twin,
        TwinApi(erp_twin.url) as erp,
        as_store(store_twin.url) as store,
    ):
        world = _World(erp, store, _connector(), f"sqlite:///{folder}/ledger.db")
        customers = _made(erp, values)
        tally.differences += _tried(world, customers, tally)
        if pages:
            shown_ids = [each.customer_id for each in customers[:_ON_PAGES]]
            for place, what in unsafe_pages(world.ledger_url, CONNECTOR, shown_ids):
                tally.differences.append(Difference(PART, place, shown(what), "page", "runs", "shown as text"))
    return tally


def _connector() -> Connector:
    """The connector that ships, with nothing masked, so that every value reaches pages and files."""
    shipped = load_connector(CONNECTOR)
    masking = shipped.masking.model_copy(update=dict.fromkeys(type(shipped.masking).model_fields, False))
    return shipped.model_copy(update={"masking": masking})


def _made(erp: TwinApi, values: Sequence[UglyValue]) -> list[UglyCustomer]:
    erp.turn(auto_number_customers=False)
    erp.sign_in()
    # Texts first: they are what files and pages are tried with.
    in_order = sorted(values, key=lambda value: value.kind != "text")
    made = [make(erp, number, *each) for number, each in enumerate(planned(in_order), 1)]
    erp.sign_out()
    return made


def _tried(world: _World, customers: list[UglyCustomer], tally: Tally) -> Iterator[Difference]:
    for customer in customers:
        tally.tried["ugly customers"] += 1
        tally.tried["values that the ERP refused"] += len(customer.refused)
        if customer.wrong:
            yield _differ(customer, "ERP twin", customer.wrong, "taken, or refused at its field")
    try:
        written_again = world.sync_twice([each.customer_id for each in customers[:_PLANNED]])
    except Exception as error:  # noqa: BLE001 - that nothing is raised is what is tried
        yield Difference(PART, "all", "sync", "crash", shown(f"{type(error).__name__}: {error}"), "a run that ends")
        return
    for written in written_again:
        yield Difference(PART, "all", "second run", "write", written, "nothing is written")
    stored = stored_by(world.store, {each.placed.get("location.country", "US") for each in customers})
    with Ledger.open(world.connector.id, world.ledger_url) as ledger:
        for customer in customers:
            if not customer.wrong:
                tally.tried[f"customers {outcome_of(customer, ledger, _FIRST)[0]}"] += 1
                yield from (_differ(customer, *each) for each in problems_of(customer, ledger, _FIRST, stored))
        for place, text in unsafe_cells(ledger, world.connector, (_PLAN, _FIRST, _SECOND)):
            yield Difference(PART, place, shown(text), "cell", "runs in a spreadsheet", "a text that stays a text")


def _differ(customer: UglyCustomer, field: str, ours: str, recorded: str) -> Difference:
    return Difference(PART, customer.file, shown(customer.subject), field, shown(ours), shown(recorded))
