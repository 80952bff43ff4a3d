"""What a person searches for, as it stands in addresses: a name in clear would be in the access log of every server."""

from __future__ import annotations

import base64
import hashlib

from airflow.sdk.configuration import conf
from cryptography.fernet import Fernet, InvalidToken
from fastapi import HTTPException


def hide(text: str) -> str:
    """Encrypt a search; ``""`` stays ``""``. Whoever may see the page may use the address."""
    return _cipher().encrypt(text.encode()).decode() if text else ""


def reveal(token: str) -> str:
    """The search that :func:`hide` encrypted.

    Raises:
        HTTPException: 400; it is damaged, or Airflow's secret key is another one now.
    """
    if not token:
        return ""
    try:
        return _cipher().decrypt(token.encode("utf-8", "replace")).decode()
    except InvalidToken:
        raise HTTPException(400, "This page's address is damaged or too old: open the list anew.") from None


def _cipher() -> Fernet:
    # All API servers of an Airflow share this key; the prefix keeps it from being used for two purposes.
    key = hashlib.sha256(b"connector-logs search:" + conf.get("api", "secret_key").encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
