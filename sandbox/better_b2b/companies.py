"""Companies: what a single call does. Bulk calls: `company_bulk`; lists: `company_list`.

Source: docs/api/better_b2b.md#companies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.company_form import CompanyProblem, read_new_company, read_update
from sandbox.better_b2b.entity import shown
from sandbox.better_b2b.envelope import (
    SUCCESS_COMPANY,
    Refusal,
    Reply,
    ok,
    plain_refusal,
    resource_refusal,
    rule_refusal,
)
from sandbox.better_b2b.extra_fields import company_values_view
from sandbox.better_b2b.fields import whole_number
from sandbox.better_b2b.geography import country_by_code
from sandbox.better_b2b.records import Company, CompanyPayment, CompanyStatus, FirstAdmin, User, UserRole

if TYPE_CHECKING:
    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store


def company_view(store: Store, company: Company, *, with_extra_fields: bool) -> dict[str, Any]:
    """A company as reads show it."""
    as_text = store.settings["company_numbers_as_strings"]
    numbers = {name: int(getattr(company, name)) for name in ("company_status", "created_at", "updated_at")}
    # Independent mode shows no group, whatever customerGroupId was set (docs/api/better_b2b.md#modes).
    has_group = not store.settings["independent_companies"]
    view = shown(
        company,
        **{name: str(number) if as_text else number for name, number in numbers.items()},
        bc_group_id=company.customer_group_id if has_group else None,
        bc_group_name=company.bc_group_name if has_group else None,
        country=_country_shown(store, company.country),
        extra_fields=company_values_view(store, company.extra_fields),
    )
    if not with_extra_fields:
        del view["extraFields"]
    return view


def _country_shown(store: Store, sent: str) -> str:
    country = country_by_code(sent) if store.settings["company_country_as_name"] else None
    return country.name if country is not None else sent


def find_company(store: Store, company_id: int) -> Company:
    """A company by id.

    Raises:
        Refusal: 404 shape 3.
    """
    company = store.companies.rows.get(company_id)
    if company is None:
        raise resource_refusal()
    return company


def single_refusal(store: Store, problem: CompanyProblem) -> Refusal:
    """What a single call answers to a problem: 422 shape 3; a taken admin e-mail as the switch says (statement 11)."""
    if problem.is_admin_email and store.settings["admin_email_taken_shape"] == 1:
        return rule_refusal(problem.text)
    return plain_refusal(422, problem.text)


def get_company(store: Store, request: Request) -> Reply:
    """`GET /companies/{companyId}`."""
    company = find_company(store, request.ids[0])
    return ok(company_view(store, company, with_extra_fields=True), SUCCESS_COMPANY)


def post_company(store: Store, request: Request) -> Reply:
    """`POST /companies`: the company and its first admin, both or none."""
    try:
        company, admin = create_company(store, request.body)
    except CompanyProblem as problem:
        raise single_refusal(store, problem) from problem
    data = {
        "companyId": company.company_id,
        "customerId": admin.customer_id,
        "customerGroupId": company.customer_group_id,
    }
    return ok(data, SUCCESS_COMPANY)


def put_company(store: Store, request: Request) -> Reply:
    """`PUT /companies/{companyId}`, partial."""
    company = find_company(store, request.ids[0])
    try:
        update_company(store, company, request.body)
    except CompanyProblem as problem:
        raise single_refusal(store, problem) from problem
    return ok({"companyId": company.company_id}, SUCCESS_COMPANY)


def put_status(store: Store, request: Request) -> Reply:
    """`PUT /companies/{companyId}/status`; 0 to 3 only (statement 12)."""
    company = find_company(store, request.ids[0])
    sent = request.body.get("companyStatus") if isinstance(request.body, dict) else None
    if sent is None:
        raise plain_refusal(422, "The company status is required.")
    status = whole_number(sent)
    if status not in list(CompanyStatus):
        raise plain_refusal(422, "The company status is invalid, must be in [0, 1, 2, 3].")
    store.change_company(company, {"company_status": status})
    store.changed()
    return ok({"companyId": company.company_id}, SUCCESS_COMPANY)


def delete_company(store: Store, request: Request) -> Reply:
    """`DELETE /companies/{companyId}`: hard, with users and addresses; core customers stay (statement 18)."""
    company = find_company(store, request.ids[0])
    if store.settings["delete_cascades"]:
        for user in store.users_of(company.company_id):
            store.remove_user(user)
        for address_id in store.addresses_by_company.ids(company.company_id):
            store.remove_address(store.addresses.rows[address_id])
    store.remove_company(company)
    store.changed()
    return ok({}, SUCCESS_COMPANY)


def put_catalogs(store: Store, request: Request) -> Reply:
    """`PUT /companies/{companyId}/catalogs`: off in Independent mode (405)."""
    company = find_company(store, request.ids[0])
    if store.settings["independent_companies"]:
        raise plain_refusal(405, "Method Not Allowed")
    catalog_id = request.object_body().get("catalogId")
    if isinstance(catalog_id, bool) or not isinstance(catalog_id, int):
        raise plain_refusal(422, "The catalog id is required.")
    store.change_company(company, {"catalog_id": catalog_id})
    store.changed()
    return ok({"companyId": company.company_id}, SUCCESS_COMPANY)


def create_company(store: Store, body: Any) -> tuple[Company, User]:
    """Check and store a company and its first admin.

    Raises:
        CompanyProblem: Nothing is stored.
    """
    form = read_new_company(store, body)
    now = store.now()
    settings = store.settings
    company_id = store.companies.take_id()
    group_id, group_name = _group_for(store, company_id, form.values["company_name"], form.customer_group_id)
    company = Company(
        company_id=company_id,
        company_status=CompanyStatus.APPROVED if settings["auto_approve"] else CompanyStatus.PENDING,
        customer_group_id=group_id,
        bc_group_name=group_name,
        catalog_id=form.catalog_id,
        extra_fields=form.extra_fields,
        channel_ids=form.channel_ids,
        origin_channel_id=form.origin_channel_id,
        created_at=now,
        updated_at=now,
        **form.values,
    )
    store.add_company(company)
    user = _add_admin(store, company, form.admin)
    if settings["payments_enabled_by_default"]:
        store.company_payments[company_id] = {
            code: CompanyPayment(is_enabled=True, created_at=now, updated_at=now) for code in store.payments
        }
    store.changed()
    return company, user


def update_company(store: Store, company: Company, body: Any) -> None:
    """Check and store a partial update.

    Raises:
        CompanyProblem: Nothing is stored.
    """
    store.change_company(company, read_update(store, company, body))
    store.changed()


def _add_admin(store: Store, company: Company, admin: FirstAdmin) -> User:
    """The first user of a company, on the core customer of the e-mail or on a new one (statement 10)."""
    customer = store.customer_for(admin.admin_email, admin.admin_first_name, admin.admin_last_name)
    user = User(
        id=store.users.take_id(),
        company_id=company.company_id,
        first_name=admin.admin_first_name,
        last_name=admin.admin_last_name,
        email=admin.admin_email,
        phone_number=admin.admin_phone_number,
        role=UserRole.ADMIN,
        company_role_id=store.predefined_role(UserRole.ADMIN).id,
        customer_id=customer.id,
        channel_ids=list(company.channel_ids),
        origin_channel_id=company.origin_channel_id,
        extra_fields=admin.user_extra_fields,
        created_at=company.created_at,
        updated_at=company.created_at,
    )
    store.add_user(user)
    return user


def _group_for(store: Store, company_id: int, company_name: str, asked: int | None) -> tuple[int, str | None]:
    """Customer group of a new company: made with it in Dependent mode, else as asked or the store's default."""
    if store.settings["independent_companies"]:
        return (store.settings["default_customer_group"] if asked is None else asked), None
    is_repeated = any(other.company_name == company_name for other in store.companies.rows.values())
    return company_id - 60_000, f"{company_name} {company_id:x}" if is_repeated else company_name
