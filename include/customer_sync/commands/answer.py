"""What a command answers: JSON alone on standard output, or text for people; everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

DONE: Final = 0
FAILED: Final = 1
"""The command failed, or it found differences."""
USAGE: Final = 2
"""The command line does not fit; argparse ends with the same code."""
REFUSED: Final = 3
"""A guard refused the plan: nothing was written, but that people who have left may have lost access."""


def answer(facts: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Write a command's answer to standard output.

    Args:
        facts: The answer for programs.
        lines: The same for people.
        as_json: Which of both is asked for.
    """
    text = json.dumps(facts, indent=2, ensure_ascii=False, default=_plain) if as_json else "\n".join(lines)
    if text:
        sys.stdout.write(f"{text}\n")


def say(sentence: str) -> None:
    """Write progress, a warning or an error to standard error."""
    sys.stderr.write(f"{sentence}\n")


def _plain(value: Any) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
