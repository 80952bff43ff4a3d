"""Find again in the store what the ledger does not know: nothing is then created twice.

Source: docs/reliability.md#the-protocol.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from customer_sync.ledger.coordination.watermarks import FOREIGN_COMPANIES
from customer_sync.loading.context import Surroundings
from customer_sync.loading.customer_load import Work
from customer_sync.model.company import COMPANY_FIELDS, STATUS_APPROVED, Address
from customer_sync.model.operation import AppliedCompany, AppliedRecord
from customer_sync.model.outcome import Outcome, Reason
from customer_sync.targets.better_b2b.records import AddressRecord, CompanyRecord, UserRecord

FEW = 20
"""Up to so many companies are read one by one; beyond, a crawl of the store needs fewer requests."""


def find_existing(around: Surroundings, works: Sequence[Work]) -> None:
    """Link works whose company exists in the store although the ledger has no link.

    The store is crawled only when it holds companies that the ledger cannot account
    for, so a first load costs one request more, not one per customer. A store whose
    key field is not unique is asked for each key before anything is created.
    """
    unlinked = {work.customer_id: work for work in works if work.applied is None and work.plan.kind == "sync"}
    if not unlinked:
        return
    if _has_unaccounted(around):
        _link_all(around, around.store.iter_companies(), unlinked)
    elif not around.key_is_unique:
        for work in unlinked.values():
            find_by_key(around, work)


def find_by_key(around: Surroundings, work: Work) -> bool:
    """Look one customer's company up by its key and link it; more than one stops the customer.

    Returns:
        Whether one was found and linked.
    """
    found = around.store.find_companies_by_key(work.customer_id)
    if len(found) > 1:
        _stop_ambiguous(work, found)
        return False
    if not found:
        return False
    adopt(around, [(work.customer_id, found[0])], {work.customer_id: work})
    return True


def adopt(around: Surroundings, found: Iterable[tuple[str, CompanyRecord]], works: dict[str, Work]) -> None:
    """Write links for companies found in the store; their users and addresses are read before the next comparison."""
    rows = []
    for customer_id, record in found:
        work = works.get(customer_id)
        fields = company_record_fields(record)
        rows.append(
            {
                "customer_id": customer_id,
                "company_id": record.id,
                "record_id": work.plan.record_id if work else "",
                "account_email": record.company_email.casefold(),
                "status": STATUS_APPROVED if record.status is None else record.status,
                "fields": fields,
                "made_by_run": around.run.run_id,
                "parts_known": False,
            }
        )
        if work:
            status = STATUS_APPROVED if record.status is None else record.status
            work.applied = AppliedCompany(company_id=record.id, status=status, fields=fields, parts_known=False)
    with around.ledger.write() as connection:
        around.ledger.links.put_companies(connection, rows)


def company_record_fields(record: CompanyRecord) -> dict[str, Any]:
    """A company's fields as we remember them."""
    return {**{name: getattr(record, name) for name in COMPANY_FIELDS}, "extra_fields": dict(record.extra_fields)}


def read_parts(around: Surroundings, works: Sequence[Work]) -> None:
    """Read users, addresses and payment settings of adopted companies, and link those that are ours."""
    adopted = {work.company_id: work for work in works if work.applied is not None and not work.applied.parts_known}
    if not adopted:
        return
    users: dict[int, list[UserRecord]] = defaultdict(list)
    addresses: dict[int, list[AddressRecord]] = defaultdict(list)
    scopes: list[int | None] = list(adopted) if len(adopted) <= FEW else [None]
    for scope in scopes:
        for user in around.store.iter_users(company_id=scope):
            users[user.company_id or 0].append(user)
        for address in around.store.iter_addresses(company_id=scope):
            addresses[address.company_id or 0].append(address)
    for company_id, work in adopted.items():
        _link_parts(around, work, users[company_id], addresses[company_id])


def user_record_fields(record: UserRecord) -> dict[str, Any]:
    """A user's fields as we remember them."""
    return {
        "email": record.email,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "phone_number": record.phone_number,
        "role": record.company_role_name,
    }


def address_record_fields(record: AddressRecord) -> dict[str, Any]:
    """An address's fields as we remember them."""
    return {name: getattr(record, name) for name in Address.__struct_fields__}


