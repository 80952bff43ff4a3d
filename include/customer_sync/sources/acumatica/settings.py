"""What a connection to one Acumatica tenant needs (docs/api/acumatica.md#cookie-sign-in, #oauth and #commerce-tab)."""

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from customer_sync.errors import ConfigError

SYSTEM: Final = "Acumatica"
CONTRACT_VERSION: Final = 4
"""The contract version that this client speaks; endpoints of version 5 differ in JSON.

Source: docs/api/acumatica.md#contract-5.
"""

AuthStyle = Literal["cookie", "oauth_password", "oauth_code"]


@dataclass(frozen=True, slots=True)
class AcumaticaSettings:
    """How to sign in to one tenant and read it; address, TLS and connect time-out belong to the transport.

    Args:
        username: Login of the integration's user.
        password: Its password. Not shown in ``repr``.
        tenant: Name of the tenant as on the sign-in page; empty = the site's default tenant, or the client id's.
        branch: Branch to sign in to, if any.
        locale: Locale to sign in with, such as ``en-US``, if any.
        auth_style: ``cookie``, ``oauth_password``, or ``oauth_code``: with the tokens that a person's consent brought,
            without user and password.
        client_id: ``<GUID>@<Tenant>`` of the connected application; not with ``cookie``.
        client_secret: Its secret. Not shown in ``repr``.
        endpoint_name: Contract endpoint, ``Default`` or an extension of it.
        endpoint_version: Its version.
        page_size: Rows per list request.
        requests_per_minute: Pace within the licence's budget; 0 = no limit.
        read_timeout_s: Longest wait for an answer, in seconds. The server itself queues a request for
            up to ten minutes without a word (docs/api/acumatica.md#queue), so less than 600 gives up too early.
        session_limit_wait_s: Wait before asking again for a seat, in seconds.

    Raises:
        ConfigError: A value is missing or out of range; the message names it and what is accepted.
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tenant: str = ""
    branch: str = ""
    locale: str = ""
    auth_style: AuthStyle = "cookie"
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    endpoint_name: str = "Default"
    endpoint_version: str = "24.200.001"
    page_size: int = 500
    requests_per_minute: float = 0.0
    read_timeout_s: float = 630.0
    session_limit_wait_s: float = 30.0

    def __post_init__(self) -> None:
        has_user = self.auth_style != "oauth_code"
        _demand(bool(self.username) or not has_user, "login", "is empty: put the ERP user's name there")
        _demand(bool(self.password) or not has_user, "password", "is empty: put the ERP user's password there")
        _demand(self.auth_style in get_args(AuthStyle), "auth_style", f"must be one of {get_args(AuthStyle)}")
        _demand(
            bool(self.endpoint_name) and "/" not in self.endpoint_name,
            "endpoint_name",
            "must be an endpoint's name, such as Default",
        )
        _demand(
            bool(self.endpoint_version) and "/" not in self.endpoint_version,
            "endpoint_version",
            "must be a version, such as 24.200.001",
        )
        _demand(self.page_size >= 2, "page_size", "must be 2 or more")  # noqa: PLR2004 - one row cannot be narrowed
        _demand(self.requests_per_minute >= 0, "requests_per_minute", "must be 0 (no limit) or more")
        _demand(self.read_timeout_s > 0, "read_timeout_s", "must be above 0 seconds")
        _demand(self.session_limit_wait_s >= 0, "session_limit_wait_s", "must be 0 seconds or more")
        if self.auth_style != "cookie":
            self._check_oauth()

    @property
    def client_tenant(self) -> str:
        """The tenant that the client id of a connected application names; ``""`` without one."""
        return "" if self.auth_style == "cookie" else self.client_id.rpartition("@")[2]

    def _check_oauth(self) -> None:
        _demand(bool(self.client_secret), "client_secret", f"is empty: {self.auth_style} needs it")
        guid, at, suffix = self.client_id.rpartition("@")
        _demand(bool(guid and at and suffix), "client_id", "must be <GUID>@<Tenant>")
        # The suffix alone selects the tenant, whatever else is sent (docs/api/acumatica.md#oauth).
        _demand(
            not self.tenant or suffix.casefold() == self.tenant.casefold(),
            "client_id",
            f"belongs to tenant {suffix!r} but the connection names tenant {self.tenant!r}: make them agree",
        )


def _demand(holds: bool, setting: str, remedy: str) -> None:  # noqa: FBT001 - the condition is the sentence's subject
    if not holds:
        raise ConfigError(f"Acumatica connection: {setting!r} {remedy}.", setting=setting)
