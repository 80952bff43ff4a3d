# ruff: noqa: INP001 - a script of the continuous integration, imported by nobody
"""Draw the layers of the product from the code: `write` renews the picture, `check` says whether it is stale.

Rows come from the layers contract in pyproject.toml, arrows from the imports that are there, descriptions from the
packages' docstrings, marks from what a package imports of the world. An arrow that other arrows imply is not drawn.
"""

from __future__ import annotations

import argparse
import ast
import html
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import grimp

PRODUCT, EDGE = "customer_sync", "customer_sync_airflow"
PICTURE = Path("docs/pictures/layers.svg")
PAGE = Path("docs/architecture.md")
BEGIN, END = "<!-- layers: begin (make picture) -->", "<!-- layers: end -->"

TOUCHES: Mapping[str, frozenset[str]] = {
    "Airflow": frozenset({"airflow"}),
    "network": frozenset(
        {"urllib3", "requests", "socket", "fastapi", f"{PRODUCT}.http.exchange", f"{PRODUCT}.http.transport"}
    ),
    "database": frozenset({"sqlalchemy", "alembic", "sqlite3"}),
    "files": frozenset({"os", "pathlib", "tempfile"}),
    "clock": frozenset({"time"}),
    "randomness": frozenset({"random", "uuid"}),
}
"""What a layer may touch of the world -> the imports that show it."""


class Layer(NamedTuple):
    """One box of the picture.

    Attributes:
        name: Package or module, dotted, below the product.
        row: Its place from the top; layers of one row know nothing of each other.
        says: First sentence of its docstring.
        touches: What of the world it imports, in the order of :data:`TOUCHES`.
        imports: Names of the layers that it imports from.
    """

    name: str
    row: int
    says: str
    touches: tuple[str, ...]
    imports: frozenset[str]


def read_rows(root: Path) -> list[list[str]]:
    """The rows of the picture, top first: the edge, then the rows of the contract, each adapter before its port."""
    linter = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(each["layers"] for each in linter["contracts"] if each.get("containers") == [PRODUCT])
    rows = [[EDGE]]
    for row in layers:
        names = [name.strip() for name in row.split("|")]
        rows.append([each for name in names for each in (*_adapters(root, name), name)])
    return rows


def read_layers(root: Path) -> list[Layer]:
    """Every layer with what it says, touches and imports, top first."""
    rows = read_rows(root)
    names = [name for row in rows for name in row]
    graph = grimp.build_graph(PRODUCT, EDGE, include_external_packages=True, cache_dir=None)
    imports: dict[str, set[str]] = {name: set() for name in names}
    world: dict[str, set[str]] = {name: set() for name in names}
    for module in graph.modules:
        owner = _owner(module, names)
        if owner is None:
            continue
        for imported in graph.find_modules_directly_imported_by(module):
            layer = _owner(imported, names)
            world[owner].add(imported if layer else imported.partition(".")[0])
            if layer not in {None, owner}:
                imports[owner].add(layer)
    return [
        Layer(name, number, _says(root, name), _touches(world[name]), frozenset(imports[name]))
        for number, row in enumerate(rows)
        for name in row
    ]


def arrows_up(layers: Iterable[Layer]) -> list[str]:
    """Imports that do not lead to a lower row; only an adapter may look beside itself, at its own port."""
    layers = list(layers)
    row_of = {layer.name: layer.row for layer in layers}
    return [
        f"{layer.name} imports {name}"
        for layer in layers
        for name in sorted(layer.imports)
        if row_of[name] <= layer.row and layer.name.rpartition(".")[0] != name
    ]


def drawn_arrows(layers: Iterable[Layer]) -> list[tuple[str, str]]:
    """The arrows without those that others imply."""
    imports = {layer.name: layer.imports for layer in layers}
    reached: dict[str, set[str]] = {}

    def reach(name: str, path: tuple[str, ...] = ()) -> set[str]:
        if name not in reached:
            nearer = {each for each in imports[name] if each not in path}
            reached[name] = nearer.union(*(reach(each, (*path, name)) for each in nearer))
        return reached[name]

    return [
        (name, each)
        for name, direct in imports.items()
        for each in sorted(direct)
        if not any(each in reach(other) for other in direct - {each})
    ]


