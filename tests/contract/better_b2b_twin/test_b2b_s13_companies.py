"""Statements 8 to 16 of docs/api/better_b2b.md#statements: companies, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import StoreClient

KEY = "Acumatica Customer ID"
NOT_FOUND = {"code": 404, "data": {}, "meta": {"message": "This resource is not found."}}


def _key(value: str) -> list[dict[str, str]]:
    return [{"fieldName": KEY, "fieldValue": value}]


def test_s13_08_names_the_first_missing_field_when_several_are(store: StoreClient) -> None:
    """Required fields are checked in the table's order, and only the first missing one is named."""
    body = store.company_body()
    missing = dict.fromkeys(
        ("companyName", "companyPhone", "companyEmail", "country", "adminFirstName", "adminLastName", "adminEmail")
    )
    expected = [
        "The company name is required.",
        "The company phone is required.",
        "The company email is required.",
        "The country is required.",
        "The admin first name is required.",
        "The admin last name is required.",
        "Admin email is required",
    ]
    seen = []
    for name in list(missing):
        sent = {key: value for key, value in body.items() if key not in missing}
        seen.append(store.post("/companies", sent).message)
        del missing[name]
    assert seen == expected
    assert store.post("/companies", body).status == 200


@pytest.mark.parametrize("blank", ["", "   ", None])
def test_s13_08_counts_a_field_as_missing_when_blank(store: StoreClient, blank: object) -> None:
    """A blank is no value."""
    body = {**store.company_body(), "companyName": blank}
    assert store.post("/companies", body).message == "The company name is required."


def test_s13_08_uses_other_texts_when_switched(store: StoreClient) -> None:
    """The texts that nobody has seen can be chosen."""
    store.switch(required_text="{field} missing", admin_email_required_text="no admin")
    assert store.post("/companies", {}).message == "company name missing"
    assert store.post("/companies", store.company_body(adminEmail=None)).message == "no admin"


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("companyName", 200),
        ("companyPhone", 50),
        ("country", 200),
        ("adminFirstName", 100),
        ("adminLastName", 100),
        ("adminPhoneNumber", 100),
        ("addressLine1", 200),
        ("addressLine2", 200),
        ("city", 100),
        ("state", 50),
        ("zipCode", 50),
    ],
)
def test_s13_09_refuses_a_text_when_longer_than_documented(store: StoreClient, field: str, longest: int) -> None:
    """The longest value is stored, one character more is a 422 in shape 3, unless switched off."""
    assert store.post("/companies", store.company_body(**{field: "x" * longest})).status == 200
    too_long = store.company_body(**{field: "x" * (longest + 1)})
    refused = store.post("/companies", too_long)
    assert (refused.status, refused.data) == (422, {})
    store.switch(enforce_max_lengths=False)
    assert store.post("/companies", too_long).status == 200


def test_s13_10_makes_one_admin_when_creating(store: StoreClient) -> None:
    """A company comes with exactly one user of role 0, who stands on a new core customer."""
    created = store.post("/companies", store.company_body(adminEmail="first@northwind.example"))
    users = store.users_of(created.data["companyId"])
    assert [(user["email"], user["role"], user["companyRoleName"]) for user in users] == [
        ("first@northwind.example", 0, "Admin")
    ]
    assert users[0]["customerId"] == created.data["customerId"]
    assert users[0]["phoneNumber"] == "+1 (555) 010-4421"


def test_s13_10_links_the_shopper_when_the_admin_is_a_plain_customer(store: StoreClient) -> None:
    """The core customer that has the e-mail already is linked, not doubled."""
    shopper = next(each for each in store.state()["customers"] if each["email"] == "shopper@plainshop.example")
    created = store.post("/companies", store.company_body(adminEmail="Shopper@PlainShop.example"))
    assert created.data["customerId"] == shopper["id"]
    assert store.get(f"/users/customer/{shopper['id']}").data["companyId"] == created.data["companyId"]


def test_s13_11_stores_nothing_when_the_admin_belongs_to_a_company(store: StoreClient) -> None:
    """An admin e-mail of another company's user is a 422 in shape 3, and no company is stored."""
    store.new_company(adminEmail="taken@northwind.example")
    before = store.state()
    refused = store.post("/companies", store.company_body(adminEmail="taken@northwind.example"))
    assert refused.body == {
        "code": 422,
        "data": {},
        "meta": {"message": "Email already exists. ['taken@northwind.example']"},
    }
    assert store.state() == before
    store.switch(admin_email_taken_shape=1)
    refused = store.post("/companies", store.company_body(adminEmail="taken@northwind.example"))
    assert refused.err_msg == "Email already exists. ['taken@northwind.example']"


