"""docs/api/acumatica.md#statements, statements 12 to 17 and 19 to 22: reading."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # the stubs are not among the dev tools
import pytest
import requests

ALL_PARTS = "MainContact,MainContact/Address,BillingContact,BillingContact/Address,Contacts,Contacts/Contact"


def test_s17_12_endpoints_come_in_object_form_when_asked_for(erp: Any) -> None:
    """`GET /entity`, with and without a slash, names version and endpoints with their addresses."""
    for path in ("/entity", "/entity/"):
        body = erp.get(path).json()
        assert set(body["version"]) == {"acumaticaBuildVersion", "databaseVersion"}
        listed = {(each["name"], each["version"]): each["href"] for each in body["endpoints"]}
        assert ("Default", "24.200.001") in listed
        assert listed["KNCommerce", "24.200.001"] == f"{erp.url}/entity/KNCommerce/24.200.001/"


def test_s17_12_endpoints_come_as_array_when_the_switch_is_on(erp: Any) -> None:
    """Older builds answered the bare array."""
    erp.settings(endpoints_as_array=True)
    assert isinstance(erp.get("/entity").json(), list)


def test_s17_12_only_system_endpoints_are_shown_when_anonymous(stranger: Any) -> None:
    """Without a session only Default endpoints are listed."""
    assert {each["name"] for each in stranger.get("/entity").json()["endpoints"]} == {"Default"}


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []


def _resolved(document: Any, reference: str) -> Any:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


@pytest.mark.parametrize("endpoint", ["Default/24.200.001", "Default/25.200.001", "KNCommerce/24.200.001"])
def test_s17_13_every_reference_resolves_when_swagger_is_read(erp: Any, endpoint: str) -> None:
    """swagger.json is OpenAPI 3.0.1 of contract version 4, whole in itself, without a security section."""
    document = erp.get(f"/entity/{endpoint}/swagger.json", {"company": "Sandbox"}).json()
    assert (document["openapi"], document["info"]) == ("3.0.1", {"title": endpoint, "version": "4"})
    assert document["servers"] == [{"url": f"{erp.url}/entity/{endpoint}"}]
    for reference in set(_references(document)):
        assert _resolved(document, reference)
    assert "security" not in json.dumps(document)


@pytest.mark.parametrize("endpoint", ["Default/20.200.001", "Default/22.200.001", "Default/23.200.001"])
def test_s17_13_older_endpoints_describe_themselves_as_swagger_2(erp: Any, endpoint: str) -> None:
    """Definitions, parameters and answers in their places; whole in itself, the same operations as later ones."""
    document = erp.get(f"/entity/{endpoint}/swagger.json").json()
    assert (document["swagger"], document["info"]) == ("2.0", {"title": endpoint, "version": "4"})
    assert document["basePath"] == f"/entity/{endpoint}"
    assert not {"openapi", "servers", "components"} & set(document)
    for reference in set(_references(document)):
        assert reference.startswith("#/definitions/")
        assert _resolved(document, reference)
    later = erp.get("/entity/Default/24.200.001/swagger.json").json()
    assert set(document["paths"]) == set(later["paths"])
    put = document["paths"]["/Customer"]["put"]
    body = {"in": "body", "name": "entity", "required": True, "schema": {"$ref": "#/definitions/Customer"}}
    assert put["parameters"][-1] == body
    assert {"name": "$top", "in": "query", "type": "integer", "format": "int32"} in document["paths"]["/Customer"][
        "get"
    ]["parameters"]
    assert put["responses"]["412"]["schema"] == {"$ref": "#/definitions/HttpError"}
    assert document["definitions"]["CustomField"]["discriminator"] == "type"


def test_s17_13_the_form_of_the_document_is_a_switch(erp: Any) -> None:
    """Which build answers in which form is not known, so either can be had of every endpoint."""
    erp.settings(document_form="swagger_2")
    assert erp.get("/entity/KNCommerce/24.200.001/swagger.json").json()["swagger"] == "2.0"
    erp.settings(document_form="openapi_3")
    assert erp.get("/entity/Default/20.200.001/swagger.json").json()["openapi"] == "3.0.1"


def test_s17_13_older_endpoints_lack_what_came_later(erp: Any) -> None:
    """In their documents, in their answers, and as unknown fields of a selection."""

    def properties(version: str, entity: str) -> set[str]:
        document = erp.get(f"/entity/Default/{version}/swagger.json").json()
        return set(document["definitions"][entity]["allOf"][1]["properties"])

    assert not {"Email", "PrimaryContactID"} & properties("22.200.001", "Customer")
    assert not {"Status", "Default"} & properties("22.200.001", "CustomerLocation")
    assert "NoteID" not in properties("20.200.001", "Customer")
    assert {"Email", "PrimaryContactID", "NoteID"} <= properties("23.200.001", "Customer")
    row = erp.get("/entity/Default/22.200.001/Customer/C000001", {"$expand": "MainContact"}).json()
    assert "Email" not in row
    assert row["MainContact"]["Email"]["value"]
    assert erp.get("/entity/Default/22.200.001/Customer", {"$select": "CustomerID,Email"}).status_code == 500


def test_s17_13_operations_have_the_documented_shape_when_swagger_is_read(erp: Any) -> None:
    """Operation ids, tags, parameters by reference, answers and request bodies are as published."""
    document = erp.get("/entity/Default/24.200.001/swagger.json").json()
    ids = {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}
    verbs = (
        "GetList PutEntity GetByKeys DeleteByKeys GetById DeleteById GetAdHocSchema PutFile InvokeAction_CustomAction"
    )
    for entity in ("Customer", "Contact", "CustomerLocation"):
        assert {f"{entity}_{verb}" for verb in verbs.split()} <= set(ids)
    assert "Customer_InvokeAction_CreateContactFromCustomer" in ids
    assert "/Customer/{ids}" in document["paths"]
    assert "/Customer/{id}" in document["paths"]
    listed = ids["Customer_GetList"]
    assert [parameter["$ref"].rsplit("/", 1)[1] for parameter in listed["parameters"]] == [
        "select",
        "filter",
        "expand",
        "custom",
        "skip",
        "top",
    ]
    assert listed["tags"] == ["Customer"]
    for operation in ids.values():
        assert operation["responses"]["401"] == {"$ref": "#/components/responses/ContractBasedControllerBase_401"}
    put = ids["Customer_PutEntity"]
    assert put["requestBody"]["x-bodyName"] == "entity"
    assert set(put["requestBody"]["content"]) == {"application/json", "text/json"}
    assert {"200", "400", "401", "412", "422", "500"} == set(put["responses"])
    assert document["components"]["schemas"]["Customer"]["allOf"][0] == {"$ref": "#/components/schemas/Entity"}


def test_s17_13_extended_document_holds_the_extra_fields_when_read(erp: Any) -> None:
    """KNCommerce's document has the commerce fields, Default's has not."""

    def fields(endpoint: str) -> set[str]:
        document = erp.get(f"/entity/{endpoint}/swagger.json").json()
        return set(document["components"]["schemas"]["Customer"]["allOf"][1]["properties"])

    extra = {"EnableKensiumCommerce", "ConnectionType", "CommerceReferenceID", "CustomerType", "SiteAssociations"}
    assert fields("KNCommerce/24.200.001") - fields("Default/24.200.001") == extra


def test_s17_13_swagger_wants_a_session_when_the_switch_is_off(stranger: Any) -> None:
    """Anonymous callers get 401, unless the switch lets them in."""
    path = "/entity/Default/24.200.001/swagger.json"
    assert stranger.get(path).status_code == 401
    stranger.settings(swagger_anonymous=True)
    assert stranger.get(path).status_code == 200


@pytest.mark.parametrize("entity", ["Customer", "Contact", "CustomerLocation"])
def test_s17_13_answers_follow_their_schema_when_lists_are_read(erp: Any, entity: str) -> None:
    """What a list answers is what swagger.json says that it answers, expansions included."""
    document = erp.get("/entity/KNCommerce/24.200.001/swagger.json").json()
    # A part that a record does not have (no primary contact) is null, and so is a part's note
    # (docs/api/acumatica.md#json).
    schemas = document["components"]["schemas"]
    for name in ("StringValue", "Contact", "Address"):
        schemas[name] = {"anyOf": [{"type": "null"}, schemas[name]]}
    expand = {"Customer": f"{ALL_PARTS},SiteAssociations,Attributes,PrimaryContact", "Contact": "Address,Attributes"}
    rows = erp.get(
        f"{erp.extended}/{entity}", {"$expand": expand.get(entity, "LocationContact,LocationContact/Address")}
    ).json()
    assert len(rows) >= 60
    validator = jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{entity}", **document})
    for row in rows:
        validator.validate(row)


def test_s17_14_list_is_a_bare_array_when_read(site: Any) -> None:
    """Lists have no envelope; scalars are wrapped, empty ones are {}, what was not expanded is absent."""
    answer = site.get(f"{site.default}/Customer", {"$top": 5})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    rows = answer.json()
    assert isinstance(rows, list)
    for row in rows:
        assert {"id", "rowNumber", "note", "custom"} <= set(row)
        assert not {"MainContact", "BillingContact", "Contacts", "Attributes"} & set(row)
        assert all(isinstance(row[name], dict) for name in ("CustomerID", "CustomerName", "LastModifiedDateTime"))


def test_s17_14_values_are_written_as_recorded_when_a_record_is_read(erp: Any) -> None:
    """Decimals have four places, dates +00:00 with a trimmed fraction, an empty scalar is {}."""
    text = erp.get(f"{erp.default}/Customer", {"$top": 40}).text
    assert '"WriteOffLimit":{"value":30.0000}' in text
    assert '"AccountRef":{}' in text
    stamps = re.findall(r'"LastModifiedDateTime":\{"value":"([^"]+)"', text)
    assert len(stamps) == 40
    for stamp in stamps:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?\+00:00", stamp)


def test_s17_14_fields_come_in_contract_order_when_a_record_is_read(erp: Any) -> None:
    """24.200 order: id, rowNumber, note, AccountRef … IsGuestCustomer, custom; the three names are the contact's."""
    body = erp.customer("C000001")
    names = list(erp.get(f"{erp.default}/Customer/C000001").json())
    assert names[:6] == ["id", "rowNumber", "note", "AccountRef", "ApplyOverdueCharges", "AutoApplyPayments"]
    assert names[-3:] == ["IsGuestCustomer", "custom", "_links"]
    assert len(names) == 3 + 55 + 2
    assert body["NoteID"]["value"] == body["id"]
    linked = erp.customer("C000001", expand="MainContact,MainContact/Address")["MainContact"]
    assert linked["CompanyName"] == linked["FullName"] == linked["DisplayName"] == body["CustomerName"]
    assert linked["Email"] == body["Email"]
    assert linked["note"] is None
    assert "LastModifiedDateTime" not in linked


