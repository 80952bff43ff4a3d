"""Accounts of retail shoppers: a new company user with such an e-mail takes over the account and its orders.

They are the core store's, behind an interface of its own (docs/api/better_b2b.md#shoppers).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from customer_sync.errors import SyncError
from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import Transport
from customer_sync.targets.better_b2b.calls import StoreCalls
from customer_sync.targets.better_b2b.records import as_text
from customer_sync.targets.better_b2b.users import UserCalls

log = logging.getLogger(__name__)

CORE_HOSTS: Final = {"https://api-b2b.bigcommerce.com": "https://api.bigcommerce.com"}
"""Address of the store's B2B interface -> where its core is; elsewhere both have one address."""

_EMAILS_AT_ONCE: Final = 50
_MOST_EMAILS: Final = 3_000
"""Sixty requests; a plan of more new users would be kept waiting by what it only counts."""
_MOST_LOOKED_UP: Final = 60
_LONGEST_S: Final = 30.0


class _CoreCalls(StoreCalls):
    def emails_of(self, emails: Sequence[str]) -> set[str]:
        """Those of some e-mails that customers of the core store have."""
        query = (("email:in", ",".join(emails)), ("limit", "250"))
        rows = self._call("GET", "/customers", lambda request, envelope: envelope.rows(request), query=query)
        return {as_text(row.get("email")).casefold() for row in rows}


class ShopperCalls(UserCalls):
    """Asking the core store."""

    core_transport: Transport | None = None
    """Leads to the core store where it has another address."""

    def shoppers(self, emails: Sequence[str]) -> int | None:
        """Count those of some e-mails that shoppers of the store have.

        ``None`` where it does not let us ask, and for more than 3,000.
        """
        settings = self.settings
        if not settings.store_hash:
            return None
        meant = sorted({email.casefold() for email in emails})
        if len(meant) > _MOST_EMAILS:
            log.info("Whether new users are shoppers of the store already is not asked for more than %d", _MOST_EMAILS)
            return None
        core = _CoreCalls(
            self.core_transport or self._transport,
            replace(settings, api_prefix=f"/stores/{settings.store_hash}/v3"),
            pacer=Pacer(settings.rules.requests_per_minute, share=settings.rules.share),
            retry=RetryPolicy(total_s=_LONGEST_S),
        )
        found: set[str] = set()
        try:
            for start in range(0, len(meant), _EMAILS_AT_ONCE):
                found.update(core.emails_of(meant[start : start + _EMAILS_AT_ONCE]))
        except SyncError as error:
            log.info("Whether new users are shoppers of the store already is not known: %s", error)
            return None
        found.intersection_update(meant)
        if len(found) > _MOST_LOOKED_UP:
            return len(found)
        # Who is a user of a company has an account of the core store, too.
        return sum(self.user_by_email(email) is None for email in sorted(found))
