"""Links, Account Emails and watermarks."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_sync.errors import ConfigError
from customer_sync.ledger import CustomerState, IntendedWrite, Ledger
from customer_sync.ledger.state.emails import AccountClaim
from customer_sync.ledger.storage.schema import metadata
from customer_sync.model.company import Address, CompanyStatus, PaymentTerms, UserFields, company_fields, user_fields
from customer_sync.model.operation import (
    Action,
    AddressOperation,
    AppliedAddress,
    AppliedCompany,
    AppliedUser,
    CompanyOperation,
    UserOperation,
)
from customer_sync.model.outcome import Finding, Reason
from customer_sync.planning.emails import email_id
from tests.unit.customer_sync.builders import a_company, a_user


def a_state(customer_id: str = "C1", company_id: int = 7, **changes: Any) -> CustomerState:
    """Make a customer's state as load writes it."""
    fields = company_fields(a_company(customer_id))
    applied = AppliedCompany(**{"company_id": company_id, "fields": fields, **changes})
    return CustomerState(customer_id, applied, f"note-{customer_id}")


def users(**ids: int) -> dict[str, AppliedUser]:
    """Make applied users by their keys."""
    return {
        key: AppliedUser(store_id=store_id, fields=UserFields(email=f"{key}@x.example"))
        for key, store_id in ids.items()
    }


def put(ledger: Ledger, *states: CustomerState, run_id: str = "r1") -> None:
    """Write links."""
    with ledger.write() as connection:
        ledger.links.put(connection, run_id, states)


def test_a_company_is_remembered_with_all_its_parts(ledger: Ledger) -> None:
    """What was applied comes back: fields, users, addresses with any external id or none, payment, reference."""
    user, place = user_fields(a_user("1", last_name="Þórður 山田")), Address(city="Oak\0land", is_billing=True)
    state = a_state(
        status=CompanyStatus.INACTIVE,
        users={"1": AppliedUser(store_id=11, fields=user)},
        addresses={
            "C1:MAIN": AppliedAddress(store_id=21, fields=place),
            "C1:EAST": AppliedAddress(store_id=22, fields=Address(external_id="C1:EAST")),
            "C1:WEST": AppliedAddress(store_id=23, fields=Address(external_id="another number:WEST")),
        },
        payment_methods={"cheque": True},
        payment_terms=PaymentTerms(is_enabled=True, days=0),
        reference_id="7",
        content_hash="abc",
        parts_known=False,
    )
    put(ledger, state)
    assert ledger.links.load(["C1", "C2"]) == {"C1": state.applied}
    assert ledger.links.of_record("NOTE-c1") == "C1"


def test_of_a_company_that_is_being_made_the_journal_has_the_parts(ledger: Ledger) -> None:
    """Its row is written when it is made; what was confirmed since is read with it, whatever number it has by then."""
    user, place = user_fields(a_user("1")), Address(external_id="C1:MAIN", city="Oakland", is_billing=True)
    former, begun = a_state("C1", 5), a_state("C1", 7, status=CompanyStatus.UNKNOWN)
    puts = {
        each.applied.company_id: CompanyOperation(action=Action.CREATE_COMPANY, key="C1", new=each.applied.fields)
        for each in (former, begun)
    }
    makes_user = UserOperation(action=Action.CREATE_USER, key="1", new=user)
    makes_place = AddressOperation(action=Action.CREATE_ADDRESS, key="C1:MAIN", new=place)
    lost = AddressOperation(action=Action.CREATE_ADDRESS, key="C1:OLD", new=place)
    requests = [
        [IntendedWrite("C1", puts[5])],
        [IntendedWrite("C1", lost)],
        [IntendedWrite("C1", puts[7])],
        [IntendedWrite("C1", makes_user)],
        [IntendedWrite("C0", makes_place), IntendedWrite("C1", makes_place)],
        [IntendedWrite("C1", lost)],
    ]
    put(ledger, begun._replace(promised={email_id(user.email): "1", "another": "2"}, is_behind=True))
    with ledger.write() as connection:
        ids = ledger.intents.open(connection, "r1", 1, requests)
        ledger.intents.confirm(connection, dict(zip(ids, [[5], [20], [7], [11], [21, 22]], strict=False)))
    whole = msgspec.structs.replace(
        begun.applied,
        users={"1": AppliedUser(store_id=11, fields=user)},
        addresses={"C1:MAIN": AppliedAddress(store_id=22, fields=place)},
    )
    assert ledger.links.load(["C1"]) == {"C1": whole}
    assert ledger.links.holders_of_contacts(["1", "2"]) == {("1", "C1"), ("2", "C1")}
    with ledger.write() as connection:
        ledger.links.follow(connection, {"C9": "note-C1"})
    with ledger.links.snapshot() as links:
        assert links.behind(["C9"]) == set()
        assert links.applied(["C9"])["C9"].addresses.keys() == {"C9:MAIN"}
    put(ledger, begun._replace(customer_id="C9", applied=whole, indexed=None))
    assert ledger.links.holders_of_contacts(["1", "2"]) == {("1", "C9")}


