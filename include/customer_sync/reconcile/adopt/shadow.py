"""A shadow run: compares what the sync would write with what the store holds, field by field. Writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import asdict

from customer_sync.model.company import Company, company_fields, user_fields
from customer_sync.model.operation import AppliedAddress, AppliedCompany, AppliedUser

Agreement = Counter[tuple[str, str, str]]
"""Entity, field and verdict (``equal``, ``different``, ``only_erp``, ``only_store``) -> records."""


def count_agreement(desired: Company, real: AppliedCompany, agreement: Agreement) -> None:
    """Count how far the store agrees with one desired company.

    A user or address that only one side has counts once, under the field ``(record)``;
    ``only_store`` are those that carry our mark or belong to a contact of ours.
    """
    ours = asdict(company_fields(desired))
    extra = ours.pop("extra_fields")
    have = asdict(real.fields)
    have_extra = have.pop("extra_fields")
    _count("company", ours, have, agreement)
    _count("company", {f"extra_fields.{name}": text for name, text in extra.items()}, _prefixed(have_extra), agreement)
    _count_parts("user", {user.key: asdict(user_fields(user)) for user in desired.users}, real.users, agreement)
    _count_parts("address", {each.external_id: asdict(each) for each in desired.addresses}, real.addresses, agreement)


def _prefixed(fields: Mapping[str, str]) -> dict[str, str]:
    return {f"extra_fields.{name}": text for name, text in fields.items()}


def _count_parts(
    entity: str,
    ours: Mapping[str, Mapping[str, Any]],
    real: Mapping[str, AppliedUser | AppliedAddress],
    agreement: Agreement,
) -> None:
    for key, fields in ours.items():
        record = real.get(key)
        agreement[(entity, "(record)", "equal" if record else "only_erp")] += 1
        if record:
            _count(entity, fields, asdict(record.fields), agreement)
    agreement[(entity, "(record)", "only_store")] += len(set(real) - set(ours))


def _count(entity: str, ours: Mapping[str, Any], have: Mapping[str, Any], agreement: Agreement) -> None:
    for name, value in ours.items():
        found = have.get(name)
        empty = {None, ""}
        if found == value or (found in empty and value in empty):
            verdict = "equal"
        elif found in empty:
            verdict = "only_erp"
        elif value in empty:
            verdict = "only_store"
        else:
            verdict = "different"
        agreement[(entity, name, verdict)] += 1


def agreement_rows(agreement: Agreement) -> list[dict[str, Any]]:
    """The counts as rows, one per entity and field, the least agreement first."""
    places: Iterable[tuple[str, str]] = dict.fromkeys((entity, field) for entity, field, _ in agreement)
    rows = []
    for entity, field in places:
        counts = {each: agreement[(entity, field, each)] for each in ("equal", "different", "only_erp", "only_store")}
        total = sum(counts.values())
        if total:
            rows.append({"entity": entity, "field": field, **counts, "agreement": counts["equal"] / total})
    return sorted(rows, key=lambda row: (row["agreement"], row["entity"], row["field"]))
