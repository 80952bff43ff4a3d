"""Scenarios that read and decide: reading alone under latency, and parse to plan on one core."""

from __future__ import annotations

import tempfile

from bench.contender import Measured, run_ours, run_peer
from bench.loading import ELIGIBLE_SHARE
from bench.measure import Bar, Numbers, Result, Settings, run_rounds
from bench.twins import Request, Twins, running

LATENCY_MS = 200.0
PER_ROW_MS = 2.0


def reading_under_latency(settings: Settings) -> Result:
    """Extract alone from an ERP that answers after 0.2 s and 2 ms per record."""
    size = settings.size(1_000)
    result = Result(
        "reading_under_latency",
        f"{size} customers with contacts and locations read whole and packed into batches; nothing else",
        {"customers": size, "latency_ms": LATENCY_MS, "latency_per_record_ms": PER_ROW_MS, "page_size": 500},
    )
    with running(size) as twins:
        twins.set_erp(latency_ms=LATENCY_MS, latency_per_row_ms=PER_ROW_MS)

        def ours() -> Numbers:
            twins.forget_calls()
            with tempfile.TemporaryDirectory() as folder:
                order = {"erp_url": twins.erp_url, "ledger_url": f"sqlite:///{folder}/ledger.db"}
                return _against_bound(run_ours("bench.extract_only", order), twins)

        def script() -> Numbers:
            twins.forget_calls()
            order = {"erp_url": twins.erp_url, "store_url": twins.store_url, "read_only": True}
            return _against_bound(run_peer("pandas_script.py", order), twins)

        run_rounds(result, {"ours": ours, "pandas script": script}, settings.repeats, ratios_of=("run_s", "cpu_s"))
    result.bars.append(
        Bar("share of the latency bound while reading", result.median("ours", "share_of_bound"), 0.95, at_most=False)
    )
    result.notes.append(
        "the bound is what the ERP took for the requests: one session is worked off serially (call log, each request's "
        "latency); the script pages by $skip, which loses rows that change meanwhile"
    )
    return result


def _against_bound(measured: Measured, twins: Twins) -> Numbers:
    requests: list[Request] = [each for each in twins.requests() if each.system == "erp"]
    bound = sum(each.end_s - each.start_s for each in requests)
    run_s = measured.told["run_s"]
    return {
        "run_s": run_s,
        "bound_s": bound,
        "share_of_bound": bound / run_s,
        "requests": len(requests),
        "cpu_s": measured.cpu_s,
        "peak_mb": measured.peak_mb,
    }


def parse_to_plan(settings: Settings) -> Result:
    """From the bytes of the ERP's pages to operations, on one core, without network and ledger."""
    size = settings.size(5_000)
    result = Result(
        "parse_to_plan",
        f"the ERP's pages for {size} customers (2 contacts, 2 locations each) as bytes in memory: decoded, filtered, "
        "transformed, hashed and compared with a remembered state of which one in a hundred differs",
        {"customers": size, "eligible_share": ELIGIBLE_SHARE, "changed_share": 0.01, "page_size": 500},
    )
    with running(size) as twins:

        def ours() -> Numbers:
            told = run_ours("bench.plan_only", {"erp_url": twins.erp_url}).told
            return {key: float(value) for key, value in told.items()}

        run_rounds(result, {"ours": ours}, settings.repeats)
    rate = result.median("ours", "customers_per_s")
    result.bars.append(Bar("customers per second and core, parse to plan", rate, 13_000, at_most=False))
    unchanged = result.median("ours", "unchanged_per_s")
    result.bars.append(
        Bar("unchanged customers per second and core, read and judged", unchanged, 25_000, at_most=False)
    )
    result.notes.append(
        "CPU seconds of one process, the best of three passes in each round; 'struct_decode_per_s' is the floor of the "
        "same round: the same bytes decoded and nothing else"
    )
    result.notes.append("'steps_per_s' is the same work through the steps filter and transform with their ledger")
    return result
