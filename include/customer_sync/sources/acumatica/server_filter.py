"""Which customers the ERP itself may leave out of a full read: those whom the eligibility rules refuse by a field.

Whoever passes the rules here passes the condition there. It says less than the rules where what they compare is no
plain field of the record, or a text whose equals are the database's to decide (docs/api/acumatica.md#collation).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.odata_filter import Filter, all_of, any_of, eq
from customer_sync.sources.acumatica.section import section_of
from customer_sync.sources.acumatica.value_rule import ValueRule
from customer_sync.sources.acumatica.values import plain_path

_PLAIN: Final = re.compile(r"[ -~]+")
"""Beyond ASCII, what is equal without regard to case is the collation's to say."""


def server_filter(connector: Connector) -> Filter | None:
    """The condition by type, class and status; ``None`` where the connector asks for none, or none can be said."""
    if not connector.erp.server_filter:
        return None
    places, rules = section_of(connector).customer, connector.eligibility
    return all_of(
        _one_of(places.type, rules.types),
        _one_of(places.customer_class, rules.classes),
        _one_of(places.status, (*rules.sync_statuses, *rules.hold_statuses)),
    )


def _one_of(rule: ValueRule | None, values: Sequence[str]) -> Filter | None:
    path = plain_path(rule) if rule is not None and len(rule.sources) == 1 else ""
    if not path or "/" in path or not values or not all(_PLAIN.fullmatch(value) for value in values):
        return None
    return any_of(*(eq(path, value) for value in values))
