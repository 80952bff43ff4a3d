"""Runs, outcomes, what is left unfinished, intents and the log."""

from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from customer_sync.ledger import CustomerOutcome, IntendedWrite, Ledger, OpenIntent
from customer_sync.ledger.journal.parts import decode_parts
from customer_sync.ledger.storage.database import open_engine
from customer_sync.ledger.storage.schema import journal
from customer_sync.model.company import CompanyFields
from customer_sync.model.operation import Action, CompanyOperation, ConfirmedWrite
from customer_sync.model.outcome import LogEntry, Outcome
from tests.unit.customer_sync.builders import an_operation

RUN = {"mode": "full", "dry_run": False, "moves_watermark": True, "window": {"interval": []}}


def begin(ledger: Ledger, run_id: str, *customer_ids: str, **columns: Any) -> None:
    """Begin a run and book customers in one batch."""
    with ledger.write() as connection:
        ledger.runs.begin(connection, run_id, **{**RUN, **columns})
        ledger.runs.add_customers(connection, run_id, "batch_000", customer_ids)


def close(ledger: Ledger, run_id: str, **outcomes: Outcome) -> None:
    """Give customers their outcomes, and settle what is unfinished as audit does."""
    with ledger.write() as connection:
        found = [CustomerOutcome(key, outcome, ("batch_failed",)) for key, outcome in outcomes.items()]
        ledger.runs.put_outcomes(connection, run_id, found)
        ledger.runs.refresh_unfinished(connection, run_id)


def test_every_extracted_customer_is_without_an_outcome_at_first(ledger: Ledger) -> None:
    """Whoever has none at the end is found by the audit."""
    begin(ledger, "r1", "C2", "C1")
    assert ledger.runs.without_outcome("r1") == {"C1": "batch_000", "C2": "batch_000"}
    assert ledger.runs.outcome_counts("r1") == {"": 2}
    row = ledger.runs.get("r1")
    assert row is not None
    assert (row["extracted"], row["state"], row["ended_at_utc"]) == (2, "running", None)


def test_an_outcome_replaces_an_earlier_one(ledger: Ledger) -> None:
    """A repeated attempt has the last word; each customer counts once."""
    begin(ledger, "r1", "C1", "C2")
    close(ledger, "r1", C1=Outcome.FAILED, C2=Outcome.CREATED)
    close(ledger, "r1", C1=Outcome.UPDATED)
    assert ledger.runs.outcome_counts("r1") == {"created": 1, "updated": 1}
    assert ledger.runs.reason_counts("r1") == {"batch_failed": 2}


def test_outcomes_are_taken_back_before_a_batch_is_worked_on_again(ledger: Ledger) -> None:
    """Nothing of a cleared attempt is left to be mistaken for the new one's."""
    begin(ledger, "r1", "C1", "C2")
    close(ledger, "r1", C1=Outcome.FILTERED, C2=Outcome.CREATED)
    with ledger.write() as connection:
        ledger.runs.clear_outcomes(connection, "r1", ["C1"])
    assert ledger.runs.without_outcome("r1") == {"C1": "batch_000"}
    assert ledger.runs.outcome_counts("r1") == {"": 1, "created": 1}


def test_a_customer_that_was_not_extracted_gets_no_outcome(ledger: Ledger) -> None:
    """Outcomes cannot exceed what was read."""
    begin(ledger, "r1", "C1")
    close(ledger, "r1", C9=Outcome.CREATED)
    assert ledger.runs.outcome_counts("r1") == {"": 1}


def test_the_book_is_begun_afresh_when_extraction_is_repeated(ledger: Ledger) -> None:
    """A cleared run keeps its first start and counts anew."""
    begin(ledger, "r1", "C1", "C2")
    first = ledger.runs.get("r1")
    begin(ledger, "r1", "C3")
    again = ledger.runs.get("r1")
    assert first is not None
    assert again is not None
    assert again["extracted"] == 1
    assert again["started_at_utc"] == first["started_at_utc"]
    assert ledger.runs.without_outcome("r1") == {"C3": "batch_000"}


