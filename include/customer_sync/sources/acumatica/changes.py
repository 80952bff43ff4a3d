"""The ERP's three streams of change: an edited contact or location need not move its customer's stamp.

Source: docs/api/acumatica.md#change-tracking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from customer_sync.errors import ContractError
from customer_sync.settings.connector import Connector
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.odata_filter import Filter, all_of, ge, lt
from customer_sync.sources.acumatica.pages import BadRow
from customer_sync.sources.acumatica.section import LOCATIONS, reads_locations
from customer_sync.sources.acumatica.selection import Selection
from customer_sync.sources.acumatica.settings import SYSTEM
from customer_sync.sources.acumatica.values import text_of
from customer_sync.sources.port import Changes

STAMP = "LastModifiedDateTime"


class _Stream(NamedTuple):
    """A list with stamps: its name, its entity and key, and the field that names the customer."""

    name: str
    kind: Literal["customer", "contact", "location"]
    entity: str
    key_fields: tuple[str, ...]
    owner: str


_STREAMS = (
    _Stream("customers", "customer", "Customer", ("CustomerID",), "CustomerID"),
    _Stream("contacts", "contact", "Contact", ("ContactID",), "BusinessAccount"),
    _Stream("locations", "location", "CustomerLocation", ("Customer", "LocationID"), "Customer"),
)


def changes_of(erp: AcumaticaClient, stream: _Stream, since: str, until: str) -> Changes:
    """Read what one stream reports for a window.

    Args:
        erp: The client.
        stream: Which.
        since: First moment (ISO 8601), ``""`` = from the beginning.
        until: First moment that is not in the window, ``""`` = open.

    Raises:
        ContractError: A changed record cannot be read and does not show whose it is.
    """
    selection = Selection(stream.entity, tuple(dict.fromkeys((*stream.key_fields, stream.owner, STAMP))))
    read = selection.columns((stream.key_fields[0], stream.owner, STAMP))
    owners: set[str] = set()
    records: set[str] = set()
    latest: datetime | None = None
    for page in erp.read_in_key_order(selection, stream.key_fields, where=_window(since, until)):
        for key, owner, stamp in map(read, page.rows):
            records.add(text_of(key))
            owners.add(text_of(owner))
            latest = max(filter(None, (latest, stamp)), default=None)
        for bad in page.bad_rows:
            key = _key_of(bad, stream)
            records.add(key)
            owners.add(key)
    return Changes(stream.name, stream.kind, frozenset(owners - {""}), frozenset(records), latest)


def all_changes(erp: AcumaticaClient, connector: Connector, since: Mapping[str, str], until: str) -> Iterator[Changes]:
    """Read what every stream reports for a window; see :meth:`~customer_sync.sources.port.Source.changes`.

    Locations are not asked for where customers show their own shipping address: their form may not exist.
    """
    entities = {"Customer", "Contact", *([LOCATIONS] if reads_locations(connector) else ())}
    for stream in (each for each in _STREAMS if each.entity in entities):
        yield changes_of(erp, stream, since.get(stream.name, ""), until)


def _window(since: str, until: str) -> Filter | None:
    return all_of(
        ge(STAMP, datetime.fromisoformat(since)) if since else None,
        lt(STAMP, datetime.fromisoformat(until)) if until else None,
    )


def _key_of(bad: BadRow, stream: _Stream) -> str:
    """The key of a row that cannot be read, where it names the customer too."""
    key: Any = bad.key[0] if bad.key else None
    if stream.owner != stream.key_fields[0] or not key:
        raise ContractError(
            f"A changed {stream.entity} cannot be read ({bad.reason}), and it does not show whose it is. "
            f"Open {stream.entity} {bad.id or ''} in the ERP; nothing was written.",
            system=SYSTEM,
            operation=f"read changes of {stream.entity}",
        )
    return text_of(key)
