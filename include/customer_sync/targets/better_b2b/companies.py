"""Companies (docs/api/better_b2b.md#companies)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from customer_sync.errors import NotFound
from customer_sync.http.transport import HttpRequest
from customer_sync.targets.better_b2b.answers import Envelope
from customer_sync.targets.better_b2b.bulk import bulk_rows, ids_in_order
from customer_sync.targets.better_b2b.calls import Query, StoreCalls, ignore_content, time_bounds
from customer_sync.targets.better_b2b.records import (
    STATUSES,
    ExtraFieldDefinition,
    company_from_wire,
    extra_field_from_wire,
    required_id,
)
from customer_sync.targets.better_b2b.wire import to_wire
from customer_sync.targets.port import StoredCompany

_WITH_EXTRA_FIELDS: Final[Query] = (("isIncludeExtraFields", "1"),)
# The default order moves a company to the front when it is written, which shifts the pages of a crawl.
_STEADY_ORDER: Final[Query] = (("sortBy", "companyName"), ("orderBy", "ASC"))


class CompanyCalls(StoreCalls):
    """Reading and writing companies."""

    def count_companies(self) -> int:
        """Return how many companies the store has, in one request."""
        # One is below the documented range of the page size.
        query = (("limit", "2"), ("offset", "0"))

        def read(request: HttpRequest, envelope: Envelope) -> int:
            return envelope.total_count if envelope.total_count is not None else len(envelope.rows(request))

        return self._call("GET", "/companies", read, query=query)

    def iter_companies(
        self, *, min_created_s: int | None = None, min_modified_s: int | None = None
    ) -> Iterator[StoredCompany]:
        """Read companies with their extra fields, each once, by name.

        Args:
            min_created_s: Only those created since, Unix seconds.
            min_modified_s: Only those modified since, Unix seconds.
        """
        bounds = time_bounds(min_created_s=min_created_s, min_modified_s=min_modified_s)
        query = (*_STEADY_ORDER, *_WITH_EXTRA_FIELDS, *bounds)
        return self._crawl("/companies", self._company, lambda company: company.id, query)

    def find_companies_by_key(self, value: str) -> list[StoredCompany]:
        """Find the companies whose ERP key field holds exactly this value.

        The answer is compared again: the store searches by substring by default, and
        ignores filters that it does not know (docs/api/better_b2b.md#company-list).

        Args:
            value: The ERP's customer id.

        Returns:
            None, one, or, when someone copied a key by hand, more.
        """
        name = self.settings.erp_key_field
        query = (
            ("extraFields", f"{name}:{value}"),
            ("extraFieldFilterType", "exact-match"),
            *_WITH_EXTRA_FIELDS,
            *_STEADY_ORDER,
        )
        found = self._crawl("/companies", self._company, lambda company: company.id, query)
        return [company for company in found if company.key == value]

    def get_company(self, company_id: int) -> StoredCompany | None:
        """Read one company with its extra fields; ``None`` when it does not exist."""
        try:
            return self._get_record(f"/companies/{company_id:d}", self._company)
        except NotFound:
            return None

    def create_company(self, payload: Mapping[str, Any]) -> int:
        """Create one company with its first admin.

        Args:
            payload: Fields of the shape ``company_create``; channels and customer group come from the
                settings when it names none.

        Returns:
            The new company's id.

        Raises:
            AmbiguousWriteError: It may or may not exist now: look it up by key.
            RecordRejected: The store refused it.
            ValueError: A field is unknown.
        """
        body = to_wire("company_create", self._with_defaults(payload))
        return self._call(
            "POST",
            "/companies",
            lambda request, envelope: required_id(envelope.record(request), "companyId", "id"),
            body=body,
        )

    def create_companies(self, payloads: Sequence[Mapping[str, Any]]) -> list[int] | None:
        """Create up to ten companies in one request.

        Returns:
            Their ids in the order of the payloads; ``None`` when all were stored but the answer does
            not say which is which, so look each up by key.

        Raises:
            RecordRejected: Some were refused; ``row_errors`` says which where the store does, and the
                others were stored when ``good_rows_kept``.
            AmbiguousWriteError: Any of them may exist now.
            ValueError: A field is unknown, or there are more than ten.
        """
        body = [to_wire("company_bulk_create", self._with_defaults(payload)) for payload in bulk_rows(payloads)]
        return self._call(
            "POST",
            "/companies/bulk",
            lambda _, envelope: ids_in_order(envelope, "companyId", len(body)),
            body=body,
        )

    def update_company(self, company_id: int, changes: Mapping[str, Any]) -> None:
        """Change some fields of a company; ``changes`` has the shape ``company_update``."""
        self._call("PUT", f"/companies/{company_id:d}", ignore_content, body=to_wire("company_update", changes))

    def update_companies(self, changes: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Change up to ten companies in one request.

        Raises:
            RecordRejected: Some were refused; ``row_errors`` counts rows as given here.
            NotFound: At least one id does not exist.
        """
        body = [
            to_wire("company_bulk_update", {**fields, "company_id": company_id})
            for company_id, fields in bulk_rows(changes)
        ]
        self._call("PUT", "/companies/bulk", ignore_content, body=body)

    def set_company_status(self, company_id: int, status: int) -> None:
        """Set a company's status: 0 pending, 1 approved, 2 rejected, 3 inactive.

        Raises:
            ValueError: It is none of these.
        """
        if status not in STATUSES:
            raise ValueError(f"{status} is not a company status; it must be one of {sorted(STATUSES)}.")
        self._call("PUT", f"/companies/{company_id:d}/status", ignore_content, body={"companyStatus": status})

    def delete_company(self, company_id: int) -> None:
        """Delete a company for good, with its users and addresses; one that is gone already counts as deleted."""
        try:
            self._call("DELETE", f"/companies/{company_id:d}", ignore_content)
        except NotFound:
            return

    def extra_field_definitions(self) -> list[ExtraFieldDefinition]:
        """Read the definitions of the extra fields of companies (docs/api/better_b2b.md#extra-fields)."""
        # Built-in ones can come without an id, so the name identifies them.
        ids: dict[str, int] = {}
        return list(
            self._crawl(
                "/companies/extra-fields",
                extra_field_from_wire,
                lambda definition: ids.setdefault(definition.field_name, len(ids)),
            )
        )

    def check(self) -> int:
        """Prove that address, token and scope work, in one request; returns the number of companies.

        Raises:
            SyncError: They do not; the message says what to correct.
        """
        return self.count_companies()

    def _company(self, row: Mapping[str, Any]) -> StoredCompany:
        return company_from_wire(row, self.settings.erp_key_field)

    def _with_defaults(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        settings = self.settings
        defaults: dict[str, Any] = {
            "channel_ids": list(settings.channel_ids) or None,
            "origin_channel_id": settings.origin_channel_id,
            "customer_group_id": settings.customer_group_id,
        }
        return {**defaults, **payload}
