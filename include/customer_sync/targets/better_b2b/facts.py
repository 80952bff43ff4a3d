"""What a store has: roles, payment methods, extra fields, places; read when first asked for, once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from operator import itemgetter
from typing import Any, Final

from customer_sync.errors import NotFound, RecordRejected
from customer_sync.http.transport import HttpRequest
from customer_sync.model.place import Place
from customer_sync.targets.better_b2b.answers import Envelope
from customer_sync.targets.better_b2b.calls import Query, StoreCalls
from customer_sync.targets.better_b2b.records import as_flag, as_int, as_text, required_id
from customer_sync.targets.port import Extended, ExtraField

_FAMILIES: Final[Mapping[Extended, str]] = {"company": "companies", "user": "users", "address": "addresses"}


def _definition(row: Mapping[str, Any]) -> ExtraField:
    flags = (as_flag(row.get(name)) for name in ("isUnique", "visibleToEnduser", "isRequired"))
    return ExtraField(as_text(row.get("fieldName")), *flags)


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

    def extra_fields(self, kind: Extended) -> dict[str, ExtraField]:
        """Extra fields that records of a kind have, by their case-folded names.

        Source: docs/api/better_b2b.md#extra-fields. Built-in ones can come without an id.
        """
        if kind not in self._extra_fields:
            # The name comes first, which tells two apart.
            found = self._crawl(f"/{_FAMILIES[kind]}/extra-fields", _definition, itemgetter(0))
            self._extra_fields[kind] = {each.name.casefold(): each for each in found}
        return self._extra_fields[kind]

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

    @cached_property
    def _extra_fields(self) -> dict[Extended, dict[str, ExtraField]]:
        return {}

    @cached_property
    def _roles(self) -> list[tuple[str, int]]:
        return list(
            self._crawl(
                "/companies/roles", lambda row: (as_text(row.get("name")), required_id(row, "id")), itemgetter(1)
            )
        )
