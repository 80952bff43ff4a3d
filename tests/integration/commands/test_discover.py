"""The command `customer-sync discover`: what it says when something is wrong, what it asks at a terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_sync.commands.main import main
from customer_sync.settings.connector_file import load_connector
from tests.integration.twin_world import World

DOCUMENT = Path(__file__).parents[1] / "discovery/documents/own_24.json"


@pytest.fixture
def connections(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Both connections in the environment."""
    erp = {"conn_type": "acumatica", "host": world.erp_url, "login": "admin", "password": "sandbox"}
    extra = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
    store = {"conn_type": "better_b2b", "host": world.store_url, "password": "sandbox-token"}
    monkeypatch.setenv("AIRFLOW_CONN_ERP", json.dumps({**erp, "extra": extra}))
    monkeypatch.setenv("AIRFLOW_CONN_CLERK", json.dumps({**erp, "login": "clerk", "extra": extra}))
    absent = {**extra, "endpoint_name": "Absent"}
    monkeypatch.setenv("AIRFLOW_CONN_ABSENT", json.dumps({**erp, "extra": absent}))
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps({**store, "extra": {"store_hash": "sandbox"}}))
    return world


class Terminal(io.StringIO):
    """A keyboard with what a person will type."""

    def isatty(self) -> bool:
        """It is a terminal."""
        return True


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--erp", "nowhere"), "There is no Airflow connection 'nowhere'"),
        (("--erp", "clerk"), "rights"),
        (("--erp", "absent"), "does not serve the endpoint Absent/24.200.001"),
        (("--endpoint-document", "absent.json"), "absent.json cannot be read"),
        (("--endpoint-document", __file__), "cannot be read"),
    ],
)
@pytest.mark.usefixtures("connections")
def test_what_is_wrong_is_said_with_its_remedy(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence on standard error, the same in the JSON, exit code 1."""
    assert main(["discover", *arguments, "--json"]) == 1
    said = capsys.readouterr()
    assert words in json.loads(said.out)["error"]
    assert words in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name --erp CONN"),
        (("--endpoint-document", "x", "--id", "North Shop"), "is no id"),
        (("--endpoint-document", "x", "--id", "north", "-o", "south.yaml"), "a connector's id is its file's name"),
        (("--endpoint-document", "x", "-o", "there.yaml"), "there.yaml exists"),
    ],
)
def test_a_wrong_command_line_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    """Before anything is looked at; a file that is there is never overwritten."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.yaml").write_text("id: there", encoding="utf-8")
    assert main(["discover", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert (tmp_path / "there.yaml").read_text(encoding="utf-8") == "id: there"


def test_a_document_alone_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without any connection: a file that is accepted, and a question for what only values show."""
    path = tmp_path / "north.yaml"
    assert main(["discover", "--endpoint-document", str(DOCUMENT), "-o", str(path), "--json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert load_connector(path).id == "north"
    assert path.read_text(encoding="utf-8") == answer["yaml"]
    assert answer["settings"]["source.customer.email"] | {"confidence": 0} == {
        "value": "Email",
        "confidence": 0,
        "sample": "",
        "why": answer["settings"]["source.customer.email"]["why"],
    }
    asked = {each["setting"]: each for each in answer["questions"]}
    assert asked["source.customer.enabled"]["choices"][0]["value"] is None
    assert len(answer["warnings"]) == 2


def test_questions_are_asked_at_a_terminal(
    tmp_path: Path, connections: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers, Enter, a value of one's own; what does not fit is asked again; the file has the answers."""
    assert connections.seats_taken() == 0
    path = tmp_path / "north.yaml"
    arguments = ["discover", "--erp", "erp", "--store", "store", "-o", str(path)]
    lines = ["[nonsense", "7", "2", "?", "[B2B, KEY]", "{30D: {days: 31}}", "{30D: {days: 30}}", *[""] * 9]
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(lines) + "\n"))
    assert main(arguments) == 0
    said = capsys.readouterr()
    connector = load_connector(path)
    assert "That is no YAML" in said.err
    assert "That does not fit" in said.err
    assert connector.eligibility.types == ("B2B", "KEY")
    assert connector.terms["30D"].days == 30
    text = path.read_text(encoding="utf-8")
    assert "[1.00] You said so." in text
    assert yaml.safe_load(text)["id"] == "north"
