"""A person's consent, with which an application works without his password: what a command needs of an adapter."""

from __future__ import annotations

from typing import Protocol


class Consent(Protocol):
    """One attempt to get the consent of a person, who gives it in a browser."""

    def address(self, redirect_uri: str, state: str) -> str:
        """The address that the person opens.

        Args:
            redirect_uri: Where the browser goes afterwards, with a code; the system must know it.
            state: Comes back with the code, and proves that it belongs to this attempt.

        Raises:
            SyncError: The system cannot be asked how it is to be done.
        """

    def finish(self, redirect_uri: str, code: str) -> str:
        """Exchange the code for tokens, keep them, and try them.

        Args:
            redirect_uri: As it was given to :meth:`address`.
            code: What the browser brought.

        Returns:
            What the tokens open, for people.

        Raises:
            SyncError: The system gave none, or they open nothing.
        """