def table(layers: Iterable[Layer], root: Path) -> str:
    """What each folder is and may touch, as Markdown."""
    lines = ["| layer | what it is | touches | imports |", "|---|---|---|---|"]
    for layer in layers:
        folder = f"plugins/{EDGE}" if layer.name == EDGE else f"include/{PRODUCT}/{layer.name.replace('.', '/')}"
        is_module = not (root / folder).is_dir()
        name = f"`{folder}{'.py' if is_module else '/'}`"
        imports = "everything below" if layer.row == 0 else ", ".join(sorted(layer.imports)) or "nothing of ours"
        lines.append(f"| {name} | {layer.says} | {', '.join(layer.touches) or 'nothing'} | {imports} |")
    return "\n".join(lines)


# -- drawing: one box per layer, top down; an arrow to the next box is straight, all others run in lanes at the right --

_BOX_X, _BOX_WIDTH, _BOX_HEIGHT, _GAP, _LANE, _MARGIN = 20, 760, 40, 16, 14, 20


_LEGEND = (
    "green: touches nothing · blue: touches the world · orange: an adapter, which alone knows its system",
    "dashed: layers of one row, which do not know each other · arrows that others imply are not drawn",
)
_HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>'
)


def picture(layers: Iterable[Layer]) -> str:
    """The picture as SVG."""
    layers = list(layers)
    arrows = drawn_arrows(layers)
    place = {layer.name: number for number, layer in enumerate(layers)}
    lanes = _lanes([arrow for arrow in arrows if place[arrow[1]] != place[arrow[0]] + 1], place)
    width = _BOX_X + _BOX_WIDTH + _LANE * (max(lanes.values(), default=0) + 2) + _MARGIN
    end = _top(len(layers)) + 4
    height = end + 18 * len(_LEGEND)
    parts = [
        _element("title", "The layers of the product, and what imports what"),
        _HEAD,
        _element("rect", width=width, height=height, fill="#fff"),
        *_frames(layers),
        *(_box(layer, _top(place[layer.name])) for layer in layers),
        *_arrows(arrows, place, lanes),
        *(_element("text", line, x=_BOX_X, y=end + 18 * n, fill="#333") for n, line in enumerate(_LEGEND)),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
    font = 'font-family="system-ui, sans-serif" font-size="13"'
    return "\n".join([f"{head} {font}>", *parts, "</svg>"]) + "\n"


def _element(tag: str, text: str = "", **attributes: str | int) -> str:
    written = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f"<{tag}{written}>{html.escape(text)}</{tag}>"


def _top(place: int) -> int:
    return _MARGIN + place * (_BOX_HEIGHT + _GAP)


def _frames(layers: list[Layer]) -> Iterable[str]:
    """A frame around the boxes of one row."""
    for row in sorted({layer.row for layer in layers}):
        places = [number for number, layer in enumerate(layers) if layer.row == row]
        if len(places) > 1:
            top, bottom = _top(places[0]) - 6, _top(places[-1]) + _BOX_HEIGHT + 6
            left, right = _BOX_X - 8, _BOX_X + _BOX_WIDTH + 5
            path = f"M{left} {top}H{right}V{bottom}H{left}Z"
            yield _element("path", d=path, fill="none", stroke="#999", stroke_dasharray="5 4")


def _box(layer: Layer, top: int) -> str:
    fill = "#fdf1dc" if "." in layer.name else "#e3ecf9" if layer.touches else "#e4f3e4"
    left, right = _BOX_X + 10, _BOX_X + _BOX_WIDTH - 10
    touches = " · ".join(layer.touches) or "touches nothing"
    return "".join(
        [
            _element("rect", x=_BOX_X, y=top, width=_BOX_WIDTH, height=_BOX_HEIGHT, rx=5, fill=fill, stroke="#777"),
            _element("text", layer.name, x=left, y=top + 17, font_weight="bold"),
            _element("text", layer.says.removesuffix(" Pure."), x=left, y=top + 33, fill="#333"),
            _element("text", touches, x=right, y=top + 17, text_anchor="end", fill="#333"),
        ]
    )


def _lanes(arrows: Iterable[tuple[str, str]], place: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """A lane per arrow: short arrows inside, and no two that overlap in one."""
    lanes: dict[tuple[str, str], int] = {}
    taken: list[list[tuple[int, int]]] = []
    for arrow in sorted(arrows, key=lambda arrow: (abs(place[arrow[1]] - place[arrow[0]]), place[arrow[0]])):
        first, last = sorted((place[arrow[0]], place[arrow[1]]))
        free = (n for n, spans in enumerate(taken) if all(last < begin or first > end for begin, end in spans))
        lane = next(free, len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append((first, last))
        lanes[arrow] = lane
    return lanes


def _arrows(
    arrows: Iterable[tuple[str, str]], place: Mapping[str, int], lanes: Mapping[tuple[str, str], int]
) -> Iterable[str]:
    """An arrow leaves a box in its lower half and arrives in the upper one, so that both can be told apart."""
    right = _BOX_X + _BOX_WIDTH
    for arrow in arrows:
        source, target = (_top(place[name]) for name in arrow)
        if arrow in lanes:
            path = f"M{right} {source + 26}H{right + _LANE * (lanes[arrow] + 1)}V{target + 12}H{right}"
        else:
            path = f"M{_BOX_X + 60} {source + _BOX_HEIGHT}V{target}"
        yield _element("path", d=path, fill="none", stroke="#555", stroke_width="1.2", marker_end="url(#head)")


# -- reading the tree --


def _adapters(root: Path, name: str) -> list[str]:
    """Packages inside of ``sources`` and ``targets``; each is an adapter."""
    if name not in {"sources", "targets"}:
        return []
    return sorted(f"{name}.{each.parent.name}" for each in (root / "include" / PRODUCT / name).glob("*/__init__.py"))


def _owner(module: str, names: Iterable[str]) -> str | None:
    """The layer that a module belongs to: the longest of those names that it begins with."""
    own = module.removeprefix(f"{PRODUCT}.")
    fitting = [name for name in names if own == name or own.startswith(f"{name}.")]
    return max(fitting, key=len, default=None)


def _touches(imported: set[str]) -> tuple[str, ...]:
    return tuple(name for name, evidence in TOUCHES.items() if imported & evidence)


def _says(root: Path, name: str) -> str:
    folder = root / ("plugins" if name == EDGE else f"include/{PRODUCT}") / name.replace(".", "/")
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return said.partition("\n")[0].replace("``", "`")


# -- the command --


def outputs(root: Path) -> dict[Path, str]:
    """What the picture's files have to hold; nothing is written.

    Raises:
        ValueError: The page lacks the markers between which the table goes.
    """
    layers = read_layers(root)
    page = (root / PAGE).read_text(encoding="utf-8")
    block = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not block.search(page):
        raise ValueError(f"{PAGE} has no block between '{BEGIN}' and '{END}': put both lines back.")
    filled = f"{BEGIN}\n\n{table(layers, root)}\n\n{END}"
    return {PICTURE: picture(layers), PAGE: block.sub(lambda _: filled, page)}


def problems(root: Path) -> list[str]:
    """What is wrong: arrows that point up, and files that are stale."""
    found = [f"an arrow points up: {arrow}" for arrow in arrows_up(read_layers(root))]
    for path, content in outputs(root).items():
        present = (root / path).read_text(encoding="utf-8") if (root / path).is_file() else ""
        if present != content:
            found.append(f"{path} is stale: run 'make picture'")
    return found


def main() -> int:
    """Write the picture, or say what is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["write", "check"])
    root = Path(__file__).resolve().parents[1]
    if parser.parse_args().what == "write":
        for path, content in outputs(root).items():
            (root / path).write_text(content, encoding="utf-8")
    found = problems(root)
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
