"""Figures that tests record (cases run, inputs tried) are printed at the end, also when several workers run."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of a file that says so back into its order; pytest-randomly has shuffled all before.

    Raises:
        pytest.UsageError: A test is marked nightly and not long, so that `make test` would run it.
    """
    for item in items:
        if item.get_closest_marker("nightly") and not item.get_closest_marker("long"):
            raise pytest.UsageError(f"{item.nodeid} is marked nightly, but not long")
    for path in {item.path for item in items if item.get_closest_marker("in_order_of_file")}:
        places = [place for place, item in enumerate(items) if item.path == path]
        in_order = sorted((items[place] for place in places), key=_line_of)
        for place, item in zip(places, in_order, strict=True):
            items[place] = item


def _line_of(item: pytest.Item) -> int:
    return item.location[1] or 0


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
