"""The adapters that a connector file names: those that ship, those of other packages, and none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from customer_sync.adapters import open_source, open_target
from customer_sync.ledger import Ledger
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector

ERP = {"tenant": "Sandbox", "endpoint_name": "KNCommerce", "endpoint_version": "24.200.001"}
OTHER_STORE = """
from customer_sync.model.fields import EntityFields
from customer_sync.settings.target_section import TargetSection


class Section(TargetSection):
    label = "Other Store"
    fields = EntityFields({}, {}, {})
    opener = "other_store_adapter:open_shop"


class Shop:
    def __init__(self, *given):
        self.given = given


def open_shop(connection, connector, *, schedule):
    return Shop(connection, connector, schedule)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    """A ledger, which holds the budgets."""
    with Ledger.open("shop", f"sqlite:///{tmp_path / 'ledger.db'}") as opened:
        yield opened


def test_both_shipped_adapters_are_found_when_a_file_names_none(ledger: Ledger) -> None:
    """An id is enough: Acumatica and Better B2B, with their connections named after them."""
    connector = Connector(id="shop")
    source = ConnectionFields(
        connector.source_connection_id, host="http://127.0.0.1:9", login="u", password="p", extra=ERP
    )
    target = ConnectionFields(
        connector.target_connection_id, host="http://127.0.0.1:9", password="t", extra={"store_hash": "h"}
    )
    assert (source.conn_id, target.conn_id) == ("acumatica_shop", "better_b2b_shop")
    with open_source(connector, source, ledger) as erp, open_target(connector, target, ledger) as store:
        assert erp.requests_used().total == store.requests_used().total == 0


def test_an_adapter_of_another_package_is_found_by_its_entry_point(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed distribution joins the group; target.kind chooses it, for connection and pool as well."""
    information = tmp_path / "other_store-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: other-store\nVersion: 1.0\n", encoding="utf-8")
    entry = "[customer_sync.targets]\nother_store = other_store_adapter:Section\n"
    (information / "entry_points.txt").write_text(entry, encoding="utf-8")
    (tmp_path / "other_store_adapter.py").write_text(OTHER_STORE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    connector = Connector.model_validate({"id": "shop", "target": {"kind": "other_store"}})
    connection = ConnectionFields(connector.target_connection_id)
    opened: Any = open_target(connector, connection, ledger)
    assert type(opened).__name__ == "Shop"
    assert opened.given[:2] == (connection, connector)
    assert (connection.conn_id, connector.store_pool) == ("other_store_shop", "other_store_shop")


@pytest.mark.parametrize(
    ("section", "kind", "known"), [("target", "better_b2c", "better_b2b"), ("source", "acumatika", "acumatica")]
)
def test_an_unknown_adapter_is_named_with_those_that_there_are(section: str, kind: str, known: str) -> None:
    """A misspelt kind: the sentence says what is installed, and the setting is named."""
    with pytest.raises(ValidationError, match=rf"{section}\n.*kind '{kind}' names no adapter .*there are: {known}"):
        Connector.model_validate({"id": "shop", section: {"kind": kind}})
