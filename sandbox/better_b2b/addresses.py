"""Address books: list, create, bulk create, read, update, delete (docs/api/better_b2b.md#addresses)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.address_form import read_address_update, read_new_address
from sandbox.better_b2b.entity import shown
from sandbox.better_b2b.envelope import SUCCESS, Refusal, Reply, absence_refusal, field_refusal, ok
from sandbox.better_b2b.extra_fields import address_values_view, definitions_view
from sandbox.better_b2b.listing import page_of
from sandbox.better_b2b.records import Address
from sandbox.better_b2b.request import NARROW_LIMITS, WIDE_LIMITS, bulk_rows, cut, read_limits, time_test, too_many_rows
from sandbox.better_b2b.user_form import unknown_company

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store

# Parts of texts by which the list can be filtered, and where each is searched.
TEXT_FILTERS = {
    "firstName": ("first_name",),
    "lastName": ("last_name",),
    "address": ("address_line1", "address_line2"),
    "city": ("city",),
    "country": ("country_name", "country_code"),
    "state": ("state_name", "state_code"),
    "zipCode": ("zip_code",),
    "phoneNumber": ("phone_number",),
}
_TRUTH = {"1": True, "true": True, "0": False, "false": False}


def address_view(store: Store, address: Address, *, with_extra_fields: bool = True) -> dict[str, Any]:
    """An address as reads show it; the company's id as a string (statement 19), no timestamps."""
    as_text = store.settings["address_company_id_as_string"]
    company_id = str(address.company_id) if as_text else address.company_id
    view = shown(address, company_id=company_id, extra_fields=address_values_view(store, address.extra_fields))
    if not with_extra_fields:
        del view["extraFields"]
    return view


def get_addresses(store: Store, request: Request) -> Reply:
    """`GET /addresses`; newest change first."""
    limits = read_limits(store, request, NARROW_LIMITS)
    with_extra_fields = request.wants_extra_fields()
    only, tests = _selection(store, request)
    rows, page = page_of(store.addresses, limits, only=only, tests=tests)
    return ok([address_view(store, row, with_extra_fields=with_extra_fields) for row in rows], SUCCESS, page)


def get_address(store: Store, request: Request) -> Reply:
    """`GET /addresses/{addressId}`."""
    return ok(address_view(store, _find_address(store, request.ids[0])), SUCCESS)


def get_address_extra_fields(store: Store, request: Request) -> Reply:
    """`GET /addresses/extra-fields`, paged."""
    offset, limit = read_limits(store, request, WIDE_LIMITS)
    rows, page = cut(definitions_view(store, "addresses"), offset, limit)
    return ok(rows, SUCCESS, page)


def post_address(store: Store, request: Request) -> Reply:
    """`POST /addresses`; answers the id only (statement 27)."""
    values = read_new_address(store, request.object_body())
    if values["company_id"] not in store.companies.rows:
        raise unknown_company(store)
    return ok({"addressId": _create(store, values).address_id}, SUCCESS)


def post_addresses(store: Store, request: Request) -> Reply:
    """`POST /addresses/bulk`: all or nothing; refused with a list aligned to the rows, answered with full rows."""
    rows = bulk_rows(request, too_many=too_many_rows())
    forms: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for row in rows:
        try:
            if not isinstance(row, dict):
                raise field_refusal({"non_field_errors": ["Invalid data. Expected a dictionary."]})
            forms.append(read_new_address(store, row))
            errors.append({})
        except Refusal as refusal:
            err_msg = refusal.reply.body["data"]["errMsg"]
            errors.append(err_msg if isinstance(err_msg, dict) else {"non_field_errors": [err_msg]})
    if any(errors):
        raise field_refusal(errors)
    if any(values["company_id"] not in store.companies.rows for values in forms):
        raise unknown_company(store)
    # An ordered fault drops its rows silently.
    made = [_create(store, values) for index, values in enumerate(forms) if index not in request.failing_rows]
    return ok([address_view(store, address) for address in made], SUCCESS)


def put_address(store: Store, request: Request) -> Reply:
    """`PUT /addresses/{addressId}`, partial; answers the id only."""
    address = _find_address(store, request.ids[0])
    store.change_address(address, read_address_update(store, address, request.object_body()))
    _clear_other_defaults(store, address)
    store.touch_parent(address.company_id)
    store.changed()
    return ok({"addressId": address.address_id}, SUCCESS)


def delete_address(store: Store, request: Request) -> Reply:
    """`DELETE /addresses/{addressId}`."""
    address = _find_address(store, request.ids[0])
    store.remove_address(address)
    store.touch_parent(address.company_id)
    store.changed()
    return ok({"addressId": address.address_id}, SUCCESS)


def _find_address(store: Store, address_id: int) -> Address:
    address = store.addresses.rows.get(address_id)
    if address is None:
        raise absence_refusal("Address")
    return address


def _create(store: Store, values: dict[str, Any]) -> Address:
    now = store.now()
    address = Address(address_id=store.addresses.take_id(), created_at=now, updated_at=now, **values)
    store.add_address(address)
    _clear_other_defaults(store, address)
    store.touch_parent(address.company_id)
    store.changed()
    return address


def _clear_other_defaults(store: Store, address: Address) -> None:
    """One default per company and kind: the address written last keeps it (statement 27)."""
    kinds = [kind for kind in ("is_default_billing", "is_default_shipping") if getattr(address, kind)]
    if not kinds:
        return
    for address_id in store.addresses_by_company.ids(address.company_id):
        other = store.addresses.rows[address_id]
        lost = {kind: False for kind in kinds if other is not address and getattr(other, kind)}
        if lost:
            store.change_address(other, lost)


def _selection(store: Store, request: Request) -> tuple[set[int] | None, list[Callable[[Address], bool]]]:
    """What the filters say: a set of ids where an index knows them, and tests for the rest."""
    only: set[int] | None = None
    tests: list[Callable[[Address], bool]] = []
    if (company_id := request.integer("companyId")) is not None:
        only = set(store.addresses_by_company.ids(company_id))
    external_ids = request.values("externalId[]", "externalId")
    if external_ids:
        if not store.settings["external_id_or"]:
            external_ids = external_ids[-1:]
        held = {row_id for each in external_ids for row_id in store.addresses_by_external_id.ids(each)}
        only = held if only is None else only & held
    for name, attributes in TEXT_FILTERS.items():
        if (text := request.value(name)) is not None:
            tests.append(_text_test(text, attributes))
    for name, attribute in (("isBilling", "is_billing"), ("isShipping", "is_shipping")):
        if (flag := request.value(name)) is not None:
            tests.append(_flag_test(name, flag, attribute))
    if (fits := time_test(request, includes_bounds=False)) is not None:
        tests.append(fits)
    return only, tests


def _text_test(text: str, attributes: tuple[str, ...]) -> Callable[[Address], bool]:
    part = text.casefold()
    return lambda address: any(part in (getattr(address, each) or "").casefold() for each in attributes)


def _flag_test(name: str, text: str, attribute: str) -> Callable[[Address], bool]:
    expected = _TRUTH.get(text.lower())
    if expected is None:
        raise field_refusal({name: ["Must be a valid boolean."]})
    return lambda address: getattr(address, attribute) is expected
