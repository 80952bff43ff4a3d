"""docs/api/acumatica.md#statements, statements 31 to 34: push, control plane, seed."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests


class Webhook:
    """A receiver of push messages that can refuse."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.messages.append(msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 15
        while len(self.messages) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.messages) >= count
        return self.messages


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A running receiver."""
    hook = Webhook()
    thread = threading.Thread(target=hook.server.serve_forever)
    thread.start()
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


def _rename(erp: Any, key: str, name: str) -> None:
    body = {"CustomerID": {"value": key}, "CustomerName": {"value": name}}
    assert erp.put(f"{erp.default}/Customer", body).status_code == 200


def test_s17_32_message_is_pushed_when_a_customer_changes(erp: Any, webhook: Webhook) -> None:
    """An update carries the old row in Deleted and the new one in Inserted, as plain values."""
    erp.settings(push_url=webhook.url)
    _rename(erp, "C000001", "Renamed")
    message = webhook.wait_for(1)[0]
    assert set(message) == {"Inserted", "Deleted", "Query", "CompanyId", "Id", "TimeStamp", "AdditionalInfo"}
    assert message["Query"] == "KNCFMASTERDATA_Customer"
    assert message["AdditionalInfo"] == {}
    assert message["Inserted"][0]["CustomerName"] == "Renamed"
    assert set(message["Inserted"][0]) == {"CustomerID", "CustomerName", "LastModified"}
    assert message["Deleted"][0]["CustomerID"] == "C000001"
    assert message["Deleted"][0]["CustomerName"] != "Renamed"


def test_s17_31_deletion_is_pushed_when_push_is_on(erp: Any, webhook: Webhook) -> None:
    """A deleted customer appears as Deleted alone."""
    erp.settings(push_url=webhook.url)
    erp.request("DELETE", f"{erp.default}/Customer/C000003")
    message = webhook.wait_for(1)[0]
    assert (message["Inserted"], message["Deleted"][0]["CustomerID"]) == ([], "C000003")


def test_s17_32_messages_are_disturbed_when_switches_say_so(erp: Any, webhook: Webhook) -> None:
    """Duplicates share their Id; a split update is two messages; reordering swaps; a drop sends nothing."""
    erp.settings(push_url=webhook.url, push_duplicate=True)
    _rename(erp, "C000001", "A")
    first, second = webhook.wait_for(2)
    assert first == second
    erp.settings(push_duplicate=False, push_split=True)
    _rename(erp, "C000001", "B")
    parts = webhook.wait_for(4)[2:]
    assert [(bool(part["Deleted"]), bool(part["Inserted"])) for part in parts] == [(True, False), (False, True)]
    erp.settings(push_split=False, push_reorder=True)
    _rename(erp, "C000001", "C")
    _rename(erp, "C000001", "D")
    swapped = webhook.wait_for(6)[4:]
    assert [message["Inserted"][0]["CustomerName"] for message in swapped] == ["D", "C"]
    assert swapped[0]["TimeStamp"] > swapped[1]["TimeStamp"]
    erp.settings(push_reorder=False, push_drop=True)
    _rename(erp, "C000001", "E")
    erp.settings(push_drop=False)
    _rename(erp, "C000001", "F")
    assert webhook.wait_for(7)[6]["Inserted"][0]["CustomerName"] == "F"


def test_s17_32_messages_are_disturbed_when_faults_say_so(erp: Any, webhook: Webhook) -> None:
    """The same as faults, with counts: drop the first message that names a customer."""
    erp.settings(push_url=webhook.url)
    erp.control("PUT", "faults", [{"effect": "drop", "match": {"body_regex": "C000002"}, "times": 1}])
    _rename(erp, "C000002", "Dropped")
    _rename(erp, "C000002", "Sent")
    assert webhook.wait_for(1)[0]["Inserted"][0]["CustomerName"] == "Sent"
    assert erp.control("GET", "faults")[0]["applied"] == 1


def test_s17_32_sending_stops_when_five_sends_failed(erp: Any, webhook: Webhook) -> None:
    """A message is sent at most five times, then kept as failed."""
    webhook.status = 503
    erp.settings(push_url=webhook.url, push_retry_seconds=0.01)
    _rename(erp, "C000001", "Never")
    webhook.wait_for(5)
    deadline = time.monotonic() + 5
    while not (failed := erp.control("GET", "state")["push"]["failed"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [message["Inserted"][0]["CustomerName"] for message in failed] == ["Never"]
    webhook.status = 200
    _rename(erp, "C000001", "Taken")
    assert len(webhook.wait_for(6)) == 6


def test_s17_33_calls_are_logged_when_clients_call(erp: Any) -> None:
    """The log holds method, path, query, body, status, session and duration, filters, and no secret."""
    erp.control("DELETE", "calls")
    erp.get(f"{erp.default}/Customer", {"$top": 1})
    erp.another().login(password="sandbox")
    first, second = erp.control("GET", "calls")
    columns = {"seq", "at_utc", "method", "path", "query", "status", "duration_ms", "request_bytes", "response_bytes"}
    assert columns | {"body", "fault", "session"} <= set(first)
    assert (first["method"], first["path"], first["query"]) == ("GET", f"{erp.default}/Customer", "%24top=1")
    assert "sandbox" not in second["body"].replace("Sandbox", "")
    assert '"password": "***"' in second["body"]
    assert [row["seq"] for row in erp.control("GET", "calls?method=POST")] == [second["seq"]]
    assert [row["seq"] for row in erp.control("GET", "calls?path=/Customer")] == [first["seq"]]
    assert [row["seq"] for row in erp.control("GET", f"calls?since={first['seq']}")] == [second["seq"]]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"effect": "status", "status": 503, "body_style": "html"}, 503),
        ({"effect": "status", "status": 502, "body_style": "empty"}, 502),
        ({"effect": "status", "status": 418}, 418),
        ({"effect": "html"}, 200),
        ({"effect": "fail_before_commit"}, 500),
        ({"effect": "commit_then_fail"}, 500),
        ({"effect": "burst_429", "seconds": 5}, 429),
        ({"effect": "session_limit_429"}, 429),
        ({"effect": "session_limit_302"}, 302),
        ({"effect": "delay_ms", "delay_ms": 50}, 200),
        ({"effect": "slow_body", "chunk_bytes": 1000, "delay_ms": 1}, 200),
        ({"effect": "malformed_json"}, 200),
    ],
)
def test_s17_33_fault_is_laid_over_a_call_when_it_matches(erp: Any, fault: dict[str, Any], status: int) -> None:
    """Every effect that ends in an answer, once, on the matching route only."""
    order = {**fault, "match": {"method": "GET", "path_regex": "/Customer$"}, "times": 1}
    erp.control("PUT", "faults", [order])
    assert erp.get(f"{erp.default}/Contact", {"$top": 1}).status_code == 200
    hit = erp.get(f"{erp.default}/Customer", {"$top": 1})
    assert hit.status_code == status
    assert erp.control("GET", "faults")[0]["applied"] == 1
    assert erp.control("GET", "calls?path=/Customer")[-1]["fault"] == fault["effect"]
    if fault["effect"] == "malformed_json":
        with pytest.raises(requests.JSONDecodeError):
            hit.json()
    if fault["effect"] == "burst_429":
        erp.advance(6)
    assert erp.get(f"{erp.default}/Customer", {"$top": 1}).status_code == 200


@pytest.mark.parametrize("effect", ["truncate", "connection_reset", "commit_then_reset", "reset", "hang"])
def test_s17_33_connection_is_cut_when_the_fault_says_so(erp: Any, effect: str) -> None:
    """Effects that end without a whole answer; only those after the commit have stored."""
    name = erp.customer("C000001")["CustomerName"]["value"]
    fault = {"effect": effect, "match": {"method": "PUT"}, "times": 1, "max_s": 0.2}
    erp.control("PUT", "faults", [fault])
    body = {"CustomerID": {"value": "C000001"}, "CustomerName": {"value": "Cut"}}
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        erp.put(f"{erp.default}/Customer", body)
    stored = erp.customer("C000001")["CustomerName"]["value"]
    assert stored == ("Cut" if effect in ("truncate", "commit_then_reset") else name)


def test_s17_33_fault_waits_when_it_says_after_and_probability(erp: Any) -> None:
    """`after` lets calls pass first; `probability` with a seed gives the same hits every time."""
    erp.control("PUT", "faults", [{"effect": "status", "status": 503, "after": 2, "times": 1}])
    seen = [erp.get(f"{erp.default}/Customer", {"$top": 1}).status_code for _ in range(4)]
    assert seen == [200, 200, 503, 200]
    runs = []
    for _ in range(2):
        erp.control("PUT", "faults", [{"effect": "status", "status": 503, "probability": 0.5, "seed": 7}])
        runs.append([erp.get(f"{erp.default}/Customer", {"$top": 1}).status_code for _ in range(12)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([{"effect": "nonsense"}], "[0].effect"),
        ([{}], "[0].effect"),
        ([{"effect": "html", "match": {"path_regex": "("}}], "[0].match.path_regex"),
        ([{"effect": "html"}, {"effect": "html", "times": "x"}], "[1].times"),
        ([{"effect": "html", "unknown": 1}], "[0].unknown"),
        ([{"effect": "html", "probability": 2}], "[0].probability"),
    ],
)
def test_s17_33_fault_is_refused_when_it_is_wrong(erp: Any, body: Any, field: str) -> None:
    """A bad definition is a 400 that names the field, and the old list stays."""
    erp.control("PUT", "faults", [{"effect": "html", "times": 5}])
    refused = requests.put(f"{erp.url}/_sandbox/faults", json=body, timeout=10)
    assert refused.status_code == 400
    assert refused.json()["error"]["field"] == field
    assert [fault["times"] for fault in erp.control("GET", "faults")] == [5]


def test_s17_33_settings_are_checked_when_put(erp: Any) -> None:
    """Every switch is shown with value, default and meaning; wrong names and types are refused, all or none."""
    shown = erp.control("GET", "settings")
    assert all({"value", "default", "accepts", "doc"} <= set(entry) for entry in shown.values())
    for body, field in (({"nope": 1}, "nope"), ({"sessions": "2"}, "sessions"), ({"list_order": "x"}, "list_order")):
        refused = requests.put(f"{erp.url}/_sandbox/settings", json={"sessions": 9, **body}, timeout=10)
        assert refused.status_code == 400
        assert refused.json()["error"]["field"] == field
    assert erp.control("GET", "settings")["sessions"]["value"] == 2


def test_s17_33_everything_is_as_new_when_reset(erp: Any) -> None:
    """Reset brings back the seed and clears calls, faults, clock and settings; seed takes other data."""
    fresh = erp.control("GET", "state")["customers"]
    _rename(erp, "C000001", "Changed")
    erp.settings(sessions=7)
    erp.control("PUT", "faults", [{"effect": "html", "times": 1, "after": 99}])
    erp.control("PUT", "clock", {"advance_s": 1e6, "freeze": True})
    erp.control("POST", "reset")
    assert erp.control("GET", "state")["customers"] == fresh
    assert erp.control("GET", "faults") == erp.control("GET", "calls") == []
    assert erp.control("GET", "settings")["sessions"]["value"] == 2
    clock = erp.control("GET", "clock")
    assert (clock["frozen"], abs(clock["offset_s"]) < 1) == (False, True)
    assert erp.control("POST", "seed", {"seed": 2, "customers": 7}) == {"seed": 2, "customers": 7}
    assert len(erp.control("GET", "state")["customers"]) == 7
    assert requests.post(f"{erp.url}/_sandbox/seed", json={"customers": "x"}, timeout=10).status_code == 400
    erp.control("POST", "seed", {"seed": 1, "customers": 60})


def test_s17_33_state_is_whole_when_loaded_again(erp: Any) -> None:
    """What `GET state` says can be put back, and reads the same afterwards."""
    _rename(erp, "C000001", "Changed")
    erp.request("DELETE", f"{erp.default}/Customer/C000002")
    parts = ("customers", "contacts", "locations", "deleted", "counters")
    saved = erp.control("GET", "state")
    erp.control("POST", "reset")
    erp.control("PUT", "state", saved)
    again = erp.control("GET", "state")
    assert [again[part] for part in parts] == [saved[part] for part in parts]
    erp.login()
    assert erp.customer("C000001")["CustomerName"]["value"] == "Changed"


def _command(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own command with our own arguments
        [sys.executable, "-m", "sandbox", "acumatica", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def test_s17_33_twin_refuses_to_start_when_the_address_is_not_loopback() -> None:
    """A host beyond this machine is refused unless --allow-remote is given."""
    process = _command("--host", "0.0.0.0")  # noqa: S104 - the refusal is what is tested
    out, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "0.0.0.0 is not a loopback address" in err
    assert "listening" not in out


def test_s17_33_state_is_continued_when_the_twin_is_started_again(tmp_path: Path) -> None:
    """The command prints its address, ends cleanly on SIGTERM, and goes on from its state file."""
    file = tmp_path / "erp.json"
    for expected in (False, True):
        process = _command("--customers", "30", "--state", str(file))
        assert process.stdout is not None
        match = re.search(r"acumatica listening on (http://127\.0\.0\.1:\d+)", process.stdout.readline())
        assert match is not None
        state = requests.get(f"{match.group(1)}/_sandbox/state", timeout=10).json()
        names = {row["CustomerID"]: row["values"]["CustomerName"] for row in state["customers"]}
        assert (names["C000001"] == "Kept") is expected
        http = requests.Session()
        login = {"name": "admin", "password": "sandbox"}
        assert http.post(f"{match.group(1)}/entity/auth/login", json=login, timeout=10).status_code == 204
        body = {"CustomerID": {"value": "C000001"}, "CustomerName": {"value": "Kept"}}
        http.put(f"{match.group(1)}/entity/Default/24.200.001/Customer", json=body, timeout=10)
        http.close()
        process.terminate()
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, "")
    assert file.stat().st_mode & 0o077 == 0


def test_s17_34_world_is_the_same_when_the_seed_is(erp: Any) -> None:
    """The same seed gives the same data, ids included; another seed gives other data."""
    first = erp.control("GET", "state")
    erp.control("POST", "seed", {"seed": 1, "customers": 60})
    again = erp.control("GET", "state")
    for part in ("customers", "contacts", "locations"):
        assert again[part] == first[part]
    erp.control("POST", "seed", {"seed": 2})
    assert erp.control("GET", "state")["customers"] != first["customers"]
    erp.control("POST", "seed", {"seed": 1, "customers": 60})


def test_s17_34_every_kind_of_customer_is_there_when_seeded(start_twin: Any) -> None:
    """The seeded 500 hold what the statement lists, most of them eligible."""
    erp = start_twin(customers=500)
    erp.login()
    parts = "MainContact,MainContact/Address,Contacts,Contacts/Contact"
    rows = erp.get(f"{erp.extended}/Customer", {"$expand": parts}).json()
    assert len(rows) == 500
    keys = {row["CustomerID"]["value"] for row in rows}
    assert {"ACME WEST 46", "NORTH/SOUTH47"} <= keys
    classes = [row["CustomerClass"]["value"] for row in rows]
    assert 0.75 < classes.count("B2B") / 500 < 0.95
    assert {True, False} == {row["EnableKensiumCommerce"]["value"] for row in rows}
    assert {"Active", "Credit Hold", "On Hold", "Inactive", "One-Time"} == {row["Status"]["value"] for row in rows}
    emails = [row["Email"]["value"].casefold() for row in rows if row["Email"]]
    assert len(emails) < 500
    assert len(set(emails)) < len(emails)
    assert [row for row in rows if row["Contacts"] and not row["PrimaryContactID"]]
    assert {0, 1, 12} <= {len(row["Contacts"]) for row in rows}
    countries = {row["MainContact"]["Address"]["Country"].get("value") for row in rows}
    assert {
        "US",
        "CA",
        "GB",
        "DE",
        "FR",
        "NL",
        "JP",
        "CN",
        "KR",
        "BR",
        "MX",
        "IN",
        "AE",
        "GR",
        "RU",
        "IL",
        "TH",
    } <= countries
    assert max(len(row["CustomerName"]["value"]) for row in rows) == 240
    contacts = erp.get(f"{erp.extended}/Contact").json()
    assert [c for c in contacts if not c["FirstName"] and not c["LastName"]]
    assert [c for c in contacts if not c["Email"]]
    assert {True, False} == {c["Active"]["value"] for c in contacts}
    assert {True, False} == {c["EnableKensiumCommerce"]["value"] for c in contacts}
    locations = [row["Customer"]["value"] for row in erp.get(f"{erp.extended}/CustomerLocation").json()]
    assert {0, 1, 12} <= {locations.count(key) for key in keys}


def test_every_statement_of_section_17_has_a_test_when_the_suite_is_read() -> None:
    """Statements 1 to 34 and 33a are each named by a test of this suite."""
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_erp_s17_*.py")]
    named = set(re.findall(r"def test_s17_(\d\da?)_", "\n".join(texts)))
    assert named == {f"{number:02d}" for number in range(1, 35)} | {"33a"}
