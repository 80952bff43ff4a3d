"""Query parameters of contract REST, parsed into paths (docs/api/acumatica.md#lists)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.acumatica.errors import ApiError, bad_request

if TYPE_CHECKING:
    from sandbox.exchange import Call


@dataclass(slots=True)
class PathTree:
    """Comma-separated paths as a tree.

    Attributes:
        is_named: Whether a path ends here.
        children: Further parts by name.
    """

    is_named: bool = False
    children: dict[str, PathTree] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The parameters of one call; texts as sent, an empty one is an absent one.

    Attributes:
        select: `$select`.
        expand: `$expand`.
        custom: `$custom`.
        filter: `$filter`.
        top: `$top`, none for all.
        skip: `$skip`.
    """

    select: str = ""
    expand: str = ""
    custom: str = ""
    filter: str = ""
    top: int | None = None
    skip: int = 0


def parsed_query(call: Call) -> ListQuery:
    """The parameters of a call; unknown ones are ignored.

    Raises:
        ApiError: `$top` or `$skip` is no number.
    """
    query = call.query()
    top = query.get("$top", "").strip()
    skip = query.get("$skip", "").strip()
    return ListQuery(
        select=query.get("$select", "").strip(),
        expand=query.get("$expand", "").strip(),
        custom=query.get("$custom", "").strip(),
        filter=query.get("$filter", "").strip(),
        top=_count("$top", top) if top else None,
        skip=_count("$skip", skip) if skip else 0,
    )


def path_tree(text: str) -> PathTree:
    """`A,B/C` as a tree; blanks around commas do not count."""
    root = PathTree()
    for path in filter(None, (part.strip() for part in text.split(","))):
        node = root
        for part in path.split("/"):
            node = node.children.setdefault(part.strip(), PathTree())
        node.is_named = True
    return root


def custom_paths(text: str) -> list[tuple[tuple[str, ...], str, str]]:
    """`$custom` as (path of the linked entity, view, field)."""
    found = []
    for path in filter(None, (part.strip() for part in text.split(","))):
        *owners, last = path.split("/")
        view, _, name = last.partition(".")
        found.append((tuple(owners), view, name))
    return found


def _count(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ApiError(bad_request(f"The value '{text}' is not valid for {name}.").answer)
    return int(text)
