"""The command `customer-sync` against both twins: what it answers, and with which exit code it ends."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_sync.commands.main import main
from customer_sync.ledger import Ledger
from tests.integration.twin_world import World


@dataclass
class Shell:
    """Runs commands in the environment that an operator would have set."""

    world: World
    connector: Path
    capsys: pytest.CaptureFixture[str]
    err: str = ""

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """Exit code and standard output; standard error is kept in ``err``."""
        try:
            code = main(arguments)
        except SystemExit as end:  # argparse ends so
            code = int(str(end.code))
        said = self.capsys.readouterr()
        self.err = said.err
        return code, said.out

    def json(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the JSON that is alone on standard output."""
        code, out = self(*arguments, "--json")
        answer: dict[str, Any] = json.loads(out)
        return code, answer

    def rules(self, **sections: Any) -> None:
        """Change sections of the connector file."""
        file = yaml.safe_load(self.connector.read_text(encoding="utf-8"))
        self.connector.write_text(yaml.safe_dump(file | sections), encoding="utf-8")


@pytest.fixture
def shell(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """An environment with both connections, a ledger and a connector file."""
    erp = {"conn_type": "acumatica", "host": world.erp_url, "login": "admin", "password": "sandbox"}
    extra = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
    monkeypatch.setenv("AIRFLOW_CONN_ACUMATICA_SHOP", json.dumps({**erp, "extra": extra}))
    host = world.store_url.removeprefix("http://")
    monkeypatch.setenv("AIRFLOW_CONN_BETTER_B2B_SHOP", f"better-b2b://:sandbox-token@{host}/http?store_hash=sandbox")
    monkeypatch.setenv("CUSTOMER_SYNC_LEDGER_URL", world.ledger_url)
    monkeypatch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(tmp_path))
    path = tmp_path / "shop.yaml"
    shipped = world.connector.model_dump(mode="json", exclude_defaults=True)
    path.write_text(
        yaml.safe_dump({**shipped, "id": "shop", "store": {"requests_per_minute": 60_000}}), encoding="utf-8"
    )
    return Shell(world, path, capsys)


def in_quarantine(shell: Shell) -> list[str]:
    """Customers of whom anything is in quarantine."""
    with Ledger.open("shop", shell.world.ledger_url) as ledger:
        return ledger.quarantine.customer_ids()


def test_a_run_answers_with_its_balance_and_a_second_one_changes_nothing(shell: Shell) -> None:
    """Counts by outcome, requests by system, the plan's hash; afterwards nothing is left to do."""
    code, first = shell.json("run", "shop", "--mode", "full")
    assert code == 0
    assert first["counts"]["created"] == len(shell.world.companies()) > 10
    assert first["requests"]["acumatica"] > 0
    assert first["requests"]["better_b2b"] > 0
    assert first["error"] is None
    assert first["seconds"] > 0
    code, second = shell.json("run", "shop", "--mode", "full")
    assert code == 0
    assert second["counts"]["waiting"] == 2
    assert second["waiting"] == second["counts"]["waiting"] + second["counts"]["quarantined"]
    assert second["waiting"] == sum(
        len(shell.json("explain", "shop", key)[1]["waiting"]) for key in in_quarantine(shell)
    )
    assert second["counts"]["unchanged"] + second["counts"]["waiting"] == first["counts"]["created"]
    assert second["run_id"] != first["run_id"]
    assert shell.world.seats_taken() == 0


def test_a_dry_run_writes_nothing_and_its_hash_binds_the_next_run(shell: Shell) -> None:
    """The plan that was read is the plan that is applied; any other is refused with its own exit code."""
    code, planned = shell.json("run", "shop", "--mode", "full", "--dry-run")
    assert code == 0
    assert planned["counts"]["planned"] > 10
    assert shell.world.companies() == {}
    code, refused = shell.json("run", "shop", "--mode", "full", "--plan-hash", "0" * 32)
    assert code == 3
    assert "The plan is now" in refused["error"]
    assert shell.world.companies() == {}
    code, done = shell.json("run", "shop", "--mode", "full", "--plan-hash", planned["plan_hash"])
    assert code == 0
    assert done["plan_hash"] == planned["plan_hash"]


