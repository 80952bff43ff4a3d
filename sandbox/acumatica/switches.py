"""The ERP twin's switches: every choice of its own, by name (docs/api/acumatica.md#statements)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.settings import Settings, Switch

if TYPE_CHECKING:
    from sandbox.twin import TwinEnvironment

DEFAULT_TENANT = "Sandbox"
OAUTH_CLIENT = "3f6d2c1a-8a5e-4d0b-9c7e-2b1f0a9d8e7c"
OAUTH_SECRET = "sandbox-secret"  # noqa: S105  # the twin's published test secret
_USER_KEYS = {"password", "customer_classes", "without_rights", "api"}


def _wrong_users(users: Any) -> str | None:
    for name, user in users.items():
        if not isinstance(user, dict) or not isinstance(user.get("password"), str):
            return f"users.{name} must be an object with a password"
        if unknown := set(user) - _USER_KEYS:
            return f"users.{name} has the unknown key {min(unknown)!r}; known: {', '.join(sorted(_USER_KEYS))}"
    return None


def _wrong_texts(values: Any) -> str | None:
    if not values or not all(isinstance(value, str) for value in values):
        return "must hold at least one string, and strings only"
    return None


def _wrong_clients(clients: Any) -> str | None:
    return None if all(isinstance(secret, str) for secret in clients.values()) else "must map client ids to secrets"


def _wrong_lists(values: Any) -> str | None:
    is_right = all(isinstance(each, list) and all(isinstance(part, str) for part in each) for each in values.values())
    return None if is_right else "must map customer ids to arrays of strings"


SWITCHES = (
    # Sign-in and sessions (statements 1 to 8)
    Switch("tenants", [DEFAULT_TENANT], "Tenants of the site; the first is the default one.", check=_wrong_texts),
    Switch(
        "lands_in_tenant",
        "",
        "Tenant that every cookie sign-in reaches, whichever it names, as with a stale list; empty: the one named.",
    ),
    Switch("names_tenant", default=True, doc="/Frames/Login.aspx names the tenant reached; off: a page without it."),
    Switch(
        "users",
        {
            "admin": {"password": "sandbox"},
            "limited": {"password": "sandbox", "customer_classes": ["RETAIL"]},
            "clerk": {"password": "sandbox", "without_rights": ["AR303000", "AR303020"]},
            "portal": {"password": "sandbox", "api": False},
        },
        "Users: password, customer_classes (restriction group), without_rights (screens), api (may use OAuth).",
        check=_wrong_users,
    ),
    Switch("lock_after_failures", 5, "Wrong passwords in a row that lock an account; 0 never locks.", minimum=0),
    Switch("lock_minutes", 15.0, "How long a locked account stays locked; 0 is until a reset.", minimum=0),
    Switch("idle_minutes", 10.0, "Idle time after which a session ends.", minimum=0.01),
    Switch(
        "oauth_clients",
        {OAUTH_CLIENT: OAUTH_SECRET},
        "OAuth clients (the part before @Tenant) and their secrets.",
        check=_wrong_clients,
    ),
    Switch(
        "oauth_tenant_suffix", default=True, doc="The client id must end in @ and a tenant; off ignores the suffix."
    ),
    Switch("token_seconds", 3600, "Life of an access token.", minimum=1),
    Switch(
        "oauth_redirect_uris",
        ["http://localhost:8765/"],
        "Redirect URIs of the authorization code flow; one must fit to the letter.",
        check=_wrong_texts,
    ),
    Switch("oauth_code_seconds", 300, "Life of an authorization code.", minimum=1),
    Switch("oauth_pkce", default=False, doc="PKCE (S256) is announced and checked; off: its fields are ignored."),
    Switch(
        "refreshed_token_keeps_session",
        default=True,
        doc="Tokens of one chain of refreshes share a session, which outlives each of them; off: a session each.",
    ),
    Switch("refresh_days", 30.0, "Life of a chain of refresh tokens.", minimum=0),
    Switch("refresh_slides", default=False, doc="Each refresh begins the chain's life anew."),
    Switch(
        "refresh_again_seconds",
        0.0,
        "How long a refresh token is taken again after its first use; 0: never.",
        minimum=0,
    ),
    # Licence (statements 9 to 11)
    Switch("sessions", 2, "Seats: sessions that may be open at once; 0 is no limit.", minimum=0),
    Switch("session_limit_style", "documented", "How a full licence refuses.", choices=("documented", "plain_429")),
    Switch("requests_per_minute", 0, "Requests per minute; from half of it answers are delayed. 0 is none.", minimum=0),
    Switch("concurrent_requests", 0, "Requests handled at once, the rest waits; 0 is no limit.", minimum=0),
    Switch("queue_length", 20, "Requests that may wait; one more is refused with 429.", minimum=0),
    Switch("queue_seconds", 600.0, "Longest wait in the queue before 429.", minimum=0),
    # How slow the twin is
    Switch("latency_ms", 0.0, "Milliseconds that every call takes at least.", minimum=0),
    Switch("latency_per_row_ms", 0.0, "Milliseconds more for each row of a list.", minimum=0),
    Switch("latency_by_key_ms", 0.0, "Milliseconds of a read by key, instead of latency_ms; 0 is the same.", minimum=0),
    Switch(
        "latency_put_ms",
        0.0,
        "Milliseconds of a PUT (3,500 was seen), instead of latency_ms; 0 is the same.",
        minimum=0,
    ),
    Switch("latency_sign_in_ms", 0.0, "Milliseconds of a sign-in, instead of latency_ms; 0 is the same.", minimum=0),
    # Reading (statements 12 to 22)
    Switch("endpoints_as_array", default=False, doc="GET /entity answers the bare array of older builds."),
    Switch("swagger_anonymous", default=False, doc="swagger.json without a session."),
    Switch(
        "document_form",
        "by_version",
        "Form of swagger.json: Swagger 2.0 before 24.200, OpenAPI 3 from there on, or one of them for all.",
        choices=("by_version", "swagger_2", "openapi_3"),
    ),
    Switch("record_links", default=True, doc="_links on top-level records."),
    Switch("unmapped_linked_fields_as_empty", default=False, doc="Linked contacts show unmapped fields as {}."),
    Switch(
        "whole_select_includes_expanded",
        default=False,
        doc="$select=MainContact also shows MainContact/Address when that is expanded.",
    ),
    Switch(
        "list_order",
        "key",
        "Order of the whole result before $skip and $top cut it.",
        choices=("key", "shuffle", "modified_desc"),
    ),
    Switch(
        "detail_path_filter", "error", "A filter path into a detail: 500 or an empty list.", choices=("error", "empty")
    ),
    Switch("not_found_status", 500, "Status of a record that is not found by key.", choices=(500, 404)),
    Switch("credit_rules_delegate", default=True, doc="CreditVerificationRules expanded in a list: CannotOptimize."),
    Switch("site_associations_delegate", default=False, doc="SiteAssociations expanded in a list: CannotOptimize."),
    Switch("empty_expansions_in_lists", default=False, doc="Lists show every expanded part as empty (claimed)."),
    Switch(
        "empty_expansions_of",
        {},
        "CustomerID -> parts that lists show as empty of it, its contacts and locations; [] is all of them (claimed).",
        check=_wrong_lists,
    ),
    Switch(
        "business_account_locations",
        default=True,
        doc="The feature of many locations; off, CustomerLocation is a 403 (observed on another form).",
    ),
    Switch("double_slash", default=True, doc="A base address that ends in / works: //entity is /entity (documented)."),
    Switch("max_query_length", 2048, "Longer query strings get the web server's 404 page; 0 is no limit.", minimum=0),
    # How writes behave (statements 23 to 31)
    Switch("auto_number_customers", default=True, doc="A PUT of an unknown CustomerID creates the next number."),
    Switch("require_customer_name", default=True, doc="Inserting without CustomerName is a 422."),
    Switch("equal_values_move_stamp", default=False, doc="Writing equal values moves the stamp all the same."),
    Switch(
        "linked_edits_move_customer_stamp",
        default=False,
        doc="Edits of linked contacts, addresses and the default location move the customer's stamp.",
    ),
    Switch(
        "touch_parent_on_detail_change", default=False, doc="Editing a SiteAssociations row moves the record's stamp."
    ),
    Switch(
        "put_answer", "all", "What a PUT answers: all scalars, or only what was sent.", choices=("all", "sent_only")
    ),
    Switch(
        "put_answer_shows_sent",
        default=True,
        doc="A PUT answers every field that was sent, whatever $select asks (documented).",
    ),
    Switch(
        "selectors",
        "codes",
        "Selector fields that refuse unknown values: Terms alone; CustomerClass, CurrencyID and TaxZone as well; "
        "Country and State, too (inferred).",
        choices=("terms", "codes", "all"),
    ),
    Switch(
        "refuse_delete_with_documents",
        default=False,
        doc="Every customer counts as one with documents, which cannot be deleted (inferred).",
    ),
    Switch("silent_drop", default=False, doc="Every PUT answers 200 and stores nothing."),
    Switch("commit_then_fail", "off", "Every PUT stores, then fails.", choices=("off", "500", "reset")),
    Switch("fail_before_commit", default=False, doc="Every PUT fails with 500 and stores nothing."),
    Switch("action_seconds", 1.0, "How long an action runs (sandbox clock).", minimum=0),
    # Push messages (statement 32)
    Switch("push_url", None, "Webhook that gets push messages; null sends none.", nullable=True),
    Switch("push_header_name", "", "Header of push messages, as the destination's Header Name; empty sends none."),
    Switch("push_header_value", "", "Value of that header, as the destination's Header Value."),
    Switch("push_query", "KNCFMASTERDATA_Customer", "Name of the query in push messages."),
    Switch("push_duplicate", default=False, doc="Send every message twice."),
    Switch("push_reorder", default=False, doc="Send messages in pairs, the later one first."),
    Switch("push_drop", default=False, doc="Send nothing, as a full queue does."),
    Switch("push_split", default=False, doc="An update's Deleted and Inserted travel as two messages."),
    Switch("push_retry_seconds", 0.2, "Wait between sends of a message that was not taken.", minimum=0),
)


def make_settings(environment: TwinEnvironment) -> Settings:
    """The switches with the values of the command line."""
    started_with = {
        "sessions": environment.sessions,
        "requests_per_minute": environment.requests_per_minute,
        "latency_ms": float(environment.latency_ms),
        "latency_per_row_ms": float(environment.latency_per_row_ms),
    }
    return Settings(SWITCHES, started_with)
