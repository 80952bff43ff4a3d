"""docs/sandbox.md lists what the ERP's twin offers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from sandbox.edge_cases import EDGE_CASES

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_every_switch_is_documented_with_its_default_when_the_page_is_read(erp: Any) -> None:
    """Name and default of each switch stand in the page's table."""
    for name, switch in erp.control("GET", "settings").items():
        assert f"| `{name}` | `{json.dumps(switch['default'], ensure_ascii=False)}` |" in TEXT, name


def test_every_effect_and_call_is_documented_when_the_page_is_read(erp: Any) -> None:
    """Fault effects and control calls stand in the page."""
    refused = requests.put(f"{erp.url}/_sandbox/faults", json=[{"effect": "?"}], timeout=10).json()
    for effect in refused["error"]["message"].partition("known: ")[2].split(", "):
        assert f"`{effect.removeprefix('push_')}`" in TEXT, effect
    for call in erp.control("GET", "")["calls"]:
        assert f"`{call}`" in TEXT, call


def test_every_option_is_documented_when_help_is_asked_for() -> None:
    """All options of the command stand in the page."""
    command = [sys.executable, "-m", "sandbox", "acumatica", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)  # noqa: S603 - our own command
    options = set(re.findall(r"--[a-z][a-z-]+", done.stdout)) - {"--help"}
    assert len(options) == 11
    for option in options:
        assert f"`{option}" in TEXT, option


def test_every_edge_case_is_documented_and_seeded_when_the_page_is_read(erp: Any) -> None:
    """Each edge case is in the page with what it shows, and in the seeded data."""
    seeded = set(erp.ids("Customer", "CustomerID", "CustomerID gt ''"))
    for key, case in EDGE_CASES.items():
        assert f"| `{key}` | {case.shows} |" in TEXT
        assert key in seeded
