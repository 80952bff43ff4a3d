"""What stands in the log: enough to act on, and nothing personal."""

import json

import msgspec
import pytest

from customer_sync.model.company import PaymentTerms
from customer_sync.model.customer import Customer
from customer_sync.model.operation import Action, ConfirmedWrite, entity_of
from customer_sync.model.outcome import Finding, LogEntry, Outcome, Reason
from customer_sync.planning.diff import diff_company, diff_reference
from customer_sync.reporting.log_entry import (
    closing_entry,
    done_in_words,
    earlier_entry,
    finding_entry,
    format_entry,
    next_step,
    operation_entry,
    shown_name,
)
from customer_sync.settings.connector import Connector
from customer_sync.settings.mapping import RemovalPolicy
from customer_sync.settings.run_rules import Masking
from tests.unit.customer_sync.builders import (
    a_company,
    a_connector,
    a_contact,
    a_customer,
    a_location,
    an_address,
    an_operation,
    applied,
    transformed,
)

MASKED = Masking()
OPEN = Masking(emails=False, names=False, phones=False)

EMAIL, OTHER_EMAIL = "zelda.quixote@secretfirm.example", "hidden.person@secretfirm.example"
PHONE, OTHER_PHONE = "+1 555 867 5309", "+1 555 443 2211"
NAME, FIRM, STREET = "Zelda", "Secretfirm Trading", "77 Hidden Alley"
PLANTED = ["quixote", "hidden.person", "secretfirm", "8675309", "867 5309", "4432211", "443 2211", "Zelda", "Quixote"]
PLANTED += ["Secretfirm", "Hidden Alley"]


def a_private_customer() -> Customer:
    """Make a customer whose every personal value is planted."""
    person = {"first_name": NAME, "last_name": "Quixote", "phone": OTHER_PHONE}
    place = {**person, "name": FIRM, "attention": f"{NAME} Quixote", "address": an_address(line1=STREET, line2=STREET)}
    return a_customer(
        name=FIRM,
        email=EMAIL,
        phone=PHONE,
        attention=f"{NAME} Quixote",
        main_address=an_address(line1=STREET, line2=STREET),
        contacts=(a_contact("1", email=OTHER_EMAIL, is_primary=True, **person), a_contact("2", email=EMAIL, **person)),
        locations=(a_location("EAST", **place),),
        extra_fields={"Buyer mail": EMAIL, "Note": f"call {NAME_IN_NOTE} {PHONE}", "Contact phone": PHONE},
        terms="30D",
    )


WORDS = a_connector().source.words
NAME_IN_NOTE = "the buyer at"


def masked_by(masking: Masking) -> Connector:
    """Make a connector with these switches."""
    return a_connector().model_copy(update={"masking": masking})


def lines_of(customer: Customer, masking: Masking) -> list[LogEntry]:
    """Give every line that the sync could log about a customer."""
    connector = a_connector(masking=masking, terms={"30D": {"days": 30, "payment_methods": {"cheque": True}}})
    result = transformed(customer, connector)
    assert result.company is not None
    name = shown_name(customer.name, masking)
    old = applied(
        a_company(
            company_name=f"Old {FIRM}", company_email=OTHER_EMAIL, company_phone=OTHER_PHONE, address_line1=STREET
        )
    )
    operations = [
        *diff_company(result.company, None, RemovalPolicy()),
        *diff_company(result.company, old, RemovalPolicy()),
    ]
    findings = [Finding(reason=reason, entity="contact", key="1", field="contact.email") for reason in Reason]
    return [
        *(
            operation_entry(customer.customer_id, name, operation, masked_by(masking), verb="planned")
            for operation in operations
        ),
        *(finding_entry(customer.customer_id, name, finding, WORDS) for finding in [*result.findings, *findings]),
        *(closing_entry(customer.customer_id, name, outcome, list(Reason), words=WORDS) for outcome in Outcome),
    ]


def test_no_planted_value_reaches_the_log_when_it_is_masked() -> None:
    """E-mails, phones, names and streets of a customer appear in no column and in no printed line."""
    entries = lines_of(a_private_customer(), MASKED)
    text = "\n".join([*map(format_entry, entries), msgspec.json.encode(entries).decode()])
    assert [planted for planted in PLANTED if planted.casefold() in text.casefold()] == []


def test_values_are_readable_when_the_merchant_switches_masking_off() -> None:
    """Masking is a setting; without it the log shows what was sent."""
    entries = lines_of(a_private_customer(), OPEN)
    text = "\n".join(map(format_entry, entries)) + msgspec.json.encode(entries).decode()
    for planted in (EMAIL, PHONE, FIRM, STREET):
        assert planted in text


