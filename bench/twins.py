"""Both twins as processes of their own, so that their work is not counted as anybody's."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_AHEAD_S = 200 * 86_400


@dataclass(frozen=True)
class Request:
    """One request as a twin's call log tells it.

    Attributes:
        system: ``erp`` or ``store``.
        method: HTTP method.
        path: Path without the query.
        status: HTTP status, ``None`` when the connection was cut.
        start_s: Seconds since 1970 when it arrived.
        end_s: The same when it was answered.
    """

    system: str
    method: str
    path: str
    status: int | None
    start_s: float
    end_s: float

    @property
    def is_refused(self) -> bool:
        """Whether the rate limit refused it."""
        return self.status == 429  # noqa: PLR2004 - an HTTP status


@dataclass(frozen=True)
class Twins:
    """Addresses of a running pair."""

    erp_url: str
    store_url: str

    def set_erp(self, **settings: Any) -> None:
        """Turn switches of the ERP's twin."""
        call(f"{self.erp_url}/_sandbox/settings", "PUT", settings)

    def forget_calls(self) -> None:
        """Empty both call logs."""
        for url in (self.erp_url, self.store_url):
            call(f"{url}/_sandbox/calls", "DELETE")

    def empty_store(self) -> None:
        """Bring the store back to its seed, with an unused request budget."""
        call(f"{self.store_url}/_sandbox/seed", "POST", {})
        self.forget_calls()

    def requests(self) -> list[Request]:
        """Both call logs in one, in the order of arrival."""
        rows = [
            Request(
                system,
                row["method"],
                row["path"],
                row["status"],
                start := datetime.fromisoformat(row["at_utc"]).timestamp(),
                start + row["duration_ms"] / 1000,
            )
            for system, url in (("erp", self.erp_url), ("store", self.store_url))
            for row in call(f"{url}/_sandbox/calls")
        ]
        return sorted(rows, key=lambda row: row.start_s)

    def landed(self) -> dict[str, int]:
        """What is in the store beyond its seed, to see that all contenders did the same work."""
        state = call(f"{self.store_url}/_sandbox/state")
        ours = {
            company["companyId"]
            for company in state["companies"]
            if any(extra["fieldName"] == "Acumatica Customer ID" for extra in company.get("extraFields") or [])
        }
        return {
            "companies": len(ours),
            "users": sum(user["companyId"] in ours for user in state["users"]),
            "addresses": sum(int(address["companyId"]) in ours for address in state["addresses"]),
        }


def call(url: str, method: str = "GET", body: Any = None) -> Any:
    """One request to a control plane."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})  # noqa: S310 - a twin on the loopback address
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - the same
        content = answer.read()
    return json.loads(content) if content else None


@contextmanager
def running(
    customers: int, *, store_latency_ms: float = 0, per_minute: int = 0, shape: str = "uniform"
) -> Iterator[Twins]:
    """Run a pair of twins.

    Args:
        customers: Customers of the ERP, nine tenths of them eligible in the uniform shape.
        store_latency_ms: Milliseconds that every call to the store takes.
        per_minute: The store's limit, 0 for none.
        shape: Which customers the ERP has.
    """
    erp = _start("acumatica", "--customers", str(customers), "--shape", shape)
    store = _start("better-b2b", "--latency-ms", str(store_latency_ms), "--requests-per-minute", str(per_minute))
    try:
        twins = Twins(_address(erp), _address(store))
        # Stamps of the seed reach into 2026: what is edited now must be younger.
        for url in (twins.erp_url, twins.store_url):
            call(f"{url}/_sandbox/clock", "PUT", {"advance_s": _AHEAD_S})
        yield twins
    finally:
        for process in (erp, store):
            process.terminate()
        for process in (erp, store):
            process.wait(30)


def _start(*arguments: str) -> subprocess.Popen[str]:
    command: Sequence[str] = (sys.executable, "-m", "sandbox", *arguments, "--port", "0")
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command


def _address(process: subprocess.Popen[str]) -> str:
    said = process.stdout.readline() if process.stdout else ""
    if not said:
        raise RuntimeError("a twin did not start; its error stands above")
    return said.split()[-1]
