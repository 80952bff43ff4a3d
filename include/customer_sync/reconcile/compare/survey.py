"""The comparison of a whole connector: read both sides, compare by key, recheck what differs, report.

Memory does not grow with the number of customers: both sides lie on disk, and what
is compared at a time is a few hundred customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from customer_sync.ledger.storage.statement import chunks
from customer_sync.model.difference import Difference, DifferenceClass, Standing
from customer_sync.reconcile.compare.compare_customer import Comparison, compare_customer
from customer_sync.reconcile.compare.ledger_side import ledger_sides
from customer_sync.reconcile.compare.recheck import Recheck, RecheckedCustomer
from customer_sync.reconcile.compare.revocation_times import note_removals
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.reconcile.compare.source_side import ErpSides
from customer_sync.reconcile.compare.spool import Spool, owner_of
from customer_sync.reconcile.compare.target_side import StoreSides, has_payment, not_trading_of, spool_store, strays_of
from customer_sync.run import Run
from customer_sync.sources.port import Source
from customer_sync.targets.port import StoredAddress, StoredUser, Target

CHUNK = 250
"""Customers that are compared at a time."""

RECHECK_CHUNK = 40
"""Customers that are re-read at a time: the ERP takes so many in a few requests."""

ATTEMPTS = 3
"""How often a customer is re-read while the ledger shows that it is being written."""

_PAYMENT_CURSOR = "reconcile_payment_after"


@dataclass
class Census:
    """A comparison in numbers.

    Attributes:
        standings: Customers by standing: the balance.
        foreign: Companies, and users and addresses of our companies, that are not ours.
        sizes: Records read per kind.
        to_recheck: Customers whose first reading showed a difference.
        rechecked: Customers that were re-read.
        reasons: Why customers are not eligible, or cannot be stored: code -> customers.
        payment_read: Companies whose payment settings were read.
        payment_unread: Companies whose payment settings were left for another day.
    """

    standings: Counter[Standing] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)
    sizes: dict[str, int] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    to_recheck: int = 0
    rechecked: int = 0
    payment_read: int = 0
    payment_unread: int = 0


class Survey:
    """One comparison.

    Args:
        run: The run; its ledger is the third side.
        source: The ERP.
        target: The store.
        spool: Where both sides are kept during the comparison.
    """

    def __init__(self, run: Run, source: Source, target: Target, spool: Spool) -> None:
        self._run = run
        self._rules = run.connector.reconcile
        self._erp = ErpSides(run, source, target)
        self._source = source
        self._target = target
        self._store = StoreSides(target, run.connector)
        self._spool = spool
        self._renamed: dict[str, str] = {}
        self._deleted: Mapping[str, str] = {}
        self._with_payment: set[str] = set()
        self.census = Census()

    def read(self) -> None:
        """Read both sides into the spool."""
        self._read_erp()
        for page in self._run.ledger.links.companies():
            self._spool.put_links(page)
        spool_store(self._target, self._spool, self._report)
        self._spool.index()
        self._deleted = self._source.deleted() or {}
        self.census.sizes = self._spool.counts()
        self.census.foreign["companies"] = self._spool.count_foreign_companies()

    def _read_erp(self) -> None:
        count = 0
        for sides, customers in self._erp.all():
            self._spool.put_erp(sides)
            self._renamed |= self._run.ledger.links.renamed({side.customer_id: side.record_id for side in sides})
            note_removals(self._run, customers)
            count += len(sides)
        self._report(f"read {count} customers of the ERP")

    def compare(self) -> Iterator[Sequence[Difference]]:
        """Compare all customers once; mark those that differ for a recheck.

        Yields:
            What of some customers waits, who are as they should be else: the ledger's own word needs no recheck.
        """
        former = set(self._renamed.values())
        budget = _PaymentBudget(self._run, self._rules.payment_requests)
        for keys in self._spool.keys(CHUNK):
            erp = self._spool.erp_sides(keys)
            # Under a number that its record does not have any more a company is compared only for its next owner.
            erp |= {key: self._absent(key) for key in keys if key not in erp and key not in former}
            ledger = ledger_sides(self._run.ledger, erp, self._renamed, with_writes=False)
            waits: list[Difference] = []
            for key, side in self._store_sides(erp, ledger).items():
                seen = self._with_payments(erp[key], side, budget)
                result = compare_customer(erp[key], ledger[key], seen, self._run.connector)
                waits += self._count(result, erp[key])
            yield waits
        budget.remember()
        self.census.payment_read, self.census.payment_unread = budget.read, budget.unread
        self.census.to_recheck = len(self._spool.to_recheck())
        self._report(f"{self.census.to_recheck} customers look different and are rechecked")

    def _count(self, result: Comparison, erp: ErpSide) -> Sequence[Difference]:
        """Count a customer, unless it is rechecked; returns what of it waits."""
        self.census.reasons.update(erp.reasons)
        self.census.foreign["users and addresses"] += result.foreign
        if result.standing is Standing.DIFFERENT:
            self._spool.mark_for_recheck([result.customer_id])
            return ()
        self.census.standings[result.standing] += 1
        return result.waits

    def _absent(self, key: str) -> ErpSide:
        return ErpSide(customer_id=key, deleted_at_utc=self._deleted.get(key, ""))

    def _store_sides(self, erp: Mapping[str, ErpSide], ledger: Mapping[str, LedgerSide]) -> dict[str, StoreSide]:
        """The spooled store sides of some customers."""
        linked = {key: side.applied.company_id for key, side in ledger.items() if side.applied}
        found = self._spool.companies([*erp, *self._former(erp)], list(linked.values()))
        holders = self._run.ledger.links.holders(company.id for company in found)
        companies = [company for company in found if company.id in linked.values() or company.id not in holders]
        ids = [company.id for company in companies]
        users = _by_company(self._spool.users(ids))
        addresses = _by_company(self._spool.addresses(ids))
        emails = [user.email.casefold() for side in erp.values() if side.desired for user in side.desired.users]
        owners = self._spool.email_owners(emails)
        not_trading = not_trading_of(self._spool.companies([], sorted(set(owners.values()))))
        names = {owner_of(each.fields.external_id) for records in addresses.values() for each in records}
        known = self._spool.known_owners(sorted(names - set(erp) - {""})) | set(erp)
        sides = {}
        for key, side in erp.items():
            own = [c for c in companies if c.key in {key, self._renamed.get(key, key)} or c.id == linked.get(key)]
            own_ids = {company.id for company in own}
            all_addresses = [address for company in own for address in addresses.get(company.id, [])]
            sides[key] = StoreSide(
                companies=tuple(own),
                users=tuple(user for company in own for user in users.get(company.id, [])),
                addresses=tuple(all_addresses),
                taken=(taken := _taken(side, owners, own_ids)),
                not_trading=not_trading.intersection(taken.values()),
                strays=strays_of(all_addresses, self._renamed.get(key, key), known.__contains__),
                dropped=self._store.dropped,
            )
        return sides

    def _former(self, keys: Iterable[str]) -> list[str]:
        return [self._renamed[key] for key in keys if key in self._renamed]

    def _with_payments(self, erp: ErpSide, side: StoreSide, budget: _PaymentBudget) -> StoreSide:
        desired = erp.desired
        if desired is None or len(side.companies) != 1 or not has_payment(desired):
            return side
        if not budget.takes(erp.customer_id):
            return side
        self._with_payment.add(erp.customer_id)
        return msgspec.structs.replace(side, payment=self._store.payment(desired, side.companies[0].id))

    def confirm(self) -> Iterator[RecheckedCustomer]:
        """Recheck every marked customer on all three sides, up to the bound; yield those that still differ or wait."""
        marked = self._spool.to_recheck()
        bound = self._rules.most_rechecked
        self.census.standings[Standing.UNSETTLED] += len(marked[bound:])
        for part in chunks(marked[:bound], RECHECK_CHUNK):
            yield from self._confirm(part)
            self.census.rechecked += len(part)
            self._report(f"{self.census.rechecked} of {len(marked)} customers rechecked")

    def _confirm(self, keys: Sequence[str]) -> Iterator[RecheckedCustomer]:
        recheck = self._recheck()
        left = list(keys)
        for _ in range(ATTEMPTS):
            again = []
            for key, finding in recheck.read(left).items():
                if finding is None:
                    again.append(key)
                    continue
                self.census.standings[finding.comparison.standing] += 1
                if finding.comparison.differences or finding.comparison.waits:
                    yield finding
            left = again
        self.census.standings[Standing.UNSETTLED] += len(left)

    def _recheck(self) -> Recheck:
        return Recheck(
            self._run,
            self._source,
            self._target,
            renamed=self._renamed,
            deleted=self._deleted,
            with_payment=self._with_payment,
            is_customer=lambda owner: bool(self._spool.known_owners([owner])),
        )

    def homeless(self) -> Iterator[Difference]:
        """Users and addresses of companies that the store does not show; each is looked up before it is reported."""
        users, addresses = self._spool.homeless()
        for user in users:
            if self._is_homeless(user.company_id) and self._target.user(user.id) is not None:
                yield _orphan("contact", "", user.key, user.company_id, user.id)
        for address in addresses:
            if self._is_homeless(address.company_id) and self._target.address(address.id) is not None:
                key = address.fields.external_id
                yield _orphan("location", owner_of(key), key, address.company_id, address.id)

    def _is_homeless(self, company_id: int) -> bool:
        return bool(company_id) and self._target.company(company_id) is None

    def _report(self, line: str) -> None:
        self._run.sink(line, [])


class _PaymentBudget:
    """Which companies' payment settings are read in this run: as many as the budget takes, others the next day."""

    def __init__(self, run: Run, requests: int) -> None:
        self._run = run
        self._left = requests
        self._after = run.ledger.watermarks.load().get(_PAYMENT_CURSOR, "")
        self._last = ""
        self.read = 0
        self.unread = 0

    def takes(self, customer_id: str) -> bool:
        if self._left < _REQUESTS_PER_COMPANY or customer_id <= self._after:
            self.unread += 1
            return False
        self._left -= _REQUESTS_PER_COMPANY
        self._last = customer_id
        self.read += 1
        return True

    def remember(self) -> None:
        """The next run goes on after the last one that was read, or begins anew when all were."""
        is_through = self._left >= _REQUESTS_PER_COMPANY
        with self._run.ledger.write() as connection:
            cursor = "" if is_through else self._last
            self._run.ledger.watermarks.put(connection, self._run.run_id, {_PAYMENT_CURSOR: cursor})


_REQUESTS_PER_COMPANY = 2


def _orphan(entity: str, customer_id: str, key: str, company_id: int, store_id: int) -> Difference:
    return Difference(
        kind=DifferenceClass.ORPHANED_CHILD,
        customer_id=customer_id,
        entity=entity,
        key=key,
        company_id=company_id,
        store_id=store_id,
        detail=f"its company {company_id} does not exist",
    )


Child = TypeVar("Child", StoredUser, StoredAddress)


def _by_company(records: Iterable[Child]) -> dict[int, list[Child]]:
    found: dict[int, list[Child]] = {}
    for record in records:
        found.setdefault(record.company_id, []).append(record)
    return found


def _taken(erp: ErpSide, owners: Mapping[str, int], own_ids: set[int]) -> dict[str, int]:
    """Desired users whose e-mail a user of another company has."""
    if erp.desired is None:
        return {}
    held = {user.email.casefold(): owners.get(user.email.casefold(), 0) for user in erp.desired.users}
    return {email: company_id for email, company_id in held.items() if company_id and company_id not in own_ids}
