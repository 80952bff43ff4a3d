"""Company users: list, create, bulk create, read, update, delete (docs/api/better_b2b.md#users)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.channels import ICON_URL
from sandbox.better_b2b.entity import shown
from sandbox.better_b2b.envelope import SUCCESS, Refusal, Reply, absence_refusal, field_refusal, ok, rule_refusal
from sandbox.better_b2b.extra_fields import definitions_view, user_values_view
from sandbox.better_b2b.listing import page_of
from sandbox.better_b2b.records import CompanyStatus, User, UserRole
from sandbox.better_b2b.request import WIDE_LIMITS, bulk_rows, cut, read_limits, time_test, too_many_rows
from sandbox.better_b2b.user_form import UserForm, read_new_user, read_user_update

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.better_b2b.request import Request
    from sandbox.better_b2b.state import Store


def user_view(store: Store, user: User, *, with_extra_fields: bool) -> dict[str, Any]:
    """A user as reads show it."""
    role = store.roles.get(user.company_role_id)
    channels = [
        {
            "channelId": channel_id,
            "channelName": store.channel_names.get(channel_id),
            "iconUrl": ICON_URL,
        }
        for channel_id in user.channel_ids
    ]
    view = shown(
        user,
        company_role_name=role.name if role is not None else None,
        channel_list=channels,
        extra_fields=user_values_view(user.extra_fields),
    )
    if not with_extra_fields:
        del view["extraFields"]
    return view


def get_users(store: Store, request: Request) -> Reply:
    """`GET /users`; newest change first."""
    limits = read_limits(store, request, WIDE_LIMITS)
    with_extra_fields = request.wants_extra_fields()
    only, tests = _selection(store, request)
    rows, page = page_of(store.users, limits, only=only, tests=tests)
    return ok([user_view(store, user, with_extra_fields=with_extra_fields) for user in rows], SUCCESS, page)


def get_user(store: Store, request: Request) -> Reply:
    """`GET /users/{userId}`."""
    return ok(user_view(store, _find_user(store, request.ids[0]), with_extra_fields=True), SUCCESS)


def get_user_of_customer(store: Store, request: Request) -> Reply:
    """`GET /users/customer/{customerId}`: the user on a core customer."""
    ids = store.users_by_customer.ids(request.ids[0])
    if not ids:
        raise absence_refusal("User")
    return ok(user_view(store, store.users.rows[ids[0]], with_extra_fields=True), SUCCESS)


def get_user_extra_fields(store: Store, request: Request) -> Reply:
    """`GET /users/extra-fields`, paged."""
    offset, limit = read_limits(store, request, WIDE_LIMITS)
    rows, page = cut(definitions_view(store, "users"), offset, limit)
    return ok(rows, SUCCESS, page)


def post_user(store: Store, request: Request) -> Reply:
    """`POST /users`."""
    user = _create(store, read_new_user(store, request.object_body()))
    return ok({"userId": user.id, "bcId": user.customer_id}, SUCCESS)


def post_users(store: Store, request: Request) -> Reply:
    """`POST /users/bulk`: all or nothing unless switched; refused as the first failed row would be (statement 25)."""
    rows = bulk_rows(request, too_many=too_many_rows())
    forms: list[UserForm] = []
    refusal: Refusal | None = None
    for index, row in enumerate(rows):
        if index in request.failing_rows:
            continue  # an ordered fault drops the row silently: the answer is shorter than the request
        try:
            if not isinstance(row, dict):
                raise field_refusal({"non_field_errors": ["Invalid data. Expected a dictionary."]})
            forms.append(read_new_user(store, row, {form.email.casefold() for form in forms}))
        except Refusal as problem:
            refusal = problem
            break
    if refusal is not None and store.settings["user_bulk_all_or_nothing"]:
        raise refusal
    users = [_create(store, form) for form in forms]
    if refusal is not None:
        raise refusal
    return ok([{"userId": user.id, "bcId": user.customer_id} for user in users], SUCCESS)


def put_user(store: Store, request: Request) -> Reply:
    """`PUT /users/{userId}`, partial; answers the full user (statement 23)."""
    user = _find_user(store, request.ids[0])
    changes = read_user_update(store, user, request.object_body())
    had_admin = store.has_admin(user.company_id)
    store.change_user(user, changes)
    if "email" in changes:
        _rename_customer(store, user)
    _after_admin_change(store, user.company_id, had_admin=had_admin)
    store.touch_parent(user.company_id)
    store.changed()
    return ok(user_view(store, user, with_extra_fields=True), SUCCESS)


def delete_user(store: Store, request: Request) -> Reply:
    """`DELETE /users/{userId}`: never the last one of a company, the last admin may go (statement 24)."""
    user = _find_user(store, request.ids[0])
    if store.users_by_company.count(user.company_id) <= 1 and user.company_id in store.companies.rows:
        raise rule_refusal("The last user in company can not be deleted.")
    had_admin = store.has_admin(user.company_id)
    store.remove_user(user)
    _after_admin_change(store, user.company_id, had_admin=had_admin)
    store.touch_parent(user.company_id)
    store.changed()
    return ok({"userId": user.id}, SUCCESS)


def _find_user(store: Store, user_id: int) -> User:
    user = store.users.rows.get(user_id)
    if user is None:
        raise absence_refusal("User")
    return user


def _create(store: Store, form: UserForm) -> User:
    now = store.now()
    had_admin = store.has_admin(form.company_id)
    customer = store.customer_for(form.email, form.first_name, form.last_name)
    user = User(
        id=store.users.take_id(),
        company_id=form.company_id,
        first_name=form.first_name,
        last_name=form.last_name,
        email=form.email,
        phone_number=form.phone_number,
        role=store.role_number(form.role_id),
        company_role_id=form.role_id,
        uuid=form.uuid,
        customer_id=customer.id,
        channel_ids=form.channel_ids,
        origin_channel_id=form.origin_channel_id,
        extra_fields=form.extra_fields,
        created_at=now,
        updated_at=now,
    )
    store.add_user(user)
    _after_admin_change(store, user.company_id, had_admin=had_admin)
    store.touch_parent(user.company_id)
    store.changed()
    return user


def _after_admin_change(store: Store, company_id: int, *, had_admin: bool) -> None:
    """A company without admin turns Inactive; the first one it gets again turns it Approved (statement 24)."""
    company = store.companies.rows.get(company_id)
    has_admin = store.has_admin(company_id)
    if company is None or has_admin == had_admin:
        return
    if not has_admin and store.settings["last_admin_deactivates"]:
        store.change_company(company, {"company_status": CompanyStatus.INACTIVE})
    elif has_admin and company.company_status == CompanyStatus.INACTIVE and store.settings["new_admin_reactivates"]:
        store.change_company(company, {"company_status": CompanyStatus.APPROVED})


def _rename_customer(store: Store, user: User) -> None:
    customer = store.customers[user.customer_id]
    store.customers_by_email.pop(customer.email.casefold(), None)
    customer.email = user.email
    store.add_customer(customer)


def _selection(store: Store, request: Request) -> tuple[set[int] | None, list[Callable[[User], bool]]]:
    """What the filters say: a set of ids where an index knows them, and tests for the rest."""
    only: set[int] | None = None
    tests: list[Callable[[User], bool]] = []
    if (company_id := request.integer("companyId")) is not None:
        only = set(store.users_by_company.ids(company_id))
    if (email := request.value("email")) is not None:
        holder = store.user_with_email(email)
        holders = set() if holder is None else {holder.id}
        only = holders if only is None else only & holders
    roles = _roles(request)
    if roles:
        tests.append(lambda user: user.role in roles)
    if (channel_id := request.integer("channelId")) is not None:
        tests.append(lambda user: channel_id in user.channel_ids)
    if (text := request.value("q")) is not None:
        tests.append(_search_test(store, text.casefold()))
    if (fits := time_test(request, includes_bounds=False)) is not None:
        tests.append(fits)
    return only, tests


def _roles(request: Request) -> set[int]:
    """The `roles` filter: repeated, with brackets, or separated by commas.

    Raises:
        Refusal: 422 shape 1, nested by index (docs/api/better_b2b.md#error-shape-1).
    """
    texts = [part.strip(" []") for value in request.values("roles", "roles[]") for part in value.split(",")]
    valid = {str(int(role)) for role in UserRole}
    errors = {str(index): [f'"{text}" is not a valid choice.'] for index, text in enumerate(texts) if text not in valid}
    if errors:
        raise field_refusal({"roles": errors})
    return {int(text) for text in texts}


def _search_test(store: Store, part: str) -> Callable[[User], bool]:
    def found(user: User) -> bool:
        company = store.companies.rows.get(user.company_id)
        texts = (user.email, f"{user.first_name} {user.last_name}", company.company_name if company else "")
        return any(part in text.casefold() for text in texts)

    return found
