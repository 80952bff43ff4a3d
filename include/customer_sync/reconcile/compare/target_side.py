"""Read the store's side: paged crawls for all of it, single look-ups for a recheck."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TypeVar

import msgspec

from customer_sync.model.company import Company, CompanyStatus
from customer_sync.model.operation import AppliedCompany
from customer_sync.reconcile.compare.sides import StoreSide
from customer_sync.reconcile.compare.spool import Spool, owner_of
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import PaymentSettings, StoredAddress, StoredCompany, StoredUser, Target

T = TypeVar("T")
PAGE = 500


def spool_store(target: Target, spool: Spool, report: Callable[[str], None]) -> None:
    """Crawl companies, users and addresses into the spool; each is one paged list of the store."""
    for companies in pages_of(target.companies()):
        spool.put_companies(companies)
    report(f"read {spool.counts()['company']} companies of the store")
    for users in pages_of(target.users()):
        spool.put_users(users)
    for addresses in pages_of(target.addresses()):
        spool.put_addresses(addresses)
    counts = spool.counts()
    report(f"read {counts['user']} users and {counts['address']} addresses of the store")


def pages_of(records: Iterable[T]) -> Iterator[list[T]]:
    """Cut a stream into lists."""
    left = iter(records)
    while page := list(islice(left, PAGE)):
        yield page


class StoreSides:
    """Reads one customer's side anew, one by one, bypassing list pages: for a recheck, and before a repair."""

    def __init__(self, target: Target, connector: Connector) -> None:
        self._target = target
        self._connector = connector

    @cached_property
    def dropped(self) -> frozenset[str]:
        """Extra fields of users that the connector file fills and the store has not: no list could show them."""
        names = self._connector.source.contact_extra_field_names
        known = self._target.facts.extra_fields("user") if names else {}
        return frozenset(name for name in names if name.casefold() not in known)

    def of(
        self,
        customer_id: str,
        desired: Company | None,
        applied: AppliedCompany | None,
        *,
        with_payment: bool,
        is_customer: Callable[[str], bool],
        holders: Callable[[Iterable[int]], Collection[int]],
    ) -> StoreSide:
        """Read a customer's companies with their users and addresses.

        Args:
            customer_id: The key.
            desired: The desired company; the e-mails of its users are looked for in other companies too.
            applied: The link, whose company is read also when it lost its key.
            with_payment: Whether to read the payment settings.
            is_customer: Returns whether an external id's owner is a customer.
            holders: Returns which of some companies are linked; those are no other customer's.

        Returns:
            The side as the store shows it now.
        """
        companies = {each.id: each for each in self._companies(customer_id, applied)}
        others = set(holders(companies)) - ({applied.company_id} if applied else set())
        companies = {company_id: each for company_id, each in companies.items() if company_id not in others}
        users = [user for each in companies for user in self._target.users(company_id=each)]
        addresses = [address for each in companies for address in self._target.addresses(company_id=each)]
        taken = self._taken(desired, users, set(companies))
        holders_of_emails = [self._target.company(each) for each in sorted(set(taken.values()))]
        return StoreSide(
            companies=tuple(sorted(companies.values(), key=lambda each: each.id)),
            users=tuple(users),
            addresses=tuple(addresses),
            taken=taken,
            not_trading=not_trading_of(filter(None, holders_of_emails)),
            payment=self.payment(desired, next(iter(companies), 0)) if with_payment and len(companies) == 1 else None,
            strays=strays_of(addresses, customer_id, is_customer),
            dropped=self.dropped,
            settles_in_s=self._target.limits.stamps_settle_s,
        )

    def _companies(self, customer_id: str, applied: AppliedCompany | None) -> Iterator[StoredCompany]:
        yield from self._target.companies_by_key(customer_id)
        linked = self._target.company(applied.company_id) if applied else None
        if linked is not None:
            yield linked

    def _taken(self, desired: Company | None, users: Sequence[StoredUser], ids: set[int]) -> dict[str, int]:
        have = {user.fields.email.casefold() for user in users}
        taken = {}
        for user in desired.users if desired else ():
            email = user.email.casefold()
            holder = self._target.user_by_email(email) if email not in have else None
            if holder is not None and holder.company_id and holder.company_id not in ids:
                taken[email] = holder.company_id
        return taken

    def payment(self, desired: Company | None, company_id: int) -> PaymentSettings | None:
        """Read a company's payment settings, as far as the connector's terms table sets them: up to two requests."""
        if desired is None or not company_id or not has_payment(desired):
            return None
        return self._target.payment_settings(
            company_id, methods=bool(desired.payment_methods), terms=desired.payment_terms is not None
        )

    def changed_since(self, company_id: int, since_s: float) -> set[int]:
        """Addresses of a company that were changed after a moment: they show no stamp and can only be asked for."""
        changed = self._target.addresses(company_id=company_id, modified_since_s=int(since_s))
        return {each.id for each in changed}

    def with_stamps(self, side: StoreSide, written_at_s: dict[str, float]) -> StoreSide:
        """The side with what is known of when its addresses changed; two requests at most per address that we wrote."""
        changed = {}
        for record in side.addresses:
            at_s = written_at_s.get(f"location:{record.fields.external_id}")
            if at_s is None:
                continue
            if record.id not in self.changed_since(record.company_id, at_s - side.settles_in_s):
                changed[record.id] = False
            elif record.id in self.changed_since(record.company_id, at_s + side.settles_in_s):
                changed[record.id] = True
        return msgspec.structs.replace(side, changed_addresses=changed)


def has_payment(desired: Company) -> bool:
    """Whether the connector's terms table says anything of this company."""
    return bool(desired.payment_methods) or desired.payment_terms is not None


def not_trading_of(companies: Iterable[StoredCompany]) -> frozenset[int]:
    """Those of some companies whose people cannot buy."""
    return frozenset(each.id for each in companies if each.status in {CompanyStatus.INACTIVE, CompanyStatus.REJECTED})


def strays_of(
    addresses: Iterable[StoredAddress], customer_id: str, is_customer: Callable[[str], bool]
) -> frozenset[int]:
    """Ids of addresses whose external id names another customer."""
    return frozenset(
        each.id
        for each in addresses
        if (owner := owner_of(each.fields.external_id)) and owner != customer_id and is_customer(owner)
    )
