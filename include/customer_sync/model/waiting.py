"""What has to happen before something that waits is tried again, in words, for every reason. Pure.

The remedy of a reason (:data:`~customer_sync.model.outcome.REMEDIES`) says what a person does; this says what the sync
looks out for, be it in the source, in the store, in the connector file or in its own next run.
"""

from __future__ import annotations

from typing import Final

from customer_sync.model.outcome import Reason

_SOURCE: Final = "{what} in the ERP"
_SOURCE_OR_FILE: Final = "{what} in the ERP, or another setting of the connector file"
_LOOKED_AT: Final = "every full run looks, and each other one that reads the customer"
_NEXT_RUN: Final = "the next run, which reads the customer again"

WAITS_FOR: Final[dict[Reason, str]] = {
    **dict.fromkeys(
        (
            Reason.EMAIL_MISSING,
            Reason.EMAIL_INVALID,
            Reason.NOT_ENABLED,
            Reason.STATUS_ON_HOLD,
            Reason.RECORD_UNREADABLE,
            Reason.NAME_MISSING,
            Reason.COUNTRY_MISSING,
            Reason.CONTACT_INACTIVE,
            Reason.CONTACT_NAME_MISSING,
            Reason.CONTACT_EMAIL_MISSING,
            Reason.CONTACT_EMAIL_INVALID,
            Reason.CONTACT_EMAIL_DUPLICATE,
            Reason.LOCATION_INACTIVE,
            Reason.LOCATION_ADDRESS_INCOMPLETE,
            Reason.ADMIN_IS_ACCOUNT,
            Reason.ADMIN_NOT_PRIMARY,
            Reason.VALUE_CUT,
            Reason.REFERENCE_CHANGED_ELSEWHERE,
            Reason.REFERENCE_REFUSED,
            Reason.NOT_IN_ERP,
        ),
        _SOURCE,
    ),
    **dict.fromkeys(
        (
            Reason.TYPE_NOT_B2B,
            Reason.CLASS_NOT_SELECTED,
            Reason.CONNECTION_TYPE_MISMATCH,
            Reason.STATUS_INACTIVE,
            Reason.PHONE_MISSING,
            Reason.COUNTRY_UNKNOWN,
            Reason.STATE_UNKNOWN,
            Reason.NO_ADMIN_CONTACT,
            Reason.CONTACT_NOT_ENABLED,
            Reason.LOCATION_NOT_ENABLED,
            Reason.LOCATION_COUNTRY_UNKNOWN,
            Reason.TERMS_NOT_MAPPED,
            Reason.VALUES_NOT_USED,
        ),
        _SOURCE_OR_FILE,
    ),
    **dict.fromkeys((Reason.STORE_RECORD_GONE, Reason.BATCH_FAILED, Reason.CHANGED_SINCE_PLAN), _NEXT_RUN),
    Reason.NOT_IN_PILOT: "another setting of the connector file",
    Reason.DELETED_IN_ERP: "the customer to be made anew in the ERP",
    Reason.SKIPPED_BY_PERSON: "a person to take the customer back on its Connector Logs page",
    Reason.HANDLED_BY_PERSON: "a change of the customer in the ERP",
    Reason.CANNOT_CLEAR: "the value to be emptied in the store and found so by a reconciliation, or {what} in the ERP",
    Reason.EMAIL_DUPLICATE: "{what} in the ERP",
    Reason.PLAN_REJECTED: "the next run, which plans the customer again",
    Reason.APPROVAL_TIMED_OUT: "the next run, which asks again",
    Reason.PARTS_NOT_READ: "the next load, which reads the company's users and addresses first",
    Reason.EMAIL_IN_USE: "{what} in the ERP",
    Reason.HELD_BY_WITHDRAWN_COMPANY: "{what} in the ERP",
    Reason.AMBIGUOUS_MATCH: f"the Customer ID to be left on one company in the store; {_LOOKED_AT}",
    Reason.ADOPTION_UNPROVEN: f"the company to be linked on the customer's page, or its key to be taken off in the "
    f"store; {_LOOKED_AT}",
    Reason.CLOSED_IN_STORE: f"the company to be approved in the store; {_LOOKED_AT}",
    Reason.ADOPTION_ASKS: "a yes when guard asks, a link by hand, or the user to be deleted in the store",
    Reason.FOREIGN_USER: "the user to be deleted in the store, or the person to become a contact in the ERP",
    Reason.REJECTED_BY_STORE: "{what} in the ERP or the connector file, or a run that retries what is in quarantine",
    **dict.fromkeys((Reason.UNANSWERED, Reason.NO_ADMIN_LEFT), "the run to be undone once more"),
    **dict.fromkeys(
        (
            Reason.GONE_FROM_STORE,
            Reason.TOUCHED_IN_STORE,
            Reason.TOUCHED_BY_LATER_RUN,
            Reason.COMPANY_GONE,
            Reason.KEY_FOLLOWS_ERP,
            Reason.NOT_KNOWN_BEFORE,
        ),
        "nothing: an undo left it as it is",
    ),
    Reason.ERP_DENIES_ACCESS: _SOURCE,
    Reason.UNDONE: "a person to resume the customer on its Connector Logs page, or a change of it in the ERP",
    Reason.OUTCOME_UNKNOWN: "the next load, which reads the record back first",
}
"""Reason -> what it waits for; ``{what}`` is a change, of a field where one is at fault."""


def waits_for(reason: str, field: str = "", holder: str = "") -> str:
    """Say what has to happen before something that waits is tried again.

    Args:
        reason: Why it waits; a code that only an older version knew waits for a change of the source.
        field: The field at fault, as people see it, ``""`` where it is none.
        holder: The customer that holds the e-mail that it waits for, ``""`` where none of ours does.
    """
    what = f"another value of {field}" if field else "a change"
    known = next((each for each in Reason if each == reason), None)
    said = (WAITS_FOR[known] if known else _SOURCE).replace("{what}", what)
    return f"{said}, or until {until}" if (until := _until(known, holder)) else said


def _until(reason: Reason | None, holder: str) -> str:
    """What somebody else has to give up first."""
    if reason is Reason.EMAIL_DUPLICATE:
        return f"customer {holder} has another one" if holder else ""
    if reason is Reason.HELD_BY_WITHDRAWN_COMPANY:
        who = f"the withdrawn company of customer {holder}" if holder else "the withdrawn company"
        return f"{who} gives the e-mail up"
    if reason is not Reason.EMAIL_IN_USE:
        return ""
    if holder:
        return f"customer {holder} gives the e-mail up"
    return "the user of a company that is not ours gives the e-mail up: asked once a day"
