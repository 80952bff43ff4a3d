"""A proposed connector file as YAML, with a comment to every setting."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

from customer_sync.discovery.proposal import Findings, Proposal, Question
from customer_sync.discovery.weights import CERTAIN
from customer_sync.one_line import one_line
from customer_sync.settings.connector import Connector
from customer_sync.settings.described import TERMS, described_settings, in_a_file, yaml_text

_WIDTH: Final = 116
_INDENT: Final = "  "
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_HEAD: Final = (
    "Proposed by customer-sync discover. Every setting is described in docs/connector-file.md.",
    "A number in brackets says how certain a setting is. Look at those below 0.9 first: each is marked with TO DECIDE.",
)


def write_connector_file(findings: Findings, usual: Connector) -> str:
    """Write the file; the reader of connector files takes it as it is.

    Args:
        findings: Every setting.
        usual: A connector at its defaults, whose settings are described.
    """
    says = {each.path.partition(f".{TERMS}")[0]: each.says for each in described_settings(usual)}
    # A section of entries that people name has no text of its own.
    says |= {"terms": "The customer's terms -> what they mean in the store, by the id of the terms."}
    questions = {each.setting: each for each in findings.questions()}
    lines = [f"# {line}" for line in _HEAD]
    lines += [f"# {line}" for warning in findings.warnings for line in _wrapped(f"Note: {one_line(warning)}", 0)]
    opened: tuple[str, ...] = ()
    for path, proposal in findings.settings.items():
        *sections, name = path.split(".")
        for depth, section in enumerate(sections):
            if tuple(sections[: depth + 1]) != opened[: depth + 1]:
                lines += ["", f"{_INDENT * depth}{section}:"] if not depth else [f"{_INDENT * depth}{section}:"]
        if not sections and (opened or path == "id"):
            lines.append("")
        opened = tuple(sections)
        lines += _setting(name, proposal, says.get(path, ""), len(sections), questions.get(path))
    return "\n".join(lines) + "\n"


def as_document(findings: Findings) -> dict[str, Any]:
    """The same file as the mappings that its reader makes of it."""
    document: dict[str, Any] = {}
    for path, proposal in findings.settings.items():
        *sections, name = path.split(".")
        place = document
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = in_a_file(proposal.value)
    return document


def _setting(name: str, proposal: Proposal, says: str, depth: int, question: Question | None) -> Iterator[str]:
    margin = _INDENT * depth
    for line in _comment(proposal, says, question, len(margin)):
        yield f"{margin}# {line}"
    yield f"{margin}{name}: {yaml_text(proposal.value)}"


def _comment(proposal: Proposal, says: str, question: Question | None, margin: int) -> Iterator[str]:
    yield from _wrapped(_LINK.sub(r"\1", says), margin)
    seen = f" Seen: {one_line(proposal.sample)}." if proposal.sample else ""
    yield from _wrapped(f"[{proposal.confidence:.2f}] {one_line(_sentence(proposal.why))}{seen}", margin)
    if question is not None and proposal.confidence < CERTAIN:
        yield from _wrapped(f"TO DECIDE: {one_line(question.question)}", margin)
        for option in question.options[1:]:
            yield from _wrapped(f"  or {yaml_text(option.value)} ({one_line(option.says)})", margin)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _wrapped(text: str, margin: int) -> Sequence[str]:
    hanging = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(text, _WIDTH - margin, subsequent_indent=hanging, break_long_words=False) or [""]
