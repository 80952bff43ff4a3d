"""Shows what the demonstration is doing, on a terminal and in a log file alike."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


class Step:
    """One step under way.

    Args:
        console: Where it is shown.
        title: What is done.
        show: Shows the present state on a terminal.
    """

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._shown = ""
        self._status = console.status(f"{title} ...")

    def report(self, news: str) -> None:
        """Say how far it is; repeated news is shown once.

        Args:
            news: A few words.
        """
        if news == self._shown:
            return
        self._shown = news
        if self._console.is_terminal:
            self._status.update(f"{self._title}: {news}")
        else:
            self._console.print(f"  {self._title}: {news}", highlight=False, markup=False)

    def start(self) -> None:
        """Show it."""
        if self._console.is_terminal:
            self._status.start()

    def stop(self) -> None:
        """Take it off the screen."""
        self._status.stop()


@contextmanager
def step(console: Console, title: str) -> Iterator[Step]:
    """Show a step while it lasts, and that and how long it was done afterwards.

    Args:
        console: Where it is shown.
        title: What is done.

    Yields:
        The step, for news from within.
    """
    began_s = time.monotonic()
    under_way = Step(console, title)
    if not console.is_terminal:
        console.print(f"- {title} ...", highlight=False)
    under_way.start()
    try:
        yield under_way
    finally:
        under_way.stop()
    console.print(f"[green]✓[/green] {title} ({time.monotonic() - began_s:.0f} s)", highlight=False)
