"""What a row becomes by the field tables: every fact in its place, from wherever the connector file says."""

import json
from typing import Any

import msgspec
import pytest

from customer_sync.errors import ConfigError
from customer_sync.model.customer import BillingContact, Contact, Customer, Location, PostalAddress
from customer_sync.settings.adapter_kind import SOURCES, find_adapter
from customer_sync.settings.connector import Connector
from customer_sync.settings.source_section import SourceSection
from customer_sync.sources.acumatica.field_table import CONTACT, CUSTOMER, LOCATION, WORDS, Field
from customer_sync.sources.acumatica.reader import ContactReader, CustomerReader, LocationReader, selections
from customer_sync.sources.acumatica.section import AcumaticaSection, section_of
from tests.unit.customer_sync.builders import a_connector

ADDRESS = {"AddressLine1": "1 Main St", "City": "Oakland", "State": "CA", "PostalCode": "94607", "Country": "US"}
MAIN = PostalAddress(line1="1 Main St", city="Oakland", state="CA", postal_code="94607", country="US")


def wrapped(fields: dict[str, Any]) -> dict[str, Any]:
    """Values as the ERP sends them."""
    return {
        name: value if name in {"id", "custom"} else wrapped(value) if isinstance(value, dict) else {"value": value}
        for name, value in fields.items()
    }


def decoded(selection: Any, **fields: Any) -> Any:
    """A row of the ERP's answer."""
    return msgspec.json.decode(json.dumps(wrapped({"id": "rest-id", **fields})).encode(), type=selection.row_type)


def customer_of(connector: Connector | None = None, **fields: Any) -> Customer:
    """Read one customer."""
    reader = CustomerReader(connector or a_connector())
    row = decoded(reader.selection, **fields)
    return reader.to_customer(row, reader.head(row), (), ())


def test_a_customer_is_read_whole() -> None:
    """Texts are trimmed, numbers and stamps become text, what is empty stays empty."""
    found = customer_of(
        CustomerID="C1 ",
        NoteID="note-1",
        CustomerName=" Northwind ",
        Email="ap@n.example",
        CustomerClass="B2B",
        Status="Active",
        EnableKensiumCommerce=True,
        ConnectionType="KNB",
        CommerceReferenceID="20001",
        Terms="30D",
        LastModifiedDateTime="2026-03-01T12:00:00.12+02:00",
        MainContact={"Phone1": "", "Phone2": " 555 ", "Attention": "Dana", "Address": ADDRESS},
    )
    assert found == Customer(
        customer_id="C1",
        record_id="note-1",
        name="Northwind",
        email="ap@n.example",
        customer_type="B2B",
        customer_class="B2B",
        status="Active",
        enabled=True,
        connection_type="KNB",
        reference_id="20001",
        terms="30D",
        phone="555",
        attention="Dana",
        main_address=MAIN,
        billing=BillingContact(attention="Dana", phone="555", address=MAIN),
        modified_at_utc="2026-03-01T10:00:00.120000+00:00",
    )


def test_the_record_is_named_by_the_api_when_the_row_holds_no_id() -> None:
    """Every answer has an id of its own, which is the same one."""
    assert customer_of(CustomerID="C1").record_id == "rest-id"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, BillingContact(attention="Dana", phone="1", address=MAIN)),
        (
            {"BillingContactOverride": True},
            BillingContact(attention="AP", first_name="Ann", last_name="Poe", phone="3", address=MAIN),
        ),
        (
            {"BillingAddressOverride": True},
            BillingContact(attention="Dana", phone="1", address=PostalAddress(city="Reno")),
        ),
    ],
)
def test_billing_differs_from_the_main_contact_only_where_it_is_overridden(
    overrides: dict[str, bool], expected: BillingContact
) -> None:
    """The ERP keeps values in parts that do not count; the two override marks decide."""
    billing = {"Attention": "AP", "FirstName": "Ann", "LastName": "Poe", "Phone2": "3", "Address": {"City": "Reno"}}
    main = {"Phone1": "1", "Attention": "Dana", "Address": ADDRESS}
    assert customer_of(CustomerID="C1", MainContact=main, BillingContact=billing, **overrides).billing == expected


