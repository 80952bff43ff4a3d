"""Which parts of a customer still wait for what they waited for in an earlier run."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from customer_sync.ledger import Quarantined
from customer_sync.model.company import Company, CompanyUser, content_hash, parts_of
from customer_sync.model.outcome import Finding


def waiting_parts(
    company: Company, others: Iterable[CompanyUser], held: Iterable[Quarantined], tried: str
) -> list[Quarantined]:
    """What the store refused before, or waited for an e-mail, and is the same still."""
    if not held:
        return []
    parts = parts_of(company, others)
    hashes = {part: content_hash(value) for part, value in parts.items()}
    return [
        row
        for row in held
        if row.content_hash
        and row.content_hash == (tried if row.entity == "customer" else hashes.get(f"{row.entity}:{row.key}"))
    ]


def said_again(finding: Finding) -> Finding:
    """A finding of an earlier run, told once more."""
    return msgspec.structs.replace(finding, detail=f"refused before, unchanged since: {finding.detail}")
