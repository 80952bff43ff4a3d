"""One redactor for everything that may reach a log, an exception, a table or a page.

Pure functions. Masking is idempotent (``mask(mask(x)) == mask(x)``), so a text may pass
through it at every layer, and linear in the length of its input, so a hostile ten-megabyte
value cannot stall a task.

Source: docs/architecture.md#redaction, and the project's rule that e-mails, phones and
names leave the process only as ``ma•••@ex•••.com``.
"""

import re
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any, Final, Literal

import msgspec

MASK: Final = "•••"
EXCERPT_CHARS: Final = 500

Kind = Literal["secret", "email", "phone", "name"]

_NO_KINDS: Final[Mapping[str, Kind]] = {}

_SHOWN_CHARS: Final = 2
# A larger body is cut before it is looked at: nobody reads more than EXCERPT_CHARS of it.
_PARSED_BYTES: Final = 65_536
_SECRET_WORDS: Final = (
    "password",
    "secret",
    "token",
    "authorization",
    "cookie",
    "aspxauth",
    "apikey",
    "sessionid",
    "verifier",
)
# Keys that end in "name" and hold no person's or firm's name.
_PLAIN_NAMES: Final = frozenset(
    {
        "bcgroupname",
        "catalogname",
        "channelname",
        "companyrolename",
        "countryname",
        "endpointname",
        "fieldname",
        "filename",
        "labelname",
        "modulename",
        "pricelistname",
        "statename",
        "typename",
    }
)
_BLANKS: Final = frozenset(" \t\r\n")
_TEXT_ENDS: Final = _BLANKS | frozenset("\"'<>,;:()[]\\")
# These may be part of an address, but far more often they separate it from what is before it.
_LOCAL_STOP: Final = _TEXT_ENDS | frozenset("{}/|=&?")
_DOMAIN: Final = re.compile(r"[^\s\"'<>,;:()\[\]{}\\/|=&?@]+")
# Digits with separators, at least nine of them, or any run behind a plus sign; never inside a word, a GUID, a date
# or a version number.
_PHONE: Final = re.compile(
    r"(?<![\w.•-])(?!\d{4}-\d\d-\d\d)"
    r"(?:\+\d[\d ().-]{6,24}\d|\(?\d{2,4}\)?[ ()-]{1,2}\d[\d ()-]{5,20}\d|\d{3}\.\d{3}\.\d{4})"
    r"(?![\w-])"
)
_TEXT_SECRET: Final = re.compile(
    r"(?i)((?:password|secret|token|authorization|cookie|aspxauth|api_?key|sessionid|verifier)[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
    r"(?!•••)[^\s\"'&,;}]+"
)
_BEARER: Final = re.compile(r"(?i)(bearer\s{1,3})(?!•••)\S+")
# The last resort for JSON that cannot be parsed because it is cut: key and value as text.
_JSON_PAIR: Final = re.compile(
    r'"([A-Za-z_.-]{1,60})"(\s{0,3}:\s{0,3}(?:\{\s{0,3}"value"\s{0,3}:\s{0,3})?)"([^"]*)("?)'
)


