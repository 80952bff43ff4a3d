"""What `make matrix` tries, as far as it can be judged without a network."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from matrix.environment import MatrixError, check_floors
from matrix.rows import ROWS, Row, interpreters

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_declared_ranges_hold_what_others_pin(row: Row) -> None:
    """No declared range of ours refuses a version that the constraints of an older Airflow pin."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {each.name: each.specifier for each in map(Requirement, project["dependencies"])}
    for pin in map(Requirement, row.pins):
        (bound,) = pin.specifier
        assert pin.name not in declared or declared[pin.name].contains(bound.version), str(pin)


def test_oldest_and_newest_of_the_promised_versions_are_tried() -> None:
    """The versions that managed services have are rows, and the lock is the newest."""
    pinned = {str(next(iter(Requirement(pin).specifier)).version) for row in ROWS for pin in row.pins}
    assert {"3.2.0", "3.2.1", "3.3.1"} <= pinned
    assert ROWS[-1].day is None


def test_a_floor_that_was_not_tried_is_named() -> None:
    """A declared floor must be the version that was installed; 2.4 and 2.4.0 are the same."""
    check_floors(["smtp>=2.4", "airflow>=3.2,<4"], {"smtp": "2.4.0", "airflow": "3.2.0"})
    with pytest.raises(MatrixError, match=r"declares smtp>=2\.4, but 2\.4\.1 was tried"):
        check_floors(["smtp>=2.4"], {"smtp": "2.4.1"})


def test_an_interpreter_is_one_that_runs() -> None:
    """A name on the path that runs nothing is none; a version that nobody has is told as missing."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = interpreters([own, "2.1"])
    assert found["2.1"] is None
    asked = [str(found[own]), "-c", "import json, sys; print(json.dumps(sys.version_info[:2]))"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout  # noqa: S603 - our own
    assert Version(".".join(map(str, json.loads(told)))) == Version(own)
