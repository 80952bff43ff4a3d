"""Which user of the store belongs to which contact, when people come, go and exchange their e-mails."""

from __future__ import annotations

import msgspec
import pytest

from customer_sync.model.company import CompanyUser, user_fields
from customer_sync.model.operation import AppliedUser
from customer_sync.planning.user_match import match_users
from tests.unit.customer_sync.builders import a_user

NOTHING_HELD: frozenset[str] = frozenset()


def has_email(key: str, email: str) -> CompanyUser:
    """A contact as it should be."""
    return msgspec.structs.replace(a_user(key), email=email)


def user_of(store_id: int, email: str) -> AppliedUser:
    """A user as the store has it."""
    return AppliedUser(store_id=store_id, fields=user_fields(has_email(str(store_id), email)))


def matched(
    desired: dict[str, str], applied: dict[str, tuple[int, str]], held: frozenset[str] = NOTHING_HELD
) -> dict[str, int]:
    """Contact -> id of its user in the store."""
    users = [has_email(key, email) for key, email in desired.items()]
    records = {key: user_of(store_id, email) for key, (store_id, email) in applied.items()}
    return {key: record.store_id for key, record in match_users(users, records, held).items()}


@pytest.mark.parametrize(
    ("desired", "applied", "expected"),
    [
        pytest.param({"A": "a@x"}, {"A": (1, "a@x")}, {"A": 1}, id="nothing changed"),
        pytest.param({"A": "new@x"}, {"A": (1, "a@x")}, {"A": 1}, id="a person with a new e-mail stays the same user"),
        pytest.param({"N": "a@x"}, {"A": (1, "a@x")}, {"N": 1}, id="another contact took over the e-mail"),
        pytest.param({"N": "A@X"}, {"A": (1, "a@x")}, {"N": 1}, id="in whatever case it is written"),
        pytest.param({"N": "n@x"}, {"A": (1, "a@x")}, {}, id="somebody new"),
        pytest.param({"A": "a@x"}, {"A": (1, "a@x"), "gone": (2, "a@x")}, {"A": 1}, id="who has it keeps the own user"),
        pytest.param(
            {"A": "gone@x", "B": "a@x"},
            {"A": (1, "a@x"), "B": (2, "b@x"), "gone": (3, "gone@x")},
            {"A": 3, "B": 1},
            id="one takes over from who is gone, the next one from that one",
        ),
        pytest.param({"A": "b@x", "B": "a@x"}, {"A": (1, "a@x"), "B": (2, "b@x")}, {"A": 2, "B": 1}, id="two exchange"),
        pytest.param(
            {"A": "b@x", "B": "c@x", "C": "a@x"},
            {"A": (1, "a@x"), "B": (2, "b@x"), "C": (3, "c@x")},
            {"A": 2, "B": 3, "C": 1},
            id="three exchange in a circle",
        ),
        pytest.param(
            {"A": "b@x", "B": "n@x"}, {"A": (1, "a@x"), "B": (2, "b@x")}, {"A": 1, "B": 2}, id="no circle, no exchange"
        ),
    ],
)
def test_a_user_goes_with_the_person(
    desired: dict[str, str], applied: dict[str, tuple[int, str]], expected: dict[str, int]
) -> None:
    """Nobody gets the account of somebody else, and nobody loses the own one."""
    assert matched(desired, applied) == expected


def test_who_must_not_be_sent_keeps_what_is_there() -> None:
    """A contact that the store refused neither takes over a user nor takes part in an exchange."""
    held = frozenset({"contact:A"})
    assert matched({"A": "gone@x"}, {"A": (1, "a@x"), "gone": (2, "gone@x")}, held) == {"A": 1}
    both = {"A": (1, "a@x"), "B": (2, "b@x")}
    assert matched({"A": "b@x", "B": "a@x"}, both, held) == {"A": 1, "B": 2}
