"""PUT, PATCH and DELETE of contract REST: finding the target, laying a body over it, all or nothing.

Source: docs/api/acumatica.md#writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.assigning import Assigner
from sandbox.acumatica.body import BodyApplier
from sandbox.acumatica.contract import keys_of
from sandbox.acumatica.dac import dac_columns
from sandbox.acumatica.errors import (
    action_refused,
    invalid_entity,
    not_found_by_key,
    precondition_failed,
    server_error,
)
from sandbox.acumatica.journal import Journal
from sandbox.acumatica.rows import Address, Card, Contact, Customer, Location, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.contract import Endpoint
    from sandbox.acumatica.reading import Reader
    from sandbox.acumatica.tables import Database
    from sandbox.clock import Clock
    from sandbox.settings import Settings


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What a write demands of its target.

    Attributes:
        must_exist: `If-Match: *`.
        must_be_new: `If-None-Match: *`.
    """

    must_exist: bool = False
    must_be_new: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One row that was saved or deleted, for push messages.

    Attributes:
        entity: Contract name.
        record: The record.
        before: What push messages show of it before, none for a new one.
        is_deleted: Whether it is gone.
    """

    entity: str
    record: Record
    before: dict[str, Any] | None
    is_deleted: bool = False


class Writer:
    """Writes records for one call.

    Args:
        database: Tables.
        settings: Switches.
        clock: Sandbox time, for stamps.
        on_change: Called with every row that was saved.
        columns: What push messages show of a record.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock,
        on_change: Callable[[Change], None],
        columns: Callable[[Record], dict[str, Any]],
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._on_change = on_change
        self._columns = columns

    def find_target(
        self, endpoint: Endpoint, entity: str, body: dict[str, Any], reader: Reader, filter_text: str
    ) -> Record | None:
        """The record that a body is for: by id, by `$filter`, by keys, in this order.

        Raises:
            ApiError: The id is unknown, or the filter finds several.
        """
        if isinstance(body.get("id"), str):
            found: Record | None = self._database.table(entity).with_id(body["id"])
            if found is None or not reader.may_see(found):
                raise not_found_by_key()
            return found
        if filter_text:
            matches = reader.matching(endpoint, entity, filter_text)
            if len(matches) > 1:
                kind = "PX.Api.ContractBased.MoreThanOneEntitySatisfiesTheConditionException"
                raise server_error("More than one entity satisfies the condition.", kind, "PX.Api.ContractBased")
            return matches[0] if matches else None
        keys = [_sent(body, name) for name in keys_of(entity)]
        if any(key in (None, "") for key in keys):
            return None
        record: Record | None = reader.find(entity, [str(key) for key in keys])
        return record

    def put(
        self,
        endpoint: Endpoint,
        entity: str,
        body: dict[str, Any],
        target: Record | None,
        demands: Preconditions,
        *,
        keep: bool = True,
        always_stamp: bool = False,
        show: Callable[[Record], Any],
    ) -> Any:
        """Insert or update, and show the result.

        Args:
            endpoint: Endpoint that was called.
            entity: Entity.
            body: Body, decoded.
            target: Record to update, none to insert.
            demands: Preconditions.
            keep: Off rolls back after showing (`silent_drop`).
            always_stamp: Move the record's stamp whatever was changed, as the screens' *Save* does.
            show: Makes the answer from the written record.

        Raises:
            ApiError: 412 for a precondition, 422 with the entity for refused values.
        """
        if demands.must_exist and target is None:
            raise precondition_failed("a record with these keys does not exist")
        if demands.must_be_new and target is not None:
            raise precondition_failed("a record with these keys already exists")
        journal = Journal()
        next_number = self._database.next_customer_number
        before = self._columns(target) if target is not None else None
        record = target
        try:
            if record is None:
                record = self._inserted(entity, body, journal)
                journal.touch(record)
            self._lay_over(endpoint, entity, record, body, journal, is_new=target is None)
            if always_stamp:
                journal.touch(record)
            self._stamp(journal)
        except BaseException:
            journal.roll_back()
            self._database.next_customer_number = next_number  # a refused insert uses no number up
            raise
        shown = show(record)
        if not keep:
            journal.roll_back()
            return shown
        for touched in journal.touched.values():
            self._on_change(Change(touched.entity, touched, before if touched is target else None))
        return shown

    def change_id(self, record: Record, sent: str) -> None:
        """Give a customer another number; its record stays, and the former number is kept nowhere.

        Raises:
            ApiError: There is no such number, or it is taken; the record is no customer.
        """
        key = sent.strip().upper()
        taken = self._database.customer(key) if key else None
        if not isinstance(record, Customer) or not key or (taken is not None and taken is not record):
            said = "cannot be empty" if not key else "is used by another record"
            raise action_refused(f"'Customer ID' {said}.")
        before, tables = self._columns(record), self._database
        tables.customers.remove(record)
        for location in record.locations:
            tables.locations.remove(location)
        record.key = key
        record.modified_ms = self._now_ms()
        tables.customers.add(record)
        for location in record.locations:
            tables.locations.add(location)
        self._on_change(Change("Customer", record, before))

    def delete(self, entity: str, record: Record) -> None:
        """Remove a record; a customer takes its contacts and locations along.

        Raises:
            ApiError: The location is the customer's default one, or documents refer to the customer.
        """
        if isinstance(record, Customer) and self._settings["refuse_delete_with_documents"]:
            text = f"Customer {record.key} cannot be deleted because there are documents that refer to it."
            raise server_error(text, "PX.Data.PXException", "PX.Data.PXGraph")
        if isinstance(record, Location):
            if record.get("Default"):
                raise server_error("The default location cannot be deleted.", "PX.Data.PXException", "PX.Data.PXGraph")
            record.customer.locations.remove(record)
        if isinstance(record, Contact) and record.customer is not None:
            record.customer.contacts.remove(record)
            if record.customer.values.get("PrimaryContactID") == record.contact_id:
                del record.customer.values["PrimaryContactID"]
        if isinstance(record, Customer):
            for contact in record.contacts:
                self._gone("Contact", contact)
            for location in record.locations:
                self._gone("CustomerLocation", location)
        self._gone(entity, record)

    def _gone(self, entity: str, record: Record) -> None:
        before = self._columns(record)
        self._database.table(entity).remove(record)
        moment_ms = int(self._clock.now_s() * 1000)
        self._database.deleted.append({"entity": entity, "deleted_ms": moment_ms, "row": dac_columns(record)})
        self._on_change(Change(entity, record, before, is_deleted=True))

    def _lay_over(
        self, endpoint: Endpoint, entity: str, record: Record, body: dict[str, Any], journal: Journal, *, is_new: bool
    ) -> None:
        assigner = Assigner(self._database, self._settings, journal)
        is_fine = BodyApplier(endpoint, self._database, assigner, journal).apply(entity, record, body)
        if is_new:
            is_fine = self._is_complete(entity, record, body) and is_fine
        if not is_fine:
            verb = "Inserting" if is_new else "Updating"
            raise _refused(record, body, f"{verb} '{_TITLES[entity]}' record raised at least one error.")

    def _inserted(self, entity: str, body: dict[str, Any], journal: Journal) -> Record:
        if entity == "Customer":
            return self._new_customer(body, journal)
        if entity == "Contact":
            contact = Contact(self._database.new_id(), {}, self._now_ms(), self._database.new_contact_id(), None)
            journal.add(self._database.contacts, contact)
            return contact
        return self._new_location(body, journal)

    def _new_customer(self, body: dict[str, Any], journal: Journal) -> Customer:
        database = self._database
        sent = _sent(body, "CustomerID")
        key = str(sent).strip().upper() if sent else ""
        if not key or self._settings["auto_number_customers"]:
            key = database.new_customer_key()
        now_ms = self._now_ms()
        customer = Customer(
            database.new_id(),
            {},
            now_ms,
            key=key,
            account_id=database.new_account_id(),
            main=Card(database.new_id(), {}, database.new_contact_id()),
            address=Address(database.new_id(), {"Country": "US"}),
        )
        location = Location(database.new_id(), {"Default": True}, now_ms, "MAIN", customer)
        customer.locations = [location]
        journal.add(database.customers, customer)
        journal.add(database.locations, location)
        return customer

    def _new_location(self, body: dict[str, Any], journal: Journal) -> Location:
        customer = self._database.customer(str(_sent(body, "Customer") or ""))
        code = str(_sent(body, "LocationID") or "").strip().upper()
        if customer is None or not code:
            wrong, title = ("Customer", "Customer") if customer is None else ("LocationID", "Location ID")
            text = f"'{title}' cannot be found in the system." if customer is None else f"'{title}' cannot be empty."
            body[wrong] = {**_object(body.get(wrong)), "error": text}
            raise _refused(None, body, "Inserting 'Location' record raised at least one error.")
        location = Location(self._database.new_id(), {}, self._now_ms(), code, customer)
        location.values["LocationName"] = code
        location.values["Default"] = not customer.locations
        in_order = sorted([*customer.locations, location], key=lambda each: each.code)
        journal.replace_list(customer, "locations", in_order)
        journal.add(self._database.locations, location)
        return location

    def _is_complete(self, entity: str, record: Record, body: dict[str, Any]) -> bool:
        if entity == "Customer" and self._settings["require_customer_name"]:
            return _has(record, body, "CustomerName", "Customer Name")
        if entity == "Contact":
            return _has(record, body, "LastName", "Last Name")
        return True

    def _stamp(self, journal: Journal) -> None:
        now_ms = self._now_ms()
        for record in journal.touched.values():
            journal.stamp(self._database.table(record.entity), record, now_ms)

    def _now_ms(self) -> int:
        return int(self._clock.now_s() * 1000)


_TITLES = {"Customer": "Customer", "Contact": "Contact", "CustomerLocation": "Location"}


def _sent(body: dict[str, Any], name: str) -> Any:
    return _object(body.get(name)).get("value")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _has(record: Record, body: dict[str, Any], name: str, title: str) -> bool:
    if record.get(name):
        return True
    body[name] = {**_object(body.get(name)), "error": f"'{title}' cannot be empty."}
    return False


def _refused(record: Record | None, body: dict[str, Any], summary: str) -> Exception:
    """The 422: what was sent, with the errors beside the values."""
    row_id = record.id if record is not None else "00000000-0000-0000-0000-000000000000"
    shown = {"id": row_id, "rowNumber": 1, "note": None, **{k: v for k, v in body.items() if k not in ("id", "error")}}
    shown["custom"] = body.get("custom") or {}
    shown["error"] = f"{summary} Please review the errors."
    return invalid_entity(shown)