def test_runs_of_two_connectors_with_one_id_do_not_meet(ledger: Ledger, other: Ledger) -> None:
    """Airflow names the scheduled runs of two DAGs alike: neither takes the other's customers."""
    begin(ledger, "scheduled__2026-01-01", "C1", "C2")
    begin(other, "scheduled__2026-01-01", "C1")
    close(other, "scheduled__2026-01-01", C1=Outcome.FAILED)
    close(ledger, "scheduled__2026-01-01", C1=Outcome.CREATED)
    begin(other, "scheduled__2026-01-01", "C7")
    assert ledger.runs.outcome_counts("scheduled__2026-01-01") == {"": 1, "created": 1}
    assert ledger.runs.unfinished() == {}
    assert set(other.runs.unfinished()) == {"C1"}


def test_who_failed_is_read_again_until_it_succeeds(ledger: Ledger) -> None:
    """Nothing falls behind the watermark; the time of the first failure stays."""
    begin(ledger, "r1", "C1", "C2", "C3")
    close(ledger, "r1", C1=Outcome.FAILED, C2=Outcome.FAILED, C3=Outcome.CREATED)
    since = ledger.runs.unfinished()
    assert set(since) == {"C1", "C2"}
    begin(ledger, "r2", "C1", "C2")
    close(ledger, "r2", C1=Outcome.FAILED, C2=Outcome.UPDATED)
    assert ledger.runs.unfinished() == {"C1": since["C1"]}
    assert since["C1"].tzinfo is not None


def test_a_run_without_them_leaves_the_unfinished_as_they_are(ledger: Ledger) -> None:
    """Only a run that read a customer can finish it."""
    begin(ledger, "r1", "C1")
    close(ledger, "r1", C1=Outcome.FAILED)
    begin(ledger, "r2", "C2")
    close(ledger, "r2", C2=Outcome.CREATED)
    assert set(ledger.runs.unfinished()) == {"C1"}


def test_who_did_not_fit_is_postponed_and_can_be_forgotten(ledger: Ledger) -> None:
    """Postponing keeps an earlier time; who is gone from the ERP is dropped."""
    begin(ledger, "r1", "C1")
    close(ledger, "r1", C1=Outcome.FAILED)
    since = ledger.runs.unfinished()["C1"]
    with ledger.write() as connection:
        ledger.runs.postpone(connection, ["C1", "C2", "C3"])
        ledger.runs.forget_unfinished(connection, ["C3"])
    assert set(ledger.runs.unfinished()) == {"C1", "C2"}
    assert ledger.runs.unfinished()["C1"] == since


def test_a_reprocessed_interval_takes_up_who_was_recorded_for_it(ledger: Ledger, other: Ledger) -> None:
    """Customers of the same interval, of this connector, and no others."""
    february, march = ("2026-02-01", "2026-02-02"), ("2026-03-01", "2026-03-02")
    begin(ledger, "b1", "C1", window={"interval": list(february)})
    begin(ledger, "b2", "C2", window={"interval": list(march)})
    begin(ledger, "r1", "C3", window={"interval": []})
    begin(other, "b1", "C4", window={"interval": list(february)})
    assert ledger.runs.of_interval(february) == {"C1"}


def test_the_last_customer_of_a_batch_is_where_a_long_read_goes_on(ledger: Ledger) -> None:
    """The greatest key that was booked; nothing for a batch that is not there."""
    begin(ledger, "r1", "C1", "C3", "C2")
    assert ledger.runs.last_customer("r1", "batch_000") == "C3"
    assert ledger.runs.last_customer("r1", "batch_001") == ""


def test_batches_are_counted_by_their_keys(ledger: Ledger, other: Ledger) -> None:
    """Two batches of this run, whatever another connector's run of the same id extracted."""
    begin(ledger, "r1", "C1", "C2")
    begin(other, "r1", "C1")
    with ledger.write() as connection:
        ledger.runs.add_customers(connection, "r1", "batch_001", ["C3"])
        ledger.runs.add_closed(connection, "r1", "as_before_000", {"C4": ("unchanged", ""), "C5": ("filtered", "x")})
    assert ledger.runs.handed_on("r1")[0] == 2
    assert (other.runs.handed_on("r1")[0], ledger.runs.handed_on("r2")) == (1, (0, 0))
    assert ledger.runs.closed_by_extract("r1") == {"unchanged": 1, "filtered": 1}
    assert other.runs.closed_by_extract("r1") == {}


