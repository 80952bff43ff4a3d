"""Whether what became of an ugly customer is written as it was, or explained with a reason and a remedy."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from customer_sync.ledger import Ledger
from customer_sync.model.outcome import REMEDIES, Reason
from real.read_erp import Value
from real.stored import Stored
from real.ugly_customers import UglyCustomer

_WRITTEN: Final = frozenset({"created", "updated", "adopted", "unchanged", "waiting"})
_LEFT_OUT: Final = frozenset({"filtered", "quarantined", "skipped"})
_NOT_COMPARED: Final = frozenset({"attention", "location.attention"})
"""What goes into the names of an address together with other values."""


def outcome_of(customer: UglyCustomer, ledger: Ledger, run_id: str) -> tuple[str, tuple[str, ...]]:
    """Outcome and reasons of a customer in a run, empty where the run decided nothing."""
    story = ledger.stories.of(customer.customer_id, runs=5)
    found = next((each for each in story.runs if each.run_id == run_id), None) if story else None
    return (found.outcome, found.reasons) if found else ("", ())


def problems_of(customer: UglyCustomer, ledger: Ledger, run_id: str, stored: Stored) -> Iterator[Value]:
    """What of a customer is neither written nor explained."""
    outcome, reasons = outcome_of(customer, ledger, run_id)
    lines = ledger.log.rows(run_id=run_id, customer_id=customer.customer_id, limit=None)
    yield from _without_remedy(lines)
    if outcome in _LEFT_OUT and reasons:
        return
    if outcome not in _WRITTEN:
        yield "outcome", f"{outcome or 'none'} ({', '.join(reasons)})", "written or explained"
        return
    explained = [(line["entity"], line["field"]) for line in lines if line["reasons"]]
    for place, value in customer.placed.items():
        ours = stored.value(customer.customer_id, place)
        if place not in _NOT_COMPARED and not _is_explained(place, explained, is_there=ours is not None):
            yield from _lost(customer, place, ours, value, stored)


def _without_remedy(lines: Sequence[Mapping[str, Any]]) -> Iterator[Value]:
    for line in lines:
        for code in filter(None, line["reasons"].split(",")):
            if code not in REMEDIES or not (line["next_step"] or REMEDIES[Reason(code)]):
                yield code, "no remedy", "a sentence that says what to do"


def _lost(customer: UglyCustomer, place: str, ours: str | None, value: str, stored: Stored) -> Iterator[Value]:
    """A value that the store holds otherwise; which of its states one became is tried with the places."""
    if ours is None:
        yield place, "not in the store", value
    elif not place.endswith(".state"):
        if not _is_same(ours, value):
            yield place, ours, value
    elif not ours:
        country = customer.placed.get(place.replace(".state", ".country"), "US")
        where = "" if stored.has_states(country) else f" of a country without states ({country})"
        yield f"{place}{where}", "empty", value


def _is_explained(place: str, explained: Sequence[tuple[str, str]], *, is_there: bool) -> bool:
    """Whether a line gives a reason for this place, or for the record that is not there."""
    entity = place.partition(".")[0] if place.startswith(("contact.", "location.")) else "customer"
    name = place.rpartition(".")[2]
    return any(entity == of and (not is_there or field.rpartition(".")[2] == name) for of, field in explained)


def _is_same(ours: str, value: str) -> bool:
    """Whether two texts are the same to a reader: blanks and invisible characters at the ends and in a row apart."""
    return _plain(ours) == _plain(value)


def _plain(text: str) -> str:
    seen = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    return " ".join(seen.split())
