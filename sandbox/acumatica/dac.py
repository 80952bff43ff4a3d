"""DAC OData: the sets Customer, BAccount, Contact and Location with keys, stamps and deleted rows.

Source: docs/api/acumatica.md#odata.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.access import display_name
from sandbox.acumatica.errors import ApiError, not_found, not_logged_in
from sandbox.acumatica.odata_filter import BadFilterError, row_test
from sandbox.acumatica.rows import Contact, Customer, Location, Record, stamp_text
from sandbox.exchange import Answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.gate import Gate
    from sandbox.acumatica.sign_in import Accounts
    from sandbox.acumatica.tables import Database
    from sandbox.exchange import Call
    from sandbox.settings import Settings

_MOMENTS = frozenset(("LastModifiedDateTime", "CreatedDateTime", "DeletedDateTime"))
_DELETED_CALL = "px.GetDeletedRecords()"
_DELETED_MARK = "DeletedDatabaseRecord"


@dataclass(frozen=True, slots=True)
class _Set:
    """One entity set.

    Attributes:
        entity: Contract entity whose table it shows.
        key: Key property.
        columns: Reads the properties of a record.
    """

    entity: str
    key: str
    columns: Callable[[Any], dict[str, Any]]


def _common(record: Record) -> dict[str, Any]:
    site = record.default_site()
    return {
        "NoteID": record.id,
        "CreatedDateTime": record.created_ms,
        "LastModifiedDateTime": record.modified_ms,
        "UsrKNEnableCommerce": bool(site is not None and site.get("Active")),
        "UsrKNConnectionType": site.get("ConnectionType") if site is not None else None,
        "UsrKNCommerceRefID": site.get("CommerceReferenceID") if site is not None else None,
    }


def _customer(customer: Customer) -> dict[str, Any]:
    return {
        "BAccountID": customer.account_id,
        "AcctCD": customer.key,
        "AcctName": customer.get("CustomerName"),
        "CustomerClassID": customer.get("CustomerClass"),
        "Status": customer.get("Status"),
        **_common(customer),
    }


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "ContactID": contact.contact_id,
        "BAccountID": contact.customer.account_id if contact.customer else None,
        "DisplayName": display_name(contact),
        "EMail": contact.get("Email"),
        "IsActive": contact.get("Active"),
        **_common(contact),
    }


def _location(location: Location) -> dict[str, Any]:
    return {
        "BAccountID": location.customer.account_id,
        "LocationCD": location.code,
        "Descr": location.get("LocationName"),
        "IsActive": location.get("Active"),
        **_common(location),
    }


_SETS = {
    "Customer": _Set("Customer", "BAccountID", _customer),
    "BAccount": _Set("Customer", "BAccountID", _customer),
    "Contact": _Set("Contact", "ContactID", _contact),
    "Location": _Set("CustomerLocation", "LocationCD", _location),
}


class DacOData:
    """Answers `/t/{tenant}/api/odata/dac/…` and the older `/odatav4/{tenant}/…`."""

    def __init__(self, settings: Settings, accounts: Accounts, gate: Gate, database: Callable[[], Database]) -> None:
        self._settings = settings
        self._accounts = accounts
        self._gate = gate
        self._database = database

    def respond(self, call: Call) -> Answer:
        """Answer one read.

        Raises:
            ApiError: Not signed in, unknown tenant, set or property.
        """
        self._check_caller(call)
        parts = [part for part in call.path.split("/") if part]
        if parts[0] == "t" and parts[2:5] == ["api", "odata", "dac"]:
            tenant, rest = parts[1], parts[5:]
        elif parts[0] == "odatav4":
            tenant, rest = parts[1], parts[2:]
        else:
            raise not_found()
        if call.method != "GET" or tenant.casefold() not in (name.casefold() for name in self._settings["tenants"]):
            raise not_found()
        if not rest:
            sets = [{"name": name, "kind": "EntitySet", "url": name} for name in _SETS]
            return json_answer({"@odata.context": f"{call.base_url()}{call.path}$metadata", "value": sets})
        found = _SETS.get(rest[0])
        if found is None or rest[1:] not in ([], [_DELETED_CALL]):
            raise not_found()
        return self._listed(call, rest[0], found, only_deleted=bool(rest[1:]))

    def _check_caller(self, call: Call) -> None:
        """Basic counts as an ordinary user and takes no seat; otherwise a session as anywhere."""
        scheme, _, text = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            self._gate.session_of(call)
            return
        try:
            name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise not_logged_in() from None
        try:
            self._accounts.check(name.partition("@")[0], password)
        except ApiError:
            raise not_logged_in() from None

    def _listed(self, call: Call, name: str, found: _Set, *, only_deleted: bool) -> Answer:
        query = call.query()
        rows: list[dict[str, Any]] = []
        if not only_deleted:
            rows = [found.columns(record) for record in self._database().table(found.entity)]
        if only_deleted or call.headers.get("px-apideleted", "").upper() == "SHOW":
            rows += [self._deleted(entry) for entry in self._database().deleted if entry["entity"] == found.entity]
        try:
            rows = _queried(rows, query, found)
        except BadFilterError as error:
            return json_answer({"error": {"code": "", "message": str(error)}}, 400)
        answer: dict[str, Any] = {"@odata.context": f"{call.base_url()}{call.path.split(name)[0]}$metadata#{name}"}
        if query.get("$count") == "true":
            answer["@odata.count"] = len(rows)
        rows = rows[_number(query, "$skip", 0) :]
        rows = rows[: _number(query, "$top", len(rows))]
        answer["value"] = [_shown(row, query.get("$select", "")) for row in rows]
        return json_answer(answer)

    def _deleted(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {**entry["row"], _DELETED_MARK: True, "DeletedDateTime": entry["deleted_ms"]}


def dac_columns(record: Record) -> dict[str, Any]:
    """What the DAC plane keeps of a deleted record."""
    if isinstance(record, Customer):
        return _customer(record)
    if isinstance(record, Contact):
        return _contact(record)
    if isinstance(record, Location):
        return _location(record)
    raise TypeError(type(record))


def _queried(rows: list[dict[str, Any]], query: dict[str, str], found: _Set) -> list[dict[str, Any]]:
    fields = frozenset((*_field_names(found), _DELETED_MARK, "DeletedDateTime"))
    text = query.get("$filter", "").strip()
    if text:
        test = row_test(text, fields, _MOMENTS)
        rows = [row for row in rows if test({_DELETED_MARK: False, "DeletedDateTime": None, **row})]
    orders = query.get("$orderby", "").strip() or found.key
    for order in reversed(orders.split(",")):
        name, _, direction = order.strip().partition(" ")
        if name not in fields:
            raise BadFilterError(f"unknown property '{name}'")
        rows.sort(key=lambda row: (row.get(name) is not None, row.get(name)), reverse=direction == "desc")
    unknown = {name.strip() for name in query.get("$select", "").split(",") if name.strip()} - fields
    if unknown:
        raise BadFilterError(f"unknown property '{min(unknown)}'")
    return rows


def _field_names(found: _Set) -> tuple[str, ...]:
    own = {
        "Customer": ("BAccountID", "AcctCD", "AcctName", "CustomerClassID", "Status"),
        "Contact": ("ContactID", "BAccountID", "DisplayName", "EMail", "IsActive"),
        "CustomerLocation": ("BAccountID", "LocationCD", "Descr", "IsActive"),
    }[found.entity]
    common = ("NoteID", "CreatedDateTime", "LastModifiedDateTime")
    return (*own, *common, "UsrKNEnableCommerce", "UsrKNConnectionType", "UsrKNCommerceRefID")


def _number(query: dict[str, str], name: str, usual: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else usual


def _shown(row: dict[str, Any], select: str) -> dict[str, Any]:
    wanted = [name.strip() for name in select.split(",") if name.strip()] or list(row)
    return {
        name: stamp_text(row[name]).replace("+00:00", "Z") if name in _MOMENTS and row[name] is not None else row[name]
        for name in wanted
        if name in row
    }
