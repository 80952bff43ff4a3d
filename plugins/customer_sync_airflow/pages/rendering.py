"""Templates: everything is escaped, and the answer says what the browser may run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

HERE = Path(__file__).parent

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Sent with every answer. No script or style may stand in a page itself."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def age_of(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago something was, in one unit: ``3 h``."""
    if moment is None:
        return ""
    seconds = max(0, int(((now or datetime.now(UTC)) - moment).total_seconds()))
    for unit, word in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {word}"
    return f"{seconds} s"


def duration_of(seconds: float) -> str:
    """How long something took: ``3 min 20 s``."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{max(seconds, 0):.1f} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def in_utc(moment: datetime) -> str:
    """A time as it stands in the page until the script shows it in the viewer's zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine_time(moment: datetime) -> str:
    """A time for the ``datetime`` attribute."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def shown_value(value: Any) -> str:
    """A value of a change as text."""
    if value in (None, "", {}, []):
        return "–"  # noqa: RUF001 - a dash on purpose
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def changes_of(text: str) -> list[tuple[str, str, str]]:
    """(field, old, new) of a row's changes, values as text."""
    if not text:
        return []
    return [(name, shown_value(old), shown_value(new)) for name, (old, new) in json.loads(text).items()]


def shown_words(code: str) -> str:
    """A code as words: ``create_user`` → ``create user``."""
    return code.replace("_", " ")


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {
    "age": age_of,
    "duration": duration_of,
    "utc": in_utc,
    "machine": machine_time,
    "changes": changes_of,
    "words": shown_words,
}


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Fill a template."""
    return HTMLResponse(_environment.get_template(template).render(values), status, headers=SECURITY_HEADERS)
