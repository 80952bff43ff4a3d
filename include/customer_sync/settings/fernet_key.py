"""The key that secrets are encrypted with before they are stored: the one with which Airflow encrypts connections."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final

from customer_sync.errors import ConfigError

VARIABLE: Final = "AIRFLOW__CORE__FERNET_KEY"
"""Environment variable with the key; several are parted by commas, the first encrypts and all decrypt."""

GROUP: Final = "customer_sync.fernet_key"
"""Group of the entry points that know the key where the environment does not: ``() -> str``."""


def fernet_keys() -> list[str]:
    """Find the keys: in the environment first, then where an installed package offers to look.

    Returns:
        At least one, newest first.

    Raises:
        ConfigError: There is none, or one of them is no key.
    """
    found = os.environ.get(VARIABLE, "")
    for entry in () if found.strip() else entry_points(group=GROUP):
        look: Callable[[], str] = entry.load()
        found = found.strip() or look()
    keys = [key.strip() for key in found.split(",") if key.strip()]
    if not keys:
        raise ConfigError(
            "Tokens, and batches that Airflow keeps in its database, are stored encrypted only, and there is no key: "
            f"set {VARIABLE} to the one that Airflow uses (32 random bytes in URL-safe base64), the same for all "
            "processes.",
            setting=VARIABLE,
        )
    from cryptography.fernet import Fernet  # noqa: PLC0415 - few tasks need a key

    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        # Neither the key nor what is wrong with it: the message is shown.
        raise ConfigError(
            f"{VARIABLE} holds no key: it must be 32 random bytes in URL-safe base64, several parted by commas.",
            setting=VARIABLE,
        ) from None
    return keys
