"""A field that the ERP no longer has stops the load by name; it is never read as an empty one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from customer_sync.errors import ConfigError, SyncError
from customer_sync.http.transport import HttpRequest, HttpResponse, Transport
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.steps.contract_gate import check_contract
from tests.integration.twin_world import World, call


def _reading(world: World, **customer_fields: object) -> Connector:
    values = world.connector.model_dump(mode="json")
    values["source"]["customer"] |= customer_fields
    return Connector.model_validate(values)


class _WithoutEmail:
    """An ERP whose build no longer has ``Customer.Email``: its description lacks it, its answers are silent."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def send(self, request: HttpRequest) -> HttpResponse:
        answer = self._inner.send(request)
        if not request.path.endswith("swagger.json"):
            return answer
        document = json.loads(answer.body)
        own = [
            part["properties"]
            for part in document["components"]["schemas"]["Customer"]["allOf"]
            if "properties" in part
        ]
        assert [properties.pop("Email", None) for properties in own] != [None]
        return replace(answer, body=json.dumps(document).encode())

    def close(self) -> None:
        self._inner.close()


NAMED = (
    r"lacks what knb\.yaml reads: Customer field Email \(write source\.customer\.email: MainContact/Email\)\. "
    r"Correct the section 'source' .* Nothing was written\."
)


@pytest.mark.parametrize("params", [{"mode": "full"}, {"mode": "selected", "customer_ids": ["C000001"]}])
def test_nothing_is_written_when_a_field_is_gone(world: World, params: dict[str, Any]) -> None:
    """The ERP answers as if the field were empty; the run fails with its name before the first write."""
    with pytest.raises(ConfigError, match=NAMED):
        replace(world, wrap_erp=_WithoutEmail).sync(**params)

    assert world.store_writes() == []


def test_nothing_is_compared_when_a_field_is_gone(world: World) -> None:
    """A missing field would look like a difference in every company: reconcile names it instead."""
    with pytest.raises(ConfigError, match=NAMED):
        replace(world, wrap_erp=_WithoutEmail).reconcile()


def test_nothing_is_written_when_a_custom_field_is_gone(world: World) -> None:
    """An extension field that the ERP does not have is named by the read or the gate, before the first write."""
    connector = _reading(world, terms=["Terms", {"custom": "CurrentCustomer.UsrTermsOfOld"}])

    with pytest.raises(SyncError, match="UsrTermsOfOld"):
        world.sync(connector=connector, mode="full")

    assert world.store_writes() == []


def test_the_field_is_named_when_the_schema_lacks_it(world: World) -> None:
    """The gate's sentence names the connector file, the entity and the field."""
    with world.ledger() as ledger:
        run = Run(_reading(world, terms=["Terms", "MainContact/Fax2"]), ledger, "gate")
        with (
            world.source(run.connector) as erp,
            pytest.raises(ConfigError, match=r"knb\.yaml reads: Customer field MainContact/Fax2"),
        ):
            check_contract(run, erp)


def test_the_schema_is_asked_again_when_the_mapping_changed(world: World) -> None:
    """What was right for yesterday's mapping says nothing of today's."""
    world.sync(mode="selected", customer_ids=["C000001"])
    world.forget_calls()

    world.sync(connector=_reading(world, terms=["CustomerClass"]), mode="selected", customer_ids=["C000002"])

    assert any(row["path"].endswith("swagger.json") for row in world.erp_calls())


def test_the_answer_is_kept_while_build_and_mapping_stand(world: World) -> None:
    """A second run asks for the schema document no more."""
    world.sync(mode="selected", customer_ids=["C000001"])
    world.forget_calls()

    world.sync(mode="selected", customer_ids=["C000002"])

    paths = [row["path"] for row in call(f"{world.erp_url}/_sandbox/calls")]
    assert any(path.rstrip("/").endswith("/entity") for path in paths)
    assert not any(path.endswith("swagger.json") for path in paths)
