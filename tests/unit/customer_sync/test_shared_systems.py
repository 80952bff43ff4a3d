"""Connectors that share an ERP or a store draw on one budget, and their files must agree on it."""

import json
from pathlib import Path
from typing import Any

import pytest

from customer_sync.commands.main import main
from customer_sync.commands.pools import pools_of
from customer_sync.settings.connector import Connector
from customer_sync.settings.shared_systems import refusals


def connector(name: str, *, erp: dict[str, Any] | None = None, store: dict[str, Any] | None = None) -> Connector:
    """A connector with some of its budgets set."""
    return Connector.model_validate({"id": name, "erp": erp or {}, "store": store or {}})


def test_connectors_are_apart_when_they_share_nothing() -> None:
    """Pools of their own, by the connector's id."""
    pools = pools_of([connector("north"), connector("south", erp={"seats": 5})])
    assert {name: pool["slots"] for name, pool in pools.items()} == {
        "acumatica_north": 2,
        "acumatica_south": 5,
        "better_b2b_north": 1,
        "better_b2b_south": 1,
    }


def test_one_pool_is_made_when_an_erp_and_a_store_are_shared() -> None:
    """The shared name replaces the id; seats are counted once."""
    shared = {"erp": {"shared_as": "head_office", "seats": 3}, "store": {"shared_as": "shop"}}
    group = [connector("north", **shared), connector("south", **shared)]
    assert refusals(group) == {}
    assert {name: pool["slots"] for name, pool in pools_of(group).items()} == {
        "acumatica_head_office": 3,
        "better_b2b_shop": 1,
    }


def test_a_connector_is_shared_with_when_its_id_is_named() -> None:
    """``shared_as`` may be the id of another connector."""
    group = [connector("north"), connector("south", erp={"shared_as": "north"})]
    assert group[0].erp_pool == group[1].erp_pool == "acumatica_north"
    assert refusals(group) == {}


@pytest.mark.parametrize(
    ("side", "setting", "value"),
    [
        ("erp", "seats", 3),
        ("erp", "requests_per_minute", 50),
        ("store", "requests_per_minute", 600),
        ("store", "share", 0.5),
    ],
)
def test_the_later_file_is_refused_when_a_shared_budget_has_two_sizes(side: str, setting: str, value: float) -> None:
    """The message names both files, the setting and what to do; the first file goes on."""
    # One tenant, so that only the budget under test differs.
    shared = {"erp": {"shared_as": "both"}, "store": {"shared_as": "both"}}
    first = connector("north", **shared)
    second = connector("south", **{**shared, side: {**shared[side], setting: value}})
    refused = refusals([first, second])
    assert set(refused) == {"south"}
    message = refused["south"].message
    assert f"south.yaml is wrong. {side}.{setting}: {value!r}, but north.yaml" in message
    assert "must agree" in message


def test_two_erps_need_two_key_fields_when_they_fill_one_store() -> None:
    """The same Customer ID in two ERPs would be taken for one company."""
    group = [connector("north", store={"shared_as": "shop"}), connector("south", store={"shared_as": "shop"})]
    assert "store.key_field" in refusals(group)["south"].message
    apart = connector("south", store={"shared_as": "shop", "key_field": "South Customer ID"})
    assert refusals([group[0], apart]) == {}
    one_tenant = {"erp": {"shared_as": "tenant"}, "store": {"shared_as": "shop"}}
    assert refusals([connector("north", **one_tenant), connector("south", **one_tenant)]) == {}


def test_pools_of_all_good_files_are_printed_when_one_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command gives the pools of those that run, and names each that does not."""
    for name, text in {
        "east": "erp: {shared_as: both}",
        "north": "",
        "south": "no_such: 1",
        "west": "erp: {shared_as: both, seats: 9}",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(f"id: {name}\n{text}\n", encoding="utf-8")

    assert main(["pools", "--connectors", str(tmp_path)]) == 0

    said = capsys.readouterr()
    assert set(json.loads(said.out)) == {"acumatica_both", "acumatica_north", "better_b2b_east", "better_b2b_north"}
    assert "south.yaml is wrong. no_such: unknown setting" in said.err
    assert "west.yaml is wrong. erp.seats" in said.err


def test_the_folder_is_named_when_it_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No pools, and a code that stops a script."""
    assert main(["pools", "--connectors", str(tmp_path / "none")]) == 1
    assert "does not exist" in capsys.readouterr().err
