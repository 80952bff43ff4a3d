"""How long the source's word about its fields holds, on a ledger of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import time_machine

from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.run import Run
from customer_sync.sources.port import Contract, Source
from customer_sync.steps.contract_gate import KEPT_FOR, check_contract
from tests.unit.customer_sync.builders import a_connector

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Described:
    """The part of a source that the gate asks: what it serves, and which fields it lacks."""

    def __init__(self, *missing: str) -> None:
        self.missing = list(missing)
        self.fingerprint = "build 1"
        self.asked = 0

    def contract(self) -> Contract:
        """What is served at present."""
        return Contract(fingerprint=self.fingerprint, served_by="the endpoint X", remedy="publish it")

    def missing_fields(self) -> list[str]:
        """The fields that it lacks."""
        self.asked += 1
        return self.missing


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    with Ledger.open("knb", f"sqlite:///{tmp_path / 'ledger.db'}") as opened:
        yield opened


def check(ledger: Ledger, source: Described, **settings: Any) -> None:
    """Pass the gate."""
    check_contract(Run(a_connector(**settings), ledger, "r"), cast("Source", source))


def test_missing_fields_are_named_with_who_lacks_them_and_what_to_do(ledger: Ledger) -> None:
    """One sentence each: what, where it is set, the remedy, and that nothing has happened yet."""
    with pytest.raises(ConfigError) as caught:
        check(ledger, Described("Customer field Email", "Contact field Phone"))
    assert str(caught.value) == (
        "The endpoint X lacks what knb.yaml reads: Customer field Email; Contact field Phone. Correct the section "
        "'source' of the file, or publish it. Nothing was written."
    )
    assert caught.value.evidence == {"setting": "knb.yaml: source"}


def test_a_refusal_is_not_kept(ledger: Ledger) -> None:
    """The next run asks again: the field may be back."""
    source = Described("Customer field Email")
    for _ in range(2):
        with pytest.raises(ConfigError):
            check(ledger, source)
    assert source.asked == 2


def test_an_answer_is_kept_for_a_day(ledger: Ledger) -> None:
    """The description is large; what was complete an hour ago need not be read again."""
    source = Described()
    for age, asked in ((timedelta(), 1), (timedelta(), 1), (KEPT_FOR, 1), (KEPT_FOR + timedelta(seconds=1), 2)):
        with time_machine.travel(NOW + age, tick=False):
            check(ledger, source)
        assert source.asked == asked
    assert timedelta(hours=24) == KEPT_FOR


def test_an_answer_holds_for_what_is_served_and_for_the_mapping_only(ledger: Ledger) -> None:
    """A new build may lack a field, and a new mapping may read another one."""
    source = Described()
    check(ledger, source)
    source.fingerprint = "build 2"
    check(ledger, source)
    assert source.asked == 2
    check(ledger, source, contacts={"include": False})
    assert source.asked == 3
    check(ledger, source, contacts={"include": False})
    assert source.asked == 3