def test_facts_are_read_from_where_the_connector_file_says() -> None:
    """Second sources, detail rows, extension fields, converters and extra fields."""
    places = {
        "email": ["MainContact/Email", "Email"],
        "type": {"custom": "CurrentCustomer.UsrType"},
        "enabled": {"custom": "CurrentCustomer.UsrEnabled"},
        "connection_type": {"detail": "SiteAssociations", "where": {"SiteID": "main"}, "field": "ConnectionType"},
        "phone": {"field": "MainContact/Phone1", "convert": ["digits", "cut:4"]},
        "extra_fields": {"Region": "Territory", "Rank": {"custom": "BAccount.UsrRank"}},
    }
    reader = CustomerReader(a_connector(source={"customer": places}))
    sites = [
        {"SiteID": {"value": name}, "ConnectionType": {"value": kind}} for name, kind in (("X", "A"), ("MAIN", "B"))
    ]
    custom = {
        "CurrentCustomer": {"UsrType": {"value": "B2B"}, "UsrEnabled": {"value": "1"}},
        "BAccount": {"UsrRank": {}},
    }
    sent = {
        **wrapped(
            {"CustomerID": "C1", "Email": "x@n.example", "MainContact": {"Phone1": "+1 (555) 0101"}, "Territory": 7}
        ),
        "SiteAssociations": sites,
        "custom": custom,
    }
    row = msgspec.json.decode(json.dumps(sent).encode(), type=reader.selection.row_type)
    found = reader.to_customer(row, reader.head(row), (), ())
    assert (found.email, found.customer_type, found.enabled) == ("x@n.example", "B2B", True)
    assert (found.connection_type, found.phone) == ("B", "1555")
    assert found.extra_fields == {"Region": "7"}


@pytest.mark.parametrize(
    ("settings", "fields", "named", "expected"),
    [
        ({}, {}, "", {"is_primary": False}),
        ({}, {}, "7", {"is_primary": True}),
        ({"is_primary": "IsPrimary"}, {"IsPrimary": True}, "", {"is_primary": True}),
        ({"is_primary": "IsPrimary"}, {}, "7", {"is_primary": False}),
        ({}, {"Active": False}, "", {"active": False}),
        ({}, {"Status": "INACTIVE"}, "", {"active": False}),
    ],
)
def test_a_contact_is_read_whole(
    settings: dict[str, str], fields: dict[str, Any], named: str, expected: dict[str, bool]
) -> None:
    """Its number is text; who is primary is said by the customer, or by the field that the file names."""
    reader = ContactReader(a_connector(source={"contact": settings}))
    row = decoded(reader.selection, ContactID=7, BusinessAccount="C1", FirstName="Lee", Phone2="5", **fields)
    head = reader.head(row)
    found = reader.to_contact(row, head, named)
    assert head.customer_id == "C1"
    assert found == Contact(contact_id="7", first_name="Lee", phone="5", **expected)


@pytest.mark.parametrize(
    ("kind", "is_person"), [(None, True), ("Contact", True), ("contact ", True), ("Employee", False)]
)
def test_only_people_are_contacts(kind: str | None, *, is_person: bool) -> None:
    """Leads, employees and addresses of records stand in the same list."""
    reader = ContactReader(a_connector())
    assert reader.head(decoded(reader.selection, ContactID=7, Type=kind)).is_person is is_person


def test_a_location_is_read_whole() -> None:
    """Its switches are read only where the connector demands them."""
    fields = {
        "Customer": "C1",
        "LocationID": "EAST ",
        "LocationName": "Warehouse",
        "Default": True,
        "EnableKensiumCommerce": True,
        "LocationContact": {"FullName": "Receiving", "Phone1": "5", "Address": ADDRESS},
    }
    expected = Location(
        location_id="EAST", name="Warehouse", is_default=True, attention="Receiving", phone="5", address=MAIN
    )
    for opt_in, enabled in ((False, None), (True, True)):
        reader = LocationReader(a_connector(locations={"opt_in_required": opt_in}))
        row = decoded(reader.selection, **fields)
        assert reader.to_location(row, reader.head(row)) == msgspec.structs.replace(expected, enabled=enabled)


