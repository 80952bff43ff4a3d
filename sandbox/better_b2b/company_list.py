"""`GET /companies`: filters, order and paging (docs/api/better_b2b.md#company-list and #paging)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.better_b2b.companies import company_view
from sandbox.better_b2b.envelope import SUCCESS_COMPANY, Reply, field_refusal, ok
from sandbox.better_b2b.extra_fields import definitions_view
from sandbox.better_b2b.listing import page_of
from sandbox.better_b2b.records import CompanyStatus
from sandbox.better_b2b.request import NARROW_LIMITS, WIDE_LIMITS, cut, read_limits, time_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.better_b2b.records import Company
    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store


def get_companies(store: Store, request: Request) -> Reply:
    """`GET /companies`; unknown parameters, among them `uuid` and `companyEmail`, are ignored (statement 14)."""
    limits = read_limits(store, request, NARROW_LIMITS)
    by_name = request.choice("sortBy", ("updatedAt", "companyName"), "updatedAt") == "companyName"
    descending = request.choice("orderBy", ("ASC", "DESC"), "DESC") == "DESC"
    with_extra_fields = request.wants_extra_fields()
    only, tests = _selection(store, request)
    rows, page = page_of(
        store.companies,
        limits,
        order=store.companies_by_name if by_name else None,
        descending=descending,
        only=only,
        tests=tests,
    )
    data = [company_view(store, company, with_extra_fields=with_extra_fields) for company in rows]
    return ok(data, SUCCESS_COMPANY, page)


def get_company_extra_fields(store: Store, request: Request) -> Reply:
    """`GET /companies/extra-fields`, paged."""
    offset, limit = read_limits(store, request, WIDE_LIMITS)
    rows, page = cut(definitions_view(store, "companies"), offset, limit)
    return ok(rows, SUCCESS_COMPANY, page)


def _selection(store: Store, request: Request) -> tuple[set[int] | None, list[Callable[[Company], bool]]]:
    """What the filters say: a set of ids where an index knows them, and tests for the rest."""
    only: set[int] | None = None
    tests: list[Callable[[Company], bool]] = []
    if (text := request.value("q")) is not None:
        part = text.casefold()
        tests.append(lambda company: part in company.company_name.casefold())
    if (status := request.integer("companyStatus")) is not None:
        if status not in list(CompanyStatus):
            raise field_refusal({"companyStatus": [f'"{status}" is not a valid choice.']})
        tests.append(lambda company: company.company_status == status)
    if (group := request.value("bcGroupId")) is not None:
        shows_group = not store.settings["independent_companies"]
        tests.append(lambda company: shows_group and str(company.customer_group_id) == group)
    if (customer_id := request.integer("customerId")) is not None:
        users = [store.users.rows[user_id] for user_id in store.users_by_customer.ids(customer_id)]
        only = {user.company_id for user in users}
    if request.value("bcOrderId") is not None or request.value("orderId") is not None:
        only = set()  # the twin holds no orders
    if (fits := time_test(request, includes_bounds=True)) is not None:
        tests.append(fits)
    for text in request.values("extraFields", "extraFields[]"):
        exact = _add_extra_field_test(store, request, text, tests)
        if exact is not None:
            only = exact if only is None else only & exact
    return only, tests


def _add_extra_field_test(
    store: Store, request: Request, text: str, tests: list[Callable[[Company], bool]]
) -> set[int] | None:
    """One `extraFields=name:value` (statement 14): ids for an exact match, a test otherwise."""
    at_first = store.settings["extra_field_filter_split"] == "first_colon"
    name, _, value = text.partition(":") if at_first else text.rpartition(":")
    kind = request.choice("extraFieldFilterType", ("search", "exact-match"), "search")
    if kind == "exact-match":
        return set(store.companies_by_extra.ids((name, value)))
    part = value.casefold()
    tests.append(lambda company: part in company.extra_fields.get(name, "").casefold() and name in company.extra_fields)
    return None
