"""The sections of a connector file about runs: batches, guards, approval, reconciliation, retention and masking."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from customer_sync.model.difference import REPAIRS, DifferenceClass, RepairAction
from customer_sync.settings.section import Section, setting


class BatchRules(Section):
    """Size of the batches that travel between the tasks.

    ``size`` customers at first, growing to ``largest`` in a long read, at most ``count`` batches a run.
    """

    size: int = setting(
        500,
        "Customers of the first batches.",
        200,
        ge=1,
        le=5000,
    )
    largest: int = setting(
        2000,
        "Batches grow up to this in a long read; a task needs about 30 KB of memory per customer of its batch.",
        5000,
        accepted="1 to 5000, not less than `size`",
        ge=1,
        le=5000,
    )
    count: int = setting(
        64,
        "Most batches of one run; a longer read goes on in the next run.",
        32,
        ge=1,
        le=512,
    )

    @model_validator(mode="after")
    def _grows(self) -> BatchRules:
        if self.largest < self.size:
            raise ValueError(f"'largest' ({self.largest}) must not be smaller than 'size' ({self.size})")
        return self


class GuardRules(Section):
    """How much one run may take away before a person must look (``approval`` says how).

    A guard trips when a run would withdraw more companies, or remove more users and
    addresses, than ``most`` or than the share ``most_share`` of those that are linked;
    up to ``always_allowed`` never trip the share. After the first load it trips as well when a run would
    create more companies than ``most_created_share`` of those that are linked. On a full read it also trips
    when the ERP shows no customer at all although companies are linked, and when fewer
    customers are eligible than ``least_eligible_share`` of the linked companies.
    """

    most_withdrawn: int = setting(
        200,
        "Most companies that one run may withdraw.",
        50,
        ge=0,
    )
    most_withdrawn_share: float = setting(
        0.1,
        "The same as a share of the linked companies.",
        0.05,
        ge=0,
        le=1,
    )
    most_removed: int = setting(
        1000,
        "Most users and addresses that one run may remove.",
        100,
        ge=0,
    )
    most_removed_share: float = setting(
        0.1,
        "The same as a share of the linked ones.",
        0.05,
        ge=0,
        le=1,
    )
    most_created_share: float = setting(
        0.5,
        "After the first load: most companies that one run may create, as a share of the linked ones. A "
        "wrong filter gives access to thousands.",
        0.1,
        ge=0,
    )
    always_allowed: int = setting(
        10,
        "Up to so many never trip a share, so that small shops are not stopped by one customer.",
        0,
        ge=0,
    )
    least_eligible_share: float = setting(
        0.5,
        "On a full read: the eligible customers must be at least this share of the linked companies.",
        0.8,
        ge=0,
        le=1,
    )


class ApprovalRules(Section):
    """When a person must say yes to a run's plan before it is applied.

    ``ask``: ``on_guard`` when a guard trips, ``always`` before every plan that has something to
    apply, ``never``: a tripped guard refuses the run at once. No answer within
    ``timeout_minutes`` counts as no.
    """

    ask: Literal["on_guard", "always", "never"] = setting(
        "on_guard",
        "A person is asked when a guard trips, or before every plan; `never` refuses a run whose guard "
        "trips at once (`PlanRefused`).",
        "always",
    )
    timeout_minutes: int = setting(
        1440,
        "So long an answer is waited for; silence counts as no.",
        240,
        ge=1,
        le=43_200,
    )


class ReconcileRules(Section):
    """How ERP, ledger and store are compared, and what may be repaired.

    ``store_share`` is what a comparison takes of the store's budget, so that syncs go
    on beside it. ``payment_requests`` bounds the requests for payment settings, which
    the store has no list of; ``most_rechecked`` bounds the customers that are read
    again before they are reported. ``repair`` says per class what is done about it.
    """

    schedule: str = setting(
        "30 2 * * *",
        "When the comparison starts by itself.",
        "0 5 * * 0",
        accepted="five cron columns, UTC",
    )
    store_share: float = setting(
        0.4,
        "Part of the store's budget that a comparison takes, so that syncs go on beside it.",
        0.2,
        gt=0,
        le=1,
    )
    payment_requests: int = setting(
        400,
        "Most requests for payment settings in one comparison (two per company, only where `terms` maps "
        "them); the rest follows in the next ones.",
        2000,
        ge=0,
        le=100_000,
    )
    most_rechecked: int = setting(
        500,
        "Most customers that are rechecked in one run; the rest are reported as *unsettled*.",
        2000,
        ge=1,
        le=20_000,
    )
    repair: dict[DifferenceClass, RepairAction] = setting(
        {},
        "What a comparison does about a class; nothing is named: it only reports.",
        {"write_lost": "reapply", "missing_in_ledger": "adopt"},
        accepted="class: report, reapply, adopt or unenrol, as the class allows",
    )

    @model_validator(mode="after")
    def _can_be_done(self) -> ReconcileRules:
        for kind, action in self.repair.items():
            allowed = REPAIRS.get(kind, frozenset({RepairAction.REPORT}))
            if action not in allowed:
                raise ValueError(f"repair.{kind} cannot be '{action}'; it can be: {', '.join(sorted(allowed))}")
        return self


class RetentionRules(Section):
    """For how many days what the DAGs leave behind is kept, by kind; links, open writes and quarantine stay."""

    log_days: int = setting(
        180,
        "Lines of the connector log. What was said of a customer last stays.",
        30,
        ge=1,
        le=3650,
    )
    run_days: int = setting(
        400,
        "Runs with the outcomes of their customers, their settled writes (values before and after) and "
        "the differences they found.",
        90,
        ge=1,
        le=3650,
    )
    report_days: int = setting(
        90,
        "Files of reports.",
        30,
        ge=1,
        le=3650,
    )
    batch_file_days: int = setting(
        30,
        "Batch files, which hold customers' data; a run without them cannot be cleared and repeated from the middle.",
        7,
        ge=1,
        le=3650,
    )
    undo_days: int = setting(
        30,
        "For so long at least a run is kept with all that is needed to undo it, also where `run_days` is less.",
        60,
        ge=0,
        le=3650,
    )


class Masking(Section):
    """What is masked in task logs and in the connector log; and whether pages show names to whom may edit the DAG."""

    emails: bool = setting(
        True,
        "E-mail addresses: `ma•••@ex•••.com`.",
        False,
    )
    names: bool = setting(
        True,
        "Names and streets: `No•••`.",
        False,
    )
    phones: bool = setting(
        True,
        "Phone numbers: `•••20`.",
        False,
    )
    pages: Literal["by_right", "always"] = setting(
        "by_right",
        "On the Connector Logs pages: names and e-mails readable for who may edit the connector's DAG, "
        "or masked for everybody.",
        "always",
    )