def test_s17_14_unmapped_linked_fields_are_empty_when_the_switch_is_on(erp: Any) -> None:
    """By default linked contacts omit unmapped fields; the switch sends them as {}."""
    erp.settings(unmapped_linked_fields_as_empty=True)
    assert erp.customer("C000001", expand="MainContact")["MainContact"]["LastModifiedDateTime"] == {}


def test_s17_14_links_are_left_out_when_the_switch_is_off(erp: Any) -> None:
    """`_links` stand on top-level records unless switched off."""
    assert erp.customer("C000001")["_links"]["self"].endswith(erp.customer("C000001")["id"])
    erp.settings(record_links=False)
    assert "_links" not in erp.customer("C000001")


def test_s17_14_main_contact_stands_in_when_nothing_overrides_it(erp: Any) -> None:
    """Billing parts without an override, and locations without an own address, show the main ones."""
    parts = "MainContact,MainContact/Address,BillingContact,BillingContact/Address"
    body = next(
        row
        for row in erp.get(f"{erp.default}/Customer", {"$expand": parts}).json()
        if not row["BillingAddressOverride"]["value"]
    )
    assert body["BillingContact"]["Address"]["id"] == body["MainContact"]["Address"]["id"]
    assert body["BillingContact"]["ContactID"] == body["MainContact"]["ContactID"]
    assert "CompanyName" not in body["BillingContact"]
    query = {"$expand": "LocationContact,LocationContact/Address", "$filter": "Customer eq 'C000002'"}
    location = next(
        row for row in erp.get(f"{erp.default}/CustomerLocation", query).json() if not row["AddressOverride"]["value"]
    )
    main = erp.customer("C000002", expand="MainContact,MainContact/Address")["MainContact"]
    assert location["LocationContact"]["Address"] == main["Address"]
    own = erp.customer("C000049", expand=parts)
    assert own["BillingContact"]["Address"] != own["MainContact"]["Address"]


