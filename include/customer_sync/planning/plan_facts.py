"""A run's plan in facts, and these facts in words: for the log, and for the person who is asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from customer_sync.model.operation import Action
from customer_sync.model.outcome import Reason

SHOWN = 20
"""So many customers are named; the others are counted, and the Connector Logs page shows all."""

_UNKNOWN_WORDS = {
    Reason.BATCH_FAILED: "a task of their batch failed, so nothing is planned for them",
    Reason.RECORD_UNREADABLE: "the ERP's record cannot be read",
    Reason.OUTCOME_UNKNOWN: "an earlier write has no answer; load reads it back first",
    Reason.PARTS_NOT_READ: "users and addresses of the company were not read yet; load reads them first",
}


class NamedCustomer(NamedTuple):
    """A customer as a person may see it; ``name`` is masked."""

    customer_id: str
    name: str


class UnknownPart(NamedTuple):
    """Customers whose changes cannot be worked out: why, how many, and the first of them."""

    reason: str
    customers: int
    customer_ids: tuple[str, ...]


class PlannedBatch(NamedTuple):
    """One batch of the plan, without the customers that were taken out."""

    label: str
    customers: int
    operations: int


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is going to do.

    Attributes:
        plan_hash: Identifies the operations that are to be applied, in any order of batches (32 hex digits).
        batches: The batches that have something to apply.
        actions: Number of operations by action; empty where nobody asked for it.
        withdrawn: The first customers whose companies are to be withdrawn.
        withdrawn_count: How many these are in all.
        withheld: Customers that share an Account Email and were taken out.
        unknown: What could not be worked out.
        tripped: The guards that tripped, a sentence each.
        leavers_gone: Users of people who have left whose access was taken away already.
        leavers_waiting: Users of people who have left whose access goes with the plan.
        shoppers: New users who shop in the store already, without a company.
        welcomed: New users to whom the store sends its e-mail of welcome.
        undoes: The run that the plan takes back, ``""`` where it takes none back.
        kept: Values of that run that stay since they changed after it.
        impossible: Values that cannot be had again.
    """

    plan_hash: str
    batches: tuple[PlannedBatch, ...] = ()
    actions: dict[str, int] = {}
    withdrawn: tuple[NamedCustomer, ...] = ()
    withdrawn_count: int = 0
    withheld: tuple[str, ...] = ()
    unknown: tuple[UnknownPart, ...] = ()
    tripped: tuple[str, ...] = ()
    leavers_gone: int = 0
    leavers_waiting: int = 0
    shoppers: int = 0
    welcomed: int = 0
    undoes: str = ""
    kept: int = 0
    impossible: int = 0

    @property
    def customers(self) -> int:
        """Customers of the plan."""
        return sum(batch.customers for batch in self.batches)

    @property
    def operations(self) -> int:
        """Operations of the plan."""
        return sum(batch.operations for batch in self.batches)

    @property
    def untouched(self) -> str:
        """What a plan that is not applied leaves as it was, in a sentence."""
        if not self.leavers_gone:
            return "Nothing was written."
        return f"Nothing was written, but {_number(self.leavers_gone, 'user')} of people who have left lost access."

    @property
    def unknown_count(self) -> int:
        """Customers whose changes cannot be worked out."""
        return sum(part.customers for part in self.unknown)


def lines_of(facts: PlanFacts) -> list[str]:
    """The facts as lines of a log."""
    lines = [
        f"Plan {facts.plan_hash}: {_size(facts)} in {_number(len(facts.batches), 'batch', 'batches')}.",
        *(f"  {batch.label}: {_size(batch)}" for batch in facts.batches),
    ]
    lines += _undo(facts)
    if facts.actions:
        lines.append(f"  in all: {actions_in_words(facts.actions)}")
    lines += _leavers(facts)
    lines += _new_people(facts)
    if facts.withheld:
        lines.append(f"Withheld because they share an Account Email: {', '.join(facts.withheld[:SHOWN])}")
    lines += [
        f"Unknown: {_number(part.customers, 'customer')} ({part.reason}: {_why_unknown(part)}): {_listed(part)}"
        for part in facts.unknown
    ]
    if creations_note := _creations_note(facts):
        lines.append(creations_note)
    return lines


def _undo(facts: PlanFacts) -> list[str]:
    """What a plan takes back, and what of it stays."""
    if not facts.undoes:
        return []
    told = [f"It takes back what run {facts.undoes} wrote."]
    if facts.kept:
        told.append(
            f"Kept since it changed after that run: {_number(facts.kept, 'value')}; the log of transform names each."
        )
    if facts.impossible:
        told.append(f"Cannot be had again: {_number(facts.impossible, 'value')}; the log of transform names each.")
    return told


def _new_people(facts: PlanFacts) -> list[str]:
    """What a plan means for people who become users, beside their access."""
    told = []
    if facts.shoppers:
        told.append(
            f"{_number(facts.shoppers, 'new user')} of the plan shop in the store already, without a company: "
            "what they have ordered goes over to their company."
        )
    if facts.welcomed:
        told.append(f"The store sends its e-mail of welcome to {_number(facts.welcomed, 'new user')}.")
    return told