SHIPS_TO = {
    "Phone1": "7",
    "Attention": "Dock",
    "FirstName": "Ann",
    "LastName": "Poe",
    "Address": {**ADDRESS, "City": "Reno", "State": "NV"},
}
OWN = PostalAddress(line1="1 Main St", city="Reno", state="NV", postal_code="94607", country="US")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, {"attention": "Dana", "phone": "1", "address": MAIN}),
        (
            {"ShippingContactOverride": True},
            {"attention": "Dock", "first_name": "Ann", "last_name": "Poe", "phone": "7", "address": MAIN},
        ),
        ({"ShippingAddressOverride": True}, {"attention": "Dana", "phone": "1", "address": OWN}),
    ],
)
def test_without_locations_a_customer_ships_to_its_own_address(
    overrides: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Where the feature of many locations is off: one default location, the main contact's where nothing is its own."""
    connector = a_connector(source={"location": {"entity": "Customer"}})
    main = {"Phone1": "1", "Attention": "Dana", "Address": ADDRESS}
    found = customer_of(
        connector, CustomerID="C1", LocationName="Head Office", MainContact=main, ShippingContact=SHIPS_TO, **overrides
    )
    assert found.locations == (Location(location_id="MAIN", name="Head Office", is_default=True, **expected),)
    assert [selection.entity for selection in selections(connector)] == ["Customer", "Contact"]


def test_a_shipping_address_is_read_from_where_the_file_says() -> None:
    """The settings of locations name fields of the customer then; a file that was written out whole says the same."""
    places = {"entity": "Customer", "phone": "MainContact/Fax", "extra_fields": {"Dock": "ShipVia"}}
    connector = a_connector(source={"location": places})
    for each in (connector, Connector.model_validate(connector.model_dump(mode="json"))):
        found = customer_of(
            each,
            CustomerID="C1",
            MainContact={"Fax": "9", "Address": ADDRESS},
            ShippingContact={"Attention": "Dock"},
            ShippingContactOverride=True,
            ShipVia="UPS",
        )
        assert found.locations == (
            Location(
                location_id="MAIN",
                is_default=True,
                attention="Dock",
                phone="9",
                address=MAIN,
                extra_fields={"Dock": "UPS"},
            ),
        )


def test_no_address_is_made_of_a_shipping_address_that_nobody_wants() -> None:
    """``locations.include: false`` holds for it too."""
    connector = a_connector(source={"location": {"entity": "Customer"}}, locations={"include": False})
    assert customer_of(connector, CustomerID="C1", MainContact={"Address": ADDRESS}).locations == ()


NOTHING: dict[str, dict[str, None]] = {
    "customer": {
        **dict.fromkeys(["record_id", "customer_class", "enabled", "connection_type", "reference_id", "terms"]),
        **dict.fromkeys(["phone", "attention", "primary_contact_id"]),
    },
    "contact": dict.fromkeys(("phone", "enabled", "connection_type")),
    "location": dict.fromkeys(["name", "phone", "attention", "enabled", "connection_type", "status", "is_default"]),
}


def test_what_a_tenant_does_not_have_is_not_asked_for() -> None:
    """``null`` reads nothing; a customer, a contact and a location are made all the same."""
    connector = a_connector(source=NOTHING, eligibility={"opt_in_required": False}, contacts={"opt_in_required": False})
    asked = {selection.entity: set(selection.fields) for selection in selections(connector)}
    unwanted = {"NoteID", "EnableKensiumCommerce", "ConnectionType", "CommerceReferenceID", "Terms", "PrimaryContactID"}
    assert not unwanted & asked["Customer"]
    assert not {"EnableKensiumCommerce", "ConnectionType", "Phone1"} & asked["Contact"]
    assert not {"LocationName", "Status", "Default", "LocationContact/FullName"} & asked["CustomerLocation"]
    assert customer_of(connector, CustomerID="C1") == Customer(customer_id="C1", record_id="rest-id")
    contacts, locations = ContactReader(connector), LocationReader(connector)
    row = decoded(contacts.selection, ContactID=7, BusinessAccount="C1", FirstName="Lee")
    assert contacts.to_contact(row, contacts.head(row), "7") == Contact(
        contact_id="7", first_name="Lee", is_primary=True
    )
    row = decoded(locations.selection, Customer="C1", LocationID="EAST", Active=False)
    assert locations.to_location(row, locations.head(row)) == Location(location_id="EAST", active=False)
    assert not connector.writes_reference


@pytest.mark.parametrize(
    ("section", "field"), [("customer", "name"), ("customer", "email"), ("customer", "type"), ("contact", "first_name")]
)
def test_what_everything_hangs_on_is_always_read(section: str, field: str) -> None:
    """Without it nobody could be judged, so a file that reads it from nowhere is refused."""
    with pytest.raises(ValueError, match="a field's name"):
        a_connector(source={section: {field: None}})


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a@n.example", "a@n.example"),
        (" a@n.example ; b@n.example", "a@n.example"),
        ("a@n.example,b@n.example", "a@n.example"),
        ("; , b@n.example;", "b@n.example"),
        (";,", ""),
        ("", ""),
    ],
)
def test_the_first_of_several_e_mails_is_read_where_the_file_says_so(text: str, first: str) -> None:
    """People write addresses side by side into one field."""
    connector = a_connector(source={"customer": {"email": {"field": "Email", "convert": ["first"]}}})
    assert customer_of(connector, CustomerID="C1", Email=text).email == first


