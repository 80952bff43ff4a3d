"""Discover, take the file, plan: over both twins it is the plan that a file written by hand gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_sync.commands.main import main
from customer_sync.discovery.description import MOST_REQUESTS
from customer_sync.settings.connector_file import load_connector
from tests.adapters.tenant_proxy import TenantForm, tenant_before
from tests.integration.personal_values import personal_values
from tests.integration.twin_world import World, call

ROOT = Path(__file__).parents[3]
KENSIUM = ROOT / "include/connectors/knb.yaml"
STOCK = ROOT / "sandbox/connectors/default_endpoint.yaml"
RENAMED = {
    "Email": "AccountEmail",
    "CustomerName": "AccountName",
    "CustomerClass": "CustomerClassID",
    "Terms": "PaymentTerms",
    "EnableKensiumCommerce": "EnableCommerce",
}

Json = dict[str, Any]


class Desk:
    """The command line of somebody with two connections."""

    def __init__(
        self, world: World, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.world, self.folder, self.patch, self.capsys = world, folder, patch, capsys
        self.open = ExitStack()
        store = {"conn_type": "better_b2b", "host": world.store_url, "password": "sandbox-token"}
        patch.setenv("AIRFLOW_CONN_BETTER_B2B_SHOP", json.dumps({**store, "extra": {"store_hash": "sandbox"}}))
        patch.setenv("CUSTOMER_SYNC_CONNECTORS_DIR", str(folder))

    def tenant(self, form: TenantForm, endpoint: str, version: str = "24.200.001") -> None:
        """Sign in to a tenant of a form."""
        url = self.open.enter_context(tenant_before(self.world.erp_url, form))
        erp = {"conn_type": "acumatica", "host": url, "login": "admin", "password": "sandbox"}
        extra = {"tenant": "Sandbox", **({"endpoint_name": endpoint, "endpoint_version": version} if endpoint else {})}
        self.patch.setenv("AIRFLOW_CONN_ACUMATICA_SHOP", json.dumps({**erp, "extra": extra}))

    def __call__(self, *arguments: str) -> Json:
        """The JSON that a command answers with."""
        code = main([*arguments, "--json"])
        said = self.capsys.readouterr()
        answer: Json = json.loads(said.out)
        assert code == 0, (answer, said.err)
        return answer

    def discover(self) -> Json:
        """Discover both systems into ``shop.yaml``; nothing is written to either, in few requests."""
        for url in (self.world.erp_url, self.world.store_url):
            call(f"{url}/_sandbox/calls", "DELETE")
        found = self(
            "discover", "--erp", "acumatica_shop", "--store", "better_b2b_shop", "-o", f"{self.folder}/shop.yaml"
        )
        calls = [row for url in (self.world.erp_url, self.world.store_url) for row in call(f"{url}/_sandbox/calls")]
        assert {row["path"] for row in calls if row["method"] != "GET"} == {"/entity/auth/login", "/entity/auth/logout"}
        assert found["requests"] == len(calls) <= MOST_REQUESTS
        assert self.world.seats_taken() == 0
        return found

    def plan(self, name: str) -> Json:
        """What a dry run of a file plans, over an empty ledger."""
        self.patch.setenv("CUSTOMER_SYNC_LEDGER_URL", f"sqlite:///{self.folder / name}.db")
        return self("run", "shop", "--mode", "full", "--dry-run")

    def edit(self, **sections: Json) -> None:
        """Answer questions in the file, as a person would in an editor."""
        path = self.folder / "shop.yaml"
        file = yaml.safe_load(path.read_text(encoding="utf-8"))
        for section, values in sections.items():
            file[section] = {**file[section], **values}
        path.write_text(yaml.safe_dump(file), encoding="utf-8")

    def by_hand(self, path: Path, change: Callable[[Json], None] = lambda _file: None) -> None:
        """Put a file written by hand in the place of the discovered one."""
        file = yaml.safe_load(path.read_text(encoding="utf-8"))
        file |= {"id": "shop"}
        change(file)
        target = self.folder / "shop.yaml"
        target.write_text(yaml.safe_dump(file), encoding="utf-8")
        load_connector(target)


@pytest.fixture
def desk(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """Both twins and the environment of a new user."""
    made = Desk(world, tmp_path, monkeypatch, capsys)
    with made.open:
        yield made


def _terms(path: Path) -> Json:
    terms: Json = yaml.safe_load(path.read_text(encoding="utf-8"))["terms"]
    return terms


def _first_email(file: Json) -> None:
    """People write several addresses into one field, here too."""
    customer = file["source"]["customer"]
    customer["email"] = {"field": customer["email"], "convert": ["first"]}


def _questions(found: Json) -> set[str]:
    return {each["setting"] for each in found["questions"]}


def test_the_extended_endpoint_is_discovered(desk: Desk) -> None:
    """The file that ships, found without being named; only what people decide is asked."""
    desk.tenant(TenantForm(), "")
    found = desk.discover()
    assert "KNCommerce/24.200.001" in found["warnings"][0]
    assert {"source.customer.enabled", "source.customer.connection_type"}.isdisjoint(_questions(found))
    desk.tenant(TenantForm(), "KNCommerce")
    desk.edit(terms=_terms(KENSIUM))
    plan = desk.plan("discovered")
    desk.by_hand(KENSIUM, _first_email)
    assert plan["plan_hash"] == desk.plan("by_hand")["plan_hash"]
    assert plan["counts"]["planned"] > 10


def test_renamed_fields_are_discovered(desk: Desk) -> None:
    """A tenant that calls its fields as its screens do."""
    desk.tenant(TenantForm(RENAMED), "KNCommerce")
    found = desk.discover()
    values = {path: each["value"] for path, each in found["settings"].items()}
    assert values["source.customer.enabled"] == "EnableCommerce"
    assert values["source.customer.terms"] == "PaymentTerms"
    desk.edit(terms=_terms(KENSIUM))
    plan = desk.plan("discovered")

    def renamed(file: Json) -> None:
        customer = {"name": "AccountName", "customer_class": "CustomerClassID"}
        for setting, name in {**file["source"]["customer"], **customer}.items():
            file["source"]["customer"][setting] = RENAMED.get(name, name)
        _first_email(file)

    desk.by_hand(KENSIUM, renamed)
    assert plan["plan_hash"] == desk.plan("by_hand")["plan_hash"]
    assert plan["counts"]["planned"] > 10


def test_a_tenant_with_an_attribute_is_discovered(desk: Desk) -> None:
    """An attribute of the customer says who is in the web store; contacts have no switch."""
    desk.tenant(TenantForm(has_extension=False), "Default", "23.200.001")
    found = desk.discover()
    enabled = found["settings"]["source.customer.enabled"]["value"]
    assert enabled == {"detail": "Attributes", "where": {"AttributeID": "WEBSTORE"}, "field": "Value"}
    desk.edit(terms=_terms(STOCK))
    plan = desk.plan("discovered")
    desk.by_hand(STOCK)
    assert plan["plan_hash"] == desk.plan("by_hand")["plan_hash"]
    assert plan["counts"]["planned"] > 10


def test_a_stock_endpoint_is_discovered(desk: Desk) -> None:
    """Nothing says who is in the web store: the class decides, and a person is asked whether that is meant."""
    desk.tenant(TenantForm(has_extension=False, has_attributes=False), "Default")
    found = desk.discover()
    assert {"source.customer.enabled", "eligibility.opt_in_required"} <= _questions(found)
    desk.edit(terms=_terms(STOCK))
    plan = desk.plan("discovered")

    def without_switch(file: Json) -> None:
        file["source"]["customer"]["enabled"] = None
        file["eligibility"]["opt_in_required"] = False

    desk.by_hand(STOCK, without_switch)
    assert plan["plan_hash"] == desk.plan("by_hand")["plan_hash"]
    assert plan["counts"]["planned"] > 10


def test_no_name_is_shown(desk: Desk) -> None:
    """Samples are masked: no e-mail, name or phone of a record stands in the answer."""
    desk.tenant(TenantForm(), "KNCommerce")
    text = json.dumps(desk.discover(), ensure_ascii=False)
    assert not [each for each in personal_values(desk.world) if each in text]
