"""`python -m distributed.simulate`: does the cost of many connectors follow the model of docs/scaling.md?

The model says: a connector's run costs what its batches cost, whatever else is in the ledger, so N connectors cost
N times one. Simulated are 1 and N connectors in one ledger, three runs each (first load, nothing changed, some
changed), through the product's own steps against the twins. The cost of one is measured in between, in ledgers that
hold nothing else, so that a machine that has become slower or faster is so for both. Tasks, batches, ledger rows and
requests must be N times the measured ones exactly, bytes of batches within a hundredth, task-seconds within a factor
of 1.5. Task-seconds are processor time, the twins' part included, because a wall clock measures the neighbours as well.
`make scale-model` calls it; the exit code is 0 when the model holds.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from customer_sync.ledger.storage.schema import metadata
from customer_sync.planning.window import RunRequest
from customer_sync.run import Run
from customer_sync.steps.audit import audit_run
from customer_sync.steps.extract import begin_run, extract_batches
from customer_sync.steps.filter import filter_batch
from customer_sync.steps.guard import settle_plan
from customer_sync.steps.load import load_batch
from customer_sync.steps.transform import transform_batch
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, call, shipped_connector

T = TypeVar("T")

KINDS = ("first load", "nothing changed", "some changed")
EDITED = ("C000001", "C000002", "C000003")
"""Customers whose name is changed for the third kind of run."""

MOST_SECONDS_RATIO = 1.5
MOST_BYTES_RATIO = 1.01
CALIBRATIONS = 10
"""How often the cost of one connector is measured beside a simulation."""


@dataclass
class Cost:
    """What one run, or many, cost.

    Attributes:
        counts: Tasks, batches, requests, and ledger rows by table; these must add up exactly.
        batch_bytes: Size of the batches between the tasks, compressed as Airflow compresses them.
        task_s: Processor seconds inside the tasks.
    """

    counts: Counter[str] = field(default_factory=Counter)
    batch_bytes: int = 0
    task_s: float = 0.0

    def add(self, other: Cost) -> None:
        """Add another run's cost."""
        self.counts += other.counts
        self.batch_bytes += other.batch_bytes
        self.task_s += other.task_s


Costs = dict[str, Cost]
"""What each kind of run costs."""


class Meter:
    """Counts the tasks and the batches of one run."""

    def __init__(self) -> None:
        self.cost = Cost()

    @contextmanager
    def task(self) -> Iterator[None]:
        """One task instance."""
        began_s = time.process_time()
        yield
        self.cost.task_s += time.process_time() - began_s
        self.cost.counts["tasks"] += 1

    def keep(self, batch: tuple[str, T]) -> tuple[str, T]:
        """A batch that goes from one task to the next."""
        self.cost.counts["batches"] += 1
        self.cost.batch_bytes += len(gzip.compress(batch[0].encode(), compresslevel=6, mtime=0))
        return batch


def run_once(world: World, run_id: str, **params: Any) -> Cost:
    """Run the six steps as Airflow does, one after the other, and measure them."""
    meter, request = Meter(), RunRequest.model_validate(params)
    world.forget_calls()
    before = rows_by_table(world.ledger_url)
    with world.ledger() as ledger:
        run = Run(world.connector, ledger, run_id)
        with meter.task():
            window = begin_run(run.as_task("extract"), request)
            with world.source() as erp:
                extracted = list(extract_batches(run.as_task("extract"), erp, window))
        batches = [meter.keep(batch) for batch in extracted]
        filtered = [_step(meter, filter_batch, run.as_task("filter"), *batch) for batch in batches]
        planned = [
            _step(meter, transform_batch, run.as_task("transform"), content, *decided, request, target=world.store())
            for (content, _), decided in zip(batches, filtered, strict=True)
        ]
        with meter.task():
            summary = settle_plan(run.as_task("guard"), [described for _, described in planned], request)
        customers = {described.key: content for content, described in batches}
        changes = {described.key: content for content, described in planned}
        for described in summary.descriptors:
            with meter.task(), world.source() as erp:
                content = customers[described.key], changes[described.key]
                load_batch(run.as_task("load"), *content, described, target=world.store(), source=erp)
        with meter.task():
            audit_run(run.as_task("audit"), extracted=[described for _, described in batches], failed_tasks=())
    after = rows_by_table(world.ledger_url)
    meter.cost.counts += Counter({f"rows of {name}": after[name] - before[name] for name in after})
    meter.cost.counts["requests to the store"] += len(store_calls(world))
    meter.cost.counts["requests to the ERP"] += len(world.erp_calls())
    return meter.cost


def _step(meter: Meter, work: Callable[..., tuple[str, T]], *given: Any, **named: Any) -> tuple[str, T]:
    with meter.task():
        batch = work(*given, **named)
    return meter.keep(batch)


def store_calls(world: World) -> list[dict[str, Any]]:
    """Requests to the store's API."""
    rows: list[dict[str, Any]] = call(f"{world.store_url}/_sandbox/calls")
    return [row for row in rows if "/_sandbox" not in row["path"]]


