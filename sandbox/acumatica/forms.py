"""The fields of the ERP's screens, and their way between a record and a contract body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.acumatica.access import billing_card, contact_address, location_card
from sandbox.acumatica.contract import fields_of
from sandbox.acumatica.rows import DEFAULT_SITE_ID, Contact, Customer, Location, Record, stamp_text

CONNECTION_TYPES = fields_of("KNSiteAssociation")["ConnectionType"].options
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=\d)")


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a screen.

    Attributes:
        path: Contract path that it writes, such as `MainContact/Address/City`.
        label: Label.
        kind: `text`, `check`, `select` or `shown` (not written).
        options: Choices of a select.
    """

    path: str
    label: str
    kind: str
    options: tuple[str, ...]


Groups = tuple[tuple[str, tuple[FormField, ...]], ...]


def _form_field(entity: str, path: str, label: str) -> FormField:
    """A field of a screen, as the contract declares it; its name in words is the label where none is given."""
    *links, name = path.split("/")
    for link in links:
        entity = fields_of(entity)[link].type
    field = fields_of(entity)[name]
    kind = "check" if field.type == "BooleanValue" else "select" if field.options else "text"
    return FormField(path, label or _WORDS.sub(" ", name), "shown" if field.is_read_only else kind, field.options)


def _groups(entity: str, groups: dict[str, str]) -> Groups:
    """The groups of a screen by title: paths between semicolons, with `=` and a label if need be."""
    return tuple(
        (title, tuple(_form_field(entity, *row.partition("=")[::2]) for row in rows.split(";")))
        for title, rows in groups.items()
    )


def _address(prefix: str) -> str:
    names = ("AddressLine1", "AddressLine2", "City", "Country", "State", "PostalCode")
    return ";".join(prefix + name for name in names)


CUSTOMER_GROUPS = _groups(
    "Customer",
    {
        "Customer": "CustomerID;CustomerName;CustomerClass;CustomerType;Status=Customer Status;Terms;"
        "PriceClassID=Price Class;CreditLimit;PrimaryContactID;LastModifiedDateTime=Last Modified",
        "Account Info": "MainContact/Email=Account Email;MainContact/Phone1;MainContact/Phone2;MainContact/WebSite=Web;"
        "MainContact/Attention",
        "Account Address": _address("MainContact/Address/"),
        "Billing": "BillingContactOverride=Override Contact;BillingContact/Email=Billing Email;"
        "BillingAddressOverride=Override Address;" + _address("BillingContact/Address/"),
    },
)
CONTACT_GROUPS = _groups(
    "Contact",
    {
        "Contact": "FirstName;LastName;Email;Phone1;JobTitle;Active;IsPrimary=Primary;"
        "LastModifiedDateTime=Last Modified",
        "Address": "OverrideAccountAddress=Override Address;" + _address("Address/"),
    },
)
LOCATION_GROUPS = _groups(
    "CustomerLocation",
    {
        "Location": "LocationID;LocationName;Active;Default;LastModifiedDateTime=Last Modified",
        "Location Address": "AddressOverride=Override Address;" + _address("LocationContact/Address/"),
        "Location Contact": "ContactOverride=Override Contact;LocationContact/Attention;LocationContact/Email;"
        "LocationContact/Phone1",
    },
)
# What a part shows is closed while its override is off: it is the main contact's or the main address's.
_OVERRIDES = {
    "BillingContact/Address/": "BillingAddressOverride",
    "BillingContact/": "BillingContactOverride",
    "LocationContact/Address/": "AddressOverride",
    "LocationContact/": "ContactOverride",
    "Address/": "OverrideAccountAddress",
}


def shown_groups(
    groups: Groups, values: dict[str, Any], errors: dict[str, str], *, is_new: bool
) -> list[tuple[str, list[dict[str, Any]]]]:
    """The groups as the template needs them; keys can be typed in on a new record."""
    shown = []
    for title, fields in groups:
        entries = []
        for field in fields:
            value = values.get(field.path)
            text = value if isinstance(value, bool) else "" if value is None else str(value)
            is_open_key = is_new and field.path in ("CustomerID", "LocationID")
            options = field.options if text in field.options or field.kind != "select" else (*field.options, text)
            entries.append(
                {
                    "name": field.path,
                    "label": field.label,
                    "kind": "text" if is_open_key else field.kind,
                    "options": options,
                    "value": text,
                    "error": errors.get(field.path),
                }
            )
        shown.append((title, entries))
    return shown


