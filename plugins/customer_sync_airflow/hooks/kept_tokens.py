"""Tokens of a connection, for a hook that is used outside of a run, such as by *Test*."""

from collections.abc import Callable

from airflow.sdk.configuration import conf

from customer_sync.ledger import Ledger
from customer_sync.settings.kept_tokens import Tokens


class LedgerTokens:
    """Opens the ledger for each question and closes it; a :class:`~customer_sync.settings.kept_tokens.TokenStore`."""

    def current(self, owner: str, is_stale: Callable[[Tokens], bool], renew: Callable[[str], Tokens]) -> Tokens:
        """Give tokens that are not stale."""
        with Ledger.open("test") as ledger:
            return ledger.tokens.current(owner, is_stale, renew)

    def replace(self, owner: str, tokens: Tokens, label: str) -> None:
        """Keep the tokens of a new consent."""
        with Ledger.open("test") as ledger:
            ledger.tokens.replace(owner, tokens, label)


def fernet_key() -> str:
    """The key that Airflow encrypts connections with, wherever it is configured; ``""`` where it has none."""
    found = str(conf.get("core", "fernet_key", fallback="") or "").strip()
    # Where no `airflow.cfg` was written yet, Airflow gives its own template.
    return "" if found == "{FERNET_KEY}" else found