@pytest.mark.parametrize(
    ("masking", "hidden", "shown"),
    [
        (Masking(emails=False), [PHONE, FIRM], [EMAIL]),
        (Masking(phones=False), [EMAIL, FIRM], [PHONE]),
        (Masking(names=False), [EMAIL, PHONE], [FIRM]),
    ],
)
def test_each_kind_is_masked_by_its_own_switch(masking: Masking, hidden: list[str], shown: list[str]) -> None:
    """Unmasking names does not unmask e-mails."""
    customer = msgspec.structs.replace(a_private_customer(), extra_fields={})
    text = msgspec.json.encode(lines_of(customer, masking)).decode()
    assert [value for value in hidden if value in text] == []
    assert [value for value in shown if value not in text] == []


@pytest.mark.parametrize("masking", [MASKED, Masking(emails=False), Masking(phones=False), Masking(names=False)])
def test_extra_fields_stay_masked_while_any_contact_data_is(masking: Masking) -> None:
    """Nobody knows what a merchant keeps in an extra field, so one switch does not open it."""
    values = {"extra_fields": {"Note": f"call {PHONE} or write to {EMAIL}"}}
    operation = an_operation(Action.UPDATE_COMPANY, "C1", values=values)
    changes = operation_entry("C1", "", operation, masked_by(masking), verb="planned").changes
    assert PHONE not in changes
    assert EMAIL not in changes


def test_the_changes_column_holds_old_and_new_by_field() -> None:
    """An operator sees what changes to what."""
    operation = an_operation(
        Action.UPDATE_COMPANY,
        "C1",
        7,
        values={"city": "Alameda", "company_email": "new@x.example"},
        before={"city": "Oakland"},
    )
    entry = operation_entry("C1", "No•••", operation, masked_by(MASKED), verb="planned")
    assert json.loads(entry.changes) == {"city": ["Oakland", "Alameda"], "company_email": ["", "ne•••@x•••.example"]}
    assert (entry.action, entry.store_id, entry.message) == ("update_company", "7", "planned: city, company_email")


@pytest.mark.parametrize(
    ("action", "entity", "key"),
    [
        (Action.CREATE_COMPANY, "customer", ""),
        (Action.UPDATE_USER, "contact", "K"),
        (Action.DELETE_ADDRESS, "location", "K"),
        (Action.SET_PAYMENT_TERMS, "payment", ""),
        (Action.WRITE_REFERENCE, "reference", ""),
    ],
)
def test_an_operation_is_told_in_the_erps_words(action: Action, entity: str, key: str) -> None:
    """Whoever reads the log knows which record of the ERP is meant."""
    entry = operation_entry("C1", "", an_operation(action), masked_by(MASKED), verb="done")
    assert (entry.entity, entry.key, entry.message.partition(":")[0]) == (entity, key, "done")
    assert entity_of(str(action)) == entity


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_level_of_a_closing_line_follows_its_outcome(outcome: Outcome) -> None:
    """Failures are errors, quarantine warns, the rest informs; unchanged asks for nothing."""
    entry = closing_entry("C1", "", outcome, [Reason.EMAIL_MISSING], words=WORDS)
    expected = {Outcome.FAILED: "error", Outcome.QUARANTINED: "warning"}.get(outcome, "info")
    assert entry.level == expected
    assert bool(entry.next_step) is (outcome is not Outcome.UNCHANGED)


def test_a_line_reads_from_who_over_what_to_what_next() -> None:
    """Id, name, result, reasons, field, and the remedy in one line."""
    entry = closing_entry(
        "C1", "No•••", Outcome.QUARANTINED, [Reason.PHONE_MISSING], words=WORDS, message="no phone", field="phone"
    )
    assert format_entry(entry) == (
        "C1 | No••• | QUARANTINED | [phone_missing] | field phone: no phone -> Fill in Phone 1 or Phone 2 of the main "
        "contact, or set the connector's store.default_phone."
    )


def test_a_finding_names_its_record_and_the_field_as_people_see_it() -> None:
    """The line holds the record's key; the remedy speaks of the field in the words of the screen."""
    entry = finding_entry(
        "C1", "", Finding(reason=Reason.VALUE_CUT, entity="contact", key="7", field="contact.phone"), WORDS
    )
    assert format_entry(entry) == (
        "C1 | contact 7 | [value_cut] | field contact.phone: cut -> Shorten Phone 1 or Phone 2 in the ERP; the store "
        "holds fewer characters."
    )
    assert entry.level == "warning"


@pytest.mark.parametrize("reason", [Reason.CONTACT_NOT_ENABLED, Reason.LOCATION_INACTIVE, Reason.TERMS_NOT_MAPPED])
def test_a_choice_of_the_merchant_is_no_warning(reason: Reason) -> None:
    """What someone decided on purpose informs only."""
    assert finding_entry("C1", "", Finding(reason=reason), WORDS).level == "info"


def test_next_steps_are_given_for_known_reasons_only() -> None:
    """A code of a later version does not break the log."""
    assert next_step(["email_missing", "from_the_future"], WORDS) == (
        "Fill in the Account Email on the customer's General tab."
    )


