"""docs/api/acumatica.md#statements, statements 23 to 31: writing."""

from __future__ import annotations

from typing import Any

import pytest
import requests

ONLY_UPDATE = {"If-Match": "*"}
ONLY_INSERT = {"If-None-Match": "*"}
STAMP = "LastModifiedDateTime"


def _w(**values: Any) -> dict[str, Any]:
    return {name: {"value": value} for name, value in values.items()}


def _count(erp: Any, entity: str = "Customer") -> int:
    return len(erp.get(f"{erp.default}/{entity}").json())


def test_s17_23_record_is_found_when_put_names_id_key_or_filter(erp: Any) -> None:
    """The target of a PUT is found by id, by key, and by $filter, in this order."""
    row_id = erp.customer("C000002")["id"]
    by_id = erp.put(f"{erp.extended}/Customer", {"id": row_id, **_w(CustomerID="C000003", CommerceReferenceID="1")})
    assert by_id.status_code == 200
    by_key = erp.put(f"{erp.extended}/Customer", _w(CustomerID="C000003", CommerceReferenceID="2"))
    assert by_key.json()["CustomerID"]["value"] == "C000003"
    by_filter = erp.put(
        f"{erp.extended}/Customer", _w(CommerceReferenceID="3"), params={"$filter": "CustomerID eq 'C000004'"}
    )
    assert by_filter.json()["CustomerID"]["value"] == "C000004"
    references = [erp.customer(key)["CommerceReferenceID"].get("value") for key in ("C000002", "C000003", "C000004")]
    assert references == ["1", "2", "3"]
    assert _count(erp) == 60


def test_s17_23_write_is_read_back_when_a_customer_may_be_changed(writable_site: Any, writable_customer: str) -> None:
    """A changed name is stored, moves the stamp, and can be changed back; on a real site only where that is allowed."""
    path = f"{writable_site.default}/Customer"
    before = writable_site.get(f"{path}/{writable_customer}").json()
    name = before["CustomerName"]["value"]
    try:
        body = _w(CustomerID=writable_customer, CustomerName=f"{name} (changed)"[:60])
        assert writable_site.put(path, body, headers=ONLY_UPDATE).status_code == 200
        after = writable_site.get(f"{path}/{writable_customer}").json()
        assert after["CustomerName"] == body["CustomerName"]
        assert after["LastModifiedDateTime"]["value"] > before["LastModifiedDateTime"]["value"]
    finally:
        restored = _w(CustomerID=writable_customer, CustomerName=name)
        assert writable_site.put(path, restored, headers=ONLY_UPDATE).status_code == 200


def test_s17_23_write_is_refused_when_the_id_is_unknown(erp: Any) -> None:
    """An unknown id never creates a record."""
    body = {"id": "00000000-0000-0000-0000-000000000001", **_w(CustomerName="X")}
    assert "NoEntitySatisfiesTheCondition" in erp.put(f"{erp.extended}/Customer", body).text
    assert _count(erp) == 60


def test_s17_23_preconditions_are_412_when_violated(erp: Any) -> None:
    """`If-Match: *` never inserts, `If-None-Match: *` never updates."""
    missing = erp.put(f"{erp.extended}/Customer", _w(CustomerID="NOSUCH", CustomerName="X"), headers=ONLY_UPDATE)
    assert missing.status_code == 412
    present = erp.put(f"{erp.extended}/Customer", _w(CustomerID="C000001", CustomerName="X"), headers=ONLY_INSERT)
    assert present.status_code == 412
    assert present.json()["message"].startswith("Precondition failed")
    assert _count(erp) == 60
    assert erp.customer("C000001")["CustomerName"]["value"] != "X"
    fine = erp.put(f"{erp.extended}/Customer", _w(CustomerID="C000001", CustomerName="X"), headers=ONLY_UPDATE)
    assert (fine.status_code, fine.json()["CustomerName"]) == (200, {"value": "X"})


