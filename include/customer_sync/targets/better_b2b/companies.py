"""Companies (docs/api/better_b2b.md#companies)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from customer_sync.errors import ConfigError, RecordRejected
from customer_sync.http.transport import HttpRequest
from customer_sync.targets.better_b2b.answers import Envelope
from customer_sync.targets.better_b2b.bulk import ids_in_order
from customer_sync.targets.better_b2b.calls import New, Query, StoreCalls, bulk_rows, numbers
from customer_sync.targets.better_b2b.records import STATUSES, company_from_wire, is_uuid
from customer_sync.targets.better_b2b.wire import to_wire
from customer_sync.targets.port import StoredCompany

_WITH_EXTRA_FIELDS: Final[Query] = (("isIncludeExtraFields", "1"),)
# The default order moves a company to the front when it is written, which shifts the pages of a crawl.
_STEADY_ORDER: Final[Query] = (("sortBy", "companyName"), ("orderBy", "ASC"))
_NEW: Final = New(
    "company_create",
    "company_bulk_create",
    ("companyId", "id"),
    lambda envelope, sent: ids_in_order(envelope, "companyId", len(sent)),
)


_ASKS_FOR_CATALOG: Final = re.compile(r"\bcatalog[ _]?(id|name)\b", re.IGNORECASE)
NEEDS_CATALOG: Final = (
    "The store is in the mode Dependent Companies, in which every company has a catalog of its own, a customer group "
    "and price lists that the store makes: set store.catalog_id to the catalog of new companies "
    "(store.customer_group_id has no effect there), or change the store to Independent Companies."
)
"""What is said of a store that asks for a catalog where the connector file names none."""


class CompanyCalls(StoreCalls):
    """Reading and writing companies."""

    _takes_uuid = True  # until the store refused one

    def count_companies(self) -> int:
        """Return how many companies the store has, in one request."""
        # One is below the documented range of the page size.
        query = (("limit", "2"), ("offset", "0"))

        def read(request: HttpRequest, envelope: Envelope) -> int:
            return envelope.total_count if envelope.total_count is not None else len(envelope.rows(request))

        return self._call("GET", "/companies", read, query=query)

    def companies(
        self, *, created_since_s: int | None = None, modified_since_s: int | None = None
    ) -> Iterator[StoredCompany]:
        """Read companies with their extra fields, each once, by name.

        Args:
            created_since_s: Only those created since, Unix seconds.
            modified_since_s: Only those modified since, Unix seconds.
        """
        return self._companies(numbers(minCreated=created_since_s, minModified=modified_since_s))

    def companies_by_key(self, key: str) -> list[StoredCompany]:
        """Find the companies whose key field holds exactly this value.

        The answer is compared again: the store searches by substring by default, and
        ignores filters that it does not know (docs/api/better_b2b.md#company-list).

        Args:
            key: The ERP's customer id.

        Returns:
            None, one, or, when someone copied a key by hand, more.
        """
        name = self.settings.rules.key_field
        found = self._companies((("extraFields", f"{name}:{key}"), ("extraFieldFilterType", "exact-match")))
        return [company for company in found if company.key == key]

    def company(self, company_id: int) -> StoredCompany | None:
        """Read one company with its extra fields; ``None`` when it does not exist."""
        return self._get_record(f"/companies/{company_id:d}", self._company)

    def create_companies(self, payloads: Sequence[Mapping[str, Any]]) -> list[int | None]:
        """Create up to ten companies, each with its first admin, in one request.

        Args:
            payloads: Fields of the shape ``company_create``; channels and customer group come from the settings
                where it names none.

        Returns:
            Their ids in order; ``None`` where the answer does not say which is which, so look each up by key.

        Raises:
            RecordRejected: Some were refused; the others were stored when ``good_rows_kept``.
            AmbiguousWriteError: Any of them may exist now: look them up by key.
            ValueError: A field is unknown, or there are none or more than ten.
        """
        rules = self.settings.rules
        defaults = {**self.settings.origin, "customer_group_id": rules.customer_group_id}
        if rules.catalog_id is not None:
            defaults["catalog_id"] = rules.catalog_id
        try:
            return self._create("/companies", _NEW, [{**defaults, **payload} for payload in payloads])
        except RecordRejected as error:
            if rules.catalog_id is None and any(_ASKS_FOR_CATALOG.search(text) for text in error.texts):
                raise ConfigError(NEEDS_CATALOG, setting="store.catalog_id") from error
            raise

    def update_companies(self, changes: Sequence[tuple[int, Mapping[str, Any]]], record_id: str = "") -> None:
        """Change some fields of up to ten companies in one request; each has the shape ``company_update``.

        ``record_id`` says whose record one company is: it travels along as ``uuid`` where it is one, and never costs
        the update (docs/api/better_b2b.md#company-uuid).

        Raises:
            RecordRejected: Some were refused; ``row_errors`` counts rows as given here.
            NotFound: At least one id does not exist.
        """
        if len(changes) == 1:
            ((company_id, fields),) = changes
            self._update_company(company_id, fields, record_id)
            return
        shape = "company_bulk_update"
        rows = [to_wire(shape, {**fields, "company_id": company_id}) for company_id, fields in bulk_rows(changes)]
        self._put("/companies/bulk", rows)

    def _update_company(self, company_id: int, fields: Mapping[str, Any], record_id: str) -> None:
        path = f"/companies/{company_id:d}"
        if self._takes_uuid and is_uuid(record_id):
            try:
                self._put(path, to_wire("company_update", {**fields, "uuid": record_id}))
            except RecordRejected as error:
                if not any("uuid" in text.casefold() for text in error.texts):
                    raise
                self._takes_uuid = False
            else:
                return
        self._put(path, to_wire("company_update", fields))

    def set_company_status(self, company_id: int, status: int) -> None:
        """Set a company's status: 0 pending, 1 approved, 2 rejected, 3 inactive.

        Raises:
            ValueError: It is none of these.
        """
        if status not in STATUSES:
            raise ValueError(f"{status} is not a company status; it must be one of {sorted(STATUSES)}.")
        self._put(f"/companies/{company_id:d}/status", {"companyStatus": status})

    def delete_company(self, company_id: int) -> None:
        """Delete a company for good, with its users and addresses; one that is gone already counts as deleted."""
        self._delete(f"/companies/{company_id:d}")

    def _companies(self, query: Query) -> Iterator[StoredCompany]:
        query = (*query, *_WITH_EXTRA_FIELDS, *_STEADY_ORDER)
        return self._crawl("/companies", self._company, lambda company: company.id, query)

    def _company(self, row: Mapping[str, Any]) -> StoredCompany:
        return company_from_wire(row, self.settings.rules.key_field)
