"""Log entries in words: decisions, findings, planned changes, results; names and values masked as configured. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from customer_sync.model.company import CompanyStatus, content_hash
from customer_sync.model.fields import MaskKind
from customer_sync.model.operation import CREATIONS, Action, ConfirmedWrite, Operation, ReferenceOperation, entity_of
from customer_sync.model.outcome import (
    DONE,
    IMPOSSIBLE_TO_UNDO,
    KEPT_BY_UNDO,
    REMEDIES,
    Finding,
    Level,
    LogEntry,
    Outcome,
    Reason,
    remedy,
)
from customer_sync.one_line import one_line
from customer_sync.redaction import kind_of_key, mask_email, mask_name, mask_phone, mask_text
from customer_sync.settings.connector import Connector, Masking
from customer_sync.settings.target_section import TargetSection

_INFORMING = frozenset(
    {Reason.ADMIN_IS_ACCOUNT, Reason.ADMIN_NOT_PRIMARY, Reason.CONTACT_NOT_ENABLED, Reason.LOCATION_NOT_ENABLED}
    | {Reason.CONTACT_INACTIVE, Reason.LOCATION_INACTIVE, Reason.TERMS_NOT_MAPPED, Reason.VALUES_NOT_USED}
    | KEPT_BY_UNDO
    | IMPOSSIBLE_TO_UNDO
)
"""Findings that are somebody's choice and need no attention; what an undo leaves is none either."""

_EFFECTS = {
    Reason.ADMIN_IS_ACCOUNT: "no contact can be the admin: the account itself is",
    Reason.ADMIN_NOT_PRIMARY: "the primary contact cannot be the admin: this contact is",
    Reason.VALUE_CUT: "cut",
    Reason.VALUES_NOT_USED: "the first value is used, the others are not",
    Reason.TOUCHED_IN_STORE: "kept as it is, since somebody changed it in the store after the run",
    Reason.TOUCHED_BY_LATER_RUN: "kept as it is, since a later run wrote it anew",
    Reason.GONE_FROM_STORE: "not taken back, since somebody deleted it",
    **dict.fromkeys(IMPOSSIBLE_TO_UNDO, "cannot be taken back"),
    Reason.TERMS_NOT_MAPPED: "what earlier terms gave goes off; other payment methods and terms are left as they are",
}

_WITHOUT_KEY = frozenset({"customer", "payment", "reference"})
"""Entities of which a customer has one."""

ID_OF_NEW_COMPANY = "id of the new company"
"""Stands in a plan for what only the store can say."""

LOG_COLUMNS = (
    "logged_at_utc",
    "connector_id",
    "run_id",
    "task",
    "try_number",
    "customer_id",
    "customer_name",
    "entity",
    "record_key",
    "action",
    "outcome",
    "level",
    "reasons",
    "field",
    "store_id",
    "message",
    "next_step",
    "changes",
)
"""Columns of the log where it is a file, in order; ``changes`` is JSON: field -> [old, new], masked as in the log."""

MAX_SHOWN = 80

_NO_CHANGES = "{}"

_MOST_NAMES = 1024
"""So many names of fields are remembered; extra fields bear names that others choose."""


def shown_name(name: str, masking: Masking) -> str:
    """A customer's name as it may stand in a log."""
    line = " ".join(name[: 2 * MAX_SHOWN].split())
    return mask_name(line) if masking.names else line[:MAX_SHOWN]


def masked_changes(operation: Operation, connector: Connector) -> dict[str, list[Any]]:
    """Field -> [old, new] of an operation, values masked as the store's field table says.

    What a new record leaves empty is not named.
    """
    values, before = operation.values, operation.before
    masks = _masks_of(connector)
    if not before:
        # Texts and switches of new records are nearly all that is ever shown: they go the short way.
        return {
            name: [
                None,
                value and masks[name](value)
                if value.__class__ is str
                else value
                if value.__class__ is bool
                else masks.shown(name, value),
            ]
            for name, value in values.items()
            if value or operation.action not in CREATIONS
        }
    return {name: [masks.shown(name, before.get(name)), masks.shown(name, value)] for name, value in values.items()}


