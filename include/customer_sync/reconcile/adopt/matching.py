"""Which company of a store that somebody else filled belongs to which customer. Pure.

By Commerce Reference ID, by our key, by the company's e-mail (exact, without regard
to case); never by name. What is ambiguous is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from customer_sync.model.company import Address, Company, CompanyStatus
from customer_sync.reconcile.compare.sides import ErpSide
from customer_sync.targets.port import StoredAddress, StoredCompany

Verdict = Literal["accepted", "ambiguous", "none", "refused"]


class Match(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One customer's match: ``matched_by`` is ``reference``, ``key``, ``email`` or ``person``."""

    customer_id: str
    customer_name: str = ""
    company_id: int = 0
    matched_by: str = ""
    verdict: Verdict = "none"
    candidates: tuple[int, ...] = ()
    detail: str = ""


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """Companies that may be a customer's: by its reference id, by our key, by its Account Email.

    ``email_claimants`` is the number of customers with that Account Email; ``taken``
    are the companies that are linked to other customers.
    """

    by_reference: Sequence[StoredCompany] = ()
    by_key: Sequence[StoredCompany] = ()
    by_email: Sequence[StoredCompany] = ()
    email_claimants: int = 1
    taken: Collection[int] = ()


def match_company(erp: ErpSide, found: Candidates) -> Match:
    """Match one customer that has no link.

    The strongest sign decides: reference id, then key, then e-mail. Two companies for
    one sign, two signs that name different companies, or an Account Email that several
    customers share are ambiguous. A company that is linked, or whose key names another
    customer, is nobody else's; one that waits for approval is matched by the reference id only.
    """
    signs = {"reference": found.by_reference, "key": found.by_key, "email": found.by_email}
    free = {
        sign: [
            each
            for each in records
            # Anybody who registers in the shop can fill in a key and an e-mail.
            if (sign == "reference" or each.status is not CompanyStatus.PENDING)
            and each.id not in found.taken
            and each.key in {"", erp.customer_id}
        ]
        for sign, records in signs.items()
    }
    strong = {each.id for sign in ("reference", "key") for each in free[sign]}
    if len(strong) > 1:
        return _match(erp, "ambiguous", strong, detail="reference id and key name different companies")
    for sign in ("reference", "key"):
        if free[sign]:
            return _match(erp, "accepted", strong, sign)
    by_email = {each.id for each in free["email"]}
    if not by_email:
        return _match(erp, "none", ())
    if len(by_email) > 1:
        return _match(erp, "ambiguous", by_email, detail="several companies have this e-mail")
    if found.email_claimants > 1:
        return _match(erp, "ambiguous", by_email, detail="several customers have this Account Email")
    return _match(erp, "accepted", by_email, "email")


def _match(erp: ErpSide, verdict: Verdict, ids: Iterable[int], sign: str = "", *, detail: str = "") -> Match:
    found = tuple(sorted(ids))
    return Match(
        customer_id=erp.customer_id,
        customer_name=erp.name,
        company_id=found[0] if verdict == "accepted" else 0,
        matched_by=sign,
        verdict=verdict,
        candidates=found,
        detail=detail,
    )


def without_rivals(matches: Sequence[Match]) -> Iterator[Match]:
    """Make ambiguous what several customers were matched with."""
    claims: dict[int, int] = {}
    for match in matches:
        if match.verdict == "accepted":
            claims[match.company_id] = claims.get(match.company_id, 0) + 1
    for match in matches:
        if match.verdict == "accepted" and claims[match.company_id] > 1:
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