def mask_email(text: str) -> str:
    """Mask one e-mail address, ``maria@example.com`` → ``ma•••@ex•••.com``.

    A value that is no address is masked like a name: it was where an address belongs, so it
    may still be personal.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return mask_name(text)
    host, dot, ending = domain.rpartition(".")
    shown = host if dot else domain
    return f"{_head(local)}@{_head(shown)}{dot}{ending if dot else ''}"


def mask_name(text: str) -> str:
    """Mask a person's or firm's name, ``Northwind Kitchen`` → ``No•••``; empty stays empty."""
    stripped = text.strip()
    return stripped[:_SHOWN_CHARS].rstrip("•") + MASK if stripped else ""


def mask_phone(text: str) -> str:
    """Mask a phone number down to its last two digits, ``+1 555 010 4420`` → ``•••20``."""
    if not text or text.isspace():
        return ""
    return MASK + "".join(filter(str.isdigit, text[-40:]))[-_SHOWN_CHARS:]


def mask_text(text: str) -> str:
    """Mask the e-mails, phone numbers and secrets inside a free text; the rest stays readable."""
    masked = _mask_emails(_TEXT_SECRET.sub(rf"\1{MASK}", _BEARER.sub(rf"\1{MASK}", text)))
    return _PHONE.sub(lambda found: mask_phone(found[0]), masked)


def redact_value(value: Any, kind: Kind | None = None, kinds: Mapping[str, Kind] = _NO_KINDS) -> Any:
    """Return a copy of a JSON value with secrets, e-mails, phones and names masked.

    Args:
        value: Anything that JSON can hold.
        kind: What the value is, when its key says so; ``{"value": x}`` inherits its key's kind.
        kinds: Keys whose names do not show what they hold, by an adapter's field table.

    Returns:
        A value of the same shape. Keys decide first (``contactEmail``, ``CustomerName``,
        ``password``); strings under other keys are treated as free text.
    """
    if isinstance(value, Mapping):
        return {
            key: redact_value(item, _kind(key, kinds) or (kind if key == "value" else None), kinds)
            for key, item in value.items()
        }
    if kind == "secret":
        return MASK if value not in (None, "") else value
    if isinstance(value, list | tuple):
        return [redact_value(item, None, kinds) for item in value]
    return _mask_scalar(value, kind) if isinstance(value, str) else value


def redact_body(body: bytes | str | Any, limit: int = EXCERPT_CHARS, kinds: Mapping[str, Kind] = _NO_KINDS) -> str:
    """Make a short, safe excerpt of a request's or an answer's body.

    Args:
        body: Raw bytes or text, or an already decoded JSON value.
        limit: Longest excerpt, in characters.
        kinds: Keys whose names do not show what they hold, by an adapter's field table.

    Returns:
        At most ``limit`` characters. JSON is masked by key; markup, cut JSON and text by pattern.
    """
    if isinstance(body, str):
        body = body.encode("utf-8", "replace")
    if isinstance(body, bytes | bytearray | memoryview):
        return _redact_bytes(bytes(body[: _PARSED_BYTES + 1]), limit, kinds)
    return _cut(msgspec.json.encode(redact_value(body, None, kinds), enc_hook=str).decode(), limit)


@lru_cache(maxsize=1024)
def kind_of_key(key: str) -> Kind | None:
    """Read from a JSON key, header or setting name what kind of personal or secret value it holds."""
    word = key.lower().replace("_", "").replace("-", "").replace(".", "")
    if any(secret in word for secret in _SECRET_WORDS):
        return "secret"
    if "email" in word:
        return "email"
    if "phone" in word or word.endswith("fax"):
        return "phone"
    if word == "attention" or (word.endswith("name") and word not in _PLAIN_NAMES):
        return "name"
    return None


def _kind(key: object, kinds: Mapping[str, Kind]) -> Kind | None:
    name = str(key)
    return kinds.get(name) or kind_of_key(name)


def _redact_bytes(body: bytes, limit: int, kinds: Mapping[str, Kind]) -> str:
    if len(body) <= _PARSED_BYTES:
        try:
            decoded = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # not JSON, or cut JSON: it is masked as text below
        else:
            return _cut(msgspec.json.encode(redact_value(decoded, None, kinds)).decode(), limit)
    # Twice the limit is enough to show `limit` characters; a longer prefix would only cost time.
    text = body[: limit * 2].decode("utf-8", "replace")
    return _cut(mask_text(_JSON_PAIR.sub(partial(_mask_pair, kinds), text)), limit)


def _mask_pair(kinds: Mapping[str, Kind], found: re.Match[str]) -> str:
    key, between, value, closing = found.groups()
    kind = _kind(key, kinds)
    masked = value if kind is None else MASK if kind == "secret" else _mask_scalar(value, kind)
    return f'"{key}"{between}"{masked}{closing}'


def _mask_scalar(value: str, kind: Kind | None) -> str:
    if kind == "email":
        return mask_email(value) if value.strip() else value
    if kind == "phone":
        return mask_phone(value)
    if kind == "name":
        return mask_name(value)
    return mask_text(value)


def _mask_emails(text: str) -> str:
    parts: list[str] = []
    done = 0
    at = text.find("@")
    while at >= 0:
        starts = (_local_start(text, done, at, stops) for stops in (_LOCAL_STOP, _TEXT_ENDS, _BLANKS))
        start = next((found for found in starts if found < at), at)
        domain = _DOMAIN.match(text, at + 1)
        if start < at and domain:
            # A sentence's full stop is not part of the address.
            end = domain.end() - (1 if domain[0].endswith(".") else 0)
            parts += [text[done:start], mask_email(text[start:end])]
            done = end
            at = text.find("@", end)
        else:
            at = text.find("@", at + 1)
    return "".join([*parts, text[done:]]) if parts else text


def _local_start(text: str, done: int, at: int, stops: frozenset[str]) -> int:
    start = at
    while start > done and text[start - 1] not in stops:
        start -= 1
    return start


def _head(text: str) -> str:
    return text[:_SHOWN_CHARS].rstrip("•") + MASK


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
