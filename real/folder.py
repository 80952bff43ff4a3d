"""What a folder of recorded bytes holds, in the layout of docs/real.md: found by content, not by file name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

System = Literal["acumatica", "store"]
SYSTEMS: Final[tuple[System, ...]] = ("acumatica", "store")
_HTTP_OK: Final = 200
_ENDPOINT: Final = re.compile(r"[A-Za-z][\w.-]*/[0-9][0-9.]*")
_HOST: Final = re.compile(r"^https?://[^/]+")
_BELOW_SITE: Final = re.compile(r"/+(entity|identity|Frames|t)(/|$)")
_STORE_PREFIXES: Final = ("/api/v3/io", "/api/io")


class FolderError(Exception):
    """The folder cannot be tried; the message says why."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, recorded or published.

    Attributes:
        system: Whose answer it is.
        file: Where it comes from, below the folder.
        method: HTTP method.
        path: Path without the query; of the store without the prefix of its API.
        query: Names and values, in order.
        sent: Body of the request.
        status: HTTP status of the answer.
        headers: Header fields of the answer.
        cookies: Names of the cookies that the answer set.
        body: Body of the answer.
    """

    system: System
    file: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    sent: bytes = b""
    status: int = _HTTP_OK
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def subject(self) -> str:
        """What it is, in a few words."""
        return f"{self.method} {self.path} {self.status}"

    @property
    def is_success(self) -> bool:
        """Whether the answer is no refusal."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP statuses

    def header(self, name: str) -> str:
        """A header field of the answer, ``""`` where it has none."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), "")

    def json(self) -> Any:
        """The answer's body, decoded; ``None`` where it is no JSON."""
        return decoded(self.body)

    def sent_json(self) -> Any:
        """The request's body, decoded; ``None`` where it is no JSON."""
        return decoded(self.sent)


