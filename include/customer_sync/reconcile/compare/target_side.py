"""Read the store's side: paged crawls for all of it, single look-ups for a suspect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from customer_sync.errors import NotFound
from customer_sync.loading.adoption import address_record_fields, company_record_fields, user_record_fields
from customer_sync.model.company import STATUS_APPROVED, Company
from customer_sync.model.operation import AppliedCompany
from customer_sync.reconcile.compare.sides import PaymentSettings, StoreRecord, StoreSide
from customer_sync.reconcile.compare.spool import Spool, owner_of
from customer_sync.settings.connector import Connector
from customer_sync.targets.better_b2b.client import BetterB2BClient
from customer_sync.targets.better_b2b.records import AddressRecord, CompanyRecord, UserRecord

T = TypeVar("T")
PAGE = 500


def spool_store(store: BetterB2BClient, spool: Spool, key_field: str, tell: Callable[[str], None]) -> None:
    """Crawl companies, users and addresses into the spool; each is one paged list of the store."""
    for page in pages_of(company_record(each, key_field) for each in store.iter_companies()):
        spool.put_companies(page)
    tell(f"read {spool.counts()['company']} companies of the store")
    for page in pages_of(user_record(each) for each in store.iter_users()):
        spool.put_users(page)
    for page in pages_of(address_record(each) for each in store.iter_addresses()):
        spool.put_addresses(page)
    counts = spool.counts()
    tell(f"read {counts['user']} users and {counts['address']} addresses of the store")


def pages_of(records: Iterable[T]) -> Iterator[list[T]]:
    """Cut a stream into lists."""
    page: list[T] = []
    for record in records:
        page.append(record)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def company_record(record: CompanyRecord, key_field: str) -> StoreRecord:
    """A company as a side's record."""
    return StoreRecord(
        id=record.id,
        fields=company_record_fields(record),
        mark=record.extra_fields.get(key_field, ""),
        company_id=record.id,
        status=STATUS_APPROVED if record.status is None else record.status,
        updated_at_s=record.updated_at_s,
    )


def user_record(record: UserRecord) -> StoreRecord:
    """A user as a side's record."""
    return StoreRecord(
        id=record.id,
        fields=user_record_fields(record),
        mark=record.uuid,
        company_id=record.company_id or 0,
        updated_at_s=record.updated_at_s,
    )


def address_record(record: AddressRecord) -> StoreRecord:
    """An address as a side's record."""
    return StoreRecord(
        id=record.id,
        fields=address_record_fields(record),
        mark=record.external_id,
        company_id=record.company_id or 0,
    )


class StoreSides:
    """Reads one customer's side anew, past all lists: for suspects, and before a repair."""

    def __init__(self, store: BetterB2BClient, connector: Connector) -> None:
        self._store = store
        self._key_field = connector.store.key_field

    def of(
        self,
        customer_id: str,
        desired: Company | None,
        applied: AppliedCompany | None,
        *,
        with_payment: bool,
        is_customer: Callable[[str], bool],
    ) -> StoreSide:
        """Read a customer's companies with their users and addresses.

        Args:
            customer_id: The key.
            desired: The wanted company; the e-mails of its users are looked for in other companies too.
            applied: The link, whose company is read also when it lost its key.
            with_payment: Whether to read the payment settings.
            is_customer: Tells whether an external id's owner is a customer.

        Returns:
            The side as the store shows it now.
        """
        companies = {each.id: each for each in self._companies(customer_id, applied)}
        users = [user_record(user) for each in companies for user in self._store.iter_users(company_id=each)]
        addresses = [
            address_record(address) for each in companies for address in self._store.iter_addresses(company_id=each)
        ]
        return StoreSide(
            companies=tuple(sorted(companies.values(), key=lambda each: each.id)),
            users=tuple(users),
            addresses=tuple(addresses),
            taken=self._taken(desired, users, set(companies)),
            payment=self.payment(desired, next(iter(companies), 0)) if with_payment and len(companies) == 1 else None,
            strays=strays_of(addresses, customer_id, is_customer),
        )

    def _companies(self, customer_id: str, applied: AppliedCompany | None) -> Iterator[StoreRecord]:
        for record in self._store.find_companies_by_key(customer_id):
            yield company_record(record, self._key_field)
        linked = self._store.get_company(applied.company_id) if applied else None
        if linked is not None:
            yield company_record(linked, self._key_field)

    def _taken(self, desired: Company | None, users: Sequence[StoreRecord], ids: set[int]) -> dict[str, int]:
        have = {str(user.fields["email"]).casefold() for user in users}
        taken = {}
        for user in desired.users if desired else ():
            email = user.email.casefold()
            holder = self._store.find_user(email) if email not in have else None
            if holder is not None and holder.company_id and holder.company_id not in ids:
                taken[email] = holder.company_id
        return taken

    def payment(self, desired: Company | None, company_id: int) -> PaymentSettings | None:
        """Read a company's payment settings, as far as the connector's terms table sets them: up to two requests."""
        if desired is None or not company_id or not has_payment(desired):
            return None
        try:
            methods = self._store.company_payment_methods(company_id) if desired.payment_methods else []
            terms = self._store.payment_terms(company_id) if desired.payment_terms else None
        except NotFound:
            return None
        # Terms that are off show the store's own default; comparing its days would say nothing.
        applied_terms = {"is_enabled": terms.is_enabled, "days": terms.days} if terms else None
        return PaymentSettings(methods={each.code: each.is_enabled for each in methods}, terms=applied_terms)

    def changed_since(self, company_id: int, since_s: float) -> set[int]:
        """Addresses of a company that were changed after a moment: they show no stamp and can only be asked for."""
        return {each.id for each in self._store.iter_addresses(company_id, min_modified_s=int(since_s))}

    def with_stamps(self, side: StoreSide, written_at_s: dict[str, float], tolerance_s: float) -> StoreSide:
        """The side with what is known of when its addresses changed; one request per address that we wrote."""
        records = []
        for record in side.addresses:
            at_s = written_at_s.get(f"location:{record.mark}")
            if at_s is not None:
                is_changed = record.id in self.changed_since(record.company_id, at_s - tolerance_s)
                records.append(msgspec.structs.replace(record, has_changed_since=is_changed))
            else:
                records.append(record)
        return msgspec.structs.replace(side, addresses=tuple(records))


def has_payment(desired: Company) -> bool:
    """Whether the connector's terms table says anything of this company."""
    return bool(desired.payment_methods) or desired.payment_terms is not None


def strays_of(addresses: Iterable[StoreRecord], customer_id: str, is_customer: Callable[[str], bool]) -> frozenset[int]:
    """Ids of addresses whose external id names another customer."""
    return frozenset(
        each.id for each in addresses if (owner := owner_of(each.mark)) and owner != customer_id and is_customer(owner)
    )
