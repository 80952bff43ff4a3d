"""Which company of a store that somebody else filled belongs to which customer. Pure.

By the evidence that the sync asks for (docs/people.md#adoption), never by name. What one sign alone speaks for, and
what is ambiguous, is left to a person, who may approve a whole list at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from customer_sync.loading.adoption_evidence import Claimant, Weighed, judge
from customer_sync.model.company import Address, Company, CompanyStatus
from customer_sync.model.outcome import Reason
from customer_sync.reconcile.compare.sides import ErpSide
from customer_sync.targets.port import StoredAddress, StoredCompany

Verdict = Literal["accepted", "proposed", "ambiguous", "none", "refused"]
"""``accepted``: proven; ``proposed``: one company, and too little speaks for it without a person's yes."""


class Match(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One customer's match: ``matched_by`` names what speaks for it, such as ``key, e-mail``, or ``person``."""

    customer_id: str
    customer_name: str = ""
    company_id: int = 0
    matched_by: str = ""
    verdict: Verdict = "none"
    candidates: tuple[int, ...] = ()
    detail: str = ""


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """Companies that may be a customer's: by its reference id, by our key, by its Account Email.

    ``email_claimants`` is the number of customers with that Account Email, ``reference_claimants`` of those with that
    reference id; ``taken`` are the companies that are linked to other customers, ``unknown_admins`` those with an Admin
    whom the ERP does not know.
    """

    by_reference: Sequence[StoredCompany] = ()
    by_key: Sequence[StoredCompany] = ()
    by_email: Sequence[StoredCompany] = ()
    email_claimants: int = 1
    reference_claimants: int = 1
    unknown_admins: Collection[int] = ()
    taken: Collection[int] = ()


def match_company(erp: ErpSide, found: Candidates) -> Match:
    """Match one customer that has no link.

    A company is accepted by the same evidence as in a sync. One that only one sign speaks for, or that has an Admin
    whom the ERP does not know, is proposed: a person's list adopts it. Several are ambiguous, and so is an Account
    Email that several customers share. One that is linked, or whose key names another customer, is nobody else's.
    """
    customer = Claimant(
        customer_id=erp.customer_id,
        record_id=erp.record_id,
        email=erp.email if found.email_claimants <= 1 else "",
        reference_id=erp.reference_id if found.reference_claimants <= 1 else "",
    )
    free = {
        each.id: each
        for each in (*found.by_reference, *found.by_key, *found.by_email)
        if each.id not in found.taken and each.key in {"", erp.customer_id}
    }
    weighed = {company_id: judge(each, customer) for company_id, each in free.items()}
    proven = [company_id for company_id, each in weighed.items() if each.against is None]
    if len(proven) == 1:
        (company_id,) = proven
        is_open = company_id not in found.unknown_admins
        detail = "" if is_open else "it has an Admin whom the ERP does not know"
        return _match(erp, "accepted" if is_open else "proposed", proven, weighed[company_id].in_words, detail=detail)
    possible = [key for key, each in weighed.items() if _is_possible(free[key], each)]
    if len(possible) == 1:
        (company_id,) = possible
        each = weighed[company_id]
        if each.against is Reason.CLOSED_IN_STORE:
            return _match(erp, "refused", possible, each.in_words, detail="the company is closed in the store")
        if each.signs:
            return _match(erp, "proposed", possible, each.in_words, detail="nothing else speaks for it")
        return _match(erp, "ambiguous", possible, detail="several customers have this Account Email or reference id")
    return _match(erp, "ambiguous" if possible else "none", possible, detail="several companies" if possible else "")


def _is_possible(company: StoredCompany, weighed: Weighed) -> bool:
    """Whether a person may have to decide about a company; what anybody can fill in makes none of a stranger's."""
    if company.status is CompanyStatus.PENDING and weighed.against is not None:
        return "reference id" in weighed.signs
    return not company.record_id or weighed.against is not Reason.ADOPTION_UNPROVEN


def _match(erp: ErpSide, verdict: Verdict, ids: Iterable[int], sign: str = "", *, detail: str = "") -> Match:
    found = tuple(sorted(ids))
    return Match(
        customer_id=erp.customer_id,
        customer_name=erp.name,
        company_id=found[0] if verdict in {"accepted", "proposed", "refused"} else 0,
        matched_by=sign,
        verdict=verdict,
        candidates=found,
        detail=detail,
    )


def without_rivals(matches: Sequence[Match]) -> Iterator[Match]:
    """Make ambiguous what several customers were matched with; who is proven stays against who is proposed."""
    claims = Counter((match.verdict, match.company_id) for match in matches)
    for match in matches:
        proven, proposed = (claims[verdict, match.company_id] for verdict in ("accepted", "proposed"))
        rivals = proven if match.verdict == "accepted" else proven + proposed
        if match.verdict in {"accepted", "proposed"} and rivals > 1:
            detail = "another customer matches this company too"
            yield msgspec.structs.replace(match, verdict="ambiguous", company_id=0, matched_by="", detail=detail)
        else:
            yield match


def match_addresses(desired: Company, addresses: Sequence[StoredAddress]) -> dict[str, StoredAddress]:
    """Find which address of an adopted company belongs to which location; each is used once.

    By our external id, by the location's id alone, then by the place itself: street,
    city, postal code and country, first where also the billing and shipping flags agree.
    """
    left = {each.id: each for each in addresses}
    found: dict[str, StoredAddress] = {}
    rules: tuple[Callable[[Address, StoredAddress], bool], ...] = (
        lambda ours, have: have.fields.external_id == ours.external_id,
        lambda ours, have: bool(key := have.fields.external_id) and key == ours.external_id.rpartition(":")[2],
        lambda ours, have: _place(ours) == _place(have.fields) and _flags(ours) == _flags(have.fields),
        lambda ours, have: _place(ours) == _place(have.fields),
    )
    for rule in rules:
        for address in desired.addresses:
            if address.external_id in found:
                continue
            record = next((each for each in left.values() if rule(address, each)), None)
            if record is not None:
                found[address.external_id] = left.pop(record.id)
    return found


def _place(address: Address) -> tuple[str, ...]:
    parts = (address.address_line1, address.city, address.zip_code, address.country_code)
    return tuple(" ".join(part.split()).casefold() for part in parts)


def _flags(address: Address) -> tuple[bool, bool]:
    return address.is_billing, address.is_shipping
