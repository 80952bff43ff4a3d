"""What passes between a twin and its clients: one call in, one answer out.

A twin never touches the socket. It gets a whole `Call` and gives a whole `Answer`; how the answer travels (in one
piece, in drops, cut off, or not at all) is the business of `sandbox.traffic`, so that every fault can be laid over
every route.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"

# Decimals keep their scale as bare numbers (docs/api/acumatica.md#json); timestamps are formatted by the twins.
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def to_json(value: Any) -> bytes:
    """Encode a value as JSON; decimals are written as numbers with their own scale."""
    return _ENCODER.encode(value)


@dataclass(slots=True, eq=False)
class Call:
    """One request as it arrived.

    Attributes:
        method: Verb in upper case.
        path: Path, percent-decoded.
        raw_path: Path as sent, still encoded (an encoded slash inside a key is only visible here).
        query_string: Query as sent, without the question mark.
        headers: Header values by lower-case name; a repeated name keeps the last value, cookies are joined.
        body: The whole body.
        client_host: Address of the client.
        scheme: `http` or `https`.
        effect: A fault's effect that only the twin can bring about; empty is none.
        failing_rows: Rows (from 0) of a bulk body that such an effect lets fail.
        notes: What the twin wants to see in the call log beside the usual columns (session, authentication style).
    """

    method: str
    path: str
    raw_path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    client_host: str = "127.0.0.1"
    scheme: str = "http"
    effect: str = ""
    failing_rows: Sequence[int] = ()
    notes: dict[str, Any] = field(default_factory=dict)

    def query_pairs(self) -> list[tuple[str, str]]:
        """All query parameters in the order sent, decoded, empty values kept."""
        return parse_qsl(self.query_string, keep_blank_values=True) if self.query_string else []

    def query(self) -> dict[str, str]:
        """Query parameters by name; a repeated name keeps the last value."""
        return dict(self.query_pairs())

    def json(self) -> Any:
        """The body decoded as JSON.

        Raises:
            msgspec.DecodeError: The body is empty or no JSON.
        """
        return msgspec.json.decode(self.body)

    def form(self) -> dict[str, str]:
        """The body decoded as `application/x-www-form-urlencoded`; a repeated name keeps the last value."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def cookies(self) -> dict[str, str]:
        """Cookies by name as the client sent them."""
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}

    def base_url(self) -> str:
        """Scheme, host and port that the client used, without a trailing slash."""
        return f"{self.scheme}://{self.headers.get('host', '127.0.0.1')}"


@dataclass(slots=True, eq=False)
class Answer:
    """One response, complete.

    Attributes:
        status: HTTP status; 0 cuts the connection instead of answering.
        body: Body bytes.
        content_type: Value of `Content-Type`; none leaves the header out.
        headers: Further headers in order; a name may appear twice (cookies).
    """

    status: int
    body: bytes = b""
    content_type: str | None = JSON_TYPE
    headers: list[tuple[str, str]] = field(default_factory=list)


def json_answer(value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, to_json(value), JSON_TYPE, list(headers))


def html_answer(text: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """An answer with an HTML body."""
    return Answer(status, text.encode(), HTML_TYPE, list(headers))


def empty_answer(status: int, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """An answer without a body and without a content type."""
    return Answer(status, b"", None, list(headers))


def redirect_answer(location: str, status: int = 302) -> Answer:
    """A redirect; the sandbox's pages use 303 after a form, the ERP 302 for its licence refusal."""
    return Answer(status, b"", None, [("Location", location)])


def rejected(field_name: str, message: str, status: int = 400) -> Answer:
    """The control plane's refusal: names the field that is wrong and what it accepts."""
    return json_answer({"error": {"field": field_name, "message": message}}, status)


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """One object of several, later ones winning."""
    result: dict[str, Any] = {}
    for part in parts:
        result.update(part)
    return result