@dataclass(frozen=True)
class Document:
    """An endpoint's own description, Swagger 2.0 or OpenAPI 3."""

    file: str
    content: Mapping[str, Any] = field(repr=False)

    @property
    def title(self) -> str:
        """``Default/24.200.001``."""
        said = self.info.get("title")
        if isinstance(said, str) and _ENDPOINT.fullmatch(said):
            return said
        # A document without its name is that of the endpoint after which its file is named.
        named = _ENDPOINT.fullmatch(Path(self.file).stem.replace("_", "/", 1))
        return named[0] if named else "Default/24.200.001"

    @property
    def info(self) -> dict[str, Any]:
        """What it says of itself; nothing where that has another form."""
        found = self.content.get("info")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class FieldMapping:
    """Which field of a screen each field of an endpoint is.

    Attributes:
        file: Where it comes from, below the folder.
        endpoint: Name and version, joined by ``_``.
        entities: Entity -> ``types`` (field -> type) and ``mapping`` (field -> ``View.Field``).
    """

    file: str
    endpoint: str
    entities: Mapping[str, Mapping[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class UglyValue:
    """A value that breaks programs, and where a customer may have it."""

    file: str
    kind: Literal["text", "email", "phone", "address"]
    value: Any


@dataclass
class RealFolder:
    """Everything that a folder holds.

    Attributes:
        recorded: Recorded exchanges.
        examples: Published examples of answers.
        documents: Endpoint documents.
        mappings: Fields of endpoints and screens.
        ugly: Ugly values.
        unread: Files that fit no part of the layout.
    """

    recorded: list[Exchange] = field(default_factory=list)
    examples: list[Exchange] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    mappings: list[FieldMapping] = field(default_factory=list)
    ugly: list[UglyValue] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def successes(self) -> list[Exchange]:
        """Published examples of answers that are no refusals."""
        return [example for example in self.examples if example.is_success]


def read_folder(path: Path) -> RealFolder:
    """Read a folder.

    Raises:
        FolderError: There is no such folder, or a file is no JSON.
    """
    if not path.is_dir():
        raise FolderError(f"{path} is no folder; docs/real.md describes what it should hold")
    found = RealFolder()
    for file in sorted(each for each in path.rglob("*") if each.suffix in {".json", ".csv"}):
        name = file.relative_to(path).as_posix()
        if name.startswith("ugly/"):
            _read_ugly(found, file, name)
        elif file.suffix == ".json":
            _read_json(found, file, name)
        else:
            found.unread.append(name)
    return found


def decoded(body: bytes) -> Any:
    """A body, decoded; ``None`` where it is no JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _read_json(found: RealFolder, file: Path, name: str) -> None:
    content = _load(file)
    system = next((each for each in SYSTEMS if name.startswith(f"{each}/")), None)
    if isinstance(content, dict) and ("swagger" in content or "openapi" in content):
        found.documents.append(Document(name, content))
    elif isinstance(content, dict) and isinstance(content.get("endpoints"), dict):
        found.mappings += [FieldMapping(name, *each) for each in content["endpoints"].items()]
    elif system and isinstance(content, dict) and isinstance(content.get("exchanges"), list):
        found.recorded += [_exchange(system, name, row) for row in content["exchanges"]]
    elif system and isinstance(content, dict) and isinstance(content.get("examples"), list):
        found.examples += [_exchange(system, name, row) for row in content["examples"]]
    else:
        found.unread.append(name)


def _load(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except ValueError as error:
        raise FolderError(f"{file} is no JSON: {error}") from error


def _exchange(system: System, file: str, row: Any) -> Exchange:
    if not isinstance(row, dict) or not isinstance(row.get("path", row.get("url")), str):
        raise FolderError(f"{file} holds an exchange without method and path")
    path, _, query = _HOST.sub("", row.get("path") or row["url"]).partition("?")
    status = row.get("status", _HTTP_OK)
    return Exchange(
        system=system,
        file=file,
        method=str(row.get("method", "GET")).upper(),
        path=_without_prefix(path) if system == "store" else _without_instance(path),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        sent=_bytes(row.get("request_body", b"")),
        status=int(status["code"] if isinstance(status, dict) else status),
        headers=tuple(_headers(row.get("headers") or {})),
        cookies=tuple(row.get("set_cookie_names") or ()),
        body=_bytes(row.get("body", row.get("value", b""))),
    )


def _without_prefix(path: str) -> str:
    for prefix in _STORE_PREFIXES:
        _, found, rest = path.partition(prefix)
        if found:
            return rest
    return path


def _without_instance(path: str) -> str:
    """The path below the address of the ERP's site, which may have a folder of its own."""
    found = _BELOW_SITE.search(path)
    return path[found.start() :] if found else path


def _bytes(body: Any) -> bytes:
    """A body as it was recorded: text as it is, anything else as JSON; nothing for ``null``."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()


def _headers(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, values in found.items():
        for value in values if isinstance(values, list) else [values]:
            yield name, str(value)


def _read_ugly(found: RealFolder, file: Path, name: str) -> None:
    if file.suffix == ".csv":
        rows: list[Any] = _phones(file)
        found.ugly += [UglyValue(name, "phone", row) for row in rows]
        return
    content = _load(file)
    rows = content.get("rows", []) if isinstance(content, dict) else content
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            parts = row.get("components", row)
            found.ugly.append(UglyValue(name, "address", parts))
        elif isinstance(row, list) and row:
            found.ugly.append(UglyValue(name, "email", str(row[0])))
        elif isinstance(row, str):
            found.ugly.append(UglyValue(name, "text", row))


def _phones(file: Path) -> list[Any]:
    """Every notation of every number: the columns whose heading is no name of a region or type."""
    lines = file.read_text(encoding="utf-8").splitlines()
    heading = lines[0].split(",") if lines else []
    wanted = [place for place, column in enumerate(heading) if column not in {"region", "type"}]
    numbers = (line.split(",") for line in lines[1:])
    found = (cells[place] for cells in numbers for place in wanted if place < len(cells))
    return list(dict.fromkeys(each for each in found if each))
