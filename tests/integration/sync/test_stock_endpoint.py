"""A stock endpoint syncs without any field of the extension: the connector file of the sandbox, end to end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from customer_sync.errors import ConfigError, PermissionDenied
from customer_sync.rules.eligibility import decide_eligibility
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import load_connector
from customer_sync.sources.acumatica.source import AcumaticaSource
from sandbox.server import running_acumatica, running_better_b2b
from tests.integration.twin_world import World, call, shipped_connector

CONNECTOR = Path(__file__).parents[3] / "sandbox/connectors/default_endpoint.yaml"
FOREIGN = ("Kensium", "KNCommerce", "UsrKN", "ConnectionType", "CommerceReferenceID", "SiteAssociations")


class StockWorld(World):
    """A tenant whose endpoint is the product's own."""

    version = "24.200.001"

    def source(self, connector: Connector | None = None, **changes: Any) -> AcumaticaSource:
        """Sign in to endpoint Default."""
        return super().source(connector, **{"endpoint_name": "Default", "endpoint_version": self.version, **changes})


class OldestWorld(StockWorld):
    """The oldest endpoint that has everything, which describes itself as Swagger 2.0."""

    version = "23.200.001"


@pytest.fixture
def stock(world: World) -> StockWorld:
    """Both twins, the sandbox's second connector, the oldest endpoint."""
    return OldestWorld(world.erp_url, world.store_url, load_connector(CONNECTOR), world.ledger_url)


def _eligible_by_the_extension(world: World) -> set[str]:
    """Whom the shipped connector takes of the same customers by the extension's fields, but for the e-mails' form."""
    values = shipped_connector().model_dump(mode="json")
    values["source"]["customer"]["email"]["convert"] = ["first"]
    plain = World(world.erp_url, world.store_url, Connector.model_validate(values), world.ledger_url)
    with plain.source() as source:
        return {
            each.customer_id
            for page in source.customers_after("")
            for each in page.customers
            if decide_eligibility(each, plain.connector).is_eligible
        }


def _check(world: World) -> None:
    world.sync(mode="full")
    paths = [f"{row['path']}?{row['query']} {row['body'] or ''}" for row in world.erp_calls()]
    assert not [path for path in paths if any(word in path for word in FOREIGN)]
    assert not [row for row in world.erp_calls() if row["method"] not in {"GET", "POST"}]

    expected, companies = _eligible_by_the_extension(world), world.companies()
    assert companies.keys() <= expected
    assert len(companies) > 0.85 * len(expected)
    for customer_id in expected - companies.keys():
        assert world.last_outcome(customer_id)[0] == "quarantined"

    call(f"{world.store_url}/_sandbox/calls", "DELETE")
    world.sync(mode="full")
    assert world.store_writes() == []


def test_customers_sync_from_a_stock_endpoint(stock: StockWorld) -> None:
    """The same customers as with the extension become companies, no field of it is named, nothing is written back."""
    _check(stock)
    users = [user for user in stock.store_state()["users"] if user["email"]]
    assert len(users) > len(stock.companies())


def test_the_attribute_switches_a_customer_on_and_off(stock: StockWorld) -> None:
    """It is a row of the customer's attributes; its class is the type."""
    stock.sync(mode="full")
    assert "C000001" in stock.companies()
    row = next(row for row in stock.erp_state()["customers"] if row["CustomerID"] == "C000001")
    attribute = next(each for each in row["details"]["Attributes"] if each["AttributeID"] == "WEBSTORE")
    stock.edit("Customer", CustomerID="C000001", Attributes=[{"id": attribute["id"], "Value": "0"}])
    stock.sync(mode="full")
    assert stock.last_outcome("C000001") == ("deactivated", "not_enabled")


def _with(stock: StockWorld, **places: dict[str, Any]) -> StockWorld:
    """The same world with other places of section 'source'."""
    values = stock.connector.model_dump(mode="json")
    for section, fields in places.items():
        values["source"][section] |= fields
    return replace(stock, connector=Connector.model_validate(values))


