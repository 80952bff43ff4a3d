"""Customers' data between tasks: never readable in Airflow's database, whatever the XCom backend is set to.

Airflow's object-storage backend keeps a value in the database that is shorter than its threshold (by default every
one), and its REST API shows it there (docs/api/airflow.md#inline-values). Such a value is packed and encrypted first,
with the key that Airflow encrypts connections with. What becomes a file stays as it is, for its owner only.
"""

import json
import os
import zlib
from typing import Any, Final

from airflow.sdk import Context
from airflow.sdk.configuration import conf
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from customer_sync.errors import BatchDamaged
from customer_sync.settings.fernet_key import fernet_keys

_SEALED: Final = "fernet+zlib:"
_OBJECT_STORAGE: Final = "XComObjectStorageBackend"


def push_private(context: Context, key: str, content: str) -> None:
    """Push a text that holds customers' data.

    A file that it becomes is readable by its owner only, whatever the process's own mask is
    (docs/api/airflow.md#file-permissions: world-readable by default).

    Raises:
        ConfigError: The text has to be encrypted, and Airflow has no key.
    """
    mask = os.umask(0o077)
    try:
        context["ti"].xcom_push(key=key, value=seal(content) if _is_kept_inline(content) else content)
    finally:
        os.umask(mask)


def seal(content: str) -> str:
    """Pack and encrypt a text.

    Raises:
        ConfigError: Airflow has no key.
    """
    return _SEALED + _cipher().encrypt(zlib.compress(content.encode())).decode()


def unseal(value: Any) -> Any:
    """What was pushed, in clear; whatever is not encrypted comes back as it is.

    Raises:
        BatchDamaged: It was encrypted with a key that Airflow does not have any more.
        ConfigError: Airflow has no key.
    """
    if not isinstance(value, str) or not value.startswith(_SEALED):
        return value
    try:
        return zlib.decompress(_cipher().decrypt(value.removeprefix(_SEALED))).decode()
    except InvalidToken:
        raise BatchDamaged(
            "What an earlier task pushed was encrypted with another Fernet key than this worker has: give all "
            "processes the same keys, then clear the run's tasks from extract on."
        ) from None


def _is_kept_inline(content: str) -> bool:
    """Whether the backend puts a value into the database; of one that is not known, it is taken for granted."""
    if not str(conf.get("core", "xcom_backend")).endswith(_OBJECT_STORAGE):
        return True
    threshold: int = conf.getint("common.io", "xcom_objectstorage_threshold", fallback=-1)
    return threshold < 0 or len(json.dumps(content)) < threshold


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in fernet_keys()])
