"""Quarantine: reason and field, since when, how often, and out again by itself."""

from datetime import UTC, datetime

import sqlalchemy as sa

from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.schema import quarantine
from customer_sync.model.outcome import Finding, Reason

REFUSED = Finding(reason=Reason.REJECTED_BY_STORE, field="companyPhone", detail="Too short.", hash="h1")
CONTACT = Finding(reason=Reason.EMAIL_IN_USE, entity="contact", key="7", field="Email", hash="u1")


def judge(ledger: Ledger, run_id: str, *found: Finding, customers: tuple[str, ...] = ("C1",)) -> None:
    """Make the quarantine of customers equal to what a run found on C1."""
    with ledger.write() as connection:
        ledger.quarantine.replace(connection, run_id, customers, [("C1", finding) for finding in found])


def first_seen(ledger: Ledger) -> datetime:
    """Since when the one row stands there."""
    with ledger.write() as connection:
        moment: datetime = connection.execute(sa.select(quarantine.c.first_seen_at_utc)).scalar_one()
    return moment


def test_reason_field_and_detail_are_kept(ledger: Ledger) -> None:
    """The page can say what to correct, for the customer and for a contact of it."""
    judge(ledger, "r1", REFUSED, CONTACT)
    rows = ledger.quarantine.load(["C1", "C2"])
    assert set(rows) == {"C1"}
    facts = [(row.entity, row.key, row.reason, row.field, row.content_hash, row.attempts) for row in rows["C1"]]
    assert sorted(facts) == [
        ("contact", "7", "email_in_use", "Email", "u1", 1),
        ("customer", "", "rejected_by_store", "companyPhone", "h1", 1),
    ]
    assert ledger.quarantine.customer_ids() == ["C1"]


def test_a_repetition_is_counted_and_keeps_its_first_day(ledger: Ledger) -> None:
    """Same content, refused again: the operator sees how long it has been so."""
    judge(ledger, "r1", REFUSED)
    since = first_seen(ledger)
    judge(ledger, "r2", REFUSED)
    (row,) = ledger.quarantine.load(["C1"])["C1"]
    assert row.attempts == 2
    assert first_seen(ledger) == since


def test_the_first_day_is_new_when_the_content_changed(ledger: Ledger) -> None:
    """A corrected customer that is refused again begins anew."""
    judge(ledger, "r1", REFUSED)
    since = first_seen(ledger)
    judge(ledger, "r2", Finding(reason=Reason.REJECTED_BY_STORE, hash="h2"))
    (row,) = ledger.quarantine.load(["C1"])["C1"]
    assert (row.attempts, row.content_hash) == (2, "h2")
    assert first_seen(ledger) > since


def test_a_customer_leaves_when_nothing_is_found_any_more(ledger: Ledger) -> None:
    """It goes by itself; customers that were not judged stay."""
    judge(ledger, "r1", REFUSED, CONTACT)
    judge(ledger, "r2", customers=("C2",))
    assert ledger.quarantine.customer_ids() == ["C1"]
    judge(ledger, "r3", CONTACT)
    assert [row.entity for row in ledger.quarantine.load(["C1"])["C1"]] == ["contact"]
    judge(ledger, "r4")
    assert ledger.quarantine.customer_ids() == []


def test_every_reason_of_one_customer_is_told(ledger: Ledger) -> None:
    """A customer without name and phone has one row that names both."""
    judge(
        ledger,
        "r1",
        Finding(reason=Reason.NAME_MISSING, field="CustomerName"),
        Finding(reason=Reason.PHONE_MISSING, field="MainContact/Phone1"),
    )
    (row,) = ledger.quarantine.load(["C1"])["C1"]
    assert (row.reason, row.field, row.attempts) == ("name_missing", "CustomerName", 1)
    assert "phone_missing (MainContact/Phone1)" in row.detail


def test_a_person_may_release_a_customer(ledger: Ledger, other: Ledger) -> None:
    """All its rows go, and how many is told; another connector's stay."""
    judge(ledger, "r1", REFUSED, CONTACT)
    judge(other, "r1", REFUSED)
    with ledger.write() as connection:
        assert ledger.quarantine.release(connection, "C1") == 2
        assert ledger.quarantine.release(connection, "C1") == 0
    assert other.quarantine.customer_ids() == ["C1"]


def test_so_many_strangers_emails_are_due_those_first_that_were_asked_for_longest_ago(ledger: Ledger) -> None:
    """Whose holder is a customer of ours, and who was asked for since, is not among them."""
    asked = datetime(2026, 1, 5, tzinfo=UTC)

    def waits(key: str, *, day: int, holder: str = "") -> tuple[str, Finding]:
        when = asked.replace(day=day)
        return "C1", Finding(
            reason=Reason.EMAIL_IN_USE, entity="contact", key=key, hash="h", holder=holder, asked_at_utc=when
        )

    found = [waits("a", day=4), waits("b", day=2), waits("c", day=3), waits("d", day=1, holder="C9"), waits("e", day=6)]
    with ledger.write() as connection:
        ledger.quarantine.replace(connection, "r1", ["C1"], found)
    assert ledger.quarantine.due(asked, 60) == {("C1", "a"), ("C1", "b"), ("C1", "c")}
    assert ledger.quarantine.due(asked, 2) == {("C1", "b"), ("C1", "c")}
