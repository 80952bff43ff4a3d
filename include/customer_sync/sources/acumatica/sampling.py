"""A few records of a tenant with everything that they hold, in few requests and whatever a list cannot show."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from customer_sync.bounded_lists import cut_by_length
from customer_sync.errors import ApiError, AuthenticationFailed, ConfigError, ContractError, PermissionDenied
from customer_sync.http.transport import encode_segment
from customer_sync.sources.acumatica.answers import CannotOptimize
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.discovery import EndpointSchema
from customer_sync.sources.acumatica.vocabulary import STOCK_DETAILS

Query = tuple[tuple[str, str], ...]

_SINGLY: Final = 6
"""Records that are read by themselves where a list does not show their parts."""
_SIGN_OUT: Final = 1
_CUSTOM_CHARS: Final = 1_200
_CUSTOM_REQUESTS: Final = 2
_UNFIT: Final = frozenset({"CreditVerificationRules", "UserInfo"})
"""Linked parts that no setting can mean, the first of which lists refuse (docs/api/acumatica.md#optimiser)."""


@dataclass(slots=True)
class Sampled:
    """Records of one kind as the ERP sends them, and what a person should know of the reading.

    Attributes:
        rows: The records.
        custom: Custom fields that were asked for.
        unseen: Parts of which nothing is known: no record shows one, and not enough could be read by themselves.
        warnings: What could not be read.
    """

    rows: list[dict[str, Any]]
    custom: tuple[str, ...] = ()
    unseen: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Sampler:
    """Reads what discovery asks for, and no more than a number of requests.

    Args:
        client: The tenant; used within its block.
        most_requests: Requests that may be sent, signing in and out included.
    """

    def __init__(self, client: AcumaticaClient, most_requests: int) -> None:
        self.client = client
        self._most = most_requests

    @property
    def has_requests(self) -> bool:
        """Whether another request may be sent."""
        return self.used < self._most - _SIGN_OUT

    @property
    def used(self) -> int:
        """Requests so far."""
        return self.client.requests_used().total

    def rows(self, schema: EndpointSchema, entity: str, custom: Collection[str], most: int) -> Sampled:
        """Read records of an entity with linked parts, details and custom fields.

        Raises:
            PermissionDenied: The user may not see them.
        """
        links, details = parts_of(schema, entity)
        wanted = _wanted(custom, has_attributes="Attributes" in details)
        groups = list(cut_by_length(wanted, len, _CUSTOM_CHARS))[:_CUSTOM_REQUESTS] or [[]]
        asked = tuple(name for group in groups for name in group)
        found = Sampled([], asked)
        if len(asked) < len(wanted):
            found.warnings.append(
                f"{len(wanted) - len(asked)} custom fields of {entity} were not looked at: there are more than fit."
            )
        expansions = [
            *links,
            *(f"{link}/Address" for link in links if schema.has_path(entity, f"{link}/Address/Country")),
        ]
        found.rows = self._first_list(entity, [*expansions, *details], expansions, groups[0], most, found.warnings)
        for group in groups[1:]:
            if self.has_requests:
                _merge(found.rows, self._list(entity, (), group, most))
        found.unseen = self._fill(entity, found.rows, [*links, *details])
        return found

    def _first_list(
        self,
        entity: str,
        everything: Sequence[str],
        links: Sequence[str],
        custom: Sequence[str],
        most: int,
        warnings: list[str],
    ) -> list[dict[str, Any]]:
        """The list with as much as the ERP lets one query hold."""
        tries = ((everything, custom), (links, custom), ((), custom), ((), ()))
        for parts, fields in dict.fromkeys((tuple(parts), tuple(fields)) for parts, fields in tries):
            try:
                return self._list(entity, parts, fields, most)
            except (AuthenticationFailed, PermissionDenied):
                raise
            except (ApiError, ConfigError) as refusal:
                if not self.has_requests:
                    raise
                if not isinstance(refusal, CannotOptimize):
                    warnings.append(f"A list of {entity} was refused, and less was asked for: {refusal.message}")
        raise ContractError(f"No list of {entity} was answered.", system="", operation=f"list {entity}")

    def _list(self, entity: str, parts: Sequence[str], custom: Sequence[str], most: int) -> list[dict[str, Any]]:
        query: Query = (("$top", str(most)),)
        query += (("$expand", ",".join(parts)),) if parts else ()
        query += (("$custom", ",".join(custom)),) if custom else ()
        answer = self.client.read_json(f"{self.client.endpoint_path}/{entity}", query)
        rows = [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []
        return rows[:most]

    def _fill(self, entity: str, rows: list[dict[str, Any]], parts: Sequence[str]) -> list[str]:
        """Read a few records by themselves for parts that the list shows for none (docs/api/acumatica.md#expand).

        Returns:
            The parts of which nothing is known then.
        """
        missing = [part for part in parts if not any(row.get(part) for row in rows)]
        for row in rows[:_SINGLY]:
            if not missing:
                break
            if not self.has_requests or not isinstance(row.get("id"), str):
                return missing
            path = f"{self.client.endpoint_path}/{entity}/{encode_segment(row['id'])}"
            try:
                whole = self.client.read_json(path, (("$expand", ",".join(missing)),))
            except (ApiError, ConfigError):
                return missing
            if isinstance(whole, dict):
                row.update({part: whole[part] for part in missing if whole.get(part)})
        # What none of several records holds by itself is not kept back by the list.
        return [] if rows else list(parts)


def parts_of(schema: EndpointSchema, entity: str) -> tuple[list[str], list[str]]:
    """Names of an entity's linked parts, and of its details that can hold a switch."""
    fields = schema.entities.get(entity, {})
    links = [name for name, kind in fields.items() if is_linked(schema, kind) and name not in _UNFIT]
    details = [name for name, kind in fields.items() if kind.endswith("[]") and name not in STOCK_DETAILS]
    return links, details


def is_linked(schema: EndpointSchema, kind: str) -> bool:
    """Whether a field's type is a record of its own, not a value."""
    return not kind.endswith("[]") and kind in schema.entities and "value" not in schema.entities[kind]


def _wanted(custom: Collection[str], *, has_attributes: bool) -> list[str]:
    """Custom fields to look at: a merchant's own first; attributes come as a detail where there is one."""
    names = [each for each in custom if not (has_attributes and each.partition(".")[2].startswith("Attribute"))]
    return sorted(names, key=lambda each: (not each.partition(".")[2].startswith(("Usr", "Attribute")), each))


def _merge(rows: Sequence[dict[str, Any]], more: Sequence[Mapping[str, Any]]) -> None:
    by_id = {row.get("id"): row for row in more}
    for row in rows:
        other = by_id.get(row.get("id"))
        for view, values in (other or {}).get("custom", {}).items():
            row.setdefault("custom", {}).setdefault(view, {}).update(values)