def test_the_hash_changes_alone(ledger: Ledger) -> None:
    """Hash and status are enough to see that nothing changed."""
    put(ledger, a_state("C1", 7, status=CompanyStatus.INACTIVE, reference_id="7"), a_state("C2", 8))
    with ledger.write() as connection:
        ledger.links.put_hashes(connection, {"C1": "abc"})
    assert ledger.links.load_hashes(["C1", "C2"]) == {"C1": (7, 3, "abc", "7"), "C2": (8, 1, "", "")}


def test_a_repeated_link_replaces_the_first(ledger: Ledger) -> None:
    """Adopting another company for a customer leaves one link, and who made the first is kept."""
    put(ledger, a_state("C1", 7))
    put(ledger, a_state("C1", 9), run_id="r2")
    assert ledger.links.count() == 1
    assert ledger.links.holders([7, 9]) == {9: "C1"}
    assert ledger.links.made_by("r1", ["C1"]) == {"C1": True}


def test_a_link_that_was_read_anew_gets_the_present_record(ledger: Ledger) -> None:
    """Reconciliation says which record the company belongs to; it does not pass for the maker."""
    put(ledger, a_state("C1", 7))
    with ledger.write() as connection:
        ledger.links.replace(connection, a_state("C1", 9)._replace(record_id="other"))
    assert ledger.links.of_record("other") == "C1"
    assert ledger.links.made_by("r1", ["C1"]) == {"C1": True}


def test_who_holds_a_user_of_a_contact_is_found(ledger: Ledger, other: Ledger) -> None:
    """A contact may have moved to another customer; who lost the user, or the company, is not named any more."""
    put(ledger, a_state("C1", 7, users=users(a=11, b=12)), a_state("C2", 8, users=users(a=13)))
    put(other, a_state("C9", 9, users=users(a=11)))
    assert ledger.links.holders_of_contacts(["a"]) == {("a", "C1"), ("a", "C2")}
    put(ledger, a_state("C1", 7, users=users(b=12, c=14)))
    assert ledger.links.holders_of_contacts(["a"]) == {("a", "C2")}
    assert ledger.links.holders_of_contacts(["b", "c"]) == {("b", "C1"), ("c", "C1")}
    with ledger.write() as connection:
        ledger.links.drop_company(connection, "C1")
    assert ledger.links.load(["C1"]) == {}
    assert ledger.links.holders_of_contacts(["a", "b", "c"]) == {("a", "C2")}


def test_a_renamed_customer_takes_its_parts_along(ledger: Ledger) -> None:
    """Users stay as they are, addresses get their keys from the new number, and all is compared once more."""
    place = AppliedAddress(store_id=21, fields=Address(external_id="C1:MAIN"))
    put(ledger, a_state("C1", 7, users=users(a=11), addresses={"C1:MAIN": place}, content_hash="abc"))
    with ledger.write() as connection:
        assert ledger.links.follow(connection, {"N1": "note-C1", "N2": "nobody's"}) == {"C1": "N1"}
    found = ledger.links.load(["C1", "N1", "N2"])
    assert set(found) == {"N1"}
    assert (found["N1"].addresses, found["N1"].content_hash) == ({"N1:MAIN": place}, "")
    assert ledger.links.holders_of_contacts(["a"]) == {("a", "N1")}


def test_a_number_in_other_hands_leaves_its_company_with_its_record(ledger: Ledger) -> None:
    """Until the former record shows a number, its company is kept under the record's id."""
    put(ledger, a_state("C1", 7, content_hash="abc"))
    with ledger.write() as connection:
        assert ledger.links.follow(connection, {"C1": "another"}) == {"C1": "~note-C1"}
    assert ledger.links.holders([7]) == {7: "~note-C1"}
    assert ledger.links.load(["C1"]) == {}


def test_a_link_that_knows_no_record_learns_it(ledger: Ledger) -> None:
    """A person linked the number by hand: the first record that shows it is meant."""
    put(ledger, a_state("C1", 7)._replace(record_id=""))
    with ledger.write() as connection:
        assert ledger.links.follow(connection, {"C1": "note"}) == {}
    assert ledger.links.records_at(["C1", "C2"]) == {"C1": "note"}


def test_who_carries_a_key_is_found_in_whatever_case(ledger: Ledger, other: Ledger) -> None:
    """The store may keep keys apart by case or not; ours are looked for without."""
    put(ledger, a_state("C1", 7)._replace(key="Old-Key"))
    put(other, a_state("C9", 9)._replace(key="Old-Key"))
    assert [each.customer_id for each in ledger.links.key_holders(["OLD-key", "x"])] == ["C1"]


