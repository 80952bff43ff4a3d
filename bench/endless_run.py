"""The sync as a contender against an endless ERP and store: for its memory."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

from bench.endless import EndlessErp, EndlessStore
from bench.ours import connector
from customer_sync.http.pacing import Pacer
from customer_sync.pipeline import run
from customer_sync.planning.window import RunRequest
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync.sources.acumatica.source import AcumaticaSource
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.settings import BetterB2BSettings


def main() -> None:
    """Run the order of the first argument."""
    order = json.loads(sys.argv[1])
    for module in order.get("import_first", []):
        importlib.import_module(module)
    if order["customers"] == 0:
        print(json.dumps({"run_s": 0, "before_mb": 0}))  # noqa: T201 - a process that only imports
        return
    rules = connector()
    rules = rules.model_copy(update={"batch": rules.batch.model_copy(update={"count": 512})})
    erp = AcumaticaSource(
        EndlessErp(order["customers"]),
        AcumaticaSettings(username="endless", password="endless", endpoint_name="KNCommerce"),  # noqa: S106 - nobody's password
        rules,
    )
    settings = BetterB2BSettings(token="endless", store_hash="endless", rules=rules.store)  # noqa: S106 - nobody's token
    store = BetterB2BTarget(EndlessStore(), settings, pacer=Pacer(0, share=1.0))
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    request = RunRequest(mode="full", dry_run=order["dry_run"])
    report = run(rules, erp, store, order["ledger_url"], request)
    told = {"outcomes": report.outcomes, "run_s": time.perf_counter() - started, "before_mb": before_mb}
    print(json.dumps(told))  # noqa: T201 - a contender's answer


if __name__ == "__main__":
    main()
