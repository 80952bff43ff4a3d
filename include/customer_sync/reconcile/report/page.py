"""The page of a reconciliation: one self-contained file, everything on it escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

WIDTH, HEIGHT = 220, 34
"""Size of a class's course over time, in pixels."""


def render_page(facts: Mapping[str, Any]) -> str:
    """Render the page.

    Args:
        facts: What ``report.py`` gathers; texts are escaped here.
    """
    environment = Environment(
        loader=PackageLoader("customer_sync.reconcile.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"minutes": in_words, "course": course}
    return environment.get_template("report.html.j2").render(facts)


def in_words(minutes: float) -> str:
    """A duration as people say it."""
    if minutes < 1:
        return f"{minutes * 60:.0f} s"
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 2880 else f"{minutes / 1440:.1f} days"  # noqa: PLR2004 - two days


def course(counts: Sequence[int]) -> str:
    """The points of a line through some counts, for a polyline of :data:`WIDTH` by :data:`HEIGHT`."""
    most = max(counts, default=0) or 1
    step = WIDTH / max(len(counts) - 1, 1)
    points = [(index * step, HEIGHT - 2 - (HEIGHT - 4) * count / most) for index, count in enumerate(counts)]
    if len(points) == 1:
        points.append((WIDTH, points[0][1]))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
