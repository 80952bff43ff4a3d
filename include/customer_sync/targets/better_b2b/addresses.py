"""Addresses of companies (docs/api/better_b2b.md#addresses)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from customer_sync.errors import NotFound
from customer_sync.http.transport import encode_query
from customer_sync.targets.better_b2b.answers import Envelope
from customer_sync.targets.better_b2b.bulk import bulk_rows
from customer_sync.targets.better_b2b.calls import Query, StoreCalls, ignore_content, time_bounds
from customer_sync.targets.better_b2b.records import address_from_wire, as_text, required_id
from customer_sync.targets.better_b2b.wire import to_wire
from customer_sync.targets.port import StoredAddress

# Longest query of one look-up, in characters: servers and proxies commonly refuse longer request lines.
_QUERY_CHARS_MAX: Final = 1_500


class AddressCalls(StoreCalls):
    """Reading and writing addresses."""

    def iter_addresses(
        self, company_id: int | None = None, *, min_modified_s: int | None = None
    ) -> Iterator[StoredAddress]:
        """Read addresses, each once.

        Args:
            company_id: Only those of this company.
            min_modified_s: Only those changed after, Unix seconds; addresses themselves show no stamp.
        """
        query = (*_of_company(company_id), *time_bounds(min_modified_s=min_modified_s))
        return self._crawl("/addresses", address_from_wire, lambda address: address.id, query)

    def find_addresses(self, external_ids: Sequence[str], company_id: int | None = None) -> list[StoredAddress]:
        """Find the addresses that carry one of these external ids, in as few requests as fit.

        Args:
            external_ids: Such as ``C001042:EAST``; they need not be unique in the store.
            company_id: Only those of this company.

        Returns:
            All that match exactly; compared again here, because the store ignores filters it does not know.
        """
        found: dict[int, StoredAddress] = {}
        for chunk in _chunks(external_ids):
            query = (*_of_company(company_id), *(("externalId[]", external_id) for external_id in chunk))
            asked_for = set(chunk)
            for address in self._crawl("/addresses", address_from_wire, lambda address: address.id, query):
                if address.fields.external_id in asked_for and company_id in (None, address.company_id):
                    found[address.id] = address
        return list(found.values())

    def get_address(self, address_id: int) -> StoredAddress | None:
        """Read one address; ``None`` when it does not exist."""
        try:
            return self._get_record(f"/addresses/{address_id:d}", address_from_wire)
        except NotFound:
            return None

    def create_address(self, payload: Mapping[str, Any]) -> int:
        """Create one address; ``payload`` has the shape ``address_create``. Returns its id.

        Raises:
            RecordRejected: The store refused it.
            AmbiguousWriteError: It may or may not exist now: look it up by external id.
        """
        return self._call(
            "POST",
            "/addresses",
            lambda request, envelope: required_id(envelope.record(request), "addressId", "id"),
            body=to_wire("address_create", payload),
        )

    def create_addresses(self, payloads: Sequence[Mapping[str, Any]]) -> list[int] | None:
        """Create up to ten addresses, of any companies, in one request.

        Returns:
            Their ids in the order of the payloads; ``None`` when all were stored but the answer
            does not say which is which, so look each up by external id.

        Raises:
            RecordRejected: Some were refused; ``row_errors`` says which.
            AmbiguousWriteError: Any of them may exist now.
        """
        body = [to_wire("address_create", payload) for payload in bulk_rows(payloads)]

        def read(_: object, envelope: Envelope) -> list[int] | None:
            return _ids_in_order(envelope.data, body)

        return self._call("POST", "/addresses/bulk", read, body=body)

    def update_address(self, address_id: int, changes: Mapping[str, Any]) -> None:
        """Change some fields of an address.

        Args:
            address_id: The store's id.
            changes: Of the shape ``address_update``. A default flag needs its plain flag beside it, a
                country's name its code, and the code of a country with states a state code.
        """
        self._call("PUT", f"/addresses/{address_id:d}", ignore_content, body=to_wire("address_update", changes))

    def delete_address(self, address_id: int) -> None:
        """Delete an address; one that is gone already counts as deleted."""
        try:
            self._call("DELETE", f"/addresses/{address_id:d}", ignore_content)
        except NotFound:
            return


def _of_company(company_id: int | None) -> Query:
    return () if company_id is None else (("companyId", str(company_id)),)


def _chunks(external_ids: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    length = 0
    for external_id in dict.fromkeys(external_ids):
        added = len(encode_query((("externalId[]", external_id),))) + 1
        if chunk and length + added > _QUERY_CHARS_MAX:
            yield chunk
            chunk, length = [], 0
        chunk.append(external_id)
        length += added
    if chunk:
        yield chunk


def _ids_in_order(data: Any, body: Sequence[Mapping[str, Any]]) -> list[int] | None:
    if not isinstance(data, list) or len(data) != len(body) or not all(isinstance(row, dict) for row in data):
        return None
    ids = [required_id(row, "addressId", "id") for row in data]
    # Rows come whole here, so that their order need not be taken on trust.
    agree = all(
        as_text(row.get("externalId")) == sent.get("externalId", "") for row, sent in zip(data, body, strict=True)
    )
    return ids if agree else None
