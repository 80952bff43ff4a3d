"""What is written has the store's names, and what is read survives the store's laxity."""

from typing import Any

import pytest

from customer_sync.errors import ConfigError, ContractError
from customer_sync.model.company import ADDRESS_FIELDS, COMPANY_FIELDS, USER_FIELDS, CompanyFields, CompanyStatus
from customer_sync.model.fields import FieldRule
from customer_sync.targets.better_b2b.field_table import ADDRESS, COMPANY, USER
from customer_sync.targets.better_b2b.records import (
    address_from_wire,
    as_flag,
    as_int,
    as_text,
    company_from_wire,
    user_from_wire,
)
from customer_sync.targets.better_b2b.settings import BetterB2BSettings
from customer_sync.targets.better_b2b.wire import SHAPES, to_wire
from customer_sync.targets.port import StoredCompany


@pytest.mark.parametrize(
    ("table", "fields"), [(COMPANY, COMPANY_FIELDS), (USER, USER_FIELDS), (ADDRESS, ADDRESS_FIELDS)]
)
def test_every_field_of_the_model_has_a_wire_name(table: dict[str, FieldRule], fields: tuple[str, ...]) -> None:
    """A new field that no table names could neither be written nor read back."""
    assert set(table) == set(fields)


def test_fields_have_the_stores_names_when_written() -> None:
    """Names become camelCase, extra fields rows, and nothing else changes."""
    body = to_wire(
        "company_create",
        {
            "company_name": "Northwind",
            "address_line1": "410 Harbor Ave",
            "zip_code": "94607",
            "admin_first_name": "Dana",
            "customer_group_id": 0,
            "channel_ids": [1],
            "accept_creation_email": False,
            "extra_fields": {"Acumatica Customer ID": "C001042", "Blank": ""},
            "user_extra_fields": {},
        },
    )
    assert body == {
        "companyName": "Northwind",
        "addressLine1": "410 Harbor Ave",
        "zipCode": "94607",
        "adminFirstName": "Dana",
        "customerGroupId": 0,
        "channelIds": [1],
        "acceptCreationEmail": False,
        "extraFields": [{"fieldName": "Acumatica Customer ID", "fieldValue": "C001042"}],
    }


def test_welcome_mail_has_its_other_name_when_written_in_bulk() -> None:
    """The bulk form alone calls it acceptWelcomeEmail (docs/api/better_b2b.md#companies)."""
    assert to_wire("company_bulk_create", {"accept_creation_email": False}) == {"acceptWelcomeEmail": False}


def test_nothing_is_sent_when_a_value_is_none() -> None:
    """The store refuses nulls; an empty text is a value."""
    assert to_wire("user_update", {"phone_number": None, "uuid": ""}) == {"uuid": ""}
    assert to_wire("company_update", {"extra_fields": None}) == {}
    assert to_wire("company_create", {"extra_fields": {"X": ""}}) == {}


@pytest.mark.parametrize(
    ("shape", "field"),
    [
        ("company_create", "companyName"),
        ("company_update", "admin_email"),
        ("company_update", "company_status"),
        ("user_update", "company_id"),
        ("address_update", "company_id"),
        ("address_create", "state"),
    ],
)
def test_field_is_refused_when_the_store_would_ignore_it(shape: str, field: str) -> None:
    """Unknown and read-only fields are an error here, because the store swallows them without a word."""
    with pytest.raises(ValueError, match=field):
        to_wire(shape, {field: "x"})


def test_blank_is_refused_when_an_extra_field_would_be_emptied() -> None:
    """The store cannot blank an extra field, so pretending to would be a lie."""
    with pytest.raises(ValueError, match="cannot blank the extra field 'Tier'"):
        to_wire("company_update", {"extra_fields": {"Tier": ""}})


def test_every_shape_is_camel_case_when_listed() -> None:
    """No table holds a name that is not the camelCase of ours, except the one documented oddity."""
    for shape, table in SHAPES.items():
        for ours, theirs in table.items():
            first, *rest = ours.split("_")
            expected = first + "".join(word.capitalize() for word in rest)
            assert theirs == expected or (shape, ours) == ("company_bulk_create", "accept_creation_email")


