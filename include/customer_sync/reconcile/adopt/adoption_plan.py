"""Adopt companies that another connector made: match them, and have the ledger link them with all their parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from customer_sync.model.company import content_hash
from customer_sync.model.operation import AppliedCompany
from customer_sync.planning.diff import diff_company, uncleared
from customer_sync.reconcile.adopt.matching import Candidates, Match, match_addresses, match_company, without_rivals
from customer_sync.reconcile.compare.real_state import read_real_state
from customer_sync.reconcile.compare.sides import ErpSide, LedgerSide, StoreSide
from customer_sync.reconcile.compare.spool import Spool
from customer_sync.reconcile.compare.target_side import StoreSides
from customer_sync.run import Run
from customer_sync.targets.port import StoredCompany

CHUNK = 250


def match_all(spool: Spool) -> list[Match]:
    """Match every eligible customer that has no link, in key order."""
    taken = spool.linked_companies()
    matches = [match_company(side, _candidates(side, spool, taken)) for side in _unlinked(spool)]
    return list(without_rivals(matches))


def match_by_person(spool: Spool, chosen: Mapping[str, int]) -> list[Match]:
    """Take a person's decisions; one that cannot be followed is ``refused`` with the reason."""
    taken = spool.linked_companies()
    unlinked = {side.customer_id: side for side in _unlinked(spool)}
    used: set[int] = set()
    matches = []
    for key, company_id in chosen.items():
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


def _candidates(side: ErpSide, spool: Spool, taken: set[int]) -> Candidates:
    reference = side.reference_id
    is_id = reference.isdecimal() and len(reference) <= 18  # noqa: PLR2004 - beyond any id of the store
    return Candidates(
        by_reference=spool.companies([], [int(reference)]) if is_id else (),
        by_key=spool.companies([side.customer_id], []),
        by_email=spool.companies_by_email(side.email) if side.email else (),
        email_claimants=spool.claimants(side.email),
        taken=taken,
    )


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
    real = read_real_state(side, LedgerSide(), seen, company, run.connector.geography).applied
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
