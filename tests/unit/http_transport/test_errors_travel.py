"""Errors move between processes and keep what they know, and keep secrets to themselves."""

import pickle
from typing import Any

import pytest

import customer_sync.sources.acumatica.answers
import customer_sync.targets.better_b2b.adapter
from customer_sync import errors
from customer_sync.errors import ApiError, RecordRejected, SyncError, TransientApiError

assert customer_sync.sources.acumatica.answers
assert customer_sync.targets.better_b2b.adapter


def _all_kinds(kind: type[SyncError]) -> list[type[SyncError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _all_kinds(child))]


def _travelled(error: SyncError) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes, as between Airflow's processes


@pytest.mark.parametrize("kind", _all_kinds(SyncError), ids=lambda kind: kind.__name__)
def test_error_is_the_same_when_it_was_pickled(kind: type[SyncError]) -> None:
    """Type, text, evidence and attributes survive the way through another process, twice."""
    facts = {"system": "Twin", "operation": "GET /x", "status": 500} if issubclass(kind, ApiError) else {"table": "x"}
    error = kind("It broke. Mend it.", **facts)
    for _ in range(2):
        again = _travelled(error)
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert again.evidence == error.evidence
        assert vars(again) == vars(error)


def test_details_survive_when_a_refusal_is_pickled() -> None:
    """Field errors, row errors and the wait are attributes again on the other side."""
    refused = RecordRejected(
        "No.", field_errors={"email": ["taken"]}, texts=["t"], row_errors={3: ["bad"]}, good_rows_kept=True, status=400
    )
    again = _travelled(refused)
    assert (again.field_errors, again.texts, again.row_errors) == ({"email": ["taken"]}, ["t"], {3: ["bad"]})
    assert (again.good_rows_kept, again.status) == (True, 400)
    limited = _travelled(errors.RateLimited("Wait.", retry_after_s=41.4, system="Twin"))
    assert limited.retry_after_s == 41.4


def test_personal_data_is_masked_when_an_error_holds_it() -> None:
    """No e-mail, phone or secret is readable in text, representation or evidence, wherever it was put in."""
    planted = "dana.rivera@northwind.example called +1 (555) 010-4421 with password=hunter2"
    error = RecordRejected(
        planted,
        field_errors={"email": [planted]},
        texts=[planted],
        row_errors={0: [planted]},
        operation=f"GET /users?email={planted}",
        excerpt=planted,
        sample={"adminEmail": "dana.rivera@northwind.example", "X-Auth-Token": "hunter2"},
    )
    shown = f"{error} {error!r} {error.evidence} {vars(error)}"
    for secret in ("dana.rivera", "northwind", "010-4421", "hunter2"):
        assert secret not in shown
    assert "da•••@no•••.example" in shown


def test_text_is_short_when_the_server_sends_much() -> None:
    """Ten megabytes of answer make an excerpt of five hundred characters."""
    error = ApiError("m" * 10_000_000, excerpt="x" * 10_000_000)
    assert len(error.excerpt) <= 500
    assert len(str(error)) <= 2_000


@pytest.mark.parametrize(
    ("kind", "refused", "counts"),
    [
        (errors.RateLimited, True, False),
        (errors.SessionLimit, True, True),
        (errors.ConnectFailed, True, True),
        (errors.Unavailable, False, True),
        (errors.ReplyLost, False, True),
    ],
)
def test_consequence_is_known_when_an_error_is_transient(
    kind: type[TransientApiError], *, refused: bool, counts: bool
) -> None:
    """Each transient class says whether the server did nothing, and whether it uses up an attempt."""
    assert (kind.refused, kind.counts_as_attempt) == (refused, counts)