def test_s17_15_record_is_found_when_read_by_key_keys_or_id(erp: Any) -> None:
    """By one key, by two keys with slash and with bar, by id; keys without regard to case and trailing blanks."""
    customer = erp.customer("c000001")
    assert erp.customer(customer["id"])["CustomerID"] == {"value": "C000001"}
    assert erp.customer("ACME%20WEST%2046")["CustomerID"] == {"value": "ACME WEST 46"}
    for path in ("C000001/MAIN", "C000001%7CMAIN"):
        location = erp.get(f"{erp.default}/CustomerLocation/{path}").json()
        assert (location["Customer"]["value"], location["LocationID"]["value"]) == ("C000001", "MAIN")
    contact = erp.get(f"{erp.default}/Contact/100021").json()
    assert contact["BusinessAccount"] == {"value": "C000001"}
    assert erp.get(f"{erp.default}/Contact/{contact['id']}").json()["ContactID"] == {"value": 100021}


def test_s17_15_key_with_a_slash_is_found_by_id_only_when_read(erp: Any) -> None:
    """A key with a slash cannot stand in a path, escaped or not."""
    row = erp.get(f"{erp.default}/Customer", {"$filter": "CustomerID eq 'NORTH/SOUTH47'"}).json()[0]
    assert erp.get(f"{erp.default}/Customer/NORTH%2FSOUTH47").status_code == 500
    assert erp.get(f"{erp.default}/Customer/{row['id']}").status_code == 200