def test_a_company_that_is_not_weighed_yet_is_known_until_it_is(ledger: Ledger) -> None:
    """A crawl finds companies by their keys before anybody has looked whose they are; who adopts one is remembered."""
    put(ledger, a_state("C1", 7)._replace(evidence="", record_id=""), a_state("C2", 8))
    assert ledger.links.unweighed(["C1", "C2"]) == {"C1"}
    with ledger.write() as connection:
        ledger.links.prove(connection, "r2", "C1", "note-C1", "key, e-mail")
    assert ledger.links.unweighed(["C1", "C2"]) == set()
    assert ledger.links.made_by("r2", ["C1", "C2"]) == {"C1": False}
    assert ledger.links.of_record("note-C1") == "C1"


def test_a_reference_that_several_records_hold_is_known(ledger: Ledger) -> None:
    """Copied customers copy the reference as well: it proves nothing."""
    with ledger.write() as connection:
        rows = [
            AccountClaim("C1", "a@x.example", reference_id="7"),
            AccountClaim("C2", "b@x.example", reference_id="7"),
            AccountClaim("C3", "c@x.example", reference_id="8"),
        ]
        ledger.emails.claim(connection, "r1", [*rows, AccountClaim("C4", "d@x.example")])
    assert ledger.emails.repeated_references(["7", "8", "9", ""]) == {"7"}


def test_a_company_has_one_link(ledger: Ledger) -> None:
    """The database refuses a second one, whoever writes it."""
    put(ledger, a_state("C1", 7))
    with pytest.raises(sa.exc.IntegrityError):
        put(ledger, a_state("C2", 7))


def test_a_company_has_one_link_across_connectors(ledger: Ledger, other: Ledger) -> None:
    """Two connectors that turn out to reach one store cannot both hold a company."""
    put(ledger, a_state("C1", 7))
    put(other, a_state("C9", 7), a_state("C8", 8))
    ledger.links.note_store("r1", "one.example/hash")
    with pytest.raises(ConfigError, match="link the same companies"):
        other.links.note_store("r1", "one.example/hash")
    assert other.links.load(["C9"])["C9"].company_id == 7
    with other.write() as connection:
        other.links.drop_company(connection, "C9")
    other.links.note_store("r1", "one.example/hash")
    assert other.links.holders([7, 8]) == {7: "C1", 8: "C8"}


_RECORDS = st.sampled_from(["r1", "r2", "r3", "r4"])
_NUMBERS = st.sampled_from(["A", "B", "C", "D", "a"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.dictionaries(_NUMBERS, _RECORDS, max_size=4), max_size=8))
def test_links_follow_their_records_through_any_renumbering(ledger: Ledger, reads: list[dict[str, str]]) -> None:
    """Whatever numbers records are seen with, each keeps its own company, and no company has two links."""
    with ledger.write() as connection:
        for number in [*(key for page in ledger.links.companies() for key, _ in page)]:
            ledger.links.drop_company(connection, number)
        states = [a_state(f"start-{each}", each)._replace(record_id=f"r{each}") for each in (1, 2, 3)]
        ledger.links.put(connection, "r", states)
    for read in reads:
        seen = {number: record for number, record in read.items() if list(read.values()).count(record) == 1}
        with ledger.write() as connection:
            ledger.links.follow(connection, seen)
        linked = dict(pair for page in ledger.links.companies() for pair in page)
        assert sorted(linked.values()) == [1, 2, 3]
        for number, record in seen.items():
            assert linked.get(number) == {"r1": 1, "r2": 2, "r3": 3}.get(record)


def test_who_made_a_company_is_remembered(ledger: Ledger) -> None:
    """``created`` is said by the run that made it, and by no later one."""
    put(ledger, a_state("C1", 7))
    put(ledger, a_state("C2", 8), run_id="r2")
    assert ledger.links.made_by("r1", ["C1", "C2", "C3"]) == {"C1": True}


def test_more_customers_than_one_statement_takes_are_loaded(ledger: Ledger) -> None:
    """Databases bound the number of parameters; batches may be larger."""
    ids = [f"C{number:05d}" for number in range(1203)]
    put(ledger, *(a_state(key, number) for number, key in enumerate(ids, start=1)))
    assert set(ledger.links.load(ids)) == set(ids)
    assert len(ledger.links.load_hashes(ids)) == len(ledger.links.holders(range(1, 1204))) == 1203


def test_connectors_do_not_see_each_others_links(ledger: Ledger, other: Ledger) -> None:
    """Two merchants share a database and nothing else."""
    put(ledger, a_state("C1", 7))
    put(other, a_state("C1", 9))
    with other.write() as connection:
        other.links.drop_company(connection, "C1")
    assert ledger.links.load(["C1"])["C1"].company_id == 7
    assert other.links.load(["C1"]) == {}


