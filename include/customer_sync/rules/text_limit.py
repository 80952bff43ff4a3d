"""Cut texts to what the store holds, and say so. Pure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from customer_sync.model.outcome import Finding, Reason
from customer_sync.settings.target_section import TargetSection


def cut(text: str, length: int, field: str, findings: list[Finding], *, entity: str = "customer", key: str = "") -> str:
    """Return the text cut to ``length`` characters; a cut is added to the findings."""
    if len(text) <= length:
        return text
    detail = f"{len(text)} characters cut to {length}"
    findings.append(Finding(reason=Reason.VALUE_CUT, entity=entity, key=key, field=field, detail=detail))
    return text[:length].rstrip()


class TextLimits:
    """How much the store holds of each of several texts that are looked at together.

    Args:
        limits: The source's field and the store's longest text, in the order of the texts; 0: not bounded.
    """

    def __init__(self, *limits: tuple[str, int]) -> None:
        self._limits = tuple((field, length or sys.maxsize) for field, length in limits)
        self._shortest = min(length for _, length in self._limits)

    def cut(
        self, texts: Sequence[str], findings: list[Finding], *, entity: str = "customer", key: str = ""
    ) -> Sequence[str]:
        """Return the texts, each cut to its length; one look is enough where none is too long."""
        if max(map(len, texts)) <= self._shortest:
            return texts
        return [
            cut(text, length, field, findings, entity=entity, key=key)
            for text, (field, length) in zip(texts, self._limits, strict=True)
        ]


def split_name(text: str) -> tuple[str, str]:
    """Split a person's or place's name at its last blank; a single word becomes both parts.

    The store wants a first and a last name for every address (docs/api/better_b2b.md#identity).
    """
    head, _, tail = text.strip().rpartition(" ")
    return (head.strip() or tail, tail)


Entity = Literal["company", "user", "address"]


@lru_cache(maxsize=64)
def limits_of(target: type[TargetSection], entity: Entity, fields: tuple[tuple[str, str], ...]) -> TextLimits:
    """How much a kind of store holds of some texts.

    Args:
        target: The class of the connector's section ``target``.
        entity: What the texts become.
        fields: The source's field and ours, in the order of the texts.
    """
    table = getattr(target.fields, entity)
    return TextLimits(*((source, table[ours].most_chars) for source, ours in fields))