def test_s17_15_unknown_key_is_a_500_when_read(site: Any) -> None:
    """A record that is not there is 500 NoEntitySatisfiesTheCondition."""
    answer = site.get(f"{site.default}/Customer/NOSUCHCUST9")
    assert answer.status_code == 500
    assert "NoEntitySatisfiesTheCondition" in answer.json()["exceptionType"]


def test_s17_15_unknown_key_is_a_404_when_the_switch_says_so(erp: Any) -> None:
    """One third party saw 404 instead."""
    erp.settings(not_found_status=404)
    assert erp.get(f"{erp.default}/Customer/NOSUCH").status_code == 404


@pytest.mark.parametrize("path", ["/entity/Default/99.000.001/Customer", "/entity/Nope/24.200.001/Customer"])
def test_s17_15_unknown_endpoint_is_a_404_when_read(erp: Any, path: str) -> None:
    """Unknown endpoint, version and entity are 404."""
    assert erp.get(path).status_code == 404
    assert erp.get("/entity/Default/24.200.001/SalesOrder").status_code == 404


def test_s17_16_parts_come_only_on_request_when_a_list_is_read(site: Any) -> None:
    """Expanding MainContact brings it without its address; both levels named bring both."""
    query = {"$top": 2, "$select": "CustomerID,MainContact,MainContact/Address"}
    for row in site.get(f"{site.default}/Customer", {**query, "$expand": "MainContact"}).json():
        assert "Email" in row["MainContact"]
        assert "Address" not in row["MainContact"]
    for row in site.get(f"{site.default}/Customer", {**query, "$expand": "MainContact,MainContact/Address"}).json():
        assert "Country" in row["MainContact"]["Address"]


