"""The company's id is written to the place that it is read from, in that place's own type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customer_sync.errors import ConfigError
from customer_sync.sources.acumatica.reference import write_reference
from customer_sync.sources.acumatica.section import section_of
from customer_sync.sources.port import Reference
from tests.unit.customer_sync.builders import a_connector

REFERENCE = Reference("C1", "note-1", "20001")
KINDS = {
    "UsrText": "CustomStringField",
    "UsrInt": "CustomIntField",
    "UsrShort": "CustomShortField",
    "UsrLong": "CustomLongField",
    "UsrByte": "CustomByteField",
    "UsrDecimal": "CustomDecimalField",
    "UsrDouble": "CustomDoubleField",
}
SITE = {"detail": "SiteAssociations", "where": {"SiteID": "b2bmain"}, "field": "CommerceReferenceID"}


def sent(erp: Any, make_client: Any, place: Any, reference: Reference = REFERENCE) -> dict[str, Any]:
    """Write a reference to a place, and give the body of the only PUT."""
    rule = section_of(a_connector(source={"customer": {"reference_id": place}})).customer.reference_id
    with make_client() as client:
        write_reference(client, rule.sources[0], reference)
    bodies = [json.loads(request.body) for request in erp.requests if request.method == "PUT"]
    assert len(bodies) == 1
    body: dict[str, Any] = bodies[0]
    assert (body.pop("CustomerID"), body.pop("id")) == ({"value": "C1"}, "note-1")
    return body


def test_a_field_of_the_contract_is_written_as_it_is_named(erp: Any, make_client: Any, make_reply: Any) -> None:
    """One request; a field of a linked entity stands below it."""
    erp.answering = lambda _: make_reply(200, {})
    assert sent(erp, make_client, "CommerceReferenceID") == {"CommerceReferenceID": {"value": "20001"}}
    erp.requests.clear()
    assert sent(erp, make_client, "MainContact/Fax") == {"MainContact": {"Fax": {"value": "20001"}}}
    assert erp.paths().count("PUT Customer") == 1


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_a_custom_field_is_written_in_its_own_type(
    erp: Any, make_client: Any, make_reply: Any, name: str, kind: str
) -> None:
    """A number's field gets a number: text in it may be taken for nothing, with status 200."""
    schema = {"custom": {"View": {each: {"type": of, "value": None} for each, of in KINDS.items()}}}
    erp.answering = lambda request: make_reply(200, schema if request.method == "GET" else {})
    value = "20001" if kind == "CustomStringField" else 20001
    assert sent(erp, make_client, {"custom": f"View.{name}"}) == {
        "custom": {"View": {name: {"type": kind, "value": value}}}
    }


def test_the_kinds_of_custom_fields_are_asked_for_once(erp: Any, make_client: Any, make_reply: Any) -> None:
    """However many customers a session writes."""
    schema = {"custom": {"View": {"UsrInt": {"type": "CustomIntField"}}}}
    erp.answering = lambda request: make_reply(200, schema if request.method == "GET" else {})
    rule = section_of(
        a_connector(source={"customer": {"reference_id": {"custom": "View.UsrInt"}}})
    ).customer.reference_id
    with make_client() as client:
        for number in range(3):
            write_reference(client, rule.sources[0], Reference(f"C{number}", "", str(number)))
    assert erp.paths()[1:-1] == ["GET $adHocSchema", *["PUT Customer"] * 3]


def test_an_id_that_is_no_number_goes_into_no_numbers_field(erp: Any, make_client: Any, make_reply: Any) -> None:
    """Of another store it may be text: the setting is named, nothing is sent."""
    schema = {"custom": {"View": {"UsrInt": {"type": "CustomIntField"}}}}
    erp.answering = lambda request: make_reply(200, schema if request.method == "GET" else {})
    with pytest.raises(ConfigError, match="is no number"):
        sent(erp, make_client, {"custom": "View.UsrInt"}, Reference("C1", "note-1", "a-7"))
    assert "PUT Customer" not in erp.paths()


def test_a_reference_in_a_detail_row_is_written_to_that_row(erp: Any, make_client: Any, make_reply: Any) -> None:
    """The row is found as it is when it is read, and named by the id that it has in this session."""
    rows = [
        {"id": "row-1", "SiteID": {"value": "OTHER"}},
        {"id": "row-2", "SiteID": {"value": "B2BMAIN "}},
        {"id": "row-3", "SiteID": {"value": "B2BMAIN"}},
    ]
    erp.answering = lambda request: make_reply(200, {"SiteAssociations": rows} if request.method == "GET" else {})
    row = {"id": "row-2", "CommerceReferenceID": {"value": "20001"}}
    assert sent(erp, make_client, SITE) == {"SiteAssociations": [row]}
    assert erp.paths()[1:-1] == ["GET note-1", "PUT Customer"]
    assert dict(erp.requests[1].query) == {"$expand": "SiteAssociations"}


@pytest.mark.parametrize("rows", [[], None, [{"id": "row-1", "SiteID": {"value": "OTHER"}}], [{"id": "row-1"}]])
def test_a_row_that_is_not_there_is_added(erp: Any, make_client: Any, make_reply: Any, rows: Any) -> None:
    """With the values that it will be found by."""
    erp.answering = lambda request: make_reply(200, {"SiteAssociations": rows} if request.method == "GET" else {})
    row = {"SiteID": {"value": "b2bmain"}, "CommerceReferenceID": {"value": "20001"}}
    assert sent(erp, make_client, SITE) == {"SiteAssociations": [row]}
