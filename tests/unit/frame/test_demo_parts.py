"""The parts of the demonstration that need no Airflow."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from demo import summary, sync_run
from demo.airflow_api import AirflowApi, TaskState
from demo.errors import DemoError
from demo.ports import LOOPBACK, Ports, choose
from demo.postgres import Postgres, find_programs
from demo.processes import Processes
from demo.settings import Place, airflow_environment, connections, inherited, load_secrets


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind((LOOPBACK, 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_the_preferred_ports_are_taken_when_they_are_free() -> None:
    """The documented addresses hold on a machine where nothing else runs."""
    preferred = Ports(*free_ports(5))
    assert choose(preferred) == (preferred, ())


def test_a_free_port_is_taken_and_said_when_the_preferred_one_is_busy() -> None:
    """A busy port is no reason to fail; the user is told where to look instead."""
    preferred = Ports(*free_ports(5))
    with socket.socket() as busy:
        busy.bind((LOOPBACK, preferred.airflow))
        busy.listen()
        ports, told = choose(preferred)
    assert ports.airflow != preferred.airflow
    assert (ports.erp, ports.store) == (preferred.erp, preferred.store)
    assert told == (f"Port {preferred.airflow} is in use; airflow takes {ports.airflow}.",)


def test_secrets_stay_the_same_when_the_demo_is_started_again(tmp_path: Path) -> None:
    """What Airflow encrypted at the first start can be read at the second; nobody else can read the keys."""
    place = Place(tmp_path)
    place.home.mkdir()
    first = load_secrets(place)
    assert load_secrets(place) == first
    assert stat.S_IMODE((place.home / "secrets.json").stat().st_mode) == 0o600
    assert len(set(first.values())) == 4


def test_secrets_of_an_older_demo_are_kept_when_a_new_one_is_needed(tmp_path: Path) -> None:
    """What an earlier version wrote stays readable; only what is missing is made."""
    place = Place(tmp_path)
    place.home.mkdir()
    (place.home / "secrets.json").write_text('{"fernet_key": "kept"}', encoding="utf-8")
    found = load_secrets(place)
    assert found["fernet_key"] == "kept"
    assert found["postgres_password"]
    assert load_secrets(place) == found


def test_secrets_of_two_demos_differ(tmp_path: Path) -> None:
    """Each folder has its own."""
    place = Place(tmp_path)
    place.home.mkdir()
    first = load_secrets(place)
    other = Place(tmp_path / "other")
    other.home.mkdir(parents=True)
    assert load_secrets(other) != first


def test_another_airflows_settings_stay_out_when_the_caller_has_some() -> None:
    """Neither a foreign AIRFLOW_HOME nor a production ledger reaches the demo's processes."""
    given = {"AIRFLOW_HOME": "/x", "AIRFLOW_CONN_A": "x", "CUSTOMER_SYNC_LEDGER_URL": "x", "HOME": "/h", "PATH": "/p"}
    kept = inherited(given)
    assert set(kept) == {"HOME", "PATH", "NO_PROXY", "no_proxy"}
    # `airflow standalone` starts its parts by name.
    assert kept["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/p"]
    assert LOOPBACK in kept["NO_PROXY"].split(",")


