"""The client of one Better B2B store: all families of calls in one object."""

from customer_sync.targets.better_b2b.addresses import AddressCalls
from customer_sync.targets.better_b2b.companies import CompanyCalls
from customer_sync.targets.better_b2b.payments import PaymentCalls
from customer_sync.targets.better_b2b.roles import RoleCalls
from customer_sync.targets.better_b2b.users import UserCalls


class BetterB2BClient(CompanyCalls, UserCalls, AddressCalls, PaymentCalls, RoleCalls):
    """Everything that the sync asks of a store; safe to use from several threads.

    Construct it as :class:`~customer_sync.targets.better_b2b.calls.StoreCalls` describes. Every method may raise,
    beside what it documents: ``RateLimited``, ``ConnectFailed`` or ``Unavailable`` when the retries ran
    out, ``AuthenticationFailed`` and ``PermissionDenied``, ``ContractError`` for an answer that does
    not fit, and, when writing, ``AmbiguousWriteError``.
    """
