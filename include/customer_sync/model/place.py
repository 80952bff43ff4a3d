"""A country or a state by code and name."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A country or a state as somebody lists it: the code, and the name that people read."""

    code: str
    name: str
