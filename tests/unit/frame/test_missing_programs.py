"""A program that is not installed is named with its package in one sentence, not in a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.browser import ProgramMissing, start_browser

ROOT = Path(__file__).resolve().parents[3]


def test_distributed_trial_names_the_package_when_a_program_is_missing(tmp_path: Path) -> None:
    """Without programs the trial ends at once, with 1 and what to install."""
    ended = subprocess.run(
        [sys.executable, "-m", "distributed"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "(Debian and Ubuntu: apt-get install " in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "What every process said" not in ended.stdout


def test_browser_tests_name_the_package_when_chromium_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the package and the variable."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(ProgramMissing, match=r"apt-get install chromium, or name one with CHROMIUM="):
        start_browser(None)  # type: ignore[arg-type]  # it is not asked for anything before
