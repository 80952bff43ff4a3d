"""Is a text one e-mail address? Exact by email-validator, fast by a pre-check. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_EMAIL_LENGTH = 254
"""RFC 5321 section 4.5.3.1.3; longer texts are not looked at, which keeps huge values cheap."""

# A strict subset of what email-validator accepts: everyday ASCII addresses skip the costly check.
_EVERYDAY = re.compile(
    r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"[A-Za-z]{2,24}"
)
_RESERVED = re.compile(r"\.(?:local|localhost|invalid|test|onion|arpa)$", re.IGNORECASE)


def is_valid_email(text: str) -> bool:
    """Check whether the text is a well-formed e-mail address with a dotted domain.

    Deliverability is not asked: domains for private or special use (``.local``, ``.test``)
    are fine, since the ERP and the store may share an inner network.
    """
    if len(text) > MAX_EMAIL_LENGTH:
        return False
    if _EVERYDAY.fullmatch(text) and text.index("@") <= 64 and "--" not in text:  # noqa: PLR2004 - RFC 5321 local part
        return True
    return _is_valid_by_library(text)


@lru_cache(maxsize=4096)
def _is_valid_by_library(text: str) -> bool:
    # Most processes never meet an address that needs it, and importing it takes longer than a thousand everyday ones.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - see above

    try:
        # The library refuses special-use domains by name; under another name only their form is checked.
        validate_email(_RESERVED.sub(".example", text), check_deliverability=False, strict=True)
    except EmailNotValidError:
        return False
    return True
