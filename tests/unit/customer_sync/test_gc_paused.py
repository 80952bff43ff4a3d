"""The collector is suspended for a batch and never longer."""

from __future__ import annotations

import gc
import threading

import pytest

from customer_sync.gc_paused import gc_paused


def test_the_collector_rests_inside_and_goes_on_afterwards() -> None:
    """Also when the block fails, and also when blocks are nested."""
    assert gc.isenabled()
    with gc_paused():
        assert not gc.isenabled()
        with gc_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(LookupError), gc_paused():
        raise LookupError
    assert gc.isenabled()


def test_it_rests_until_the_last_thread_has_left() -> None:
    """Reading ahead and working on a page overlap."""
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with gc_paused():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert entered.wait(10)
    with gc_paused():
        pass
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    """The caller's setting is not ours to change."""
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
