"""Statements 26 to 28 of docs/api/better_b2b.md#statements: address books and geography."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import StoreClient

FLAG_RULE = "Check is default fields and corresponding field."
NO_PLACE = {"stateName": None, "stateCode": None, "countryName": None, "countryCode": None}


def _place(store: StoreClient, **place: str) -> tuple[Any, ...]:
    address = store.address(store.new_address(store.new_company(), **{**NO_PLACE, **place}))
    return tuple(address[name] for name in ("countryName", "countryCode", "stateName", "stateCode"))


@pytest.mark.parametrize(
    "place",
    [
        {"countryCode": "US", "stateCode": "CA"},
        {"countryName": "United States", "stateName": "California"},
        {"countryCode": "us", "stateName": "california"},
        {"countryName": "USA", "countryCode": "US", "stateName": "California", "stateCode": "ca"},
    ],
)
def test_s13_26_completes_country_and_state_when_half_is_sent(store: StoreClient, place: dict[str, str]) -> None:
    """Name or code is enough; the tables give the rest."""
    assert _place(store, **place) == ("United States", "US", "California", "CA")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"countryCode": "GB", "stateName": "Kent"}, ("United Kingdom", "GB", None, None)),
        ({"countryCode": "FR"}, ("France", "FR", None, None)),
        ({"countryName": "Netherlands"}, ("Netherlands", "NL", None, None)),
        ({"countryCode": "DE", "stateName": "bayern"}, ("Germany", "DE", "Bayern", "BY")),
        ({"countryCode": "IN", "stateCode": "TS"}, ("India", "IN", "Telangana", "TS")),
        ({"countryCode": "MX", "stateName": "Jalisco"}, ("Mexico", "MX", "Jalisco", "JL")),
        ({"countryCode": "CA", "stateCode": "QC"}, ("Canada", "CA", "Quebec", "QC")),
        ({"countryCode": "JP", "stateName": "Tokyo"}, ("Japan", "JP", "Tokyo", "TK")),
        ({"countryCode": "US", "stateCode": "AE"}, ("United States", "US", "Armed Forces Africa", "AE")),
        (
            {"countryCode": "US", "stateCode": "AE", "stateName": "Armed Forces Europe"},
            ("United States", "US", "Armed Forces Europe", "AE"),
        ),
    ],
)
def test_s13_26_reads_no_state_when_the_country_has_none(
    store: StoreClient, place: dict[str, str], expected: tuple[str | None, ...]
) -> None:
    """Only the 24 countries carry states; elsewhere both read back null, whatever was sent."""
    assert _place(store, **place) == expected


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ({"countryCode": "US", "stateName": "Texas", "stateCode": "CA"}, "state_name"),
        ({"countryCode": "US", "countryName": "Germany", "stateCode": "CA"}, "country_name"),
        ({"countryCode": "US"}, "state_name"),
        ({"countryCode": "US", "stateCode": "QQ"}, "state_code"),
        ({"countryCode": "US", "stateName": "Ruritania"}, "state_name"),
        ({"countryCode": "DE", "stateName": "Bavaria"}, "state_name"),
        ({"countryCode": "IN", "stateName": "Mahārāshtra"}, "state_name"),
        ({"countryCode": "ES", "stateName": "Catalunya [Cataluña]"}, "state_name"),
        ({"countryCode": "MX", "stateCode": "JAL"}, "state_code"),
        ({"countryCode": "AT", "stateCode": "9"}, "state_code"),
        ({"countryCode": "XX"}, "country_code"),
        ({"countryName": "Ruritania"}, "country_name"),
        ({}, "country_name"),
    ],
)
def test_s13_26_refuses_a_place_when_it_does_not_fit(store: StoreClient, place: dict[str, str], key: str) -> None:
    """Unknown or contradicting names and codes are a 422 that names the field in snake_case."""
    seen = store.post("/addresses", store.address_body(store.new_company(), **{**NO_PLACE, **place}))
    assert (seen.status, list(seen.err_msg)) == (422, [key])


def test_s13_26_accepts_any_state_when_not_strict(store: StoreClient) -> None:
    """Both checks can be switched off: the code wins then, and any state text is stored."""
    store.switch(refuse_mismatch=False)
    place = {"countryCode": "US", "stateName": "Texas", "stateCode": "CA"}
    assert _place(store, **place) == ("United States", "US", "California", "CA")
    store.switch(strict_states=False)
    assert _place(store, countryCode="US", stateName="Ruritania") == ("United States", "US", "Ruritania", None)


def test_s13_26_finds_countries_and_states_when_asked(any_store: StoreClient) -> None:
    """The look-ups answer by name and by code, in the United States by default."""
    texas = {"stateCode": "TX", "stateName": "Texas"}
    assert any_store.get("/countries", searchType=1, q="US").data == {
        "countryCode": "US",
        "countryName": "United States",
    }
    assert any_store.get("/countries", searchType=0, q="Canada").data["countryCode"] == "CA"
    assert any_store.get("/states", searchType=1, q="TX").data == texas
    assert any_store.get("/states", searchType=0, q="Texas", country="United States").data == texas
    assert any_store.get("/states", searchType=1, q="ON", country="CA").data["stateName"] == "Ontario"


def test_s13_26_lists_countries_and_states_when_nothing_is_sought(store: StoreClient) -> None:
    """All countries with name and code, a country's states, and none where it has none; refused by switch."""
    countries = store.get("/countries").data
    assert {"countryCode": "XK", "countryName": "Republic of Kosovo"} in countries
    assert {"countryCode": "KR", "countryName": "South Korea"} in countries
    assert {"stateCode": "TS", "stateName": "Telangana"} in store.get("/states", countryCode="IN").data
    assert store.get("/states", countryCode="GB").data == []
    assert store.get("/states", countryCode="QQ").status == 404
    store.switch(list_places=False)
    assert [store.get(path).status for path in ("/countries", "/states")] == [422, 422]


