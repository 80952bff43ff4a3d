"""The list of statements (docs/api/better_b2b.md#statements): every one has a test that bears its number."""

from __future__ import annotations

import re
from pathlib import Path

STATEMENTS = range(1, 38)


def test_s13_every_statement_has_a_test_when_files_are_read() -> None:
    """Statements 1 to 37 of docs/api/better_b2b.md#statements are each named by at least one test."""
    files = Path(__file__).parent.glob("test_b2b_s13_*.py")
    named = {int(number) for file in files for number in re.findall(r"def test_s13_(\d\d)_", file.read_text())}
    assert named == set(STATEMENTS)
