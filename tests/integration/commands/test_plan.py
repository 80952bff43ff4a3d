"""``customer-sync plan`` against both twins: its answer, its exit codes, and that it writes nothing anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from customer_sync.commands.main import main
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.schema import metadata
from tests.integration.commands.test_commands import Shell, shell
from tests.integration.twin_world import World, call

__all__ = ["shell"]


def draft(shell: Shell, **sections: Any) -> str:
    """A draft with some other sections, beside the connector file."""
    path = shell.connector.with_name("draft.yaml.txt")
    file = yaml.safe_load(shell.connector.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(file | sections), encoding="utf-8")
    return str(path)


def planned(shell: Shell, *arguments: str) -> dict[str, Any]:
    """The answer as JSON."""
    code, out = shell("plan", "shop", *arguments, "--format", "json")
    assert code == 0, shell.err
    answer: dict[str, Any] = json.loads(out)
    return answer


def rows(shell: Shell) -> dict[str, list[Any]]:
    """All rows of the ledger but those of turns, seats and leases, which come and go with a session."""
    of_the_moment = {"request_turn", "session_seat", "lease"}
    with Ledger.open("shop", shell.world.ledger_url) as ledger, ledger.engine.connect() as connection:
        tables = [table for table in metadata.sorted_tables if table.name not in of_the_moment]
        return {table.name: list(connection.execute(sa.select(table))) for table in tables}


def store_calls(shell: Shell) -> list[dict[str, Any]]:
    """What the store was asked since the calls were forgotten."""
    calls: list[dict[str, Any]] = call(f"{shell.world.store_url}/_sandbox/calls")
    return calls


def test_a_draft_is_planned_beside_the_present_file_and_equals_the_dry_run_that_follows(shell: Shell) -> None:
    """Over the twins as over the in-memory systems: no request to the store, no row of the ledger changed."""
    shell("run", "shop", "--mode", "full")
    tried = draft(shell, eligibility={"types": ["B2B"], "classes": ["KEY"]}, store={"default_phone": "+1 555 010 0999"})
    before = rows(shell)
    shell.world.forget_calls()
    answer = planned(shell, "--file", tried)
    assert store_calls(shell) == []
    assert rows(shell) == before
    assert shell.world.seats_taken() == 0
    assert answer["settings"] == ["eligibility.classes", "store.default_phone", "store.requests_per_minute"]
    assert answer["difference"]["no_longer_eligible"]["count"] > 0
    assert answer["difference"]["withdrawn"]["by_reason"].keys() >= {"class_not_selected"}
    shell.connector.write_text(Path(tried).read_text(encoding="utf-8"), encoding="utf-8")
    code, dry = shell.json("run", "shop", "--mode", "full", "--dry-run")
    assert code == 0
    assert answer["plan"]["plan_hash"] == dry["plan_hash"]
    assert answer["plan"]["outcomes"] == dry["counts"] | {
        name: count for name, count in answer["plan"]["outcomes"].items() if name == "waiting"
    }


def test_without_a_draft_it_plans_the_present_file(shell: Shell) -> None:
    """An empty ledger keeps nothing of the store yet: that is said with its remedy, which works."""
    code, out = shell("plan", "shop", "--format", "json")
    assert code == 1
    assert "--with-store" in json.loads(out)["error"]
    answer = planned(shell, "--with-store")
    assert answer["now"] is None
    assert answer["difference"] is None
    assert answer["plan"]["created"] > 10
    assert answer["plan"]["requests"]["store"] > 0
    assert shell.world.companies() == {}
    _, dry = shell.json("run", "shop", "--mode", "full", "--dry-run")
    assert answer["plan"]["plan_hash"] == dry["plan_hash"]
    assert planned(shell)["plan"]["plan_hash"] == dry["plan_hash"]


def test_markdown_is_for_a_pull_request(shell: Shell) -> None:
    """A table of both plans, who is concerned by number and masked name, and that nothing was written."""
    shell("run", "shop", "--mode", "full")
    code, out = shell(
        "plan", "shop", "--file", draft(shell, contacts={"other_role": "Senior Buyer"}), "--examples", "2"
    )
    assert code == 0
    assert out.startswith("## What if: `draft.yaml.txt` for connector `shop`\n")
    assert "| | present file | the draft |" in out
    assert "Guard would" in out
    assert "contact `role`" in out
    assert "Nothing was written." in out
    emails = [user["email"] for user in shell.world.store_state()["users"]]
    assert len(emails) > 10
    assert [email for email in emails if email in out] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "id: shop\nstore:\n  requests_per_minuet: 5\n",
            "store.requests_per_minuet: unknown setting (given: 5) at line 3",
        ),
        ("id: shop\nstore: {bulk_size: 99}\n", "at line 2, column 9"),
        ("id: shop\nstore: [\n", "cannot be parsed at line 3"),
        ("id: other\n", "it is 'other', and the draft is to be one of 'shop'"),
        ("", "must hold settings"),
    ],
)
def test_a_wrong_draft_is_told_by_line_and_column(shell: Shell, text: str, said: str) -> None:
    """Exit code 1 like a wrong connector file; no system is asked."""
    path = shell.connector.with_name("wrong.yaml.txt")
    path.write_text(text, encoding="utf-8")
    shell.world.forget_calls()
    code, out = shell("plan", "shop", "--file", str(path), "--format", "json")
    assert code == 1
    assert said in json.loads(out)["error"]
    assert store_calls(shell) == []


def test_a_draft_that_is_not_there_is_a_wrong_command_line(shell: Shell) -> None:
    """Exit code 2, as for any argument that does not fit."""
    assert shell("plan", "shop", "--file", "no-such.yaml")[0] == 2
    assert "there is no such file" in shell.err
    assert shell("plan", "shop", "--examples", "many")[0] == 2


def test_a_present_file_that_is_broken_does_not_keep_its_repair_from_being_tried(shell: Shell) -> None:
    """The draft is planned alone, and why nothing is compared is said."""
    shell("run", "shop", "--mode", "full")
    tried = draft(shell)
    shell.connector.write_text("id: shop\nno_such: 1\n", encoding="utf-8")
    answer = planned(shell, "--file", tried)
    assert answer["now"] is None
    assert any("no_such" in note for note in answer["notes"])


def test_the_help_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A new user finds it."""
    with pytest.raises(SystemExit):
        main(["plan", "--help"])
    assert "writes nothing" in " ".join(capsys.readouterr().out.split())


def test_reading_otherwise_reads_for_each(shell: Shell, world: World) -> None:
    """A draft that names other fields is compared all the same, and the reader is told."""
    shell("run", "shop", "--mode", "full")
    answer = planned(shell, "--file", draft(shell, contacts={"include": False}))
    assert answer["now"] is not None
    assert any("read once for each" in note for note in answer["notes"])
    assert world.seats_taken() == 0
