"""What doctor saw, for programs and for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from customer_sync.model.check import Check, Level

GROUPS: Final = {
    "file": "Connector file",
    "ledger": "Ledger",
    "erp": "ERP",
    "store": "Store",
    "systems": "Both systems",
    "airflow": "Airflow",
    "data": "Customers in the ERP",
    "time": "Time",
}
"""Group of checks -> its heading, in order."""

_MARKS: Final[dict[Level, str]] = {"good": "ok  ", "warning": "look", "bad": "BAD ", "unknown": "-   "}


def facts_of(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The checks for programs."""
    return [
        {
            "id": each.id,
            "ok": each.ok,
            "level": each.level,
            "group": GROUPS.get(each.group, each.group),
            "sentence": each.sentence,
            "remedy": each.remedy,
        }
        for each in checks
    ]


def by_group(checks: Sequence[Check]) -> list[tuple[str, list[Check]]]:
    """The checks under the headings of their groups."""
    order = list(GROUPS)
    grouped = sorted(checks, key=lambda each: order.index(each.group) if each.group in order else len(order))
    return [(GROUPS.get(group, group), list(members)) for group, members in groupby(grouped, lambda each: each.group)]


def lines_of(checks: Sequence[Check]) -> Iterator[str]:
    """The checks for people; those that wait for one and the same thing are one line."""
    for heading, members in by_group(checks):
        yield heading
        for (level, sentence), same in groupby(members, key=lambda each: (each.level, each.sentence)):
            first, *others = same
            titles = ", ".join(each.title for each in (first, *others))
            yield f"  {_MARKS[level]}  {titles}: {sentence}"
            if first.remedy and level != "unknown":
                yield f"        -> {first.remedy}"
    yield ""
    yield summary_of(checks)


def summary_of(checks: Sequence[Check]) -> str:
    """How many there are of each level, in a sentence."""
    bad, looks, unseen = (sum(each.level == level for each in checks) for level in ("bad", "warning", "unknown"))
    return f"{len(checks)} checks: {bad} bad, {looks} worth a look, {unseen} not looked at."
