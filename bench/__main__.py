"""`make bench`: run scenarios, print their ratios, and keep the results in bench/results.json."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from bench import changing, in_airflow, loading, memory, reading
from bench.contender import PEERS_PYTHON
from bench.measure import RESULTS, ROOT, Result, Settings, facts, merge

Scenario = Callable[[Settings], Result]

SCENARIOS: dict[str, Scenario] = {
    "initial_1k": loading.initial_1k,
    "initial_10k": loading.initial_10k,
    "terms_mapped": loading.terms_mapped,
    "unchanged": changing.unchanged,
    "changed_1_percent": changing.changed_one_percent,
    "changed_50": changing.changed_50,
    "changed_50_mixed": changing.changed_50_mixed,
    "reading_under_latency": reading.reading_under_latency,
    "parse_to_plan": reading.parse_to_plan,
    "dag_parse": in_airflow.dag_parse,
    "no_change_in_airflow": in_airflow.no_change_in_airflow,
    "memory": memory.memory,
    "limit_60_per_second": loading.limit_60_per_second,
    "span_60_per_second": loading.span_60_per_second,
    "span_150_per_minute": loading.span_150_per_minute,
}
ONLY_FULL: dict[str, Scenario] = {"initial_100k": loading.initial_100k}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 also when a bar was missed: a benchmark tells, it does not judge.

    Args:
        arguments: Command line without the program's name; the process's own by default.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [*SCENARIOS, *ONLY_FULL]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"all by default; known: {', '.join(known)}")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of each scenario (default 5)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: does everything run?")
    parser.add_argument("--full", action="store_true", help="the long loads, too")
    options = parser.parse_args(arguments)
    unknown = set(options.scenarios) - set(known)
    if unknown:
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    if not PEERS_PYTHON.exists():
        parser.error(f"the peers' environment {PEERS_PYTHON} is missing: run `make bench`, which makes it")
    # Ended from outside, it still ends its twins and its Airflow.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = Settings(repeats=options.repeats, quick=options.quick, full=options.full)
    every = {**SCENARIOS, **(ONLY_FULL if options.full else {})}
    chosen = {name: {**every, **ONLY_FULL}[name] for name in options.scenarios or every}
    console = Console()
    for number, (name, scenario) in enumerate(chosen.items(), start=1):
        console.rule(f"{name} ({number} of {len(chosen)})")
        started = time.monotonic()
        circumstances = facts(settings.repeats)
        result = scenario(settings)
        circumstances["seconds"] = round(time.monotonic() - started)
        show(console, result)
        if settings.quick:
            console.print("quick run: nothing is kept")
        else:
            merge([result], circumstances)
            console.print(f"kept in {RESULTS.relative_to(RESULTS.parents[1])}")
    if not settings.quick:
        plot()
    return 0


def plot() -> None:
    """Draw the results anew."""
    subprocess.run([str(PEERS_PYTHON), str(ROOT / "bench" / "peers" / "plot.py"), str(RESULTS)], check=True)  # noqa: S603 - our own command


def show(console: Console, result: Result) -> None:
    """Print a result: what was measured, how it relates to ours, and the bars."""
    console.print(result.what)
    table = Table("contender", "measure", "lowest", "median", "highest", "to ours (lowest / median / highest)")
    for contender, measures in result.contenders.items():
        for measure, found in measures.items():
            ratio = result.ratios.get(contender, {}).get(measure)
            told = " / ".join(f"{ratio[key]:.2f}" for key in ("min", "median", "max")) if ratio else ""
            table.add_row(contender, measure, *(f"{found[key]:.4g}" for key in ("min", "median", "max")), told)
        table.add_section()
    console.print(table)
    for bar in result.bars:
        sign = "<=" if bar.at_most else ">="
        word = "[green]holds[/green]" if bar.holds else "[red]missed[/red]"
        console.print(f"{word}: {bar.what}: {bar.value:.4g} (bar {sign} {bar.limit:g})")
    for line in result.details.get("chain_of_the_last_round", []):
        console.print(f"  {line}")
    for note in result.notes:
        console.print(f"note: {note}")


if __name__ == "__main__":
    sys.exit(main())
