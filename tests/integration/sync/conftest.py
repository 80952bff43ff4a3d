"""Both twins over real HTTP, and the pipeline between them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from acumatica.client import AcumaticaClient
from acumatica.settings import AcumaticaSettings
from better_b2b.client import BetterB2BClient
from better_b2b.settings import BetterB2BSettings
from customer_sync.connector import Connector
from customer_sync.connector_file import load_connector
from customer_sync.ledger import Ledger
from customer_sync.pipeline import run
from customer_sync.steps import AuditReport
from customer_sync.window import RunRequest
from http_transport.pacing import Pacer
from http_transport.retry import RetryPolicy
from http_transport.transport import HttpSettings, Urllib3Transport
from sandbox.server import RunningTwin, running_acumatica, running_better_b2b

CUSTOMERS = 90
KEY_FIELD = "Acumatica Customer ID"


def call(url: str, method: str = "GET", body: Any = None) -> Any:
    """One request to a twin's control plane."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        content = answer.read()
    return json.loads(content) if content else None


@dataclass
class World:
    """Two twins, a connector and a ledger."""

    erp_url: str
    store_url: str
    connector: Connector
    ledger_url: str
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(attempts=3, total_s=10.0, first_delay_s=0.01))

    def erp(self, **changes: Any) -> AcumaticaClient:
        """A client of the ERP's twin."""
        values = {"username": "admin", "password": "sandbox", "tenant": "Sandbox", "endpoint_name": "KNCommerce"}
        settings = AcumaticaSettings(**{**values, "page_size": 40, **changes})
        return AcumaticaClient(Urllib3Transport(HttpSettings(base_url=self.erp_url)), settings, retry=self.retry)

    def store(self) -> BetterB2BClient:
        """A client of the store's twin."""
        settings = BetterB2BSettings(token="sandbox-token", store_hash="sandbox", rate_limit_wait_s=0.1)
        transport = Urllib3Transport(HttpSettings(base_url=self.store_url))
        return BetterB2BClient(transport, settings, pacer=Pacer(0, share=1.0), retry=self.retry)

    def sync(self, *, connector: Connector | None = None, run_id: str | None = None, **params: Any) -> AuditReport:
        """Run the pipeline once."""
        return run(
            connector or self.connector,
            self.erp(),
            self.store(),
            self.ledger_url,
            RunRequest.model_validate(params),
            run_id=run_id,
        )

    def ledger(self) -> Ledger:
        """The ledger, to look at."""
        return Ledger.open(self.connector.id, self.ledger_url)

    def companies(self) -> dict[str, dict[str, Any]]:
        """The store's companies that carry our key, by CustomerID."""
        found = {}
        for company in self.store_state()["companies"]:
            for extra in company.get("extraFields") or []:
                if extra["fieldName"] == KEY_FIELD and extra["fieldValue"]:
                    assert extra["fieldValue"] not in found, "two companies carry one key"
                    found[extra["fieldValue"]] = company
        return found

    def store_state(self) -> dict[str, Any]:
        """The whole store."""
        state: dict[str, Any] = call(f"{self.store_url}/_sandbox/state")
        return state

    def store_writes(self) -> list[dict[str, Any]]:
        """Requests to the store's API that write, oldest first."""
        return [
            row for row in call(f"{self.store_url}/_sandbox/calls") if row["method"] != "GET" and "/api/" in row["path"]
        ]

    def forget_calls(self) -> None:
        """Empty both call logs."""
        for url in (self.erp_url, self.store_url):
            call(f"{url}/_sandbox/calls", "DELETE")

    def erp_faults(self, *faults: dict[str, Any]) -> None:
        """Set the ERP twin's faults."""
        call(f"{self.erp_url}/_sandbox/faults", "PUT", list(faults))

    def store_faults(self, *faults: dict[str, Any]) -> None:
        """Set the store twin's faults."""
        call(f"{self.store_url}/_sandbox/faults", "PUT", list(faults))

    def edit(self, entity: str, **fields: Any) -> None:
        """Edit a record in the ERP as a person would, through a session of its own."""
        with self.erp() as erp:
            erp.put(entity, fields)


@pytest.fixture(scope="session")
def twins() -> Iterator[tuple[RunningTwin, RunningTwin]]:
    """Both twins for a whole worker; tests reset them."""
    with running_acumatica(customers=CUSTOMERS) as erp, running_better_b2b() as store:
        yield erp, store


@pytest.fixture
def world(twins: tuple[RunningTwin, RunningTwin], tmp_path: Path) -> World:
    """Fresh twins, the shipped connector, an empty ledger."""
    erp, store = twins
    for twin in twins:
        call(f"{twin.url}/_sandbox/reset", "POST")
    root = Path(__file__).resolve().parents[3]
    connector = load_connector(root / "include" / "connectors" / "knb.yaml")
    return World(erp.url, store.url, connector, f"sqlite:///{tmp_path / 'ledger.db'}")
