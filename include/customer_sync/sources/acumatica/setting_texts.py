"""What people read of the settings in section ``source`` of a connector file, by the field that each is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class SettingText(NamedTuple):
    """As for :func:`~customer_sync.settings.section.setting`."""

    says: str
    example: Any
    accepted: str = ""


_TICK: Final = "a value, or null; `true`, `1`, `yes` and `y` count as ticked"

CUSTOMER: Final[Mapping[str, SettingText]] = {
    "name": SettingText("Company name in the store.", "CustomerName"),
    "email": SettingText(
        "Account Email: e-mail of the company, and of its admin where no contact can be one.",
        ["Email", "MainContact/Email"],
    ),
    "type": SettingText("Compared with `eligibility.types`.", "CustomerCategory"),
    "customer_class": SettingText("Compared with `eligibility.classes`.", "CustomerClass"),
    "status": SettingText("Compared with `eligibility.sync_statuses` and `eligibility.hold_statuses`.", "Status"),
    "enabled": SettingText(
        "The tick *Enable Kensium Commerce Framework*.", {"custom": "CurrentCustomer.UsrKNEnableCommerce"}, _TICK
    ),
    "connection_type": SettingText(
        "Connection type of the Site Association, compared with `eligibility.connection_type`.",
        {"detail": "SiteAssociations", "where": {"SiteID": "B2BMAIN"}, "field": "ConnectionType"},
    ),
    "reference_id": SettingText(
        "Where the ERP keeps the company's id; written by `erp.write_reference`.", "CommerceReferenceID"
    ),
    "terms": SettingText("Looked up in `terms`.", "Terms"),
    "phone": SettingText("Company phone.", {"sources": ["MainContact/Phone1"], "convert": ["trim", "digits"]}),
    "attention": SettingText("Name of the admin where the account itself is the admin.", "MainContact/Attention"),
    "record_id": SettingText(
        "The record's own id, which stays when the number changes; null: the id that every answer has.", None
    ),
    "primary_contact_id": SettingText(
        "Number of the primary contact, who becomes the admin.", "PrimaryContact/ContactID"
    ),
    "extra_fields": SettingText(
        "More extra fields of the company; not the one of `store.key_field`.",
        {"Sales Region": "Territory"},
        "name of an extra field in the store: a value",
    ),
}

CONTACT: Final[Mapping[str, SettingText]] = {
    "email": SettingText("E-mail of the company user.", "Email"),
    "first_name": SettingText("First name.", "FirstName"),
    "last_name": SettingText("Last name.", "LastName"),
    "phone": SettingText("Phone.", "Phone2"),
    "enabled": SettingText(
        "The contact's own tick; read only if `contacts.opt_in_required`.", "EnableKensiumCommerce", _TICK
    ),
    "connection_type": SettingText(
        "The contact's own connection type; read only if `contacts.opt_in_required`.", "ConnectionType"
    ),
    "is_primary": SettingText(
        "Field that marks the primary contact; null: the customer's `PrimaryContactID` decides.",
        {"custom": "Contact.UsrPrimary"},
    ),
    "extra_fields": SettingText(
        "Extra fields of the user that a contact becomes.",
        {"Cost Centre": "Address/Department"},
        "name of an extra field of users in the store: a value",
    ),
}

LOCATION: Final[Mapping[str, SettingText]] = {
    "name": SettingText("Label of the address.", "LocationName"),
    "phone": SettingText("Phone; the customer's where it is empty.", "LocationContact/Phone1"),
    "attention": SettingText(
        "First and last name of the address, split at the last blank.", "LocationContact/Attention"
    ),
    "enabled": SettingText(
        "The location's own tick; read only if `locations.opt_in_required`.", "EnableKensiumCommerce", _TICK
    ),
    "connection_type": SettingText(
        "The location's own connection type; read only if `locations.opt_in_required`.", "ConnectionType"
    ),
    "status": SettingText("*Inactive* leaves the location out, as `Active` does.", None),
    "is_default": SettingText("Marks the default shipping address.", None),
    "entity": SettingText(
        "Where addresses come from: locations, or, where the feature *Business Account Locations* is off, the "
        "[shipping address](api/acumatica.md#location-feature) of the customer itself, under the id `MAIN`. Its edits "
        "move no stamp: full runs find them.",
        "Customer",
    ),
    "extra_fields": SettingText(
        "Extra fields of the address that a location becomes; the billing address has none.",
        {"Dock": {"custom": "LocationSummary.UsrDock"}},
        "name of an extra field of addresses in the store: a value",
    ),
}
