"""`python -m sandbox acumatica|better-b2b`: run a twin until a signal ends it."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.people import SHAPES
from sandbox.persistence import StateFileError
from sandbox.server import RefusedAddressError, assemble, listen, make_server
from sandbox.twin import TwinEnvironment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_EXIT_BAD_ORDER = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Local twins of both APIs.")
    twins = parser.add_subparsers(dest="twin", required=True, metavar="acumatica|better-b2b")
    erp = twins.add_parser(
        "acumatica",
        help="the ERP's twin; tenant Sandbox, user admin, password sandbox",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    store = twins.add_parser(
        "better-b2b",
        help="the store's twin; store hash sandbox, token sandbox-token",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for each, port, limit in ((erp, 8081, 0), (store, 8082, 150)):
        each.add_argument("--host", default="127.0.0.1", help="address to listen on")
        each.add_argument("--port", type=int, default=port, help="port to listen on, 0 takes a free one")
        each.add_argument("--seed", type=int, default=1, help="seed number of the data")
        each.add_argument("--latency-ms", type=float, default=0, help="milliseconds added to every call")
        each.add_argument("--requests-per-minute", type=int, default=limit, help="limit, 0 is none")
        each.add_argument("--state", type=Path, metavar="FILE", help="keep the state in this file")
        each.add_argument("--allow-remote", action="store_true", help="listen beyond this machine")
    erp.add_argument("--customers", type=int, default=500, help="how many customers to seed")
    erp.add_argument("--shape", choices=SHAPES, default="varied", help="various customers, or each like the other")
    erp.add_argument("--latency-per-row-ms", type=float, default=0, help="milliseconds added per row of a list")
    erp.add_argument("--sessions", type=int, default=2, help="seats of the licence")
    return parser


def _environment(options: argparse.Namespace) -> TwinEnvironment:
    environment = TwinEnvironment(
        seed=options.seed, latency_ms=options.latency_ms, requests_per_minute=options.requests_per_minute
    )
    if options.twin == "acumatica":
        environment.customers = options.customers
        environment.shape = options.shape
        environment.latency_per_row_ms = options.latency_per_row_ms
        environment.sessions = options.sessions
    return environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a twin until SIGTERM or SIGINT.

    Args:
        arguments: Command line without the program's name; the process's own by default.

    Returns:
        0 after a clean end, 2 when it could not start as asked.
    """
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        listener = listen(options.host, options.port, allow_remote=options.allow_remote)
        assembled = assemble(options.twin, _environment(options), options.state, allow_remote=options.allow_remote)
    except (RefusedAddressError, StateFileError, OSError) as error:
        print(f"cannot start the twin {options.twin}: {error}", file=sys.stderr)  # noqa: T201  # a command speaks here
        return _EXIT_BAD_ORDER
    host = f"[{options.host}]" if ":" in options.host else options.host
    address = f"http://{host}:{listener.getsockname()[1]}"

    def announce() -> None:
        print(f"{options.twin} listening on {address}", flush=True)  # noqa: T201  # the address is the command's output

    try:
        make_server(assembled, announce).run(sockets=[listener])
    finally:
        if assembled.state_file is not None:
            assembled.state_file.flush()
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    """End with success: uvicorn, once shut down, raises the signal again, and its default would kill the process."""
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
