"""What a connection to one Better B2B store needs (docs/api/better_b2b.md#settings)."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from customer_sync.errors import ConfigError
from customer_sync.settings.system_rules import StoreRules

SYSTEM: Final = "Better B2B"
BULK_ROWS_MAX: Final = 10
"""Rows of a bulk call; the store answers 413 to more (docs/api/better_b2b.md#statuses)."""

AuthStyle = Literal["x_auth_token", "authtoken"]


@dataclass(frozen=True, slots=True)
class BetterB2BSettings:
    """How to talk to one store; address, TLS and time-outs belong to the transport.

    Args:
        token: API token. Not shown in ``repr``.
        address: The store's address, which with the hash says which store it is; ``""`` if unknown.
        store_hash: Sent as ``X-Store-Hash``; needed with ``x_auth_token`` only.
        auth_style: ``x_auth_token`` (current) or ``authtoken`` (deprecated since 2025-09-30).
        api_prefix: Path in front of every call.
        rules: Budget, bulk size, key field, and where new records belong, by the connector file.
        page_size: Records per page, 2 to 100 (the store documents several maxima; 100 suits all).
        users_page_size: The same for users, whose maximum of 250 is documented.
        read_timeout_s: Longest wait for an answer, in seconds.
        longest_work_s: How long the store may work on a request, in seconds; 0 for as long as an answer is waited for.
        rate_limit_wait_s: Wait after a 429 that names none, in seconds.

    Raises:
        ConfigError: A value is out of range; the message names it and what is accepted.
    """

    token: str = field(repr=False)
    store_hash: str = ""
    address: str = ""
    auth_style: AuthStyle = "x_auth_token"
    api_prefix: str = "/api/v3/io"
    rules: StoreRules = field(default_factory=StoreRules)
    page_size: int = 100
    users_page_size: int = 250
    read_timeout_s: float = 60.0
    longest_work_s: float = 0.0
    rate_limit_wait_s: float = 60.0

    def __post_init__(self) -> None:
        _demand(bool(self.token), "password", "is empty: put the store's API token there")
        _demand(self.auth_style in get_args(AuthStyle), "auth_style", f"must be one of {get_args(AuthStyle)}")
        if self.auth_style == "x_auth_token":
            _demand(bool(self.store_hash), "store_hash", "is empty: the store answers 500 without it")
        _demand(_is_header_value(self.token), "password", "holds blanks or control characters: no token has them")
        _demand(_is_header_value(self.store_hash), "store_hash", "holds blanks or control characters")
        _demand(
            self.api_prefix == "" or self.api_prefix.startswith("/"), "api_prefix", "must begin with '/', or be empty"
        )
        _demand(2 <= self.page_size <= 100, "page_size", "must be from 2 to 100")  # noqa: PLR2004 - the documented range
        _demand(2 <= self.users_page_size <= 250, "users_page_size", "must be from 2 to 250")  # noqa: PLR2004 - the same
        _demand(self.read_timeout_s > 0, "timeout", "must be above 0 seconds")

    @property
    def origin(self) -> dict[str, Any]:
        """Storefronts of a new company or user, and the one that it originates from."""
        return {"channel_ids": list(self.rules.channel_ids), "origin_channel_id": self.rules.origin_channel_id}


def _is_header_value(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _demand(holds: bool, setting: str, remedy: str) -> None:  # noqa: FBT001 - the condition is the sentence's subject
    if not holds:
        raise ConfigError(f"Better B2B connection: {setting!r} {remedy}.", setting=setting)