def test_s17_23_patch_never_inserts_when_the_record_is_missing(erp: Any) -> None:
    """PATCH writes the sent fields, is 404 without a record and 412 with If-None-Match."""
    assert erp.request("PATCH", f"{erp.extended}/Customer", json=_w(CustomerID="NOSUCH")).status_code == 404
    body = _w(CustomerID="C000001", CustomerName="Patched")
    assert erp.request("PATCH", f"{erp.extended}/Customer", json=body, headers=ONLY_INSERT).status_code == 412
    assert erp.request("PATCH", f"{erp.extended}/Customer", json=body).status_code == 200
    assert erp.customer("C000001")["CustomerName"]["value"] == "Patched"


@pytest.mark.parametrize("content", [b"", b"   ", b"{", b"[]", b'"x"', b'{"CustomerID": "C000001"}'])
def test_s17_23_body_is_a_400_when_it_cannot_be_read(erp: Any, content: bytes) -> None:
    """An empty, broken or misshapen body is 400 in the model-state form."""
    refused = erp.request("PUT", f"{erp.extended}/Customer", data=content)
    assert refused.status_code == 400
    assert refused.json()["message"] == "The request is invalid."
    assert list(refused.json()["modelState"]) == [""]


def test_s17_24_next_number_is_given_when_the_key_is_unknown(erp: Any) -> None:
    """A PUT of an unknown CustomerID creates the next automatic number, not the key that was sent."""
    made = erp.put(f"{erp.default}/Customer", _w(CustomerID="123", CustomerName="New"))
    assert made.status_code == 200
    assert made.json()["CustomerID"] == {"value": "C000061"}
    without = erp.put(f"{erp.default}/Customer", _w(CustomerName="Newer"))
    assert without.json()["CustomerID"] == {"value": "C000062"}
    assert erp.get(f"{erp.default}/CustomerLocation/C000061/MAIN").json()["Default"] == {"value": True}


def test_s17_24_key_is_kept_when_auto_numbering_is_off(erp: Any) -> None:
    """Without auto-numbering the key sent is the key stored."""
    erp.settings(auto_number_customers=False)
    made = erp.put(f"{erp.default}/Customer", _w(CustomerID="acme9", CustomerName="New"))
    assert made.json()["CustomerID"] == {"value": "ACME9"}


def test_s17_25_entity_comes_back_with_errors_when_values_are_refused(erp: Any) -> None:
    """Unknown Terms and a bad e-mail are a 422 with the errors beside the values, and nothing is stored."""
    before = erp.customer("C000001")
    body = {**_w(CustomerID="C000001", CustomerName="Changed", Terms="99D"), "MainContact": _w(Email="not-an-address")}
    refused = erp.put(f"{erp.default}/Customer", body)
    assert refused.status_code == 422
    entity = refused.json()
    assert entity["Terms"] == {"value": "99D", "error": "'Terms' cannot be found in the system."}
    assert entity["MainContact"]["Email"] == {"value": "not-an-address", "error": "The e-mail address is not valid."}
    assert entity["error"].startswith("Updating 'Customer' record raised at least one error.")
    assert entity["id"] == before["id"]
    assert erp.customer("C000001") == before


def test_s17_25_nothing_is_created_when_an_insert_is_refused(erp: Any) -> None:
    """A missing CustomerName on insert is a 422; neither customer nor location nor number remains."""
    refused = erp.put(f"{erp.default}/Customer", {**_w(CustomerID="X"), "MainContact": _w(Email="a@b.example")})
    assert refused.status_code == 422
    assert refused.json()["CustomerName"]["error"] == "'Customer Name' cannot be empty."
    assert refused.json()["error"].startswith("Inserting 'Customer' record")
    assert (_count(erp), len(erp.ids("CustomerLocation", "LocationID", "Customer eq 'C000061'"))) == (60, 0)
    assert erp.put(f"{erp.default}/Customer", _w(CustomerName="Y")).json()["CustomerID"]["value"] == "C000061"
    erp.settings(require_customer_name=False)
    assert erp.put(f"{erp.default}/Customer", _w(CustomerID="X")).status_code == 200


