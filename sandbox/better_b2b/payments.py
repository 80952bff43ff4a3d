"""Payment methods, payment terms and credit (docs/api/better_b2b.md#payments)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.better_b2b.entity import sent_fields
from sandbox.better_b2b.envelope import (
    BAD_REQUEST_ERROR,
    LOGIC_ERROR,
    SUCCESS,
    Refusal,
    Reply,
    field_refusal,
    ok,
    text_refusal,
)
from sandbox.better_b2b.records import TERM_DAYS, CompanyPayment, Credit, Terms
from sandbox.better_b2b.request import WIDE_LIMITS, cut, read_limits

if TYPE_CHECKING:
    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store


def get_store_payments(store: Store, _request: Request) -> Reply:
    """`GET /payments`: the store's methods; key set one of three (statement 29)."""
    return ok([msgspec.to_builtins(method) for method in store.payments.values()], SUCCESS)


def company_payments_view(store: Store, company_id: int) -> list[dict[str, Any]]:
    """All methods of the store as switched for a company; key set two of three."""
    switched = store.company_payments.get(company_id, {})
    return [
        {
            "paymentId": method.id,
            "code": method.payment_code,
            "paymentTitle": method.payment_title,
            "isEnabled": method.payment_code in switched and switched[method.payment_code].is_enabled,
        }
        for method in store.payments.values()
    ]


def get_company_payments(store: Store, request: Request) -> Reply:
    """`GET /companies/{companyId}/payments`."""
    return ok(company_payments_view(store, _company_id(store, request)), SUCCESS)


def put_company_payments(store: Store, request: Request) -> Reply:
    """`PUT /companies/{companyId}/payments`: touches only the listed codes, all or none of them."""
    company_id = _company_id(store, request)
    asked = _switches(store, request.body)
    now = store.now()
    switched = store.company_payments.setdefault(company_id, {})
    for code, is_enabled in asked.items():
        present = switched.get(code)
        if present is None:
            switched[code] = CompanyPayment(is_enabled=is_enabled, created_at=now, updated_at=now)
        else:
            present.is_enabled, present.updated_at = is_enabled, now
    store.touch_parent(company_id)
    store.changed()
    return ok([], SUCCESS)


def get_enabled_payments(store: Store, request: Request) -> Reply:
    """`GET /company-payment-methods?companyId=`: enabled methods only; key set three of three."""
    limits = read_limits(store, request, WIDE_LIMITS)
    asked = request.integer("companyId")
    part = (request.value("q") or "").casefold()
    sort_by = request.choice("sortBy", ("updatedAt", "createdAt"), "updatedAt")
    descending = request.choice("orderBy", ("ASC", "DESC"), "DESC") == "DESC"
    company_ids = store.company_payments if asked is None else [asked]
    rows = [
        {
            "companyId": company_id,
            "paymentId": store.payments[code].id,
            "createdAt": switched.created_at,
            "updatedAt": switched.updated_at,
            "paymentMethodCode": code,
            "paymentMethodTitle": store.payments[code].payment_title,
        }
        for company_id in company_ids
        for code, switched in store.company_payments.get(company_id, {}).items()
        if switched.is_enabled and (part in code or part in store.payments[code].payment_title.casefold())
    ]
    rows.sort(key=lambda row: (row[sort_by], row["companyId"], row["paymentId"]), reverse=descending)
    page_rows, page = cut(rows, *limits)
    return ok(page_rows, SUCCESS, page)


def terms_view(store: Store, company_id: int) -> dict[str, Any]:
    """Terms of a company; the store's default days while they are off (statement 30)."""
    terms = store.terms.get(company_id)
    if terms is None or not terms.is_enabled:
        return {"isEnabled": False, "paymentTerms": store.settings["default_payment_terms"]}
    return {"isEnabled": True, "paymentTerms": terms.payment_terms}


def get_terms(store: Store, request: Request) -> Reply:
    """`GET /companies/{companyId}/payment-terms`."""
    return ok(terms_view(store, _company_id(store, request)), SUCCESS)


def put_terms(store: Store, request: Request) -> Reply:
    """`PUT /companies/{companyId}/payment-terms`: both keys required, the days ignored while off."""
    company_id = _company_id(store, request)
    body = request.object_body()
    is_enabled, days = body.get("isEnabled"), body.get("paymentTerms")
    if not isinstance(is_enabled, bool):
        raise text_refusal(400, BAD_REQUEST_ERROR, "Is enabled is required.; ")
    if days is None:
        raise text_refusal(400, BAD_REQUEST_ERROR, "Payment terms is required.; ")
    is_known = isinstance(days, int) and not isinstance(days, bool) and days in TERM_DAYS
    if is_enabled and not is_known:
        raise text_refusal(400, BAD_REQUEST_ERROR, f"Payment terms value error, must be in {list(TERM_DAYS)}; ")
    store.terms[company_id] = Terms(
        is_enabled=is_enabled, payment_terms=days if is_enabled else store.settings["default_payment_terms"]
    )
    store.touch_parent(company_id)
    store.changed()
    return ok(terms_view(store, company_id), SUCCESS)


def get_credit(store: Store, request: Request) -> Reply:
    """`GET /companies/{companyId}/credit`; 400 while the feature is off."""
    company_id = _company_id(store, request)
    _refuse_without_credit(store)
    return ok(msgspec.to_builtins(store.credit.get(company_id, Credit())), SUCCESS)


def put_credit(store: Store, request: Request) -> Reply:
    """`PUT /companies/{companyId}/credit`: all keys optional; an empty body resets them all."""
    company_id = _company_id(store, request)
    _refuse_without_credit(store)
    body = request.object_body()
    present = store.credit.get(company_id, Credit()) if body else Credit()
    values: dict[str, Any] = {}
    for field in sent_fields(Credit, "update"):
        value = body.get(field.name)
        if value is None:
            continue
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number if field.type is float else isinstance(value, field.type)):
            raise field_refusal({field.name: ["Not a valid value."]})
        values[field.attribute] = field.type(value)
    changed = msgspec.structs.replace(present, **values)
    store.credit[company_id] = changed
    store.touch_parent(company_id)
    store.changed()
    return ok(msgspec.to_builtins(changed), SUCCESS)


def _refuse_without_credit(store: Store) -> None:
    if not store.settings["credit_enabled"]:
        raise text_refusal(400, LOGIC_ERROR, "Store company credit is not enabled")


def _company_id(store: Store, request: Request) -> int:
    company_id = request.ids[0]
    if company_id not in store.companies.rows:
        raise _absent("Company")
    return company_id


def _switches(store: Store, body: Any) -> dict[str, bool]:
    """Codes and what they shall be, checked before the first is touched."""
    items = body.get("payments") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise text_refusal(400, BAD_REQUEST_ERROR, "Payments is required.; ")
    asked: dict[str, bool] = {}
    for item in items:
        code = item.get("code") if isinstance(item, dict) else None
        if not isinstance(code, str) or not code:
            raise text_refusal(400, BAD_REQUEST_ERROR, "Code is required.; ")
        is_enabled = item.get("isEnabled")
        if not isinstance(is_enabled, bool):
            raise text_refusal(400, BAD_REQUEST_ERROR, "Is enabled is required.; ")
        if code not in store.payments:
            raise _absent("Payment")
        asked[code] = is_enabled
    return asked


def _absent(what: str) -> Refusal:
    """404 with the same text in both places (docs/api/better_b2b.md#payment-methods)."""
    return text_refusal(404, f"{what} Does not Exist", f"{what} Does not Exist")
