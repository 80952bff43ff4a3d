"""The client of one Acumatica tenant: reading by key, and writing with a definite outcome."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import msgspec

from customer_sync.bounded_lists import cut_by_length
from customer_sync.errors import ConfigError, ContractError, NotFound
from customer_sync.http.transport import HttpRequest, HttpResponse, encode_query, encode_segment
from customer_sync.sources.acumatica.answers import CannotOptimize
from customer_sync.sources.acumatica.calls import QUERY_CHARS_MAX
from customer_sync.sources.acumatica.deleted_records import DeletedRecordCalls
from customer_sync.sources.acumatica.discovery import (
    EndpointInfo,
    EndpointSchema,
    read_custom_fields,
    read_endpoints,
    read_swagger,
)
from customer_sync.sources.acumatica.expansions import Found, ListedParts, without_culprits
from customer_sync.sources.acumatica.key_order import KeyOrderRead, OrderTrust
from customer_sync.sources.acumatica.odata_filter import Filter, Value, all_of, any_of, eq
from customer_sync.sources.acumatica.pages import BadRow, Page, decode_json, decode_page, decode_row, does_not_fit
from customer_sync.sources.acumatica.selection import Row, Selection
from customer_sync.sources.acumatica.settings import SYSTEM

# Characters that paging adds to a query beside the caller's own conditions.
_PAGING_CHARS: Final = 420


class AcumaticaClient(DeletedRecordCalls):
    """Everything that the sync asks of an ERP.

    Construct and use it as :class:`~customer_sync.sources.acumatica.calls.SessionCalls` says.

    Every method may raise, beside what it documents: ``AuthenticationFailed``, ``PermissionDenied``,
    ``SessionLimit``, ``ConnectFailed``, ``Unavailable`` or ``ReplyLost`` when the retries ran out,
    ``ConfigError`` for a host, tenant or field that does not exist, and ``ContractError``.
    """

    @cached_property
    def _trust(self) -> dict[str, OrderTrust]:
        return {}

    @cached_property
    def _custom_kinds(self) -> dict[str, Mapping[str, str]]:
        return {}

    @cached_property
    def _listed_parts(self) -> dict[Selection, ListedParts]:
        return {}

    @cached_property
    def _reduced(self) -> dict[Selection, Selection]:
        return {}

    # -- discovery ---------------------------------------------------------------------------------

    def check_endpoint(self) -> EndpointInfo:
        """Prove that the configured endpoint is served, in one request (docs/api/acumatica.md#discovery).

        Raises:
            ConfigError: The endpoint or its version is not served, with what is; or the version speaks
                another contract than this client.
        """
        return self._call("GET", "/entity", lambda request, answer: read_endpoints(request, answer, self.settings))

    def endpoint_schema(self) -> EndpointSchema:
        """Read the endpoint's own description: every entity with its fields. Several megabytes: keep what it says.

        Raises:
            ConfigError: The endpoint speaks another contract version.
        """
        query = (("company", self.settings.tenant),) if self.settings.tenant else ()
        return self._call("GET", f"{self._endpoint}/swagger.json", read_swagger, query=query)

    def custom_fields(self, entity: str) -> Mapping[str, str]:
        """Read once which custom fields an entity has: ``View.Field`` -> kind (docs/api/acumatica.md#ad-hoc-schema)."""
        if entity not in self._custom_kinds:
            path = f"{self._endpoint}/{entity}/$adHocSchema"
            self._custom_kinds[entity] = self._call("GET", path, read_custom_fields)
        return self._custom_kinds[entity]

    def now_utc(self) -> datetime:
        """The server's own time, by its last answer; sends one request where there was none yet.

        Raises:
            ContractError: Its answers bear no date.
        """
        if self._server_clock.now_utc() is None:
            self.check_endpoint()
        moment = self._server_clock.now_utc()
        if moment is None:
            raise ContractError(
                f"{SYSTEM}'s answers bear no date, so its time is not known. Let the proxy before it pass the header "
                "Date.",
                system=SYSTEM,
                operation="read the server's time",
            )
        return moment

    # -- reading -----------------------------------------------------------------------------------

    def list_rows(self, selection: Selection, where: Filter | None = None, top: int | None = None) -> Page:
        """Read rows in one request, in whatever order the ERP returns them.

        A part that cannot be read in a list is left out of it, and the rows are then read one by one. Rows in which a
        part is empty are doubted (:class:`~customer_sync.sources.acumatica.expansions.ListedParts`).

        Args:
            selection: What to read.
            where: Condition; ``None`` = all.
            top: Most rows; ``None`` = all, which suits small lists only.
        """
        reduced = self._reduced.get(selection, selection)
        while True:
            try:
                page = self._list_once(reduced, where, top)
                break
            except CannotOptimize as refusal:
                # Known for the rest of the session, so that every further page costs no refusal.
                reduced = without_culprits(reduced, refusal)
                self._reduced[selection] = reduced
        return self._parts_of(selection).confirmed(page) if reduced is selection else self._completed(selection, page)

    def confirmed_row(self, selection: Selection, row: Row) -> Found:
        """A row of a list, read by key where one of its parts is empty: for a customer that has a company.

        See :meth:`~customer_sync.sources.acumatica.expansions.ListedParts.confirmed_row`.
        """
        return self._parts_of(selection).confirmed_row(row)

    def read_row_by_row(self, selection: Selection) -> list[str]:
        """Name what lists were seen to leave out, in this session, so that each row is read by itself."""
        reduced = self._reduced.get(selection, selection)
        hidden = self._parts_of(selection).hidden
        lost = [path for path in selection.expansions if path not in reduced.expansions or path in hidden]
        own = [path for path in selection.fields if "/" not in path and path not in reduced.fields]
        return [*own, *lost]

    def read_in_key_order(
        self,
        selection: Selection,
        key_fields: Sequence[str] | None = None,
        where: Filter | None = None,
        page_size: int | None = None,
    ) -> Iterator[Page]:
        """Read all rows, each once, in ascending key order, without trusting the order of the ERP.

        Args:
            selection: What to read; the key fields are added.
            key_fields: The entity's whole key, in order; by default as known for the entity.
            where: Condition of the whole read.
            page_size: Rows per request; by default the settings' page size.

        Yields:
            Pages whose rows ascend, also from page to page.

        Raises:
            ContractError: The ERP ignores filters on the key.
        """
        keys = tuple(key_fields or selection.key_fields)
        if not keys:
            raise ConfigError(f"The key of {selection.entity} is not known: name its fields.", setting="key_fields")
        full = selection.with_fields(*keys)
        keys_only = Selection(selection.entity, keys)
        read = KeyOrderRead(
            fetch=lambda condition, top: self.list_rows(full, condition, top),
            fetch_keys=lambda condition, top: self._list_once(keys_only, condition, top),
            key_fields=keys,
            key_of=full.columns(keys),
            where=where,
            page_size=page_size or self.settings.page_size,
            trust=self._trust.setdefault(selection.entity, OrderTrust()),
        )
        yield from read.pages()

    def read_by_ids(
        self, selection: Selection, key_field: str, ids: Sequence[Value], where: Filter | None = None
    ) -> Iterator[Page]:
        """Read the rows whose field holds one of these values, as many values to a request as fit.

        Args:
            selection: What to read.
            key_field: For instance ``CustomerID``, or ``BusinessAccount`` for the contacts of customers.
            ids: The values; repeated ones count once.
            where: A further condition.

        Yields:
            Pages; rows ascend within what one request asked for.

        Raises:
            ConfigError: The selection alone makes the query too long.
        """
        most_chars = (
            QUERY_CHARS_MAX
            - _PAGING_CHARS
            - len(encode_query(selection.query))
            - len(encode_query((("", str(where or "")),)))
        )
        conditions = [eq(key_field, value) for value in dict.fromkeys(ids)]
        for chunk in cut_by_length(conditions, _query_chars, most_chars):
            yield from self.read_in_key_order(selection, where=all_of(where, any_of(*chunk)))

    def read_singly(self, selection: Selection, record_ids: Sequence[uuid.UUID]) -> Iterator[Page]:
        """Read records by their ids, one request for each, where no field holds the id; who is gone is left out."""
        for each in dict.fromkeys(record_ids):
            row = self._get_once(selection, str(each))
            if row is not None:
                yield Page((), (row,)) if isinstance(row, BadRow) else Page((row,))

    def record(self, entity: str, key: str, expand: Sequence[str]) -> dict[str, Any]:
        """Read one record as the ERP sends it, with the ids that its details have in this session.

        Args:
            entity: For instance ``Customer``.
            key: Its record id, or its key.
            expand: The parts to show.

        Raises:
            NotFound: There is none.
        """
        path = f"{self._endpoint}/{entity}/{encode_segment(key)}"
        return self._call("GET", path, _read_record, query=(("$expand", ",".join(expand)),))

    # -- writing -----------------------------------------------------------------------------------

    def put(self, entity: str, body: Mapping[str, Any], select: Sequence[str] = ()) -> dict[str, Any]:
        """Write fields of one record, which must exist.

        ``If-Match: *`` goes along: without it a key that does not exist makes the ERP create a customer under the
        next number (docs/api/acumatica.md#auto-number).

        Args:
            entity: For instance ``Customer``.
            body: In the wire's own form (docs/api/acumatica.md#writing); ``id`` or the key fields find the record.
            select: Fields that the answer should hold.

        Returns:
            The answer as the ERP sent it. Only ``id`` and the keys can be relied on, and a 200 does not
            prove that anything was stored (docs/api/acumatica.md#silent-put): read back.

        Raises:
            RecordRejected: A field was refused, or the record does not exist (412).
            AmbiguousWriteError: It may or may not have been stored: read back before anything else.
        """
        return self._call(
            "PUT",
            f"{self._endpoint}/{entity}",
            _read_record,
            query=(("$select", ",".join(select)),) if select else (),
            body=msgspec.json.encode(body),
            headers={"Content-Type": "application/json", "If-Match": "*"},
        )

    # -- one request -------------------------------------------------------------------------------

    def _list_once(self, selection: Selection, where: Filter | None, top: int | None) -> Page:
        query = list(selection.query)
        if where is not None:
            query.append(("$filter", where.text))
        if top is not None:
            query.append(("$top", str(top)))
        return self._call(
            "GET",
            f"{self._endpoint}/{selection.entity}",
            lambda request, answer: decode_page(selection, request, answer),
            query=tuple(query),
        )

    def _get_once(self, selection: Selection, path: str) -> Found:
        try:
            return self._call(
                "GET",
                f"{self._endpoint}/{selection.entity}/{path}",
                lambda request, answer: decode_row(selection, request, answer),
                query=selection.query,
            )
        except NotFound:
            return None

    def _parts_of(self, selection: Selection) -> ListedParts:
        if selection not in self._listed_parts:
            self._listed_parts[selection] = ListedParts(selection, lambda row: self._read_again(selection, row))
        return self._listed_parts[selection]

    def _read_again(self, selection: Selection, row: Row) -> Found:
        return self._get_once(selection, encode_segment(row.id)) if row.id else row

    def _completed(self, selection: Selection, page: Page) -> Page:
        """Read every row of a reduced page again by id, where the ERP does not optimise.

        Source: docs/api/acumatica.md#optimiser.
        """
        rows: list[Row] = []
        bad_rows = list(page.bad_rows)
        for reduced in page.rows:
            row = self._get_once(selection, encode_segment(reduced.id or ""))
            if isinstance(row, BadRow):
                bad_rows.append(row)
            elif row is not None:
                rows.append(row)
        return Page(rows, bad_rows)


def _read_record(request: HttpRequest, answer: HttpResponse) -> dict[str, Any]:
    record = decode_json(request, answer)
    if not isinstance(record, dict):
        raise does_not_fit(request, answer, "it is no record")
    return record


def _query_chars(condition: Filter) -> int:
    return len(encode_query((("", f" or {condition.text}"),)))
