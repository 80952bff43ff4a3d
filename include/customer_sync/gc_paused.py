"""Keep the cyclic garbage collector out of the way while a batch of records is made.

A batch makes some hundred thousand objects, none of them part of a cycle, and the collector
would walk all of them again and again: a third of the time (docs/performance.md). What goes
out of use is freed by reference counting all the same.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_was_on = False


@contextmanager
def gc_paused() -> Iterator[None]:
    """Suspend the collector while the block runs; for work that is bounded and leaves no cycles behind.

    Blocks may be nested and may run in several threads; the collector goes on, if it was on, when
    the last of them ends.
    """
    global _inside, _was_on  # noqa: PLW0603 - the collector is one for the whole process
    with _lock:
        if _inside == 0:
            _was_on = gc.isenabled()
            gc.disable()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _was_on:
                gc.enable()
