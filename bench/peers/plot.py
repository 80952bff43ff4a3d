"""Draws bench/results.json as PNG and SVG; runs in the peers' environment, where matplotlib is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

OURS, THEIRS = "#1f6f5c", "#b9bec4"
PANELS = (
    ("limit_60_per_second", "wall_s", "wall time, 60 requests/s and 150 ms (s)"),
    ("initial_1k", "cpu_ms_per_customer", "CPU per customer, no latency (ms)"),
    ("initial_1k", "requests_per_company", "store requests per new company"),
)


def draw(axes: Any, scenario: dict[str, Any], measure: str, title: str) -> None:
    """One panel: the median of each contender as a bar, lowest and highest as a whisker."""
    rows = [(name, found[measure]) for name, found in scenario["contenders"].items() if measure in found]
    rows = [(name, found) for name, found in rows if "one request" not in name]
    rows.reverse()
    medians = [found["median"] for _, found in rows]
    errors = [
        [found["median"] - found["min"] for _, found in rows],
        [found["max"] - found["median"] for _, found in rows],
    ]
    colours = [OURS if name == "ours" else THEIRS for name, _ in rows]
    bars = axes.barh([name for name, _ in rows], medians, xerr=errors, color=colours, ecolor="#555555", capsize=2)
    axes.bar_label(bars, labels=[f"{value:.3g}" for value in medians], padding=6, fontsize=8)
    axes.set_title(title, fontsize=9, loc="left")
    axes.margins(x=0.2)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw the file that is named, into files beside it."""
    source = Path(sys.argv[1])
    scenarios = json.loads(source.read_text(encoding="utf-8"))["scenarios"]
    panels = [panel for panel in PANELS if panel[0] in scenarios]
    if not panels:
        return
    figure, axes = plt.subplots(1, len(panels), figsize=(4.6 * len(panels), 2.8), squeeze=False)
    for place, (name, measure, title) in zip(axes[0], panels, strict=True):
        draw(place, scenarios[name], measure, title)
    figure.tight_layout()
    for suffix in ("png", "svg"):
        figure.savefig(source.with_suffix(f".{suffix}"), dpi=150, metadata={"Date": None} if suffix == "svg" else None)


if __name__ == "__main__":
    main()
