"""The sync's extract alone: read everything, pack it into batches, write these to disk."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from bench.ours import connector, source
from customer_sync.ledger import Ledger
from customer_sync.planning.window import RunRequest
from customer_sync.run import Run
from customer_sync.steps.extract import begin_run, extract_batches


def main() -> None:
    """Run the order of the first argument."""
    order = json.loads(sys.argv[1])
    rules = connector()
    erp = source(order["erp_url"], rules)
    with Ledger.open(rules.id, order["ledger_url"]) as ledger, tempfile.TemporaryDirectory() as folder:
        run = Run(rules, ledger, "bench", task="extract")
        started = time.perf_counter()
        count = 0
        with erp:
            for content, descriptor in extract_batches(run, erp, begin_run(run, RunRequest(mode="full"))):
                (Path(folder) / descriptor.key).write_text(content, encoding="utf-8")
                count += descriptor.count
        print(json.dumps({"read": count, "run_s": time.perf_counter() - started}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
