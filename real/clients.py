"""The product's clients at an address of this machine, without its pauses."""

from __future__ import annotations

from typing import Any, Final

from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import HttpSettings
from customer_sync.settings.connector import Connector
from customer_sync.settings.system_rules import StoreRules
from customer_sync.sources.acumatica.client import AcumaticaClient
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.settings import BetterB2BSettings

QUICK: Final = RetryPolicy(attempts=2, total_s=2.0, first_delay_s=0.01, rng=lambda: 0.0)
TOKEN: Final = "sandbox-token"  # noqa: S105 - the twin's published token
PASSWORD: Final = "sandbox"  # noqa: S105 - the twin's published password


def erp_settings(**changes: Any) -> AcumaticaSettings:
    """How the twin of the ERP is signed in to; no tenant is named, so that none is asked for."""
    values = {"username": "admin", "password": PASSWORD, "session_limit_wait_s": 0.01}
    return AcumaticaSettings(**{**values, **changes})


def erp_client(url: str, **changes: Any) -> AcumaticaClient:
    """A client of the ERP; it is closed by a ``with`` block."""
    return AcumaticaClient(CurlTransport(HttpSettings(base_url=url)), erp_settings(**changes), retry=QUICK)


def store_client(url: str, connector: Connector | None = None) -> BetterB2BTarget:
    """A client of the store."""
    rules = connector.store if connector else StoreRules()
    settings = BetterB2BSettings(token=TOKEN, store_hash="sandbox", rate_limit_wait_s=0.01, rules=rules)
    transport = CurlTransport(HttpSettings(base_url=url))
    return BetterB2BTarget(transport, settings, pacer=Pacer(0, share=1.0), retry=QUICK)
