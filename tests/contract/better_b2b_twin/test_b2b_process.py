"""The store's twin as a process of its own: start, end, state file, capacity."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
AUTH = {"X-Auth-Token": "sandbox-token", "X-Store-Hash": "sandbox"}


@contextlib.contextmanager
def _process(*options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "sandbox", "better-b2b", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own command
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("better-b2b listening on http://127.0.0.1:")
            yield process, int(line.rsplit(":", 1)[1])
        finally:
            if process.poll() is None:
                process.kill()


def _company(number: int) -> dict[str, object]:
    return {
        "companyName": f"Company {number}",
        "companyPhone": "1",
        "companyEmail": f"ap{number}@x.example",
        "country": "US",
        "adminFirstName": "Ada",
        "adminLastName": "Vale",
        "adminEmail": f"ada{number}@x.example",
        "extraFields": [{"fieldName": "Acumatica Customer ID", "fieldValue": f"C{number}"}],
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_goes_on_where_it_ended_when_started_with_its_state(tmp_path: Path, number: signal.Signals) -> None:
    """A twin told to end does so with code 0 and continues from its file, ids and budget of its start included."""
    options = ("--state", str(tmp_path / "store.json"), "--requests-per-minute", "70")
    with _process(*options) as (process, port):
        url = f"http://127.0.0.1:{port}/api/v3/io/companies"
        answer = requests.post(url, json=_company(1), headers=AUTH, timeout=5)
        assert answer.headers["X-Requests-Allocated"] == "70 times/60 s"
        first = answer.json()["data"]["companyId"]
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
    with _process(*options) as (_, port):
        url = f"http://127.0.0.1:{port}/api/v3/io/companies"
        assert requests.get(f"{url}/{first}", headers=AUTH, timeout=5).json()["data"]["companyName"] == "Company 1"
        assert requests.post(url, json=_company(1), headers=AUTH, timeout=5).status_code == 422
        assert requests.post(url, json=_company(2), headers=AUTH, timeout=5).json()["data"]["companyId"] > first


def test_keeps_its_state_when_killed(tmp_path: Path) -> None:
    """A killed twin leaves a whole state behind, at most half a second old."""
    path = tmp_path / "store.json"
    with _process("--state", str(path)) as (process, port):
        url = f"http://127.0.0.1:{port}/api/v3/io/companies"
        company_id = requests.post(url, json=_company(1), headers=AUTH, timeout=5).json()["data"]["companyId"]
        deadline = time.monotonic() + 10
        while "Company 1" not in path.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
        process.wait()
    companies = json.loads(path.read_text())["state"]["data"]["companies"]
    assert company_id in [company["companyId"] for company in companies]


def test_waits_when_latency_is_asked() -> None:
    """Latency is added to every call of the API, and not to the control plane."""
    with _process("--latency-ms", "300") as (_, port):

        def took_s(path: str) -> float:
            began = time.perf_counter()
            assert requests.get(f"http://127.0.0.1:{port}{path}", headers=AUTH, timeout=5).status_code == 200
            return time.perf_counter() - began

        assert took_s("/api/v3/io/payments") >= 0.29  # an event loop may wake a millisecond early
        assert min(took_s("/_sandbox/settings") for _ in range(5)) < 0.3


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _exchange(connection: socket.socket, reader: BinaryIO, requests_: list[bytes]) -> dict[int, int]:
    """Send with 16 requests in flight on one connection; counts of statuses."""
    counts: dict[int, int] = {}
    for index, request in enumerate([*requests_, *[b""] * 16]):
        if request:
            connection.sendall(request)
        if index >= 16:
            status = int(reader.readline().split()[1])
            length = 0
            while (line := reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            reader.read(length)
            counts[status] = counts.get(status, 0) + 1
    return counts


@pytest.mark.long
def test_answers_2000_requests_per_core_second_when_driven_hard() -> None:
    """Creates, look-ups by key and reads each run at 2,000 requests per second of one core or more."""
    with _process("--requests-per-minute", "0") as (process, port), contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = stack.enter_context(connection.makefile("rb"))

        def request(verb: str, path: str, body: bytes = b"") -> bytes:
            head = f"{verb} /api/v3/io{path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: sandbox-token\r\n"
            head += f"X-Store-Hash: sandbox\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            return head.encode() + body

        count = 5000
        key = "/companies?extraFieldFilterType=exact-match&extraFields=Acumatica%20Customer%20ID:C"
        for load in (
            [request("POST", "/companies", json.dumps(_company(number)).encode()) for number in range(count)],
            [request("GET", f"{key}{number}") for number in range(count)],
            [request("GET", f"/companies/{61_004 + number}") for number in range(count)],
        ):
            before_s = _cpu_s(process.pid)
            assert _exchange(connection, reader, load) == {200: count}
            assert count / max(_cpu_s(process.pid) - before_s, 0.01) >= 2000


@pytest.mark.long
def test_answers_pages_in_milliseconds_when_it_holds_100000_companies() -> None:
    """A store of 100,000 companies is seeded in under 30 s, and pages and look-ups stay quick."""
    with _process("--requests-per-minute", "0") as (_, port), requests.Session() as session:
        began = time.perf_counter()
        seeded = session.post(f"http://127.0.0.1:{port}/_sandbox/seed", json={"companies": 100_000}, timeout=60)
        assert seeded.json()["companies"] == 100_004
        assert time.perf_counter() - began < 30
        url = f"http://127.0.0.1:{port}/api/v3/io"
        for path in (
            "/companies?limit=100&offset=50000",
            "/companies?limit=100&offset=99000&sortBy=companyName&orderBy=ASC",
            "/users?limit=250&offset=50000",
            "/users?email=buyer099999@background.example",
        ):
            taken_s = []
            for _ in range(5):
                began = time.perf_counter()
                assert session.get(url + path, headers=AUTH, timeout=5).status_code == 200
                taken_s.append(time.perf_counter() - began)
            assert min(taken_s) < 0.05, path