def rows_by_table(url: str) -> Counter[str]:
    """Rows of each table of the ledger."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            known = set(sa.inspect(connection).get_table_names())
            return Counter(
                {
                    table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                    for table in metadata.sorted_tables
                    if table.name in known
                }
            )
    finally:
        engine.dispose()


def sync_one(world: World, number: int) -> Costs:
    """Three runs of one connector against fresh twins."""
    for url in (world.erp_url, world.store_url):
        call(f"{url}/_sandbox/reset", "POST")
    prefix = f"connector_{number}"
    found = {KINDS[0]: run_once(world, f"{prefix}_first", mode="full"), KINDS[1]: run_once(world, f"{prefix}_quiet")}
    for key in EDITED:
        world.edit("Customer", CustomerID=key, CustomerName=f"Renamed {key}")
    found[KINDS[2]] = run_once(world, f"{prefix}_changed")
    return found


def simulate(
    world: Callable[[str], World], connectors: int, report: Callable[[str], None], turn: int = 0
) -> tuple[Costs, Costs]:
    """So many connectors in one ledger, and in between one alone, again and again.

    Args:
        world: Makes a world of the twins and an empty ledger of this name.
        connectors: How many.
        report: Called with how far it is.
        turn: Number of the repetition.

    Returns:
        The cost of one connector, and the costs of all added up.
    """
    shared, alone = world(f"{turn}_together_{connectors}"), []
    total = {kind: Cost() for kind in KINDS}
    every = max(1, connectors // CALIBRATIONS)
    for number in range(connectors):
        if number % every == 0:
            alone.append(sync_one(world(f"{turn}_beside_{number}_of_{connectors}"), number))
        connector = shared.connector.model_copy(update={"id": f"shop_{number:04d}"})
        for kind, cost in sync_one(replace(shared, connector=connector), number).items():
            total[kind].add(cost)
        if (number + 1) % 20 == 0:
            report(f"{number + 1} of {connectors} connectors")
    return typical(alone), total


def simulate_one(world: Callable[[str], World], report: Callable[[str], None]) -> tuple[Costs, Costs]:
    """One connector, which takes less than a second: as often as the cost of one is measured; medians of both."""
    pairs = [simulate(world, 1, report, turn) for turn in range(CALIBRATIONS)]
    return typical([unit for unit, _ in pairs]), typical([seen for _, seen in pairs])


def differences(kind: str, connectors: int, unit: Cost, seen: Cost) -> list[str]:
    """Where what was seen leaves the model."""
    expected = Counter({name: count * connectors for name, count in unit.counts.items()})
    found = [
        f"{kind}, {connectors} connectors: {name} {seen.counts[name]}, {expected[name]} expected"
        for name in sorted(set(expected) | set(seen.counts))
        if expected[name] != seen.counts[name]
    ]
    for name, mine, theirs, most in (
        ("bytes of batches", unit.batch_bytes * connectors, seen.batch_bytes, MOST_BYTES_RATIO),
        ("task-seconds", unit.task_s * connectors, seen.task_s, MOST_SECONDS_RATIO),
    ):
        ratio = max(mine, theirs) / max(min(mine, theirs), 1e-9)
        if ratio > most and max(mine, theirs) > 0:
            found.append(
                f"{kind}, {connectors} connectors: {name} {theirs:.2f}, {mine:.2f} expected (factor {ratio:.2f})"
            )
    return found


def typical(costs: Sequence[Costs]) -> Costs:
    """What one connector costs: counts of the last measurement, seconds as the median of all."""
    return {
        kind: Cost(
            costs[-1][kind].counts, costs[-1][kind].batch_bytes, statistics.median(each[kind].task_s for each in costs)
        )
        for kind in KINDS
    }


def show(console: Console, connectors: int, units: Costs, seen: Costs) -> None:
    """Print model and simulation side by side."""
    table = Table(title=f"{connectors} connector{'s' if connectors > 1 else ''}: model / seen", title_justify="left")
    table.add_column("")
    for kind in KINDS:
        table.add_column(kind, justify="right")
    names = sorted({name for cost in seen.values() for name in cost.counts if cost.counts[name]})
    for name in names:
        table.add_row(name, *(f"{units[k].counts[name] * connectors} / {seen[k].counts[name]}" for k in KINDS))
    table.add_row(
        "kB of batches",
        *(f"{units[k].batch_bytes * connectors / 1e3:.1f} / {seen[k].batch_bytes / 1e3:.1f}" for k in KINDS),
    )
    table.add_row("task-seconds", *(f"{units[k].task_s * connectors:.2f} / {seen[k].task_s:.2f}" for k in KINDS))
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Calibrate, simulate, compare.

    Args:
        arguments: Command line without the program's name; `None` takes the process's own.

    Returns:
        0 when the model holds, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m distributed.simulate", description=__doc__)
    parser.add_argument("--connectors", type=int, default=200, help="how many in the large simulation (200)")
    parser.add_argument("--customers", type=int, default=40, help="customers of each connector (40)")
    parser.add_argument("--batch", type=int, default=20, help="customers of a batch (20)")
    chosen = parser.parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=140)
    problems: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="simulate-") as folder,
        running_acumatica(customers=chosen.customers) as erp,
        running_better_b2b() as store,
    ):

        def world(name: str) -> World:
            ledger = f"sqlite:///{Path(folder) / f'{name}.db'}"
            return World(erp.url, store.url, shipped_connector(), ledger).with_rules(
                batch={"size": chosen.batch, "largest": chosen.batch}
            )

        # The very first one pays for imports and caches.
        sync_one(world("warming_up"), 0)
        for connectors in (1, chosen.connectors):
            units, seen = (
                simulate_one(world, console.print) if connectors == 1 else simulate(world, connectors, console.print)
            )
            show(console, connectors, units, seen)
            for kind in KINDS:
                problems += differences(kind, connectors, units[kind], seen[kind])
    for problem in problems:
        console.print(problem, style="red", highlight=False)
    if not problems:
        console.print("The model holds: counts exact, task-seconds within a factor of 1.5.", style="green")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
