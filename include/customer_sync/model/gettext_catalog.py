"""Look some texts up in a catalog of GNU gettext without reading the rest of it. Pure.

The format is that of ``.mo`` files: a header, two tables of (length, offset) for originals and translations, the
originals in the order of their bytes (GNU gettext manual, *The Format of GNU MO Files*).
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

_LITTLE_ENDIAN: Final = b"\xde\x12\x04\x95"


def translations_in(content: bytes, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each of some texts that a catalog translates, with its translation.

    A catalog has thousands of texts, of which a handful is looked for: the whole of it takes ten times as long.

    Args:
        content: The catalog, in UTF-8.
        texts: What to look for.
    """
    order = "<" if content.startswith(_LITTLE_ENDIAN) else ">"
    count, originals_at, translations_at = struct.unpack_from(f"{order}3I", content, 8)
    originals = struct.unpack_from(f"{order}{2 * count}I", content, originals_at)
    translations = struct.unpack_from(f"{order}{2 * count}I", content, translations_at)

    def original(number: int) -> bytes:
        start = originals[2 * number + 1]
        return content[start : start + originals[2 * number]]

    for text in texts:
        sought = text.encode()
        number = bisect_left(range(count), sought, key=original)
        if number < count and original(number) == sought:
            start = translations[2 * number + 1]
            yield text, content[start : start + translations[2 * number]].decode()