def test_a_guard_ends_the_command_with_code_3(shell: Shell) -> None:
    """A wrong filter would take most companies away: nothing is written, and the sentence is in the answer."""
    shell("run", "shop", "--mode", "full")
    shell.rules(eligibility={"types": ["BUSINESS"]})
    shell.world.forget_calls()
    code, refused = shell.json("run", "shop", "--mode", "full")
    assert code == 3
    assert "least_eligible_share" in refused["error"]
    assert shell.world.store_writes() == []


def test_a_customer_is_explained_by_number_and_by_record_id(shell: Shell) -> None:
    """Outcome, company, reasons and runs; the record id that the answer names finds the same customer."""
    shell("run", "shop", "--mode", "full")
    customer_id, company = next(iter(shell.world.companies().items()))
    code, by_number = shell.json("explain", "shop", customer_id)
    assert code == 0
    assert by_number["company_id"] == company["companyId"]
    assert by_number["outcome"] == "created"
    assert by_number["waiting"] == []
    assert f"Customer {customer_id} is company {company['companyId']}." in by_number["text"]
    assert [run["outcome"] for run in by_number["runs"]] == ["created"]
    assert "create_company" in {step["action"] for step in by_number["runs"][0]["steps"]}
    code, by_record = shell.json("explain", "shop", by_number["record_id"])
    assert code == 0
    assert by_record == by_number


def test_a_quarantined_customer_waits_with_reason_and_next_step(shell: Shell) -> None:
    """What the store could not hold says for what it waits and what a person does."""
    shell.world.edit("Customer", CustomerID="C000001", CustomerName="")
    _, done = shell.json("run", "shop", "--mode", "full")
    assert done["counts"]["quarantined"] > 0
    with Ledger.open("shop", shell.world.ledger_url) as ledger:
        held = ledger.quarantine.customer_ids()
    assert done["waiting"] == sum(len(shell.json("explain", "shop", each)[1]["waiting"]) for each in held)
    code, story = shell.json("explain", "shop", held[0])
    assert code == 0
    assert story["outcome"] == "quarantined"
    assert story["company_id"] is None
    assert story["waiting"][0]["reason"] in story["reasons"]
    assert story["waiting"][0]["waits_for"].endswith("in the ERP")
    assert story["next_step"] in story["text"]
    code, earlier = shell.json("explain", "shop", held[0], "--at", "2000-01-01T00:00:00+00:00")
    assert code == 0
    assert earlier["runs"] == []
    assert earlier["outcome"] is None


def test_an_unknown_customer_ends_with_code_1(shell: Shell) -> None:
    """The sentence names the customer, on standard error and in the JSON."""
    code, answer = shell.json("explain", "shop", "NOBODY")
    assert code == 1
    assert "does not know a customer 'NOBODY'" in answer["error"]
    assert answer["error"] in shell.err


def test_differences_are_found_and_repaired(shell: Shell) -> None:
    """Equal ends with 0; a value that somebody changed ends with 1 and is named; repaired it is equal again."""
    shell.rules(contacts={"include": False})  # of the seeded contacts some have e-mails of other companies' users
    shell("run", "shop", "--mode", "full")
    _, waiting = shell.json("reconcile", "shop")
    assert waiting["classes"] == {"waiting": len(waiting["differences"])}  # the seed has customers without a phone, …
    for each in waiting["differences"]:
        assert shell.json("explain", "shop", each["customer_id"])[1]["company_id"] is None
        shell.world.edit("Customer", CustomerID=each["customer_id"], Status="Inactive")
    code, equal = shell.json("reconcile", "shop")
    assert (code, equal["equal"], equal["classes"], equal["differences"]) == (0, True, {}, [])
    company = next(iter(shell.world.companies().values()))
    address = f"{shell.world.store_url}/api/v3/io/companies/{company['companyId']}"
    change(address, companyName="Somebody else's name")
    code, drifted = shell.json("reconcile", "shop")
    assert code == 1
    assert drifted["equal"] is False
    assert sum(drifted["classes"].values()) == len(drifted["differences"]) == 1
    found = drifted["differences"][0]
    assert found["company_id"] == company["companyId"]
    code, _ = shell.json("reconcile", "shop", "--repair", f"{found['class']}=reapply")
    assert code == 1
    code, repaired = shell.json("reconcile", "shop")
    assert (code, repaired["equal"]) == (0, True)