def masked_value(name: str, value: Any, connector: Connector) -> Any:
    """A field's value as it may stand in a log; the store's field table tells what kind of value it is."""
    return _masks_of(connector).shown(name, value)


def uncleared_findings(values: Mapping[str, str], connector: Connector) -> list[Finding]:
    """One finding for each extra field that should be empty and that the store cannot empty."""
    return [
        Finding(
            reason=Reason.CANNOT_CLEAR,
            entity="extra_field",
            key=name,
            field=name,
            detail=f"{name} is empty in the ERP and stays '{masked_value(name, value, connector)}' in the store",
            hash=content_hash(value),
        )
        for name, value in values.items()
    ]


class _Masks(dict[str, Callable[[str], str]]):
    """Field's name -> what makes a text of it fit for a log, worked out when it is first asked for.

    ``kinds`` is what the store's field table says; a name that it lacks, an extra field's, tells its kind itself.
    """

    def __init__(self, kinds: Mapping[str, MaskKind], *, emails: bool, names: bool, phones: bool) -> None:
        super().__init__()
        self._kinds = kinds
        masks: dict[str | None, tuple[bool, Callable[[str], str]]] = {
            "email": (emails, mask_email),
            "phone": (phones, mask_phone),
            "name": (names, mask_name),
        }
        self._by_kind = {kind: mask for kind, (is_on, mask) in masks.items() if is_on}
        # Extra fields bear the merchant's own names, which need not tell what is inside.
        self._free_text = mask_text if emails or phones else str

    def __missing__(self, name: str) -> Callable[[str], str]:
        mask = self._by_kind.get(self._kinds[name] if name in self._kinds else kind_of_key(name), _cut)
        if len(self) < _MOST_NAMES:
            self[name] = mask
        return mask

    def shown(self, name: str, value: Any) -> Any:
        """A value of any kind; the parts of a mapping by their own names."""
        if isinstance(value, str):
            return self[name](value)
        if isinstance(value, dict):
            return {
                key: self.shown(key, self._free_text(part) if isinstance(part, str) else part)
                for key, part in value.items()
            }
        return value


def _masks_of(connector: Connector) -> _Masks:
    masking = connector.masking
    return _masks(type(connector.target), masking.emails, masking.names, masking.phones)


@lru_cache(maxsize=8)
def _masks(target: type[TargetSection], emails: bool, names: bool, phones: bool) -> _Masks:  # noqa: FBT001 - the masking's switches
    return _Masks(target.fields.masks(), emails=emails, names=names, phones=phones)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def next_step(reasons: Iterable[str], words: Mapping[str, str], field: str = "") -> str:
    """What a person does about the reasons, one sentence each, in the words of the source's screens."""
    return " ".join(remedy(Reason(reason), words, field) for reason in reasons if reason in REMEDIES)


def closing_entry(
    customer_id: str,
    name: str,
    outcome: Outcome,
    reasons: Sequence[str] = (),
    *,
    words: Mapping[str, str],
    message: str = "",
    store_id: str = "",
    action: str = "",
    field: str = "",
) -> LogEntry:
    """The one line that says what became of a customer; ``name`` is masked already."""
    level: Level = "error" if outcome is Outcome.FAILED else "warning" if outcome is Outcome.QUARANTINED else "info"
    return LogEntry(
        customer_id=customer_id,
        customer_name=name,
        outcome=str(outcome),
        level=level,
        reasons=tuple(str(reason) for reason in reasons),
        message=message,
        store_id=store_id,
        action=action,
        field=field,
        next_step=next_step(reasons, words, field) if outcome is not Outcome.UNCHANGED else "",
    )


