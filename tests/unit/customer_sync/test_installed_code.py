"""Which code reads and judges is known by its content."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from customer_sync.settings.connector import Connector
from customer_sync.settings.installed_code import code_of, installed_code
from customer_sync.sources.acumatica.section import AcumaticaSection


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes a package whose one module holds a text; gives its hash."""

    def make(text: str) -> str:
        name = f"own_adapter_{len(list(tmp_path.iterdir()))}"
        folder = tmp_path / name / "inner"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text("")
        (folder / "rules.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        return code_of(name)

    return make


def test_another_text_is_another_code(package: Callable[[str], str]) -> None:
    """The same text is the same, whatever the package is called."""
    assert package("a = 1") == package("a = 1") != package("a = 2")


def test_an_adapter_of_its_own_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A release of an adapter's distribution shows as well as one of the product."""
    shipped = Connector.model_validate({"id": "knb"})
    (tmp_path / "own_erp.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    own = type("OwnSection", (AcumaticaSection,), {"__module__": "own_erp"})
    other = shipped.model_copy(update={"source": own()})
    assert installed_code(other) != installed_code(shipped) == installed_code(shipped)
    assert "own_erp" not in sys.modules
