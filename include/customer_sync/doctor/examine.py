"""All looks at one connector, in the order in which a person mends what they show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from customer_sync.adapters import Bounds
from customer_sync.doctor.customer_checks import CustomerChecks
from customer_sync.doctor.duration import Durations, schedule_probe
from customer_sync.doctor.examination import LONGEST_S, Examination, Say
from customer_sync.doctor.ledger_checks import LedgerInUse
from customer_sync.doctor.pools import FindPools, pools
from customer_sync.doctor.reading_checks import ReadingChecks
from customer_sync.doctor.sample import MOST_CUSTOMERS, Reading
from customer_sync.doctor.source_checks import clocks, seats
from customer_sync.doctor.store_checks import store_probes
from customer_sync.http.retry import RetryPolicy
from customer_sync.ledger import Ledger
from customer_sync.model.check import Probe, Verdict, good, not_looked_at
from customer_sync.settings.connector import Connector
from customer_sync.sources.port import Source
from customer_sync.targets.port import Target

BOUNDS: Final = Bounds(RetryPolicy(attempts=2, total_s=20.0), answer_s=30.0, seat_s=10.0)
"""A person waits for what is seen: a system that does not answer is a finding."""


class Opener(Protocol):
    """Opens the systems of a connector; nothing is sent before something is asked."""

    def source(self, connector: Connector, ledger: Ledger | None) -> Source:
        """Make a session with the source."""

    def target(self, connector: Connector, ledger: Ledger | None) -> Target:
        """Make the store."""


@dataclass(frozen=True)
class Environment:
    """What an examination is made with.

    Attributes:
        connector: Reads the connector file.
        open_ledger: Opens the ledger.
        systems: Opens both systems.
        find_pools: Knows Airflow's pools.
        say: Hears how far it is.
        longest_s: No look begins later than that many seconds after the first.
    """

    connector: Callable[[], Connector]
    open_ledger: Callable[[], Ledger]
    systems: Opener
    find_pools: FindPools
    say: Say
    longest_s: float = LONGEST_S


def most_requests(connector: Connector) -> tuple[int, int]:
    """How many requests to the source and to the store an examination makes at most, when each is answered at once."""
    pages = math.ceil(MOST_CUSTOMERS / connector.erp.page_size)
    to_source = 40 + 4 * pages
    to_store = 15 + 24 + 120
    return to_source, to_store


def examine(environment: Environment) -> Examination:
    """Take every look; nothing is written, and a failure hides nothing but what cannot be seen without it."""
    examination = Examination(environment.say, longest_s=environment.longest_s)
    loaded: list[Connector] = []
    examination.take([Probe("file.readable", "the connector file", partial(_file, environment, loaded))])
    if not loaded:
        return examination
    connector = loaded[0]
    examination.take([schedule_probe(connector)])
    with ExitStack() as stack:
        ledger = LedgerInUse(environment.open_ledger)
        stack.callback(ledger.close)
        examination.take(ledger.probes())
        _look_at_systems(examination, environment, connector, ledger.ledger, stack)
    return examination


def _file(environment: Environment, loaded: list[Connector]) -> Verdict:
    connector = environment.connector()
    loaded.append(connector)
    return good(f"{connector.id}.yaml can be read, and every setting fits.")


def _look_at_systems(
    examination: Examination,
    environment: Environment,
    connector: Connector,
    ledger: Ledger | None,
    stack: ExitStack,
) -> None:
    systems = environment.systems
    sources: list[Source] = []
    targets: list[Target] = []
    open_source, open_target = partial(systems.source, connector, ledger), partial(systems.target, connector, ledger)
    examination.take(
        [
            Probe("erp.settings", "the ERP's connection settings", lambda: _opened(open_source, sources)),
            Probe("store.settings", "the store's connection settings", lambda: _opened(open_target, targets)),
        ]
    )
    source = stack.enter_context(sources[0]) if sources else None
    target = stack.enter_context(targets[0]) if targets else None
    if source is not None:
        examination.take(source.probes())
        sessions = partial(seats, connector, source, open_source)
        examination.take([Probe("erp.sessions", "sessions at once", sessions, _SIGNED_IN)])
    else:
        examination.take(_unopened(_OF_SOURCE, "erp.settings"))
    examination.take(store_probes(target, connector) if target is not None else _unopened(_OF_TARGET, "store.settings"))
    if source is not None and target is not None:
        look = partial(clocks, connector, source, target)
        examination.take([Probe("systems.clocks", "the clocks", look, (*_SIGNED_IN, "store.sign_in"))])
    examination.take([Probe("airflow.pools", "Airflow's pools", partial(pools, connector, environment.find_pools))])
    if source is not None:
        reading = Reading(source, connector, environment.say)
        examination.take(ReadingChecks(reading, connector, source, target).probes())
        examination.take(CustomerChecks(reading, connector, target, ledger).probes())
        examination.take(Durations(connector, reading.sample).probes())


_SIGNED_IN: Final = ("erp.sign_in", "erp.tenant", "erp.endpoint")
_OF_SOURCE: Final = {
    "erp.connection": "the ERP's connection",
    "erp.customers": "reading all customers",
    "data.shown": "whom the API user sees",
    "time.first_load": "the first load",
}
_OF_TARGET: Final = {"store.connection": "the store's connection", "store.sign_in": "the store's credentials"}


def _opened(open_it: Callable[[], Source | Target], into: list[Any]) -> Verdict:
    into.append(open_it())
    return good("The connection has every setting that is needed.")


def _unopened(titles: Mapping[str, str], needed: str) -> list[Probe]:
    """The looks at a system whose connection cannot be read, as far as they are known without it."""
    return [
        Probe(name, title, lambda: not_looked_at("there is no connection."), (needed,))
        for name, title in titles.items()
    ]
