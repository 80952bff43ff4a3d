"""The routes under `/entity/{endpoint}/{version}`: which call does what (docs/api/acumatica.md#urls)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.acumatica.contract import TOP_LEVEL, Endpoint, endpoints, keys_of, screen_of
from sandbox.acumatica.discovery import ad_hoc_schema
from sandbox.acumatica.errors import bad_request, insufficient_rights, not_found, precondition_failed, server_error
from sandbox.acumatica.files import Files
from sandbox.acumatica.list_query import ListQuery, parsed_query
from sandbox.acumatica.projection import Projector, ShapeRules
from sandbox.acumatica.reading import Reader
from sandbox.acumatica.sent import joined, sent_custom, sent_paths
from sandbox.acumatica.writing import Change, Preconditions, Writer
from sandbox.exchange import Answer, empty_answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.actions import Actions
    from sandbox.acumatica.rows import Record
    from sandbox.acumatica.sessions import Session
    from sandbox.acumatica.tables import Database
    from sandbox.clock import Clock
    from sandbox.exchange import Call
    from sandbox.settings import Settings

_FORMS = {"Customer": "Customers", "Contact": "Contacts", "CustomerLocation": "Customer Locations"}


class ContractRest:
    """Answers the calls of contract REST for signed-in users.

    Args:
        settings: Switches.
        clock: Sandbox time.
        database: Gives the present tables; they are replaced by a reset.
        actions: Runs actions.
        on_change: Called with every row that was saved or deleted.
        columns: What push messages show of a record.
        on_file: Called when a file was attached.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        database: Callable[[], Database],
        actions: Actions,
        on_change: Callable[[Change], None],
        columns: Callable[[Record], dict[str, Any]],
        on_file: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._database = database
        self._actions = actions
        self._on_change = on_change
        self._columns = columns
        self._projectors: dict[tuple[str, str], Projector] = {}
        self._files = Files(database, on_file)
        settings.on_change(self._projectors.clear)

    def respond(self, call: Call, session: Session, parts: list[str]) -> tuple[Answer, int]:
        """The answer to a call, and how many rows it lists.

        Args:
            call: The call.
            session: Session of the caller.
            parts: Path below `/entity`, split at slashes: endpoint, version, entity, keys.

        Raises:
            ApiError: Whatever docs/api/acumatica.md#errors says.
        """
        endpoint = endpoints().get((parts[0], parts[1])) if len(parts) >= 2 else None  # noqa: PLR2004  # name and version
        if endpoint is None or len(parts) < 3:  # noqa: PLR2004  # and an entity
            raise not_found()
        if parts[2] == "files":
            return self._files.respond(call, endpoint, parts[3:]), 0
        if parts[2] not in TOP_LEVEL:
            raise not_found()
        entity, rest = parts[2], parts[3:]
        is_off = entity == "CustomerLocation" and not self._settings["business_account_locations"]
        if is_off or screen_of(entity) in session.without_rights:
            raise insufficient_rights(_FORMS[entity], screen_of(entity))
        reader = Reader(self._database(), self._settings, session.customer_classes)
        if call.method == "GET":
            return self._get(call, endpoint, entity, rest, reader)
        if call.method == "PUT" and len(rest) >= 3 and rest[-2] == "files":  # noqa: PLR2004  # keys, word, name
            return self._files.attached(call, endpoint, reader.by_path(entity, rest[:-2]), rest[-1]), 0
        if call.method in ("PUT", "PATCH") and not rest:
            return self._write(call, endpoint, entity, reader), 0
        if call.method == "DELETE" and rest:
            self._writer().delete(entity, reader.by_path(entity, rest))
            return empty_answer(204), 0
        if call.method == "POST" and len(rest) == 1:
            return self._actions.start(call, session, endpoint, entity, rest[0], reader), 0
        raise not_found()

    def projector(self, endpoint: Endpoint) -> Projector:
        """The endpoint's compiled shapes."""
        key = (endpoint.name, endpoint.version)
        if key not in self._projectors:
            self._projectors[key] = Projector(
                endpoint,
                ShapeRules(
                    links=self._settings["record_links"],
                    unmapped_as_empty=self._settings["unmapped_linked_fields_as_empty"],
                    whole_select_includes_expanded=self._settings["whole_select_includes_expanded"],
                    credit_rules_fail=self._settings["credit_rules_delegate"],
                    associations_fail=self._settings["site_associations_delegate"],
                    lists_hide_expansions=self._settings["empty_expansions_in_lists"],
                    lists_hide_of=self._settings["empty_expansions_of"],
                ),
            )
        return self._projectors[key]

    def _get(self, call: Call, endpoint: Endpoint, entity: str, rest: list[str], reader: Reader) -> tuple[Answer, int]:
        if rest == ["$adHocSchema"]:
            return json_answer(ad_hoc_schema(endpoint, entity)), 0
        if len(rest) == 3 and rest[1] == "status":  # noqa: PLR2004  # action, status, id
            return self._actions.status(rest[0], rest[2]), 0
        query = parsed_query(call)
        is_list = not rest
        shape = self.projector(endpoint).shape(entity, query.select, query.expand, query.custom, in_list=is_list)
        if not is_list:
            return json_answer(shape.render(reader.by_path(entity, rest))), 0
        rows = reader.listed(endpoint, entity, query)
        return json_answer([shape.render(row, number) for number, row in enumerate(rows, 1)]), len(rows)

    def _write(self, call: Call, endpoint: Endpoint, entity: str, reader: Reader) -> Answer:
        body = _body(call)
        query = parsed_query(call)
        self._shape_of_answer(endpoint, entity, query, body)  # unknown names are refused before anything is stored
        writer = self._writer()
        target = writer.find_target(endpoint, entity, body, reader, query.filter)
        demands = Preconditions(
            must_exist=call.headers.get("if-match", "").strip() == "*",
            must_be_new=call.headers.get("if-none-match", "").strip() == "*",
        )
        if call.method == "PATCH":
            if target is None:
                raise not_found()
            if demands.must_be_new:
                raise precondition_failed("a record with these keys already exists")
        failing = self._settings["commit_then_fail"]
        if self._settings["fail_before_commit"]:
            raise server_error("The write was ordered to fail.", "PX.Data.PXException", "PX.Data.PXGraph")
        keep = not self._settings["silent_drop"] and call.effect != "silent_drop"

        def show(record: Record) -> Answer:
            return json_answer(self._shape_of_answer(endpoint, entity, query, body).render(record))

        answer: Answer = writer.put(endpoint, entity, body, target, demands, keep=keep, show=show)
        if failing == "reset":
            return Answer(0)  # the connection is cut instead of an answer
        if failing == "500":
            raise server_error("The write was ordered to fail.", "PX.Data.PXException", "PX.Data.PXGraph")
        return answer

    def _shape_of_answer(self, endpoint: Endpoint, entity: str, query: ListQuery, body: dict[str, Any]) -> Any:
        select = query.select
        if not select and self._settings["put_answer"] == "sent_only":
            contract = endpoint.entities[entity].fields
            sent = [name for name in body if name in contract and contract[name].kind == "scalar"]
            select = ",".join([*keys_of(entity), *(name for name in sent if name not in keys_of(entity))])
        expand, custom = query.expand, query.custom
        if self._settings["put_answer_shows_sent"]:
            paths, parts = sent_paths(endpoint, entity, body)
            select = joined(select, paths) if select else ""
            expand, custom = joined(expand, parts), joined(custom, sent_custom(body))
        return self.projector(endpoint).shape(entity, select, expand, custom, in_list=False)

    def _writer(self) -> Writer:
        return Writer(self._database(), self._settings, self._clock, self._on_change, self._columns)


def _body(call: Call) -> dict[str, Any]:
    if not call.body.strip():
        raise bad_request("The request body should not be empty.")
    try:
        body = call.json()
    except msgspec.DecodeError as error:
        raise bad_request(f"The request body is not readable: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("The request body should be an object.")
    return body
