"""The first request to a system shows several things at once: each look takes from it what is its own. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property

from customer_sync.errors import SyncError
from customer_sync.model.check import Probe, Verdict, good, waits_for


class FirstContact:
    """One request, sent when the first look needs it.

    Args:
        prefix: Before the dot of the looks' ids.
        titles: Part -> what people call it, in the order of the looks.
        ask: Sends the request.
        concern: Names the part that a failure is about.
        proves: Part -> the others that are right when it is the one that fails.
    """

    def __init__(
        self,
        prefix: str,
        titles: Mapping[str, str],
        *,
        ask: Callable[[], object],
        concern: Callable[[SyncError], str],
        proves: Mapping[str, Collection[str]],
    ) -> None:
        self._prefix = prefix
        self._titles = titles
        self._ask = ask
        self._concern = concern
        self._proves = proves

    def probe(self, part: str, sentence: str, look: Callable[[], Verdict] | None = None) -> Probe:
        """The look at a part.

        Args:
            part: Which.
            sentence: What is said when it is right.
            look: Looks further, where the request has shown nothing bad.
        """
        return Probe(f"{self._prefix}.{part}", self._titles[part], lambda: self._judge(part, sentence, look))

    @cached_property
    def _failure(self) -> SyncError | None:
        try:
            self._ask()
        except SyncError as error:
            return error
        return None

    def _judge(self, part: str, sentence: str, look: Callable[[], Verdict] | None) -> Verdict:
        failure = self._failure
        if failure is None:
            return look() if look is not None else good(sentence)
        failed = self._concern(failure)
        if failed == part:
            raise failure
        if part in self._proves.get(failed, ()):
            return good(sentence)
        return waits_for(self._titles[failed])
