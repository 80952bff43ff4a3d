"""Scenarios after the first load: nothing changed, a few changed."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.contender import Measured, run_ours
from bench.measure import Bar, Numbers, Result, Settings, run_rounds
from bench.ours import connector, source
from bench.twins import Request, Twins, running

LATENCY_MS = 150.0


@contextmanager
def synced(customers: int, *, store_latency_ms: float = 0) -> Iterator[tuple[Twins, str]]:
    """Twins whose customers are all in the store already, and the ledger's URL."""
    with (
        running(customers, store_latency_ms=store_latency_ms) as twins,
        tempfile.TemporaryDirectory() as folder,
    ):
        url = f"sqlite:///{Path(folder)}/ledger.db"
        sync(twins, url, mode="full")
        yield twins, url


def sync(twins: Twins, ledger_url: str, *, mode: str) -> tuple[Measured, list[Request]]:
    """One run; returns what it used and its requests."""
    twins.forget_calls()
    order = {"erp_url": twins.erp_url, "store_url": twins.store_url, "ledger_url": ledger_url, "mode": mode}
    measured = run_ours("bench.ours", order)
    return measured, twins.requests()


def numbers_of(measured: Measured, requests: list[Request]) -> Numbers:
    """The numbers of one run: the run itself, without the process's start."""
    return {
        "run_s": measured.told["run_s"],
        "run_cpu_s": measured.told["run_cpu_s"],
        "store_requests": sum(each.system == "store" for each in requests),
        "store_writes": sum(each.system == "store" and each.method != "GET" for each in requests),
        "erp_requests": sum(each.system == "erp" for each in requests),
        "peak_mb": measured.peak_mb,
    }


def unchanged(settings: Settings) -> Result:
    """A full run over customers that are all in the store and have not changed."""
    size = settings.size(10_000)
    result = Result(
        "unchanged",
        f"a full run over {size} customers, nothing changed since the last one",
        {"customers": size, "latency_ms": 0, "mode": "full"},
    )
    with synced(size) as (twins, url):
        run_rounds(result, {"ours": lambda: numbers_of(*sync(twins, url, mode="full"))}, settings.repeats)
    result.bars.append(Bar("store requests, nothing changed", result.median("ours", "store_requests"), 0))
    each_us = result.median("ours", "run_cpu_s") / size * 1e6
    result.bars.append(Bar("CPU microseconds of the run per unchanged customer", each_us, 110))
    result.notes.append("the peers compare nothing: for them it is an initial load again, requests and all")
    return result


