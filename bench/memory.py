"""Scenario: peak memory of a whole run for 10,000, 100,000 and 1,000,000 customers, generated on the fly."""

from __future__ import annotations

import tempfile

from bench.contender import run_ours
from bench.measure import Bar, Numbers, Result, Settings, run_rounds, spread

SMALL, MIDDLE, LARGE = 10_000, 100_000, 1_000_000


def memory(settings: Settings) -> Result:
    """Peak resident memory of `pipeline.run`, loads and dry runs."""
    result = Result(
        "memory",
        "peak resident memory of the process; ERP and store make up their answers inside it and keep nothing",
        {"largest_batch": 2_000, "long_runs": "one round each"},
    )
    small, middle, large = (settings.size(count) for count in (SMALL, MIDDLE, LARGE))
    run_rounds(
        result,
        {
            f"load of {small:,}": lambda: _peak(small, dry_run=False),
            f"dry run of {small:,}": lambda: _peak(small, dry_run=True),
        },
        settings.repeats,
        ratios_of=(),
    )
    long = [(f"load of {middle:,}", middle, False), (f"dry run of {large:,}", large, True)]
    if settings.full:
        long.append((f"load of {large:,}", large, False))
    for name, count, dry_run in long:
        print(f"  memory: {name} …", flush=True)  # noqa: T201 - progress
        result.contenders[name] = {key: spread([value]) for key, value in _peak(count, dry_run=dry_run).items()}
    bare, task = (_peak(count, dry_run=False, in_task=True) for count in (0, small))
    result.contenders["bare Airflow task"] = {"peak_mb": spread([bare["peak_mb"]])}
    result.contenders[f"Airflow task, load of {small:,}"] = {"peak_mb": spread([task["peak_mb"]])}
    above = task["peak_mb"] - bare["peak_mb"]
    result.bars.append(Bar("MB of a task that does all six steps above a bare Airflow task", above, 250))
    for name, count, dry_run in long:
        base = f"{'dry run' if dry_run else 'load'} of {small:,}"
        ratio = result.median(name, "peak_mb") / result.median(base, "peak_mb")
        result.bars.append(Bar(f"peak memory of a {name} to a {base}", ratio, 1.25))
        del count
    return result


def _peak(customers: int, *, dry_run: bool, in_task: bool = False) -> Numbers:
    with tempfile.TemporaryDirectory() as folder:
        order = {
            "customers": customers,
            "dry_run": dry_run,
            "ledger_url": f"sqlite:///{folder}/ledger.db",
            # What a task's process holds before any of ours: Airflow's SDK and what runs a task.
            "import_first": ["airflow.sdk", "airflow.sdk.execution_time.task_runner"] if in_task else [],
        }
        measured = run_ours("bench.endless_run", order)
    return {"peak_mb": measured.peak_mb, "run_s": measured.told["run_s"], "imports_mb": measured.told["before_mb"]}
