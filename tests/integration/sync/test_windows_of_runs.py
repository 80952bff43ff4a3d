"""Which customers a run reads: nothing falls between two runs, whatever the ERP does with order and stamps."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from customer_sync.errors import SyncError
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.ledger.story.lines import each_customer
from customer_sync.steps.audit import AuditReport
from sandbox.server import RunningTwin, running_acumatica
from tests.integration.twin_world import World, call, shipped_connector


def extracted(world: World, **params: Any) -> set[str]:
    """Customers that a run of these params reads."""
    run_id = f"window_{time.monotonic_ns()}"
    world.sync(run_id=run_id, **params)
    with world.ledger() as ledger:
        return {customer_id for customer_id, *_ in ledger.runs.customers(run_id)}


def stamp(world: World, customer_id: str) -> datetime:
    """The customer's own stamp in the ERP."""
    row = next(row for row in world.erp_state()["customers"] if row["CustomerID"] == customer_id)
    return datetime.fromtimestamp(row["modified_ms"] / 1000, UTC)


def later(world: World, minutes: float) -> None:
    """Let time pass in the ERP."""
    call(f"{world.erp_url}/_sandbox/clock", "PUT", {"advance_s": minutes * 60})


@dataclass
class Quiet:
    """Twins and ledger of a synced world whose own write-back lies behind the overlap."""

    erp: dict[str, Any]
    store: dict[str, Any]
    ledger: Path