@pytest.mark.parametrize(
    ("entity", "body", "field"),
    [
        ("Contact", _w(FirstName="A"), "LastName"),
        ("Contact", _w(LastName="A", BusinessAccount="NOSUCH"), "BusinessAccount"),
        ("Contact", _w(LastName="A", Email="x"), "Email"),
        ("CustomerLocation", _w(Customer="NOSUCH", LocationID="A"), "Customer"),
        ("CustomerLocation", _w(Customer="C000001"), "LocationID"),
        ("Customer", _w(CustomerID="C000001", Status="Nope"), "Status"),
        ("Customer", _w(CustomerID="C000001", CreditLimit="much"), "CreditLimit"),
        ("Customer", _w(CustomerID="C000001", PrimaryContactID=1), "PrimaryContactID"),
        ("Customer", _w(CustomerID="C000001", Email="a@@b"), "Email"),
    ],
)
def test_s17_25_field_is_named_when_its_value_is_refused(erp: Any, entity: str, body: Any, field: str) -> None:
    """Whatever is refused stands beside the field that is wrong."""
    refused = erp.put(f"{erp.default}/{entity}", body)
    assert refused.status_code == 422
    assert refused.json()[field]["error"]


def test_s17_26_details_are_added_changed_and_deleted_when_put(erp: Any) -> None:
    """A row without id is added, with id changed, with delete removed; resending without ids duplicates."""
    path, key = f"{erp.extended}/Customer", _w(CustomerID="C000001")

    def rows() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = erp.customer("C000001", expand="SiteAssociations")["SiteAssociations"]
        return found

    new = _w(SiteID="SHOP2", ConnectionType="BCM", Active=True)
    assert erp.put(path, {**key, "SiteAssociations": [new]}).status_code == 200
    assert [row["SiteID"]["value"] for row in rows()] == ["B2BMAIN", "SHOP2"]
    added = rows()[1]
    erp.put(path, {**key, "SiteAssociations": [{"id": added["id"], **_w(CommerceReferenceID="7")}]})
    assert rows()[1]["CommerceReferenceID"] == {"value": "7"}
    assert rows()[1]["ConnectionType"] == {"value": "BCM"}
    erp.put(path, {**key, "SiteAssociations": [new]})
    assert [row["SiteID"]["value"] for row in rows()] == ["B2BMAIN", "SHOP2", "SHOP2"]
    erp.put(path, {**key, "SiteAssociations": [{"id": added["id"], "delete": True}]})
    assert len(rows()) == 2
    assert added["id"] not in [row["id"] for row in rows()]
    unknown = {"id": "00000000-0000-0000-0000-000000000001", **_w(SiteID="Z")}
    assert erp.put(path, {**key, "SiteAssociations": [unknown]}).status_code == 422
    assert len(rows()) == 2


def test_s17_26_other_details_follow_the_same_rules_when_put(erp: Any) -> None:
    """Attributes, salespersons and payment instructions are details as well."""
    body = {
        **_w(CustomerID="C000001"),
        "Attributes": [_w(AttributeID="SIZE", Value="L")],
        "Salespersons": [_w(SalespersonID="SP9", Commission=1.5)],
        "PaymentInstructions": [_w(PaymentMethod="CHECK", Value="x")],
    }
    assert erp.put(f"{erp.default}/Customer", body).status_code == 200
    text = erp.get(f"{erp.default}/Customer/C000001?$expand=Attributes,Salespersons,PaymentInstructions").text
    assert '"Commission":{"value":1.5000}' in text
    custom = erp.get(f"{erp.default}/Customer/C000001?$custom=Answers.AttributeSIZE").json()["custom"]
    assert custom["Answers"]["AttributeSIZE"]["value"] == "L"


def _stamp(erp: Any, key: str = "C000001") -> str:
    stamp: str = erp.customer(key)[STAMP]["value"]
    return stamp


