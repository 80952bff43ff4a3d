"""An endpoint's own document, in both of its forms, and what is said of endpoints that lack something."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.errors import ConfigError, ContractError
from customer_sync.sources.acumatica.contract_check import missing_fields
from customer_sync.sources.acumatica.field_table import CONTACT, CUSTOMER, LOCATION
from tests.unit.customer_sync.builders import a_connector

VALUES = ("StringValue", "BooleanValue")
LINKS = {"MainContact": "Contact", "BillingContact": "Contact", "LocationContact": "Contact", "Address": "Address"}


def whole() -> dict[str, dict[str, str]]:
    """Entity -> field -> type of an endpoint that has everything that is read by default."""
    entities: dict[str, dict[str, str]] = {"Contact": {"Address": "Address"}, "Address": {}}
    for entity, table in (("Customer", CUSTOMER), ("Contact", CONTACT), ("CustomerLocation", LOCATION)):
        for path in (path for field in table for path in field.paths):
            *links, name = path.split("/")
            place = entity
            for link in links:
                entities.setdefault(place, {})[link] = LINKS[link]
                place = LINKS[link]
            entities.setdefault(place, {})[name] = "StringValue"
    entities["Customer"]["Sites"] = "Site[]"
    entities["Site"] = {"SiteID": "StringValue"}
    return entities


def document(entities: dict[str, dict[str, str]], *, is_swagger_2: bool = True, contract: str = "4") -> dict[str, Any]:
    """The document of an endpoint with these entities, in one of the two forms."""
    place = "#/definitions/" if is_swagger_2 else "#/components/schemas/"

    def kind(name: str) -> dict[str, Any]:
        reference = {"$ref": place + name.removesuffix("[]")}
        return {"type": "array", "items": reference} if name.endswith("[]") else reference

    schemas: dict[str, Any] = {
        name: {
            "allOf": [
                {"$ref": f"{place}Entity"},
                {"type": "object", "properties": {each: kind(of) for each, of in fields.items()}},
            ]
        }
        for name, fields in entities.items()
    }
    schemas |= {name: {"type": "object", "properties": {"value": {"type": "string"}}} for name in ("Entity", *VALUES)}
    info = {"title": "Default/23.200.001", "version": contract}
    if is_swagger_2:
        return {"swagger": "2.0", "info": info, "basePath": "/entity/Default/23.200.001", "definitions": schemas}
    return {"openapi": "3.0.1", "info": info, "components": {"schemas": schemas}}


@pytest.mark.parametrize("is_swagger_2", [True, False])
def test_both_forms_of_the_document_are_read(
    erp: Any, make_client: Any, make_reply: Any, *, is_swagger_2: bool
) -> None:
    """Endpoints up to 23.200 describe themselves as Swagger 2.0, later ones as OpenAPI 3."""
    erp.answering = lambda _: make_reply(200, document(whole(), is_swagger_2=is_swagger_2))
    schema = make_client().endpoint_schema()
    assert schema.has_path("Customer", "MainContact/Address/City")
    assert schema.has_path("Customer", "Sites/SiteID")
    assert not schema.has_path("Customer", "MainContact/Address/Moon")
    assert not schema.has_path("Customer", "SiteID")


@pytest.mark.parametrize("is_swagger_2", [True, False])
@pytest.mark.parametrize("contract", ["3", "5"])
def test_another_contract_is_refused_by_name(
    erp: Any, make_client: Any, make_reply: Any, contract: str, *, is_swagger_2: bool
) -> None:
    """Its JSON differs, so nothing of it may be read."""
    erp.answering = lambda _: make_reply(200, document(whole(), contract=contract, is_swagger_2=is_swagger_2))
    with pytest.raises(ConfigError, match=rf"Default/23\.200\.001 speaks contract version {contract}"):
        make_client().endpoint_schema()


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("Default", "18.200.001", "contract version 3 or older"),
        ("eCommerce", "17.200.001", "contract version 3 or older"),
        ("Default", "26.200.001", "contract version 5"),
    ],
)
def test_an_endpoint_of_the_product_is_refused_by_its_number(
    erp: Any, make_client: Any, make_reply: Any, name: str, version: str, words: str
) -> None:
    """Before anything of it is read: its number says which contract it speaks."""
    erp.answering = lambda _: make_reply(200, [{"name": name, "version": version}])
    with pytest.raises(ConfigError, match=words):
        make_client(endpoint_name=name, endpoint_version=version).check_endpoint()


@pytest.mark.parametrize(
    ("name", "version", "is_old"),
    [
        ("Default", "20.200.001", True),
        ("Default", "22.200.001", True),
        ("Default", "23.200.001", False),
        ("Default", "25.200.001", False),
        ("Own", "1.0.0", False),
        ("Own", "26.0", False),
    ],
)
def test_the_oldest_whole_endpoint_is_23_200(
    erp: Any, make_client: Any, make_reply: Any, name: str, version: str, *, is_old: bool
) -> None:
    """Only endpoints of the product are judged by their numbers: an extended one is numbered by who made it."""
    erp.answering = lambda _: make_reply(200, [{"name": name, "version": version}])
    client = make_client(endpoint_name=name, endpoint_version=version)
    assert client.check_endpoint().is_too_old_to_be_whole is is_old


@pytest.mark.parametrize("body", [{}, {"info": {"version": "4"}}, {"swagger": "2.0", "definitions": {"A": {}}}, [], 5])
def test_what_describes_no_endpoint_is_no_document(erp: Any, make_client: Any, make_reply: Any, body: Any) -> None:
    """Nothing may be concluded from it."""
    erp.answering = lambda _: make_reply(200, body)
    with pytest.raises(ContractError):
        make_client().endpoint_schema()


def test_an_older_endpoint_is_answered_with_what_to_map_instead(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Each field that it lacks is named with the setting that reads the same elsewhere."""
    entities = whole()
    for name in ("NoteID", "Email", "PrimaryContactID"):
        del entities["Customer"][name]
    for name in ("Status", "Default"):
        del entities["CustomerLocation"][name]
    del entities["Contact"]["FullName"]
    erp.answering = lambda _: make_reply(200, document(entities))
    assert missing_fields(make_client(), a_connector()) == [
        "Customer field NoteID (write source.customer.record_id: null)",
        "Customer field Email (write source.customer.email: MainContact/Email)",
        "Customer field PrimaryContactID (write source.customer.primary_contact_id: PrimaryContact/ContactID)",
        "CustomerLocation field LocationContact/FullName (write source.location.attention: LocationContact/Attention)",
        "CustomerLocation field Status (write source.location.status: null)",
        "CustomerLocation field Default (write source.location.is_default: null)",
    ]


