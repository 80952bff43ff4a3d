"""Classes of difference between ERP, ledger and store, and what may be done about each. Pure.

The ledger, the report, ``docs/reconcile.md`` and the tests all use these codes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class DifferenceClass(StrEnum):
    """What a comparison of ERP, ledger and store says of a company or one of its parts."""

    EQUAL = "equal"
    MISSING_IN_STORE = "missing_in_store"
    MISSING_IN_LEDGER = "missing_in_ledger"
    EXTRA_IN_STORE = "extra_in_store"
    FOREIGN = "foreign"
    ERP_CHANGED = "erp_changed"
    DRIFT = "drift"
    WRITE_LOST = "write_lost"
    DUPLICATE_KEY = "duplicate_key"
    USER_OF_OTHER_COMPANY = "user_of_other_company"
    ORPHANED_CHILD = "orphaned_child"
    REFERENCE_MISMATCH = "reference_mismatch"
    DELETED_IN_ERP = "deleted_in_erp"
    LINK_UNPROVEN = "link_unproven"
    FOREIGN_USER = "foreign_user"
    HELD_BY_WITHDRAWN = "held_by_withdrawn"
    WAIT_IS_OVER = "wait_is_over"
    WAITING = "waiting"


class RepairAction(StrEnum):
    """What is done about a class: nothing but report it, write ours again, take theirs, or withdraw the company."""

    REPORT = "report"
    REAPPLY = "reapply"
    ADOPT = "adopt"
    UNENROL = "unenrol"


_REPORT, _REAPPLY, _ADOPT, _UNENROL = RepairAction

REPAIRS: dict[DifferenceClass, frozenset[RepairAction]] = {
    DifferenceClass.MISSING_IN_STORE: frozenset({_REPORT, _REAPPLY}),
    DifferenceClass.MISSING_IN_LEDGER: frozenset({_REPORT, _ADOPT}),
    DifferenceClass.EXTRA_IN_STORE: frozenset({_REPORT, _UNENROL}),
    DifferenceClass.ERP_CHANGED: frozenset({_REPORT, _REAPPLY}),
    DifferenceClass.DRIFT: frozenset({_REPORT, _REAPPLY, _ADOPT}),
    DifferenceClass.WRITE_LOST: frozenset({_REPORT, _REAPPLY}),
    DifferenceClass.DUPLICATE_KEY: frozenset({_REPORT}),
    DifferenceClass.USER_OF_OTHER_COMPANY: frozenset({_REPORT}),
    DifferenceClass.ORPHANED_CHILD: frozenset({_REPORT, _REAPPLY}),
    DifferenceClass.REFERENCE_MISMATCH: frozenset({_REPORT, _REAPPLY}),
    DifferenceClass.DELETED_IN_ERP: frozenset({_REPORT, _UNENROL}),
    DifferenceClass.LINK_UNPROVEN: frozenset({_REPORT}),
    DifferenceClass.FOREIGN_USER: frozenset({_REPORT}),
    DifferenceClass.HELD_BY_WITHDRAWN: frozenset({_REPORT}),
    DifferenceClass.WAIT_IS_OVER: frozenset({_REPORT, _REAPPLY}),
    DifferenceClass.WAITING: frozenset({_REPORT}),
}
"""Classes that are findings, and the actions that each allows; ``equal`` and ``foreign`` are counted, never touched."""


def repair_choices() -> list[str]:
    """Every repair that can be asked for, as ``class=action``."""
    return [
        f"{kind}={action}"
        for kind, actions in REPAIRS.items()
        for action in RepairAction
        if action in actions and action is not RepairAction.REPORT
    ]


MEANINGS: dict[DifferenceClass, str] = {
    DifferenceClass.EQUAL: "ERP, ledger and store say the same",
    DifferenceClass.MISSING_IN_STORE: "eligible in the ERP, absent from the store",
    DifferenceClass.MISSING_IN_LEDGER: "ours and in the store; the ledger does not know it, or an older value",
    DifferenceClass.EXTRA_IN_STORE: "a company with our key that trades although its customer is not eligible",
    DifferenceClass.FOREIGN: "no key of ours and no link: never touched",
    DifferenceClass.ERP_CHANGED: "the ERP changed since it was last written; the store still holds what we wrote",
    DifferenceClass.DRIFT: "someone else changed it in the store after our last write",
    DifferenceClass.WRITE_LOST: "the store does not hold what our last write put there, and nobody wrote since",
    DifferenceClass.DUPLICATE_KEY: "more than one company carries the Customer ID",
    DifferenceClass.USER_OF_OTHER_COMPANY: "the contact's e-mail belongs to a user of another company",
    DifferenceClass.ORPHANED_CHILD: "a user or address with our mark, without a contact or location in the ERP",
    DifferenceClass.REFERENCE_MISMATCH: "the ERP's Commerce Reference ID is missing or names another company",
    DifferenceClass.DELETED_IN_ERP: "its customer was deleted in the ERP, the company still trades",
    DifferenceClass.LINK_UNPROVEN: "linked, or with the number, and too little says that it is the customer's",
    DifferenceClass.FOREIGN_USER: "a user whom the ERP does not know, and who is an Admin or against the policy",
    DifferenceClass.HELD_BY_WITHDRAWN: "the contact's e-mail belongs to a user of a company that does not trade",
    DifferenceClass.WAIT_IS_OVER: "a contact waits for its e-mail, and nobody holds that any more",
    DifferenceClass.WAITING: "a customer, or a part of it, is not in the store as it should be, since it waits",
}
"""What each class means, in words."""

REMEDIES: dict[DifferenceClass, str] = {
    DifferenceClass.MISSING_IN_STORE: "Reapply: it is created again. For one in quarantine, see there what to correct.",
    DifferenceClass.MISSING_IN_LEDGER: "Adopt: the ledger takes over what the store holds; nothing is written there.",
    DifferenceClass.EXTRA_IN_STORE: "Un-enrol: the company is withdrawn as policy.customer says.",
    DifferenceClass.ERP_CHANGED: "The next sync writes it; reapply does so at once.",
    DifferenceClass.DRIFT: "Reapply to write the ERP's value, or adopt to leave the store's until the ERP changes.",
    DifferenceClass.WRITE_LOST: "Reapply: it is written again and confirmed.",
    DifferenceClass.DUPLICATE_KEY: "Leave the Customer ID on one company and clear or delete the others in the store.",
    DifferenceClass.USER_OF_OTHER_COMPANY: "Change the contact's e-mail in the ERP, or delete the other user.",
    DifferenceClass.ORPHANED_CHILD: "Reapply: it is deleted under policy.contact or policy.location.",
    DifferenceClass.REFERENCE_MISMATCH: "Reapply: the company's id is written into the customer.",
    DifferenceClass.DELETED_IN_ERP: "Un-enrol: the company is withdrawn as policy.customer says.",
    DifferenceClass.LINK_UNPROVEN: "Link or unlink it on the customer's page; nothing of it is repaired.",
    DifferenceClass.FOREIGN_USER: "Delete or demote the user in the store, or make the person a contact in the ERP.",
    DifferenceClass.HELD_BY_WITHDRAWN: "Delete the user of the withdrawn company in the store, or change the e-mail.",
    DifferenceClass.WAIT_IS_OVER: "Reapply: the user is made; a sync does so by itself, at the latest a day later.",
    DifferenceClass.WAITING: "See what it waits for; customer-sync explain names the next step.",
}
"""What a person does about a class, in a sentence or two."""


class Standing(StrEnum):
    """A customer's result; every customer that ERP, ledger or store know has exactly one: the balance."""

    EQUAL = "equal"
    DIFFERENT = "different"
    ACCEPTED = "accepted"
    NOT_ELIGIBLE = "not_eligible"
    WITHDRAWN = "withdrawn"
    KEPT = "kept"
    QUARANTINED = "quarantined"
    WAITING = "waiting"
    SET_ASIDE = "set_aside"
    UNSETTLED = "unsettled"