def test_s13_12_starts_approved_or_pending_when_switched(store: StoreClient) -> None:
    """New companies are Approved; with auto_approve off they wait as Pending."""
    assert store.company(store.new_company())["companyStatus"] == 1
    store.switch(auto_approve=False)
    assert store.company(store.new_company())["companyStatus"] == 0


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_s13_12_sets_the_status_when_known(store: StoreClient, status: int) -> None:
    """All four states can be set and are found by the filter."""
    company_id = store.new_company()
    assert store.put(f"/companies/{company_id}/status", {"companyStatus": status}).data == {"companyId": company_id}
    assert store.company(company_id)["companyStatus"] == status
    found = store.get("/companies", companyStatus=status, limit=100).data
    assert company_id in [row["companyId"] for row in found]
    assert {row["companyStatus"] for row in found} == {status}


@pytest.mark.parametrize("status", [4, -1, "x", None, True, 1.5])
def test_s13_12_refuses_the_status_when_unknown(store: StoreClient, status: object) -> None:
    """Only 0 to 3 are states."""
    company_id = store.new_company()
    assert store.put(f"/companies/{company_id}/status", {"companyStatus": status}).status == 422
    assert store.company(company_id)["companyStatus"] == 1


def test_s13_13_accepts_names_and_e_mails_when_doubled(store: StoreClient) -> None:
    """Company names and company e-mails may repeat; the latter only until switched."""
    first = store.new_company(companyName="Twin", companyEmail="ap@twin.example")
    second = store.new_company(companyName="Twin", companyEmail="ap@twin.example")
    assert first != second
    store.switch(unique_company_email=True)
    refused = store.post("/companies", store.company_body(companyEmail="AP@twin.example"))
    assert (refused.status, refused.data) == (422, {})


def test_s13_13_refuses_a_unique_value_when_taken(store: StoreClient) -> None:
    """A unique extra field refuses a second holder: singly 422 shape 3, in bulk 409 shape 4."""
    store.new_company(extraFields=_key("K1"))
    text = "Acumatica Customer ID must be unique."
    single = store.post("/companies", store.company_body(extraFields=_key("K1")))
    assert (single.status, single.message) == (422, text)
    bulk = store.post("/companies/bulk", [store.company_body(extraFields=_key("K1"))])
    assert bulk.body == {
        "code": 409,
        "data": {"errors": [{"id": "0", "_detail": text}]},
        "meta": {"message": "Company was in conflict with another company."},
    }
    other = store.new_company()
    assert store.put(f"/companies/{other}", {"extraFields": _key("K1")}).message == text
    store.switch(enforce_unique_extra_fields=False)
    assert store.put(f"/companies/{other}", {"extraFields": _key("K1")}).status == 200


def test_s13_13_frees_a_unique_value_when_its_holder_is_gone(store: StoreClient) -> None:
    """A value can be taken again after its company was deleted, and a company may keep its own."""
    company_id = store.new_company(extraFields=_key("K1"))
    assert store.put(f"/companies/{company_id}", {"extraFields": _key("K1")}).status == 200
    store.delete(f"/companies/{company_id}")
    store.new_company(extraFields=_key("K1"))


def _found(store: StoreClient, *filters: str, **params: Any) -> list[int]:
    pairs = [("extraFields", each) for each in filters] + list(params.items())
    return sorted(row["companyId"] for row in store.call("GET", "/companies", params=pairs).data)


def test_s13_14_finds_more_than_asked_when_searching(store: StoreClient) -> None:
    """The default search finds parts: C10 matches C100 too; only exact-match tells them apart."""
    short, long = store.new_company(extraFields=_key("C10")), store.new_company(extraFields=_key("C100"))
    assert _found(store, f"{KEY}:C10") == [short, long]
    assert _found(store, f"{KEY}:C10", extraFieldFilterType="exact-match") == [short]
    assert _found(store, f"{KEY}:nobody", extraFieldFilterType="exact-match") == []


def test_s13_14_needs_all_filters_when_repeated(store: StoreClient) -> None:
    """Repeated filters are joined by AND, for both types."""
    store.control("POST", "/seed", {"extra_fields": {"companies": [{"fieldName": "Region"}]}})
    both = store.new_company(extraFields=[*_key("A1"), {"fieldName": "Region", "fieldValue": "West"}])
    one = store.new_company(extraFields=_key("A2"))
    assert _found(store, f"{KEY}:A", "Region:West") == [both]
    exact = {"extraFieldFilterType": "exact-match"}
    assert _found(store, f"{KEY}:A1", "Region:West", **exact) == [both]
    assert _found(store, f"{KEY}:A2", "Region:West", **exact) == []
    assert _found(store, f"{KEY}:A2", **exact) == [one]


def test_s13_14_cuts_at_the_first_colon_when_there_are_two(store: StoreClient) -> None:
    """A value may hold a colon; the switch cuts at the last one instead."""
    company_id = store.new_company(extraFields=_key("A:B"))
    exact = {"extraFieldFilterType": "exact-match"}
    assert _found(store, f"{KEY}:A:B", **exact) == [company_id]
    store.switch(extra_field_filter_split="last_colon")
    assert _found(store, f"{KEY}:A:B", **exact) == []


