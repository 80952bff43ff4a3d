"""What a client may write into an address: fields, country and state, flags (docs/api/better_b2b.md#addresses)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.entity import sent_fields
from sandbox.better_b2b.envelope import rule_refusal
from sandbox.better_b2b.extra_fields import ExtraFieldProblem, check_complete, read_values
from sandbox.better_b2b.fields import MISSING, FieldReader, snake_case
from sandbox.better_b2b.geography import Country, country_by_code, country_by_name
from sandbox.better_b2b.records import Address

if TYPE_CHECKING:
    from sandbox.better_b2b.state import Store

# Country and state depend on each other and are read apart (`_country`, `_state`).
_PLACE = ("country_name", "country_code", "state_name", "state_code")
_TEXTS = [field for field in sent_fields(Address, "update") if field.is_text and field.attribute not in _PLACE]
_FLAGS = [field for field in sent_fields(Address, "update") if field.type is bool]
_DEFAULT_FLAGS = (("isDefaultBilling", "isBilling"), ("isDefaultShipping", "isShipping"))
_MISMATCH = "The {0} name and the {0} code do not match."


def read_new_address(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    """Check the body of a create and give the attributes, `company_id` among them (not yet looked up).

    Raises:
        Refusal: 422 shape 1 with snake_case keys.
    """
    reader = FieldReader(body, is_snake=True)
    values: dict[str, Any] = {"company_id": reader.integer("companyId")}
    if values["company_id"] is None and "company_id" not in reader.errors:
        reader.complain("companyId", MISSING)
    values |= {field.attribute: reader.text_of(field) for field in _TEXTS}
    values |= {field.attribute: reader.boolean(field.name) or False for field in _FLAGS}
    country = _country(store, reader, reader.text("countryName"), reader.text("countryCode"))
    if country is not None:
        values["country_name"], values["country_code"] = country.name, country.code
        values["state_name"], values["state_code"] = _state(
            store, reader, country, reader.text("stateName"), reader.text("stateCode")
        )
    values["extra_fields"] = _extra_fields(store, reader, body, {}, is_update=False)
    reader.raise_if_wrong()
    if store.settings["flag_rule_on_create"]:
        check_flags(reader)
    return values


def read_address_update(store: Store, address: Address, body: dict[str, Any]) -> dict[str, Any]:
    """Check the body of a partial update and give the attributes to set.

    Raises:
        Refusal: 422 shape 1; the flag rule as 422 `Processing data contains logical errors` (statement 27).
    """
    reader = FieldReader(body, is_snake=True)
    changes: dict[str, Any] = _sent_values(reader)
    changes.update(_moved(store, reader, address))
    if body.get("extraFields") is not None:
        changes["extra_fields"] = _extra_fields(store, reader, body, address.extra_fields, is_update=True)
    reader.raise_if_wrong()
    check_flags(reader)
    for default, plain in _DEFAULT_FLAGS:
        if changes.get(snake_case(plain)) is False:
            changes[snake_case(default)] = False
    return changes


def _sent_values(reader: FieldReader) -> dict[str, Any]:
    """Texts and flags of an update, only those that were sent."""
    values = {field.attribute: reader.text_of(field) for field in _TEXTS if reader.has(field.name)}
    flags = {field.attribute: reader.boolean(field.name) for field in _FLAGS}
    return {**values, **{name: flag for name, flag in flags.items() if flag is not None}}


def check_flags(reader: FieldReader) -> None:
    """A default flag needs its plain flag in the same body (statement 27).

    Raises:
        Refusal: 422 shape 1 with the documented text.
    """
    for default, plain in _DEFAULT_FLAGS:
        if reader.boolean(default) and not reader.boolean(plain):
            raise rule_refusal("Check is default fields and corresponding field.")


def _moved(store: Store, reader: FieldReader, address: Address) -> dict[str, Any]:
    """Country and state of an update.

    Changing `countryName` needs `countryCode`; `countryCode` alone adjusts the name, and needs `stateCode` where the
    country has states (docs/api/better_b2b.md#address-update).
    """
    name, code = reader.text("countryName"), reader.text("countryCode")
    state_name, state_code = reader.text("stateName"), reader.text("stateCode")
    if name is None and code is None and not (reader.has("stateName") or reader.has("stateCode")):
        return {}
    country: Country | None
    if code is None and name is not None and country_by_name(name) != country_by_code(address.country_code):
        reader.complain("countryCode", MISSING)
        return {}
    if code is None:
        country = country_by_code(address.country_code)
    else:
        country = _country(store, reader, name, code)
        if country is not None and country.has_states and not state_code:
            reader.complain("stateCode", MISSING)
            return {}
    if country is None:
        return {}
    changes: dict[str, Any] = {"country_name": country.name, "country_code": country.code}
    if code is not None or reader.has("stateName") or reader.has("stateCode"):
        changes["state_name"], changes["state_code"] = _state(store, reader, country, state_name, state_code)
    return changes


def _country(store: Store, reader: FieldReader, name: str | None, code: str | None) -> Country | None:
    """The country of a name, a code or both; complaints go to the reader."""
    if not code and not name:
        reader.complain("countryName", MISSING)
        return None
    by_code = country_by_code(code) if code else None
    by_name = country_by_name(name) if name else None
    if code and by_code is None:
        reader.complain("countryCode", f'"{code}" is not a valid country code.')
        return None
    if by_code is None and by_name is None:
        reader.complain("countryName", f'"{name}" is not a valid country name.')
        return None
    if by_code is not None and name and by_code is not by_name and store.settings["refuse_mismatch"]:
        reader.complain("countryName", _MISMATCH.format("country"))
        return None
    return by_code or by_name


def _state(
    store: Store, reader: FieldReader, country: Country, name: str | None, code: str | None
) -> tuple[str | None, str | None]:
    """Name and code of the state: both null where the country has none (observed), completed from the tables else."""
    if not country.has_states:
        return None, None
    if not name and not code:
        reader.complain("stateName", MISSING)
        return None, None
    of_code = country.states_by_code(code) if code else []
    by_name = country.state_by_name(name) if name else None
    state = (by_name if by_name in of_code else of_code[0]) if of_code else by_name
    if not store.settings["strict_states"]:
        return (name, code) if state is None or (name and code) else (state.name, state.code)
    if code and not of_code:
        reader.complain("stateCode", f'"{code}" is not a valid state code of {country.name}.')
    elif state is None or (name and by_name is None):
        reader.complain("stateName", f'"{name}" is not a valid state name of {country.name}.')
    elif name and state != by_name and store.settings["refuse_mismatch"]:
        reader.complain("stateName", _MISMATCH.format("state"))
    return (state.name, state.code) if state is not None else (None, None)


def _extra_fields(
    store: Store, reader: FieldReader, body: dict[str, Any], present: dict[str, str], *, is_update: bool
) -> dict[str, str]:
    try:
        merged = {**present, **read_values(store, "addresses", body.get("extraFields"), is_update=is_update)}
        check_complete(store, "addresses", merged)
    except ExtraFieldProblem as problem:
        reader.complain("extraFields", problem.text)
        return present
    return merged
