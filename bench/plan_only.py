"""The sync's own CPU from the ERP's bytes to operations: everything between the network and the writes."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from bench.ours import connector, source
from customer_sync.gc_paused import gc_paused
from customer_sync.http.pacing import RequestCounter
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.ledger import Ledger
from customer_sync.model.batch import Batch, BatchDescriptor, pack_customers
from customer_sync.model.company import Company, company_fields, content_hash, user_fields
from customer_sync.model.customer import Customer
from customer_sync.model.operation import AppliedAddress, AppliedCompany, AppliedUser, Operation
from customer_sync.model.place import Place
from customer_sync.planning.diff import diff_company
from customer_sync.planning.window import RunRequest
from customer_sync.rules.company_mapping import to_company
from customer_sync.rules.eligibility import decide_eligibility
from customer_sync.rules.places import StorePlaces
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.customer_pages import CustomerPages
from customer_sync.sources.acumatica.pages import decode_page
from customer_sync.sources.acumatica.reader import selections
from customer_sync.steps.extract import begin_run
from customer_sync.steps.filter import filter_batch
from customer_sync.steps.transform import transform_batch
from customer_sync.targets.port import Target

PASSES = 3


class Recorder:
    """A transport that keeps every exchange."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.exchanges: list[tuple[HttpRequest, HttpResponse]] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send, and keep the answer."""
        answer = self._inner.send(request)
        self.exchanges.append((request, answer))
        return answer

    def close(self) -> None:
        """Close the inner one."""
        self._inner.close()


class Player:
    """A transport that gives the kept answers again, in order."""

    def __init__(self, exchanges: Sequence[tuple[HttpRequest, HttpResponse]]) -> None:
        self._answers = iter([answer for _, answer in exchanges])

    def send(self, request: HttpRequest) -> HttpResponse:
        """The next answer."""
        del request
        return next(self._answers)

    def close(self) -> None:
        """Nothing is open."""


def main() -> None:
    """Run the order of the first argument; tells rates in customers per CPU second."""
    order = json.loads(sys.argv[1])
    rules = connector()
    live = source(order["erp_url"], rules)
    recorder = Recorder(live._transport)  # noqa: SLF001 - the benchmark stands at the client's seam
    with AcumaticaClient(recorder, live.settings) as erp:
        customers = _read(erp, rules)
    applied = {
        each.customer_id: _remembered(each, number)
        for number, each in enumerate(_desired(customers, rules, _places(rules)))
    }
    client = live.settings
    rows = _rows(AcumaticaClient(Player(recorder.exchanges), client), rules)

    def pass_by() -> int:
        return _pass_by(AcumaticaClient(Player(recorder.exchanges), client), rules, rows)

    def plan() -> int:
        return _plan(AcumaticaClient(Player(recorder.exchanges), client), rules, applied)

    timed = [_timed(plan) for _ in range(PASSES)]
    floors = [_timed(lambda: _decode(recorder.exchanges, rules)) for _ in range(PASSES)]
    count = len(customers)
    told = {
        "customers_per_s": count / min(seconds for seconds, _ in timed),
        "unchanged_per_s": count / min(_timed(pass_by)[0] for _ in range(PASSES)),
        "struct_decode_per_s": count / min(seconds for seconds, _ in floors),
        "steps_per_s": count / min(_timed(lambda: _steps(customers, rules))[0] for _ in range(PASSES)),
        "operations": timed[0][1],
        "bytes_per_customer": sum(len(answer.body) for _, answer in recorder.exchanges) / count,
    }
    print(json.dumps(told))  # noqa: T201 - a contender's answer


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    started = time.process_time()
    done = work()
    return time.process_time() - started, done


def _read(erp: AcumaticaClient, rules: Connector) -> list[Customer]:
    pages = CustomerPages(erp, rules)
    return [customer for page in pages.all_after("") for customer in page.customers]


def _places(rules: Connector) -> StorePlaces:
    return StorePlaces(geography=rules.geography)


def _rows(erp: AcumaticaClient, rules: Connector) -> dict[str, str]:
    """What identifies the rows of each customer."""
    with erp:
        return {key: row for page in CustomerPages(erp, rules).all_after("") for key, row in page.rows.items()}


