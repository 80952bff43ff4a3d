"""How the ERP's database compares text: without regard to case or trailing blanks (docs/api/acumatica.md#collation)."""

from __future__ import annotations


def folded(text: str) -> str:
    """The form under which two texts are equal exactly when the database finds them equal."""
    return text.rstrip(" ").casefold()
