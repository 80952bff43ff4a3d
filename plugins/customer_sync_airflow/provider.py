"""What Airflow's provider registry learns of us: two connection types with their form fields.

Free of imports, since Airflow calls this at every start, and a failure here would keep Airflow
itself from starting (docs/api/airflow.md#provider-import).

*Better B2B* is listed twice. Airflow turns the ``-`` of a connection type into ``_`` when the
connection comes from an environment variable, a file or a URI, and would then find no hook to test
it with, and no fields for its form.
"""

from typing import Any

VERSION = "0.1.0"
"""Version of the package, as in pyproject.toml."""

PORT_HINT = "empty, unless the Base URL should not hold it"
"""Placeholder of the port field: the hooks take the port from there or from *Base URL*."""


def get_provider_info() -> dict[str, Any]:
    """Describe the package to Airflow's provider registry.

    Returns:
        The provider's name and its connection types, in the form of Airflow's
        ``provider_info.schema.json``.
    """
    return {
        "package-name": "acumatica-better-b2b-sync",
        "name": "Acumatica to Better B2B",
        "description": "Keeps the companies of a Better B2B store equal to the B2B customers of an Acumatica ERP.",
        "versions": [VERSION],
        "connection-types": [
            _acumatica(),
            _better_b2b("better-b2b", "BetterB2BHook", "Better B2B"),
            _better_b2b("better_b2b", "ImportedBetterB2BHook", "Better B2B (imported)"),
        ],
    }


def _acumatica() -> dict[str, Any]:
    return {
        "connection-type": "acumatica",
        "hook-class-name": "customer_sync_airflow.hooks.acumatica.AcumaticaHook",
        "hook-name": "Acumatica",
        "ui-field-behaviour": {
            "hidden-fields": ["schema"],
            "relabeling": {"host": "Base URL", "login": "API user", "password": "Password"},
            "placeholders": {
                "host": "https://erp.example.com/AcumaticaERP",
                "port": PORT_HINT,
                "login": "svc_b2b_sync",
            },
        },
        "conn-fields": {
            "tenant": _text(
                "Tenant",
                "Sign-in tenant (company), as in the sign-in screen; the one reached is compared with it. Empty where "
                "the site has one tenant, or for its default one.",
            ),
            "endpoint_name": _text(
                "Endpoint name", "Web service endpoint that carries the commerce fields, such as KNCommerce. Required."
            ),
            "endpoint_version": _text("Endpoint version", "Version of that endpoint, such as 24.200.001. Required."),
            "branch": _text("Branch", "Branch to sign in to; empty for the user's default branch."),
            "locale": _text("Locale", "Locale to sign in with, such as en-US; empty for the user's default."),
            "auth_style": _choice(
                "Sign-in",
                "cookie: user and password. oauth_password: both, and a connected application with client id and "
                "client secret. oauth_code: the application alone, after a person's consent by the command "
                "customer-sync login; its tokens are in the ledger.",
                ["cookie", "oauth_password", "oauth_code"],
            ),
            "client_id": _text(
                "Client ID", "Of the connected application, in the form GUID@Tenant; not for sign-in cookie."
            ),
            "client_secret": _secret("Client secret", "Of the connected application; not for sign-in cookie."),
            **_transport_fields(630),
        },
    }


def _better_b2b(connection_type: str, hook: str, name: str) -> dict[str, Any]:
    return {
        "connection-type": connection_type,
        "hook-class-name": f"customer_sync_airflow.hooks.better_b2b.{hook}",
        "hook-name": name,
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "login"],
            "relabeling": {"host": "Base URL", "password": "API token"},
            "placeholders": {"host": "https://api-b2b.bigcommerce.com", "port": PORT_HINT},
        },
        "conn-fields": {
            "store_hash": _text(
                "Store hash", "Hash of the store, as in its control panel's address. Required with x_auth_token."
            ),
            "auth_style": _choice(
                "Sign-in",
                "x_auth_token: token and store hash. authtoken: the older token, without a store hash.",
                ["x_auth_token", "authtoken"],
            ),
            "api_prefix": _text("API prefix", "Path before every route; /api/v3/io when empty."),
            **_transport_fields(60),
        },
    }


def _transport_fields(timeout_s: int) -> dict[str, Any]:
    return {
        "timeout": {
            "label": "Read timeout (s)",
            "description": f"Longest wait for an answer, in seconds; {timeout_s} when empty.",
            "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 3600},
        },
        "verify": {
            "label": "Verify TLS",
            "description": "Check the server's certificate. Leave it on: passwords and customers' data travel here.",
            "schema": {"type": "boolean", "default": True},
        },
    }


def _text(label: str, description: str) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"]}}


def _secret(label: str, description: str) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"], "format": "password"}}


def _choice(label: str, description: str, values: list[str]) -> dict[str, Any]:
    schema = {"type": "string", "enum": values, "default": values[0]}
    return {"label": label, "description": description, "schema": schema}
