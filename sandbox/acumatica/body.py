"""Lays the body of a write over a record: scalars, linked entities, details and custom fields.

Errors are written beside the values in the body itself, which then is the entity that a 422 sends back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.acumatica.contract import TOP_LEVEL, Endpoint, Entity, custom_fields, linked_fields
from sandbox.acumatica.conversion import UnfitValueError, converted
from sandbox.acumatica.errors import bad_request, unknown_field
from sandbox.acumatica.rows import DETAIL_ROWS, Attribute, Contact, Customer, Location, Record, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.assigning import Assigner
    from sandbox.acumatica.journal import Journal
    from sandbox.acumatica.tables import Database


class BodyApplier:
    """Applies one body.

    Args:
        endpoint: Endpoint whose contract the body follows.
        database: Tables, for new ids.
        assigner: Writes single fields.
        journal: Where changes of details go.
    """

    def __init__(self, endpoint: Endpoint, database: Database, assigner: Assigner, journal: Journal) -> None:
        self._endpoint = endpoint
        self._database = database
        self._assigner = assigner
        self._journal = journal
        self._is_fine = True

    def apply(self, entity: str, record: Record, body: dict[str, Any]) -> bool:
        """Write everything that the body names; false when a value was refused.

        Raises:
            ApiError: The body has not the contract's form.
        """
        contract = self._endpoint.entities[entity]
        # The owner first, then overrides: they make the rows that the rest is written into.
        names = sorted(body, key=lambda name: (name != "BusinessAccount", "Override" not in name))
        for name in names:
            found = contract.fields.get(name)
            if found is None or body[name] is None:
                continue
            if found.kind == "scalar":
                self._scalar(body, name, found.type, lambda n, v: self._assigner.assign(entity, record, n, v))
            elif found.kind == "link":
                self._link(record, name, _as_object(name, body[name]))
            else:
                self._details(record, name, found.type, body[name])
        if isinstance(body.get("custom"), dict):
            self._custom(entity, record, body["custom"])
        note = body.get("note")
        if isinstance(note, dict) and isinstance(note.get("value"), str) and note["value"] != record.note:
            self._journal.set_attribute(record, "note", note["value"])
        return self._is_fine

    def _scalar(self, body: dict[str, Any], name: str, type_name: str, assign: Callable[[str, Any], None]) -> None:
        sent = _as_object(name, body[name])
        if "value" not in sent:
            return
        try:
            assign(name, converted(name, type_name, sent["value"]))
        except UnfitValueError as error:
            sent["error"] = str(error)
            self._is_fine = False

    def _link(self, record: Record, name: str, sent: dict[str, Any]) -> None:
        if isinstance(record, Customer):
            self._link_of_customer(record, name, sent)
        elif isinstance(record, Location) and record.card is not None:
            self._card(record.card, record.address, record, "LocationContact", sent)
        elif isinstance(record, Location):
            self._address(record.address, record, sent.get("Address"))
        elif isinstance(record, Contact):
            self._address(record.address, record, sent)

    def _link_of_customer(self, customer: Customer, name: str, sent: dict[str, Any]) -> None:
        location = customer.default_location()
        if name == "MainContact":
            self._card(customer.main, customer.main_address, customer, name, sent)
        elif name == "BillingContact":
            # Without an override the fields are the main contact's, and closed on this place.
            self._card(customer.billing, customer.billing_address, customer, name, sent)
        elif name == "ShippingContact" and location is not None:
            self._card(location.card, location.address, location, name, sent)
        elif name == "PrimaryContact":
            primary = customer.primary_contact()
            if primary is not None:
                self.apply("Contact", primary, sent)
        elif name == "CreditVerificationRules" and "CreditLimit" in sent:
            self._scalar(
                sent, "CreditLimit", "DecimalValue", lambda n, v: self._assigner.assign("Customer", customer, n, v)
            )

    def _card(self, card: Any, address: Any, owner: Record, place: str, sent: dict[str, Any]) -> None:
        contract = self._endpoint.entities["Contact"]
        allowed = linked_fields(place)
        for name in [each for each in sent if each in allowed]:
            if name == "Address":
                self._address(address, owner, sent[name])
            elif card is not None and contract.fields[name].kind == "scalar" and sent[name] is not None:
                type_name = contract.fields[name].type
                self._scalar(sent, name, type_name, lambda n, v: self._assigner.assign_card(card, owner, n, v))

    def _address(self, address: Any, owner: Record, sent: Any) -> None:
        if address is None or not isinstance(sent, dict):
            return
        contract = self._endpoint.entities["Address"]
        # The country first: it says which states there are.
        names = sorted(sent, key=lambda name: name != "Country")
        for name in [each for each in names if each in contract.fields and sent[each] is not None]:
            type_name = contract.fields[name].type
            self._scalar(sent, name, type_name, lambda n, v: self._assigner.assign_address(address, owner, n, v))

    def _details(self, record: Record, name: str, entity: str, sent: Any) -> None:
        row_class = DETAIL_ROWS.get(name)
        if row_class is None:
            return  # contacts and role assignments are written as records of their own
        if not isinstance(sent, list):
            raise bad_request(f"{name} should be an array.")
        rows = list(record.sites if name == "SiteAssociations" else record.details.get(name, []))
        contract = self._endpoint.entities[entity]
        for entry in sent:
            self._detail(record, rows, row_class, contract, _as_object(name, entry))
        if name == "SiteAssociations":
            self._journal.replace_list(record, "sites", rows)
        else:
            self._journal.set_attribute(record, "details", {**record.details, name: rows})

    def _detail(
        self, record: Record, rows: list[Any], row_class: type[Row], contract: Entity, sent: dict[str, Any]
    ) -> None:
        row_id = sent.get("id")
        if row_id is None:
            row = row_class(self._database.new_id(), {})
            rows.append(row)
        else:
            found = next((each for each in rows if each.id == str(row_id).lower()), None)
            if found is None:
                sent["error"] = "The detail row cannot be found in the system."
                self._is_fine = False
                return
            row = found
            if sent.get("delete") is True:
                rows.remove(row)
                self._touch_for_detail(record)
                return
        for name in [each for each in sent if each in contract.fields and sent[each] is not None]:
            type_name = contract.fields[name].type
            self._scalar(sent, name, type_name, lambda n, v: self._assigner.assign_detail(row, record, n, v))

    def _touch_for_detail(self, record: Record) -> None:
        if self._assigner.touches_parent():
            self._journal.touch(record)

    def _custom(self, entity: str, record: Record, views: dict[str, Any]) -> None:
        known = custom_fields(entity) if entity in TOP_LEVEL else {}
        for view, columns in views.items():
            for column, sent in _as_object(view, columns).items():
                if column.startswith("Attribute"):
                    self._attribute(record, column.removeprefix("Attribute"), _as_object(column, sent).get("value"))
                    continue
                found = known.get((view, column))
                if found is None:
                    raise unknown_field()
                self._scalar({column: sent}, column, found.type, self._custom_assigner(entity, record, found.name))

    def _custom_assigner(self, entity: str, record: Record, field: str) -> Callable[[str, Any], None]:
        return lambda _column, value: self._assigner.assign(entity, record, field, value)

    def _attribute(self, record: Record, attribute_id: str, value: Any) -> None:
        rows = record.details.get("Attributes", [])
        row = next((each for each in rows if each.get("AttributeID") == attribute_id), None)
        if row is None:
            row = Attribute(self._database.new_id(), {"AttributeID": attribute_id})
            self._journal.set_attribute(record, "details", {**record.details, "Attributes": [*rows, row]})
        self._assigner.assign_detail(row, record, "Value", value)


def _as_object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_request(f"{name} should be an object.")
    return value
