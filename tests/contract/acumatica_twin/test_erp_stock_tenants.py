"""What tenants differ in: features, selectors, documents, answers, numbers that change."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest

CUSTOMER = "C000001"


def _put(erp: Any, body: dict[str, Any], entity: str = "Customer", **params: str) -> Any:
    wrapped = {name: value if isinstance(value, dict | list) else {"value": value} for name, value in body.items()}
    return erp.request("PUT", f"{erp.extended}/{entity}", json=wrapped, params=params)


def test_a_feature_that_is_off_takes_its_form_along(erp: Any) -> None:
    """CustomerLocation is a 403 with the form's name, as a missing right is; the customer's own address remains."""
    erp.settings(business_account_locations=False)
    answer = erp.get(f"{erp.default}/CustomerLocation")
    assert answer.status_code == 403
    assert "Customer Locations (AR303020)" in answer.json()["message"]
    shown = erp.customer(CUSTOMER, expand="ShippingContact,ShippingContact/Address")
    assert shown["ShippingContact"]["Address"]["City"]["value"]


@pytest.mark.parametrize(
    ("reach", "field", "value", "status"),
    [
        ("codes", "CustomerClass", "NOPE", 422),
        ("codes", "CustomerClass", "RETAIL", 200),
        ("codes", "CurrencyID", "XXX", 422),
        ("codes", "CurrencyID", "EUR", 200),
        ("codes", "TaxZone", "NOWHERE", 422),
        ("codes", "TaxZone", "EXEMPT", 200),
        ("codes", "Terms", "99D", 422),
        ("terms", "CustomerClass", "NOPE", 200),
        ("terms", "Terms", "99D", 422),
    ],
)
def test_selectors_refuse_what_they_do_not_know(erp: Any, reach: str, field: str, value: str, status: int) -> None:
    """With a 422 at the field, and nothing is stored."""
    erp.settings(selectors=reach)
    answer = _put(erp, {"CustomerID": CUSTOMER, field: value})
    assert answer.status_code == status
    assert ("cannot be found" in answer.json().get(field, {}).get("error", "")) is (status == 422)


@pytest.mark.parametrize(
    ("country", "state", "status"),
    [("ZZ", "", 422), ("US", "ZZ", 422), ("US", "AE", 200), ("CA", "QC", 200), ("IN", "TS", 200), ("XK", "", 200)],
)
def test_countries_and_states_are_selectors_too_where_all_are(erp: Any, country: str, state: str, status: int) -> None:
    """By default they take anything, as a site whose countries let states be typed."""
    address = {"State": {"value": state}, "Country": {"value": country}}
    body = {"CustomerID": CUSTOMER, "MainContact": {"Address": address}}
    assert _put(erp, body).status_code == 200
    erp.settings(selectors="all")
    assert _put(erp, {"CustomerID": "C000002", "MainContact": {"Address": address}}).status_code == status


def test_a_customer_with_documents_stays(erp: Any) -> None:
    """Where the switch says that customers have documents, none can be deleted."""
    erp.settings(refuse_delete_with_documents=True)
    answer = erp.request("DELETE", f"{erp.default}/Customer/{CUSTOMER}")
    assert answer.status_code == 500
    assert "documents" in answer.json()["exceptionMessage"]
    assert erp.customer(CUSTOMER)["CustomerID"]["value"] == CUSTOMER
    erp.settings(refuse_delete_with_documents=False)
    assert erp.request("DELETE", f"{erp.default}/Customer/{CUSTOMER}").status_code == 204


def test_a_put_answers_what_was_sent_whatever_is_selected(erp: Any) -> None:
    """Fields, those of linked parts, rows and custom fields; not more than that."""
    body = {
        "CustomerID": CUSTOMER,
        "CustomerName": "Renamed",
        "MainContact": {"Phone1": {"value": "5"}},
        "Attributes": [{"AttributeID": {"value": "NEW"}, "Value": {"value": "x"}}],
        "custom": {"CurrentCustomer": {"UsrKNConnectionType": {"type": "CustomStringField", "value": "KNB"}}},
    }
    shown = _put(erp, body, **{"$select": "Status"}).json()
    assert shown["Status"] == {"value": "Active"}
    assert shown["CustomerName"] == {"value": "Renamed"}
    assert shown["MainContact"]["Phone1"] == {"value": "5"}
    assert "Email" not in shown["MainContact"]
    assert "x" in [row["Value"].get("value") for row in shown["Attributes"]]
    assert shown["custom"]["CurrentCustomer"]["UsrKNConnectionType"]["value"] == "KNB"
    assert "Terms" not in shown
    erp.settings(put_answer_shows_sent=False)
    assert (
        "CustomerName" not in _put(erp, {"CustomerID": CUSTOMER, "CustomerName": "B"}, **{"$select": "Status"}).json()
    )


def test_a_base_address_may_end_in_a_slash(erp: Any) -> None:
    """So that //entity answers like /entity, unless the switch is off."""
    assert erp.get("//entity").status_code == 200
    assert erp.get(f"/{erp.default}/Customer/{CUSTOMER}").status_code == 200
    erp.settings(double_slash=False)
    assert erp.get("//entity").status_code == 404


