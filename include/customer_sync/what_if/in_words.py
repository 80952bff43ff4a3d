"""A what-if as Markdown, for a pull request: short, and readable where Markdown is not rendered as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from customer_sync.planning.plan_facts import actions_in_words, code_span, escape_markdown
from customer_sync.reporting.customer_words import reasons_in_words
from customer_sync.what_if.answer import Answer, ChangedField, Counted, Difference, Guard, Plan

_MOST_FIELDS = 15
_MOST_CHARS = 60


def markdown_of(answer: Answer) -> str:
    """The answer as Markdown; what comes from customers' records stands in code spans."""
    return "\n".join(_blocks(answer)) + "\n"


def _blocks(answer: Answer) -> Iterator[str]:
    plan, now, what = answer.plan, answer.now, "the draft" if answer.file else "the present file"
    title = f"What if: {code_span(answer.file)}" if answer.file else "Plan"
    yield f"## {title} for connector {code_span(answer.connector_id)}"
    yield ""
    yield f"{_lead(plan)} {_verdict(plan.guard)}"
    yield ""
    if answer.file and now and answer.settings:
        yield f"Settings that differ: {', '.join(map(code_span, answer.settings))}."
        yield ""
    yield from _table(answer, what)
    if plan.guard.tripped:
        yield ""
        yield from (f"- **Guard:** {escape_markdown(sentence)}" for sentence in plan.guard.tripped)
    if answer.difference is not None:
        yield from _people(answer.difference)
    yield from _fields(answer)
    notes = [*map(escape_markdown, answer.notes), *_unknown(plan)]
    if notes:
        yield ""
        yield from (f"- Note: {note}" for note in notes)
    yield ""
    yield f"Plan {code_span(plan.plan_hash)}. Nothing was written."


def _lead(plan: Plan) -> str:
    if not plan.operations:
        return f"A full run would write nothing: of {plan.extracted} customers {plan.eligible} are eligible."
    done = escape_markdown(actions_in_words(plan.actions))
    return f"A full run would write for {plan.customers} of {plan.extracted} customers: {done}."


def _verdict(guard: Guard) -> str:
    return {
        "passes": "Guard would let it pass.",
        "asks": "Guard would wait for a person's approval.",
        "refuses": "Guard would refuse it.",
    }[guard.verdict]


def _table(answer: Answer, what: str) -> Iterator[str]:
    plan, now = answer.plan, answer.now
    yield f"| |{' present file |' if now else ''} {what} |"
    yield f"|---|{'---:|' if now else ''}---:|"
    rows: list[tuple[str, Any, Any]] = [
        ("customers read", plan.extracted, now and now.extracted),
        ("eligible", plan.eligible, now and now.eligible),
        ("companies to create", plan.created, now and now.created),
        ("companies to withdraw", plan.withdrawn, now and now.withdrawn),
        ("users and addresses to remove", plan.removed, now and now.removed),
        ("customers to write for", plan.customers, now and now.customers),
        ("operations", plan.operations, now and now.operations),
        ("quarantined", plan.outcomes.get("quarantined", 0), now and now.outcomes.get("quarantined", 0)),
        (f"requests to {answer.store}", plan.requests.store, now and now.requests.store),
        (f"requests to {answer.source}", plan.requests.source, now and now.requests.source),
        (f"hours at {_pace(plan, now)} requests a minute", _hours(plan), now and _hours(now)),
    ]
    if plan.welcomed or (now and now.welcomed):
        rows.append(("e-mails of welcome", plan.welcomed, now and now.welcomed))
    for name, of_plan, of_now in rows:
        yield f"| {name} |{f' {of_now} |' if now else ''} {of_plan} |"


def _pace(plan: Plan, now: Plan | None) -> str:
    paces = dict.fromkeys(f"{each.requests.store_per_minute:g}" for each in (now, plan) if each)
    return " and ".join(paces)


def _hours(plan: Plan) -> str:
    return f"{plan.requests.hours:.2f}"


def _people(difference: Difference) -> Iterator[str]:
    for title, counted in (
        ("Become eligible", difference.becomes_eligible),
        ("Are no longer eligible", difference.no_longer_eligible),
        ("Lose their company", difference.withdrawn),
    ):
        if counted.count:
            yield ""
            yield f"**{title}: {counted.count}**{_because(counted)}"
            yield ""
            for each in counted.examples:
                yield f"- {code_span(each.customer_id)} {code_span(each.name)}".rstrip()
            if counted.count > len(counted.examples):
                yield f"- and {counted.count - len(counted.examples)} more"


def _because(counted: Counted) -> str:
    told = [f"{count} {reasons_in_words(code)}" for code, count in counted.by_reason.items()]
    return escape_markdown(f" ({', '.join(told)})") if told else ""


def _fields(answer: Answer) -> Iterator[str]:
    shown = [each for each in answer.fields if each.differs or not (each.is_new_record or answer.now)]
    shown = shown or [each for each in answer.fields if not each.is_new_record]
    if not shown:
        return
    yield ""
    yield f"| field | {'present file | draft | differs' if answer.now else 'changes'} | examples |"
    yield f"|---|{'---:|---:|---:' if answer.now else '---:'}|---|"
    for each in shown[:_MOST_FIELDS]:
        counts = (
            f"{each.changes_now} | {each.changes} | {each.differs}" if answer.now is not None else str(each.changes)
        )
        yield f"| {_name(each)} | {counts} | {_examples(each)} |"
    if len(shown) > _MOST_FIELDS:
        yield ""
        yield f"And {len(shown) - _MOST_FIELDS} fields more: `--format json` has them all."


def _name(each: ChangedField) -> str:
    return f"{'new ' if each.is_new_record else ''}{each.entity} {code_span(each.field)}"


def _examples(each: ChangedField) -> str:
    told = []
    for example in each.examples:
        new = _value(example.new)
        change = new if each.is_new_record else f"{_value(example.old)} → {new}"
        told.append(f"{_in_cell(example.customer_id)}: {change}")
    return "<br>".join(told)


def _value(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else str(value)
    return _in_cell(text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…") or "(empty)"


def _in_cell(text: str) -> str:
    """A code span in a table, where a bar would end the cell."""
    return code_span(text).replace("|", "\\|")


def _unknown(plan: Plan) -> Iterator[str]:
    for part in plan.unknown:
        why = escape_markdown(reasons_in_words(part.reason))
        first = ", ".join(map(code_span, part.customer_ids[:5]))
        yield f"what a run would do to {part.count} customers is unknown ({why}): {first}"
