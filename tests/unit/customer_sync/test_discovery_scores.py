"""What makes discovery certain, what makes it ask, and what it never takes: evidence on each side of the limit."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.discovery.columns import sample_of
from customer_sync.discovery.description import Concept, Place
from customer_sync.discovery.scoring import choose
from customer_sync.discovery.weights import CERTAIN
from customer_sync.discovery.words import words_of
from customer_sync.sources.acumatica.vocabulary import CONCEPTS

BY_NAME = {each.setting: each for each in CONCEPTS}
MAILS = tuple(f"office{number}@firm{number}.example" for number in range(20))
ON_AND_OFF = tuple(bool(number % 2) for number in range(20))


def field(name: str, column: tuple[Any, ...] | None = None, kind: Any = "text", **more: Any) -> Place:
    """A field of the contract that is no part of the product."""
    return Place(name, name, kind=kind, column=column, **more)


def custom(name: str, column: tuple[Any, ...] | None = None, kind: Any = "text") -> Place:
    """A custom field."""
    return Place({"custom": f"View.{name}"}, name, "custom", kind=kind, column=column)


def attribute(name: str, column: tuple[Any, ...], label: str = "") -> Place:
    """An attribute of a customer."""
    value = {"detail": "Attributes", "where": {"AttributeID": name}, "field": "Value"}
    return Place(value, name, "detail", "Attributes", label, "text", column=column)


def found(setting: str, *places: Place) -> tuple[Any, float]:
    """What is chosen, and how certain it is."""
    concept: Concept = BY_NAME[setting]
    choice = choose(concept, concept.elements[0], places)
    return (choice.place.value if choice.place else None), choice.confidence


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("UsrKNEnableCommerce", "kn enable commerce"),
        ("AccountEmail", "account email"),
        ("EMail", "email"),
        ("Account E-Mail", "account email"),
        ("CustomerClassID", "customer class id"),
        ("IsB2BCustomer", "is b2b customer"),
        ("Web_Store", "webstore"),
        ("AttributeCUSTTYPE", "custtype"),
    ],
)
def test_a_name_is_taken_apart(name: str, words: str) -> None:
    """Names of programs and of screens give the same words."""
    assert " ".join(words_of(name)) == words


def test_a_word_in_capitals_is_taken_apart_by_known_ones() -> None:
    """Attributes are named in capitals without gaps."""
    assert words_of("WEBENABLED", frozenset({"web", "enabled"})) == ("web", "enabled")
    assert words_of("WEBENABLER", frozenset({"web", "enabled"})) == ("webenabler",)


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("customer.email", Place("Email", "Email", kind="text", is_known=True)),
        ("customer.email", field("AccountEmail", MAILS)),
        ("contact.email", field("EMail", MAILS)),
        ("customer.enabled", field("EnableKensiumCommerce", kind="flag")),
        ("customer.enabled", custom("UsrKNEnableCommerce", ON_AND_OFF, "flag")),
        ("customer.enabled", attribute("WEBENABLED", ("1", "0") * 10)),
        ("customer.connection_type", custom("UsrKNConnectionType", ("KNB", "BCM") * 10)),
        ("customer.type", field("CustomerClassID", ("B2B", "RETAIL") * 10)),
    ],
)
def test_plain_evidence_makes_it_certain(setting: str, place: Place) -> None:
    """The product's own field, a name of the screen, values that only the right place holds."""
    value, confidence = found(setting, place)
    assert value == place.value
    assert confidence >= CERTAIN


@pytest.mark.parametrize(
    ("setting", "places"),
    [
        ("customer.email", (field("AccountEmail", MAILS), field("CompanyEmail", MAILS[::-1]), field("Email2", MAILS))),
        ("customer.email", (field("AccountEmail", (None,) * 20),)),
        ("customer.email", (field("AccountEmail", ("yes", "no") * 10),)),
        ("customer.email", (field("Account Email", MAILS, is_readable=False),)),
        ("customer.enabled", (custom("UsrWebEnabled", None, "flag"),)),
        ("customer.enabled", (custom("UsrWebEnabled", ON_AND_OFF, "flag"), attribute("WEBSTORE", ("1",) * 20))),
        ("customer.type", (Place("CustomerClass", "CustomerClass", kind="text", is_known=True),)),
        ("customer.type", (field("CustomerClassID", ("KEY", "RETAIL") * 10),)),
        ("customer.connection_type", (custom("UsrConnectionType", ("EDI", "FTP") * 10),)),
        ("customer.terms", (field("PaymentTerms", ("30D",) * 20), field("TermsID", ("45D",) * 20))),
    ],
)
def test_doubt_is_asked(setting: str, places: tuple[Place, ...]) -> None:
    """Two that could be meant, nothing seen, values of another kind, a name that cannot be read."""
    assert found(setting, *places)[1] < CERTAIN


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("customer.enabled", field("EnableNewsletter", ON_AND_OFF, "flag")),
        ("customer.enabled", custom("UsrCustomerSince", ("2001",) * 20)),
        ("customer.email", Place("BillingContact/Email", "Email", "linked", "BillingContact", is_known=True)),
        ("customer.terms", Place("ShippingTerms", "ShippingTerms", is_known=True)),
        ("customer.reference_id", field("VendorRef", ("1", "2"))),
        ("contact.is_primary", field("PrimaryEmail", MAILS)),
    ],
)
def test_what_is_plainly_something_else_is_not_taken(setting: str, place: Place) -> None:
    """Decoys: another meaning, another record, a field of the product that is known to be something else."""
    assert found(setting, place)[0] is None


def test_two_places_that_hold_the_same_are_no_doubt() -> None:
    """A custom field beside the contract's own: the contract's is taken."""
    same = (field("EnableKensiumCommerce", ON_AND_OFF, "flag"), custom("UsrKNEnableCommerce", ON_AND_OFF, "flag"))
    assert found("customer.enabled", *same) == ("EnableKensiumCommerce", 0.99)


def test_samples_are_masked() -> None:
    """Codes that several records share are shown; what one record alone holds is not."""
    assert sample_of(("KNB", "KNB", "BCM")) == "KNB"
    assert sample_of((True, False, True)) == "true"
    assert sample_of(("Northwind Kitchen", "Other Firm")) == "No•••"
    assert sample_of(("ann@firm.example", "ann@firm.example")) == "an•••@fi•••.example"
    assert sample_of(("+1 555 010 4420",), "phone") == "•••20"
    assert sample_of(()) == ""