def test_s13_26_answers_404_in_shape_3_when_a_place_is_unknown(any_store: StoreClient) -> None:
    """Unknown places have the documented texts; a country outside the 24 has no states at all."""
    seen = any_store.get("/countries", searchType=1, q="QQ")
    assert (seen.status, seen.message) == (404, "Resource not found")
    for query in ({"q": "QQ"}, {"q": "KEN", "country": "GB"}):
        seen = any_store.get("/states", searchType=1, **query)
        assert seen.message == "Please enter a valid state name or state abbreviation for the country."
        assert seen.status == 404


def test_s13_26_moves_an_address_when_country_and_state_agree(store: StoreClient) -> None:
    """A new country needs its code, a state country its state code; the code alone adjusts the name."""
    address_id = store.new_address(store.new_company())
    path = f"/addresses/{address_id}"
    assert store.put(path, {"countryName": "Canada"}).err_msg == {"country_code": ["This field may not be null."]}
    assert store.put(path, {"countryCode": "CA"}).err_msg == {"state_code": ["This field may not be null."]}
    assert store.put(path, {"countryCode": "CA", "stateCode": "ON"}).status == 200
    moved = store.address(address_id)
    assert (moved["countryName"], moved["stateName"], moved["stateCode"]) == ("Canada", "Ontario", "ON")
    assert store.put(path, {"stateName": "Quebec"}).status == 200
    assert store.address(address_id)["stateCode"] == "QC"
    assert store.put(path, {"countryCode": "GB"}).status == 200
    moved = store.address(address_id)
    assert (moved["countryName"], moved["stateName"], moved["stateCode"]) == ("United Kingdom", None, None)


def test_s13_27_refuses_a_default_when_its_plain_flag_is_missing(store: StoreClient) -> None:
    """A default flag needs its plain flag in the same body, even if the address has it already."""
    path = f"/addresses/{store.new_address(store.new_company(), isBilling=True)}"
    for body in (
        {"isDefaultBilling": True},
        {"isDefaultShipping": True},
        {"isDefaultBilling": True, "isBilling": False},
    ):
        seen = store.put(path, body)
        assert (seen.status, seen.message, seen.err_msg) == (
            422,
            "Processing data contains logical errors",
            FLAG_RULE,
        )
    assert store.put(path, {"isDefaultShipping": True, "isShipping": True}).status == 200


def test_s13_27_applies_the_flag_rule_to_creates_when_switched(store: StoreClient) -> None:
    """The rule is documented for updates; for creates it can be switched on."""
    body = store.address_body(store.new_company(), isDefaultBilling=True)
    assert store.post("/addresses", body).status == 200
    store.switch(flag_rule_on_create=True)
    assert store.post("/addresses", body).err_msg == FLAG_RULE


