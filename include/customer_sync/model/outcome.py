"""Outcomes, reason codes and what to do about them.

Code, log, pages, ``docs/errors.md`` and tests all use these words; a test keeps the documentation complete.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec


class Outcome(StrEnum):
    """What became of one customer in one run. Every extracted customer has exactly one."""

    CREATED = "created"
    ADOPTED = "adopted"
    UPDATED = "updated"
    WAITING = "waiting"
    UNCHANGED = "unchanged"
    FILTERED = "filtered"
    DEACTIVATED = "deactivated"
    REACTIVATED = "reactivated"
    QUARANTINED = "quarantined"
    SKIPPED = "skipped"
    FAILED = "failed"
    PLANNED = "planned"


class Reason(StrEnum):
    """Why a customer, contact or location was not taken as it is."""

    # filter
    TYPE_NOT_B2B = "type_not_b2b"
    CLASS_NOT_SELECTED = "class_not_selected"
    EMAIL_MISSING = "email_missing"
    EMAIL_INVALID = "email_invalid"
    NOT_ENABLED = "not_enabled"
    CONNECTION_TYPE_MISMATCH = "connection_type_mismatch"
    STATUS_ON_HOLD = "status_on_hold"
    STATUS_INACTIVE = "status_inactive"
    NOT_IN_PILOT = "not_in_pilot"
    DELETED_IN_ERP = "deleted_in_erp"
    SKIPPED_BY_PERSON = "skipped_by_person"
    HANDLED_BY_PERSON = "handled_by_person"
    # transform, the store cannot hold it
    RECORD_UNREADABLE = "record_unreadable"
    NAME_MISSING = "name_missing"
    PHONE_MISSING = "phone_missing"
    COUNTRY_MISSING = "country_missing"
    COUNTRY_UNKNOWN = "country_unknown"
    STATE_UNKNOWN = "state_unknown"
    NO_ADMIN_CONTACT = "no_admin_contact"
    # transform, a part is left out
    CONTACT_NOT_ENABLED = "contact_not_enabled"
    CONTACT_INACTIVE = "contact_inactive"
    CONTACT_NAME_MISSING = "contact_name_missing"
    CONTACT_EMAIL_MISSING = "contact_email_missing"
    CONTACT_EMAIL_INVALID = "contact_email_invalid"
    CONTACT_EMAIL_DUPLICATE = "contact_email_duplicate"
    LOCATION_NOT_ENABLED = "location_not_enabled"
    LOCATION_INACTIVE = "location_inactive"
    LOCATION_ADDRESS_INCOMPLETE = "location_address_incomplete"
    LOCATION_COUNTRY_UNKNOWN = "location_country_unknown"
    TERMS_NOT_MAPPED = "terms_not_mapped"
    ADMIN_IS_ACCOUNT = "admin_is_account"
    ADMIN_NOT_PRIMARY = "admin_not_primary"
    VALUE_CUT = "value_cut"
    VALUES_NOT_USED = "values_not_used"
    CANNOT_CLEAR = "cannot_clear"
    # guard
    EMAIL_DUPLICATE = "email_duplicate"
    PLAN_REJECTED = "plan_rejected"
    APPROVAL_TIMED_OUT = "approval_timed_out"
    PARTS_NOT_READ = "parts_not_read"
    # load
    EMAIL_IN_USE = "email_in_use"
    HELD_BY_WITHDRAWN_COMPANY = "held_by_withdrawn_company"
    AMBIGUOUS_MATCH = "ambiguous_match"
    ADOPTION_UNPROVEN = "adoption_unproven"
    CLOSED_IN_STORE = "closed_in_store"
    ADOPTION_ASKS = "adoption_asks"
    FOREIGN_USER = "foreign_user"
    REJECTED_BY_STORE = "rejected_by_store"
    REFERENCE_CHANGED_ELSEWHERE = "reference_changed_elsewhere"
    REFERENCE_REFUSED = "reference_refused"
    STORE_RECORD_GONE = "store_record_gone"
    OUTCOME_UNKNOWN = "outcome_unknown"
    BATCH_FAILED = "batch_failed"
    # extract
    NOT_IN_ERP = "not_in_erp"
    # reconciliation
    CHANGED_SINCE_PLAN = "changed_since_plan"
    # undo
    UNDONE = "undone"
    TOUCHED_IN_STORE = "touched_in_store"
    TOUCHED_BY_LATER_RUN = "touched_by_later_run"
    GONE_FROM_STORE = "gone_from_store"
    ERP_DENIES_ACCESS = "erp_denies_access"
    NOT_KNOWN_BEFORE = "not_known_before"
    NO_ADMIN_LEFT = "no_admin_left"
    COMPANY_GONE = "company_gone"
    KEY_FOLLOWS_ERP = "key_follows_erp"
    UNANSWERED = "unanswered"


UNENROLLING_REASONS = frozenset(
    {
        Reason.NOT_ENABLED,
        Reason.CONNECTION_TYPE_MISMATCH,
        Reason.TYPE_NOT_B2B,
        Reason.CLASS_NOT_SELECTED,
        Reason.STATUS_INACTIVE,
        Reason.DELETED_IN_ERP,
    }
)
"""A filtered customer that has a company loses it for these; for the others the company stays as it is."""

MENDED_IN_STORE = frozenset(
    {Reason.AMBIGUOUS_MATCH, Reason.ADOPTION_UNPROVEN, Reason.CLOSED_IN_STORE, Reason.ADOPTION_ASKS}
)
"""Reasons that end when somebody changes the store, which no change of the source shows."""

WAITS_FOR_EMAIL = frozenset({Reason.EMAIL_IN_USE, Reason.HELD_BY_WITHDRAWN_COMPANY})
"""Reasons of a contact whose e-mail somebody else has."""

REFUSED_PLAN_REASONS = frozenset({Reason.PLAN_REJECTED, Reason.APPROVAL_TIMED_OUT})
"""A customer that was skipped for these is not done with: the next run plans it again."""

KEPT_BY_UNDO = frozenset({Reason.TOUCHED_IN_STORE, Reason.TOUCHED_BY_LATER_RUN, Reason.GONE_FROM_STORE})
"""Why an undo leaves a value of its run as it is: it changed since."""

IMPOSSIBLE_TO_UNDO = frozenset(
    {
        Reason.ERP_DENIES_ACCESS,
        Reason.NOT_KNOWN_BEFORE,
        Reason.NO_ADMIN_LEFT,
        Reason.COMPANY_GONE,
        Reason.KEY_FOLLOWS_ERP,
        Reason.UNANSWERED,
    }
)
"""Why an undo cannot have again what was there before its run."""

SETTLED_BY_RUNS = frozenset(
    {"", Reason.PARTS_NOT_READ, Reason.STORE_RECORD_GONE, Reason.OUTCOME_UNKNOWN, Reason.CHANGED_SINCE_PLAN}
)
"""Reasons that the next run settles by itself: nobody has to do anything."""

REMEDIES: dict[Reason, str] = {
    Reason.TYPE_NOT_B2B: "Set the customer's type to one that the connector accepts, or add it to eligibility.types.",
    Reason.CLASS_NOT_SELECTED: "Add the class to eligibility.classes in the connector file, or change the class.",
    Reason.EMAIL_MISSING: "Fill in the {email}.",
    Reason.EMAIL_INVALID: "Correct the {email}.",
    Reason.NOT_ENABLED: "Tick {enabled}.",
    Reason.CONNECTION_TYPE_MISMATCH: "Choose the connector's connection type in {connection_type}.",
    Reason.STATUS_ON_HOLD: "Release the hold on the customer; its company stays as it is until then.",
    Reason.STATUS_INACTIVE: "Activate the customer in the ERP if it should trade in the store.",
    Reason.NOT_IN_PILOT: "Add the number to eligibility.only, or empty that list to end the pilot.",
    Reason.DELETED_IN_ERP: "Nothing, if that was meant; else make the customer anew in the ERP.",
    Reason.SKIPPED_BY_PERSON: "Take the customer back on its Connector Logs page if the sync should look at it again.",
    Reason.HANDLED_BY_PERSON: "Nothing: the sync looks at the customer again when it changes in the ERP.",
    Reason.RECORD_UNREADABLE: "Open the customer in the ERP: the API sent a value that does not fit its field.",
    Reason.NAME_MISSING: "Fill in the {name}.",
    Reason.PHONE_MISSING: "Fill in {phone}, or set the connector's store.default_phone.",
    Reason.COUNTRY_MISSING: "Fill in {main_address.country}.",
    Reason.COUNTRY_UNKNOWN: "Use a country that the store lists in {main_address.country}, "
    "or map it in the connector's geography.",
    Reason.STATE_UNKNOWN: "Use a state that the store lists in {main_address.state}, "
    "or map it in the connector's geography.",
    Reason.NO_ADMIN_CONTACT: "Give the customer an active, enabled contact with name and e-mail.",
    Reason.CONTACT_NOT_ENABLED: "Tick {contact.enabled} if the person should buy in the store.",
    Reason.CONTACT_INACTIVE: "Activate the contact if the person should buy in the store.",
    Reason.CONTACT_NAME_MISSING: "Fill in the contact's {contact.first_name} and {contact.last_name}.",
    Reason.CONTACT_EMAIL_MISSING: "Fill in the contact's {contact.email}.",
    Reason.CONTACT_EMAIL_INVALID: "Correct the contact's {contact.email}.",
    Reason.CONTACT_EMAIL_DUPLICATE: "Give each contact of the customer an e-mail of its own.",
    Reason.LOCATION_NOT_ENABLED: "Tick {location.enabled} if it should be in the address book.",
    Reason.LOCATION_INACTIVE: "Activate the location if it should be in the address book.",
    Reason.LOCATION_ADDRESS_INCOMPLETE: "Complete street, city, country and, where the country has states, state.",
    Reason.LOCATION_COUNTRY_UNKNOWN: "Use a country that the store lists in {field}, "
    "or map it in the connector's geography.",
    Reason.TERMS_NOT_MAPPED: "Add the terms to the connector file if they should set payment methods in the store.",
    Reason.ADMIN_IS_ACCOUNT: "Give the customer an enabled contact with name and e-mail; it then becomes the admin.",
    Reason.ADMIN_NOT_PRIMARY: "Give the primary contact name, e-mail and switches if that person should be the admin.",
    Reason.VALUE_CUT: "Shorten {field} in the ERP; the store holds fewer characters.",
    Reason.VALUES_NOT_USED: "Leave one value in {field}; give each further person a contact of his or her own.",
    Reason.CANNOT_CLEAR: "Empty the field in the store by hand, or give it a value in the ERP: the store takes no "
    "empty value for it.",
    Reason.EMAIL_DUPLICATE: "Give each customer an e-mail of its own: {email}.",
    Reason.PLAN_REJECTED: "Correct what is wrong in the ERP or in the connector file; the next run plans it again.",
    Reason.APPROVAL_TIMED_OUT: "Answer under Required Actions in time; the next run asks again.",
    Reason.PARTS_NOT_READ: "Nothing: load reads the company's users and addresses before it changes any.",
    Reason.EMAIL_IN_USE: "A user of another company has the e-mail: change it in the ERP or free it there; "
    "the sync takes it then.",
    Reason.HELD_BY_WITHDRAWN_COMPANY: "Set policy.released_email, or free the e-mail in the store: the last user of a "
    "closed company has it.",
    Reason.AMBIGUOUS_MATCH: "Several companies in the store carry this {customer_id}: leave it on one of them.",
    Reason.ADOPTION_UNPROVEN: "Link the company on the customer's page if it is the customer's; else take its key off.",
    Reason.CLOSED_IN_STORE: "Approve the company in the store if it may trade again; the sync never reopens it.",
    Reason.ADOPTION_ASKS: "Say yes when guard asks (full runs and mode selected do), link the company by hand, or "
    "delete the user in the store.",
    Reason.FOREIGN_USER: "Delete the user in the store, or make the person a contact of the customer in the ERP.",
    Reason.REJECTED_BY_STORE: "Correct the value that the store names; the customer is tried again when it changes.",
    Reason.REFERENCE_CHANGED_ELSEWHERE: "Someone else set the {reference_id}: clear it if the company is ours.",
    Reason.REFERENCE_REFUSED: "The ERP refused the {reference_id}: read its message, correct the customer.",
    Reason.STORE_RECORD_GONE: "The record was deleted in the store; the next run makes it again.",
    Reason.OUTCOME_UNKNOWN: "The store did not say whether it stored the record; the next run reads it back first.",
    Reason.BATCH_FAILED: "Read the failed task's log; the next run takes the customer up again.",
    Reason.NOT_IN_ERP: "The ERP has no such customer, or the API user may not see it.",
    Reason.CHANGED_SINCE_PLAN: "ERP, ledger or store changed since the repair was planned; the next run plans anew.",
    Reason.UNDONE: "Mend what was wrong, then resume the customer on its page; the sync also looks again when it "
    "changes in the ERP.",
    Reason.TOUCHED_IN_STORE: "Nothing, if that edit is meant; else correct the value in the store by hand.",
    Reason.TOUCHED_BY_LATER_RUN: "Take the later run back first if its value is wrong, too.",
    Reason.GONE_FROM_STORE: "Nothing: somebody deleted the record in the store.",
    Reason.ERP_DENIES_ACCESS: "Allow the access in the ERP if it is meant; the sync then gives it.",
    Reason.NOT_KNOWN_BEFORE: "Set the value in the store by hand: what was there before the run is not known.",
    Reason.NO_ADMIN_LEFT: "Make somebody else the company's admin, then undo the run once more.",
    Reason.COMPANY_GONE: "Nothing: the company is not in the store any more.",
    Reason.KEY_FOLLOWS_ERP: "Nothing: the number is the one that the ERP gives the customer now.",
    Reason.UNANSWERED: "Sync once, so that the write is read back; then undo the run once more.",
}
"""What a person does about a reason, in one sentence; ``{main_address.state}`` is filled in by :func:`remedy`."""

_PLACEHOLDER = re.compile(r"\{([a-z0-9_.]+)\}")


def remedy(reason: Reason, words: Mapping[str, str], field: str = "") -> str:
    """Say what a person does about a reason, in the words of the source's screens.

    Args:
        reason: The reason.
        words: Neutral field -> what people see of it.
        field: The field at fault, for a remedy that is the same for all fields.
    """
    text = REMEDIES[reason]
    if "{" not in text:
        return text
    at_fault = words.get(field, field) or "the value"
    return _PLACEHOLDER.sub(lambda found: {"field": at_fault, **words}.get(found[1], found[1]), text)


Level = Literal["debug", "info", "warning", "error"]


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason found on one record, with the field at fault.

    ``entity`` is ``customer``, ``contact``, ``location`` or ``payment``; ``key`` is
    the record's own key. ``detail`` holds no personal data beyond codes and lengths. ``holder`` is the customer that
    holds what the record waits for, ``asked_at_utc`` when the store said so, if not now.
    """

    reason: Reason
    entity: str = "customer"
    key: str = ""
    field: str = ""
    detail: str = ""
    hash: str = ""
    holder: str = ""
    asked_at_utc: datetime | None = None


DONE: Final = "done"
"""What a line about an operation says that says nothing else; a story leaves it out."""

WAITS: Final = "what is left to do waits"
"""What the line says that closes a waiting customer, whichever step closes it."""

NOT_ELIGIBLE: Final = "not eligible"
"""What the line says that closes a customer which is not for the store."""


class LogEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the connector log: what happened to one record of one customer.

    ``customer_name`` is masked by the caller. ``outcome`` is set on the one line per
    customer and run that closes it; lines about a part leave it empty.
    """

    customer_id: str
    customer_name: str = ""
    entity: str = "customer"
    key: str = ""
    task: str = ""
    action: str = ""
    outcome: str = ""
    level: Level = "info"
    reasons: tuple[str, ...] = ()
    field: str = ""
    store_id: str = ""
    message: str = ""
    next_step: str = ""
    changes: str = ""
    is_journalled: bool = False
