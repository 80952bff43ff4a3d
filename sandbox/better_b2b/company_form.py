"""What a client may write into a company: required fields in table order, lengths, e-mails, extra fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.better_b2b.entity import longest_values, sent_fields
from sandbox.better_b2b.extra_fields import ExtraFieldProblem, check_complete, check_unique, read_values
from sandbox.better_b2b.fields import is_email, snake_case, whole_number
from sandbox.better_b2b.records import Company, FirstAdmin
from sandbox.better_b2b.state import DEFAULT_CHANNEL_ID

if TYPE_CHECKING:
    from sandbox.better_b2b.state import Store

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LIMITS = longest_values(Company) | longest_values(FirstAdmin)
_COMPANY_TEXTS = {field.name: field.attribute for field in sent_fields(Company, "create") if field.type is str}
_UPDATE_TEXTS = {field.name: field.attribute for field in sent_fields(Company, "update") if field.name in _LIMITS}
# The order in which required texts are checked (docs/api/better_b2b.md#statement-8); the admin's e-mail has a text
# of its own.
_REQUIRED = (
    "companyName",
    "companyPhone",
    "companyEmail",
    "country",
    "adminFirstName",
    "adminLastName",
)


class CompanyProblem(Exception):  # becomes an answer, single or as a row of a bulk call
    """A company cannot be stored as sent.

    Attributes:
        text: What is wrong, as the API says it.
        is_conflict: Whether another company holds the value (409 in a bulk call).
        is_admin_email: Whether the admin's e-mail belongs to another user.
    """

    def __init__(self, text: str, *, is_conflict: bool = False, is_admin_email: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.is_conflict = is_conflict
        self.is_admin_email = is_admin_email


@dataclass(slots=True)
class CompanyForm:
    """A new company, checked.

    Attributes:
        values: Texts by attribute of `Company`.
        customer_group_id: As sent; none when omitted.
    """

    values: dict[str, Any]
    extra_fields: dict[str, str]
    customer_group_id: int | None
    catalog_id: int | None
    channel_ids: list[int]
    origin_channel_id: int | None
    admin: FirstAdmin


def read_new_company(store: Store, body: Any) -> CompanyForm:
    """Check the body of a create.

    Raises:
        CompanyProblem: The first thing that is wrong.
    """
    if not isinstance(body, dict):
        raise CompanyProblem("The company data is invalid.")
    texts = _required_texts(store, body)
    for name in (*_COMPANY_TEXTS, "adminPhoneNumber"):
        if name not in texts:
            texts[name] = _text(body, name)
    _check_lengths(store, texts)
    _check_email(texts["companyEmail"], "company email")
    _check_email(texts["adminEmail"], "admin email")
    try:
        extra_fields = read_values(store, "companies", body.get("extraFields"), is_update=False)
        check_complete(store, "companies", extra_fields)
        user_extra_fields = read_values(store, "users", body.get("userExtraFields"), is_update=False)
        check_complete(store, "users", user_extra_fields)
        check_unique(store, extra_fields, None)
    except ExtraFieldProblem as problem:
        raise CompanyProblem(problem.text, is_conflict=problem.is_conflict) from problem
    _check_company_email_free(store, texts["companyEmail"], None)
    _check_admin_email_free(store, texts["adminEmail"])
    values: dict[str, Any] = {attribute: texts[name] for name, attribute in _COMPANY_TEXTS.items()}
    if store.settings["store_uuid_on_create"]:
        values["uuid"] = _text(body, "uuid") or None
    return CompanyForm(
        values=values,
        extra_fields=extra_fields,
        customer_group_id=_integer(body, "customerGroupId"),
        catalog_id=_catalog(store, body),
        channel_ids=_channels(store, body),
        origin_channel_id=_integer(body, "originChannelId") or None,
        admin=FirstAdmin(
            admin_first_name=texts["adminFirstName"],
            admin_last_name=texts["adminLastName"],
            admin_email=texts["adminEmail"],
            admin_phone_number=texts["adminPhoneNumber"] or None,
            user_extra_fields=user_extra_fields,
        ),
    )


def read_update(store: Store, company: Company, body: Any) -> dict[str, Any]:
    """Check the body of an update and give the attributes to set; other keys are ignored (statement 15).

    Raises:
        CompanyProblem: The first thing that is wrong.
    """
    if not isinstance(body, dict):
        raise CompanyProblem("The company data is invalid.")
    texts = {name: _text(body, name) for name in _UPDATE_TEXTS if name in body}
    for name in _REQUIRED:
        if name in texts and not texts[name].strip():
            raise _required(store, name)
    _check_lengths(store, texts)
    if "companyEmail" in texts:
        _check_email(texts["companyEmail"], "company email")
        _check_company_email_free(store, texts["companyEmail"], company.company_id)
    changes: dict[str, Any] = {_UPDATE_TEXTS[name]: value for name, value in texts.items()}
    if (group_id := _integer(body, "customerGroupId")) is not None and store.settings["independent_companies"]:
        changes["customer_group_id"] = group_id
    if "priceListAssign" in body:
        changes |= _assigned_price_lists(store, body["priceListAssign"])
    if "uuid" in texts:
        _check_uuid(store, texts["uuid"])
    try:
        sent = read_values(store, "companies", body["extraFields"], is_update=True) if "extraFields" in body else {}
        merged = {**company.extra_fields, **sent}
        check_complete(store, "companies", merged)
        check_unique(store, sent, company.company_id)
    except ExtraFieldProblem as problem:
        raise CompanyProblem(problem.text, is_conflict=problem.is_conflict) from problem
    if sent:
        changes["extra_fields"] = merged
    return changes


def _required_texts(store: Store, body: dict[str, Any]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name in _REQUIRED:
        texts[name] = _text(body, name)
        if not texts[name].strip():
            raise _required(store, name)
    texts["adminEmail"] = _text(body, "adminEmail")
    if not texts["adminEmail"].strip():
        raise CompanyProblem(store.settings["admin_email_required_text"])
    return texts


def _required(store: Store, name: str) -> CompanyProblem:
    return CompanyProblem(store.settings["required_text"].format(field=_label(name)))


def _label(name: str) -> str:
    return snake_case(name).replace("_", " ")


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CompanyProblem(f"The {_label(name)} is invalid.")
    return str(value)


def _integer(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    number = whole_number(value)
    if number is None and value is not None:
        raise CompanyProblem(f"The {_label(name)} is invalid.")
    return number


def _channels(store: Store, body: dict[str, Any]) -> list[int]:
    """The channels that the store has among those asked for; the default one when none is left."""
    asked = body.get("channelIds")
    if asked is not None and not isinstance(asked, list):
        raise CompanyProblem("The channel ids is invalid.")
    return [channel for channel in store.channel_names if channel in (asked or ())] or [DEFAULT_CHANNEL_ID]


def _check_uuid(store: Store, text: str) -> None:
    if text and store.settings["uuid_must_be_uuid"] and not _UUID.fullmatch(text):
        raise CompanyProblem("The uuid is invalid.")


def _catalog(store: Store, body: dict[str, Any]) -> int | None:
    """The catalog of a new company, which Dependent mode asks for; a bulk row names it."""
    if store.settings["independent_companies"]:
        return None
    catalog_id = _integer(body, "catalogId")
    if catalog_id is None and not _text(body, "catalogName") and store.settings["catalog_required"]:
        raise CompanyProblem("The catalog id is required.")
    return catalog_id


def _assigned_price_lists(store: Store, sent: Any) -> dict[str, Any]:
    way = store.settings["price_lists_when_independent"] if store.settings["independent_companies"] else "store"
    if way == "refuse":
        raise CompanyProblem("The price list assign is read only.")
    return {"price_list_assign": _price_lists(store, sent)} if way == "store" else {}


def _price_lists(store: Store, sent: Any) -> list[dict[str, Any]]:
    rows = []
    for item in sent if isinstance(sent, list) else [sent]:
        ids = (item.get("channelId"), item.get("priceListId")) if isinstance(item, dict) else (None, None)
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in ids):
            raise CompanyProblem("The price list assign is invalid.")
        channel_id, price_list_id = ids
        rows.append(
            {
                "channelId": channel_id,
                "priceListId": price_list_id,
                "priceListName": f"Price list {price_list_id}",
                "channelName": store.channel_names.get(channel_id or 0),
            }
        )
    return rows


def _check_lengths(store: Store, texts: dict[str, str]) -> None:
    if not store.settings["enforce_max_lengths"]:
        return
    for name, text in texts.items():
        if len(text) > _LIMITS[name]:
            raise CompanyProblem(f"The {_label(name)} may not be longer than {_LIMITS[name]} characters.")


def _check_email(email: str, label: str) -> None:
    if not is_email(email):
        raise CompanyProblem(f"The {label} is not a valid email address.")


def _check_company_email_free(store: Store, email: str, own_id: int | None) -> None:
    if store.settings["unique_company_email"]:
        holders = store.companies_by_email.ids(email.casefold())
        if any(holder != own_id for holder in holders):
            raise CompanyProblem("The company email must be unique.", is_conflict=True)


def _check_admin_email_free(store: Store, email: str) -> None:
    is_super = store.settings["refuse_super_admin_email"] and email.casefold() in store.super_admins
    if is_super or store.user_with_email(email) is not None:
        raise CompanyProblem(f"Email already exists. ['{email}']", is_admin_email=True)
