"""What can stop the demonstration."""

from __future__ import annotations


class DemoError(Exception):
    """The demonstration cannot go on; the message says why and what to do, in words for its user."""