@pytest.mark.parametrize(
    ("record", "table", "worked_out"),
    [
        (Customer, CUSTOMER, {"main_address", "billing", "contacts", "locations", "extra_fields", "is_gone", "unused"}),
        (Contact, CONTACT, {"reference_id", "extra_fields", "unused"}),
        (Location, LOCATION, {"address", "reference_id", "extra_fields", "unused"}),
    ],
)
def test_every_field_of_the_model_has_a_row_in_the_table(
    record: type[msgspec.Struct], table: tuple[Field, ...], worked_out: set[str]
) -> None:
    """A new field that no table names would stay empty without a word."""
    assert set(record.__struct_fields__) - {field.name for field in table} == worked_out
    assert len({field.name for field in table}) == len(table)


def test_everything_that_is_read_is_asked_for() -> None:
    """Selection and reader come from one table: what the defaults name stands in the query."""
    asked = {selection.entity: set(selection.fields) for selection in selections(a_connector())}
    for entity, table in (("Customer", CUSTOMER), ("Contact", CONTACT)):
        assert asked[entity] == {path for field in table for path in field.paths}
    switches = {path for field in LOCATION if field.is_switch for path in field.paths}
    assert asked["CustomerLocation"] == {path for field in LOCATION for path in field.paths} - switches


def test_people_read_of_a_field_as_their_screen_names_it() -> None:
    """The words of remedies."""
    assert WORDS["main_address.state"] == "State on the General tab"
    assert WORDS["contact.first_name"] == "First Name"


def test_the_adapter_of_a_connector_is_the_one_that_its_file_names() -> None:
    """By default Acumatica; another name is refused with those that there are, another system's section too."""
    assert isinstance(a_connector().source, AcumaticaSection)
    assert find_adapter(SOURCES, "acumatica") is AcumaticaSection
    with pytest.raises(ValueError, match=r"kind 'netsuite' names no adapter that is installed \(there are: acumatica"):
        a_connector(source={"kind": "netsuite"})
    with pytest.raises(ValueError, match="names no adapter"):
        find_adapter(SOURCES, "../acumatica")


class OtherSection(SourceSection):
    """The section of a source that is not Acumatica."""

    kind: str = "other"

    @property
    def extra_field_names(self) -> tuple[str, ...]:
        """None."""
        return ()

    def read_notification(self, body: bytes, customer_fields: Any) -> Any:
        """It sends none."""
        raise NotImplementedError


def test_a_connector_of_another_source_is_not_read_from_acumatica() -> None:
    """The sentence names file and setting."""
    with pytest.raises(ConfigError, match=r"knb\.yaml: source\.kind is 'other'"):
        section_of(Connector(id="knb", source=OtherSection()))
