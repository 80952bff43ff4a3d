"""A field that the ERP no longer has stops the load by name; it is never read as an empty one."""

from __future__ import annotations

import pytest

from customer_sync.errors import ConfigError, SyncError
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.source import AcumaticaSource
from customer_sync.steps.contract_gate import check_contract
from tests.integration.twin_world import World, call


def _reading(world: World, **customer_fields: object) -> Connector:
    values = world.connector.model_dump(mode="json")
    values["source"]["customer"] |= customer_fields
    return Connector.model_validate(values)


def test_nothing_is_written_when_a_custom_field_is_gone(world: World) -> None:
    """An extension field that the ERP does not have is named, with its entity, before the first write."""
    connector = _reading(world, terms=["Terms", {"custom": "CurrentCustomer.UsrTermsOfOld"}])

    with pytest.raises(SyncError):
        world.sync(connector=connector, mode="full")

    assert world.store_writes() == []


def test_the_field_is_named_when_the_schema_lacks_it(world: World) -> None:
    """The gate's sentence names the connector file, the entity and the field."""
    with world.ledger() as ledger:
        run = Run(_reading(world, terms=["Terms", "MainContact/Fax2"]), ledger, "gate")
        with (
            AcumaticaSource(world.erp(), run.connector) as erp,
            pytest.raises(ConfigError, match=r"knb\.yaml reads: Customer field MainContact/Fax2"),
        ):
            check_contract(run, erp)


def test_the_answer_is_kept_while_build_and_mapping_stand(world: World) -> None:
    """A second run asks for the schema document no more."""
    world.sync(mode="selected", customer_ids=["C000001"])
    world.forget_calls()

    world.sync(mode="selected", customer_ids=["C000002"])

    paths = [row["path"] for row in call(f"{world.erp_url}/_sandbox/calls")]
    assert any(path.rstrip("/").endswith("/entity") for path in paths)
    assert not any(path.endswith("swagger.json") for path in paths)
