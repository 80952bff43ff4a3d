"""The section ``push`` of a connector file: push notifications of the source as an accelerator."""

from __future__ import annotations

from pydantic import Field

from customer_sync.settings.section import Section


class PushRules(Section):
    """How push notifications are taken; off until ``enabled``.

    ``customer_fields`` are the columns of the pushed query that may hold the customer's id; the first that is there
    counts. Empty: those that the source's adapter knows. ``debounce_s`` is how long customers are gathered, in seconds,
    before they are synced together.
    """

    enabled: bool = False
    customer_fields: tuple[str, ...] = ()
    debounce_s: float = Field(default=10.0, ge=0, le=3600)