@pytest.mark.parametrize(
    ("name", "masking", "shown"),
    [
        ("Northwind Kitchen", MASKED, "No•••"),
        ("Northwind Kitchen", OPEN, "Northwind Kitchen"),
        ("A\nB | C1 | CREATED", OPEN, "A B | C1 | CREATED"),
        ("\nA", MASKED, "A•••"),
        ("N" * 200, OPEN, "N" * 80),
        ("", MASKED, ""),
    ],
)
def test_a_name_stays_on_one_line(name: str, masking: Masking, shown: str) -> None:
    """A name with line breaks cannot forge a line of the log."""
    assert shown_name(name, masking) == shown


@pytest.mark.parametrize("value", ["x" * 100, "", "Oakland"])
def test_values_are_shown_short(value: str) -> None:
    """A long value is cut, others pass."""
    operation = an_operation(Action.UPDATE_COMPANY, "C1", values={"city": value})
    shown = json.loads(operation_entry("C1", "", operation, masked_by(MASKED), verb="planned").changes)["city"][1]
    assert shown == (value if len(value) < 80 else "x" * 79 + "…")


def test_payment_changes_are_shown() -> None:
    """Which methods were switched is no secret."""
    operations = diff_company(
        a_company(payment_methods={"cheque": True}, payment_terms=PaymentTerms(is_enabled=True, days=30)),
        applied(a_company()),
        RemovalPolicy(),
    )
    shown = [
        json.loads(operation_entry("C1", "", item, masked_by(MASKED), verb="planned").changes) for item in operations
    ]
    assert shown == [{"cheque": [None, True]}, {"is_enabled": [None, True], "days": [None, 30]}]


@pytest.mark.parametrize(("store_id", "shown"), [(0, "id of the new company"), (61012, "61012")], ids=["plan", "done"])
def test_write_back_shows_the_id_that_it_carries_when_the_company_is_new(store_id: int, shown: str) -> None:
    """A plan cannot know the id of a company that does not exist yet, and says so; what was done names it."""
    (operation,) = diff_reference("C001042", 0, "")
    done = msgspec.structs.replace(operation, store_id=store_id)
    entry = operation_entry("C001042", "Firm", done, masked_by(MASKED), verb="done")
    assert json.loads(entry.changes) == {"reference_id": ["", shown]}


ADDRESSES = [ConfirmedWrite("create_address", f"C1:{number}") for number in range(4)]
TOLD = {
    "company created, 4 addresses, 1 user, terms 30 days; id written to the ERP": [
        ConfirmedWrite("create_company", "C1"),
        *ADDRESSES,
        ConfirmedWrite("set_payment_terms", "C1", {}, {"is_enabled": True, "days": 30}),
        ConfirmedWrite("write_reference", "C1", {"reference_id": ""}, {"reference_id": "61000"}),
    ],
    "company changed (city), 1 address added, 2 users changed, 1 user removed, terms off": [
        ConfirmedWrite("update_company", "C1", {"city": "Oakland"}, {"city": "Berlin"}),
        ADDRESSES[0],
        ConfirmedWrite("update_user", "7", {"role": "Admin"}, {"role": "Junior Buyer"}),
        ConfirmedWrite("update_user", "8", {"role": "Junior Buyer"}, {"role": "Admin"}),
        ConfirmedWrite("delete_user", "9", {"email": "a@x.example"}, {}),
        ConfirmedWrite("set_payment_terms", "C1", {}, {"is_enabled": False, "days": 0}),
    ],
    "company deactivated": [ConfirmedWrite("set_company_status", "C1", {"status": 1}, {"status": 3})],
    "company reactivated": [ConfirmedWrite("set_company_status", "C1", {"status": 3}, {"status": 1})],
    "company approved": [ConfirmedWrite("set_company_status", "C1", {"status": 0}, {"status": 1})],
    "id written to the ERP": [ConfirmedWrite("write_reference", "C1")],
    "": [],
}


@pytest.mark.parametrize("sentence", TOLD)
def test_what_was_done_for_a_customer_is_one_sentence(sentence: str) -> None:
    """People read what happened, not how many requests it took."""
    assert done_in_words(TOLD[sentence]) == sentence


def test_a_line_of_the_task_log_shows_what_was_and_what_is() -> None:
    """Each changed value, masked; of a new record that it was made."""
    operation = an_operation(
        Action.UPDATE_USER, "7", 11, values={"email": "new@x.example", "role": "Admin"}, before={"role": "Buyer"}
    )
    line = format_entry(operation_entry("C1", "No•••", operation, masked_by(MASKED), verb="done"))
    assert line.endswith("done: email, role (email none -> ne•••@x•••.example; role Buyer -> Admin)")
    created = operation_entry("C1", "", an_operation(Action.CREATE_USER, "7"), masked_by(MASKED), verb="done")
    assert format_entry(created).endswith(": done")


def test_what_an_earlier_attempt_did_shows_its_values() -> None:
    """The journal has them, also where the process that sent them is gone."""
    write = ConfirmedWrite("update_company", "C1", {"city": "Oakland"}, {"city": "Berlin"})
    entry = earlier_entry("C1", "", write, masked_by(MASKED))
    assert json.loads(entry.changes) == {"city": ["Oakland", "Berlin"]}