def test_the_dac_plane_describes_itself(erp: Any) -> None:
    """Sets, keys and typed properties, as XML."""
    answer = erp.get("/t/Sandbox/api/odata/dac/$metadata")
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "application/xml")
    schema = ET.fromstring(answer.content)[0][0]  # noqa: S314 - of our own twin
    names = [each.attrib["Name"] for each in schema if each.tag.endswith("EntityType")]
    assert names == ["Customer", "BAccount", "Contact", "Location"]
    properties = {each.attrib["Name"]: each.attrib["Type"] for each in schema[0] if each.tag.endswith("Property")}
    assert properties["LastModifiedDateTime"] == "Edm.DateTimeOffset"
    row = erp.get("/t/Sandbox/api/odata/dac/Customer", {"$top": "1"}).json()["value"][0]
    assert set(row) == set(properties)


@pytest.mark.parametrize("text", ["a@n.example", "a@n.example;b@n.example", "a@n.example, b@n.example ;"])
def test_a_field_takes_several_e_mails(erp: Any, text: str) -> None:
    """As people write them; each must be one."""
    assert _put(erp, {"CustomerID": CUSTOMER, "Email": text}).status_code == 200
    assert erp.customer(CUSTOMER)["Email"]["value"] == text


@pytest.mark.parametrize("text", ["a@n.example;b", ";", "a@n"])
def test_a_field_takes_no_e_mail_that_is_none(erp: Any, text: str) -> None:
    """A 422 at the field."""
    assert _put(erp, {"CustomerID": CUSTOMER, "Email": text}).status_code == 422


def test_lists_hide_expansions_where_the_switch_says_so(erp: Any) -> None:
    """The same record read by itself shows them."""
    params = {"$expand": "MainContact,Attributes", "$filter": f"CustomerID eq '{CUSTOMER}'"}
    assert erp.get(f"{erp.default}/Customer", params).json()[0]["Attributes"]
    erp.settings(empty_expansions_in_lists=True)
    row = erp.get(f"{erp.default}/Customer", params).json()[0]
    assert (row["MainContact"], row["Attributes"]) == (None, [])
    assert erp.customer(CUSTOMER, expand="Attributes")["Attributes"]


def test_lists_hide_the_expansions_of_some_customers(erp: Any) -> None:
    """And of their contacts and locations, all of them or some; every other row shows them."""
    erp.settings(empty_expansions_of={"C000002": [], "C000003": ["Attributes"]})
    for entity, part, owner in (
        ("Customer", "MainContact", "CustomerID"),
        ("Contact", "Address", "BusinessAccount"),
        ("CustomerLocation", "LocationContact", "Customer"),
    ):
        rows = erp.get(f"{erp.default}/{entity}", {"$expand": part}).json()
        hidden = {row[owner]["value"] for row in rows if not row[part]}
        assert hidden == {"C000002"}
    assert erp.customer("C000002", expand="MainContact")["MainContact"]


def _change_id(erp: Any, key: str, new: str) -> Any:
    order = {"entity": {"CustomerID": {"value": key}}, "parameters": {"CustomerID": {"value": new}}}
    answer = erp.post(f"{erp.default}/Customer/ChangeID", order)
    erp.advance(2)
    return answer


def test_a_number_is_changed_and_may_be_given_again(erp: Any) -> None:
    """Record id, contacts and locations stay; the stamp moves; the former number finds nothing."""
    before = erp.customer(CUSTOMER)
    contacts = erp.ids("Contact", "ContactID", f"BusinessAccount eq '{CUSTOMER}'")
    assert _change_id(erp, CUSTOMER, "c000001-old").status_code == 202
    after = erp.customer("C000001-OLD")
    assert (after["id"], after["NoteID"]) == (before["id"], before["NoteID"])
    assert after["LastModifiedDateTime"] != before["LastModifiedDateTime"]
    assert erp.ids("Contact", "ContactID", "BusinessAccount eq 'C000001-OLD'") == contacts
    assert set(erp.ids("CustomerLocation", "Customer", "Customer eq 'C000001-OLD'")) == {"C000001-OLD"}
    assert erp.get(f"{erp.default}/Customer/{CUSTOMER}").status_code == 500
    assert _change_id(erp, "C000002", CUSTOMER).status_code == 202
    assert erp.customer(CUSTOMER)["id"] != before["id"]


@pytest.mark.parametrize("new", ["", "C000002", "c000002 "])
def test_a_number_that_is_taken_or_none_is_refused(erp: Any, new: str) -> None:
    """And the customer keeps its own."""
    assert _change_id(erp, CUSTOMER, new).status_code == 422
    assert erp.customer(CUSTOMER)["CustomerID"]["value"] == CUSTOMER


def test_a_number_is_changed_on_the_screen(erp: Any) -> None:
    """The form at its foot does what the action does."""
    row_id = erp.customer(CUSTOMER)["id"]
    assert "Change ID" in erp.get(f"/customers/{row_id}").text
    done = erp.request("POST", f"/customers/{row_id}/change-id", data={"CustomerID": "NEW1"})
    assert done.status_code == 303
    assert erp.customer("NEW1")["id"] == row_id
    refused = erp.request("POST", f"/customers/{row_id}/change-id", data={"CustomerID": "C000002"})
    assert refused.status_code == 422
    assert "is used by another record" in refused.text
