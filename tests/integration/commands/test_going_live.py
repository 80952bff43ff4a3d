"""The path of docs/going-live.md over both twins, by the commands that stand there."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from customer_sync.ledger import Ledger
from tests.integration.commands.test_commands import Shell, shell

__all__ = ["shell"]


def test_from_a_pilot_to_everybody(shell: Shell) -> None:
    """Two customers first, a shadow beside them, then the rest behind the guard on creations, and mails at last."""
    live = {"contacts": {"welcome_email": "after_cutover", "cutover": f"{_today() + timedelta(days=1)}"}}
    _, planned = shell("plan", "shop", "--with-store", "--format", "json")
    everybody = json.loads(planned)["plan"]["created"]
    # 1 the pilot
    _, dry = shell.json("run", "shop", "--mode", "full", "--dry-run")
    assert dry["counts"]["planned"] >= everybody > 10
    pilot = _some(shell)
    shell.rules(**live, eligibility={"only": pilot})
    code, first = shell.json("run", "shop", "--mode", "full")
    assert code == 0
    assert first["counts"]["created"] == len(pilot) == len(shell.world.companies())
    # 2 the shadow run writes nothing
    shell.world.forget_calls()
    shell.json("reconcile", "shop", "--mode", "shadow")
    assert shell.world.store_writes() == []
    # 3 what ending the pilot would do, and the guard that stands before it
    shell.rules(**live, eligibility={"only": []})
    code, out = shell("plan", "shop", "--format", "json")
    assert code == 0
    rest = json.loads(out)["plan"]
    assert rest["created"] == everybody - len(pilot)
    assert rest["guard"]["verdict"] == "asks"
    assert rest["welcomed"] == 0
    code, refused = shell.json("run", "shop", "--mode", "full")
    assert code == 3
    assert "guards.most_created_share" in refused["error"]
    assert len(shell.world.companies()) == len(pilot)
    # 4 the rest, with the limit raised for this one run
    shell.rules(**live, eligibility={"only": []}, guards={"most_created_share": 1000})
    code, done = shell.json("run", "shop", "--mode", "full", "--plan-hash", rest["plan_hash"])
    assert code == 0
    assert len(shell.world.companies()) == everybody
    assert done["plan_hash"] == rest["plan_hash"]
    # 5 after the cut-over new users are welcomed; those of before stay as they are
    shell.rules(contacts={"welcome_email": "after_cutover", "cutover": f"{_today()}"}, guards={})
    code, out = shell("plan", "shop", "--format", "json")
    assert code == 0
    assert json.loads(out)["plan"]["created"] == 0


def _today() -> date:
    return datetime.now(UTC).date()


def _some(shell: Shell) -> list[str]:
    """Two customers that trade."""
    _, out = shell("run", "shop", "--mode", "full", "--dry-run", "--json")
    assert json.loads(out)["counts"]["planned"] > 2
    with Ledger.open("shop", shell.world.ledger_url) as ledger:
        rows = ledger.runs.customers(json.loads(out)["run_id"])
    return [key for key, _, outcome, _ in rows if outcome == "planned"][:2]
