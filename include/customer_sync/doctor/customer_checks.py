"""Looks at the customers of the source before the first sync: what of them the store could not hold, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from customer_sync.doctor.sample import MOST_EXAMPLES, Found, Reading, Sample
from customer_sync.ledger import Ledger
from customer_sync.model.check import Probe, Verdict, bad, good, not_looked_at, warning
from customer_sync.model.outcome import Reason, remedy
from customer_sync.settings.connector import Connector
from customer_sync.targets.port import Target

WORTH_STOPPING_SHARE: Final = 0.1
"""Where more than one in ten of those who belong in the store is concerned, a setting is wrong rather than data."""

WORTH_STOPPING: Final = 10
"""Fewer customers than these are repaired by hand, however few there are."""

_LINKED_ASKED_FOR: Final = 50
_READ: Final = ("erp.customers",)

_REASONS: Final = {
    "account_emails": ("Account Emails", (Reason.EMAIL_MISSING, Reason.EMAIL_INVALID)),
    "names": ("names", (Reason.NAME_MISSING, Reason.CONTACT_NAME_MISSING)),
    "phones": ("phones", (Reason.PHONE_MISSING,)),
    "places": (
        "countries and states of customers",
        (
            Reason.COUNTRY_MISSING,
            Reason.COUNTRY_UNKNOWN,
            Reason.STATE_UNKNOWN,
            Reason.LOCATION_COUNTRY_UNKNOWN,
            Reason.LOCATION_ADDRESS_INCOMPLETE,
        ),
    ),
    "contact_emails": (
        "e-mails of contacts",
        (Reason.CONTACT_EMAIL_MISSING, Reason.CONTACT_EMAIL_INVALID, Reason.CONTACT_EMAIL_DUPLICATE),
    ),
    "admins": ("first users", (Reason.NO_ADMIN_CONTACT,)),
    "long_texts": ("over-long texts", (Reason.VALUE_CUT,)),
    "terms": ("terms", (Reason.TERMS_NOT_MAPPED,)),
}
"""Check -> what people call it, and the reasons of the sync that it counts."""

_BY_CHOICE: Final = frozenset({Reason.TERMS_NOT_MAPPED})
"""Reasons that may be meant, however many customers they concern."""

_WORDS: Final = {
    Reason.EMAIL_MISSING: "without an Account Email",
    Reason.EMAIL_INVALID: "with an Account Email that is none",
    Reason.NAME_MISSING: "without a name",
    Reason.CONTACT_NAME_MISSING: "with a contact that lacks a name",
    Reason.PHONE_MISSING: "without a phone",
    Reason.COUNTRY_MISSING: "without a country",
    Reason.COUNTRY_UNKNOWN: "with a country that the store does not list",
    Reason.STATE_UNKNOWN: "with a state that the store does not list",
    Reason.LOCATION_COUNTRY_UNKNOWN: "with an address in a country that the store does not list",
    Reason.LOCATION_ADDRESS_INCOMPLETE: "with an incomplete address",
    Reason.CONTACT_EMAIL_MISSING: "with a contact without e-mail",
    Reason.CONTACT_EMAIL_INVALID: "with a contact's e-mail that is none",
    Reason.CONTACT_EMAIL_DUPLICATE: "with two contacts of one e-mail",
    Reason.NO_ADMIN_CONTACT: "without anybody who could be the first user",
    Reason.VALUE_CUT: "with a text that is longer than the store holds",
    Reason.TERMS_NOT_MAPPED: "with terms that the connector file does not list",
}


class CustomerChecks:
    """Every look at the customers.

    Args:
        reading: Reads them.
        connector: The rules.
        target: The store; ``None`` where its connection cannot be read.
        ledger: Knows who is linked; ``None`` where it cannot be opened.
    """

    def __init__(self, reading: Reading, connector: Connector, target: Target | None, ledger: Ledger | None) -> None:
        self._reading = reading
        self._connector = connector
        self._target = target
        self._ledger = ledger

    def probes(self) -> Iterator[Probe]:
        """Every look."""
        yield Probe("data.shown", "whom the API user sees", self._shown, _READ)
        yield Probe("data.readable", "records that can be read", self._readable, _READ)
        for name, (title, reasons) in _REASONS.items():
            yield Probe(f"data.{name}", title, partial(self._of_reasons, title, reasons), _READ)
        yield Probe("data.shared_account_emails", "Account Emails of several customers", self._shared_accounts, _READ)
        yield Probe("data.shared_user_emails", "people of several customers", self._shared_users, _READ)
        yield Probe("data.shoppers", "retail shoppers among the users", self._shoppers, _READ)

    @property
    def _sample(self) -> Sample:
        return self._reading.sample

    @property
    def _of_whom(self) -> str:
        sample = self._sample
        return f"{sample.eligible:,} customers that belong in the store" + (
            "" if sample.is_whole else " (as far as read)"
        )

    def _shown(self) -> Verdict:
        """A restriction group makes a list shorter than it should be, without a word."""
        sample, source = self._sample, self._connector.source.label
        groups = (
            "Give the API user access to the restriction groups (row-level security) that hold the others, check the "
            f"tenant, or correct 'eligibility' in {self._connector.id}.yaml."
        )
        if not sample.read:
            return bad(f"{source} shows the API user no customer at all.", groups)
        hidden = self._linked_and_hidden()
        if hidden:
            return bad(
                f"{source} does not show {len(hidden)} customers that have a company already: "
                f"{', '.join(hidden[:MOST_EXAMPLES])}. Runs would withdraw them.",
                groups,
            )
        types = ", ".join(f"{count:,} {name}" for name, count in _largest(sample.types))
        if not sample.eligible:
            accepted = ", ".join(self._connector.eligibility.types)
            return bad(
                f"Of the {sample.read:,} customers that {source} shows, none belongs in the store; by type they are "
                f"{types}, and eligibility.types accepts {accepted}.",
                groups,
            )
        seen = "shows" if sample.is_whole else "showed, as far as read,"
        return good(f"{source} {seen} {sample.read:,} customers ({types}); {sample.eligible:,} belong in the store.")

    def _linked_and_hidden(self) -> list[str]:
        """Some customers that have a company and that the source does not show any more."""
        if self._ledger is None:
            return []
        linked = [key for key, _ in next(iter(self._ledger.links.companies(_LINKED_ASKED_FOR)), [])]
        if not linked:
            return []
        shown = {customer.customer_id for page in self._reading.again(linked) for customer in page.customers}
        return [key for key in linked if key not in shown] if len(shown) * 2 < len(linked) else []

    def _readable(self) -> Verdict:
        unreadable = self._sample.unreadable
        if not unreadable:
            return good("Every record that was read fits.")
        shown = "; ".join(f"{key}: {why}" for key, why in list(unreadable.items())[:MOST_EXAMPLES])
        return warning(
            f"{len(unreadable):,} customers cannot be read, and are kept apart: {shown}.",
            remedy(Reason.RECORD_UNREADABLE, self._connector.source.words),
        )

    def _of_reasons(self, title: str, reasons: Sequence[Reason]) -> Verdict:
        found = [(reason, self._sample.findings[reason]) for reason in reasons if reason in self._sample.findings]
        if not found:
            return good(f"Nothing is wrong with the {title} of {self._of_whom}.")
        sentences = [f"{len(each.customers):,} {_WORDS[reason]} ({_examples(each)})" for reason, each in found]
        words = self._connector.source.words
        remedies = dict.fromkeys(
            remedy(reason, words, each.fields.most_common(1)[0][0] if each.fields else "") for reason, each in found
        )
        concerned = len(set[str]().union(*(each.customers for _, each in found)))
        sentence = f"Of {self._of_whom}: {', '.join(sentences)}."
        if _BY_CHOICE.issuperset(reason for reason, _ in found):
            return warning(sentence, " ".join(remedies))
        return self._weighed(concerned, sentence, " ".join(remedies))

    def _shared_accounts(self) -> Verdict:
        found = self._sample.accounts.found
        if not found.records:
            return good(f"Each of {self._of_whom} has an Account Email of its own.")
        sentence = (
            f"{len(found.customers):,} customers share an Account Email with another: {'; '.join(found.examples)}."
        )
        if not self._connector.target.company_emails_unique:
            return good(f"{sentence} The store lets companies share one.")
        return self._weighed(
            len(found.customers), sentence, remedy(Reason.EMAIL_DUPLICATE, self._connector.source.words)
        )

    def _shared_users(self) -> Verdict:
        found = self._sample.users.found
        if not found.records:
            return good("Nobody would have to be a user of two companies.")
        words = self._connector.source.words
        email = words.get("contact.email", "e-mail")
        return self._weighed(
            len(found.customers),
            f"{found.records:,} people are contacts of several customers, and the store lets an e-mail be a user of "
            f"one company: {'; '.join(found.examples)}.",
            f"Give such contacts an e-mail of their own for each customer: {email} of the contact. Until then the "
            "oldest customer has the person, and the others' parts wait.",
        )

    def _shoppers(self) -> Verdict:
        if self._target is None:
            return not_looked_at("the store's connection comes first.")
        count = self._target.shoppers(self._sample.users.emails)
        if count is None:
            return not_looked_at(
                "the store does not let us ask for its shoppers, or there are too many people.",
                "Give the API token the scope to read customers if you want to know.",
            )
        if not count:
            return good("None of the people is a retail shopper of the store.")
        return warning(
            f"{count:,} of the people are retail shoppers of the store: as users of a company they keep their account, "
            "and their earlier orders become the company's.",
            "Tell them before the first sync, or give the contacts another e-mail in the ERP.",
        )

    def _weighed(self, concerned: int, sentence: str, what_to_do: str) -> Verdict:
        """Few are repaired one by one; so many that a setting must be wrong are worth stopping for."""
        among = max(self._sample.eligible, 1)
        if concerned >= WORTH_STOPPING and concerned > among * WORTH_STOPPING_SHARE:
            return bad(sentence, what_to_do)
        return warning(sentence, what_to_do)


def _largest(counts: Counter[str]) -> list[tuple[str, int]]:
    return counts.most_common(MOST_EXAMPLES)


def _examples(found: Found) -> str:
    more = len(found.customers) - len(found.examples)
    return "; ".join(found.examples) + (f"; and {more:,} more" if more > 0 else "")
