"""What a store has: roles, payment methods, extra fields, places; read when first asked for, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from operator import itemgetter
from typing import Any, NamedTuple

from customer_sync.calls_in_flight import side_by_side
from customer_sync.errors import NotFound, RecordRejected
from customer_sync.http.transport import HttpRequest
from customer_sync.model.place import Place
from customer_sync.targets.better_b2b.answers import Envelope
from customer_sync.targets.better_b2b.calls import Query, StoreCalls
from customer_sync.targets.better_b2b.records import as_flag, as_int, as_text, required_id
from customer_sync.targets.port import Demanding, ExtraField


class FieldDefinition(NamedTuple):
    """An extra field; its name comes first, which tells two apart."""

    name: str
    extra_field: ExtraField


def _definition(row: Mapping[str, Any]) -> FieldDefinition:
    flags = (as_flag(row.get(name)) for name in ("isUnique", "visibleToEnduser", "isRequired"))
    return FieldDefinition(as_text(row.get("fieldName")), ExtraField(*flags))


def _channel_name(row: Mapping[str, Any]) -> str:
    return as_text(row.get("channelName") or row.get("name"))


class FactCalls(StoreCalls):
    """Reading what belongs to the store and not to a company."""

    @cached_property
    def role_ids(self) -> dict[str, int]:
        """Roles of users: case-folded name -> id; ids differ per store (docs/api/better_b2b.md#roles)."""
        return {name.casefold(): role_id for name, role_id in self._roles}

    @cached_property
    def roles(self) -> dict[str, str]:
        """Roles of users: case-folded name -> name."""
        return {name.casefold(): name for name, _ in self._roles}

    @cached_property
    def payment_methods(self) -> frozenset[str]:
        """Codes of the payment methods (docs/api/better_b2b.md#payments)."""
        return frozenset(self._get_rows("/payments", lambda row: as_text(row.get("paymentCode"))))

    @cached_property
    def channels(self) -> dict[int, str] | None:
        """Storefronts: id -> name; a store with one alone does not list it (docs/api/better_b2b.md#channels)."""
        try:
            return dict(
                self._get_rows("/channels", lambda row: (required_id(row, "channelId", "id"), _channel_name(row)))
            )
        except (RecordRejected, NotFound):
            return None

    @cached_property
    def needs_catalogs(self) -> bool:
        """Whether the newest companies have a catalog each: only Dependent ones do (docs/api/better_b2b.md#modes)."""
        return any(as_int(row.get("catalogId")) for row in self._newest_companies)

    def groups_in_use(self) -> tuple[int, ...]:
        """Customer groups of the newest companies; a store has no list of them (docs/api/better_b2b.md#modes)."""
        found = {as_int(row.get("bcGroupId") or row.get("customerGroupId")) for row in self._newest_companies}
        return tuple(sorted(group for group in found if group))

    @cached_property
    def _newest_companies(self) -> list[Mapping[str, Any]]:
        query = (("limit", "10"), ("offset", "0"))
        return list(self._call("GET", "/companies", lambda request, envelope: envelope.rows(request), query=query))

    @cached_property
    def company_extra_fields(self) -> dict[str, ExtraField]:
        """Extra fields of companies by their case-folded names.

        Source: docs/api/better_b2b.md#extra-fields. Built-in ones can come without an id.
        """
        return {each.name.casefold(): each.extra_field for each in self._company_definitions}

    @cached_property
    def demanded_extra_fields(self) -> dict[Demanding, frozenset[str]]:
        """Extra fields that a new record needs (docs/api/better_b2b.md#extra-fields)."""
        of_users, of_addresses = side_by_side([partial(self._definitions, name) for name in ("users", "addresses")])
        found: dict[Demanding, Iterable[FieldDefinition]] = {
            "company": self._company_definitions,
            "user": of_users,
            "address": of_addresses,
        }
        return {
            kind: frozenset(each.name for each in some if each.extra_field.is_required) for kind, some in found.items()
        }

    @cached_property
    def countries(self) -> list[Place]:
        """Countries as addresses must name them (docs/api/better_b2b.md#places)."""
        return self._places("/countries", (), "countryCode", "countryName")

    def states(self, country_code: str) -> list[Place]:
        """States of a country as addresses must name them; asked for anew each time."""
        return self._places("/states", (("countryCode", country_code),), "stateCode", "stateName")

    def _places(self, path: str, query: Query, code: str, name: str) -> list[Place]:
        """A list of places; empty where the store answers to searches only, as one of its documents has it."""

        def read(_: HttpRequest, envelope: Envelope) -> list[Place]:
            rows = envelope.data if isinstance(envelope.data, list) else []
            found = [Place(as_text(row.get(code)), as_text(row.get(name))) for row in rows if isinstance(row, dict)]
            return [place for place in found if place.code and place.name]

        try:
            return self._call("GET", path, read, query=query)
        except (NotFound, RecordRejected):
            return []

    def extra_field_definitions(self, family: str) -> list[FieldDefinition]:
        """The extra fields of ``companies``, ``users`` or ``addresses``."""
        return self._company_definitions if family == "companies" else self._definitions(family)

    @cached_property
    def _company_definitions(self) -> list[FieldDefinition]:
        return self._definitions("companies")

    def _definitions(self, family: str) -> list[FieldDefinition]:
        return list(self._crawl(f"/{family}/extra-fields", _definition, itemgetter(0)))

    @cached_property
    def _roles(self) -> list[tuple[str, int]]:
        return list(
            self._crawl(
                "/companies/roles", lambda row: (as_text(row.get("name")), required_id(row, "id")), itemgetter(1)
            )
        )
