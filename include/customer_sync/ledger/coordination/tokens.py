"""Tokens that change with every use, kept encrypted for all processes. (docs/reliability.md#tokens)

A refresh token is as a rule worth one use. So that two tasks never use the same one, it is used under a lease; so that
nothing is lost between the server's answer and the commit, the exchange and the commit are one step that a signal does
not interrupt; and so that a step that was lost all the same does no harm where the server allows it, the generation
before the newest is kept, too, and tried when the newest is refused.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
import sqlalchemy as sa

from customer_sync.errors import AuthenticationFailed, ConfigError, TransientApiError
from customer_sync.ledger.coordination.lease import Lease
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.database import writing
from customer_sync.ledger.storage.schema import token
from customer_sync.ledger.storage.statement import take_turns, upsert
from customer_sync.machine import machine
from customer_sync.settings.fernet_key import VARIABLE, fernet_keys
from customer_sync.settings.kept_tokens import Tokens

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

log = logging.getLogger(__name__)

GENERATIONS: Final = 2
"""So many are kept: the newest, and the one before it."""

_PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Between tries to keep what the server gives only once: a ledger that is locked or restarting comes back."""


class _Generation(msgspec.Struct):
    access: str
    refresh: str
    renew_at_utc: datetime


class _Kept(msgspec.Struct):
    """What is encrypted: the consent that all of it comes from, how often it was renewed, and the generations."""

    consent: str
    renewals: int
    generations: list[_Generation]

    @property
    def newest(self) -> Tokens:
        first = self.generations[0]
        return Tokens(first.access, first.refresh, first.renew_at_utc)


class KeptTokens:
    """A :class:`~customer_sync.settings.kept_tokens.TokenStore` in the ledger.

    Args:
        engine: The ledger's engine.
        keys: Finds the keys to encrypt with, newest first.
    """

    def __init__(self, engine: sa.Engine, keys: Callable[[], list[str]] = fernet_keys) -> None:
        self._engine = engine
        self._keys = keys

    def current(self, owner: str, is_stale: Callable[[Tokens], bool], renew: Callable[[str], Tokens]) -> Tokens:
        """Give tokens that are not stale; see the protocol."""
        kept = self._read(owner)
        if not is_stale(kept.newest):
            return kept.newest
        lease = Lease(self._engine, f"token {owner}", uuid.uuid4().hex, 1, "the renewal of a token")
        lease.acquire()
        try:
            # In a thread of its own: a signal that ends the task reaches the task's own thread, and the block waits
            # for this one.
            with machine().executor(1, "renewal of a token") as thread:
                return thread.submit(self._renewed, owner, is_stale, renew).result()
        finally:
            lease.release()

    def replace(self, owner: str, tokens: Tokens, label: str) -> None:
        """Keep the tokens of a new consent; see the protocol."""
        kept = _Kept(uuid.uuid4().hex, 0, [_Generation(tokens.access, tokens.refresh, tokens.renew_at_utc)])
        with writing(self._engine) as connection:
            self._put(connection, owner, kept, label)

    def check_key(self) -> None:
        """See that tokens could be kept.

        Raises:
            ConfigError: There is no key, or it is none.
        """
        self._cipher()

    def _renewed(self, owner: str, is_stale: Callable[[Tokens], bool], renew: Callable[[str], Tokens]) -> Tokens:
        kept = self._read(owner)
        if not is_stale(kept.newest):
            return kept.newest  # somebody else was faster
        renewed = self._exchange(owner, kept, renew)
        for pause_s in _PAUSES_S:
            try:
                self._save(owner, kept, renewed)
            except TransientApiError as error:
                log.warning("The renewed token is not kept yet; trying again in %.0f s. %s", pause_s, error.message)
                machine().sleep(pause_s)
            else:
                return renewed
        self._save(owner, kept, renewed)
        return renewed

    def _save(self, owner: str, kept: _Kept, renewed: Tokens) -> None:
        with writing(self._engine) as connection:
            take_turns(connection, f"token {owner}")
            present, label = self._row(connection, owner)
            if present.consent == kept.consent:
                self._put(connection, owner, _merged(present, kept, renewed), label)

    def _exchange(self, owner: str, kept: _Kept, renew: Callable[[str], Tokens]) -> Tokens:
        for generation in kept.generations[:-1]:
            try:
                return renew(generation.refresh)
            except AuthenticationFailed as refusal:
                log.warning("The newest refresh token was refused, so the one before it is tried. %s", refusal.message)
        try:
            return renew(kept.generations[-1].refresh)
        except AuthenticationFailed:
            # A process that was taken for dead may have renewed them after all.
            newer = self._read(owner)
            if (newer.consent, newer.renewals) != (kept.consent, kept.renewals):
                return newer.newest
            raise

    def _read(self, owner: str) -> _Kept:
        with self._engine.connect() as connection:
            return self._row(connection, owner)[0]

    def _row(self, connection: sa.Connection, owner: str) -> tuple[_Kept, str]:
        row = connection.execute(sa.select(token.c.sealed, token.c.label).where(token.c.owner == owner)).one_or_none()
        if row is None:
            raise ConfigError(
                "Nobody has let this application act for him yet: run `customer-sync login` with the id of this "
                "connection. It keeps the tokens in the ledger.",
                setting="auth_style",
            )
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - few connections keep tokens

        try:
            return msgspec.json.decode(self._cipher().decrypt(row[0].encode()), type=_Kept), row[1]
        except InvalidToken:
            raise ConfigError(
                f"The tokens in the ledger were encrypted with another key than the present one: add the former one to "
                f"{VARIABLE}, behind a comma, or run `customer-sync login` with the id of this connection.",
                setting=VARIABLE,
            ) from None

    def _put(self, connection: sa.Connection, owner: str, kept: _Kept, label: str) -> None:
        sealed = self._cipher().encrypt(msgspec.json.encode(kept)).decode()
        row = {"owner": owner, "label": label[:200], "sealed": sealed, "changed_at_utc": utc_now()}
        upsert(connection, token, [row])

    def _cipher(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - few connections keep tokens

        try:
            return MultiFernet([Fernet(key.encode()) for key in self._keys()])
        except ValueError:
            raise ConfigError(
                f"{VARIABLE} holds no key: it must be 32 random bytes in URL-safe base64.", setting=VARIABLE
            ) from None


def _merged(present: _Kept, former: _Kept, renewed: Tokens) -> _Kept:
    """What is kept from now on: ours is the newest, unless somebody renewed the same generation and was faster."""
    made = _Generation(renewed.access, renewed.refresh, renewed.renew_at_utc)
    newest = present.generations[0]
    order = [made, newest] if present.renewals == former.renewals else [newest, made]
    return _Kept(present.consent, present.renewals + 1, order[:GENERATIONS])
