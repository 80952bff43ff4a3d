from __future__ import annotations

import pytest

from customer_sync.errors import NotFound, RecordRejected
from customer_sync.model.company import PaymentTerms
from customer_sync.targets.port import PaymentSettings, Target
from tests.conformance.records import Records

NOBODY = 2_000_000_000


def settings(target: Target, company_id: int, *, methods: bool = True, terms: bool = True) -> PaymentSettings:
    """A company's settings, which must be there."""
    found = target.payment_settings(company_id, methods=methods, terms=terms)
    assert found is not None
    return found


def codes(target: Target) -> list[str]:
    """The store's payment methods, in a fixed order."""
    return sorted(target.facts.payment_methods)


def test_settings_name_every_method_of_the_store(target: Target, records: Records) -> None:
    """What is off is shown as off, not left out."""
    assert set(settings(target, records.make_company().id).methods) == target.facts.payment_methods


@pytest.mark.parametrize("is_on", [True, False])
def test_methods_are_switched_and_read(target: Target, records: Records, is_on: bool) -> None:  # noqa: FBT001 - the parameter
    """Each switch reads back."""
    company_id = records.make_company().id
    records.send(records.methods(company_id, **dict.fromkeys(codes(target), not is_on)))
    records.send(records.methods(company_id, **dict.fromkeys(codes(target), is_on)))
    assert settings(target, company_id).methods == dict.fromkeys(codes(target), is_on)


def test_methods_that_are_not_named_stay(target: Target, records: Records) -> None:
    """Codes that we do not manage are left as a merchant set them."""
    company_id = records.make_company().id
    first, second, *_ = codes(target)
    before = settings(target, company_id).methods
    records.send(records.methods(company_id, **{first: True}))
    records.send(records.methods(company_id, **{second: True}))
    assert settings(target, company_id).methods == {**before, first: True, second: True}


def test_methods_of_one_company_are_not_anothers(target: Target, records: Records) -> None:
    """A switch holds for the company that it was made for."""
    first, second = records.make_company("A").id, records.make_company("B").id
    before = settings(target, second).methods
    code = next(code for code in codes(target) if not before[code])
    records.send(records.methods(first, **{code: True}))
    assert settings(target, second).methods == before


def test_an_unknown_method_is_not_found(target: Target, records: Records) -> None:
    """A code that the store lacks switches nothing."""
    company_id = records.make_company().id
    before = settings(target, company_id).methods
    with pytest.raises(NotFound):
        records.send(records.methods(company_id, no_such_code=True))
    assert settings(target, company_id).methods == before


@pytest.mark.parametrize("place", range(6))
def test_terms_are_set_and_read(target: Target, records: Records, place: int) -> None:
    """Each number of days that the limits name reads back."""
    days = target.limits.term_days[place % len(target.limits.term_days)]
    company_id = records.make_company().id
    records.send(records.terms(company_id, is_enabled=True, days=days))
    assert settings(target, company_id).terms == PaymentTerms(is_enabled=True, days=days)


def test_terms_are_taken_away(target: Target, records: Records) -> None:
    """Terms that are off are off, whatever days the store shows beside them."""
    company_id = records.make_company().id
    days = target.limits.term_days[-1]
    for is_enabled in (True, False):
        records.send(records.terms(company_id, is_enabled=is_enabled, days=days))
    terms = settings(target, company_id).terms
    assert terms is not None
    assert not terms.is_enabled


def test_terms_of_other_days_are_refused(target: Target, records: Records) -> None:
    """Days that the limits do not name change nothing."""
    company_id = records.make_company().id
    before = settings(target, company_id).terms
    other = max(target.limits.term_days) + 1
    with pytest.raises((RecordRejected, ValueError)):
        records.send(records.terms(company_id, is_enabled=True, days=other))
    assert settings(target, company_id).terms == before


@pytest.mark.parametrize(("methods", "terms"), [(True, False), (False, True), (False, False)])
def test_only_what_was_asked_for_is_told(target: Target, records: Records, methods: bool, terms: bool) -> None:  # noqa: FBT001 - the parameters
    """A question for one setting costs no request for the other."""
    company_id = records.make_company().id
    found = settings(target, company_id, methods=methods, terms=terms)
    assert bool(found.methods) is methods
    assert (found.terms is not None) is terms


def test_a_company_that_does_not_exist_has_no_settings(target: Target) -> None:
    """An unknown id is an answer, not an error."""
    assert target.payment_settings(NOBODY, methods=True, terms=True) is None


@pytest.mark.parametrize("what", ["methods", "terms"])
def test_settings_of_a_company_that_is_gone_are_not_found(target: Target, records: Records, what: str) -> None:
    """A caller learns that the company does not exist."""
    orders = {
        "methods": records.methods(NOBODY, **{codes(target)[0]: True}),
        "terms": records.terms(NOBODY, is_enabled=True, days=target.limits.term_days[-1]),
    }
    with pytest.raises(NotFound):
        records.send(orders[what])


def test_settings_outlast_a_time_in_which_the_company_may_not_trade(target: Target, records: Records) -> None:
    """An update of the company changes none of them."""
    company = records.make_company()
    code, days = codes(target)[0], target.limits.term_days[-1]
    records.send(records.methods(company.id, **{code: True}))
    records.send(records.terms(company.id, is_enabled=True, days=days))
    records.send(records.company_change(company, city="Elsewhere"))
    found = settings(target, company.id)
    assert found.methods[code]
    assert found.terms == PaymentTerms(is_enabled=True, days=days)