def test_s13_14_returns_everything_when_the_filter_does_not_exist(store: StoreClient) -> None:
    """Neither uuid nor companyEmail is a filter: both are ignored, so everything comes back."""
    store.new_company()
    everything = store.get("/companies").total_count
    assert everything > 1
    assert store.get("/companies", uuid="C1").total_count == everything
    assert store.get("/companies", companyEmail="nobody@example.com").total_count == everything


def test_s13_14_filters_by_name_part_and_customer_when_asked(store: StoreClient) -> None:
    """`q` is part of the name, `customerId` a core customer; orders are unknown to the twin."""
    created = store.post("/companies", store.company_body(companyName="Zebra Crossing Ltd"))
    company_id = created.data["companyId"]
    assert [row["companyId"] for row in store.get("/companies", q="bra cross").data] == [company_id]
    found = store.get("/companies", customerId=created.data["customerId"]).data
    assert [row["companyId"] for row in found] == [company_id]
    assert store.get("/companies", orderId="1").total_count == 0


RECORD_ID = "2f0c1b7e-6e0b-4f57-8d0a-0f5a5a1f6a10"


def test_s13_15_changes_only_what_was_sent_when_updating(store: StoreClient) -> None:
    """An update is partial, stores uuid, and ignores the admin and the status."""
    company_id = store.new_company()
    before = store.company(company_id)
    update = {"uuid": RECORD_ID, "city": "Alameda", "adminEmail": "x@x.example", "companyStatus": 3}
    assert store.put(f"/companies/{company_id}", update).data == {"companyId": company_id}
    after = store.company(company_id)
    assert after == {**before, "uuid": RECORD_ID, "city": "Alameda", "updatedAt": after["updatedAt"]}
    assert store.put("/companies/1", {}).body == NOT_FOUND


def test_s13_15_refuses_a_uuid_that_is_none_when_updating(store: StoreClient) -> None:
    """The document says `format: uuid`; nothing of the update is stored. Switched, any text is taken."""
    company_id = store.new_company()
    seen = store.put(f"/companies/{company_id}", {"uuid": "C001042", "city": "Alameda"})
    assert (seen.status, seen.message) == (422, "The uuid is invalid.")
    assert store.company(company_id)["city"] == "Oakland"
    store.switch(uuid_must_be_uuid=False)
    assert store.put(f"/companies/{company_id}", {"uuid": "C001042"}).status == 200


def test_s13_15_ignores_uuid_when_creating(store: StoreClient) -> None:
    """`uuid` is for updates only, unless switched."""
    assert store.company(store.new_company(uuid="U1"))["uuid"] is None
    store.switch(store_uuid_on_create=True)
    assert store.company(store.new_company(uuid="U1"))["uuid"] == "U1"


def test_s13_15_keeps_other_extra_fields_when_one_is_updated(store: StoreClient) -> None:
    """Extra fields that an update does not name stay as they are."""
    store.control("POST", "/seed", {"extra_fields": {"companies": [{"fieldName": "Region"}]}})
    company_id = store.new_company(extraFields=_key("A1"))
    store.put(f"/companies/{company_id}", {"extraFields": [{"fieldName": "Region", "fieldValue": "West"}]})
    values = {each["fieldName"]: each["fieldValue"] for each in store.company(company_id)["extraFields"]}
    assert values == {KEY: "A1", "Region": "West"}
    assert _found(store, f"{KEY}:A1", extraFieldFilterType="exact-match") == [company_id]


def test_s13_15_refuses_an_empty_extra_field_when_updating(store: StoreClient) -> None:
    """A value cannot be blanked, and an empty list is refused."""
    company_id = store.new_company()
    assert store.put(f"/companies/{company_id}", {"extraFields": []}).status == 422
    assert store.put(f"/companies/{company_id}", {"extraFields": _key("")}).status == 422


def test_s13_16_refuses_when_a_required_extra_field_is_missing(store: StoreClient) -> None:
    """A field that the store marks as required must be there on POST and PUT."""
    bare = store.new_company(extraFields=[])
    store.switch(required_extra_fields=[KEY])
    for seen in (
        store.post("/companies", store.company_body(extraFields=[])),
        store.put(f"/companies/{bare}", {"city": "X"}),
    ):
        assert (seen.status, seen.data, seen.message) == (422, {}, f"{KEY} is required.")
    assert store.put(f"/companies/{bare}", {"city": "X", "extraFields": _key("R1")}).status == 200
    assert store.get("/companies/extra-fields").data[0]["isRequired"] is True
    store.switch(enforce_required_extra_fields=False)
    assert store.post("/companies", store.company_body(extraFields=[])).status == 200