def test_s17_16_each_level_is_named_separately_when_expanding(erp: Any) -> None:
    """Expanding MainContact does not bring its Address; naming only the path brings both."""
    assert "Address" not in erp.customer("C000001", expand="MainContact")["MainContact"]
    assert "Address" in erp.customer("C000001", expand="MainContact,MainContact/Address")["MainContact"]
    contacts = erp.customer("C000001", expand="Contacts,Contacts/Contact")["Contacts"]
    assert [set(row) >= {"ContactID", "LastModifiedDateTime", "Contact"} for row in contacts] == [True] * len(contacts)


def test_s17_16_expanded_part_is_absent_when_select_does_not_name_it(erp: Any) -> None:
    """With $select an expanded entity comes only when selected too; a path brings one field, the name all."""
    assert "MainContact" not in erp.customer("C000001", select="CustomerID", expand="MainContact")
    one = erp.customer("C000001", select="CustomerID,MainContact/Email", expand="MainContact")
    assert set(one["MainContact"]) == {"id", "rowNumber", "note", "Email", "custom"}
    assert set(one) == {"id", "rowNumber", "note", "CustomerID", "MainContact", "custom", "_links"}
    whole = erp.customer("C000001", select="MainContact", expand="MainContact,MainContact/Address")["MainContact"]
    assert {"Email", "Phone1", "WebSite"} <= set(whole)
    assert "Address" not in whole
    nested = erp.customer("C000001", select="MainContact/Address/City", expand="MainContact,MainContact/Address")
    assert set(nested["MainContact"]["Address"]) == {"id", "rowNumber", "note", "City", "custom"}
    assert "MainContact" not in erp.customer("C000001", select="CustomerID,MainContact")


@pytest.mark.parametrize("select", ["Nonsense", "customerid", "MainContact/Nonsense", "CustomerID/Email"])
def test_s17_16_unknown_field_is_a_500_when_selected(site: Any, select: str) -> None:
    """An unknown $select field is 500 KeyNotFound; names are case-sensitive."""
    answer = site.get(f"{site.default}/Customer", {"$select": select, "$expand": "MainContact", "$top": 1})
    assert answer.status_code == 500
    assert answer.json()["exceptionType"].endswith("KeyNotFoundException")


def test_s17_17_skip_comes_before_top_when_paging(erp: Any) -> None:
    """$skip is applied before $top, without $top everything comes, keys ascend, $orderby is ignored."""
    everything = [row["CustomerID"]["value"] for row in erp.get(f"{erp.default}/Customer").json()]
    assert len(everything) == 60
    assert everything == sorted(everything)
    page = erp.get(f"{erp.default}/Customer", {"$top": 7, "$skip": 5, "$orderby": "CustomerName desc"}).json()
    assert [row["CustomerID"]["value"] for row in page] == everything[5:12]
    assert [row["rowNumber"] for row in page] == list(range(1, 8))
    escaped = erp.get(f"{erp.default}/Customer?%24top=3&%24select=CustomerID").json()
    assert [row["CustomerID"]["value"] for row in escaped] == everything[:3]
    assert erp.get(f"{erp.default}/Customer", {"$skip": 60}).json() == []


def test_s17_17_whole_result_is_shuffled_when_the_switch_says_so(erp: Any) -> None:
    """`shuffle` mixes before $top cuts, so that a client that trusts the order loses rows."""
    erp.settings(list_order="shuffle")
    pages = [erp.ids("Customer", "CustomerID", "CustomerID gt 'C'", top=10) for _ in range(3)]
    assert len({tuple(page) for page in pages}) > 1
    assert {key for page in pages for key in page} - set(
        sorted(erp.ids("Customer", "CustomerID", "CustomerID gt 'C'"))[:10]
    )


