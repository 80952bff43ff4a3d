"""Outcomes, reasons, remedies and errors: complete, stable, and able to travel."""

import pickle
import re

import pytest

from customer_sync import errors
from customer_sync.errors import BatchDamaged, ConfigError, LeaseLost, PlanRefused, RunUnbalanced, SyncError
from customer_sync.model.outcome import REMEDIES, Outcome, Reason, remedy
from customer_sync.rules.company_mapping import BLOCKING
from tests.unit.customer_sync.builders import a_connector

WORDS = a_connector().source.words


def test_every_reason_has_a_remedy() -> None:
    """No code stands in a log without a sentence on what to do; none needs an exception."""
    assert set(REMEDIES) == set(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_remedy_is_one_instruction(reason: Reason) -> None:
    """A sentence that begins with a capital and ends with a full stop, short enough for a column."""
    text = remedy(reason, WORDS)
    assert text[0].isupper()
    assert text.endswith(".")
    assert len(text) <= 120
    assert "\n" not in text
    assert "{" not in text


def test_the_default_source_has_a_word_for_every_field_that_a_remedy_names() -> None:
    """No remedy falls back on the name that a field has in the code."""
    named = {field for text in REMEDIES.values() for field in re.findall(r"\{([a-z0-9_.]+)\}", text)}
    assert named - set(WORDS) == {"field"}


def test_a_field_without_a_word_is_named_as_in_the_code() -> None:
    """A source that leaves a word out still says which field is meant."""
    assert remedy(Reason.EMAIL_MISSING, {}) == "Fill in the email."
    assert remedy(Reason.VALUE_CUT, {}, "main_address.city").startswith("Shorten main_address.city in the ERP")


def test_a_remedy_without_a_field_speaks_of_the_value() -> None:
    """A finding that does not know its field still gives a whole sentence."""
    assert remedy(Reason.VALUE_CUT, WORDS).startswith("Shorten the value in the ERP")


def test_outcomes_are_the_eleven_that_users_know() -> None:
    """Pages, reports and dashboards rely on these words."""
    assert {str(outcome) for outcome in Outcome} == {
        "created",
        "updated",
        "unchanged",
        "waiting",
        "filtered",
        "deactivated",
        "reactivated",
        "quarantined",
        "skipped",
        "failed",
        "planned",
    }


def test_the_reasons_of_the_design_are_all_there() -> None:
    """The codes that users search for (docs/errors.md#reasons)."""
    words = """
        type_not_b2b class_not_selected email_missing email_invalid not_enabled connection_type_mismatch status_on_hold
        status_inactive name_missing phone_missing country_missing country_unknown state_unknown no_admin_contact
        contact_not_enabled contact_inactive contact_name_missing contact_email_missing contact_email_invalid
        contact_email_duplicate location_inactive location_address_incomplete location_country_unknown terms_not_mapped
        email_duplicate email_in_use ambiguous_match rejected_by_store reference_changed_elsewhere
    """
    assert set(words.split()) <= {str(reason) for reason in Reason}


def test_blocking_reasons_are_those_of_the_transform_row() -> None:
    """Only what the store cannot hold keeps a whole customer out."""
    assert {str(reason) for reason in BLOCKING} == {
        "name_missing",
        "phone_missing",
        "country_missing",
        "country_unknown",
        "state_unknown",
        "no_admin_contact",
    }


@pytest.mark.parametrize("kind", [BatchDamaged, ConfigError, LeaseLost, PlanRefused, RunUnbalanced])
def test_an_error_of_the_sync_travels_between_processes(kind: type[SyncError]) -> None:
    """Airflow pickles errors: type, text and evidence arrive."""
    error = kind("What happened. What to do.", setting="x", customers=["C1"])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes, as between Airflow's processes
    assert type(again) is kind
    assert str(again) == "What happened. What to do."
    assert again.evidence == {"setting": "x", "customers": ["C1"]}


def test_one_root_catches_them_all() -> None:
    """Whoever embeds the product needs one except clause."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    assert all(issubclass(kind, SyncError) for kind in kinds)
