"""Questions at a terminal: numbered answers, the first by a mere Enter, and an answer of one's own as YAML."""

from __future__ import annotations

import copy
import sys
from typing import Any, Final

import yaml
from pydantic import ValidationError

from customer_sync.commands.answer import say
from customer_sync.discovery.connector_yaml import as_document
from customer_sync.discovery.proposal import Findings, Question
from customer_sync.discovery.propose import settle
from customer_sync.one_line import one_line
from customer_sync.settings.connector import Connector
from customer_sync.settings.described import yaml_text
from customer_sync.settings.yaml_text import read_yaml

_LATER: Final = "?"


def ask_at_terminal(findings: Findings) -> None:
    """Ask what only a person knows, until nothing is open; what is put off keeps its proposed value.

    Args:
        findings: Takes the answers.
    """
    put_off: set[str] = set()
    while question := next((each for each in findings.questions() if each.setting not in put_off), None):
        _show(question)
        while (line := _read_line()) is not None:
            if line == _LATER:
                put_off.add(question.setting)
                break
            if (problem := _take(findings, question, line)) is None:
                break
            say(f"  {problem}")
        if line is None:
            return


def _show(question: Question) -> None:
    say(f"\n{one_line(question.question)}  ({question.setting})")
    for number, option in enumerate(question.options, start=1):
        seen = f"; seen: {one_line(option.sample)}" if option.sample else ""
        say(f"  {number}. {yaml_text(option.value)}  ({one_line(option.says)}{seen})")
    say(f"  Enter takes 1; a value of your own is written as YAML; {_LATER} puts it off.")


def _take(findings: Findings, question: Question, line: str) -> str | None:
    """Take an answer; a sentence where it is none."""
    value = _value_of(question, line)
    if isinstance(value, yaml.YAMLError):
        return "That is no YAML: write a number of the list, or a value such as Email or [B2B, KEY]."
    tried = copy.deepcopy(findings)
    tried.answer(question.setting, value)
    settle(tried)
    try:
        Connector.model_validate(as_document(tried))
    except ValidationError as error:
        return f"That does not fit: {error.errors()[0]['msg'].removeprefix('Value error, ')}."
    findings.answer(question.setting, value)
    settle(findings)
    return None


def _value_of(question: Question, line: str) -> Any:
    number = int(line) if line.isdecimal() and len(line) < 4 else 0  # noqa: PLR2004 - longer is no place in a list
    if not line:
        return question.options[0].value
    if 1 <= number <= len(question.options):
        return question.options[number - 1].value
    try:
        return read_yaml(line)
    except yaml.YAMLError as error:
        return error


def _read_line() -> str | None:
    line = sys.stdin.readline()
    return line.strip() if line else None