def test_s17_17_latest_come_first_when_the_switch_says_so(erp: Any) -> None:
    """`modified_desc` orders by stamp, latest first, before $top cuts."""
    erp.settings(list_order="modified_desc")
    rows = erp.get(f"{erp.default}/Customer", {"$top": 10}).json()
    stamps = [row["LastModifiedDateTime"]["value"] for row in rows]
    assert stamps == sorted(stamps, reverse=True)


def test_s17_19_both_forms_show_the_same_when_read(erp: Any) -> None:
    """The commerce fields are plain on KNCommerce and $custom on Default, with one value behind both."""
    custom = (
        "CurrentCustomer.UsrKNEnableCommerce,CurrentCustomer.UsrKNConnectionType,CurrentCustomer.UsrKNCommerceRefID"
    )
    plain = erp.customer("C000014", expand="SiteAssociations")
    row = erp.get(f"{erp.default}/Customer/C000014", {"$custom": custom}).json()
    assert row["custom"] == {
        "CurrentCustomer": {
            "UsrKNEnableCommerce": {"type": "CustomBooleanField", "value": True},
            "UsrKNConnectionType": {"type": "CustomStringField", "value": "BCM"},
            "UsrKNCommerceRefID": {"type": "CustomStringField"},
        }
    }
    assert "EnableKensiumCommerce" not in row
    assert (plain["EnableKensiumCommerce"], plain["ConnectionType"]) == ({"value": True}, {"value": "BCM"})
    assert plain["SiteAssociations"][0]["ConnectionType"] == {"value": "BCM"}
    contact = erp.get(
        f"{erp.default}/Contact/100021", {"$custom": "ContactCurrent.UsrKNIsPrimary,ContactCurrent.UsrKNEnableCommerce"}
    ).json()
    assert contact["custom"]["ContactCurrent"]["UsrKNIsPrimary"] == {"type": "CustomBooleanField", "value": True}


def test_s17_19_schema_is_an_empty_record_when_asked_for(site: Any) -> None:
    """$adHocSchema answers a record without values whose custom block has types."""
    for entity in ("Customer", "Contact", "CustomerLocation"):
        schema = site.get(f"{site.default}/{entity}/$adHocSchema").json()
        assert isinstance(schema["custom"], dict)
        for view in schema["custom"].values():
            assert all(field["type"].startswith("Custom") for field in view.values())


def test_s17_19_user_defined_attribute_is_read_when_named_by_view(erp: Any) -> None:
    """Attributes are custom fields named Attribute<ID>."""
    row = erp.get(f"{erp.default}/Customer/C000005", {"$custom": "Answers.AttributeINDUSTRY"}).json()
    assert row["custom"] == {"Answers": {"AttributeINDUSTRY": {"type": "CustomStringField", "value": "TOOLS"}}}


def test_s17_19_schema_lists_custom_fields_when_asked_for(erp: Any) -> None:
    """$adHocSchema is an empty record with every field outside the contract and its type."""
    schema = erp.get(f"{erp.default}/Customer/$adHocSchema").json()
    assert schema["id"] == "00000000-0000-0000-0000-000000000000"
    assert schema["CustomerID"] == {}
    assert schema["custom"]["CurrentCustomer"]["UsrKNEnableCommerce"] == {"type": "CustomBooleanField", "value": None}
    assert schema["custom"]["BAccount"]["AcctCD"] == {"type": "CustomStringField", "value": None}
    assert schema["_workflowActions"] == []
    for entity, view in (("Contact", "ContactCurrent"), ("CustomerLocation", "LocationCurrent")):
        fields = erp.get(f"{erp.default}/{entity}/$adHocSchema").json()["custom"][view]
        assert {"UsrKNEnableCommerce", "UsrKNConnectionType", "UsrKNCommerceRefID"} <= set(fields)


