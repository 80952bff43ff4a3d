"""``customer-sync login``: a person lets this application act for him; his tokens are kept in the ledger, encrypted."""

from __future__ import annotations

import argparse
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pkgutil import resolve_name
from typing import Any, Final

from customer_sync.commands.answer import DONE, answer, say
from customer_sync.commands.connection_lookup import find_connection
from customer_sync.commands.ledger_address import open_ledger
from customer_sync.commands.loopback import Loopback, read_pasted
from customer_sync.errors import ConfigError
from customer_sync.settings.adapter_kind import SOURCES, find_adapter
from customer_sync.settings.connection_fields import ConnectionFields
from customer_sync.settings.consent import Consent

REDIRECT_URI: Final = "http://localhost:8765/"
"""What is registered for the application in the ERP, unless the command line says otherwise."""

_LONGEST_WAIT_S: Final = 300.0


def add_login(commands: Any) -> None:
    """Describe the command line.

    Args:
        commands: What argparse gives for the commands of a program.
    """
    parser = commands.add_parser(
        "login",
        help="let a person allow this application to read the ERP, once, in a browser",
        description="Ask a person, in a browser, to let this application act for him in the ERP, and keep the tokens "
        "in the ledger, encrypted with Airflow's Fernet key (AIRFLOW__CORE__FERNET_KEY). For connections whose "
        "auth_style is oauth_code. Run it where the ledger of the tasks is reached (CUSTOMER_SYNC_LEDGER_URL); runs "
        "renew the tokens from then on. On a machine without a browser give --paste.",
        epilog="Exit codes: 0 done, 1 failed or not allowed, 2 wrong command line. docs/signing-in.md says what to set "
        "up in the ERP.",
    )
    parser.add_argument("connection", metavar="CONN", help="id of the Airflow connection, such as erp_knb")
    parser.add_argument(
        "--redirect-uri",
        default=REDIRECT_URI,
        metavar="URI",
        help=f"as it is registered for the application, to the letter ({REDIRECT_URI})",
    )
    parser.add_argument(
        "--paste",
        action="store_true",
        help="wait for no browser here: open the address anywhere, and paste the one that it ends at",
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    parser.add_argument(
        "--wait",
        type=float,
        default=_LONGEST_WAIT_S,
        metavar="SECONDS",
        help=f"longest wait for the browser ({_LONGEST_WAIT_S:.0f})",
    )
    parser.add_argument("--json", action="store_true", help="answer with JSON alone on standard output")
    parser.set_defaults(perform=login)


def login(arguments: argparse.Namespace) -> int:
    """Get a person's consent and keep its tokens.

    Args:
        arguments: The parsed command line.

    Returns:
        The exit code.

    Raises:
        SyncError: The connection is no such, the person did not allow it, or the system gave no tokens.
    """
    conn_id: str = arguments.connection
    connection = find_connection(conn_id)
    opener = _consent_of(connection)
    with open_ledger(conn_id) as ledger:
        # Before a person is asked: an answer that cannot be kept is worth nothing.
        ledger.tokens.check_key()
        consent = opener(replace(connection, tokens=ledger.tokens))
        opens = _ask(consent, arguments)
    facts = {"connection": conn_id, "opens": opens}
    answer(facts, [f"Signed in: {conn_id} opens {opens}. The tokens are kept in the ledger."], as_json=arguments.json)
    return DONE


def _ask(consent: Consent, arguments: argparse.Namespace) -> str:
    redirect_uri: str = arguments.redirect_uri
    state = secrets.token_urlsafe(32)
    if arguments.paste:
        say(f"Open this address in a browser, sign in and allow it:\n\n{consent.address(redirect_uri, state)}\n")
        say("The browser then ends at an address that may not open. Paste that address here:")
        return consent.finish(redirect_uri, read_pasted(state, _read_line))
    with Loopback(redirect_uri, state) as loopback:
        address = consent.address(redirect_uri, state)
        say(f"Sign in and allow it in the browser. If none opens, open this address on this machine:\n\n{address}\n")
        if not arguments.no_browser:
            # Beside the server: a browser in the terminal ends only when the person leaves it.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        code = loopback.wait(arguments.wait)
    return consent.finish(redirect_uri, code)


def _read_line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _consent_of(connection: ConnectionFields) -> Callable[[ConnectionFields], Consent]:
    try:
        place = find_adapter(SOURCES, connection.conn_type.replace("-", "_")).consent
    except ValueError:
        place = ""
    if not place:
        raise ConfigError(
            f"Connections of type {connection.conn_type or 'none'!r} need no login: their secret is in the connection.",
            setting=connection.conn_id,
        )
    found: Callable[[ConnectionFields], Consent] = resolve_name(place)
    return found
