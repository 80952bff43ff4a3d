"""Of several values in one field of the source the first is taken; the others are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from customer_sync.model.outcome import Finding, Reason


def not_used(unused: Mapping[str, int], entity: str = "customer", key: str = "") -> list[Finding]:
    """Say of which fields the source holds more values than the one that is taken; the customer goes on."""
    return [
        Finding(
            reason=Reason.VALUES_NOT_USED,
            entity=entity,
            key=key,
            field=field,
            detail=f"{number} more value{'s' if number > 1 else ''}",
        )
        for field, number in unused.items()
    ]
