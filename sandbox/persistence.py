"""`--state FILE`: the twin's state on disk, whole at every moment, so that a demo can be stopped and continued."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.exchange import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMAT = 1
DEBOUNCE_S = 0.5


class StateFileError(RuntimeError):
    """The state file cannot be used; the message names the file and what to do."""


class StateFile:
    """One file that follows a twin's state.

    A change is written half a second later (many changes, one write), and once more at the end. Each write goes to a
    temporary file beside it that replaces the old one, so a killed twin leaves the last whole state behind.

    Args:
        path: The file; its folder must exist. Readable by its owner only.
        twin_name: Whose state it is; a file of the other twin is refused.
        snapshot: Gives the present state as JSON.
    """

    def __init__(self, path: Path, twin_name: str, snapshot: Callable[[], dict[str, Any]]) -> None:
        self._path = path
        self._twin_name = twin_name
        self._snapshot = snapshot
        self._timer: asyncio.TimerHandle | None = None
        self._is_dirty = False
        self._last_write_s = 0.0

    def read(self) -> dict[str, Any] | None:
        """The saved state, or nothing when there is no file yet.

        Raises:
            StateFileError: The file is no state of this twin.
        """
        if not self._path.exists():
            return None
        try:
            saved = msgspec.json.decode(self._path.read_bytes())
        except msgspec.DecodeError as error:
            raise StateFileError(f"{self._path} is not a state file ({error}); remove it to start afresh") from error
        if not isinstance(saved, dict) or saved.get("twin") != self._twin_name or saved.get("format") != FORMAT:
            raise StateFileError(f"{self._path} is no state of the twin {self._twin_name}; name another file")
        state: dict[str, Any] = saved["state"]
        return state

    def changed(self) -> None:
        """Note that the state moved; it is written soon."""
        self._is_dirty = True
        if self._timer is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return  # outside the server's loop only start-up and the last write are left, and both call flush
            # A large state is written less often, so that writing never takes more than a tenth of the time.
            self._timer = loop.call_later(max(DEBOUNCE_S, 10 * self._last_write_s), self._on_time)

    def flush(self) -> None:
        """Write now if anything changed since the last write."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_dirty:
            return
        self._is_dirty = False
        began = time.perf_counter()
        self._write(to_json({"twin": self._twin_name, "format": FORMAT, "state": self._snapshot()}))
        self._last_write_s = time.perf_counter() - began

    def _on_time(self) -> None:
        self._timer = None
        self.flush()

    def _write(self, content: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self._path)  # noqa: PTH105  # the pair mkstemp and replace reads best side by side
        except BaseException:
            os.unlink(temporary)  # noqa: PTH108  # the same
            raise
