"""Our errors become Airflow's retry or fail, and a cancelled task cleans up."""

import os
import signal

import pytest
from airflow.sdk.exceptions import AirflowFailException

from customer_sync import errors
from customer_sync import errors as ours
from customer_sync.errors import AmbiguousWriteError, SyncError, TransientApiError
from customer_sync_airflow.tasks.error_boundary import CANCELLED_EXIT_CODE, airflow_boundary

REPEATED = ["RateLimited", "SessionLimit", "ConnectFailed", "Unavailable", "ReplyLost", "AmbiguousWriteError"]
FINAL = ["ConfigError", "AuthenticationFailed", "PermissionDenied", "RecordRejected", "ContractError"]
FINAL_OURS = ["PlanRefused", "LeaseLost", "BatchDamaged", "RunUnbalanced"]


@pytest.mark.parametrize("name", REPEATED)
def test_error_passes_unchanged_when_it_may_pass_by_itself(name: str) -> None:
    """What may pass by itself reaches Airflow as it is, so that Airflow tries again."""
    kind = getattr(errors, name)
    with pytest.raises(kind), airflow_boundary():
        raise kind("The store is away.")


@pytest.mark.parametrize("name", [*FINAL, *FINAL_OURS])
def test_error_fails_at_once_when_a_person_must_act(name: str) -> None:
    """What a person must mend is never retried; the message is our sentence and the cause is kept."""
    kind = getattr(errors, name, None) or getattr(ours, name)
    with pytest.raises(AirflowFailException) as caught, airflow_boundary():
        raise kind("The password is wrong: correct it.")
    assert str(caught.value) == "The password is wrong: correct it."
    assert isinstance(caught.value.__cause__, kind)


def test_every_error_class_has_a_fate_when_raised() -> None:
    """No error class of the product is forgotten: each one is retried or fails at once."""

    def family(kind: type[SyncError]) -> set[type[SyncError]]:
        return {kind}.union(*(family(below) for below in kind.__subclasses__()))

    assert ours.PlanRefused in family(SyncError)
    for kind in family(SyncError):
        expected = kind if issubclass(kind, TransientApiError | AmbiguousWriteError) else AirflowFailException
        with pytest.raises(expected), airflow_boundary():
            raise kind("What, where, and what to do.")


def test_defect_is_not_hidden_when_unexpected() -> None:
    """An error that is not ours stays what it is."""
    with pytest.raises(ZeroDivisionError), airflow_boundary():
        _ = 1 / 0


def test_clean_up_runs_when_task_is_cancelled() -> None:
    """SIGTERM ends the task through its ``finally`` blocks, and the handler before is put back."""
    before = signal.getsignal(signal.SIGTERM)
    signed_out = []

    def body() -> None:
        with airflow_boundary():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            finally:
                signed_out.append(True)

    with pytest.raises(SystemExit) as caught:
        body()
    assert caught.value.code == CANCELLED_EXIT_CODE
    assert signed_out == [True]
    assert signal.getsignal(signal.SIGTERM) == before
