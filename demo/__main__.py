"""`python -m demo`: both twins, an Airflow of its own, and a first full sync. `make demo` calls it.

Environment: `ONCE=1` leaves after the sync, `RESET=1` starts afresh, `DB=postgres` gives Airflow a PostgreSQL of its
own instead of SQLite. The exit code is 0 when the sync ended well, 1 when it did not, 130 when it was interrupted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from demo import summary, sync_run
from demo.airflow_api import AirflowApi
from demo.errors import DemoError
from demo.http_json import Server
from demo.ports import LOOPBACK, Ports, choose
from demo.postgres import Postgres, data_of, find_programs, folder_of
from demo.processes import Processes
from demo.progress import step
from demo.settings import CONNECTOR_ID, DAG_ID, Place, airflow_environment, inherited, load_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).resolve().parent.parent
_INTERRUPTED = 130
_OWNER_ONLY = 0o077
_STORE_REQUESTS_PER_MINUTE = 6000
_TWIN_START_S = 60
_POSTGRES_START_S = 60
_AIRFLOW_START_S = 240


class Demo:
    """One demonstration, from the first process to the last.

    Args:
        place: Folders and files.
        ports: Where everything listens.
        console: Where it is shown.
        postgres: Airflow's database; SQLite by default.
    """

    def __init__(self, place: Place, ports: Ports, console: Console, postgres: Postgres | None = None) -> None:
        self._place = place
        self._ports = ports
        self._console = console
        self._postgres = postgres
        self.processes = _processes(place)
        self._twins = {
            "erp": Server(f"http://{LOOPBACK}:{ports.erp}"),
            "store": Server(f"http://{LOOPBACK}:{ports.store}"),
        }
        self._address = f"http://{LOOPBACK}:{ports.airflow}"
        self._airflow = AirflowApi(self._address)

    def run(self) -> None:
        """Start everything, sync once, show what came of it.

        Raises:
            DemoError: Something did not start, or the sync did not end well.
        """
        self._start_twins()
        self._start_postgres()
        self._start_airflow()
        with step(self._console, "getting the DAG ready"):
            sync_run.make_pools(self._airflow, self._place.pools)
            token = sync_run.wait_for_dag(self._airflow, self.processes.check)
            run_id = sync_run.trigger_full_run(self._airflow, token)
        with step(self._console, f"sync ({DAG_ID}, mode full)") as progress:
            sync_run.follow(self._airflow, run_id, progress, self.processes.check)
        self._dump_states()
        result = summary.read(self._place.ledger_url, CONNECTOR_ID, run_id)
        summary.show(result, self._console)
        if not result.balanced:
            raise DemoError(f"The outcomes of {run_id} do not add up to the {result.extracted} extracted customers.")

    def settle(self, timeout_s: float) -> None:
        """Leave Airflow so that the next start finds nothing half done; nothing to do if it is not up.

        Args:
            timeout_s: Longest wait for a task at work, in seconds.
        """
        if not self._airflow.healthy() or self._airflow.dag(DAG_ID) is None:
            return
        with step(self._console, "letting running tasks end"):
            sync_run.settle(self._airflow, timeout_s)

    def stay(self) -> None:
        """Say where everything is and stay until interrupted.

        Raises:
            DemoError: A process ended by itself.
        """
        self._console.print(
            f"\nAirflow            {self._address}\n"
            f"  the DAG          {self._address}/dags/{DAG_ID}\n"
            f"ERP (twin)         {self._twins['erp'].address}\n"
            f"store (twin)       {self._twins['store'].address}\n\n"
            "What to try next\n"
            "  1. Open the DAG and read the log of `load`: one line per customer, with what was done and why.\n"
            "  2. Trigger it once more: nothing has changed, so nothing is written.\n"
            "  3. Change a customer at the ERP's address, trigger again: only that one is updated.\n"
            "  4. Trigger it with `dry_run`: the plan is shown, the store stays as it is.\n"
            f"{self._on_backfills()}\n\n"
            "Ctrl-C ends it; `make demo` goes on from here, `make demo RESET=1` starts afresh.",
            highlight=False,
        )
        while True:
            self.processes.check()
            time.sleep(1)

    def _on_backfills(self) -> str:
        if self._postgres is not None:
            return "  5. Trigger > Backfill over some past days: each run covers one interval of the schedule."
        install = "" if find_programs() else " after `apt-get install postgresql`"
        return f"Backfills need PostgreSQL, and this Airflow runs on SQLite: `make demo DB=postgres`{install}."

    def _start_postgres(self) -> None:
        server = self._postgres
        if server is None:
            return
        with step(self._console, "PostgreSQL"):
            server.make_files()
            output = self._place.output_of("postgres")
            self.processes.start("postgres", server.command, inherited(os.environ), output, user_id=server.user_id)
            self.processes.wait_until("postgres", server.answers, _POSTGRES_START_S)

    def _start_twins(self) -> None:
        commands = {
            "erp": ("acumatica", "--port", str(self._ports.erp)),
            "store": (
                *("better-b2b", "--port", str(self._ports.store)),
                *("--requests-per-minute", str(_STORE_REQUESTS_PER_MINUTE)),
            ),
        }
        with step(self._console, "twins of the ERP and the store"):
            for name, (twin, *options) in commands.items():
                state = ("--state", str(self._place.state_of(name)))
                command = (sys.executable, "-m", "sandbox", twin, *options, *state)
                self.processes.start(name, command, inherited(os.environ), self._place.output_of(name))
            for name, server in self._twins.items():
                self.processes.wait_until(name, lambda: server.answers("/_sandbox/settings"), _TWIN_START_S)  # noqa: B023 - called in this turn

    def _start_airflow(self) -> None:
        url = self._postgres.url if self._postgres else ""
        environment = airflow_environment(self._place, self._ports, load_secrets(self._place), database_url=url)
        command = (sys.executable, "-m", "airflow", "standalone")
        with step(self._console, "Airflow (15 to 60 s)"):
            self.processes.start("airflow", command, environment, self._place.output_of("airflow"))
            self.processes.wait_until("airflow", self._airflow.healthy, _AIRFLOW_START_S, poll_s=0.5)
            self._airflow.sign_in()

    def _dump_states(self) -> None:
        for name, server in self._twins.items():
            state = server.get("/_sandbox/state")
            self._place.dump_of(name).write_text(json.dumps(state, indent=1, ensure_ascii=False), encoding="utf-8")


@contextlib.contextmanager
def _only_one(place: Place) -> Iterator[None]:
    """Hold the folder for this demonstration alone."""
    place.home.mkdir(mode=0o700, exist_ok=True)
    with (place.home / "lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoError(f"Another demo uses {place.home}; end it with Ctrl-C in its terminal first.") from error
        yield


def _processes(place: Place) -> Processes:
    return Processes(place.home / "processes.json", place.root, data_of(place))


def _start_afresh(place: Place) -> None:
    for entry in place.home.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != "lock":
            entry.unlink()
    shutil.rmtree(folder_of(place), ignore_errors=True)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _is_set(name: str) -> bool:
    return os.environ.get(name, "") not in {"", "0"}


def _postgres_if_asked(place: Place) -> Postgres | None:
    kind = os.environ.get("DB", "") or "sqlite"
    if kind not in {"sqlite", "postgres"}:
        raise DemoError(f"DB is {kind!r}: give postgres, or nothing for SQLite.")
    if kind == "sqlite":
        return None
    return Postgres(place, load_secrets(place)["postgres_password"], find_programs())


def _run_in(place: Place, console: Console) -> int:
    """Everything between taking the folder and giving it back; the result is the exit code."""
    ended = _processes(place).end_leftovers()
    if ended:
        console.print(f"Ended {ended} processes that an earlier demo left running.")
    if _is_set("RESET"):
        _start_afresh(place)
    postgres = _postgres_if_asked(place)
    ports, notes = choose()
    for sentence in notes:
        console.print(sentence, highlight=False)
    demo = Demo(place, ports, console, postgres)
    synced = False
    try:
        demo.run()
        synced = True
        if not _is_set("ONCE"):
            demo.stay()
    except KeyboardInterrupt:
        return 0 if synced else _INTERRUPTED
    finally:
        _leave(demo, console)
    return 0


def _leave(demo: Demo, console: Console) -> None:
    """End everything in order; one more Ctrl-C cuts the waiting for tasks short, never the ending."""
    with contextlib.suppress(KeyboardInterrupt):
        demo.settle(timeout_s=60 if _is_set("ONCE") else 15)
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    with step(console, "stopping"):
        demo.processes.stop()


def main() -> int:
    """Run the demonstration.

    Returns:
        The exit code.
    """
    # A log file has no width of its own; on a terminal rich asks for it.
    console = Console() if sys.stdout.isatty() else Console(width=140)
    os.umask(_OWNER_ONLY)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    place = Place(_ROOT)
    try:
        with _only_one(place):
            return _run_in(place, console)
    except DemoError as error:
        console.print(f"\n{error}", style="red", highlight=False, markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main())
