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
    return f"{connector_id}/{_NOT_IN_A_NAME.sub('_', run_id)}"
