"""The fields of one connection, wherever it is kept: a variable of the environment, a secrets backend, Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from customer_sync.errors import ConfigError
from customer_sync.settings.kept_tokens import TokenStore


@dataclass(frozen=True, slots=True)
class ConnectionFields:
    """What a connection says, unread: an adapter turns it into settings of its client.

    Attributes:
        conn_id: Its id, for messages.
        conn_type: Its type: that of an adapter.
        host: Address of the system, with or without scheme and path.
        port: Its port, ``None`` where ``host`` holds it or the scheme's own is meant.
        login: User, or ``""``.
        password: Password or token, or ``""``. Not shown in ``repr``.
        schema: Scheme of the address where ``host`` holds none, or ``""``.
        extra: Further fields by name. Not shown in ``repr``.
        tokens: Where tokens that change with every use are kept; ``None`` where nothing is kept.
    """

    conn_id: str
    conn_type: str = ""
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    schema: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tokens: TokenStore | None = field(default=None, repr=False, compare=False)

    def text(self, name: str, default: str = "") -> str:
        """A field of ``extra`` as text; a blank one counts as absent."""
        value = self.extra.get(name)
        return default if value is None or not str(value).strip() else str(value).strip()

    def required(self, name: str, label: str) -> str:
        """A field of ``extra`` that must be filled in.

        Args:
            name: Its name in ``extra``.
            label: Its label in the connection form.

        Raises:
            ConfigError: It is missing or blank.
        """
        value = self.text(name)
        if not value:
            raise self.lacks(label, f"the field {name} of extra")
        return value

    def user(self, label: str) -> str:
        """The login, which must be filled in.

        Args:
            label: Its label in the connection form.

        Raises:
            ConfigError: It is missing.
        """
        if not self.login.strip():
            raise self.lacks(label, "login")
        return self.login

    def secret(self, label: str) -> str:
        """The password, which must be filled in.

        Args:
            label: Its label in the connection form.

        Raises:
            ConfigError: It is missing.
        """
        if not self.password:
            raise self.lacks(label, "password")
        return self.password

    def lacks(self, label: str, place: str) -> ConfigError:
        """The error for a field that is not filled in.

        Args:
            label: Its label in the connection form.
            place: Its name in the connection's JSON form.
        """
        return ConfigError(
            f"The Airflow connection {self.conn_id!r} has no {label}: fill it in under Admin > Connections ({place}), "
            f"or in the environment variable {variable_of(self.conn_id)}.",
            setting=f"{self.conn_id}: {label}",
        )


def variable_of(conn_id: str) -> str:
    """The environment variable that may hold a connection, as Airflow names it."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def extra_of(conn_id: str, extra: Any) -> Mapping[str, Any]:
    """The fields of a connection's ``extra``.

    Args:
        conn_id: Its id.
        extra: As it was decoded.

    Raises:
        ConfigError: It is no JSON object.
    """
    if not isinstance(extra, Mapping):
        raise ConfigError(
            f"The extra of the Airflow connection {conn_id!r} must be a JSON object such as {{}}.",
            setting=f"{conn_id}: extra",
        )
    return extra


def missing_connection(conn_id: str) -> ConfigError:
    """The error for a connection that is kept nowhere.

    Args:
        conn_id: Its id.
    """
    return ConfigError(
        f"There is no Airflow connection {conn_id!r}: create it under Admin > Connections, or set the environment "
        f"variable {variable_of(conn_id)} to its JSON form or URI (one that cannot be read counts as none).",
        setting=conn_id,
    )