def test_people_can_order_where_the_feature_of_many_locations_is_off(stock: StockWorld) -> None:
    """Each company ships to its customer's own address; without the setting the run says which feature it needs."""
    stock.erp_settings(business_account_locations=False)
    with pytest.raises(PermissionDenied, match=r"Business Account Locations .* source\.location\.entity: Customer"):
        stock.sync(mode="full")
    assert stock.store_writes() == []

    world = _with(stock, location={"entity": "Customer"})
    world.sync(mode="full")
    book = world.book()
    assert len(book) > 40
    shipped = {key: [each for each in held["addresses"] if each["isShipping"]] for key, held in book.items()}
    assert all(each["externalId"] == f"{key}:MAIN" for key, found in shipped.items() for each in found)
    assert sum(len(found) == 1 and found[0]["isDefaultShipping"] for found in shipped.values()) > 0.9 * len(book)

    world.forget_calls()
    world.edit("Customer", CustomerID="C000001", CustomerName="Another Name")
    world.sync()
    assert not any("CustomerLocation" in row["path"] for row in world.erp_calls())
    assert world.last_outcome("C000001")[0] == "updated"


def test_an_expansion_that_lists_hide_withdraws_nobody(stock: StockWorld) -> None:
    """The attribute that switches customers on comes back empty in lists: it is read row by row instead."""
    stock.sync(mode="full")
    before = stock.book()
    stock.erp_settings(empty_expansions_in_lists=True)
    stock.forget_calls()
    stock.sync(mode="full")
    assert stock.book() == before
    assert stock.store_writes() == []


def _without_attributes(stock: StockWorld, customer_ids: set[str]) -> None:
    state = stock.erp_state()
    for row in state["customers"]:
        if row["CustomerID"] in customer_ids:
            row["details"]["Attributes"] = []
    call(f"{stock.erp_url}/_sandbox/state", "PUT", state)


def _by_key(stock: StockWorld) -> int:
    return sum(
        "/Customer/" in row["path"] and not row["path"].endswith("$adHocSchema")
        for row in stock.erp_calls()
        if row["method"] == "GET"
    )


def test_what_lists_hide_of_a_few_customers_is_read_by_key(stock: StockWorld) -> None:
    """Before they have a company: the first such row tells."""
    stock.erp_settings(empty_expansions_of={"C000003": [], "C000005": ["Attributes"]})
    stock.forget_calls()
    stock.sync(mode="full")
    assert {"C000003", "C000005"} <= stock.companies().keys()
    assert _by_key(stock) == 2


def test_a_company_keeps_what_lists_hide_among_much_that_is_really_empty(stock: StockWorld) -> None:
    """Where three that are really empty spoke for the list, who has a company is read by key all the same."""
    _without_attributes(stock, {f"C{number:06d}" for number in (*range(11, 40), 49)})
    stock.sync(mode="full")
    before = stock.book()
    assert "C000041" in before
    assert "C000012" not in before
    stock.erp_settings(empty_expansions_of={"C000041": ["Attributes"]})
    stock.forget_calls()
    for mode in ("full", "selected"):
        stock.sync(mode=mode, customer_ids=["C000041"] if mode == "selected" else [])
    assert stock.book() == before
    assert stock.store_writes() == []
    assert stock.last_outcome("C000041")[0] == "unchanged"
    assert _by_key(stock) == 3 + 1 + 1