def record_values(record: Record, rendered: dict[str, Any]) -> dict[str, Any]:
    """What a screen shows of a record, by path.

    Args:
        record: The record.
        rendered: Its scalars by contract name.
    """
    values = dict(rendered)
    parts: list[tuple[str, Any]] = []
    if isinstance(record, Customer):
        billing = billing_card(record)
        parts = [("MainContact/", record.main), ("MainContact/Address/", record.main_address)]
        parts += [("BillingContact/", billing.card), ("BillingContact/Address/", billing.address)]
    elif isinstance(record, Contact):
        parts = [("Address/", contact_address(record))]
    elif isinstance(record, Location):
        card = location_card(record)
        parts = [("LocationContact/", card.card), ("LocationContact/Address/", card.address)]
    for prefix, row in parts:
        if row is not None:
            values.update({f"{prefix}{name}": value for name, value in row.values.items()})
    return values


def body_of(groups: Groups, form: dict[str, str], *, is_new: bool) -> dict[str, Any]:
    """The contract body of a submitted form."""
    body: dict[str, Any] = {}
    for field in (field for _, fields in groups for field in fields):
        is_key = field.path in ("CustomerID", "LocationID")
        if (field.kind == "shown" and not (is_new and is_key)) or _is_closed(field.path, form):
            continue
        if field.kind == "check":
            _put(body, field.path, field.path in form)
        elif field.path in form:
            _put(body, field.path, form[field.path].strip() or None)
    return body


def typed_values(groups: Groups, form: dict[str, str]) -> dict[str, Any]:
    """What somebody typed, to be shown again beside the complaints."""
    typed: dict[str, Any] = {}
    for field in (field for _, fields in groups for field in fields):
        if field.kind == "check":
            typed[field.path] = field.path in form
        elif field.path in form:
            typed[field.path] = form[field.path]
    return typed


def sites_of(record: Record) -> list[dict[str, Any]]:
    """The Site Association grid; the default site is offered even when there is no row for it yet."""
    rows = []
    for site in record.sites:
        code = site.get("ConnectionType") or ""
        last = site.get("LastSyncDateTime")
        rows.append(
            {
                "id": site.id,
                "site": site.get("SiteID"),
                "active": site.get("Active"),
                "type": code,
                "options": CONNECTION_TYPES if code in CONNECTION_TYPES else (*CONNECTION_TYPES, code),
                "reference": site.get("CommerceReferenceID") or "",
                "last": stamp_text(last) if last is not None else "",
            }
        )
    if record.default_site() is None:
        empty = {"id": "", "site": DEFAULT_SITE_ID, "active": False, "type": "", "reference": "", "last": ""}
        rows.append({**empty, "options": CONNECTION_TYPES})
    return rows


def site_rows(form: dict[str, str]) -> list[dict[str, Any]]:
    """The rows of the submitted grid as details of a contract body."""
    rows = []
    index = 0
    while f"site/{index}/id" in form:
        row_id = form[f"site/{index}/id"]
        row: dict[str, Any] = {"id": row_id} if row_id else {"SiteID": {"value": DEFAULT_SITE_ID}}
        row["Active"] = {"value": f"site/{index}/Active" in form}
        for name in ("ConnectionType", "CommerceReferenceID"):
            row[name] = {"value": form.get(f"site/{index}/{name}", "").strip() or None}
        has_news = row_id or row["Active"]["value"] or row["ConnectionType"]["value"]
        if has_news:
            rows.append(row)
        index += 1
    return rows


def errors_of(entity: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """The errors of a 422 by path."""
    found: dict[str, str] = {}
    for name, value in entity.items():
        if isinstance(value, dict):
            if isinstance(value.get("error"), str):
                found[f"{prefix}{name}"] = value["error"]
            found.update(errors_of(value, f"{prefix}{name}/"))
    return found


def _is_closed(path: str, form: dict[str, str]) -> bool:
    override = next((name for prefix, name in _OVERRIDES.items() if path.startswith(prefix)), None)
    return override is not None and override not in form


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split("/")
    node = body
    for parent in parents:
        node = node.setdefault(parent, {})
    node[last] = {"value": value}
