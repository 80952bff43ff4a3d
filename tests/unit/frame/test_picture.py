"""The picture of the layers: `.ci/picture.py` draws it from the code, and these tests hold it to the code."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / ".ci" / "picture.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("layers_picture", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its records look their annotations up there
    spec.loader.exec_module(module)
    return module


def test_picture_and_table_are_those_of_the_code(script: ModuleType) -> None:
    """Neither the picture nor the table of docs/architecture.md is stale, and no arrow points up."""
    assert script.problems(ROOT) == []


def test_layers_say_what_they_touch(script: ModuleType) -> None:
    """What decides touches no network, database or clock; the network begins at adapters and transport."""
    touches = {layer.name: set(layer.touches) for layer in script.read_layers(ROOT)}
    assert touches["rules"] == touches["planning"] == set()
    assert touches["model"] == {"files"}, "the names of countries and states that packages bring"
    assert {name for name, what in touches.items() if "network" in what} == {
        "customer_sync_airflow",
        "sources.acumatica",
        "targets.better_b2b",
        "http",
    }
    assert {name for name, what in touches.items() if "Airflow" in what} == {"customer_sync_airflow"}


def test_an_arrow_that_points_up_is_named(script: ModuleType) -> None:
    """An import of a higher layer, or of one beside, is named; an adapter may look at its own port."""

    def layer(name: str, row: int, *imports: str) -> object:
        return script.Layer(name, row, "", (), frozenset(imports))

    layers = [
        layer("steps", 0, "sources", "model"),
        layer("sources.acumatica", 1, "sources", "targets"),
        layer("sources", 1),
        layer("targets", 1),
        layer("model", 2, "steps"),
    ]
    assert script.arrows_up(layers) == ["sources.acumatica imports targets", "model imports steps"]


def test_implied_arrows_are_not_drawn(script: ModuleType) -> None:
    """Where a layer reaches another by way of a third one, the direct arrow is left out."""
    layers = [
        script.Layer("a", 0, "", (), frozenset({"b", "c"})),
        script.Layer("b", 1, "", (), frozenset({"c"})),
        script.Layer("c", 2, "", (), frozenset()),
    ]
    assert script.drawn_arrows(layers) == [("a", "b"), ("b", "c")]


def test_a_stale_page_is_named(script: ModuleType, tmp_path: Path) -> None:
    """A table that was edited by hand and a picture that is missing are named, with the remedy."""
    for name in ("pyproject.toml", "docs/architecture.md", "include/customer_sync", "plugins/customer_sync_airflow"):
        source, place = ROOT / name, tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place)
    page = tmp_path / "docs" / "architecture.md"
    page.write_text(page.read_text(encoding="utf-8").replace("| nothing of ours |", "| nothing |"), encoding="utf-8")
    assert script.problems(tmp_path) == [
        "docs/pictures/layers.svg is stale: run 'make picture'",
        "docs/architecture.md is stale: run 'make picture'",
    ]


def test_check_ends_well_on_this_tree() -> None:
    """The command itself says nothing and ends with 0."""
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(SCRIPT), "check"], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