def finding_entry(customer_id: str, name: str, finding: Finding, words: Mapping[str, str]) -> LogEntry:
    """The line about one part of a customer that was left out or cut."""
    effect = _EFFECTS.get(finding.reason, "left out")
    detail = f"{effect} ({finding.detail})" if finding.detail else effect
    return LogEntry(
        customer_id=customer_id,
        customer_name=name,
        entity=finding.entity,
        key=finding.key,
        level="info" if finding.reason in _INFORMING else "warning",
        reasons=(str(finding.reason),),
        field=finding.field,
        message=detail,
        next_step=remedy(finding.reason, words, finding.field),
    )


def unknown_entry(customer_id: str, name: str, reason: Reason) -> LogEntry:
    """The line about a customer whose changes cannot be worked out before load has asked the store."""
    return LogEntry(
        customer_id=customer_id,
        customer_name=name,
        level="warning",
        reasons=(str(reason),),
        message="unknown: load asks the store first, and may do more or less than what is planned here",
        next_step=REMEDIES[reason],
    )


def operation_entry(customer_id: str, name: str, operation: Operation, connector: Connector, *, verb: str) -> LogEntry:
    """The line about one operation: ``verb`` is ``planned`` or ``done``."""
    entity = entity_of(operation.action)
    operation = with_reference(operation)
    is_done = verb == DONE
    # Of a new record every field is new; naming them all would hide the changes of the others.
    is_new = operation.action in CREATIONS
    fields = "" if is_new else ", ".join(operation.values)
    changes = {} if is_new and is_done else masked_changes(operation, connector)
    return LogEntry(
        customer_id=customer_id,
        customer_name=name,
        entity=entity,
        key="" if entity in _WITHOUT_KEY else operation.key,
        action=str(operation.action),
        store_id=str(operation.store_id or ""),
        message=f"{verb}: {fields}" if fields else verb,
        changes=msgspec.json.encode(changes).decode() if changes else _NO_CHANGES,
        is_journalled=is_done,
    )


def earlier_entry(customer_id: str, name: str, write: ConfirmedWrite, connector: Connector) -> LogEntry:
    """The line about an operation that an earlier attempt of the task had confirmed."""
    entity = entity_of(write.action)
    return LogEntry(
        customer_id=customer_id,
        customer_name=name,
        entity=entity,
        key="" if entity in _WITHOUT_KEY else write.key,
        action=write.action,
        message="done: by an earlier attempt",
        changes=msgspec.json.encode(journalled_changes(write.before, write.after, connector)).decode(),
        is_journalled=True,
    )


def found_entry(customer_id: str, name: str, operation: Operation) -> LogEntry:
    """The line about a record that a request without a whole answer had made."""
    entity = entity_of(operation.action)
    return LogEntry(
        customer_id=customer_id,
        customer_name=name,
        entity=entity,
        key="" if entity in _WITHOUT_KEY else operation.key,
        action=str(operation.action),
        message="done: the record was found in the store",
        is_journalled=True,
    )


def journalled_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], connector: Connector
) -> dict[str, list[Any]]:
    """Field -> [old, new] of an operation that the journal has, values masked; what was removed has no new ones."""
    masks = _masks_of(connector)
    return {name: [masks.shown(name, before.get(name)), masks.shown(name, after.get(name))] for name in after or before}


def record_key(line: Mapping[str, Any]) -> str:
    """The key by which the journal knows the record that a line is about."""
    return str(line["customer_id"] if line["entity"] in _WITHOUT_KEY else line["record_key"])


def done_in_words(writes: Sequence[ConfirmedWrite]) -> str:
    """What was done for a customer, in one sentence: *company created, 4 addresses, 1 user; id written to the ERP*."""
    counts = Counter(write.action for write in writes)
    is_new = bool(counts[Action.CREATE_COMPANY])
    parts = ["company created"] if is_new else []
    for write in writes:
        parts += _company_in_words(write)
    for record, made, changed, removed in _PARTS:
        new = counts[made] + (is_new and record == "user")  # the first user comes with the company
        parts += [_counted(new, record, "" if is_new else " added")] if new else []
        parts += [_counted(counts[changed], record, " changed")] if counts[changed] else []
        parts += [_counted(counts[removed], record, " removed")] if counts[removed] else []
    parts += [_payment_in_words(write) for write in writes if write.action in _PAYMENT]
    told = ", ".join(dict.fromkeys(parts))
    written = next((_reference_in_words(each) for each in writes if each.action == Action.WRITE_REFERENCE), "")
    return "; ".join(part for part in (told, written) if part)