def test_connections_lead_to_the_twins_when_their_ports_were_moved() -> None:
    """Host and port of both connections are those that were chosen."""
    made = {name: json.loads(text) for name, text in connections(Ports(erp=1234, store=5678)).items()}
    assert made == {
        "AIRFLOW_CONN_ACUMATICA_KNB": {
            "conn_type": "acumatica",
            "host": "http://127.0.0.1:1234",
            "login": "admin",
            "password": "sandbox",
            "extra": {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"},
        },
        "AIRFLOW_CONN_BETTER_B2B_KNB": {
            "conn_type": "better-b2b",
            "host": "http://127.0.0.1:5678",
            "password": "sandbox-token",
            "extra": {"store_hash": "sandbox"},
        },
    }


def test_only_this_machine_is_served_when_airflow_has_no_password(tmp_path: Path) -> None:
    """All visitors are administrators, so nothing may listen beyond the loopback address."""
    place = Place(tmp_path)
    place.home.mkdir()
    environment = airflow_environment(place, Ports(airflow=4711), load_secrets(place))
    assert environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "True"
    assert environment["AIRFLOW__API__HOST"] == LOOPBACK
    assert environment["AIRFLOW__API__PORT"] == "4711"
    assert environment["CUSTOMER_SYNC_LEDGER_URL"] == f"sqlite:///{tmp_path}/.demo/ledger.db"


def test_the_last_words_are_quoted_when_a_process_ends_by_itself(tmp_path: Path) -> None:
    """A process that dies at its start is told with its exit code and its own words."""
    processes = Processes(tmp_path / "record.json", tmp_path)
    command = (sys.executable, "-c", "import sys; print('no seat left'); sys.exit(3)")
    processes.start("erp", command, os.environ, tmp_path / "erp.log")
    with pytest.raises(DemoError, match=r"(?s)erp ended by itself \(exit code 3\)\..*no seat left"):
        processes.wait_until("erp", lambda: False, timeout_s=30)
    processes.stop()


def test_the_wait_ends_when_a_process_never_answers(tmp_path: Path) -> None:
    """A process that hangs is given up after the time that was set."""
    processes = Processes(tmp_path / "record.json", tmp_path)
    processes.start("store", ("sleep", "60"), os.environ, tmp_path / "store.log")
    with pytest.raises(DemoError, match="store did not respond for 0 s"):
        processes.wait_until("store", lambda: False, timeout_s=0.3)
    processes.stop()


def test_grandchildren_end_when_the_demo_stops(tmp_path: Path) -> None:
    """What a process started in turn is ended with it, and the record of process ids is gone."""
    record, output = tmp_path / "record.json", tmp_path / "output.log"
    processes = Processes(record, tmp_path)
    script = "trap 'exit 0' INT; sleep 600 & echo $!; wait"
    processes.start("airflow", ("bash", "-c", script), os.environ, output)
    processes.wait_until("airflow", lambda: output.read_text(encoding="utf-8").endswith("\n"), timeout_s=30)
    grandchild = int(output.read_text(encoding="utf-8"))
    assert is_alive(grandchild)
    processes.stop()
    assert not is_alive(grandchild)
    assert not record.exists()


def test_leftovers_end_when_an_earlier_demo_was_killed(tmp_path: Path) -> None:
    """The next start ends what a killed demo left; a process group of somebody else keeps running."""
    record = tmp_path / "record.json"
    killed = Processes(record, tmp_path)
    killed.start("airflow", ("sleep", "600"), os.environ, tmp_path / "output.log")
    left = json.loads(record.read_text(encoding="utf-8"))[0]
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    with subprocess.Popen(command, cwd="/", start_new_session=True) as foreign:  # noqa: S603 - our own command
        try:
            record.write_text(json.dumps([left, foreign.pid]), encoding="utf-8")
            assert Processes(record, tmp_path).end_leftovers() == 1
            assert not is_alive(left)
            assert foreign.poll() is None
        finally:
            foreign.kill()
    assert not record.exists()
    killed.stop()


def is_alive(process: int, within_s: float = 5) -> bool:
    """Whether a process still runs; a killed one may need a moment, and is a zombie until it is waited for."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        if state in "SR" and deadline - time.monotonic() < within_s - 1:
            return True
        time.sleep(0.05)
    return True


def states(**tasks: list[str | None]) -> list[TaskState]:
    """Task instances: name -> the states of its instances."""
    return [
        TaskState(name, index if len(each) > 1 else -1, state, 1)
        for name, each in tasks.items()
        for index, state in enumerate(each)
    ]


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        ([], "waiting for the scheduler"),
        (states(extract=[None]), "waiting for the scheduler"),
        (states(extract=["running"], filter=[None]), "extract running"),
        (states(audit=[None], extract=["success"], filter=["success", "running", None]), "extract done, filter 1 of 3"),
        (states(extract=["success"], load=["failed", "success"], audit=["upstream_failed"]),
         "extract done, load failed, audit upstream failed"),
        (states(guard=["success"], load=["skipped"]), "guard done, load done"),
        (states(load=["up_for_retry"]), "load up for retry"),
    ],
)  # fmt: skip
def test_progress_reads_in_the_order_of_the_tasks_when_a_run_is_under_way(tasks: list[TaskState], told: str) -> None:
    """One line says how far each task is, whatever order Airflow lists them in."""
    assert sync_run.describe(tasks) == told


def row(number: int, outcome: str, reasons: str = "", entity: str = "customer") -> dict[str, Any]:
    """A row of the connector log."""
    shown = {"customer_name": "Mu•••", "store_id": "", "message": "[bold]not markup[/bold]", "next_step": ""}
    return {"id": number, "customer_id": f"C{number}", "entity": entity, "outcome": outcome, "reasons": reasons} | shown


def test_examples_differ_when_many_customers_fared_alike() -> None:
    """One row for each kind, and no outcome is hidden behind the many kinds of another."""
    rows = [row(1, "filtered", "a"), row(2, "filtered", "a"), row(3, "filtered", "b"), row(4, "created")]
    rows += [row(5, "", "value_cut"), row(6, "created", entity="address")]
    assert [each["id"] for each in summary.examples(rows)] == [1, 3, 4]
    assert [each["id"] for each in summary.examples(rows, shown=2)] == [1, 4]


@pytest.mark.parametrize(
    ("extracted", "outcomes", "balanced"),
    [(3, {"created": 2, "filtered": 1}, True), (4, {"created": 3}, False), (3, {"created": 2, "": 1}, False)],
)
def test_a_run_is_balanced_only_when_every_customer_has_an_outcome(
    extracted: int, outcomes: dict[str, int], *, balanced: bool
) -> None:
    """A customer without an outcome is never counted away."""
    assert summary.Summary(extracted, outcomes, {}, []).balanced is balanced


def test_customers_data_are_shown_as_they_are_when_they_look_like_markup() -> None:
    """Square brackets in a log row are text, not terminal colours."""
    console = Console(record=True, width=140)
    summary.show(summary.Summary(1, {"created": 1}, {"a": 1}, [row(1, "created", "a")]), console)
    assert "[bold]not markup[/bold]" in console.export_text()


def test_demo_says_what_is_missing_when_postgres_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback: the sentence names the package to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    programs = find_programs(tmp_path)
    with pytest.raises(DemoError, match="apt-get install postgresql"):
        Postgres(Place(tmp_path), "secret", programs)


@contextmanager
def airflow_with_a_locked_database(refusals: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """An api-server that does what it is told, but answers 500 to the first requests, as one on SQLite does."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            seen.append((self.command, self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()))
            runs = {json.loads(body)["dag_run_id"] for command, body in seen[:-1] if command == "POST"}
            status = 500 if len(seen) <= refusals else 409 if self.command == "POST" and runs else 200
            body = json.dumps({"dag_run_id": next(iter(runs), None), "state": "queued"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = do_POST = _answer  # noqa: N815 - the base class asks for these names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer((LOOPBACK, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_dag_is_paused_after_all_when_airflows_database_was_locked() -> None:
    """Two refusals are no reason to end a demo that has done its work with an error."""
    with airflow_with_a_locked_database(refusals=2) as (address, seen):
        AirflowApi(address).set_paused("customer_sync__knb", paused=True)
    assert [command for command, _ in seen] == ["PATCH", "PATCH", "PATCH"]


def test_one_run_starts_when_the_answer_to_its_trigger_was_an_error() -> None:
    """The second request names the same run, so that Airflow cannot start two."""
    with airflow_with_a_locked_database(refusals=1) as (address, seen):
        run_id = AirflowApi(address).trigger("customer_sync__knb", {"mode": "full"})
    triggers = [json.loads(body) for command, body in seen if command == "POST"]
    assert [each["dag_run_id"] for each in triggers] == [run_id, run_id]


def test_an_error_is_said_when_airflow_stays_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience has an end."""
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    with airflow_with_a_locked_database(refusals=99) as (address, seen), pytest.raises(DemoError, match="500"):
        AirflowApi(address).set_paused("customer_sync__knb", paused=True)
    assert len(seen) == 8