class _Remembered(NamedTuple):
    """What an earlier read said, in place of the ledger."""

    rows: Mapping[str, str]

    def __call__(self, rows: Mapping[str, str], /) -> Collection[str]:
        return [key for key, row in rows.items() if self.rows.get(key) == row]

    def with_company(self, customer_ids: Collection[str]) -> Collection[str]:
        return customer_ids


def _pass_by(erp: AcumaticaClient, rules: Connector, remembered: Mapping[str, str]) -> int:
    """Read, and see of each customer that nothing of it changed."""
    known = _Remembered(remembered)
    with erp:
        found = sum(len(page.as_before) for page in CustomerPages(erp, rules, known).all_after(""))
    if found != len(remembered):
        raise AssertionError(f"{found} of {len(remembered)} customers are as before")
    return found


@gc_paused()
def _desired(customers: Sequence[Customer], rules: Connector, places: StorePlaces) -> list[Company]:
    made = [
        to_company(each, rules, places).company for each in customers if decide_eligibility(each, rules).is_eligible
    ]
    return [company for company in made if company is not None]


def _remembered(company: Company, number: int) -> AppliedCompany:
    """What the ledger would hold; of every hundredth company another name."""
    name = "Another Name" if number % 100 == 0 else company.company_name
    known = msgspec.structs.replace(company, company_name=name)
    return AppliedCompany(
        company_id=number + 1,
        fields=company_fields(known),
        users={user.key: AppliedUser(store_id=number, fields=user_fields(user)) for user in company.users},
        addresses={each.external_id: AppliedAddress(store_id=number, fields=each) for each in company.addresses},
        content_hash=content_hash(known),
    )


def _plan(erp: AcumaticaClient, rules: Connector, applied: dict[str, AppliedCompany]) -> int:
    """Read, filter, transform and compare as the steps do: by hash, and field by field where that differs."""
    operations: list[Operation] = []
    places = _places(rules)
    with erp:
        for page in CustomerPages(erp, rules).all_after(""):
            for company in _desired(page.customers, rules, places):
                known = applied[company.customer_id]
                if known.content_hash != content_hash(company):
                    operations += diff_company(company, known, rules.policy)
    return len(operations)


def _decode(exchanges: Sequence[tuple[HttpRequest, HttpResponse]], rules: Connector) -> int:
    """Decode the lists into structs and do nothing with them."""
    by_entity = {selection.entity: selection for selection in selections(rules)}
    rows = 0
    for request, answer in exchanges:
        selection = by_entity.get(request.path.rpartition("/")[2])
        if request.method == "GET" and selection is not None:
            rows += decode_page(selection, request, answer).received
    return rows


class _NoLists:
    """A store that lists no places, and is asked nothing else."""

    identity = "bench"

    def __init__(self) -> None:
        self.facts = self
        self.countries: tuple[Place, ...] = ()
        self.requests_used = RequestCounter().snapshot

    def states(self, _country_code: str) -> tuple[Place, ...]:
        return ()


def _steps(customers: Sequence[Customer], rules: Connector) -> int:
    """Filter and transform with ledger and batches, as the tasks run them."""
    with tempfile.TemporaryDirectory() as folder, Ledger.open(rules.id, f"sqlite:///{folder}/ledger.db") as ledger:
        run = Run(rules, ledger, "bench")
        request = RunRequest(mode="full")
        begin_run(run, request)
        done = 0
        for start in range(0, len(customers), 1000):
            part: Batch[Any] = Batch(key=f"b{start}", label="", items=tuple(customers[start : start + 1000]))
            content, descriptor = pack_customers(part)
            with ledger.write() as connection:
                ledger.runs.add_customers(connection, "bench", part.key, [each.customer_id for each in part.items])
            decided = filter_batch(run, content, descriptor)
            planned: BatchDescriptor = transform_batch(
                run, content, *decided, request, target=cast("Target", _NoLists())
            )[1]
            done += planned.operations
        return done


if __name__ == "__main__":
    main()
