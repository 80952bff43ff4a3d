"""Figures that tests record (cases run, inputs tried) are printed at the end, also when several workers run."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every property named ``figure``."""
    reports = [
        item
        for outcome in ("passed", "failed")
        for item in terminalreporter.stats.get(outcome, [])
        if isinstance(item, pytest.TestReport)
    ]
    figures = sorted(str(value) for report in reports for name, value in report.user_properties if name == "figure")
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.write_line(figure)
