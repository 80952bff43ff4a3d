"""The one map from our errors to Airflow's retry and fail, and a clean end when a task is cancelled.

============================================  =============================================
``TransientApiError``, ``AmbiguousWriteError``  raised again: Airflow tries the task again
every other ``SyncError``                       ``AirflowFailException``: no further try
anything else                                   a defect: logged as one, raised again
============================================  =============================================

Domain code knows nothing of Airflow (docs/architecture.md#errors).
"""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from customer_sync.errors import AmbiguousWriteError, SyncError, TransientApiError

log = logging.getLogger(__name__)

CANCELLED_EXIT_CODE = 143
"""128 + SIGTERM, what a shell reports for a process that was asked to end."""


@contextmanager
def airflow_boundary() -> Iterator[None]:
    """Run a task's body: its errors become Airflow's, and *Mark failed* lets it clean up.

    The error's own sentence is logged first, so that a reader meets it before any traceback.

    Raises:
        TransientApiError: Nothing was done, or it can be done again: Airflow retries.
        AmbiguousWriteError: A write may have been done; the next try reads it back first.
        AirflowFailException: A person has to act; Airflow does not retry.
        SystemExit: The task was cancelled.
    """
    with _clean_cancel():
        try:
            yield
        except (TransientApiError, AmbiguousWriteError) as error:
            _report(error, f"{error.message} Airflow tries this task again if it has tries left.")
            raise
        except SyncError as error:
            _report(error, error.message)
            raise AirflowFailException(error.message) from error
        except AirflowException:
            raise
        except Exception as error:
            log.error(  # noqa: TRY400  # the traceback follows from Airflow
                "Unexpected %s: this is a defect of the connector or of its environment. Airflow tries this task "
                "again if it has tries left; if it stays, report it with this log.",
                type(error).__name__,
            )
            raise


def _report(error: SyncError, sentence: str) -> None:
    """Log the sentence, and keep Airflow's own report of the error short.

    Airflow prints the whole chain of causes with all their frames, a hundred lines for a refused
    connection. The sentence already says what matters; set the log level to DEBUG to see the
    frames.
    """
    log.debug("Where it happened:", exc_info=error)
    log.error("%s", sentence)
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__


@contextmanager
def _clean_cancel() -> Iterator[None]:
    """Let ``finally`` blocks run when the task is asked to end.

    Airflow's own handler only calls ``on_kill`` of the operator, which does nothing for a
    function, and kills the process five seconds later: no sign-out, no released lease
    (docs/api/airflow.md#cancel). Signals can only be handled in the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    log.warning("The task was cancelled: signing out and releasing the store. What was confirmed is in the ledger.")
    raise SystemExit(CANCELLED_EXIT_CODE)