@pytest.fixture(scope="session")
def quiet_moment(twins: tuple[RunningTwin, RunningTwin], tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    """Made once for a worker: a full run, and later an incremental one, so that the next has nothing to read."""
    for twin in twins:
        call(f"{twin.url}/_sandbox/reset", "POST")
    ledger = tmp_path_factory.mktemp("quiet") / "ledger.db"
    world = World(twins[0].url, twins[1].url, shipped_connector(), f"sqlite:///{ledger}")
    world.sync(mode="full")
    later(world, 60)
    world.edit("Customer", CustomerID="C000005", CustomerName="Summit Neu")
    world.sync()
    return Quiet(world.erp_state(), world.store_state(), ledger)


@pytest.fixture
def quiet(quiet_moment: Quiet, world: World, tmp_path: Path) -> World:
    """A world in which the next incremental run reads nothing but the customer with the largest stamp, C000005."""
    call(f"{world.erp_url}/_sandbox/state", "PUT", quiet_moment.erp)
    call(f"{world.store_url}/_sandbox/state", "PUT", quiet_moment.store)
    later(world, 120)
    shutil.copyfile(quiet_moment.ledger, tmp_path / "quiet.db")
    return replace(world, ledger_url=f"sqlite:///{tmp_path / 'quiet.db'}")


def test_only_the_named_customers_are_read_when_selected(world: World) -> None:
    """Mode selected reads exactly the ids that were asked for, whatever blanks and slashes they hold."""
    named = ["C000003", "ACME WEST 46", "NORTH/SOUTH47"]

    assert extracted(world, mode="selected", customer_ids=named) == set(named)
    assert set(world.companies()) == set(named)


def test_absent_customers_are_named_when_they_were_selected(world: World) -> None:
    """A selected id that the ERP does not have is said in the log; ids in other case find their customer."""
    world.sync(mode="selected", customer_ids=["c000001", "NOBODY"])

    assert world.last_outcome("C000001") == ("created", "")
    with world.ledger() as ledger:
        absent = [row["customer_id"] for row in ledger.log.rows(limit=100) if row["reasons"] == "not_in_erp"]
    assert absent == ["NOBODY"]


def test_window_is_half_open_when_bounds_are_given(world: World) -> None:
    """``modified_from`` is inside the window, ``modified_to`` outside of it."""
    # The whole of a customer's stamps: contacts and locations have streams of their own.
    world = world.with_rules(contacts={"include": False}, locations={"include": False})
    at = stamp(world, "C000001")
    tick = timedelta(milliseconds=1)

    assert "C000001" in extracted(world, modified_from=at, modified_to=at + tick)
    assert "C000001" not in _by_customers_alone(world, at - timedelta(hours=1), at)


def _by_customers_alone(world: World, lower: datetime, upper: datetime) -> set[str]:
    found = extracted(world, modified_from=lower, modified_to=upper)
    children = {
        row.get("BusinessAccount") or row.get("Customer")
        for row in (*world.erp_state()["contacts"], *world.erp_state()["locations"])
        if lower <= datetime.fromtimestamp(row["modified_ms"] / 1000, UTC) < upper
    }
    return found - children


def test_nothing_is_read_twice_or_lost_when_a_window_is_cut_in_two(world: World) -> None:
    """Runs over [a, b) and [b, c) lead to the store of one run over [a, c)."""
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
    middle = stamp(world, "C000030")
    world.sync(modified_from=start, modified_to=middle)
    world.sync(modified_from=middle, modified_to=end)
    parts = world.book()
    call(f"{world.store_url}/_sandbox/reset", "POST")
    call(f"{world.erp_url}/_sandbox/reset", "POST")

    whole = replace(world, ledger_url=world.ledger_url.replace("ledger.db", "whole.db"))
    whole.sync(modified_from=start, modified_to=end)

    # Who of C000040 and C000041 gets the contact's e-mail that they share depends on who comes first.
    shared = {"C000040", "C000041"}
    assert {key: row for key, row in parts.items() if key not in shared} == {
        key: row for key, row in whole.book().items() if key not in shared
    }


@pytest.mark.parametrize("order", ["key", "shuffle", "modified_desc"])
def test_every_customer_arrives_when_the_erp_orders_its_lists_at_will(world: World, order: str) -> None:
    """A full read is complete in whatever order the ERP returns its rows."""
    world.erp_settings(list_order=order)

    assert len(extracted(world, mode="full")) == 90
    assert set(world.companies()) == {key for key in _read_by(world) if world.last_outcome(key)[0] == "created"}


def _read_by(world: World) -> set[str]:
    with world.ledger() as ledger:
        return {row["customer_id"] for row in each_customer(ledger.log.rows(limit=100_000)) if row["outcome"]}


def waiting(world: World) -> set[str]:
    """Customers with a part that waits: they are read in every run."""
    with world.ledger() as ledger:
        return {row["customer_id"] for row in ledger.log.rows(limit=100_000) if row["outcome"] == "waiting"}


def test_only_the_edited_customer_is_read_when_a_contact_or_a_location_alone_changes(quiet: World) -> None:
    """An edit of a contact or a location that leaves the customer's stamp alone is seen by the next run."""
    later(quiet, 60)
    quiet.edit("Contact", ContactID=quiet.contact_ids("C000001")[1], LastName="Böhme")
    found = extracted(quiet)
    assert "C000001" in found
    # Beside it the holders of each stream's largest stamp, which is inside the window, and who waits for an e-mail.
    assert len(found - waiting(quiet)) <= 4
    assert "Böhme" in {user["lastName"] for user in quiet.book()["C000001"]["users"]}

    later(quiet, 60)
    quiet.edit("CustomerLocation", Customer="C000002", LocationID="EAST", LocationName="Osten")
    assert "C000002" in extracted(quiet)
    assert "Osten" in {row["label"] for row in quiet.book()["C000002"]["addresses"]}


def test_nothing_is_lost_when_the_schedule_was_paused_for_days(quiet: World) -> None:
    """Marks stand still while nothing runs: a change of the first day is seen by the first run afterwards."""
    later(quiet, 1)
    quiet.edit("Customer", CustomerID="C000001", CustomerName="Elbe Neu")
    later(quiet, 5 * 24 * 60)

    assert "C000001" in extracted(quiet)
    assert quiet.book()["C000001"]["companyName"] == "Elbe Neu"


def test_nothing_is_written_when_only_our_own_write_back_moved_the_stamps(world: World) -> None:
    """The reference ids that a run wrote bring the customers into the next window, and cause no write."""
    world.sync(mode="full")
    world.forget_calls()

    found = extracted(world)

    assert len(found) > 40
    assert world.store_writes() == []
    assert [row for row in world.erp_calls() if row["method"] == "PUT"] == []


def test_everything_is_read_again_when_the_mapping_changed(quiet: World) -> None:
    """After a change of the connector's rules the next scheduled run is a full one, and the one after is not."""
    changed = quiet.with_rules(contacts={"other_role": "Senior Buyer"})

    assert len(extracted(changed)) == 90
    assert changed.book()["C000001"]["users"][1]["role"] == "Senior Buyer"
    later(changed, 60)
    changed.edit("Customer", CustomerID="C000005", CustomerName="Summit Neu")
    changed.sync()
    later(changed, 60)
    assert len(extracted(changed)) < 90


def test_failed_customer_is_read_again_when_its_stamp_lies_far_behind(quiet: World) -> None:
    """A customer that failed is read by every further run until it is through, whatever its stamp."""
    later(quiet, 60)
    quiet.edit("Customer", CustomerID="C000001", CustomerName="Elbe Neu")
    quiet.store_faults({"match": {"method": "PUT"}, "effect": "status", "status": 503})
    with pytest.raises(SyncError):
        quiet.sync()
    quiet.store_faults()
    for _ in range(2):
        later(quiet, 60)
        quiet.edit("Customer", CustomerID="C000005", CustomerName=f"Summit {time.monotonic_ns()}")
        quiet.sync()

    assert quiet.book()["C000001"]["companyName"] == "Elbe Neu"


def test_all_arrive_when_a_full_run_takes_more_batches_than_one_run_may(world: World) -> None:
    """A long full read goes on where the last run stopped until every customer is through, and then rests."""
    small = world.with_rules(batch={"size": 4, "largest": 4, "count": 3})
    seen: set[str] = set()
    for _ in range(12):
        found = extracted(small)
        if not found - seen:
            break
        seen |= found

    assert len(seen) == 90
    assert set(small.companies()) == {key for key in seen if small.last_outcome(key)[0] in {"created", "unchanged"}}


def test_none_is_skipped_when_a_run_stops_before_an_unreadable_customer(world: World) -> None:
    """Where a long read stops, an unreadable customer further on does not make the next run skip those between."""
    small = replace(
        world.with_rules(batch={"size": 8, "largest": 8, "count": 1}), wrap_erp=lambda inner: _BadRow(inner, "C000030")
    )
    seen: set[str] = set()
    for _ in range(14):
        seen |= extracted(small)

    assert len(seen) == 90


def test_all_arrive_when_more_customers_changed_than_one_run_may_take(quiet: World) -> None:
    """Changed customers that do not fit into one incremental run are taken up by the next ones."""
    small = quiet.with_rules(batch={"size": 2, "largest": 2, "count": 2})
    later(small, 60)
    for number in (1, 2, 3, 4, 8, 18, 19):
        small.edit("Customer", CustomerID=f"C{number:06d}", CustomerName=f"Changed {number}")

    for _ in range(4):
        small.sync()

    names = {company["companyName"] for company in small.companies().values()}
    assert {f"Changed {number}" for number in (1, 2, 3, 4, 8, 18, 19)} <= names


def test_change_behind_the_reader_is_seen_when_a_later_one_was_read(world: World) -> None:
    """A customer that changes after its page was read is seen by the next run, although a later stamp was seen."""
    exact = world.connector.model_copy(update={"window_overlap_minutes": 0})
    calm = replace(world, connector=exact).with_rules(erp={"page_size": 20})
    calm.sync(mode="full")
    late: list[bool] = []

    def edit_behind() -> None:
        if not late:
            late.append(True)
            calm.edit("Customer", CustomerID="C000001", CustomerName="Behind the reader")
            time.sleep(0.05)
            calm.edit("Customer", CustomerID="C000089", CustomerName="Before the reader")

    busy = replace(calm, wrap_erp=lambda inner: _AfterThePage(inner, edit_behind))
    busy.sync(mode="full")
    assert late

    calm.sync()

    assert calm.book()["C000001"]["companyName"] == "Behind the reader"


def test_one_outcome_each_when_a_thousand_records_carry_one_stamp(tmp_path: Path) -> None:
    """1,001 changes with the very same stamp, more than two pages of them, are all read, each once."""
    with running_acumatica(customers=1001) as erp:
        world = World(erp.url, "http://127.0.0.1:9", shipped_connector(), f"sqlite:///{tmp_path / 'ledger.db'}")
        report = _sync_with_one_stamp(world)

    assert report.extracted == 1001
    assert report.outcomes == {"filtered": 1001}


def _sync_with_one_stamp(world: World) -> AuditReport:
    state = world.erp_state()
    for row in (*state["customers"], *state["contacts"], *state["locations"]):
        row["modified_ms"] = 1_790_000_000_000
    for row in state["customers"]:
        row["values"]["CustomerClass"] = "RETAIL"  # reading is what is tried here
    call(f"{world.erp_url}/_sandbox/state", "PUT", state)
    at = datetime.fromtimestamp(1_790_000_000, UTC)

    return world.sync(modified_from=at, modified_to=at + timedelta(milliseconds=1))


class _AfterThePage:
    """A transport that lets something happen after the page with C000001 was read."""

    def __init__(self, inner: Transport, happen: Any) -> None:
        self._inner = inner
        self._happen = happen

    def send(self, request: HttpRequest) -> HttpResponse:
        answer = self._inner.send(request)
        if request.method == "GET" and b'"C000001"' in answer.body and b'"CustomerName"' in answer.body:
            self._happen()
        return answer

    def close(self) -> None:
        self._inner.close()


class _BadRow:
    """A transport through which one customer's status comes as an object, which it never is."""

    def __init__(self, inner: Transport, customer_id: str) -> None:
        self._inner = inner
        self._mark = f'"CustomerID":{{"value":"{customer_id}"}}'.encode()

    def send(self, request: HttpRequest) -> HttpResponse:
        answer = self._inner.send(request)
        start = answer.body.find(self._mark)
        if request.method != "GET" or not request.path.endswith("/Customer") or start < 0:
            return answer
        end = answer.body.find(b'"CustomerName":{"value":', start)
        if end < 0:
            return answer
        at = end + len(b'"CustomerName":{"value":')
        body = answer.body[:at] + b'{"no":"text"},"was":' + answer.body[at:]
        return HttpResponse(answer.status, answer.headers, body, answer.elapsed_s)

    def close(self) -> None:
        self._inner.close()
