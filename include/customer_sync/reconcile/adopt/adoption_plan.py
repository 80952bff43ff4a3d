"""Adopt companies that another connector made: match them, and have the ledger link them with all their parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from customer_sync.loading.adoption_evidence import with_record
from customer_sync.model.company import CompanyStatus, content_hash
from customer_sync.model.operation import AppliedCompany
from customer_sync.planning.diff import diff_company, uncleared
from customer_sync.reconcile.adopt.matching import Candidates, Match, match_addresses, match_company, without_rivals
from customer_sync.reconcile.compare.real_state import read_real_state
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.reconcile.compare.spool import Spool
from customer_sync.reconcile.compare.target_side import StoreSides
from customer_sync.run import Run
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import StoredCompany, StoredUser

CHUNK = 250


def match_all(run: Run, spool: Spool) -> list[Match]:
    """Match every eligible customer that has no link, in key order."""
    taken = spool.linked_companies()
    matches = [match_company(side, _candidates(run.connector, side, spool, taken)) for side in _unlinked(spool)]
    return list(without_rivals(matches))


def match_by_person(spool: Spool, chosen: Mapping[str, int]) -> list[Match]:
    """Take a person's decisions; one that cannot be followed is ``refused`` with the reason."""
    taken = spool.linked_companies()
    unlinked = {side.customer_id: side for side in _unlinked(spool)}
    done = spool.links_of(list(chosen))
    used: set[int] = set()
    matches = []
    for key, company_id in chosen.items():
        if done.get(key) == company_id:
            continue  # adopted already, by its evidence or by an earlier use of the list
        found = spool.companies([], [company_id])
        detail = ""
        if key not in unlinked:
            detail = "no eligible customer without a link has this id"
        elif not found:
            detail = "the store has no such company"
        elif company_id in taken or company_id in used:
            detail = "the company belongs to another customer"
        elif found[0].key not in {"", key}:
            detail = f"the company carries the Customer ID {found[0].key}"
        elif found[0].record_id and found[0].record_id.casefold() != unlinked[key].record_id.casefold():
            detail = "the company carries the record id of another customer"
        elif found[0].status in {CompanyStatus.REJECTED, CompanyStatus.INACTIVE}:
            detail = "the company is closed in the store"
        used.add(company_id)
        matches.append(
            Match(
                customer_id=key,
                customer_name=unlinked[key].name if key in unlinked else "",
                company_id=company_id,
                matched_by="person",
                verdict="refused" if detail else "accepted",
                candidates=(company_id,),
                detail=detail,
            )
        )
    return matches


def _unlinked(spool: Spool) -> Iterator[ErpSide]:
    for keys in spool.keys(CHUNK):
        linked = spool.linked_keys(keys)
        for key, side in spool.erp_sides([key for key in keys if key not in linked]).items():
            if side.claim == "eligible" and key:
                yield side


def _candidates(connector: Connector, side: ErpSide, spool: Spool, taken: set[int]) -> Candidates:
    def marked(companies: Iterable[StoredCompany]) -> list[StoredCompany]:
        return [with_record(each, connector.store.record_field) for each in companies]

    reference = side.reference_id
    is_id = reference.isdecimal() and len(reference) <= 18  # noqa: PLR2004 - beyond any id of the store
    found = Candidates(
        by_reference=marked(spool.companies([], [int(reference)])) if is_id else (),
        by_key=marked(spool.companies([side.customer_id], [])),
        by_email=marked(spool.companies_by_email(side.email)) if side.email else (),
        email_claimants=spool.claimants(side.email),
        reference_claimants=spool.reference_claimants(reference) if reference else 1,
        taken=taken,
    )
    ids = {each.id for each in (*found.by_reference, *found.by_key, *found.by_email)}
    unknown = {
        user.company_id
        for user in spool.users(sorted(ids))
        if _is_unknown_admin(side, user, connector.contacts.primary_role)
    }
    return msgspec.structs.replace(found, unknown_admins=unknown)


def _is_unknown_admin(side: ErpSide, user: StoredUser, admin_role: str) -> bool:
    if user.fields.role.casefold() != admin_role.casefold() or user.key in side.contact_ids:
        return False
    known = {each.email.casefold() for each in (*(side.desired.users if side.desired else ()), *side.successors)}
    return user.fields.email.casefold() not in known


def adopted_link(
    run: Run, side: ErpSide, company: StoredCompany, spool: Spool, store: StoreSides | None
) -> AppliedCompany:
    """What the ledger is to hold of an adopted company: fields, its users by e-mail, its addresses by place.

    Args:
        run: The run.
        side: The customer.
        company: The company.
        spool: Holds its users and addresses.
        store: Where its payment settings are read, up to two requests; ``None`` leaves them out.
    """
    if side.desired is None:
        raise ValueError(f"customer {side.customer_id} is not eligible and cannot be adopted")
    users, addresses = spool.users([company.id]), spool.addresses([company.id])
    matched = match_addresses(side.desired, addresses)
    marked = [
        msgspec.structs.replace(record, fields=msgspec.structs.replace(record.fields, external_id=external_id))
        for external_id, record in matched.items()
    ]
    seen = StoreSide(
        companies=(company,),
        users=tuple(users),
        addresses=tuple(marked),
        payment=store.payment(side.desired, company.id) if store else None,
    )
    real = read_real_state(side, LedgerSide(), seen, company).applied
    # Matched by our ids, remembered with the store's own: the next sync writes ours.
    remembered = {
        key: msgspec.structs.replace(
            address, fields=msgspec.structs.replace(address.fields, external_id=matched[key].fields.external_id)
        )
        for key, address in real.addresses.items()
    }
    real = msgspec.structs.replace(real, addresses=remembered)
    is_whole = not diff_company(side.desired, real, run.connector.policy) and not uncleared(side.desired, real)
    digest = content_hash(side.desired) if is_whole else ""
    return msgspec.structs.replace(real, content_hash=digest)