def question_of(
    facts: PlanFacts, *, connector: str, why: Sequence[str], link: str, answer_until: datetime
) -> tuple[str, str]:
    """The subject and the body (Markdown) of the question to a person.

    Everything that comes from customers' data is put in code spans, where Markdown means nothing.

    Args:
        facts: The plan.
        connector: The connector's id.
        why: Why a person is asked, a sentence each.
        link: Address of the plan, row by row.
        answer_until: When silence becomes a no; aware.
    """
    subject = f"{connector}: {'undo a run by' if facts.undoes else 'apply'} {_size(facts)}?"
    then = (
        "the run that was to be taken back stays as it is"
        if facts.undoes
        else "the next run plans these customers again"
    )
    blocks = [
        "**Why you are asked**",
        _bullets(escape_markdown(sentence) for sentence in why),
        "**The plan**",
        _bullets(_plan_points(facts, link)),
    ]
    if facts.withdrawn:
        blocks += [f"**Companies to be withdrawn: {facts.withdrawn_count}**", _named(facts)]
    if facts.unknown:
        blocks += [
            f"**Unknown: {_number(facts.unknown_count, 'customer')}**",
            _bullets(
                f"{part.customers}, {escape_markdown(_why_unknown(part))}: {_codes(part.customer_ids, part.customers)}"
                for part in facts.unknown
            ),
        ]
    until = answer_until.strftime("%Y-%m-%d %H:%M %Z")
    blocks += [
        "**Your answer**",
        _bullets(
            (
                "*Approve*: exactly this plan is applied; if it does not fit any more, the run is refused.",
                f"*Reject*: nothing is written, the run ends as failed, and {then}.",
                f"No answer until {until} counts as *Reject*.",
            )
        ),
    ]
    return subject, "\n\n".join(blocks)


def _plan_points(facts: PlanFacts, link: str) -> Iterable[str]:
    yield f"{_size(facts)} in {_number(len(facts.batches), 'batch', 'batches')}"
    if facts.actions:
        yield escape_markdown(actions_in_words(facts.actions))
    yield from map(escape_markdown, _undo(facts))
    yield from map(escape_markdown, _leavers(facts))
    if facts.withheld:
        yield f"left out because they share an Account Email: {_codes(facts.withheld[:SHOWN], len(facts.withheld))}"
    if note := _creations_note(facts):
        yield escape_markdown(note)
    yield f"plan hash `{facts.plan_hash}`"
    yield f"[row by row in Connector Logs]({link})"


def _size(part: PlanFacts | PlannedBatch) -> str:
    return f"{_number(part.operations, 'operation')} for {_number(part.customers, 'customer')}"


def _number(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def _leavers(facts: PlanFacts) -> list[str]:
    """What becomes of the users of people who have left, by who has lost access and who keeps it until the answer."""
    lines = []
    if facts.leavers_gone:
        lines.append(f"Access taken away already from people who have left: {_number(facts.leavers_gone, 'user')}")
    if facts.leavers_waiting:
        lines.append(f"People who have left and keep access until then: {_number(facts.leavers_waiting, 'user')}")
    return lines


def _creations_note(facts: PlanFacts) -> str:
    made = facts.actions.get("create_company", 0)
    if not made:
        return ""
    return (
        f"Companies to be created: {made}. Load first looks whether the store has one with the customer's id already; "
        "that one is taken over, and what then changes in it is known only to load."
    )


def _why_unknown(part: UnknownPart) -> str:
    return _UNKNOWN_WORDS.get(Reason(part.reason), "")


def _listed(part: UnknownPart) -> str:
    more = part.customers - len(part.customer_ids)
    return ", ".join(part.customer_ids) + (f" and {more} more" if more else "")


_IN_WORDS: Final[Mapping[str, tuple[str, str, str]]] = {
    Action.CREATE_COMPANY: ("company", "companies", "to create"),
    Action.CREATE_USER: ("user", "users", "to add"),
    Action.CREATE_ADDRESS: ("address", "addresses", "to add"),
    Action.UPDATE_COMPANY: ("company", "companies", "to change"),
    Action.UPDATE_USER: ("user", "users", "to change"),
    Action.UPDATE_ADDRESS: ("address", "addresses", "to change"),
    Action.SET_STATUS: ("company", "companies", "to get another status"),
    Action.SET_PAYMENT_METHODS: ("company", "companies", "to get other payment methods"),
    Action.SET_PAYMENT_TERMS: ("company", "companies", "to get other terms"),
    Action.WRITE_REFERENCE: ("id", "ids", "to write to the ERP"),
    Action.DELETE_USER: ("user", "users", "to remove"),
    Action.DELETE_ADDRESS: ("address", "addresses", "to remove"),
    Action.DELETE_COMPANY: ("company", "companies", "to delete"),
}
"""What is done to what, in the order in which it is told: what is new, what changes, what goes."""


def actions_in_words(actions: Mapping[str, int]) -> str:
    """What is done to what, counted: *3 companies to create, 1 user to remove*."""
    words = ((actions[name], each) for name, each in _IN_WORDS.items() if actions.get(name))
    return ", ".join(f"{_number(count, one, several)} {what}" for count, (one, several, what) in words)


def _named(facts: PlanFacts) -> str:
    points = [f"{code_span(each.customer_id)} {code_span(each.name)}".strip() for each in facts.withdrawn]
    more = facts.withdrawn_count - len(points)
    return _bullets([*points, f"and {more} more"] if more > 0 else points)


def _codes(ids: Sequence[str], count: int) -> str:
    more = count - len(ids)
    return ", ".join(map(code_span, ids)) + (f" and {more} more" if more > 0 else "")


def _bullets(points: Iterable[str]) -> str:
    return "\n".join(f"- {point}" for point in points)


def code_span(text: str) -> str:
    """Foreign text as a Markdown code span: no link, no image, no HTML, no address made clickable."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not line:
        return ""
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def escape_markdown(text: str) -> str:
    """Our own sentences, which quote setting names and figures, as plain Markdown text."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~])", r"\\\1", " ".join(text.split()))
