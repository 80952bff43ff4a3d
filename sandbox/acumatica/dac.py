"""DAC OData: the sets Customer, BAccount, Contact and Location with keys, stamps and deleted rows.

Source: docs/api/acumatica.md#odata.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from sandbox.acumatica.access import reader
from sandbox.acumatica.errors import ApiError, not_found, not_logged_in
from sandbox.acumatica.odata_filter import BadFilterError, row_test
from sandbox.acumatica.rows import Contact, Record, stamp_text
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
        columns: How each property of a record is read.
    """

    entity: str
    key: str
    columns: dict[str, Callable[[Any], Any]]

    def row(self, record: Record) -> dict[str, Any]:
        """The properties of a record."""
        return {name: read(record) for name, read in self.columns.items()}


def _set(entity: str, key: str, fields: dict[str, str], **more: Callable[[Any], Any]) -> _Set:
    """A set by the contract fields behind its properties; all sets end with the same ones."""
    last = {
        "LastModifiedDateTime": "LastModifiedDateTime",
        "UsrKNEnableCommerce": "EnableKensiumCommerce",
        "UsrKNConnectionType": "ConnectionType",
        "UsrKNCommerceRefID": "CommerceReferenceID",
    }
    columns: dict[str, Callable[[Any], Any]] = {
        **{name: more.get(name) or reader(entity, field) for name, field in fields.items()},
        "NoteID": reader(entity, "NoteID"),
        "CreatedDateTime": lambda record: record.created_ms,
        **{name: reader(entity, field) for name, field in last.items()},
    }
    return _Set(entity, key, columns)


def _owner_id(contact: Contact) -> int | None:
    return contact.customer.account_id if contact.customer else None


_CUSTOMERS = _set(
    "Customer",
    "BAccountID",
    {
        "BAccountID": "BAccountID",
        "AcctCD": "CustomerID",
        "AcctName": "CustomerName",
        "CustomerClassID": "CustomerClass",
        "Status": "Status",
    },
)
_SETS = {
    "Customer": _CUSTOMERS,
    "BAccount": _CUSTOMERS,
    "Contact": _set(
        "Contact",
        "ContactID",
        {
            "ContactID": "ContactID",
            "BAccountID": "BusinessAccount",
            "DisplayName": "DisplayName",
            "EMail": "Email",
            "IsActive": "Active",
        },
        BAccountID=_owner_id,
    ),
    "Location": _set(
        "CustomerLocation",
        "LocationCD",
        {"BAccountID": "Customer", "LocationCD": "LocationID", "Descr": "LocationName", "IsActive": "Active"},
        BAccountID=lambda location: location.customer.account_id,
    ),
}
_SET_OF = {found.entity: found for found in _SETS.values()}


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
        if rest == ["$metadata"]:
            return Answer(200, _metadata(), "application/xml; charset=utf-8")
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
            rows = [found.row(record) for record in self._database().table(found.entity)]
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
    return _SET_OF[record.entity].row(record)


def _metadata() -> bytes:
    """The document of the sets: their properties, keys and the function that lists deleted rows."""
    schema = Element("Schema", {"xmlns": "http://docs.oasis-open.org/odata/ns/edm", "Namespace": "PX.Data"})
    container = Element("EntityContainer", {"Name": "Default"})
    for name, found in _SETS.items():
        kind = SubElement(schema, "EntityType", {"Name": name})
        SubElement(SubElement(kind, "Key"), "PropertyRef", {"Name": found.key})
        for column in found.columns:
            SubElement(kind, "Property", {"Name": column, "Type": _edm_type(column)})
        SubElement(container, "EntitySet", {"Name": name, "EntityType": f"PX.Data.{name}"})
    schema.append(container)
    edmx = "http://docs.oasis-open.org/odata/ns/edmx"
    document = Element("edmx:Edmx", {"xmlns:edmx": edmx, "Version": "4.0"})
    SubElement(document, "edmx:DataServices").append(schema)
    text: bytes = tostring(document, encoding="utf-8", xml_declaration=True)
    return text


def _edm_type(column: str) -> str:
    if column in _MOMENTS:
        return "Edm.DateTimeOffset"
    if column in ("BAccountID", "ContactID"):
        return "Edm.Int32"
    if column in ("IsActive", "UsrKNEnableCommerce"):
        return "Edm.Boolean"
    return "Edm.Guid" if column == "NoteID" else "Edm.String"


def _queried(rows: list[dict[str, Any]], query: dict[str, str], found: _Set) -> list[dict[str, Any]]:
    fields = frozenset((*found.columns, _DELETED_MARK, "DeletedDateTime"))
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


def _number(query: dict[str, str], name: str, usual: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else usual


def _shown(row: dict[str, Any], select: str) -> dict[str, Any]:
    names = [name.strip() for name in select.split(",") if name.strip()] or list(row)
    return {
        name: stamp_text(row[name]).replace("+00:00", "Z") if name in _MOMENTS and row[name] is not None else row[name]
        for name in names
        if name in row
    }