def test_s17_27_stamp_stands_still_when_values_are_equal(erp: Any) -> None:
    """Equal values do not move the stamp, changed ones do, and the switch moves it always."""
    before = _stamp(erp)
    name = erp.customer("C000001")["CustomerName"]["value"]
    erp.put(f"{erp.default}/Customer", _w(CustomerID="C000001", CustomerName=name, Terms="30D"))
    assert _stamp(erp) == before
    erp.put(f"{erp.default}/Customer", _w(CustomerID="C000001", Terms="45D"))
    moved = _stamp(erp)
    assert moved > before
    erp.settings(equal_values_move_stamp=True)
    erp.advance(60)
    erp.put(f"{erp.default}/Customer", _w(CustomerID="C000001", Terms="45D"))
    assert _stamp(erp) > moved


def test_s17_27_write_back_moves_the_stamp_when_the_reference_changes(erp: Any) -> None:
    """Writing the commerce reference back moves the customer's stamp, so the next window holds it again."""
    before = _stamp(erp)
    select = {"$select": f"CustomerID,CommerceReferenceID,{STAMP}"}
    body = _w(CustomerID="C000001", CommerceReferenceID="61427")
    answer = erp.put(f"{erp.extended}/Customer", body, params=select, headers=ONLY_UPDATE).json()
    assert set(answer) == {"id", "rowNumber", "note", "CustomerID", "CommerceReferenceID", STAMP, "custom", "_links"}
    assert answer[STAMP]["value"] > before
    text = f"{STAMP} ge datetimeoffset'{answer[STAMP]['value']}'"
    assert erp.ids("Customer", "CustomerID", text) == ["C000001"]


def test_s17_27_customer_stamp_stands_still_when_linked_parts_change(erp: Any) -> None:
    """Edits of main contact, address, contacts and locations move only their own stamps, if they have one."""
    before = _stamp(erp)
    parts = {"MainContact": {**_w(Phone1="+1 555"), "Address": _w(City="Elsewhere")}}
    erp.put(f"{erp.default}/Customer", {**_w(CustomerID="C000001", Email="new@x.example"), **parts})
    linked = erp.customer("C000001", expand="MainContact,MainContact/Address")
    assert linked["Email"] == linked["MainContact"]["Email"] == {"value": "new@x.example"}
    assert linked["MainContact"]["Address"]["City"] == {"value": "Elsewhere"}
    contact = erp.get(f"{erp.default}/Contact/100021").json()
    erp.put(f"{erp.default}/Contact", _w(ContactID=100021, JobTitle="Chief Buyer"))
    assert erp.get(f"{erp.default}/Contact/100021").json()[STAMP]["value"] > contact[STAMP]["value"]
    location = erp.get(f"{erp.default}/CustomerLocation/C000001/MAIN").json()
    erp.put(f"{erp.default}/CustomerLocation", _w(Customer="C000001", LocationID="MAIN", LocationName="New"))
    assert erp.get(f"{erp.default}/CustomerLocation/C000001/MAIN").json()[STAMP]["value"] > location[STAMP]["value"]
    assert _stamp(erp) == before
    erp.settings(linked_edits_move_customer_stamp=True)
    erp.put(f"{erp.default}/Customer", {**_w(CustomerID="C000001"), "MainContact": _w(Phone1="+1 556")})
    assert _stamp(erp) > before


def test_s17_27_default_location_is_saved_when_its_fields_are_written_on_the_customer(erp: Any) -> None:
    """Delivery fields of the customer are the default location's, and move its stamp, not the customer's."""
    before, place = _stamp(erp), f"{erp.default}/CustomerLocation/C000001/MAIN"
    old = erp.get(place).json()[STAMP]["value"]
    erp.put(f"{erp.default}/Customer", _w(CustomerID="C000001", ShipVia="AIR"))
    assert erp.get(place).json()["ShipVia"] == {"value": "AIR"}
    assert erp.get(place).json()[STAMP]["value"] > old
    assert erp.customer("C000001")["ShipVia"] == {"value": "AIR"}
    assert _stamp(erp) == before


