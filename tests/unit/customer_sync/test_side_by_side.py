"""Several questions at once: answers in order, the first failure, and no division within a call."""

from __future__ import annotations

from functools import partial

import pytest

from customer_sync.calls_in_flight import CallsInFlight, pause, side_by_side


class Slow:
    """Answers after a pause, and knows how many were asked for at once."""

    asked = most = 0

    def answer(self, value: int) -> int:
        """Wait, and give the value back; a negative one is a failure."""
        self.asked += 1
        self.most = max(self.most, self.asked)
        pause(0.01 if value > 1 else 0.03)
        self.asked -= 1
        if value < 0:
            raise ValueError(value)
        return value


def test_answers_come_in_the_order_of_the_questions() -> None:
    """All are in flight at once, whichever is answered first."""
    slow = Slow()
    assert side_by_side([partial(slow.answer, value) for value in (1, 2, 3)]) == [1, 2, 3]
    assert slow.most == 3
    assert side_by_side([]) == []


def test_the_first_question_that_failed_is_told() -> None:
    """The others are awaited all the same: nothing is left in flight."""
    slow = Slow()
    with pytest.raises(ValueError, match="-1"):
        side_by_side([partial(slow.answer, value) for value in (2, -1, -2, 3)])
    assert slow.asked == 0


def test_a_call_asks_one_after_the_other() -> None:
    """Calls that wait for calls of their own would keep the others from going on."""
    slow = Slow()
    with CallsInFlight() as calls:
        call = calls.submit(lambda: side_by_side([partial(slow.answer, value) for value in (1, 2)]))
        while not calls.wait():
            pass
    assert (call.answer, slow.most) == ([1, 2], 1)
