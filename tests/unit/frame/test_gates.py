"""The list of `make gates` names checks and tests that are there: a line that is out of date is known at once."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gates", ROOT / ".ci" / "gates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


@pytest.mark.parametrize("gate", SCRIPT.GATES, ids=lambda gate: f"{gate.place} {gate.text}")
def test_check_can_be_taken_away(gate: Any) -> None:
    """The text that a line replaces is in its function, once."""
    whole = (ROOT / gate.path).read_text(encoding="utf-8")
    assert SCRIPT.without(whole, gate) != whole


@pytest.mark.parametrize("named", sorted({test for gate in SCRIPT.GATES for test in gate.tests}))
def test_test_that_promises_a_check_is_there(named: str) -> None:
    """Its file, and the test by its name where the line gives one."""
    file, _, test = named.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not test or f"def {test.partition('[')[0]}(" in text
