"""Where reports lie; known without loading what writes them."""

from __future__ import annotations

import os
import re
from pathlib import Path

DIRECTORY_VARIABLE = "CUSTOMER_SYNC_REPORTS_DIR"
"""Environment variable that names the folder of reports; a sync writes none without it."""

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def reports_directory() -> Path | None:
    """The folder of reports, ``None`` where none is configured."""
    configured = os.environ.get(DIRECTORY_VARIABLE)
    return Path(configured) if configured else None


def report_folder(connector_id: str, run_id: str) -> str:
    """Where a run's report lies below the folder of all reports."""
    return f"{connector_id}/{_NOT_IN_A_NAME.sub('_', run_id).lstrip('.') or '_'}"


def folder_of_run(directory: Path, connector_id: str, run_id: str) -> Path:
    """Make the folder of a run's report below the folder of all reports; its owner alone may look into it."""
    folder = directory / report_folder(connector_id, run_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def make_private(path: Path) -> None:
    """Make a file that its owner alone can read, before anything stands in it."""
    path.touch(mode=0o600)
    path.chmod(0o600)