def test_s17_27_association_and_top_level_are_one_when_either_is_written(erp: Any) -> None:
    """The record's tick and type are the default site's row; only writing the record moves the stamp."""
    before = _stamp(erp)
    row = erp.customer("C000001", expand="SiteAssociations")["SiteAssociations"][0]
    edit = {"SiteAssociations": [{"id": row["id"], **_w(Active=False, ConnectionType="BCM")}]}
    erp.put(f"{erp.extended}/Customer", {**_w(CustomerID="C000001"), **edit})
    shown = erp.customer("C000001")
    assert (shown["EnableKensiumCommerce"], shown["ConnectionType"]) == ({"value": False}, {"value": "BCM"})
    assert _stamp(erp) == before
    custom = {"CurrentCustomer": {"UsrKNEnableCommerce": {"type": "CustomBooleanField", "value": True}}}
    erp.put(f"{erp.default}/Customer", {**_w(CustomerID="C000001"), "custom": custom})
    after = erp.customer("C000001", expand="SiteAssociations")
    assert after["SiteAssociations"][0]["Active"] == after["EnableKensiumCommerce"] == {"value": True}
    moved = _stamp(erp)
    assert moved > before
    erp.settings(touch_parent_on_detail_change=True)
    erp.advance(5)
    erp.put(f"{erp.extended}/Customer", {**_w(CustomerID="C000001"), **edit})
    assert _stamp(erp) > moved


def test_s17_27_overrides_open_their_parts_when_set(erp: Any) -> None:
    """Billing and location parts can be written only while their override is on, starting from the main ones."""
    key = _w(CustomerID="C000002")
    expand = "MainContact,MainContact/Address,BillingContact,BillingContact/Address"
    erp.put(f"{erp.default}/Customer", {**key, **_w(BillingAddressOverride=False)})
    main = erp.customer("C000002", expand=expand)["MainContact"]["Address"]
    closed = {**key, "BillingContact": {"Address": _w(City="Ignored")}}
    erp.put(f"{erp.default}/Customer", closed)
    assert erp.customer("C000002", expand=expand)["BillingContact"]["Address"] == main
    erp.put(f"{erp.default}/Customer", {**closed, **_w(BillingAddressOverride=True)})
    shown = erp.customer("C000002", expand=expand)
    assert shown["BillingContact"]["Address"]["City"] == {"value": "Ignored"}
    assert shown["BillingContact"]["Address"]["AddressLine1"] == main["AddressLine1"]
    assert shown["MainContact"]["Address"] == main


def test_s17_27_contact_moves_when_its_business_account_changes(erp: Any) -> None:
    """A contact belongs to the account that it names, on both sides; a new one gets a number."""
    erp.put(f"{erp.default}/Contact", _w(ContactID=100021, BusinessAccount="C000002"))
    assert 100021 not in erp.ids("Contact", "ContactID", "BusinessAccount eq 'C000001'")
    assert 100021 in erp.ids("Contact", "ContactID", "BusinessAccount eq 'C000002'")
    made = erp.put(f"{erp.extended}/Contact", _w(LastName="Doe", BusinessAccount="C000003", IsPrimary=True)).json()
    number = made["ContactID"]["value"]
    assert erp.customer("C000003")["PrimaryContactID"] == {"value": number}
    assert erp.customer("C000003", expand="PrimaryContact")["PrimaryContact"]["LastName"] == {"value": "Doe"}


def test_s17_27_one_location_is_the_default_when_another_becomes_it(erp: Any) -> None:
    """Making a location the default takes the mark from the former one."""
    assert erp.put(f"{erp.default}/CustomerLocation", _w(Customer="C000001", LocationID="new1")).status_code == 200
    erp.put(f"{erp.default}/CustomerLocation", _w(Customer="C000001", LocationID="NEW1", Default=True))
    query = {"$filter": "Customer eq 'C000001'"}
    rows = erp.get(f"{erp.default}/CustomerLocation", query).json()
    assert [row["LocationID"]["value"] for row in rows if row["Default"]["value"]] == ["NEW1"]


def test_s17_27_sent_fields_only_are_answered_when_the_switch_says_so(erp: Any) -> None:
    """By default a PUT answers all scalars; `sent_only` answers keys and what was sent."""
    body = _w(CustomerID="C000001", Terms="60D")
    assert "CreditLimit" in erp.put(f"{erp.default}/Customer", body).json()
    erp.settings(put_answer="sent_only")
    answer = erp.put(f"{erp.default}/Customer", body).json()
    assert set(answer) == {"id", "rowNumber", "note", "CustomerID", "Terms", "custom", "_links"}


