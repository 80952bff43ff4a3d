"""Payment methods and terms: switched where they differ, and off again when the source has no terms any more."""

from __future__ import annotations

from typing import Any

import pytest

from customer_sync.model.company import NO_TERMS, PaymentTerms
from customer_sync.model.operation import Action, MethodsOperation, TermsOperation
from customer_sync.planning.diff import diff_company
from customer_sync.planning.payment import same_terms
from customer_sync.settings.mapping import RemovalPolicy
from tests.unit.customer_sync.builders import a_company, applied

DELETE = RemovalPolicy()
NET_30, NET_45, NET_0 = (PaymentTerms(is_enabled=True, days=days) for days in (30, 45, 0))
OFF_30 = PaymentTerms(is_enabled=False, days=30)


def methods(new: dict[str, bool], old: dict[str, bool]) -> MethodsOperation:
    """Make the operation that switches methods."""
    return MethodsOperation(action=Action.SET_PAYMENT_METHODS, key="C001042", store_id=61427, new=new, old=old)


def terms(new: PaymentTerms, old: PaymentTerms | None) -> TermsOperation:
    """Make the operation that sets terms."""
    return TermsOperation(action=Action.SET_PAYMENT_TERMS, key="C001042", store_id=61427, new=new, old=old)


@pytest.mark.parametrize(
    ("desired", "have", "switched"),
    [
        pytest.param({}, {"card": True}, None, id="none is ours: all stay"),
        pytest.param({"cheque": True}, {"cheque": True, "card": True}, None, id="ours are as they should be"),
        pytest.param({"cheque": True}, {"card": True}, ({"cheque": True}, {}), id="it is not known yet"),
        pytest.param({"cheque": False}, {}, ({"cheque": False}, {}), id="it is off, and not known yet"),
        pytest.param(
            {"cheque": True, "cod": False, "wire": True},
            {"cheque": False, "cod": False, "card": True},
            ({"cheque": True, "wire": True}, {"cheque": False}),
            id="those that differ are switched, with what they were",
        ),
    ],
)
def test_payment_methods_are_switched_where_they_differ(
    desired: dict[str, bool], have: dict[str, bool], switched: tuple[dict[str, bool], dict[str, bool]] | None
) -> None:
    """Only codes of the connector's table; the others stay as they are."""
    base = applied(a_company(), payment_methods=have)
    operations = diff_company(a_company(payment_methods=desired), base, DELETE)
    assert operations == ((methods(*switched),) if switched else ())


@pytest.mark.parametrize(
    ("desired", "have", "is_sent"),
    [
        pytest.param(None, NET_30, False, id="not mapped: the store's stay"),
        pytest.param(NET_30, NET_30, False, id="as they should be"),
        pytest.param(NET_45, NET_30, True, id="other days"),
        pytest.param(NET_0, None, True, id="not known yet"),
        pytest.param(NET_30, NO_TERMS, True, id="off, and to be on"),
        pytest.param(NET_30, OFF_30, True, id="off with the same days, and to be on"),
        pytest.param(NO_TERMS, NET_30, True, id="on, and to be off"),
        pytest.param(NO_TERMS, OFF_30, False, id="off already, whatever days the store shows"),
        pytest.param(NO_TERMS, None, True, id="to be off, and not known yet"),
    ],
)
def test_terms_are_sent_when_they_are_mapped_and_differ(
    desired: PaymentTerms | None, have: PaymentTerms | None, *, is_sent: bool
) -> None:
    """Unmapped terms leave the store's as they are; terms that are off are the same with any days."""
    base = applied(a_company(), payment_terms=have)
    operations = diff_company(a_company(payment_terms=desired), base, DELETE)
    assert operations == ((terms(desired, have),) if is_sent and desired else ())
    assert desired is None or same_terms(desired, have) is not is_sent


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        pytest.param({}, (), id="the sync gave nothing: what people set stays"),
        pytest.param({"our_methods": ("cheque",)}, (methods({"cheque": False}, {"cheque": True}),), id="a method"),
        pytest.param({"our_methods": ("cod",)}, (), id="a method that is off already"),
        pytest.param({"our_terms": True}, (terms(NO_TERMS, NET_30),), id="terms"),
        pytest.param(
            {"our_methods": ("cheque", "cod"), "our_terms": True},
            (methods({"cheque": False}, {"cheque": True}), terms(NO_TERMS, NET_30)),
            id="both",
        ),
        pytest.param({"our_terms": True, "payment_terms": OFF_30}, (), id="terms that are off already"),
    ],
)
def test_what_the_sync_gave_goes_off_when_the_source_has_no_terms_any_more(
    ours: dict[str, Any], expected: tuple[MethodsOperation | TermsOperation, ...]
) -> None:
    """Net terms and methods that earlier terms switched on; nothing that people set in the store."""
    have: dict[str, Any] = {
        "payment_methods": {"cheque": True, "cod": False, "card": True},
        "payment_terms": NET_30,
        **ours,
    }
    # What the company names itself does not count where its source has no terms.
    desired = a_company(ends_payment=True, payment_methods={"card": False}, payment_terms=NET_45)
    assert diff_company(desired, applied(a_company(), **have), DELETE) == expected
