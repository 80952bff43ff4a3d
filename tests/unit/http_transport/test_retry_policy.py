"""What is tried again, how long, and what is never sent twice."""

from collections.abc import Callable
from typing import Any

import pytest

from customer_sync.errors import (
    AmbiguousWriteError,
    AuthenticationFailed,
    ConnectFailed,
    ContractError,
    RateLimited,
    ReplyLost,
    SessionLimit,
    SyncError,
    TransientApiError,
    Unavailable,
)
from customer_sync.http.retry import Effect, RetryPolicy
from customer_sync.http.transport import HttpRequest

REQUEST = HttpRequest("GET", "/x", system="Twin")


class Script:
    """Raises what the script says, then answers."""

    def __init__(self, *outcomes: SyncError | str) -> None:
        self.outcomes = list(outcomes)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, SyncError):
            raise outcome
        return outcome


@pytest.fixture
def policy(clock: Any) -> Callable[..., RetryPolicy]:
    """Make policies that live by the test's clock."""

    def make(**changes: Any) -> RetryPolicy:
        return RetryPolicy(**{"sleep": clock.sleep, "clock": clock.read, "rng": lambda: 0.5, **changes})

    return make


def run(policy: RetryPolicy, effect: Effect, script: Script) -> str:
    """Run a script under a policy."""
    return policy.run(REQUEST, effect, script, on_retry=lambda: None)


@pytest.mark.parametrize("error", [ConnectFailed("x"), Unavailable("x"), ReplyLost("x"), RateLimited("x")])
def test_read_succeeds_when_a_failure_passes(policy: Any, error: TransientApiError) -> None:
    """Reads are repeated after any transient failure."""
    script = Script(error, error, "done")
    assert run(policy(), Effect.READ, script) == "done"
    assert script.calls == 3


@pytest.mark.parametrize("effect", list(Effect))
@pytest.mark.parametrize("error", [AuthenticationFailed("x"), ContractError("x")])
def test_nothing_is_repeated_when_the_failure_is_permanent(policy: Any, effect: Effect, error: SyncError) -> None:
    """A wrong password is sent once."""
    script = Script(error)
    with pytest.raises(SyncError):
        run(policy(), effect, script)
    assert script.calls == 1


@pytest.mark.parametrize("error", [ConnectFailed("x"), RateLimited("x", retry_after_s=1), SessionLimit("x")])
def test_write_is_repeated_when_the_server_did_nothing(policy: Any, error: TransientApiError) -> None:
    """A write goes again when it was never sent or explicitly refused."""
    script = Script(error, "done")
    assert run(policy(), Effect.WRITE, script) == "done"


@pytest.mark.parametrize("error", [Unavailable("x"), ReplyLost("x"), ContractError("x")])
def test_write_is_never_repeated_when_its_outcome_is_unknown(policy: Any, error: SyncError) -> None:
    """One sending, then AmbiguousWriteError that says to read back and keeps the cause."""
    script = Script(error)
    with pytest.raises(AmbiguousWriteError, match="read it back") as caught:
        run(policy(), Effect.WRITE, script)
    assert script.calls == 1
    assert caught.value.__cause__ is error


def test_write_is_unknown_when_it_is_lost_after_a_refusal(policy: Any) -> None:
    """Being refused first does not make a lost answer safe."""
    script = Script(RateLimited("x", retry_after_s=1), ReplyLost("x"), "done")
    with pytest.raises(AmbiguousWriteError):
        run(policy(), Effect.WRITE, script)
    assert script.calls == 2


def test_write_is_known_undone_when_it_could_never_be_sent(policy: Any) -> None:
    """When no try ever reached the server the error says so: nothing needs reading back."""
    with pytest.raises(ConnectFailed):
        run(policy(attempts=3), Effect.WRITE, Script(ConnectFailed("x")))


def test_repeatable_write_succeeds_when_a_failure_passes(policy: Any) -> None:
    """PUT and DELETE of the store go again after a lost answer."""
    script = Script(ReplyLost("x"), Unavailable("x"), "done")
    assert run(policy(), Effect.REPEATABLE_WRITE, script) == "done"


def test_repeatable_write_is_unknown_when_the_retries_run_out(policy: Any) -> None:
    """After the last try one of the earlier ones may have been done."""
    with pytest.raises(AmbiguousWriteError):
        run(policy(attempts=2), Effect.REPEATABLE_WRITE, Script(ReplyLost("x"), ConnectFailed("x")))


def test_tries_are_bounded_when_the_failure_stays(policy: Any, clock: Any) -> None:
    """Attempts are counted, and pauses double from the first delay with jitter."""
    script = Script(Unavailable("x"))
    with pytest.raises(Unavailable):
        run(policy(attempts=4, first_delay_s=2.0), Effect.READ, script)
    assert script.calls == 4
    assert clock.slept_s == pytest.approx([1.5, 3.0, 6.0])


def test_seconds_are_bounded_when_the_failure_stays(policy: Any, clock: Any) -> None:
    """No pause is begun that would end after the bound."""
    started_s = clock.read()
    with pytest.raises(Unavailable):
        run(policy(attempts=1_000, total_s=60.0, max_delay_s=10.0), Effect.READ, Script(Unavailable("x")))
    assert clock.read() - started_s <= 60.0


def test_refusals_use_no_attempt_when_the_budget_is_used_up(policy: Any, clock: Any) -> None:
    """A rate limit is waited for as often as it takes, by the server's own wait, within the seconds."""
    limited = RateLimited("x", retry_after_s=40.0)
    script = Script(*[limited] * 5, "done")
    assert run(policy(attempts=2, total_s=300.0), Effect.READ, script) == "done"
    assert clock.slept_s == [40.5] * 5
    with pytest.raises(RateLimited):
        run(policy(attempts=2, total_s=300.0), Effect.READ, Script(limited))


def test_seat_is_awaited_longer_when_none_is_free(policy: Any, clock: Any) -> None:
    """A session limit waits 30 to 60 s (docs/api/acumatica.md#refusals), few times."""
    script = Script(SessionLimit("x", retry_after_s=30.0))
    with pytest.raises(SessionLimit):
        run(policy(attempts=3), Effect.WRITE, script)
    assert clock.slept_s == [45.0, 45.0]


def test_each_repetition_is_told_when_it_happens(policy: Any, caplog: Any) -> None:
    """The log has a line per repetition with system, method, path and pause, and the counter hears of it."""
    told: list[int] = []
    policy(first_delay_s=4.0).run(
        REQUEST, Effect.READ, Script(Unavailable("It is down."), "done"), on_retry=lambda: told.append(1)
    )
    assert told == [1]
    assert [record.getMessage() for record in caplog.records] == [
        "Twin GET /x: It is down. Trying again in 3.0 s (try 2, 1 of 5 failures counted)."
    ]
