"""What is special about each action: one declared rule per action. (write protocol: docs/reliability.md)"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from customer_sync.errors import SyncError
from customer_sync.loading import address_writes, company_writes, setting_writes, user_writes
from customer_sync.loading.context import LoadContext
from customer_sync.loading.customer_load import Part
from customer_sync.loading.refusals import quarantine_part
from customer_sync.model.operation import Action

Confirm = Callable[[Sequence[Part], Sequence[int | None]], None]
Refuse = Callable[[LoadContext, Part, SyncError], None]


class ActionRule(NamedTuple):
    """One action.

    Attributes:
        confirm: Remembers in each load's ``applied`` what was done; gets the ids of the records.
        refused: Decides what becomes of a customer whose single operation was refused.
        look_up: Finds the ids of records that were made although the answer names none; runs in a worker thread.
        find_made: Finds and links the records that exist already, and names their keys. An action without it may be
            repeated without looking: it leads to the same state however often it is sent.
    """

    confirm: Confirm
    refused: Refuse
    look_up: Callable[[LoadContext, Sequence[Part]], Sequence[int | None]] | None = None
    find_made: Callable[[LoadContext, Sequence[Part]], set[str]] | None = None


ACTIONS: Final[Mapping[Action, ActionRule]] = {
    Action.CREATE_COMPANY: ActionRule(
        company_writes.confirm_created,
        company_writes.refuse_creation,
        company_writes.look_up_companies,
        company_writes.find_made_companies,
    ),
    Action.UPDATE_COMPANY: ActionRule(company_writes.confirm_updated, company_writes.refuse_update),
    Action.CREATE_USER: ActionRule(
        user_writes.confirm_created,
        user_writes.refuse_creation,
        user_writes.look_up_users,
        user_writes.find_made_users,
    ),
    Action.CREATE_ADDRESS: ActionRule(
        address_writes.confirm_created,
        quarantine_part,
        address_writes.look_up_addresses,
        address_writes.find_made_addresses,
    ),
    Action.SET_STATUS: ActionRule(company_writes.confirm_status, company_writes.refuse_status),
    Action.DELETE_COMPANY: ActionRule(company_writes.confirm_deleted, quarantine_part),
    Action.UPDATE_USER: ActionRule(user_writes.confirm_updated, user_writes.refuse_update),
    Action.DELETE_USER: ActionRule(user_writes.confirm_deleted, quarantine_part),
    Action.UPDATE_ADDRESS: ActionRule(address_writes.confirm_updated, address_writes.refuse_update),
    Action.DELETE_ADDRESS: ActionRule(address_writes.confirm_deleted, quarantine_part),
    Action.SET_PAYMENT_METHODS: ActionRule(setting_writes.confirm_methods, quarantine_part),
    Action.SET_PAYMENT_TERMS: ActionRule(setting_writes.confirm_terms, quarantine_part),
    Action.WRITE_REFERENCE: ActionRule(setting_writes.confirm_reference, setting_writes.refuse_reference),
}
"""Action -> its rule, in the order in which a load sends what may go at the same time."""
