"""Addresses of companies (docs/api/better_b2b.md#addresses)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from customer_sync.bounded_lists import cut_by_length
from customer_sync.http.transport import encode_query
from customer_sync.targets.better_b2b.bulk import ids_of_addresses
from customer_sync.targets.better_b2b.calls import New, StoreCalls, numbers
from customer_sync.targets.better_b2b.records import address_from_wire
from customer_sync.targets.better_b2b.wire import to_wire
from customer_sync.targets.port import StoredAddress

# Longest query of one look-up, in characters: servers and proxies commonly refuse longer request lines.
_QUERY_CHARS_MAX: Final = 1_500
_NEW: Final = New("address_create", "address_create", ("addressId", "id"), ids_of_addresses)


class AddressCalls(StoreCalls):
    """Reading and writing addresses."""

    def addresses(
        self, *, company_id: int | None = None, modified_since_s: int | None = None
    ) -> Iterator[StoredAddress]:
        """Read addresses, each once.

        Args:
            company_id: Only those of this company.
            modified_since_s: Only those changed after, Unix seconds; addresses themselves show no stamp.
        """
        query = numbers(companyId=company_id, minModified=modified_since_s)
        return self._crawl("/addresses", address_from_wire, lambda address: address.id, query)

    def addresses_by_key(self, external_ids: Sequence[str]) -> list[StoredAddress]:
        """Find the addresses that carry one of these external ids, in as few requests as fit.

        Args:
            external_ids: Such as ``C001042:EAST``; they need not be unique in the store.

        Returns:
            All that match exactly; compared again here, because the store ignores filters it does not know.
        """
        found: dict[int, StoredAddress] = {}
        for chunk in cut_by_length(dict.fromkeys(external_ids), _query_chars, _QUERY_CHARS_MAX):
            query = tuple(("externalId[]", external_id) for external_id in chunk)
            for address in self._crawl("/addresses", address_from_wire, lambda address: address.id, query):
                if address.fields.external_id in chunk:
                    found[address.id] = address
        return list(found.values())

    def address(self, address_id: int) -> StoredAddress | None:
        """Read one address; ``None`` when it does not exist."""
        return self._get_record(f"/addresses/{address_id:d}", address_from_wire)

    def create_addresses(self, payloads: Sequence[Mapping[str, Any]]) -> list[int | None]:
        """Create up to ten addresses, of any companies, in one request; each has the shape ``address_create``.

        Returns:
            Their ids in order; ``None`` where the answer does not say which is which, so look each up by external id.

        Raises:
            RecordRejected: Some were refused; ``row_errors`` says which.
            AmbiguousWriteError: Any of them may exist now: look them up by external id.
        """
        return self._create("/addresses", _NEW, payloads)

    def update_address(self, address_id: int, changes: Mapping[str, Any]) -> None:
        """Change some fields of an address.

        Args:
            address_id: The store's id.
            changes: Of the shape ``address_update``. A default flag needs its plain flag beside it, a
                country's name its code, and the code of a country with states a state code.
        """
        self._put(f"/addresses/{address_id:d}", to_wire("address_update", changes))

    def delete_address(self, address_id: int) -> None:
        """Delete an address; one that is gone already counts as deleted."""
        self._delete(f"/addresses/{address_id:d}")


def _query_chars(external_id: str) -> int:
    return len(encode_query((("externalId[]", external_id),))) + 1
