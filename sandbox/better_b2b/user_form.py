"""What a client may write into a user, checked in the order of docs/api/better_b2b.md#statement-20."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.entity import sent_fields
from sandbox.better_b2b.envelope import absence_refusal, field_refusal, rule_refusal, text_refusal
from sandbox.better_b2b.extra_fields import ExtraFieldProblem, check_complete, read_values
from sandbox.better_b2b.fields import FieldReader, is_email, whole_number
from sandbox.better_b2b.records import User, UserRole

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandbox.better_b2b.state import Store

_NO_CHANNEL = "At least one B2B storefront needs to be enabled for a Company user."
_ROLES = tuple(int(role) for role in UserRole)


@dataclass(slots=True)
class UserForm:
    """A new user, checked."""

    company_id: int
    first_name: str
    last_name: str
    email: str
    phone_number: str | None
    role_id: int
    uuid: str | None
    channel_ids: list[int]
    origin_channel_id: int | None
    extra_fields: dict[str, str]


def read_new_user(store: Store, body: dict[str, Any], taken: Collection[str] = ()) -> UserForm:
    """Check the body of a create.

    Args:
        store: The store.
        body: The object as sent.
        taken: E-mails of rows before this one in a bulk call, casefolded.

    Raises:
        Refusal: The first group of complaints: fields, e-mail format, role value, role present, channel, e-mail free,
            company exists.
    """
    reader = FieldReader(body, is_snake=False)
    first_name, last_name = reader.required_text("firstName"), reader.required_text("lastName")
    email = reader.required_text("email").strip()
    company_id = reader.integer("companyId")
    if company_id is None and "companyId" not in reader.errors:
        reader.complain("companyId", "This field may not be null.")
    phone_number, uuid = reader.text("phoneNumber"), reader.text("uuid")
    role_id, channel_ids = reader.integer("companyRoleId"), reader.integers("channelIds")
    origin_channel_id = reader.integer("originChannelId")
    reader.raise_if_wrong()
    if not is_email(email):
        raise field_refusal({"email": ["Email is not correct."]})
    role_id = _new_role(store, body.get("role"), role_id)
    channels = known_channels(store, channel_ids)
    extra_fields = _extra_fields(store, body, {}, is_update=False)
    refuse_taken_email(store, email, None, taken)
    if company_id not in store.companies.rows:
        raise unknown_company(store)
    return UserForm(
        company_id=company_id or 0,
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone_number=phone_number,
        role_id=role_id,
        uuid=uuid,
        channel_ids=channels,
        origin_channel_id=origin_channel_id or None,
        extra_fields=extra_fields,
    )


def read_user_update(store: Store, user: User, body: dict[str, Any]) -> dict[str, Any]:
    """Check the body of an update and give the attributes to set; `companyId` and `originChannelId` are ignored.

    Raises:
        Refusal: As for a create, with the texts of an update.
    """
    reader = FieldReader(body, is_snake=False)
    texts = [field for field in sent_fields(User, "update") if field.is_text and reader.has(field.name)]
    changes: dict[str, Any] = {field.attribute: reader.text_of(field) for field in texts}
    role_id, channel_ids = reader.integer("companyRoleId"), reader.integers("channelIds")
    reader.raise_if_wrong()
    if "email" in changes:
        changes["email"] = changes["email"].strip()
        if not is_email(changes["email"]):
            raise field_refusal({"email": ["Enter a valid email address."]})
    role_id = _changed_role(store, body.get("role"), role_id)
    if role_id is not None:
        changes["company_role_id"] = role_id
        changes["role"] = store.role_number(role_id)
    if reader.has("channelIds"):
        changes["channel_ids"] = known_channels(store, channel_ids)
    if body.get("extraFields") is not None:
        changes["extra_fields"] = _extra_fields(store, body, user.extra_fields, is_update=True)
    if "email" in changes:
        refuse_taken_email(store, changes["email"], user, ())
    return changes


def refuse_taken_email(store: Store, email: str, owner: User | None, taken: Collection[str]) -> None:
    """Refuse an e-mail that another user or a Super Admin holds; for an update also another core customer's.

    Raises:
        Refusal: 422 shape 1, `Email already exists`.
    """
    folded = email.casefold()
    holder = store.user_with_email(email)
    is_taken = (holder is not None and holder is not owner) or folded in taken
    if store.settings["refuse_super_admin_email"] and folded in store.super_admins:
        is_taken = True
    if owner is not None and not is_taken:
        # A user keeps its core customer: it cannot move to another one.
        customer_id = store.customers_by_email.get(folded)
        is_taken = customer_id is not None and customer_id != owner.customer_id
    if is_taken:
        raise rule_refusal(f"Email already exists. ['{email}']")


def known_channels(store: Store, channel_ids: list[int] | None) -> list[int]:
    """Channels of the store among those sent.

    Raises:
        Refusal: 422 shape 1 when none is left.
    """
    channels = [channel for channel in store.channel_names if channel in (channel_ids or ())]
    if not channels:
        raise rule_refusal(_NO_CHANNEL)
    return channels


def unknown_company(store: Store) -> Exception:
    """The refusal of a user or address whose company does not exist (statement 20)."""
    refusal = absence_refusal("Company")
    status = store.settings["unknown_company_status"]
    if status == refusal.reply.status:
        return refusal
    return text_refusal(status, refusal.reply.body["meta"]["message"], refusal.reply.body["data"]["errMsg"])


def _new_role(store: Store, role: Any, role_id: int | None) -> int:
    number = _role_number(role)
    if role is not None and number is None:
        raise field_refusal({"role": [f'"{role}" is not a valid choice']})
    if role_id is not None and role_id not in store.roles:
        raise field_refusal({"companyRoleId": [f'"{role_id}" is not a valid choice']})
    if role_id is not None:
        return role_id  # beats `role` (statement 22)
    if number is None:
        raise field_refusal({"non_field_errors": ["User must have a role."]})
    return store.predefined_role(number).id


def _changed_role(store: Store, role: Any, role_id: int | None) -> int | None:
    number = _role_number(role)
    if role is not None and number is None:
        raise field_refusal({"role": [f'The value "{role}" is not a valid role.']})
    if role_id is not None and role_id not in store.roles:
        raise field_refusal({"companyRoleId": [f'The value "{role_id}" is not a valid role.']})
    if role_id is None and number is not None:
        return store.predefined_role(number).id
    return role_id


def _role_number(role: Any) -> int | None:
    number = whole_number(role)
    return number if number in _ROLES else None


def _extra_fields(store: Store, body: dict[str, Any], present: dict[str, str], *, is_update: bool) -> dict[str, str]:
    try:
        merged = {**present, **read_values(store, "users", body.get("extraFields"), is_update=is_update)}
        check_complete(store, "users", merged)
    except ExtraFieldProblem as problem:
        raise rule_refusal(problem.text) from problem
    return merged
