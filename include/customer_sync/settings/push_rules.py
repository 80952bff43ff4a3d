"""The section ``push`` of a connector file: push notifications of the source as an accelerator."""

from __future__ import annotations

from customer_sync.settings.section import Section, setting


class PushRules(Section):
    """How push notifications are taken; off until ``enabled``.

    ``customer_fields`` are the columns of the pushed query that may hold the customer's id; the first that is there
    counts. Empty: those that the source's adapter knows. ``debounce_s`` is how long customers are gathered, in seconds,
    before they are synced together.
    """

    enabled: bool = setting(
        False,
        "Take push notifications of the ERP at `/push-notifications/<id>`. The secret is the password of "
        "the Airflow connection `<source.kind>_push_<id>`; [operating](operating.md#push-notifications) "
        "shows the set-up.",
        True,
    )
    customer_fields: tuple[str, ...] = setting(
        (),
        "Columns of the pushed query that may hold the customer's id; the first that is there counts. "
        "Empty: those that the source's adapter knows.",
        ["AcctCD"],
        accepted="names of columns",
    )
    debounce_s: float = setting(
        10.0,
        "How long customers are gathered, in seconds, before they are synced together.",
        30,
        ge=0,
        le=3600,
    )
