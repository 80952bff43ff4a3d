"""The sync as a contender: one `pipeline.run` against the twins that the order names."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from customer_sync.gc_paused import gc_paused

with gc_paused():  # as customer_sync.commands.main does
    from customer_sync.http.curl_transport import CurlTransport
    from customer_sync.http.pacing import Pacer
    from customer_sync.http.transport import HttpSettings
    from customer_sync.pipeline import run
    from customer_sync.planning.window import RunRequest
    from customer_sync.settings.connector import Connector
    from customer_sync.settings.connector_file import load_connector
    from customer_sync.sources.acumatica.settings import AcumaticaSettings
    from customer_sync.sources.acumatica.source import AcumaticaSource
    from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
    from customer_sync.targets.better_b2b.settings import BetterB2BSettings

ROOT = Path(__file__).resolve().parents[1]


def connector(**erp_rules: Any) -> Connector:
    """The connector that ships, with the store's whole budget and, unless asked for, no write-back."""
    shipped = load_connector(ROOT / "include" / "connectors" / "knb.yaml")
    erp = shipped.erp.model_copy(update={"write_reference": False, **erp_rules})
    store = shipped.store.model_copy(update={"share": 1.0})
    return shipped.model_copy(update={"erp": erp, "store": store})


def with_terms(rules: Connector) -> Connector:
    """The same with the uniform world's terms mapped."""
    values = {name: getattr(rules, name) for name in Connector.model_fields}
    return Connector(**{**values, "terms": {**rules.terms, "PREPAY": rules.terms["30D"]}})


def source(url: str, rules: Connector) -> AcumaticaSource:
    """The ERP's twin as the connector's source of customers."""
    settings = AcumaticaSettings(
        username="admin",
        password="sandbox",  # noqa: S106 - the twin's published password
        tenant="Sandbox",
        endpoint_name="KNCommerce",
        page_size=rules.erp.page_size,
    )
    return AcumaticaSource(CurlTransport(HttpSettings(base_url=url)), settings, rules)


def store_client(url: str, rules: Connector, per_minute: int) -> BetterB2BTarget:
    """The store's twin, at the pace of its limit; without a limit as fast as it answers."""
    settings = BetterB2BSettings(
        token="sandbox-token",  # noqa: S106 - the twin's published token
        store_hash="sandbox",
        rules=rules.store.model_copy(update={"requests_per_minute": per_minute or rules.store.requests_per_minute}),
    )
    transport = CurlTransport(HttpSettings(base_url=url, max_connections=rules.store.concurrency))
    return BetterB2BTarget(transport, settings, pacer=None if per_minute else Pacer(0, share=1.0))


def main() -> None:
    """Run the order of the first argument; tells the outcomes and the seconds of the run itself."""
    order = json.loads(sys.argv[1])
    rules = connector(**order.get("erp", {}))
    if order.get("terms"):
        rules = with_terms(rules)
    erp = source(order["erp_url"], rules)
    store = store_client(order["store_url"], rules, order.get("per_minute", 0))
    said: list[str] = []
    request = RunRequest(mode=order.get("mode", "full"), dry_run=order.get("dry_run", False))
    started, started_cpu = time.perf_counter(), time.process_time()
    report = run(rules, erp, store, order["ledger_url"], request, sink=lambda title, _: said.append(title))
    told = {
        "outcomes": report.outcomes,
        "run_s": time.perf_counter() - started,
        "run_cpu_s": time.process_time() - started_cpu,
    }
    print(json.dumps(told))  # noqa: T201 - a contender's answer


if __name__ == "__main__":
    main()
