"""Who may call: both sign-in styles of the store's API (docs/api/better_b2b.md#statement-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.better_b2b.envelope import text_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.settings import Settings

CURRENT = "x_auth_token"
LEGACY = "authtoken"
_PASS = 200


def auth_style(headers: Mapping[str, str]) -> str:
    """The style a call uses, for the call log."""
    if "authtoken" in headers:
        return LEGACY
    return CURRENT if "x-auth-token" in headers else "none"


def check(settings: Settings, headers: Mapping[str, str]) -> None:
    """Let a call pass or refuse it.

    Raises:
        Refusal: 401 for a missing or unknown token and for both styles at once, 500 without or with a wrong store
            hash, 403 for a token without the scope.
    """
    legacy = headers.get("authtoken")
    store_hash = headers.get("x-store-hash")
    if legacy is not None:
        status = settings["combined_auth_status"]
        if store_hash is not None and status != _PASS:
            raise _unauthorized(status)
        token: str | None = legacy
    else:
        token = headers.get("x-auth-token")
        if token is not None and store_hash != settings["store_hash"]:
            raise text_refusal(500, "Server Error", "Internal error.")
    if token == settings["token"]:
        return
    if token is not None and token == settings["token_without_scope"]:
        raise text_refusal(403, "Invalid access token", "Invalid access token")
    raise _unauthorized(settings["unknown_token_status"])


def _unauthorized(status: int) -> Exception:
    return text_refusal(status, "Unauthorized", "Authentication credentials were not provided or are invalid.")