def change(url: str, **fields: Any) -> None:
    """Write to the store as its own staff would."""
    headers = {"X-Auth-Token": "sandbox-token", "X-Store-Hash": "sandbox", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(fields).encode(), headers, method="PUT")  # noqa: S310 - the twin's address
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the twin's address
        assert answer.status == 200


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "shop", "--mode", "selected"], "customer_ids is required"),
        (["run", "shop", "--modified-from", "yesterday"], "modified_from"),
        (["run", "shop", "--mode", "everything"], "invalid choice"),
        (["explain", "shop", "C1", "--at", "2026-11-22"], "with a zone"),
        (["reconcile", "shop", "--repair", "drift=unenrol"], "repair cannot be drift=unenrol"),
        (["reconcile", "shop", "--mode", "adopt", "--matches", "nowhere.csv"], "nowhere.csv cannot be read"),
        ([], "COMMAND"),
    ],
)
def test_a_wrong_command_line_ends_with_code_2(shell: Shell, arguments: list[str], expected: str) -> None:
    """What is wrong is said on standard error; standard output stays empty."""
    code, out = shell(*arguments)
    assert (code, out) == (2, "")
    assert expected in shell.err


def test_the_default_ledger_is_named_when_none_is_given(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without CUSTOMER_SYNC_LEDGER_URL the SQLite file in AIRFLOW_HOME is used, and standard error says so."""
    monkeypatch.delenv("CUSTOMER_SYNC_LEDGER_URL")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert shell.json("run", "shop", "--customer", "C000001")[0] == 0
    assert f"Ledger: sqlite:///{tmp_path / 'customer_sync_ledger.db'}" in shell.err
    assert (tmp_path / "customer_sync_ledger.db").is_file()


def test_a_missing_connection_fails_with_the_variable_that_would_hold_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the environment nor Airflow has it: code 1, and the JSON holds the sentence."""
    monkeypatch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(shell.connector.parent))
    monkeypatch.setenv("AIRFLOW_CONN_BETTER_B2B_SHOP", '{"host": ')
    code, answer = shell.json("run", "shop")
    assert code == 1
    assert "AIRFLOW_CONN_BETTER_B2B_SHOP holds no connection" in answer["error"]


def test_a_ledger_is_copied_and_never_into_one_that_holds_something(shell: Shell, tmp_path: Path) -> None:
    """The rows are counted by table; the second time the database is not empty any more."""
    with shell.world.ledger() as ledger, ledger.write() as connection:
        ledger.watermarks.put(connection, "r1", {"customers": "2026-01-01"})
    copied = f"sqlite:///{tmp_path / 'copy.db'}"
    code, done = shell.json("ledger", "copy", shell.world.ledger_url, copied)
    assert (code, done["rows"]["watermark"], done["rows"]["journal"]) == (0, 1, 0)
    code, out = shell("ledger", "copy", shell.world.ledger_url, copied)
    assert (code, out) == (1, "")
    assert "watermark" in shell.err


def test_a_first_load_is_taken_back_and_brought_again(shell: Shell) -> None:
    """A guard wants the hash; then no company trades and the ERP has no id; the undo of the undo brings all back."""
    _, first = shell.json("run", "shop", "--mode", "full")
    code, planned = shell.json("undo", "shop", first["run_id"], "--dry-run")
    assert (code, planned["undone"], planned["kept"]) == (0, 0, [])
    code, refused = shell.json("undo", "shop", first["run_id"], "--yes")
    assert code == 3
    assert "most_withdrawn" in refused["error"]
    code, done = shell.json("undo", "shop", first["run_id"], "--yes", "--plan-hash", planned["plan_hash"])
    assert (code, done["outcomes"]) == (0, {"deactivated": len(shell.world.companies())})
    code, again = shell.json("undo", "shop", done["run_id"], "--yes")
    assert (code, again["kept"], again["impossible"]) == (0, [], [])
    assert again["outcomes"] == {"reactivated": done["undone"]}
    code, after = shell.json("run", "shop", "--mode", "full")
    assert code == 0
    assert not {"updated", "created", "reactivated", "deactivated"} & after["counts"].keys()