OPERATIONS = [
    IntendedWrite("C1", an_operation(Action.CREATE_COMPANY, "C1", values={"company_name": "x"})),
    IntendedWrite("C2", an_operation(Action.UPDATE_USER, "7", 11, values={"role": "Admin"})),
]


def test_an_intent_is_unknown_until_it_is_answered(ledger: Ledger) -> None:
    """Open means unknown: it is listed until somebody settles it."""
    with ledger.write() as connection:
        first, second = ledger.intents.open(connection, "r1", 1, [[each] for each in OPERATIONS])
    assert ledger.intents.unanswered() == [
        OpenIntent(first, "C1", "create_company", "C1", 0, sent={"company_name": "x"}),
        OpenIntent(second, "C2", "update_user", "7", 11, sent={"role": "Admin"}),
    ]
    assert [intent.customer_id for intent in ledger.intents.unanswered(["C2", "C3"])] == ["C2"]
    with ledger.write() as connection:
        ledger.intents.settle(connection, [first], "confirmed")
        ledger.intents.settle(connection, [second], "abandoned")
    assert ledger.intents.unanswered() == []
    assert ledger.intents.counts("r1") == {"confirmed": 1, "abandoned": 1}
    assert ledger.intents.confirmed("r1", ["C1", "C2"]) == {
        "C1": [ConfirmedWrite("create_company", "C1", {}, {"company_name": "x"})]
    }


def test_an_intent_survives_the_process_that_wrote_it(ledger: Ledger, ledger_url: str) -> None:
    """Killed between intent and answer: the next process finds it."""
    with ledger.write() as connection:
        ledger.intents.open(connection, "r1", 1, [OPERATIONS[:1]])
    ledger.close()
    with Ledger.open("knb", ledger_url) as again:
        assert [intent.customer_id for intent in again.intents.unanswered()] == ["C1"]


def test_requests_come_back_in_their_order(ledger: Ledger) -> None:
    """An answer settles the request that it belongs to."""
    operation = OPERATIONS[0].operation
    many = [[IntendedWrite(f"C{number}", operation), IntendedWrite("Z", operation)] for number in range(50)]
    with ledger.write() as connection:
        ids = ledger.intents.open(connection, "r1", 1, many)
    by_id = {intent.id: intent.customer_id for intent in ledger.intents.unanswered() if intent.customer_id != "Z"}
    assert [by_id[key] for key in ids] == [writes[0].customer_id for writes in many]


def bulk(*customers: str, action: Action = Action.CREATE_COMPANY) -> list[IntendedWrite]:
    """Make a request for several customers."""
    return [IntendedWrite(key, an_operation(action, key, values={"company_name": "x"})) for key in customers]


def test_one_request_is_one_row_and_is_found_for_each_of_its_customers(ledger: Ledger) -> None:
    """Also for one between the first and the last, and for no other one that lies between them."""
    with ledger.write() as connection:
        ids = ledger.intents.open(connection, "r1", 1, [bulk("C3", "c1", "\u00c4", "C\0"), bulk("C4")])
        ledger.intents.settle(connection, ids, "confirmed")
    assert len(ids) == 2
    assert ledger.intents.counts("r1") == {"confirmed": 5}
    everybody = ["C\0", "C1", "C3", "C4", "c1", "\u00c4"]
    for asked in [*([each] for each in everybody), everybody]:
        meant = {key.replace("\0", "\ufffd") for key in asked} - {"C1"}
        assert ledger.intents.begun("r1", asked) == meant
        assert set(ledger.intents.confirmed("r1", asked)) == meant
        assert set(ledger.intents.history(asked)) == meant
    assert ledger.intents.begun("r2", everybody) == set()


def test_what_was_read_back_for_one_customer_stays_unknown_for_the_others(ledger: Ledger) -> None:
    """A request's customers may be in different batches of the next run; each batch reads back its own."""
    with ledger.write() as connection:
        ledger.intents.open(connection, "r1", 1, [bulk("C1", "C2", "C3"), bulk("C4")])
    mine = ledger.intents.unanswered(["C2", "C4", "C9"])
    with ledger.write() as connection:
        ledger.intents.abandon(connection, mine)
    assert {intent.customer_id for intent in ledger.intents.unanswered()} == {"C1", "C3"}
    assert ledger.intents.counts("r1") == {"abandoned": 2, "open": 2}
    with ledger.write() as connection:
        ledger.intents.abandon(connection, ledger.intents.unanswered())
    assert ledger.intents.unanswered() == []
    assert ledger.intents.counts("r1") == {"abandoned": 4}


