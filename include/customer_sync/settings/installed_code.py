"""Which code reads and judges: of the product and its adapters as they are installed, whatever their version says."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version as read_version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from customer_sync.settings.connector import Connector

_TABLES: Final = ("email-validator", "pycountry")
"""Distributions whose tables rules look things up in."""


version = cache(read_version)
"""A distribution's version; reading it costs a thousandth of a second, and this process has loaded what it has."""


def installed_code(connector: Connector) -> str:
    """Identify the code by which a connector's customers are read and judged; another release has another one."""
    sections = (type(connector.source), type(connector.target))
    packages = {"customer_sync", *(section.__module__.partition(".")[0] for section in sections)}
    return " ".join([*map(code_of, sorted(packages)), *map(version, _TABLES)])


@cache
def code_of(package: str) -> str:
    """A hash of a package's source files, and of their places in it."""
    digest = hashlib.blake2b(digest_size=16)
    spec = find_spec(package)
    for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
        for file in sorted(folder.rglob("*.py")):
            digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
