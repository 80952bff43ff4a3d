"""The three sides of a comparison, each as one customer's records. Pure."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from customer_sync.model.company import Company, CompanyUser
from customer_sync.model.operation import AppliedCompany, CustomerPlan
from customer_sync.targets.port import PaymentSettings, StoredAddress, StoredCompany, StoredUser

Claim = Literal["eligible", "kept", "withdrawn", "unstorable", "absent", "set_aside"]
"""What the ERP says of a customer's company.

``eligible``: it should be as desired. ``kept``: not eligible for now, left as it is.
``withdrawn``: no longer eligible. ``unstorable``: the store cannot hold it.
``absent``: the ERP has no such customer. ``set_aside``: a person took it out of the sync.
"""


class ErpSide(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the ERP says of one customer.

    ``name`` is masked as configured, ``contact_ids`` are all its contacts, ``successors`` may be the admin beside the
    desired users. ``leaving`` says, of a customer that waits as a whole, to whom the record denies access.
    """

    customer_id: str
    claim: Claim = "absent"
    name: str = ""
    record_id: str = ""
    reference_id: str = ""
    email: str = ""
    modified_at_utc: str = ""
    reasons: tuple[str, ...] = ()
    contact_ids: tuple[str, ...] = ()
    desired: Company | None = None
    successors: tuple[CompanyUser, ...] = ()
    leaving: CustomerPlan | None = None
    deleted_at_utc: str = ""


class StoreSide(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the store holds of one customer.

    Attributes:
        companies: Those that carry the Customer ID, and the linked one.
        users: Users of these companies.
        addresses: Addresses of these companies.
        taken: Case-folded e-mail of a desired user -> the other company whose user has it.
        not_trading: Those of the other companies that do not trade.
        payment: ``None`` where it was not read: then nothing is said of it.
        strays: Ids of addresses whose external id names another customer.
        dropped: Extra fields of users that we fill and the store has not.
        changed_addresses: Address id -> whether the store changed it after our last write, for those that were asked
            about: addresses show no stamp. One that is missing may have been changed about then.
        settles_in_s: How long after a write the store may move its stamps by itself: within it none says anything.
    """

    companies: tuple[StoredCompany, ...] = ()
    users: tuple[StoredUser, ...] = ()
    addresses: tuple[StoredAddress, ...] = ()
    taken: dict[str, int] = {}
    not_trading: frozenset[int] = frozenset()
    payment: PaymentSettings | None = None
    strays: frozenset[int] = frozenset()
    dropped: frozenset[str] = frozenset()
    changed_addresses: dict[int, bool] = {}
    settles_in_s: float = 120.0


class Waiting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer, or a part of it, in quarantine: why, the field at fault, and who holds what it waits for."""

    entity: str
    key: str
    reason: str
    field: str = ""
    holder: str = ""


class LedgerSide(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the ledger remembers of one customer.

    Attributes:
        applied: The link with the last applied values, ``None`` without one.
        held_back: Parts that the store refused (``contact:<ContactID>``, ``location:<external id>``, …).
        waiting: Those of them that wait for their e-mail.
        quarantine: All that is in quarantine.
        is_weighed: Whether anybody has weighed what speaks for the link.
        written_at_s: Record (``created``, ``company``, ``contact:<ContactID>``, ``location:<external id>``) -> when
            we last wrote it, Unix seconds.
        overwritten: The same record -> what its fields were before our last writes of them.
        deleted_ids: Users and addresses whose deletion was confirmed (``contact:<id in the store>``, ``location:<…>``).
        unanswered: Keys of records with a write without an answer (a CustomerID, ContactID or external id).
    """

    applied: AppliedCompany | None = None
    held_back: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    quarantine: tuple[Waiting, ...] = ()
    is_weighed: bool = True
    written_at_s: dict[str, float] = {}
    overwritten: dict[str, dict[str, Any]] = {}
    deleted_ids: frozenset[str] = frozenset()
    unanswered: frozenset[str] = frozenset()

    @property
    def quarantined(self) -> str:
        """Why the whole customer is in quarantine, ``""`` if it is not."""
        return next((row.reason for row in self.quarantine if row.entity == "customer"), "")