def _in_our_words(record: AddressRecord, desired: dict[str, Address]) -> dict[str, Any]:
    """An address's fields; where country and state codes agree, their names are the same in other words."""
    fields = address_record_fields(record)
    ours = desired.get(record.external_id)
    if ours and ours.country_code == record.country_code and ours.state_code == record.state_code:
        fields |= {"country_name": ours.country_name, "state_name": ours.state_name}
    return fields


def _has_unaccounted(around: Surroundings) -> bool:
    """Whether the store has companies that the ledger cannot explain; a run that found none does not count again."""
    if around.facts.is_accounted_for:
        return False
    foreign = int(around.ledger.watermarks.load().get(FOREIGN_COMPANIES, "0"))
    around.facts.is_accounted_for = around.store.count_companies() <= around.ledger.links.count() + foreign
    return not around.facts.is_accounted_for


def _link_all(around: Surroundings, crawl: Iterable[CompanyRecord], unlinked: dict[str, Work]) -> None:
    """Link every company of the store that carries our key and has no link; remember how many carry none."""
    key_field = around.connector.store.key_field
    by_key: dict[str, list[CompanyRecord]] = defaultdict(list)
    foreign = 0
    for record in crawl:
        key = record.extra_fields.get(key_field, "")
        if key:
            by_key[key].append(record)
        else:
            foreign += 1
    linked = around.ledger.links.load_hashes(by_key)
    fresh: list[tuple[str, CompanyRecord]] = []
    for key, records in by_key.items():
        if len(records) > 1:
            foreign += len(records) - 1
            if key in unlinked:
                _stop_ambiguous(unlinked[key], records)
        elif key not in linked:
            fresh.append((key, records[0]))
    if fresh:
        adopt(around, fresh, unlinked)
    with around.ledger.write() as connection:
        around.ledger.watermarks.put(connection, around.run.run_id, {FOREIGN_COMPANIES: str(foreign)})


def _link_parts(
    around: Surroundings, work: Work, users: Sequence[UserRecord], addresses: Sequence[AddressRecord]
) -> None:
    if work.applied is None:
        return
    wanted = {user.email.casefold(): user.key for user in work.plan.desired.users} if work.plan.desired else {}
    # A user that stands for a contact already stays with it: its e-mail may just be changing hands.
    linked = {record.store_id: key for key, record in work.applied.users.items()}
    ours = {
        key: AppliedRecord(store_id=user.id, fields=user_record_fields(user))
        for user in users
        if (key := linked.get(user.id, wanted.get(user.email.casefold(), "")))
    }
    prefix = f"{work.customer_id}:"
    desired = {address.external_id: address for address in work.plan.desired.addresses} if work.plan.desired else {}
    book = {
        address.external_id: AppliedRecord(store_id=address.id, fields=_in_our_words(address, desired))
        for address in addresses
        if address.external_id.startswith(prefix)
    }
    methods = {m.code: m.is_enabled for m in around.store.company_payment_methods(work.company_id)}
    terms = around.store.payment_terms(work.company_id)
    applied_terms = {"is_enabled": terms.is_enabled, "days": terms.days} if terms else None
    users_known = {**work.applied.users, **ours}
    work.applied = msgspec.structs.replace(
        work.applied,
        users=users_known,
        addresses={**work.applied.addresses, **book},
        payment_methods=methods,
        payment_terms=applied_terms,
        parts_known=True,
    )
    links = around.ledger.links
    with around.ledger.write() as connection:
        for entity, records in (("user", ours), ("address", book)):
            rows = [(work.customer_id, key, record.store_id, record.fields) for key, record in records.items()]
            links.put_children(connection, "user" if entity == "user" else "address", rows)
        links.update_company(
            connection,
            work.customer_id,
            payment_methods=methods,
            payment_terms=applied_terms,
            parts_known=True,
        )


def _stop_ambiguous(work: Work, records: Sequence[CompanyRecord]) -> None:
    ids = ", ".join(str(record.id) for record in records[:5])
    work.stop(
        Outcome.QUARANTINED,
        Reason.AMBIGUOUS_MATCH,
        f"{len(records)} companies in the store carry this Customer ID (company ids {ids}); none was written",
    )
