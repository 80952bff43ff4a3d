"""The switches of the store's twin: every choice of its own, by name, with its default.

Statements are those of docs/api/better_b2b.md#statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.settings import Settings, Switch

if TYPE_CHECKING:
    from sandbox.twin import TwinEnvironment

STATUSES = (0, 1, 2, 3)


def _texts(value: Any) -> str | None:
    return None if all(isinstance(item, str) for item in value) else "must be an array of strings"


def _names(value: Any) -> str | None:
    return _texts(value) if value else "must name one storefront at least"


TRANSPORT = (
    Switch("store_hash", "sandbox", "Statement 1: value of X-Store-Hash that belongs to the token."),
    Switch("token", "sandbox-token", "Statement 1: the token that opens the API, in X-Auth-Token or authToken."),
    Switch("token_without_scope", "sandbox-token-without-scope", "Statement 1: a known token without the scope: 403."),
    Switch(
        "combined_auth_status", 401, "Statement 1: status when authToken comes with X-Store-Hash; 200 lets it pass."
    ),
    Switch("unknown_token_status", 401, "Statement 1: status for an unknown or missing token.", minimum=400),
    Switch(
        "wrong_content_type_status", 415, "Statement 2: status for a body that is not declared as JSON.", minimum=400
    ),
    Switch("malformed_json_status", 400, "Statement 2: status for a body that is not JSON.", minimum=400),
    Switch("tolerate_double_slash", default=True, doc="// in a path counts as one slash."),
    Switch(
        "requests_per_minute",
        150,
        "Statement 5: requests per window of 60 s of sandbox time; 0 is no limit.",
        minimum=0,
    ),
    Switch("send_retry_after", default=False, doc="Statement 5: a 429 carries Retry-After."),
    Switch(
        "limit_too_large_status",
        413,
        "Statement 6: status for a limit above the documented range, where it is refused (413 documented).",
        choices=(413, 422),
    ),
    Switch(
        "limit_out_of_range",
        "refuse",
        "Statement 6: a limit outside the documented range is refused, or taken as the nearest bound.",
        choices=("refuse", "clamp"),
    ),
)

COMPANIES = (
    Switch("required_text", "The {field} is required.", "Statement 8: text for a missing required field of a company."),
    Switch(
        "admin_email_required_text", "Admin email is required", "Statement 8: text for a missing adminEmail (observed)."
    ),
    Switch("enforce_max_lengths", default=True, doc="Statement 9: longer values than documented are refused with 422."),
    Switch(
        "admin_email_taken_shape",
        3,
        "Statement 11: shape of the refusal when adminEmail belongs to a company user.",
        choices=(3, 1),
    ),
    Switch("auto_approve", default=True, doc="Statement 12: new companies are Approved; off leaves them Pending."),
    Switch(
        "unique_company_email",
        default=False,
        doc="Statement 13: a second company with the same companyEmail is refused.",
    ),
    Switch(
        "enforce_unique_extra_fields",
        default=True,
        doc="Statement 13: isUnique extra fields refuse a value that is taken.",
    ),
    Switch(
        "extra_field_filter_split",
        "first_colon",
        "Statement 14: where extraFields=name:value is cut.",
        choices=("first_colon", "last_colon"),
    ),
    Switch(
        "uuid_must_be_uuid",
        default=True,
        doc="Statement 15: a company's uuid that is none is refused with 422 (documented: format uuid).",
    ),
    Switch("store_uuid_on_create", default=False, doc="Statement 15: POST /companies stores uuid too."),
    Switch(
        "enforce_required_extra_fields",
        default=True,
        doc="Statement 16: a missing required extra field is refused on POST and PUT.",
    ),
    Switch(
        "required_extra_fields",
        [],
        "Statement 16: names of company extra fields marked required in the store.",
        check=_texts,
    ),
    Switch(
        "required_user_extra_fields",
        [],
        "Statement 16: names of user extra fields marked required in the store.",
        check=_texts,
    ),
    Switch(
        "required_address_extra_fields",
        [],
        "Statement 16: names of address extra fields marked required in the store.",
        check=_texts,
    ),
    Switch(
        "visible_extra_fields",
        [],
        "Names of company extra fields that shoppers see and can fill in (documented: visibleToEnduser).",
        check=_texts,
    ),
    Switch("unknown_extra_field", "ignore", "Extra fields that are not defined.", choices=("ignore", "refuse")),
    Switch(
        "bulk_keeps_good_rows",
        default=True,
        doc="Statement 17: good rows of a company bulk call are stored beside failed ones.",
    ),
    Switch(
        "bulk_as_documented",
        default=False,
        doc="Answer POST /companies/bulk with the vendor's garbled example.",
    ),
    Switch(
        "bulk_drops_extra_fields",
        default=False,
        doc="POST and PUT /companies/bulk ignore extraFields (inferred: the document declares an object there).",
    ),
    Switch(
        "bulk_unknown_company",
        "not_found",
        "Statement 17: an unknown companyId in PUT /companies/bulk: 404 for the call, or a failed row.",
        choices=("not_found", "row_error"),
    ),
    Switch(
        "delete_cascades", default=True, doc="Statement 18: DELETE of a company takes its users and addresses along."
    ),
    Switch(
        "company_numbers_as_strings",
        default=False,
        doc="Statement 19: companyStatus, createdAt and updatedAt as strings (schema).",
    ),
    Switch(
        "company_country_as_name",
        default=True,
        doc="A company's country reads back as a name when it was sent as a code (observed); off: as it was sent.",
    ),
    Switch(
        "independent_companies",
        default=True,
        doc="Independent mode; off makes a customer group per company.",
    ),
    Switch(
        "catalog_required",
        default=False,
        doc="Dependent mode refuses a new company without catalogId, in bulk catalogName (documented).",
    ),
    Switch(
        "price_lists_when_independent",
        "refuse",
        "What becomes of priceListAssign in Independent mode, where it is read-only (documented).",
        choices=("refuse", "ignore", "store"),
    ),
    Switch(
        "storefronts",
        ["Default Storefront"],
        "Names of the storefronts; their ids count from 1.",
        check=_names,
    ),
    Switch(
        "multi_storefront",
        default=False,
        doc="GET /channels lists the storefronts; off: a store with one alone refuses with 422.",
    ),
    Switch(
        "stamps_move_after_s",
        25,
        "Statement 37: updatedAt of a new company or user moves by itself after so many seconds (observed); 0: never.",
        minimum=0,
    ),
    Switch("default_customer_group", 0, "Group of companies created without customerGroupId.", minimum=0),
    Switch(
        "company_updated_by_children",
        default=False,
        doc="Statement 37: writes to users, addresses, payments and terms move the company's updatedAt too.",
    ),
)

USERS = (
    Switch(
        "unknown_company_status", 404, "Statement 20: status for a user or address of an unknown company.", minimum=400
    ),
    Switch("email_case_insensitive", default=True, doc="Statement 21: e-mails that differ in case only are the same."),
    Switch(
        "refuse_super_admin_email",
        default=True,
        doc="A Super Admin's e-mail is refused as already existing.",
    ),
    Switch(
        "last_admin_deactivates",
        default=True,
        doc="Statement 24: a company that loses its last admin turns Inactive (3).",
    ),
    Switch(
        "new_admin_reactivates",
        default=True,
        doc="Statement 24: an Inactive company without admin that gets one turns Approved.",
    ),
    Switch(
        "serve_core_customers",
        default=True,
        doc="GET /stores/{hash}/v3/customers of the core store answers (documented there); off: 404.",
    ),
    Switch(
        "user_bulk_all_or_nothing", default=True, doc="Statement 25: off keeps the rows before the first failed one."
    ),
)

ADDRESSES = (
    Switch(
        "address_company_id_as_string", default=True, doc="Statement 19: companyId of an address is read as a string."
    ),
    Switch("strict_states", default=True, doc="Statement 26: off accepts any state text in the 24 countries."),
    Switch(
        "list_places",
        default=True,
        doc="GET /countries and GET /states without a search answer with lists; off refuses them.",
    ),
    Switch(
        "refuse_mismatch",
        default=True,
        doc="Statement 26: name and code of country or state that disagree: 422; off: code wins.",
    ),
    Switch(
        "flag_rule_on_create",
        default=False,
        doc="Statement 27: isDefaultBilling needs isBilling on POST too, not on PUT only.",
    ),
    Switch(
        "external_id_or",
        default=True,
        doc="Statement 28: externalId[] given more than once means any of them; off: the last one.",
    ),
)

MONEY_AND_ROLES = (
    Switch(
        "default_payment_terms", 30, "Statement 30: days shown while terms are off.", choices=(0, 5, 15, 30, 45, 60)
    ),
    Switch("credit_enabled", default=False, doc="Statement 30: whether the store has company credit at all."),
    Switch(
        "payments_enabled_by_default", default=False, doc="Statement 31: new companies start with every method enabled."
    ),
    Switch(
        "payment_codes",
        ["cheque", "bankdeposit", "cod", "authorizenet", "purchase_order"],
        "Statement 31: payment codes of the store; taken up by the next seed or reset.",
        check=_texts,
    ),
    Switch(
        "predefined_role_status", 400, "Statement 32: status when a predefined role is changed or deleted.", minimum=400
    ),
    Switch("assigned_role_status", 400, "Statement 32: status when a role in use is deleted.", minimum=400),
    Switch("unknown_permission_status", 400, "Statement 32: status for an unknown permission code.", minimum=400),
)

SWITCHES = TRANSPORT + COMPANIES + USERS + ADDRESSES + MONEY_AND_ROLES


def make_settings(environment: TwinEnvironment) -> Settings:
    """The twin's switches; the rate limit starts at what the command line said."""
    return Settings(SWITCHES, {"requests_per_minute": environment.requests_per_minute})
