"""Where reports lie, and how their files get there and back.

That is the folder that ``CUSTOMER_SYNC_REPORTS_DIR`` names; else, so that every worker and the API
server find them, ``reports/`` in the object storage of XComs.
"""

# ruff: noqa: PLC0415 -- pandas is imported when a task writes a report: the DAG processor parses often and writes none

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import ObjectStoragePath
from airflow.sdk.configuration import conf

from customer_sync.errors import ConfigError
from customer_sync.reporting.report_place import report_folder, reports_directory

if TYPE_CHECKING:
    from customer_sync.run import Run

REPORTS = "reports"
"""Folder of the reports in the object storage of XComs."""

MATCHES_KEY = "matches"
"""XCom under which mode ``adopt`` keeps its list of matches."""

MATCHES_FILE = "matches.csv"

MAX_LIST_BYTES = 50_000_000


def reports_base() -> ObjectStoragePath | None:
    """Where reports lie; ``None`` with neither a configured folder nor object storage."""
    configured = reports_directory()
    if configured is not None:
        return ObjectStoragePath(f"file://{configured.resolve()}")
    base = conf.get("common.io", "xcom_objectstorage_path", fallback="")
    return ObjectStoragePath(base) / REPORTS if base else None


def publish(run: "Run", extra: Mapping[str, str]) -> str:
    """Write a run's report where reports are kept.

    Args:
        run: The run, closed.
        extra: Further files of it, name -> text.

    Returns:
        The address of its page, ``""`` where there is no place for reports.
    """
    from customer_sync.reconcile.report.files import PAGE_NAME, write_reconcile_report

    base = reports_base()
    if base is None:
        return ""
    target = base / report_folder(run.connector.id, run.run_id)
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        for file in write_reconcile_report(run, Path(folder)):
            _put(target / file.name, file.read_bytes())
    for name, text in extra.items():
        _put(target / name, text.encode())
    return str(target / PAGE_NAME)


def read_list(connector_id: str, name: str) -> str:
    """Read a list of matches that a person put below the connector's reports.

    Args:
        connector_id: The connector.
        name: Path below its reports, such as ``manual__2026-11-24/matches.csv``.

    Raises:
        ConfigError: It is not there, is no list, or the name leads elsewhere.
    """
    base = reports_base()
    parts = Path(name).parts
    is_plain = name.isprintable() and not {":", "\\"} & set(name)
    if base is None or not parts or not is_plain or Path(name).is_absolute() or ".." in parts:
        raise ConfigError(
            f"matches: '{name}' is not a file below the reports of connector {connector_id}; give a path such as "
            f"<run>/{MATCHES_FILE} below {base or 'CUSTOMER_SYNC_REPORTS_DIR'}/{connector_id}.",
            setting="matches",
        )
    file = base / connector_id / name
    _refuse_links(base, connector_id, Path(name))
    if not file.is_file() or file.stat().st_size > MAX_LIST_BYTES:
        raise ConfigError(f"matches: there is no file {file}, or it is larger than 50 MB.", setting="matches")
    content: bytes = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"matches: {file} is not UTF-8 text (byte {error.start}); save it as CSV in UTF-8.", setting="matches"
        ) from error


def _refuse_links(base: ObjectStoragePath, connector_id: str, name: Path) -> None:
    """A link below the reports could lead to any file that the worker may read."""
    if base.protocol != "file":
        return
    step = Path(base.path)
    for part in (connector_id, *name.parts):
        step /= part
        if step.is_symlink():
            raise ConfigError(
                f"matches: {step} is a link, and links are not followed; put the file itself there.", setting="matches"
            )


def _put(file: ObjectStoragePath, content: bytes) -> None:
    """Write a file; on a disk its owner alone may read it."""
    if file.protocol in {"file", ""}:
        own = Path(file.path)
        own.touch(mode=0o600)
        own.chmod(0o600)
    file.write_bytes(content)
