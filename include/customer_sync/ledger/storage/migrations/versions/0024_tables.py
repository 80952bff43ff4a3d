"""The tables that the first release begins with: a new ledger gets them from ``schema.metadata``, at its revision.

Revision: 0024
Revises: nothing
"""

from __future__ import annotations

revision = "0024"
down_revision = None


def upgrade() -> None:
    """Do nothing: no ledger is older (``storage/upgrade.py``)."""