def test_the_journal_keeps_what_was_and_what_is(ledger: Ledger, ledger_url: str) -> None:
    """Before and after of each changed field; of a new record what it holds."""
    old, new = CompanyFields(city="Oakland"), CompanyFields(city="", state="CA")
    change = CompanyOperation(action=Action.UPDATE_COMPANY, key="C1", old=old, new=new, changed=("city",))
    creation = CompanyOperation(action=Action.CREATE_COMPANY, key="C1", new=new)
    with ledger.write() as connection:
        requests = [[IntendedWrite("C1", change)], [IntendedWrite("C1", creation)]]
        ledger.intents.open(connection, "r1", 1, requests)
    engine = open_engine(ledger_url)
    with engine.connect() as connection:
        texts = connection.execute(sa.select(journal.c.parts).order_by(journal.c.id)).scalars().all()
    engine.dispose()
    parts = [decode_parts(text)[0] for text in texts]
    assert [(msgspec.json.decode(part.before), msgspec.json.decode(part.after)) for part in parts] == [
        ({"city": "Oakland"}, {"city": ""}),
        ({}, {"state": "CA"}),
    ]


def test_no_operations_need_no_intents(ledger: Ledger) -> None:
    """Nothing to send is nothing to write down."""
    with ledger.write() as connection:
        assert ledger.intents.open(connection, "r1", 1, []) == []


def test_intents_of_two_connectors_with_one_run_id_do_not_meet(ledger: Ledger, other: Ledger) -> None:
    """What another merchant's run wrote is not ours to count or to read back."""
    with other.write() as connection:
        ids = other.intents.open(connection, "r1", 1, [[each] for each in OPERATIONS])
        other.intents.settle(connection, ids[:1], "confirmed")
    assert ledger.intents.unanswered() == []
    assert ledger.intents.counts("r1") == {}
    assert ledger.intents.confirmed("r1", ["C1"]) == {}


def test_the_log_tells_what_happened_to_a_customer_newest_first(ledger: Ledger, other: Ledger) -> None:
    """By run, by customer, of this connector only, as many as asked for; what is said at once of one stays together."""
    entries = [
        LogEntry(customer_id=key, message=f"line {key}", reasons=("email_missing",)) for key in ("C1", "C2", "C1")
    ]
    for mine, run_id in ((ledger, "r1"), (ledger, "r2"), (other, "r1")):
        with mine.write() as connection:
            mine.log.append(connection, run_id, "filter", 1, entries)
    assert [row["customer_id"] for row in ledger.log.rows(run_id="r1")] == ["C2", "C1", "C1"]
    assert [row["run_id"] for row in ledger.log.rows(customer_id="C1")] == ["r2", "r2", "r1", "r1"]
    assert len(ledger.log.rows(limit=4)) == 4
    assert ledger.log.rows(run_id="r2")[0]["reasons"] == "email_missing"


def test_a_hostile_line_fits_into_the_log(ledger: Ledger) -> None:
    """Over-long keys and names are cut to their columns, no batch is lost over them."""
    entry = LogEntry(customer_id="C" * 999, customer_name="N" * 999, key="K" * 999, field="F" * 999, message="x\x00\n")
    with ledger.write() as connection:
        ledger.log.append(connection, "r1", "load", 1, [entry])
    (row,) = ledger.log.rows()
    assert [len(row[name]) for name in ("customer_id", "customer_name", "record_key", "field")] == [200, 250, 450, 100]
    # PostgreSQL cannot hold the character U+0000; both databases show the same in its place.
    assert row["message"] == "x\ufffd\n"


def test_times_without_a_zone_are_refused(ledger: Ledger) -> None:
    """Nobody guesses what a naive time meant."""
    from datetime import datetime  # noqa: PLC0415 - the one naive time of these tests

    begin(ledger, "r1")
    with pytest.raises(Exception, match="must be aware"), ledger.write() as connection:
        ledger.runs.update(connection, "r1", ended_at_utc=datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose
