"""Names as words: ``UsrKNEnableCommerce`` and ``Enable Commerce`` say the same."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

_B2B: Final = re.compile(r"b2b", re.IGNORECASE)
_PARTS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PREFIX: Final = re.compile(r"^(?:Usr|Attribute)(?=[A-Z])")
_JOINED: Final = {("e", "mail"): "email", ("e", "commerce"): "ecommerce", ("web", "store"): "webstore"}
NOISE: Final = frozenset({"usr", "kn", "is", "the", "of", "a", "fld", "field", "value"})
"""Words that say nothing of what a field means."""


@lru_cache(maxsize=4096)
def words_of(name: str, known: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The words of a name, in lower case; a word that is made of known ones is taken apart.

    Args:
        name: A name of a program or of a screen.
        known: Words into which others are taken apart: ``WEBENABLED`` is ``web enabled``.
    """
    spaced = _B2B.sub(" B2B ", _PREFIX.sub("", name))
    found: list[str] = []
    for piece in spaced.split():
        parts = ["b2b"] if piece == "B2B" else [part.lower() for part in _PARTS.findall(piece)]
        for part in parts:
            found += _apart(part, known)
    return tuple(_join(found))


def meant(words: Collection[str]) -> frozenset[str]:
    """Words without those that say nothing."""
    return frozenset(words) - NOISE


def _apart(word: str, known: frozenset[str]) -> list[str]:
    if word in known or not known:
        return [word]
    for end in range(len(word) - 1, 1, -1):
        if word[:end] in known and (rest := _apart(word[end:], known)) and all(each in known for each in rest):
            return [word[:end], *rest]
    return [word]


def _join(words: list[str]) -> list[str]:
    joined: list[str] = []
    for word in words:
        pair = _JOINED.get((joined[-1], word)) if joined else None
        if pair:
            joined[-1] = pair
        else:
            joined.append(word)
    return joined
