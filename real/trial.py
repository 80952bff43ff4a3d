"""All parts of a trial, one after the other, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from real.as_client import try_as_client
from real.as_server import try_as_server
from real.differences import Difference, Explanation, Tally, explain
from real.endpoints import try_documents
from real.error_classes import try_examples
from real.folder import RealFolder
from real.mappings import try_mappings
from real.ugly import try_ugly

PARTS: Final[Mapping[str, Callable[[RealFolder, bool], Tally]]] = {
    "server": lambda folder, _: try_as_server([*folder.recorded, *folder.successes]),
    "twin": lambda folder, _: try_as_client(folder.recorded),
    "errors": lambda folder, _: try_examples([*folder.examples, *folder.recorded]),
    "endpoints": lambda folder, _: try_documents(folder.documents) + try_mappings(folder.mappings),
    "ugly": lambda folder, pages: try_ugly(folder.ugly, pages=pages),
}
"""Name of a part -> how it is tried; the second argument is whether pages are made."""


@dataclass
class Report:
    """What a trial found.

    Attributes:
        tallies: Part -> what it tried and found.
        unexplained: Differences that no explanation fits.
        stale: Explanations of tried parts that explained nothing.
        unread: Files of the folder that fit no part.
    """

    tallies: dict[str, Tally]
    unexplained: list[Difference]
    stale: list[Explanation]
    unread: list[str]

    def lines(self) -> list[str]:
        """The report for people."""
        lines = []
        for part, tally in self.tallies.items():
            counts = ", ".join(f"{count} {what}" for what, count in sorted(tally.tried.items())) or "nothing to try"
            mine = [each for each in self.unexplained if each.part == part]
            explained = len(tally.differences) - len(mine)
            lines.append(f"{part:10} {counts}: {explained} explained differences, {len(mine)} unexplained")
        lines += [f"UNEXPLAINED {each}" for each in self.unexplained]
        lines += [f"stale explanation: {each}" for each in self.stale]
        lines += [f"not part of the layout: {name}" for name in self.unread]
        lines.append(f"{len(self.unexplained)} unexplained")
        return lines


def try_folder(folder: RealFolder, explanations: list[Explanation], parts: list[str], *, pages: bool = True) -> Report:
    """Try the parts named, and explain what differs."""
    tallies = {part: PARTS[part](folder, pages) for part in parts}
    differences = [each for tally in tallies.values() for each in tally.differences]
    unexplained = explain(differences, explanations)
    stale = [each for each in explanations if not each.used and each.patterns["part"] in parts]
    return Report(tallies, unexplained, stale, folder.unread)
