"""Spoils answers: one value of a JSON document, or the bytes of a whole body."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

Path = tuple[str | int, ...]

_DEEP = 2_000
_LONG = 60_000


def _nested(_dice: Random) -> Any:
    value: Any = "deep"
    for _ in range(300):
        value = [value]
    return value


_VALUES: tuple[Callable[[Random], Any], ...] = (
    lambda _: None,
    lambda _: True,
    lambda _: "",
    lambda _: " ",
    lambda _: [],
    lambda _: {},
    lambda _: [None],
    lambda _: {"value": None},
    lambda _: {"value": {"value": "twice"}},
    lambda _: {"value": ["a", "b"]},
    lambda dice: dice.randint(-(10**6), 10**6),
    lambda dice: 10 ** dice.choice([18, 19, 30, 308, 400]),
    lambda _: -0.0,
    lambda _: 1e308,
    lambda _: 0.1,
    lambda dice: "9" * dice.choice([20, 400, 5000]),
    lambda dice: chr(dice.randrange(1, 32)) * 3,
    lambda dice: chr(dice.randrange(0x20, 0xD7FF)) * dice.randrange(1, 9),
    lambda dice: chr(dice.randrange(0x10000, 0x10FFFF)) * 3,
    lambda _: "\ud800",
    lambda _: "a\u0000b",
    lambda _: "\u202eright to left\u202c \ufeff\u200b",
    lambda _: "x" * _LONG,
    lambda _: "<script>alert(1)</script>",
    lambda _: "'; DROP TABLE company_link; --",
    lambda _: "31/12/2026",
    lambda _: "2026-13-45T99:99:99",
    lambda _: "0001-01-01T00:00:00+00:00",
    lambda _: "9999-12-31T23:59:59.9999999-14:00",
    lambda _: "a@b",
    lambda _: "a@b@c.example",
    lambda _: "ä" * 300 + "@ö.example",
    lambda _: "NaN",
    lambda _: "true",
    _nested,
)


def paths_of(value: Any, prefix: Path = ()) -> list[Path]:
    """Every place inside a document, containers included."""
    found = [prefix] if prefix else []
    if isinstance(value, dict):
        for name, item in value.items():
            found += paths_of(item, (*prefix, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            found += paths_of(item, (*prefix, position))
    return found


def spoil_value(document: Any, dice: Random) -> str:
    """Spoil one value of a document in place; returns what was done."""
    path = dice.choice(paths_of(document))
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    last: Any = path[-1]
    what = dice.randrange(10)
    if what == 0 and isinstance(parent, dict):
        del parent[last]
        return f"{path} removed"
    if what == 1 and isinstance(parent, dict):
        parent[str(last).swapcase()] = parent.pop(last)
        return f"{path} renamed"
    value = dice.choice(_VALUES)(dice)
    parent[last] = value
    return f"{path} = {repr(value)[:60]}"


_BODIES: tuple[Callable[[bytes, Random], bytes], ...] = (
    lambda body, dice: body[: dice.randrange(len(body) + 1)],
    lambda body, dice: body[dice.randrange(len(body) + 1) :],
    lambda body, dice: _flipped(body, dice, times=1),
    lambda body, dice: _flipped(body, dice, times=20),
    lambda body, _: b"\xef\xbb\xbf" + body,
    lambda body, _: body.decode().encode("utf-16"),
    lambda body, _: body.decode().encode("latin-1", "replace").replace(b"e", b"\xe9"),
    lambda body, _: body + body,
    lambda body, _: body + b",",
    lambda body, _: b"[" * _DEEP + body + b"]" * _DEEP,
    lambda _body, _: b'{"data":' * _DEEP + b"1" + b"}" * _DEEP,
    lambda _body, _: b"",
    lambda _body, _: b"null",
    lambda _body, _: b"[]",
    lambda _body, _: b"{}",
    lambda _body, _: b"[null]",
    lambda _body, _: b'["x"]',
    lambda _body, _: b'"text"',
    lambda _body, _: b"NaN",
    lambda _body, _: b"1" * 5_000,
    lambda _body, _: b"<html><body>Sign in</body></html>",
    lambda _body, _: b"\x1f\x8b\x08\x00garbage",
    lambda _body, _: b'{"message":"An error has occurred.","exceptionMessage":"odd \xff"}',
    lambda _body, _: b'{"code":422,"data":{"errMsg":{"0":[{"a":[1,null]}]}},"meta":{"message":[]}}',
    lambda _body, _: b'{"code":"200","data":[],"meta":"x"}',
    lambda _body, _: b'{"data":{"errors":"x"},"errors":[[[{}]]],"meta":{"message":{"a":{"b":"c"}}}}',
)


def spoil_body(body: bytes, dice: Random) -> bytes:
    """Spoil the bytes of a body."""
    return dice.choice(_BODIES)(body, dice)


def spoil_status(dice: Random) -> int:
    """Any status that a server can send."""
    return dice.choice([100, 204, 301, 302, 304, 400, 401, 403, 404, 405, 409, 412, 413, 418, 422, 429, 500, 503, 599])


def encoded(document: Any) -> bytes:
    """JSON as a server sends it; lone surrogates are escaped, as JSON allows."""
    return json.dumps(document).encode()


def _flipped(body: bytes, dice: Random, *, times: int) -> bytes:
    changed = bytearray(body)
    for _ in range(times if changed else 0):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)