STANDING_MEANINGS: dict[Standing, str] = {
    Standing.EQUAL: "eligible; ERP, ledger and store say the same",
    Standing.DIFFERENT: "at least one difference",
    Standing.ACCEPTED: "the store's values were adopted; the ERP has not changed since",
    Standing.NOT_ELIGIBLE: "not eligible, and no company in the store",
    Standing.WITHDRAWN: "no longer eligible or gone; its company is withdrawn, or left by policy",
    Standing.KEPT: "not eligible for now; its company is kept as it was, and is as it was",
    Standing.QUARANTINED: "eligible; waits as a whole: the quarantine says why it is not in the store as it should be",
    Standing.WAITING: "eligible; as it should be, but for parts that wait",
    Standing.SET_ASIDE: "a person took it out of the sync: neither compared nor repaired",
    Standing.UNSETTLED: "being written, or changing while it was read: not compared in this run",
}
"""What each standing means, in words."""


class Difference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One difference, on one record or one field of it.

    ``entity`` is ``customer``, ``contact``, ``location``, ``payment`` or ``reference``;
    ``key`` is the ContactID or the address's external id. ``erp``, ``ledger`` and
    ``store`` are the three values where a field differs, unmasked.
    """

    kind: DifferenceClass
    customer_id: str
    entity: str = "customer"
    key: str = ""
    company_id: int = 0
    store_id: int = 0
    field: str = ""
    erp: Any = None
    ledger: Any = None
    store: Any = None
    detail: str = ""
