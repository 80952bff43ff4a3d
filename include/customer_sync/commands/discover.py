"""``customer-sync discover``: a proposed connector file from two connections, or from an endpoint's document."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final

from customer_sync.commands.answer import DONE, USAGE, answer, say
from customer_sync.commands.connection_lookup import find_connection
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.commands.questions import ask_at_terminal
from customer_sync.discovery.connector_yaml import write_connector_file
from customer_sync.discovery.description import MOST_REQUESTS, SourceDescription, StoreDescription
from customer_sync.discovery.proposal import Findings
from customer_sync.discovery.propose import propose, settle
from customer_sync.errors import ConfigError
from customer_sync.settings.adapter_kind import SOURCES, TARGETS, find_adapter
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.connector import Connector
from customer_sync.settings.described import in_a_file
from customer_sync.settings.source_section import DEFAULT_KIND as DEFAULT_SOURCE
from customer_sync.settings.system_rules import SHARED_NAME
from customer_sync.settings.target_section import DEFAULT_KIND as DEFAULT_TARGET

_STORE_REQUESTS: Final = 14
"""What is left to the store of the requests that both may take."""
_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
_UNFIT: Final = re.compile(r"[^a-z0-9_]+")


def add_discover(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "discover",
        help="propose a connector file from two connections, with confidence, reasons and questions",
        description="Look at both systems and propose every setting of a connector file: value, confidence, a "
        f"masked sample and the reason. Reads only, at most {MOST_REQUESTS} requests and 200 records; what it cannot "
        "know it asks, at a terminal with numbered answers, otherwise in 'questions'. CONN is the id of a connection: "
        "AIRFLOW_CONN_<CONN> (docs/configuration.md), else from Airflow where it is installed. "
        "Exit codes: 0 done, 1 failed, 2 wrong command line.",
        epilog=f"customer-sync discover --erp {DEFAULT_SOURCE}_shop --store {DEFAULT_TARGET}_shop -o shop.yaml",
    )
    parser.add_argument("--erp", metavar="CONN", help="connection of the ERP")
    parser.add_argument("--store", metavar="CONN", help="connection of the store (default: it is not looked at)")
    parser.add_argument(
        "--endpoint-document",
        type=Path,
        metavar="FILE",
        help="an endpoint's own document (swagger.json); alone, names decide without any value seen",
    )
    parser.add_argument("--id", metavar="ID", help="id of the connector (default: of the file, or of the connections)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the file there; it must not exist")
    parser.add_argument("--json", action="store_true", help="answer with JSON alone on standard output; ask nothing")
    parser.set_defaults(perform=discover)


def discover(arguments: argparse.Namespace) -> int:
    """Propose a connector file.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        SyncError: A system cannot be looked at, or the file cannot be written.
    """
    problem = _usage_problem(arguments)
    if problem:
        say(problem)
        return USAGE
    usual = _usual_connector(arguments)
    source = _look_at_source(arguments, usual)
    store = _look_at_store(arguments)
    findings = propose(usual.id, source, store, usual)
    findings.warnings += _advice(arguments, usual)
    if not arguments.json and sys.stdin.isatty():
        ask_at_terminal(findings)
    settle(findings)
    text = write_connector_file(findings, usual)
    if arguments.output:
        _write(arguments.output, text)
    requests = source.requests + (store.requests if store else 0)
    facts = {**_facts(findings), "yaml": text, "served_by": source.served_by, "requests": requests}
    answer(facts, _lines(findings, text, arguments.output), as_json=arguments.json)
    return DONE


def _usage_problem(arguments: argparse.Namespace) -> str:
    if not arguments.erp and not arguments.endpoint_document:
        return "Name --erp CONN (a connection of the ERP), or --endpoint-document FILE (an endpoint's own document)."
    stem = arguments.output.stem if arguments.output else ""
    if arguments.id and stem and arguments.id != stem:
        return f"--id says {arguments.id!r}, but the file's name says {stem!r}: a connector's id is its file's name."
    connector_id = arguments.id or stem
    if connector_id and not re.fullmatch(SHARED_NAME, connector_id):
        return (
            f"{connector_id!r} is no id of a connector: a small letter, then small letters, digits and '_', at most 40."
        )
    if arguments.output and arguments.output.exists():
        return f"{arguments.output} exists: name another file, or remove it. Nothing was looked at."
    return ""


def _usual_connector(arguments: argparse.Namespace) -> Connector:
    """A connector at its defaults, of the kinds that the connections are of."""
    kinds = [(arguments.erp, DEFAULT_SOURCE), (arguments.store, DEFAULT_TARGET)]
    source, target = (find_connection(conn_id).conn_type or usual if conn_id else usual for conn_id, usual in kinds)
    connector_id = arguments.id or (arguments.output.stem if arguments.output else "")
    if not connector_id:
        named = (arguments.erp or "").casefold().removeprefix(f"{source}_")
        connector_id = _UNFIT.sub("_", named).strip("_0123456789") or "shop"
    return Connector.model_validate({"id": connector_id, "source": {"kind": source}, "target": {"kind": target}})


def _look_at_source(arguments: argparse.Namespace, usual: Connector) -> SourceDescription:
    describe = _describer(SOURCES, usual.source.kind)
    document = _read(arguments.endpoint_document) if arguments.endpoint_document else None
    most = MOST_REQUESTS - _STORE_REQUESTS if arguments.store else MOST_REQUESTS
    with ExitStack() as stack:
        connection: ConnectionFields | None = find_connection(arguments.erp) if arguments.erp else None
        if connection is not None and not connection.login:
            # Without a user it works under a person's consent, whose tokens are kept and renewed there.
            ledger = stack.enter_context(open_ledger(arguments.erp))
            connection = replace(connection, tokens=ledger.tokens)
        found: SourceDescription = describe(connection, document, most)
    return found


def _look_at_store(arguments: argparse.Namespace) -> StoreDescription | None:
    if not arguments.store:
        return None
    connection = find_connection(arguments.store)
    found: StoreDescription = _describer(TARGETS, connection.conn_type or DEFAULT_TARGET)(connection)
    return found


def _describer(group: str, kind: str) -> Callable[..., Any]:
    try:
        place = find_adapter(group, kind).describer
    except ValueError as error:
        raise ConfigError(f"The connection's type: {error}.", setting="conn_type") from None
    if not place:
        raise ConfigError(f"What a system of kind {kind!r} holds cannot be discovered: write the file by hand.")
    found: Callable[..., Any] = resolve_name(place)
    return found


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _DOCUMENT_BYTES:
            raise ConfigError(f"{path} is larger than {_DOCUMENT_BYTES:,} bytes: it is no endpoint's document.")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"The endpoint document {path} cannot be read: {error.strerror}.", setting="--endpoint-document"
        ) from error


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", setting="--output") from error


def _advice(arguments: argparse.Namespace, usual: Connector) -> list[str]:
    said = []
    if not arguments.erp:
        said.append("No connection of the ERP was named: names alone decided, and no value was seen. Name --erp CONN.")
    if not arguments.store:
        said.append("No connection of the store was named, so what the store has was not looked at. Name --store CONN.")
    for given, needed in ((arguments.erp, usual.source_connection_id), (arguments.store, usual.target_connection_id)):
        if given and given != needed:
            said.append(f"A connector {usual.id!r} reads the connection {needed!r}: make it as a copy of {given!r}.")
    return said


def _facts(findings: Findings) -> dict[str, Any]:
    return {
        "settings": {
            path: {
                "value": in_a_file(each.value),
                "confidence": each.confidence,
                "sample": each.sample,
                "why": each.why,
            }
            for path, each in findings.settings.items()
        },
        "questions": [
            {
                "setting": each.setting,
                "question": each.question,
                "choices": [{**option._asdict(), "value": in_a_file(option.value)} for option in each.options],
            }
            for each in findings.questions()
        ],
        "warnings": findings.warnings,
    }


def _lines(findings: Findings, text: str, path: Path | None) -> list[str]:
    open_questions = findings.questions()
    if path is None:
        return [text.rstrip("\n")]
    lines = [f"{path} proposes {len(findings.settings)} settings; {len(open_questions)} of them are for you to decide:"]
    lines += [f"  {each.setting}: {each.question}" for each in open_questions]
    lines += [f"Note: {warning}" for warning in findings.warnings]
    return [*lines, f"Next: customer-sync run {path.stem} --dry-run"]
