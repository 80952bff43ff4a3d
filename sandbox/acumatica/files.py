"""Attached files: PUT by keys or by the record's own link, GET by the file's id (docs/api/acumatica.md#urls)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from sandbox.acumatica.contract import TOP_LEVEL
from sandbox.acumatica.errors import not_found
from sandbox.acumatica.rows import AttachedFile
from sandbox.exchange import Answer, empty_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.acumatica.contract import Endpoint
    from sandbox.acumatica.rows import Record
    from sandbox.acumatica.tables import Database
    from sandbox.exchange import Call

_LINK_PARTS = 4  # graph, view, record id, file name


class Files:
    """Keeps the files that are attached to records.

    Args:
        database: Gives the present tables.
        on_change: Called when a file was attached.
    """

    def __init__(self, database: Callable[[], Database], on_change: Callable[[], None]) -> None:
        self._database = database
        self._on_change = on_change

    def respond(self, call: Call, endpoint: Endpoint, parts: list[str]) -> Answer:
        """Answer a call below `files`: the link of a record, or one file.

        Raises:
            ApiError: There is no such record or file.
        """
        if call.method == "PUT" and len(parts) == _LINK_PARTS:
            for entity in TOP_LEVEL:
                record = self._database().table(entity).with_id(parts[2])
                if record is not None:
                    return self.attached(call, endpoint, record, parts[3])
        if call.method == "GET" and len(parts) == 1:
            file = self._found(parts[0])
            if file is not None:
                return Answer(200, base64.b64decode(file.get("content")), "application/octet-stream")
        raise not_found()

    def attached(self, call: Call, endpoint: Endpoint, record: Record, name: str) -> Answer:
        """Attach the body under a name; a file of the same name gets the new content."""
        files: list[Any] = record.details.setdefault("files", [])
        file = next((each for each in files if each.get("filename") == name), None)
        if file is None:
            file = AttachedFile(self._database().new_id(), {"filename": name})
            files.append(file)
        file.values["content"] = base64.b64encode(call.body).decode()
        self._on_change()
        location = f"{call.base_url()}/entity/{endpoint.name}/{endpoint.version}/files/{file.id}"
        return empty_answer(204, [("Location", location)])

    def _found(self, file_id: str) -> Any:
        for entity in TOP_LEVEL:
            for record in self._database().table(entity):
                for file in record.details.get("files", ()):
                    if file.id == file_id:
                        return file
        return None