def test_company_is_read_when_types_are_lax() -> None:
    """Numbers as text, text as null, absent address fields: all are read (docs/api/better_b2b.md#company-read)."""
    company = company_from_wire(
        {
            "companyId": "61427",
            "companyName": "Northwind",
            "companyEmail": None,
            "companyStatus": "1",
            "bcGroupId": "7",
            "uuid": None,
            "createdAt": "1772637895",
            "updatedAt": 1772637901,
            "extraFields": [{"fieldName": "Acumatica Customer ID", "fieldValue": "C1"}, "odd", {"fieldName": None}],
        },
        "Acumatica Customer ID",
    )
    assert company == StoredCompany(
        id=61427,
        key="C1",
        fields=CompanyFields(company_name="Northwind", extra_fields={"Acumatica Customer ID": "C1", "": ""}),
        status=CompanyStatus.APPROVED,
        group_id=7,
        created_at_s=1772637895,
        updated_at_s=1772637901,
    )


def test_address_is_read_when_the_company_id_is_text() -> None:
    """The company's id comes as text and states as null."""
    address = address_from_wire(
        {
            "addressId": 33821,
            "companyId": "61427",
            "stateName": None,
            "isBilling": "0",
            "isShipping": 1,
            "extraFields": {},
        }
    )
    fields = address.fields
    assert (address.company_id, fields.state_name, fields.is_billing, fields.is_shipping) == (61427, "", False, True)


@pytest.mark.parametrize("row", [{}, {"companyId": None}, {"companyId": "x"}, {"companyId": True}, {"companyId": 1.5}])
def test_contract_is_broken_when_a_record_has_no_id(row: dict[str, Any]) -> None:
    """A record without an id could be neither linked nor changed, so it must not pass for one."""
    with pytest.raises(ContractError, match="without companyId"):
        company_from_wire(row, "Acumatica Customer ID")


def test_personal_data_are_masked_when_a_record_is_shown() -> None:
    """Representations end up in logs; they hold ids and masks."""
    shown = repr(
        company_from_wire({"companyId": 1, "companyName": "Northwind", "companyEmail": "ap@northwind.example"}, "Key")
    )
    shown += repr(user_from_wire({"id": 2, "email": "dana@northwind.example", "firstName": "Dana"}))
    shown += repr(address_from_wire({"addressId": 3, "firstName": "Dana", "phoneNumber": "+1 555 010 4420"}))
    for hidden in ("Northwind", "northwind", "Dana", "dana", "555"):
        assert hidden not in shown


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        ("5", 5),
        (" 5 ", 5),
        ("-5", -5),
        (5.0, 5),
        (5.5, None),
        ("5x", None),
        ("", None),
        (None, None),
        (True, None),
        ("9" * 50, None),
        ([], None),
        ("²", None),
    ],
)
def test_number_is_read_when_it_is_one(value: Any, number: int | None) -> None:
    """Only whole numbers are numbers, in whatever type they come."""
    assert as_int(value) == number


@pytest.mark.parametrize(("value", "text"), [("x", "x"), (None, ""), (5, "5"), (True, ""), ({}, ""), ([], "")])
def test_text_is_read_when_it_is_one(value: Any, text: str) -> None:
    """Nothing but text and numbers is text."""
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "flag"), [("1", True), ("0", False), ("true", True), ("", False), (1, True), (None, False)]
)
def test_flag_is_read_when_it_comes_as_text(value: Any, flag: object) -> None:
    """'0' is no, although Python would call it true."""
    assert as_flag(value) is flag


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("token", ""),
        ("token", "line\nbreak"),
        ("store_hash", ""),
        ("auth_style", "basic"),
        ("api_prefix", "api"),
        ("page_size", 1),
        ("page_size", 250),
        ("read_timeout_s", 0),
    ],
)
def test_setting_is_named_when_it_is_wrong(setting: str, value: Any) -> None:
    """Every setting says what it accepts before anything is sent, and never shows the token."""
    known = {"token": "s3cret-token", "store_hash": "abc"}
    with pytest.raises(ConfigError, match="Better B2B connection") as caught:
        BetterB2BSettings(**(known | {setting: value}))
    assert "s3cret" not in f"{caught.value}"


def test_token_is_hidden_when_settings_are_shown() -> None:
    """The representation holds no secret."""
    assert "s3cret" not in repr(BetterB2BSettings("s3cret-token", "abc"))