def _reference_in_words(write: ConfirmedWrite) -> str:
    is_taken_out = write.after.get("reference_id") == ""
    return "id taken out of the ERP" if is_taken_out else "id written to the ERP"


def undone_in_words(run_id: str, done: str) -> str:
    """What an undo did, with the run that it took back: *run manual__1 taken back: company changed (city)*."""
    return f"run {run_id} taken back: {done}"


def _company_in_words(write: ConfirmedWrite) -> list[str]:
    if write.action == Action.UPDATE_COMPANY:
        return [f"company changed ({', '.join(write.after)})" if write.after else "company changed"]
    if write.action == Action.SET_STATUS:
        status = write.after.get("status", -1)
        if (write.before.get("status"), status) == (CompanyStatus.INACTIVE, CompanyStatus.APPROVED):
            return ["company reactivated"]
        return [f"company {_STATUS_IN_WORDS.get(status, 'status set')}"]
    return ["company deleted"] if write.action == Action.DELETE_COMPANY else []


def _payment_in_words(write: ConfirmedWrite) -> str:
    if write.action == Action.SET_PAYMENT_METHODS:
        return "payment methods set"
    return f"terms {write.after.get('days', '?')} days" if write.after.get("is_enabled") else "terms off"


def _counted(count: int, record: str, what: str) -> str:
    plural = record if count == 1 else "addresses" if record == "address" else f"{record}s"
    return f"{count} {plural}{what}"


_PARTS = (
    ("address", Action.CREATE_ADDRESS, Action.UPDATE_ADDRESS, Action.DELETE_ADDRESS),
    ("user", Action.CREATE_USER, Action.UPDATE_USER, Action.DELETE_USER),
)
_PAYMENT = frozenset({Action.SET_PAYMENT_METHODS, Action.SET_PAYMENT_TERMS})
_STATUS_IN_WORDS = {
    int(CompanyStatus.PENDING): "pending",
    int(CompanyStatus.APPROVED): "approved",
    int(CompanyStatus.REJECTED): "rejected",
    int(CompanyStatus.INACTIVE): "deactivated",
}


def with_reference(operation: Operation) -> Operation:
    """The write-back with the id that it carries: a company that the same run makes has none when it is planned."""
    if not isinstance(operation, ReferenceOperation) or operation.new or operation.is_undo:
        return operation
    carried = str(operation.store_id) if operation.store_id else ID_OF_NEW_COMPANY
    return msgspec.structs.replace(operation, new=carried)


def format_entry(entry: LogEntry) -> str:
    """One readable line: id, name, entity, result, reasons, message, next step; whatever they hold, one line."""
    parts = [entry.customer_id, entry.customer_name]
    if entry.entity != "customer":
        parts.append(f"{entry.entity} {entry.key}".strip())
    parts += [entry.action, entry.outcome.upper(), f"[{', '.join(entry.reasons)}]" if entry.reasons else ""]
    parts += [f"field {entry.field}" if entry.field else "", f"store id {entry.store_id}" if entry.store_id else ""]
    line = " | ".join(part for part in parts if part)
    if entry.message:
        line += f": {entry.message}"
    if entry.changes and entry.action not in CREATIONS:
        line += _changes_in_words(entry.changes)
    return one_line(f"{line} -> {entry.next_step}" if entry.next_step else line)


def _changes_in_words(changes: str) -> str:
    fields: dict[str, list[Any]] = msgspec.json.decode(changes)
    told = [f"{name} {_shortly(old)} -> {_shortly(new)}" for name, (old, new) in fields.items()]
    return f" ({'; '.join(told)})" if told else ""


def _shortly(value: Any) -> str:
    return "none" if value in (None, "") else value if isinstance(value, str) else msgspec.json.encode(value).decode()
