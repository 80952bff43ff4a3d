"""What a customer is now, what waits and what to do, in words for people who do not know the codes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from customer_sync.ledger.story.customer_facts import CustomerFacts, HeldPart
from customer_sync.model.company import CompanyStatus
from customer_sync.model.outcome import REFUSED_PLAN_REASONS, REMEDIES, Outcome, Reason, remedy
from customer_sync.model.waiting import waits_for
from customer_sync.planning.set_aside import reason_of_mark

Tone = Literal["good", "calm", "warm", "bad"]

_PLACES: Mapping[int, tuple[Tone, str]] = {
    int(CompanyStatus.UNKNOWN): ("calm", "Being made in the store"),
    int(CompanyStatus.PENDING): ("calm", "Pending in the store"),
    int(CompanyStatus.APPROVED): ("good", "In the store"),
    int(CompanyStatus.REJECTED): ("calm", "Rejected in the store"),
    int(CompanyStatus.INACTIVE): ("calm", "Closed in the store"),
}
_MARKS = {"skip": "Left alone by hand", "handled": "Handled by hand", "undone": "Undone, left alone"}
_WORDS = {"email": "e-mail", "erp": "ERP"}
_PHRASES: Mapping[str, str] = {
    Reason.TYPE_NOT_B2B: "type is not B2B",
    Reason.CLASS_NOT_SELECTED: "class is not synced",
    Reason.NOT_ENABLED: "not enabled for commerce",
    Reason.CONNECTION_TYPE_MISMATCH: "another connection type",
    Reason.STATUS_ON_HOLD: "on hold",
    Reason.STATUS_INACTIVE: "inactive",
    Reason.SKIPPED_BY_PERSON: "skipped by hand",
    Reason.HANDLED_BY_PERSON: "handled by hand",
    Reason.TERMS_NOT_MAPPED: "terms that the connector does not know",
    Reason.ADMIN_IS_ACCOUNT: "the account is the admin, no contact can be",
    Reason.ADMIN_NOT_PRIMARY: "the admin is not the primary contact",
    Reason.VALUE_CUT: "too long for the store, cut",
    Reason.VALUES_NOT_USED: "more values than are used",
    Reason.CANNOT_CLEAR: "emptied in the ERP, not in the store",
    Reason.PARTS_NOT_READ: "not read yet",
    Reason.HELD_BY_WITHDRAWN_COMPANY: "a closed company has the e-mail",
    Reason.AMBIGUOUS_MATCH: "several companies match",
    Reason.ADOPTION_UNPROVEN: "a company matches, without proof",
    Reason.ADOPTION_ASKS: "a company that exists would be taken over",
    Reason.CLOSED_IN_STORE: "closed in the store by somebody else",
    Reason.OUTCOME_UNKNOWN: "the store has not answered",
    Reason.BATCH_FAILED: "the run did not get through",
    Reason.NOT_IN_ERP: "the ERP does not have it",
}
"""Codes that are no words for people."""

_REFUSED = frozenset(map(str, REFUSED_PLAN_REASONS))


class StateNow(NamedTuple):
    """A customer's state: how much it worries, and in words."""

    tone: Tone
    words: str


def place_in_words(status: int | None) -> StateNow:
    """Where a company stands in the store."""
    words: tuple[Tone, str] = ("calm", "No company")
    return StateNow(*(words if status is None else _PLACES.get(status, words)))


def state_now(facts: CustomerFacts) -> StateNow:
    """What a customer is now."""
    if facts.mark:
        return StateNow("calm", _MARKS.get(facts.mark, "Left alone"))
    return _trouble(facts) or _rest(facts)


def _trouble(facts: CustomerFacts) -> StateNow | None:
    if facts.failed_since_utc:
        return StateNow("warm", "Plan refused") if facts.reasons in _REFUSED else StateNow("bad", "Failed")
    if any(part.entity == "customer" and part.attempts for part in facts.held):
        return StateNow("warm", "Held back")
    if not facts.held:
        return None
    count = len(facts.held)
    waits = f"{count} {'part waits' if count == 1 else 'parts wait'}"
    return StateNow("warm", f"{place_in_words(facts.status).words}, {waits}")


def _rest(facts: CustomerFacts) -> StateNow:
    if facts.company_id is not None:
        return place_in_words(facts.status)
    if facts.not_eligible or facts.outcome == Outcome.FILTERED:
        return StateNow("calm", "Not for the store")
    return StateNow("calm", "Planned" if facts.outcome == Outcome.PLANNED else "Not decided yet")


def part_in_words(part: HeldPart) -> str:
    """What waits, and why: *Location WEST: address incomplete*."""
    return f"{record_in_words(part.entity, part.key)}: {reason_in_words(part.reason, part.entity)}"


def record_in_words(entity: str, key: str) -> str:
    """A record's name: *Contact 100021*."""
    return entity.replace("_", " ").capitalize() + (f" {key}" if key and entity != "customer" else "")


def reason_in_words(code: str, entity: str = "") -> str:
    """A reason's code as words, without the record that it is about."""
    if code in _PHRASES:
        return _PHRASES[code]
    words = code.removeprefix(f"{entity}_").split("_")
    return " ".join(_WORDS.get(word, word) for word in words)


def reasons_in_words(codes: str) -> str:
    """Several codes, joined by commas, as words."""
    return ", ".join(reason_in_words(code) for code in codes.split(",") if code)


def waits_in_words(facts: CustomerFacts) -> list[str]:
    """All that waits, one sentence each."""
    if facts.mark:
        return []
    waits = [part_in_words(part) for part in facts.held]
    if facts.failed_since_utc and not facts.held:
        waits.append(f"The next run: {reasons_in_words(facts.reasons) or 'this one did not finish'}")
    return waits


def until_in_words(part: HeldPart, words: Mapping[str, str]) -> str:
    """What has to happen before a part is tried again, in the words of the source's screens."""
    return f"Waits for {waits_for(part.reason, words.get(part.field, part.field), part.holder_id)}."


def next_step_now(facts: CustomerFacts, words: Mapping[str, str]) -> str:
    """What a person does about a customer first; ``""`` where nothing is to be done.

    Args:
        facts: The customer.
        words: Neutral field -> what people see of it in the source.
    """
    if facts.mark:
        return "" if facts.mark == "handled" else remedy(reason_of_mark(facts.mark), words)
    if facts.failed_since_utc:
        found = [each for code in facts.reasons.split(",") if (each := step_for(code, words))]
        return found[0] if found else remedy(Reason.BATCH_FAILED, words)
    steps = [step_for(part.reason, words, part.field) for part in facts.held]
    if not facts.held and facts.company_id is None:
        steps = [step_for(code, words) for code in (facts.not_eligible or facts.reasons).split(",")]
    return next(filter(None, steps), "")


def step_for(code: str, words: Mapping[str, str], field: str = "") -> str:
    """What a person does about a reason; ``""`` for a code that only an older version knew."""
    return next((remedy(reason, words, field) for reason in REMEDIES if reason == code), "")
