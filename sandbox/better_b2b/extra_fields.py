"""Extra fields: definitions, and the rules for values.

Source: docs/api/better_b2b.md#extra-fields, #statement-13 and #statement-16.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from sandbox.better_b2b.records import ExtraField
    from sandbox.better_b2b.state import Store

_NUMBER = 2
_DROP_DOWN = 3
# Family -> the switch that names what is required beside the definitions.
_REQUIRED = {
    "companies": "required_extra_fields",
    "users": "required_user_extra_fields",
    "addresses": "required_address_extra_fields",
}


class ExtraFieldProblem(Exception):  # turned into the answer of the family that asked
    """A value is refused.

    Attributes:
        text: What is wrong, as the API says it.
        is_conflict: Whether the value is held by another record.
    """

    def __init__(self, text: str, *, is_conflict: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.is_conflict = is_conflict


def definitions_view(store: Store, family: str) -> list[dict[str, Any]]:
    """Definitions of a family as `GET …/extra-fields` shows them."""
    rows: list[dict[str, Any]] = []
    for definition in store.extra_fields[family]:
        row: dict[str, Any] = msgspec.to_builtins(definition)
        row["isRequired"] = _is_required(store, family, definition)
        if family == "companies" and definition.field_name in store.settings["visible_extra_fields"]:
            row["visibleToEnduser"] = True
        rows.append(row)
    return rows


def company_values_view(store: Store, values: dict[str, str]) -> list[dict[str, Any]]:
    """Values of a company with what belongs to their definitions; flags are strings there.

    Source: docs/api/better_b2b.md#extra-fields.
    """
    return [
        {
            "fieldName": definition.field_name,
            "fieldValue": values[definition.field_name],
            "labelName": definition.field_name,
            "isRequired": "1" if _is_required(store, "companies", definition) else "0",
            "dataType": str(definition.field_type),
            "fieldType": definition.field_type,
        }
        for definition in store.extra_fields["companies"]
        if definition.field_name in values
    ]


def address_values_view(store: Store, values: dict[str, str]) -> list[dict[str, Any]]:
    """Values of an address."""
    return [
        {"fieldName": each.field_name, "fieldValue": values[each.field_name], "fieldType": each.field_type}
        for each in store.extra_fields["addresses"]
        if each.field_name in values
    ]


def user_values_view(values: dict[str, str]) -> list[dict[str, Any]]:
    """Values of a user."""
    return [{"fieldName": name, "fieldValue": value} for name, value in values.items()]


def read_values(store: Store, family: str, sent: Any, *, is_update: bool) -> dict[str, str]:
    """Values as sent, checked one by one; not yet for uniqueness or completeness.

    Args:
        store: The store.
        family: `companies`, `users` or `addresses`.
        sent: The JSON value: an array of `{fieldName, fieldValue}`, or a single such object
            (docs/api/better_b2b.md#addresses).
        is_update: An update needs at least one item and no empty value (docs/api/better_b2b.md#company-update).

    Raises:
        ExtraFieldProblem: The shape or a value is wrong.
    """
    if sent is None:
        return {}
    items = [sent] if isinstance(sent, dict) else sent
    if not isinstance(items, list) or (is_update and not items):
        raise ExtraFieldProblem("The extra fields are invalid.")
    known = {definition.field_name: definition for definition in store.extra_fields[family]}
    values: dict[str, str] = {}
    for item in items:
        name, value = _read_item(item, is_update=is_update)
        definition = known.get(name)
        if definition is not None:
            if value:
                _check_value(store, definition, value)
                values[name] = value
        elif store.settings["unknown_extra_field"] == "refuse":
            raise ExtraFieldProblem(f"The extra field {name} does not exist.")
    return values


def check_complete(store: Store, family: str, values: dict[str, str]) -> None:
    """Refuse when a required field has no value (statement 16).

    Raises:
        ExtraFieldProblem: One is missing.
    """
    if not store.settings["enforce_required_extra_fields"]:
        return
    for definition in store.extra_fields[family]:
        if _is_required(store, family, definition) and not values.get(definition.field_name):
            raise ExtraFieldProblem(f"{definition.field_name} is required.")


def check_unique(store: Store, values: dict[str, str], own_id: int | None) -> None:
    """Refuse a company's value that another company holds, where the definition says unique (statement 13).

    Raises:
        ExtraFieldProblem: A value is taken.
    """
    if not store.settings["enforce_unique_extra_fields"]:
        return
    for definition in store.extra_fields["companies"]:
        value = values.get(definition.field_name)
        if definition.is_unique and value is not None:
            holders = store.companies_by_extra.ids((definition.field_name, value))
            if any(holder != own_id for holder in holders):
                raise ExtraFieldProblem(f"{definition.field_name} must be unique.", is_conflict=True)


def _read_item(item: Any, *, is_update: bool) -> tuple[str, str]:
    if not isinstance(item, dict):
        raise ExtraFieldProblem("The extra fields are invalid.")
    name, value = item.get("fieldName"), item.get("fieldValue")
    if not isinstance(name, str) or not name:
        raise ExtraFieldProblem("The extra field name is required.")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if value is not None and not isinstance(value, str):
        raise ExtraFieldProblem(f"{name} is invalid.")
    if is_update and not value:
        raise ExtraFieldProblem(f"The extra field value of {name} is required.")
    return name, value or ""


def _check_value(store: Store, definition: ExtraField, value: str) -> None:
    name = definition.field_name
    if definition.maximum_length and len(value) > int(definition.maximum_length):
        if store.settings["enforce_max_lengths"]:
            raise ExtraFieldProblem(f"{name} may not be longer than {definition.maximum_length} characters.")
    elif definition.field_type == _NUMBER:
        _check_number(definition, value)
    elif definition.field_type == _DROP_DOWN and value not in (definition.list_of_value or []):
        raise ExtraFieldProblem(f"{name} is not one of the listed values.")


def _check_number(definition: ExtraField, value: str) -> None:
    try:
        number = float(value)
    except ValueError:
        raise ExtraFieldProblem(f"{definition.field_name} must be a number.") from None
    if definition.maximum_value and number > float(definition.maximum_value):
        raise ExtraFieldProblem(f"{definition.field_name} may not be larger than {definition.maximum_value}.")


def _is_required(store: Store, family: str, definition: ExtraField) -> bool:
    return definition.is_required or definition.field_name in store.settings[_REQUIRED[family]]