def test_s17_20_credit_rules_fail_in_a_list_when_expanded(erp: Any) -> None:
    """Expanding CreditVerificationRules is CannotOptimize in a list and works by key; the switch turns it off."""
    query = {"$expand": "CreditVerificationRules", "$top": 1}
    refused = erp.get(f"{erp.default}/Customer", query)
    assert refused.status_code == 500
    assert refused.json()["exceptionType"].endswith("CannotOptimizeException")
    assert "RemainingCreditLimit: View CustomerBalance has BQL delegate" in refused.json()["exceptionMessage"]
    rules = erp.customer("C000001", expand="CreditVerificationRules")["CreditVerificationRules"]
    assert {"CreditLimit", "RemainingCreditLimit"} <= set(rules)
    erp.settings(credit_rules_delegate=False)
    assert erp.get(f"{erp.default}/Customer", query).status_code == 200


def test_s17_20_associations_fail_in_a_list_when_the_switch_is_on(erp: Any) -> None:
    """`site_associations_delegate` makes SiteAssociations an optimiser failure in lists, not by key."""
    erp.settings(site_associations_delegate=True)
    assert "CannotOptimize" in erp.get(f"{erp.extended}/Customer", {"$expand": "SiteAssociations"}).text
    assert erp.customer("C000001", expand="SiteAssociations")["SiteAssociations"]


def test_s17_21_user_sees_a_part_when_in_a_restriction_group(stranger: Any) -> None:
    """A restricted user gets 200 and fewer rows, for customers, contacts and locations alike."""
    assert stranger.login(name="limited").status_code == 204
    rows = stranger.get(f"{stranger.default}/Customer").json()
    assert rows
    assert {row["CustomerClass"]["value"] for row in rows} == {"RETAIL"}
    seen = {row["CustomerID"]["value"] for row in rows}
    contacts = stranger.get(f"{stranger.default}/Contact").json()
    assert {row["BusinessAccount"]["value"] for row in contacts} <= seen
    locations = stranger.get(f"{stranger.default}/CustomerLocation").json()
    assert {row["Customer"]["value"] for row in locations} <= seen
    assert stranger.get(f"{stranger.default}/Customer/C000001").status_code == 500


def test_s17_21_rights_are_those_of_the_sign_in_when_they_change_later(stranger: Any) -> None:
    """A session keeps the rights that its user had when it began."""
    stranger.login(name="limited")
    few = len(stranger.get(f"{stranger.default}/Customer").json())
    stranger.settings(users={"limited": {"password": "sandbox"}})
    assert len(stranger.get(f"{stranger.default}/Customer").json()) == few
    stranger.logout()
    stranger.login(name="limited")
    assert len(stranger.get(f"{stranger.default}/Customer").json()) == 60


def test_s17_22_form_is_named_when_the_user_lacks_its_rights(stranger: Any) -> None:
    """403 with the form's name and screen id; other screens work."""
    stranger.login(name="clerk")
    refused = stranger.get(f"{stranger.default}/Customer")
    assert refused.status_code == 403
    assert refused.json() == {"message": "You have insufficient rights to access the Customers (AR303000) form."}
    assert stranger.get(f"{stranger.default}/Contact", {"$top": 1}).status_code == 200


def test_s17_33a_query_is_a_404_page_when_longer_than_2048(erp: Any) -> None:
    """The web server answers HTML 404 to longer query strings; the switch moves or lifts the bound."""
    url = f"{erp.url}{erp.default}/Customer"
    cookies = erp.http.cookies.get_dict()
    fits, too_long = "x=" + "a" * 2046, "x=" + "a" * 2047
    assert requests.get(f"{url}?{fits}", cookies=cookies, timeout=10).status_code == 200
    refused = requests.get(f"{url}?{too_long}", cookies=cookies, timeout=10)
    assert refused.status_code == 404
    assert refused.headers["Content-Type"].startswith("text/html")
    erp.settings(max_query_length=0)
    assert requests.get(f"{url}?{too_long}", cookies=cookies, timeout=10).status_code == 200