def claim(ledger: Ledger, run_id: str, **emails: str) -> None:
    """Claim Account Emails for customers."""
    with ledger.write() as connection:
        ledger.emails.claim(connection, run_id, [AccountClaim(key, email) for key, email in emails.items()])


def test_two_customers_with_one_account_email_are_found_in_one_run(ledger: Ledger) -> None:
    """Both hear of each other; case does not hide it."""
    claim(ledger, "r1", C1="ap@x.example", C2="AP@X.example", C3="other@x.example")
    assert ledger.emails.conflicts("r1") == {"C1": ["C2"], "C2": ["C1"]}


def test_a_newcomer_is_told_who_holds_the_email_already(ledger: Ledger) -> None:
    """The claim of an earlier run counts, holders of a company come first."""
    claim(ledger, "r1", C1="ap@x.example", C0="ap@x.example")
    put(ledger, a_state("C1", 7))
    claim(ledger, "r2", C2="ap@x.example")
    assert ledger.emails.conflicts("r2") == {"C2": ["C1", "C0"]}


def test_an_email_is_free_again_when_its_claim_is_given_up(ledger: Ledger, other: Ledger) -> None:
    """A customer that changed its address, or is not eligible any more, blocks nobody; nor does another merchant's."""
    claim(ledger, "r1", C1="ap@x.example", C2="ap@x.example", C3="ap@x.example")
    claim(other, "r1", C9="ap@x.example")
    claim(ledger, "r1", C1="new@x.example")
    with ledger.write() as connection:
        ledger.emails.give_up(connection, ["C2"])
    assert ledger.emails.conflicts("r1") == {}


def test_no_address_is_kept_in_the_claims(ledger: Ledger, ledger_url: str) -> None:
    """Only a hash is needed to find a conflict."""
    claim(ledger, "r1", C1="very.private@x.example")
    ledger.close()
    engine = sa.create_engine(ledger_url)
    with engine.connect() as connection:
        rows = [str(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    engine.dispose()
    assert any("'C1'" in row for row in rows)
    assert not any("very.private" in row for row in rows)


def test_watermarks_are_put_replaced_and_dropped(ledger: Ledger, other: Ledger) -> None:
    """Each connector has its own."""
    with ledger.write() as connection:
        ledger.watermarks.put(connection, "r1", {"customers": "2026-01-01", "resume_after": "C5"})
    with ledger.write() as connection:
        ledger.watermarks.put(connection, "r2", {"customers": "2026-02-01"})
        ledger.watermarks.drop(connection, "resume_after")
        ledger.watermarks.drop(connection, "never_there")
    assert ledger.watermarks.load() == {"customers": "2026-02-01"}
    assert other.watermarks.load() == {}


def test_a_customer_is_freed_when_nobody_else_claims_its_email(ledger: Ledger, other: Ledger) -> None:
    """Quarantined for a shared address, it is taken up again as soon as the other gave the address up."""
    shared = Finding(reason=Reason.EMAIL_DUPLICATE, field="Email")
    claim(ledger, "r1", C1="ap@x.example", C2="ap@x.example", C3="other@x.example")
    claim(other, "r1", C1="ap@x.example")
    with ledger.write() as connection:
        found = [("C1", shared), ("C2", shared), ("C3", Finding(reason=Reason.PHONE_MISSING))]
        ledger.quarantine.replace(connection, "r1", ["C1", "C2", "C3"], found)
    assert ledger.emails.freed() == set()
    claim(ledger, "r2", C2="new@x.example")
    assert ledger.emails.freed() == {"C1", "C2"}


def test_a_remembered_value_is_fresh_for_its_age_only(ledger: Ledger) -> None:
    """What was checked lately need not be checked again; another value, or an old one, must."""
    with ledger.write() as connection:
        ledger.watermarks.put(connection, "r1", {"checked": "a"})
    assert ledger.watermarks.is_fresh("checked", "a", timedelta(hours=1))
    assert not ledger.watermarks.is_fresh("checked", "b", timedelta(hours=1))
    assert not ledger.watermarks.is_fresh("other", "a", timedelta(hours=1))
    assert not ledger.watermarks.is_fresh("checked", "a", timedelta(seconds=-1))


def test_what_is_linked_is_counted(ledger: Ledger, other: Ledger) -> None:
    """Companies, and users with addresses: the guards' yardstick."""
    place = AppliedAddress(store_id=21, fields=Address())
    put(ledger, a_state("C1", 7, users=users(a=11, b=12), addresses={"C1:MAIN": place}), a_state("C2", 8))
    put(other, a_state("C9", 9))
    assert ledger.links.counts() == (2, 3)
    assert other.links.counts() == (1, 0)
