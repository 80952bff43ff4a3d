"""What happened to a customer in a run, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customer_sync.model.outcome import NOT_ELIGIBLE, WAITS, Outcome, Reason
from customer_sync.reporting.customer_words import reason_in_words, reasons_in_words, record_in_words

_LEADS: Mapping[str, str] = {
    Outcome.CREATED: "Company created",
    Outcome.ADOPTED: "An existing company is the customer's from now on",
    Outcome.UPDATED: "Company changed",
    Outcome.REACTIVATED: "Company reactivated",
    Outcome.DEACTIVATED: "Company closed",
    Outcome.UNCHANGED: "Nothing to change",
    Outcome.WAITING: "Nothing written, something waits",
    Outcome.FILTERED: "Not for the store",
    Outcome.QUARANTINED: "Held back",
    Outcome.SKIPPED: "Passed over",
    Outcome.FAILED: "Failed",
    Outcome.PLANNED: "Planned only, nothing was written",
}
_WRITTEN = frozenset({Outcome.CREATED, Outcome.ADOPTED, Outcome.UPDATED, Outcome.REACTIVATED, Outcome.DEACTIVATED})


def what_became(closing: Mapping[str, Any] | None) -> str:
    """What became of a customer in a run: *Company created, 4 addresses, 1 user, terms 30 days; id written to the ERP*.

    Args:
        closing: The line of the log that closes the customer; ``None`` while the run is under way.
    """
    if closing is None:
        return "Under way"
    outcome, message, reasons = closing["outcome"], closing["message"], reasons_in_words(closing["reasons"])
    lead = _LEADS.get(outcome, reason_in_words(outcome))
    if closing["reasons"] == Reason.UNDONE and outcome in _WRITTEN:
        # The message tells which run was taken back, and what of it.
        lead, reasons = "Run taken back", ""
    if outcome in _WRITTEN:
        message = message.replace("_", " ")  # names of fields
        told = lead if not message else message if _says(message, lead) else f"{lead}: {message}"
        text = f"{told}, because: {reasons}" if reasons else told
    else:
        text = f"{lead}: {reasons}" if reasons else lead
        added = message.removeprefix(NOT_ELIGIBLE).lstrip("; ") if message != WAITS else ""
        if added and outcome not in (Outcome.UNCHANGED, Outcome.PLANNED):
            text += f" ({added})"
    return text[:1].upper() + text[1:] + "."


def _says(message: str, lead: str) -> bool:
    return message.casefold().startswith((lead.casefold(), "company", "run "))


def left_out(line: Mapping[str, Any]) -> str:
    """A finding of the log about a part: *Location WEST: address incomplete, left out*."""
    codes = [reason_in_words(code, line["entity"]) for code in line["reasons"].split(",") if code]
    record = record_in_words(line["entity"], line["record_key"])
    return f"{record}: {', '.join([*codes, line['message']] if line['message'] else codes)}"
