"""Tokens that change with every use, and where they are kept: what an adapter needs of whoever keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a server gave for a consent, or for an earlier refresh token.

    Attributes:
        access: Opens the API. Not shown in ``repr``.
        refresh: Brings the next tokens, as a rule once. Not shown in ``repr``.
        renew_at_utc: When to renew them: some time before ``access`` ends.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    renew_at_utc: datetime


class TokenStore(Protocol):
    """Keeps one set of tokens for each owner, for all processes that work for him."""

    def current(self, owner: str, is_stale: Callable[[Tokens], bool], renew: Callable[[str], Tokens]) -> Tokens:
        """Give tokens that are not stale, renewed if need be, by one process at a time.

        Args:
            owner: Whose; see :meth:`replace`.
            is_stale: Whether tokens are of no use any more.
            renew: Exchanges a refresh token for the next tokens. What it returns is kept before this returns, whatever
                becomes of the process's other work meanwhile.

        Raises:
            ConfigError: Nobody has signed in yet, or what is kept cannot be decrypted.
            AuthenticationFailed: The server takes none of the refresh tokens that are kept.
            SyncError: Whatever ``renew`` raised.
        """

    def replace(self, owner: str, tokens: Tokens, label: str) -> None:
        """Keep the tokens of a new consent, in place of all others of this owner.

        Args:
            owner: Names server and application, so that tokens never reach another server than the one that gave them.
            tokens: What the server gave.
            label: For people: of which connection they are.

        Raises:
            ConfigError: There is no key to encrypt them with.
        """