def test_an_older_endpoint_is_whole_once_that_is_mapped(erp: Any, make_client: Any, make_reply: Any) -> None:
    """What the message says is what works."""
    entities = whole()
    for name in ("NoteID", "Email", "PrimaryContactID"):
        del entities["Customer"][name]
    for name in ("Status", "Default"):
        del entities["CustomerLocation"][name]
    del entities["Contact"]["FullName"]
    entities["Customer"]["PrimaryContact"] = "Contact"
    entities["Contact"]["Email"] = "StringValue"
    erp.answering = lambda _: make_reply(200, document(entities))
    places = {
        "customer": {
            "record_id": None,
            "email": "MainContact/Email",
            "primary_contact_id": "PrimaryContact/ContactID",
        },
        "location": {"attention": "LocationContact/Attention", "status": None, "is_default": None},
    }
    assert missing_fields(make_client(), a_connector(source=places)) == []


def test_a_field_that_cannot_hold_a_companys_id_is_named(erp: Any, make_client: Any, make_reply: Any) -> None:
    """A tick or a date as the place of the reference id is found before the first write."""
    schema = {
        "id": "0",
        "custom": {"V": {"UsrTick": {"type": "CustomBooleanField"}, "UsrNo": {"type": "CustomIntField"}}},
    }
    erp.answering = lambda request: make_reply(200, schema if "$adHoc" in request.path else document(whole()))

    def missing(place: str) -> list[str]:
        return missing_fields(make_client(), a_connector(source={"customer": {"reference_id": {"custom": place}}}))

    assert missing("V.UsrTick") == [
        "a field for the company's id: Customer custom field V.UsrTick is a CustomBooleanField"
    ]
    assert missing("V.UsrNo") == []


def _aliased(found: dict[str, Any], alias: dict[str, Any]) -> dict[str, Any]:
    """A document in which Customer is a name of a name of what it was."""
    schemas = found["components"]["schemas"]
    place = "#/components/schemas/"
    schemas["Whole"], schemas["Half"] = schemas["Customer"], {"$ref": f"{place}Whole"}
    schemas["Customer"] = alias or {"$ref": f"{place}Half"}
    return found


@pytest.mark.parametrize(
    "alias",
    [
        {},
        {"allOf": [{"$ref": "#/components/schemas/Half"}]},
        {"oneOf": [{"$ref": "#/components/schemas/Half"}]},
        {
            "allOf": [
                {"$ref": "#/components/schemas/Entity"},
                {"allOf": [{"anyOf": [{"$ref": "#/components/schemas/Half"}]}]},
            ]
        },
    ],
)
def test_names_of_names_lead_to_the_fields(erp: Any, make_client: Any, make_reply: Any, alias: dict[str, Any]) -> None:
    """As generators of documents nest them; and a field whose type is wrapped keeps it."""
    found = _aliased(document(whole(), is_swagger_2=False), alias)
    wrapped = found["components"]["schemas"]["Whole"]["allOf"][1]["properties"]
    wrapped["MainContact"] = {"allOf": [wrapped["MainContact"]], "nullable": True}
    erp.answering = lambda _request: make_reply(200, found)
    with make_client() as client:
        schema = client.endpoint_schema()
        assert missing_fields(client, a_connector(terms={})) == []
    assert schema.entities["Customer"].keys() == whole()["Customer"].keys()


@pytest.mark.parametrize(
    "alias", [{"$ref": "#/components/schemas/Customer"}, {"$ref": "#/x/Nowhere"}, {"allOf": None}, None]
)
def test_names_that_lead_round_or_nowhere_have_no_fields(
    erp: Any, make_client: Any, make_reply: Any, alias: Any
) -> None:
    """The document ends, and the fields are named as missing."""
    found = document(whole(), is_swagger_2=False)
    found["components"]["schemas"]["Customer"] = alias
    erp.answering = lambda _request: make_reply(200, found)
    with make_client() as client:
        assert client.endpoint_schema().entities["Customer"] == {}


def test_a_refused_contract_is_named_though_the_document_has_no_name(
    erp: Any, make_client: Any, make_reply: Any
) -> None:
    """By the address that was asked."""
    found = {**document(whole(), contract="3"), "info": {"version": "3"}}
    erp.answering = lambda _request: make_reply(200, found)
    with make_client() as client, pytest.raises(ConfigError, match=r"endpoint /entity/\S+ speaks contract version 3,"):
        client.endpoint_schema()
