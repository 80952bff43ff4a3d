"""Payment methods and terms: what of them is to be switched, and what goes off whatever else waits. Pure."""

from __future__ import annotations

from customer_sync.model.company import NO_TERMS, Payment, PaymentTerms
from customer_sync.model.operation import Action, AppliedCompany, MethodsOperation, Operation, TermsOperation


def diff_credit(customer_id: str, applied: AppliedCompany, payment: Payment) -> tuple[Operation, ...]:
    """What of a company's payment methods and terms goes off; nothing that goes on, and no other days.

    Args:
        customer_id: The customer.
        applied: What the ledger remembers of its company.
        payment: What its terms mean now.
    """
    methods = {
        code: False for code, is_on in payment.methods.items() if not is_on and applied.payment_methods.get(code)
    }
    is_off = payment.terms is not None and not payment.terms.is_enabled and applied.payment_terms is not None
    off = Payment(methods, payment.terms if is_off else None, payment.ends)
    return tuple(diff_payment(customer_id, off, applied))


def diff_payment(key: str, payment: Payment, base: AppliedCompany) -> list[Operation]:
    """What of a company's payment methods and terms is to be switched."""
    operations: list[Operation] = []
    store_id, due, terms = base.company_id, payment.methods, payment.terms
    if payment.ends:
        due = dict.fromkeys(base.our_methods, False)
        terms = NO_TERMS if base.our_terms else None
    methods = {code: on for code, on in due.items() if base.payment_methods.get(code) is not on}
    if methods:
        old = {code: base.payment_methods[code] for code in methods if code in base.payment_methods}
        operations.append(
            MethodsOperation(action=Action.SET_PAYMENT_METHODS, key=key, store_id=store_id, new=methods, old=old)
        )
    if terms is not None and not same_terms(terms, base.payment_terms):
        operations.append(
            TermsOperation(
                action=Action.SET_PAYMENT_TERMS, key=key, store_id=store_id, new=terms, old=base.payment_terms
            )
        )
    return operations


def same_terms(new: PaymentTerms, old: PaymentTerms | None) -> bool:
    """Whether two terms are the same; those that are off are, whatever days the store shows for them."""
    return new == old or (old is not None and not new.is_enabled and not old.is_enabled)