def changed_one_percent(settings: Settings) -> Result:
    """An incremental run after one customer in a hundred changed its Account Email."""
    size = settings.size(1_000)
    changed = max(1, size // 100)
    result = Result(
        "changed_1_percent",
        f"an incremental run over {size} customers, {changed} of which changed a field of their company",
        {"customers": size, "changed": changed, "latency_ms": 0, "mode": "incremental"},
    )
    with synced(size) as (twins, url):
        edits = Edits(twins, size)

        def once() -> Numbers:
            edits.company_fields(changed)
            return numbers_of(*sync(twins, url, mode="incremental"))

        run_rounds(result, {"ours": once}, settings.repeats)
    result.notes.append("the peers compare nothing: for them it is an initial load again, requests and all")
    return result


def changed_50(settings: Settings) -> Result:
    """50 changed customers under 150 ms on both sides: how much longer than the run's own chain of requests."""
    return _changed_50("changed_50", "a field of their company", "company_fields", settings, is_barred=True)


def changed_50_mixed(settings: Settings) -> Result:
    """The same with changes of companies, users and addresses."""
    return _changed_50("changed_50_mixed", "a company, a user or an address field", "mixed", settings, is_barred=False)


def _changed_50(name: str, words: str, kind: str, settings: Settings, *, is_barred: bool) -> Result:
    size, changed = settings.size(500), settings.size(50) if not settings.quick else 20
    result = Result(
        name,
        f"an incremental run over {size} customers, {changed} of which changed {words}; without Airflow",
        {"customers": size, "changed": changed, "latency_ms": LATENCY_MS, "mode": "incremental"},
    )
    chains: list[list[Request]] = []
    with synced(size, store_latency_ms=LATENCY_MS) as (twins, url):
        edits = Edits(twins, size)

        def once() -> Numbers:
            getattr(edits, kind)(changed)
            twins.set_erp(latency_ms=LATENCY_MS)
            measured, requests = sync(twins, url, mode="incremental")
            twins.set_erp(latency_ms=0.0)
            chains.append(requests)
            chain_s = time_in_flight(requests)
            numbers = numbers_of(measured, requests)
            return {**numbers, "chain_s": chain_s, "run_to_chain": measured.told["run_s"] / chain_s}

        run_rounds(result, {"ours": once}, settings.repeats)
    result.details["chain_of_the_last_round"] = list(listed(chains[-1]))
    ratio = result.median("ours", "run_to_chain")
    if is_barred:
        result.bars.append(Bar("run to its own serial chain of requests", ratio, 1.5))
    result.notes.append("the chain is the time in which at least one request was on its way, by both call logs")
    return result


def time_in_flight(requests: list[Request]) -> float:
    """Seconds in which at least one request was on its way."""
    total, until = 0.0, 0.0
    for each in sorted(requests, key=lambda request: request.start_s):
        total += max(0.0, each.end_s - max(each.start_s, until))
        until = max(until, each.end_s)
    return total


def listed(requests: list[Request]) -> Iterator[str]:
    """A line per request or per group of equal ones, with the second at which it began."""
    start_s = requests[0].start_s
    kinds: Counter[str] = Counter()
    first: dict[str, tuple[float, float]] = {}
    for each in requests:
        path = re.sub(r"/\d{3,}", "/{id}", each.path)
        kind = f"{each.system} {each.method} {path}"
        kinds[kind] += 1
        begun, ended = first.get(kind, (each.start_s, each.end_s))
        first[kind] = (min(begun, each.start_s), max(ended, each.end_s))
    for kind, (begun, ended) in sorted(first.items(), key=lambda item: item[1]):
        yield f"{begun - start_s:6.2f} to {ended - start_s:6.2f} s: {kinds[kind]} x {kind}"


class Edits:
    """Edits in the ERP as a person makes them; each round changes to values that were not there before.

    Args:
        twins: The twins; the ERP answers without latency meanwhile.
        customers: Customers of the uniform world.
    """

    def __init__(self, twins: Twins, customers: int) -> None:
        self._twins = twins
        self._customers = customers
        self._number = 0
        # The Account Email lies on the main contact; an ERP whose stamp does not move by it shows it to full runs only.
        twins.set_erp(linked_edits_move_customer_stamp=True)

    def company_fields(self, count: int) -> None:
        """Another Account Email for some customers, spread over all."""
        self._put("Customer", [self._email(key) for key in self._keys(count)])

    def mixed(self, count: int) -> None:
        """A third each: the company's e-mail, a contact's phone, a location's name."""
        keys = self._keys(count)
        third = count // 3
        self._put("Customer", [self._email(key) for key in keys[: count - 2 * third]])
        contacts = [
            {"ContactID": 100_000 + 20 * int(key[1:]) + 1, "Phone1": self._new_phone()}
            for key in keys[third : 2 * third]
        ]
        self._put("Contact", contacts)
        names = [
            {"Customer": key, "LocationID": "EAST", "LocationName": f"East {self._new_phone()}"}
            for key in keys[2 * third : 3 * third]
        ]
        self._put("CustomerLocation", names)

    def _keys(self, count: int) -> list[str]:
        """Eligible customers, evenly spread: no tenth one among them."""
        numbers = [number for number in range(1, self._customers + 1) if number % 10]
        step = len(numbers) / count
        return [f"C{numbers[int(position * step)]:06d}" for position in range(count)]

    def _email(self, key: str) -> dict[str, Any]:
        self._number += 1
        return {"CustomerID": key, "Email": f"office{self._number}@{key.lower()}.example"}

    def _new_phone(self) -> str:
        self._number += 1
        return f"+1 555 {self._number // 10_000:03d} {self._number % 10_000:04d}"

    def _put(self, entity: str, bodies: list[dict[str, Any]]) -> None:
        with source(self._twins.erp_url, connector()) as erp:
            for body in bodies:
                erp.put(entity, {name: {"value": value} for name, value in body.items()})