def test_s13_27_keeps_one_default_per_kind_when_another_is_set(store: StoreClient) -> None:
    """Setting a default clears the other of the same company and kind, and only that."""
    company_id, other_company = store.new_company(), store.new_company()
    both = {"isBilling": True, "isShipping": True, "isDefaultBilling": True, "isDefaultShipping": True}
    first = store.new_address(company_id, **both)
    elsewhere = store.new_address(other_company, **both)
    second = store.new_address(company_id, isShipping=True, isDefaultShipping=True)

    def defaults(address_id: int) -> tuple[bool, bool]:
        address = store.address(address_id)
        return address["isDefaultBilling"], address["isDefaultShipping"]

    assert (defaults(first), defaults(second), defaults(elsewhere)) == ((True, False), (False, True), (True, True))
    store.put(f"/addresses/{second}", {"isBilling": True, "isDefaultBilling": True})
    assert (defaults(first), defaults(second)) == ((False, False), (True, True))
    store.put(f"/addresses/{second}", {"isBilling": False})
    assert defaults(second) == (False, True)


def test_s13_27_answers_only_the_id_when_writing(store: StoreClient) -> None:
    """Create, update and delete answer the id; an update is partial."""
    company_id = store.new_company()
    address_id = store.post("/addresses", store.address_body(company_id)).data["addressId"]
    before = store.address(address_id)
    seen = store.put(f"/addresses/{address_id}", {"city": "Oakland", "companyId": 5})
    assert seen.body == {"code": 200, "data": {"addressId": address_id}, "meta": {"message": "Success"}}
    assert store.address(address_id) == {**before, "city": "Oakland"}
    assert store.delete(f"/addresses/{address_id}").data == {"addressId": address_id}
    gone = store.get(f"/addresses/{address_id}")
    assert (gone.status, gone.err_msg) == (404, "Address matching query does not exist.")


def test_s13_27_answers_full_rows_in_order_when_bulk_creating(store: StoreClient) -> None:
    """Rows of several companies are stored in order and come back whole; any bad row refuses all."""
    first, second = store.new_company(), store.new_company()
    rows = [store.address_body((first, second)[number % 2], label=f"L{number}") for number in range(10)]
    made = store.post("/addresses/bulk", rows).data
    assert [row["label"] for row in made] == [row["label"] for row in rows]
    assert made[3] == store.address(made[3]["addressId"])
    count = store.get("/addresses").total_count
    assert store.post("/addresses/bulk", [rows[0], store.address_body(1)]).status == 404
    assert store.post("/addresses/bulk", [rows[0], {}]).status == 422
    over = store.post("/addresses/bulk", [*rows, rows[0]])
    assert (over.status, over.err_msg) == (413, "Add up to ten data at a time")
    assert store.get("/addresses").total_count == count


def test_s13_27_takes_extra_fields_when_sent_singly_or_as_a_list(store: StoreClient) -> None:
    """One object is as good as an array; reads are arrays."""
    store.control("POST", "/seed", {"extra_fields": {"addresses": [{"fieldName": "Dock"}]}})
    company_id = store.new_company()
    value = {"fieldName": "Dock", "fieldValue": "7"}
    for sent in (value, [value]):
        address_id = store.new_address(company_id, extraFields=sent)
        assert store.address(address_id)["extraFields"] == [{**value, "fieldType": 0}]
    assert store.get("/addresses/extra-fields").data[0]["fieldName"] == "Dock"


def test_s13_28_finds_addresses_by_external_id_when_asked(store: StoreClient) -> None:
    """External ids may repeat; the filter may too and means any of them, or the last one when switched."""
    first, second = store.new_company(), store.new_company()
    ids = [store.new_address(company_id, externalId="C1:EAST") for company_id in (first, second)]
    third = store.new_address(first, externalId="C1:WEST")
    store.new_address(first)

    def found(*values: str, **params: Any) -> list[int]:
        pairs = [("externalId[]", value) for value in values] + list(params.items())
        return sorted(row["addressId"] for row in store.call("GET", "/addresses", params=pairs).data)

    assert found("C1:EAST") == ids
    assert found("C1:EAST", companyId=first) == ids[:1]
    assert found("C1:EAST", "C1:WEST") == [*ids, third]
    assert found("C1") == []
    store.switch(external_id_or=False)
    assert found("C1:EAST", "C1:WEST") == [third]


def test_s13_28_filters_addresses_by_text_and_flag_when_asked(store: StoreClient) -> None:
    """The other filters find parts of texts, and exact flags."""
    company_id = store.new_company()
    wanted = store.new_address(company_id, city="Emeryville", isBilling=True, isShipping=False, phoneNumber="555-77")
    store.new_address(company_id)
    for query in (
        {"city": "meryv"},
        {"isBilling": "true"},
        {"isShipping": "0"},
        {"phoneNumber": "77"},
        {"address": "wharf", "city": "emery"},
    ):
        assert [row["addressId"] for row in store.get("/addresses", **query).data] == [wanted]
    assert store.get("/addresses", state="Calif", country="US").total_count == 2
    assert store.get("/addresses", isBilling="perhaps").status == 422
