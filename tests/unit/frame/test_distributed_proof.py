"""What judges the distributed trial and the simulation finds what is wrong, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.schema import batch, journal
from demo.http_json import Server
from distributed import proof
from distributed.loads import overlaps
from distributed.merchants import ERP_PER_MINUTE, MERCHANTS, STORE_PER_MINUTE, TrialEnvironment
from distributed.simulate import Cost, differences
from tests.integration.twin_world import KEY_FIELD

DAG = MERCHANTS[0].dag_id


@dataclass
class Twins(TrialEnvironment):
    """Twins whose logs and content are given instead of asked for."""

    logs: dict[str, list[dict[str, Any]]]
    contents: dict[str, dict[str, Any]]

    def calls(self, name: str) -> list[dict[str, Any]]:
        """The given requests."""
        return self.logs.get(name, [])

    def state(self, name: str) -> dict[str, Any]:
        """The given content, or an empty store."""
        empty = {"companies": [], "users": [], "addresses": [], "roles": [], "payment_terms": {}}
        return {**empty, "payments": {"companies": {}}, **self.contents.get(name, {})}


def request(at: str, method: str = "POST", status: int = 200, path: str = "/api/v3/io/companies") -> dict[str, Any]:
    """One line of a call log."""
    return {"at_utc": f"2026-01-01T00:{at}+00:00", "method": method, "path": path, "status": status}


def test_fullest_minute_slides_when_requests_stand_on_both_sides_of_a_full_minute() -> None:
    """Three within sixty seconds count together; what came sixty seconds later does not; a 429 is a refusal."""
    log = [request("00:59.5"), request("01:00.0"), request("01:59.0", status=429), request("01:59.6")]
    log.append(request("01:10.0", path="/_sandbox/state"))
    found = proof.budgets(Twins({"store-north": log}, {}))

    assert ("store-north", STORE_PER_MINUTE, 3, 1) in found
    assert ("erp-office", ERP_PER_MINUTE, 0, 0) in found


def test_only_writes_since_the_moment_are_counted() -> None:
    """Reads, the control plane and what came before are left out."""
    log = [request("00:01"), request("00:03"), request("00:04", method="GET"), request("00:05", path="/_sandbox/x")]
    moment = datetime.fromisoformat(request("00:02")["at_utc"])

    assert proof.writes_since(Twins({"store-north": log}, {}), "north", moment) == 1


def company(number: int, key: str) -> dict[str, Any]:
    """A company of the store; without a key when that is empty."""
    fields = [{"fieldName": KEY_FIELD, "fieldValue": key}] if key else []
    return {"companyId": number, "companyStatus": "approved", "extraFields": fields}


def test_a_company_without_a_customer_is_told_unless_it_was_there_before() -> None:
    """A double that lost its key is a company too many; the store's own are not."""
    before = {each.connector_id: {1} for each in MERCHANTS}
    stores = {f"store-{each.connector_id}": {"companies": [company(1, ""), company(2, "C1")]} for each in MERCHANTS}
    assert proof.unaccounted(Twins({}, stores), before) == []

    stores["store-west"]["companies"].append(company(3, ""))
    assert proof.unaccounted(Twins({}, stores), before) == ["west: 2 companies were made for 1 customers"]


def test_lost_outcomes_and_open_writes_are_told(tmp_path: Path) -> None:
    """A customer without an outcome, a run whose sum is wrong, a write without an answer: each by name."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger.open("knb", url) as ledger, ledger.write() as connection:
        ledger.runs.begin(connection, "r1", mode="full", window={})
    assert proof.ledger_problems(url) == []
    read = {"batch_key": "b", "first_customer": "C1", "last_customer": "C1", "size": 1, "open_count": 1}
    read |= {"connector_id": "knb", "run_id": "r1", "customers": b"", "outcomes": b""}
    write = {"try_number": 1, "action": "create", "parts": b"", "part_count": 1, "state": "open"}
    write |= {"first_customer": "C1", "last_customer": "C1", "connector_id": "knb", "run_id": "r1"}
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.insert(batch).values(**read))
        connection.execute(sa.insert(journal).values(**write, opened_at_utc=datetime.now(UTC)))
    engine.dispose()

    assert proof.ledger_problems(url) == [
        "knb: 1 customers of r1 have no outcome",
        "knb: r1 extracted 0 and recorded 1",
        "knb: 1 writes have no answer",
    ]


class Tries(Server):
    """An Airflow that knows attempts of two loads."""

    def __init__(self, spans: dict[int, list[tuple[int, int]]]) -> None:
        super().__init__("http://127.0.0.1:9")
        self._spans = spans

    def get(self, path: str) -> Any:
        """Task instances, or the tries of one."""
        if not path.endswith("/tries"):
            return {
                "task_instances": [{"task_id": "load", "dag_run_id": "r", "map_index": index} for index in self._spans]
            }
        return {
            "task_instances": [
                {
                    "start_date": f"2026-01-01T00:00:{begin:02}+00:00",
                    "end_date": f"2026-01-01T00:00:{end:02}+00:00",
                    "try_number": number,
                }
                for number, (begin, end) in enumerate(self._spans[int(path.split("/")[-2])], 1)
            ]
        }


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ({0: [(0, 5)], 1: [(5, 9)]}, []),
        ({0: [(0, 5), (10, 15)], 1: [(5, 9)]}, []),
        ({0: [(0, 5)], 1: [(4, 9)]}, [f"{DAG}: load[0] try 1 and load[1] try 1 overlap"]),
        ({0: [(0, 20), (21, 25)], 1: [(22, 23)]}, [f"{DAG}: load[0] try 2 and load[1] try 1 overlap"]),
    ],
)
def test_attempts_that_overlap_are_told(spans: dict[int, list[tuple[int, int]]], expected: list[str]) -> None:
    """Of batches and of attempts of one batch alike; what ends when the next begins does not overlap."""
    assert overlaps(Tries(spans), DAG) == expected


def cost(rows: int, size: int, seconds: float) -> Cost:
    """The cost of a run."""
    return Cost(Counter({"rows": rows}), size, seconds)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: cost(200, 1000, 1.0), ""),
        (lambda: cost(200, 1009, 1.49), ""),
        (lambda: cost(199, 1000, 1.0), "rows 199, 200 expected"),
        (lambda: cost(200, 1020, 1.0), "bytes of batches"),
        (lambda: cost(200, 1000, 1.51), "task-seconds"),
        (lambda: cost(200, 1000, 0.66), "task-seconds"),
    ],
)
def test_the_model_fails_when_counts_differ_at_all_or_seconds_by_half(change: Callable[[], Cost], told: str) -> None:
    """Counts must be exact, bytes within a hundredth, seconds within a factor of 1.5 either way."""
    found = differences("first load", 100, cost(2, 10, 0.01), change())

    assert [told in text for text in found] == ([True] if told else [])
