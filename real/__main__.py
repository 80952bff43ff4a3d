"""`python -m real [FOLDER]`: bytes of real systems, tried on the product and on the twins (docs/real.md).

The exit code is 0 when every difference is explained, 1 when one is not, 2 when the folder cannot be tried.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from real.differences import EXPLAINED, ExplanationError, read_explanations
from real.folder import FolderError, read_folder
from real.trial import PARTS, try_folder

OWN = Path(__file__).with_name("own")
"""Bytes in the form of recorded ones, written by hand: what is tried where no folder is named."""

_UNEXPLAINED = 1
_CANNOT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a folder and print the report.

    Args:
        arguments: Command line without the program's name; the process's own by default.

    Returns:
        The exit code.
    """
    options = _parser().parse_args(arguments)
    # What is tried again, and what the twins refuse, is in the report.
    logging.getLogger("customer_sync").addHandler(logging.NullHandler())
    try:
        explanations = read_explanations(options.explained)
        folder = read_folder(options.folder)
    except (FolderError, ExplanationError) as error:
        print(f"cannot try the folder: {error}", file=sys.stderr)  # noqa: T201 - a command speaks here
        return _CANNOT
    report = try_folder(folder, explanations, options.part or list(PARTS), pages=options.pages)
    print("\n".join(report.lines()))  # noqa: T201 - the report is the command's output
    return _UNEXPLAINED if report.unexplained else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m real",
        description="Try bytes of real systems on clients, twins and sync; docs/real.md describes the folder.",
    )
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=OWN,
        help="folder of recorded exchanges, documents, examples and ugly values (default: the project's own)",
    )
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this part; may be repeated")
    parser.add_argument(
        "--explained", type=Path, default=EXPLAINED, metavar="FILE", help="file of explained differences"
    )
    parser.add_argument(
        "--no-pages", dest="pages", action="store_false", help="leave out the pages, which need Airflow"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
