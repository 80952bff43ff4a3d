"""Scenarios that load: everything for the first time, without limits and under them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import lru_cache

import pycountry

from bench.contender import Measured, run_ours, run_peer
from bench.measure import Bar, Contender, Numbers, Result, Settings, run_rounds
from bench.twins import Request, Twins, running
from customer_sync.model.place import Place
from customer_sync.rules.places import StorePlaces
from customer_sync.settings.mapping import Geography
from sandbox.better_b2b.geography import countries

PEERS = {"pandas script": "pandas_script.py", "dlt": "dlt_pipeline.py", "singer-sdk": "singer_pipe.py"}
SAME_CLIENT = " (our HTTP client)"
ONE_BY_ONE = "one request per record"
ELIGIBLE_SHARE = 0.9
_AT_LEAST_10K = {"pandas script": 1.8, "dlt": 2.5, "singer-sdk": 2.5}
_PREFLIGHT = ("/extra-fields", "/companies/roles", "/countries", "/states")
"""What a run asks once, whatever its size; it is listed apart (docs/performance.md#requests)."""


@lru_cache(maxsize=1)
def states() -> dict[str, Place]:
    """ISO code -> code and name as the store lists it, of every state that an address there needs; for the peers."""
    listed = {
        each.code: [Place(state.code, state.name) for state in each.states]
        for each in countries().values()
        if each.has_states
    }
    places = StorePlaces(states=listed, geography=Geography())
    found = {}
    for each in pycountry.subdivisions:
        country_code, _, code = each.code.partition("-")
        if country_code in listed and (place := places.state(code, Place(country_code, "")).place):
            found[each.code] = place
    return found


def load_once(twins: Twins, run: Callable[[str], Measured], expected: int, *, per_minute: int = 0) -> Numbers:
    """Load into an empty store, and see that everything landed.

    Args:
        twins: The twins.
        run: Runs the contender; gets a folder of its own.
        expected: Companies that must be there afterwards, each with two users and three addresses.
        per_minute: The store's limit; gives the span and its bound.
    """
    twins.empty_store()
    with tempfile.TemporaryDirectory() as folder:
        measured = run(folder)
    landed = twins.landed()
    if landed != {"companies": expected, "users": 2 * expected, "addresses": 3 * expected}:
        raise RuntimeError(f"not the same work: {expected} companies were to land, and there are {landed}")
    store = [each for each in twins.requests() if each.system == "store"]
    preflight = [each for each in store if each.method == "GET" and each.path.endswith(_PREFLIGHT)]
    numbers = {
        "wall_s": measured.wall_s,
        "cpu_s": measured.cpu_s,
        "wall_ms_per_customer": measured.wall_s / expected * 1000,
        "cpu_ms_per_customer": measured.cpu_s / expected * 1000,
        "requests_per_company": (len(store) - len(preflight)) / expected,
        "preflight_requests": len(preflight),
        "refused_share": sum(each.is_refused for each in store) / len(store),
        "peak_mb": measured.peak_mb,
    }
    if per_minute:
        numbers |= span_of(store, per_minute)
    return numbers


def span_of(store: list[Request], per_minute: int) -> Numbers:
    """Seconds from the first write to the last answer, and how they relate to the limit's bound."""
    writes = [each for each in store if each.method != "GET"]
    first, last = min(each.start_s for each in writes), max(each.end_s for each in writes)
    within = sum(first <= each.start_s <= last for each in store)
    bound = within * 60 / per_minute
    return {"span_s": last - first, "bound_s": bound, "span_to_bound": (last - first) / bound}


def ours(twins: Twins, *, per_minute: int = 0, terms: bool = False) -> Callable[[str], Measured]:
    """The sync, with a fresh ledger."""

    def run(folder: str) -> Measured:
        order = {
            "erp_url": twins.erp_url,
            "store_url": twins.store_url,
            "ledger_url": f"sqlite:///{folder}/ledger.db",
            "per_minute": per_minute,
            "terms": terms,
        }
        return run_ours("bench.ours", order)

    return run


def peer(twins: Twins, script: str, **order: object) -> Callable[[str], Measured]:
    """A peer."""

    def run(folder: str) -> Measured:
        urls = {"erp_url": twins.erp_url, "store_url": twins.store_url}
        return run_peer(script, {**urls, "states": states(), "work_dir": folder, **order})

    return run


def initial(
    name: str,
    customers: int,
    settings: Settings,
    *,
    at_least: dict[str, float],
    repeats: int | None = None,
    same_client: bool,
) -> Result:
    """Everything for the first time, without latency or limit: what the contenders themselves cost.

    Args:
        name: The scenario's.
        customers: In the ERP.
        settings: Rounds and their size.
        at_least: Peer -> how many times our CPU seconds it is to need.
        repeats: Rounds, where it is not the settings' number.
        same_client: Whether the peers run with our HTTP client as well.
    """
    size = settings.size(customers)
    expected = round(size * ELIGIBLE_SHARE)
    result = Result(
        name,
        f"{size} customers of which {expected} become companies with 2 users and 3 addresses each, into an empty store",
        {"customers": size, "latency_ms": 0, "limit": "none", "bulk": 10, "write_back": False, "terms": "unmapped"},
    )
    with running(size) as twins:
        contenders: dict[str, Contender] = {"ours": lambda: load_once(twins, ours(twins), expected)}
        for label, script in PEERS.items():
            contenders[label] = lambda script=script: load_once(twins, peer(twins, script), expected)  # type: ignore[misc]
            if same_client:
                contenders[label + SAME_CLIENT] = lambda script=script: load_once(  # type: ignore[misc]
                    twins, peer(twins, script, client="urllib3"), expected
                )
        run_rounds(result, contenders, repeats or settings.repeats)
    result.bars.append(Bar("store requests per new company", result.median("ours", "requests_per_company"), 0.53))
    result.bars += [
        Bar(f"CPU seconds of {label} to ours", result.ratios[label]["cpu_s"]["median"], at_least[label], at_most=False)
        for label in PEERS
        if label in at_least
    ]
    result.notes.append("CPU seconds and wall time are of the whole process, its start and imports included")
    result.notes.append(
        "ours keeps a ledger on disk: an intent before and a confirmation after every write, a log line per operation"
    )
    return result


def initial_1k(settings: Settings) -> Result:
    """1,000 customers for the first time, beside all peers, with their client and with ours."""
    return initial("initial_1k", 1_000, settings, at_least={"pandas script": 1.6}, same_client=True)


def initial_10k(settings: Settings) -> Result:
    """10,000 customers for the first time, beside all peers."""
    return initial("initial_10k", 10_000, settings, at_least=_AT_LEAST_10K, same_client=False)


def initial_100k(settings: Settings) -> Result:
    """100,000 customers for the first time; one round, and only with FULL=1."""
    return initial("initial_100k", 100_000, settings, at_least=_AT_LEAST_10K, repeats=1, same_client=False)


def terms_mapped(settings: Settings) -> Result:
    """The same with payment methods and terms mapped, of which the store takes no bulk."""
    size = settings.size(1_000)
    expected = round(size * ELIGIBLE_SHARE)
    bound = 0.5 + 2.0
    result = Result(
        "terms_mapped",
        f"{size} customers for the first time, with payment methods and payment terms of every company",
        {"customers": size, "latency_ms": 0, "limit": "none", "bound_requests_per_company": bound},
    )
    with running(size) as twins:
        run_rounds(result, {"ours": lambda: load_once(twins, ours(twins, terms=True), expected)}, settings.repeats)
    seen = result.median("ours", "requests_per_company")
    result.bars.append(Bar("store requests per new company, terms mapped, to the bound of 2.5", seen / bound, 1.05))
    return result


def limit_60_per_second(settings: Settings) -> Result:
    """Under 60 requests a second and 150 ms, beside all peers."""
    size, per_minute = settings.size(400), 3_600
    expected = round(size * ELIGIBLE_SHARE)
    single = min(10, expected)
    result = Result(
        "limit_60_per_second",
        f"{size} customers for the first time, into a store that answers after 150 ms and takes 60 requests a second",
        {"customers": size, "one_by_one_customers": single, "latency_ms": 150, "limit": "60/s", "share": 1.0},
    )
    with running(size, store_latency_ms=150, per_minute=per_minute) as twins:
        contenders: dict[str, Contender] = {
            "ours": lambda: load_once(twins, ours(twins, per_minute=per_minute), expected, per_minute=per_minute)
        }
        for label, script in PEERS.items():
            contenders[label] = lambda script=script: load_once(twins, peer(twins, script), expected)  # type: ignore[misc]
        contenders[ONE_BY_ONE] = lambda: load_once(
            twins, peer(twins, "pandas_script.py", bulk=False, most=single), single
        )
        run_rounds(result, contenders, settings.repeats, ratios_of=("wall_s", "wall_ms_per_customer", "cpu_s"))
    result.bars += [
        Bar(f"wall time of {label} to ours", result.ratios[label]["wall_s"]["median"], 5.0, at_most=False)
        for label in PEERS
    ]
    by_customer = result.ratios[ONE_BY_ONE]["wall_ms_per_customer"]["median"]
    result.bars.append(Bar("wall time per customer, one request per record to ours", by_customer, 20.0, at_most=False))
    return result


def span_60_per_second(settings: Settings) -> Result:
    """How close the writing comes to the bound of 60 requests a second."""
    return _span("span_60_per_second", 3_000, 3_600, settings)


def span_150_per_minute(settings: Settings) -> Result:
    """The same under the published limit of 150 requests a minute."""
    return _span("span_150_per_minute", 100, 150, settings)


def _span(name: str, customers: int, per_minute: int, settings: Settings) -> Result:
    size = settings.size(customers)
    expected = round(size * ELIGIBLE_SHARE)
    result = Result(
        name,
        f"{size} customers for the first time; the bound is the number of requests divided by the paced rate",
        {"customers": size, "latency_ms": 150, "limit": f"{per_minute}/min", "share": 1.0},
    )
    with running(size, store_latency_ms=150, per_minute=per_minute) as twins:
        contenders: dict[str, Contender] = {
            "ours": lambda: load_once(twins, ours(twins, per_minute=per_minute), expected, per_minute=per_minute)
        }
        run_rounds(result, contenders, settings.repeats)
    result.bars.append(Bar("writing span to its bound", result.median("ours", "span_to_bound"), 1.05))
    result.bars.append(Bar("share of requests refused", result.median("ours", "refused_share"), 0.01))
    return result
