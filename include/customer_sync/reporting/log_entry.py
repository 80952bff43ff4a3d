"""Log entries in words: decisions, findings, planned changes, results; names and values masked as configured. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from customer_sync.model.company import content_hash
from customer_sync.model.fields import MaskKind
from customer_sync.model.operation import CREATIONS, Operation, ReferenceOperation, entity_of
from customer_sync.model.outcome import REMEDIES, Finding, Level, LogEntry, Outcome, Reason, remedy
from customer_sync.one_line import one_line
from customer_sync.redaction import kind_of_key, mask_email, mask_name, mask_phone, mask_text
from customer_sync.settings.connector import Connector, Masking
from customer_sync.settings.target_section import TargetSection

_INFORMING = frozenset(
    {Reason.ADMIN_IS_ACCOUNT, Reason.ADMIN_NOT_PRIMARY, Reason.CONTACT_NOT_ENABLED, Reason.LOCATION_NOT_ENABLED}
    | {Reason.CONTACT_INACTIVE, Reason.LOCATION_INACTIVE, Reason.TERMS_NOT_MAPPED}
)
"""Findings that are somebody's choice and need no attention."""

_EFFECTS = {
    Reason.ADMIN_IS_ACCOUNT: "no contact can be the admin: the account itself is",
    Reason.ADMIN_NOT_PRIMARY: "the primary contact cannot be the admin: this contact is",
    Reason.VALUE_CUT: "cut",
    Reason.TERMS_NOT_MAPPED: "what earlier terms gave goes off; other payment methods and terms are left as they are",
}

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
    operation = _with_reference(operation)
    # Of a new record every field is new; naming them all would hide the changes of the others.
    fields = "" if operation.action in CREATIONS else ", ".join(operation.values)
    return LogEntry(
        customer_id=customer_id,
        customer_name=name,
        entity=entity,
        key="" if entity in {"customer", "payment", "reference"} else operation.key,
        action=str(operation.action),
        store_id=str(operation.store_id or ""),
        message=f"{verb}: {fields}" if fields else verb,
        changes=msgspec.json.encode(masked_changes(operation, connector)).decode(),
    )


def earlier_entry(customer_id: str, name: str, action: str, key: str) -> LogEntry:
    """The line about an operation that an earlier attempt of the task had confirmed; its values are not kept."""
    entity = entity_of(action)
    return LogEntry(
        customer_id=customer_id,
        customer_name=name,
        entity=entity,
        key="" if entity in {"customer", "payment", "reference"} else key,
        action=action,
        message="done: by an earlier attempt",
    )


def _with_reference(operation: Operation) -> Operation:
    """The write-back with the id that it carries: a company that the same run makes has none when it is planned."""
    if not isinstance(operation, ReferenceOperation) or operation.new:
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
    return one_line(f"{line} -> {entry.next_step}" if entry.next_step else line)
