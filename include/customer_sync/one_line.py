"""Text of others made fit for one line of a log or a page: it cannot break, hide, reverse or fold the lines around it.

Pure and idempotent, so that a text may pass through it at every layer.
"""

import re
from typing import Final

# Control characters, line and paragraph separators, marks of direction, invisible characters, halves of characters.
# U+200C and U+200D stay: Persian, Hindi and emojis are written with them.
_UNFIT: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_DIRECTIVE: Final = re.compile(r"::(?=(?:end)?group::)", re.IGNORECASE)
"""Airflow's UI folds lines at these."""


def one_line(text: str) -> str:
    r"""Make a text one printable line: a line break is shown as ``\n``, ``::group::`` as ``: :group::``."""
    if not text.isprintable():
        text = _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    return _DIRECTIVE.sub(": :", text) if "group::" in text.lower() else text