def test_s17_28_nothing_is_stored_when_drops_are_silent(erp: Any) -> None:
    """`silent_drop`, as switch and as fault: 200, and nothing stored."""
    before = erp.customer("C000001")
    body = _w(CustomerID="C000001", CustomerName="Lost")
    erp.control("PUT", "faults", [{"effect": "silent_drop", "match": {"method": "PUT"}, "times": 1}])
    assert erp.put(f"{erp.extended}/Customer", body).status_code == 200
    assert erp.customer("C000001") == before
    erp.settings(silent_drop=True)
    assert erp.put(f"{erp.extended}/Customer", body).status_code == 200
    assert erp.put(f"{erp.extended}/Customer", _w(CustomerName="Lost too")).status_code == 200
    assert erp.customer("C000001") == before
    assert _count(erp) == 60


def test_s17_29_write_is_stored_when_it_fails_after_the_commit(erp: Any) -> None:
    """`commit_then_fail` stores and answers 500 or cuts the connection; `fail_before_commit` does neither."""
    path = f"{erp.extended}/Customer"
    erp.settings(commit_then_fail="500")
    assert erp.put(path, _w(CustomerID="C000001", CustomerName="Kept")).status_code == 500
    assert erp.customer("C000001")["CustomerName"]["value"] == "Kept"
    erp.settings(commit_then_fail="reset")
    with pytest.raises(requests.ConnectionError):
        erp.put(path, _w(CustomerID="C000001", CustomerName="Kept too"))
    erp.settings(commit_then_fail="off", fail_before_commit=True)
    assert erp.customer("C000001")["CustomerName"]["value"] == "Kept too"
    assert erp.put(path, _w(CustomerID="C000001", CustomerName="Lost")).status_code == 500
    assert erp.customer("C000001")["CustomerName"]["value"] == "Kept too"


def test_s17_30_action_is_polled_when_it_runs_long(erp: Any) -> None:
    """202 with Location, 202 while running, 204 when done; other calls of the session fail meanwhile."""
    erp.control("PUT", "clock", {"freeze": True})
    erp.settings(action_seconds=30.0)
    contacts = _count(erp, "Contact")
    parameters = _w(FirstName="Lee", LastName="Okafor", Email="lee@northwind.example", ContactClass="ENDCUST")
    order = {"entity": _w(CustomerID="C000001"), "parameters": parameters}
    started = erp.post(f"{erp.default}/Customer/CreateContactFromCustomer", order)
    assert started.status_code == 202
    place = started.headers["Location"].removeprefix(erp.url)
    assert place.startswith(f"{erp.default}/Customer/CreateContactFromCustomer/status/")
    assert erp.get(place).status_code == 202
    assert erp.get(f"{erp.default}/Customer", {"$top": 1}).status_code == 500
    other = erp.another()
    other.login()
    assert other.get(f"{erp.default}/Customer", {"$top": 1}).status_code == 200
    erp.advance(31)
    assert erp.get(place).status_code == 204
    assert _count(erp, "Contact") == contacts + 1
    assert "lee@northwind.example" in erp.ids("Contact", "Email", "BusinessAccount eq 'C000001'")
    assert erp.get(f"{place}0").status_code == 404


def test_s17_30_action_is_refused_when_unknown_or_unreadable(erp: Any) -> None:
    """An unknown action is 404, an unreadable order 400, an unknown record 500."""
    order = {"entity": _w(CustomerID="C000001"), "parameters": {}}
    assert erp.post(f"{erp.default}/Customer/Nonsense", order).status_code == 404
    action = f"{erp.default}/Customer/CreateContactFromCustomer"
    assert erp.request("POST", action, data=b"", headers={"Content-Length": "0"}).status_code == 400
    assert erp.post(action, {"entity": _w(CustomerID="NOSUCH")}).status_code == 500
    erp.settings(action_seconds=0.0)
    for name in ("CheckForContactDuplicates", "MarkContactAsValidated", "ValidateContactAddress"):
        assert erp.post(f"{erp.default}/Contact/{name}", {"entity": _w(ContactID=100021)}).status_code == 204