@pytest.mark.parametrize(
    "place",
    [
        {"detail": "Attributes", "where": {"AttributeID": "WEBID"}, "field": "Value"},
        {"custom": "CurrentCustomer.UsrKNCommerceRefID"},
        {"custom": "CurrentCustomer.AttributeINDUSTRY"},
    ],
)
def test_the_companys_id_is_kept_where_the_file_says(stock: StockWorld, place: dict[str, Any]) -> None:
    """It is written to the very place that it is read from: the next run finds it there and writes nothing."""
    world = _with(stock, customer={"reference_id": {"sources": [place]}})
    ids = ["C000001", "C000003"]
    world.sync(mode="selected", customer_ids=ids)
    company_ids = {key: str(company["companyId"]) for key, company in world.companies().items()}
    with world.source() as source:
        read = {each.customer_id: each.reference_id for page in source.customers_of(ids) for each in page.customers}
    assert read == {key: company_ids[key] for key in ids}
    world.forget_calls()
    world.sync(mode="selected", customer_ids=ids)
    assert not [row for row in world.erp_calls() if row["method"] == "PUT"]


def test_the_first_of_several_e_mails_is_the_accounts(stock: StockWorld) -> None:
    """The ERP takes them in one field, and the customer is not refused for it."""
    stock.edit("Customer", CustomerID="C000001", Email="ap@first.example; buyer@first.example")
    stock.sync(mode="selected", customer_ids=["C000001"])
    assert stock.companies()["C000001"]["companyEmail"] == "ap@first.example"
    with stock.source() as source:
        (page,) = source.customers_of(["C000001"])
    assert page.customers[0].unused == {"email": 1}


@pytest.mark.parametrize(
    ("entity", "contact", "changes"),
    [
        (
            "CustomerLocation",
            "LocationContact",
            {"Customer": "C000001", "LocationID": "MAIN", "ContactOverride": True},
        ),
        ("Customer", "ShippingContact", {"CustomerID": "C000001", "ShippingContactOverride": True}),
    ],
)
def test_of_several_phones_of_a_location_the_first_is_its_address_s(
    stock: StockWorld, entity: str, contact: str, changes: dict[str, Any]
) -> None:
    """The others are told, in the log as well; with a shipping address in place of locations, too."""
    phone = {"sources": [{"field": f"{contact}/Phone1"}], "convert": ["first"]}
    world = _with(stock, location={"entity": entity, "phone": phone})
    world.edit(entity, **changes, **{contact: {"Phone1": "555-0101; 555-0102; 555-0101"}})
    world.sync(mode="selected", customer_ids=["C000001"])
    address = next(each for each in world.book()["C000001"]["addresses"] if each["externalId"] == "C000001:MAIN")
    assert address["phoneNumber"] == "555-0101"
    with world.source() as source:
        (page,) = source.customers_of(["C000001"])
    assert [each.unused for each in page.customers[0].locations if each.location_id == "MAIN"] == [
        {"location.phone": 1}
    ]


@pytest.mark.parametrize("version", ["20.200.001", "22.200.001"])
def test_an_older_endpoint_syncs_with_what_the_run_says(stock: StockWorld, version: str) -> None:
    """What it lacks is named with what to map instead, and with that the same companies are made."""
    world = replace(stock)
    world.version = version
    with pytest.raises(
        ConfigError, match=r"write source\.customer\.email: MainContact/Email.* 23\.200\.001 or a newer"
    ):
        world.sync(mode="full")
    assert world.store_writes() == []

    mapped: dict[str, dict[str, Any]] = {
        "customer": {"email": "MainContact/Email", "primary_contact_id": "PrimaryContact/ContactID"},
        "location": {"status": None, "is_default": None},
    }
    if version == "20.200.001":
        mapped["customer"]["record_id"] = None
        mapped["location"]["attention"] = "LocationContact/Attention"
    older = _with(world, **mapped)
    older.version = version
    older.sync(mode="selected", customer_ids=["C000001", "C000003"])
    assert set(older.companies()) == {"C000001", "C000003"}


@pytest.mark.long
@pytest.mark.parametrize("world_class", [StockWorld, OldestWorld])
def test_the_demos_customers_sync_from_a_stock_endpoint(tmp_path: Path, world_class: type[StockWorld]) -> None:
    """All five hundred."""
    with running_acumatica(customers=500) as erp, running_better_b2b() as store:
        ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
        world = world_class(erp.url, store.url, load_connector(CONNECTOR), ledger)
        _check(world)