def test_s17_31_record_is_gone_without_trace_when_deleted(erp: Any) -> None:
    """DELETE by keys and by id is 204; afterwards contract REST shows nothing of it."""
    contact = erp.get(f"{erp.default}/Contact/100022").json()
    assert erp.request("DELETE", f"{erp.default}/Contact/{contact['id']}").status_code == 204
    assert erp.get(f"{erp.default}/Contact/100022").status_code == 500
    assert 100022 not in erp.ids("Contact", "ContactID", "BusinessAccount eq 'C000001'")
    assert erp.request("DELETE", f"{erp.default}/Customer/C000002").status_code == 204
    assert erp.ids("CustomerLocation", "LocationID", "Customer eq 'C000002'") == []
    assert _count(erp) == 59
    assert "NoEntitySatisfies" in erp.request("DELETE", f"{erp.default}/Customer/C000002").text
    assert erp.request("DELETE", f"{erp.default}/CustomerLocation/C000001/MAIN").status_code == 500


def test_s17_31_deleted_rows_are_seen_when_read_by_dac_odata(erp: Any) -> None:
    """DAC OData shows deleted records on request; Basic sign-in takes no seat."""
    row_id = erp.customer("C000002")["id"]
    erp.request("DELETE", f"{erp.default}/Customer/C000002")
    seats = len(erp.control("GET", "state")["sessions"])
    base = f"{erp.url}/t/Sandbox/api/odata/dac"

    def read(path: str, **options: Any) -> Any:
        answer = requests.get(f"{base}/{path}", auth=("admin", "sandbox"), timeout=10, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    assert len(read("Customer")) == 59
    assert [row["NoteID"] for row in read("Customer/px.GetDeletedRecords()")] == [row_id]
    shown = read("Customer", headers={"PX-ApiDeleted": "SHOW"})
    assert [row["AcctCD"] for row in shown if row.get("DeletedDatabaseRecord")] == ["C000002"]
    few = read("Customer?$filter=contains(AcctCD,'0001') and LastModifiedDateTime gt 2020-01-01&$select=AcctCD&$top=2")
    assert few == [{"AcctCD": "C000001"}, {"AcctCD": "C000010"}]
    assert len(read("Contact?$filter=IsActive eq false")) == len(erp.ids("Contact", "ContactID", "Active eq false"))
    assert len(read("Location")) == _count(erp, "CustomerLocation")
    keys = [row["AcctCD"] for row in read("BAccount?$orderby=AcctCD desc&$top=2")]
    assert keys == ["NORTH/SOUTH47", "C000060"]
    assert len(erp.control("GET", "state")["sessions"]) == seats
    assert requests.get(f"{base}/Customer", auth=("admin", "wrong"), timeout=10).status_code == 401
    assert requests.get(f"{base}/Customer?$filter=Nope eq 1", auth=("admin", "sandbox"), timeout=10).status_code == 400
    assert requests.get(f"{base}/Vendor", auth=("admin", "sandbox"), timeout=10).status_code == 404


def test_file_is_listed_when_attached_by_keys_or_by_link(erp: Any) -> None:
    """A file is put under the record's keys or its own link, listed by $expand=files, and read back.

    Source: docs/api/acumatica.md#urls.
    """
    by_keys = erp.request("PUT", f"{erp.default}/Customer/C000001/files/note.txt", data=b"hello")
    assert by_keys.status_code == 204
    assert erp.get(by_keys.headers["Location"].removeprefix(erp.url)).content == b"hello"
    link = erp.customer("C000001")["_links"]["files:put"].replace("{filename}", "more.bin")
    assert erp.request("PUT", link, data=b"\x00\x01").status_code == 204
    files = erp.customer("C000001", expand="files")["files"]
    assert [file["filename"] for file in files] == ["note.txt", "more.bin"]
    assert erp.get(files[1]["href"]).content == b"\x00\x01"
    assert "files" not in erp.customer("C000001")
