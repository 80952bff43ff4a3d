"""A connector's settings: one source of customers paired with one store, its rules and its budgets.

One YAML file per connector holds all that differs between merchants; it is
validated when it is read; addresses and secrets live in two Airflow connections.
Defaults follow docs/api/incumbent.md#eligibility and #field-map.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from customer_sync.model.company import content_hash
from customer_sync.model.difference import REPAIRS, DifferenceClass, RepairAction
from customer_sync.settings.adapter_kind import SOURCES, section_class
from customer_sync.settings.alert_rules import AlertRules
from customer_sync.settings.mapping import (
    ContactRules,
    EligibilityRules,
    Geography,
    LocationRules,
    RemovalPolicy,
    TermsRule,
)
from customer_sync.settings.push_rules import PushRules
from customer_sync.settings.section import Code, Section
from customer_sync.settings.source_section import DEFAULT_KIND, ConfiguredSource, SourceSection
from customer_sync.settings.target_section import ConfiguredTarget

DEFAULT_CHANNEL_ID = 1
"""The storefront that every store has."""

ChannelIds = Annotated[tuple[int, ...], Field(min_length=1)]

SHARED_NAME = r"^[a-z][a-z0-9_]{0,39}$"
"""Form of a connector's id, and of the name under which connectors share an ERP or a store."""


class StoreRules(Section):
    """How companies are made in the store, and its request budget.

    ``requests_per_minute`` times ``share`` is what we take of the store's budget; the
    answer's headers correct the first, never the share. ``concurrency`` is the
    largest number of requests in flight; as many are used as the pace can keep busy.
    ``single_creates`` makes companies one by one, for shops that need the store's webhook of each.
    ``channels_by_class`` puts companies' users on the storefronts of their customer's class; of new ones the first is
    where they come from. ``catalog_id`` is the catalog of new companies where each needs one.
    Connectors that write to one store give it one name in ``shared_as``: they then share
    its budget and load one after the other.
    """

    shared_as: str | None = Field(default=None, pattern=SHARED_NAME)

    key_field: str = Field(default=SourceSection.default_key_field, min_length=1)
    record_field: str | None = Field(default=None, min_length=1)
    channel_ids: tuple[int, ...] = Field(default=(DEFAULT_CHANNEL_ID,), min_length=1)
    channels_by_class: dict[Code, ChannelIds] = Field(default={})
    origin_channel_id: int = DEFAULT_CHANNEL_ID
    customer_group_id: int | None = None
    company_page: str = Field(default="", max_length=500, pattern=r"^$|^(https?://|\{host\})[^\s\"'<>]*$")
    default_phone: str = Field(default="", max_length=50)
    requests_per_minute: int = Field(default=150, ge=1, le=60_000)
    share: float = Field(default=0.8, gt=0, le=1)
    bulk_size: int = Field(default=10, ge=1, le=10)
    single_creates: bool = False
    catalog_id: int | None = None
    concurrency: int = Field(default=16, ge=1, le=32)

    @property
    def is_one_by_one(self) -> bool:
        """Whether companies are made singly although the store takes several at once."""
        return self.single_creates or self.catalog_id is not None

    @property
    def pace_per_minute(self) -> float:
        """Requests a minute that we may send to the store."""
        return self.requests_per_minute * self.share

    @property
    def storefronts(self) -> frozenset[int]:
        """Every storefront that new companies and users may be put on."""
        by_class = (number for numbers in self.channels_by_class.values() for number in numbers)
        return frozenset({*self.channel_ids, *filter(None, [self.origin_channel_id]), *by_class})

    def storefronts_of(self, customer_class: str) -> str:
        """Storefronts of the users of a class's customers, as a user's field; ``""`` where the file has no rule."""
        if not self.channels_by_class:
            return ""
        numbers = self.channels_folded.get(customer_class.casefold(), self.channel_ids)
        return ",".join(map(str, sorted(set(numbers))))

    @cached_property
    def channels_folded(self) -> dict[str, tuple[int, ...]]:
        """Storefronts of new companies and users by their customer's class, case-folded."""
        return {name.casefold(): numbers for name, numbers in self.channels_by_class.items()}


class ErpRules(Section):
    """How the ERP is read, and its budgets of requests and of session seats.

    ``requests_per_minute`` is ``None`` where the licence sets no limit that we must keep;
    ``server_filter`` lets a full read leave out, in the source, those whose type, class or status the eligibility rules
    refuse and who have no company. ``seats`` are the API sessions that we may have open at the same time. Connectors
    that read one tenant (or one licence) give it one name in ``shared_as`` and share both.
    """

    shared_as: str | None = Field(default=None, pattern=SHARED_NAME)
    seats: int = Field(default=2, ge=1, le=100)
    page_size: int = Field(default=500, ge=2, le=5000)
    requests_per_minute: int | None = Field(default=None, ge=1, le=60_000)
    write_reference: bool = True
    server_filter: bool = False


class BatchRules(Section):
    """Size of the batches that travel between the tasks.

    ``size`` customers at first, growing to ``largest`` in a long read, at most ``count`` batches a run.
    """

    size: int = Field(default=500, ge=1, le=5000)
    largest: int = Field(default=2000, ge=1, le=5000)
    count: int = Field(default=64, ge=1, le=512)

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

    most_withdrawn: int = Field(default=200, ge=0)
    most_withdrawn_share: float = Field(default=0.1, ge=0, le=1)
    most_removed: int = Field(default=1000, ge=0)
    most_removed_share: float = Field(default=0.1, ge=0, le=1)
    most_created_share: float = Field(default=0.5, ge=0)
    always_allowed: int = Field(default=10, ge=0)
    least_eligible_share: float = Field(default=0.5, ge=0, le=1)


class ApprovalRules(Section):
    """When a person must say yes to a run's plan before it is applied.

    ``ask``: ``on_guard`` when a guard trips, ``always`` before every plan that has something to
    apply, ``never``: a tripped guard refuses the run at once. No answer within
    ``timeout_minutes`` counts as no.
    """

    ask: Literal["on_guard", "always", "never"] = "on_guard"
    timeout_minutes: int = Field(default=1440, ge=1, le=43_200)


class ReconcileRules(Section):
    """How ERP, ledger and store are compared, and what may be repaired.

    ``store_share`` is what a comparison takes of the store's budget, so that syncs go
    on beside it. ``payment_requests`` bounds the requests for payment settings, which
    the store has no list of; ``most_rechecked`` bounds the customers that are read
    again before they are reported. ``repair`` says per class what is done about it.
    """

    schedule: str = "30 2 * * *"
    store_share: float = Field(default=0.4, gt=0, le=1)
    payment_requests: int = Field(default=400, ge=0, le=100_000)
    most_rechecked: int = Field(default=500, ge=1, le=20_000)
    repair: dict[DifferenceClass, RepairAction] = Field(default={})

    @model_validator(mode="after")
    def _can_be_done(self) -> ReconcileRules:
        for kind, action in self.repair.items():
            allowed = REPAIRS.get(kind, frozenset({RepairAction.REPORT}))
            if action not in allowed:
                raise ValueError(f"repair.{kind} cannot be '{action}'; it can be: {', '.join(sorted(allowed))}")
        return self


class RetentionRules(Section):
    """For how many days what the DAGs leave behind is kept, by kind; links, open writes and quarantine stay."""

    log_days: int = Field(default=180, ge=1, le=3650)
    run_days: int = Field(default=400, ge=1, le=3650)
    report_days: int = Field(default=90, ge=1, le=3650)
    batch_file_days: int = Field(default=30, ge=1, le=3650)
    undo_days: int = Field(default=30, ge=0, le=3650)


class Masking(Section):
    """What is masked in task logs and in the connector log; and whether pages show names to whom may edit the DAG."""

    emails: bool = True
    names: bool = True
    phones: bool = True
    pages: Literal["by_right", "always"] = "by_right"


class Connector(Section):
    """One connector file."""

    id: str = Field(pattern=SHARED_NAME)
    name: str = ""
    active: bool = True
    schedule: str = "*/15 * * * *"
    full_schedule: str | None = "30 2 * * *"
    owner: str = "integration"
    window_overlap_minutes: int = Field(default=10, ge=0, le=1440)
    task_timeout_minutes: int = Field(default=720, ge=5, le=10_080)
    source: ConfiguredSource = Field(default={}, validate_default=True)
    target: ConfiguredTarget = Field(default={}, validate_default=True)
    eligibility: EligibilityRules = EligibilityRules()
    contacts: ContactRules = ContactRules()
    locations: LocationRules = LocationRules()
    terms: dict[Code, TermsRule] = Field(default={})
    geography: Geography = Geography()
    policy: RemovalPolicy = RemovalPolicy()
    store: StoreRules = StoreRules()
    erp: ErpRules = ErpRules()
    batch: BatchRules = BatchRules()
    guards: GuardRules = GuardRules()
    approval: ApprovalRules = ApprovalRules()
    reconcile: ReconcileRules = ReconcileRules()
    retention: RetentionRules = RetentionRules()
    masking: Masking = Masking()
    alerts: AlertRules = AlertRules()
    push: PushRules = PushRules()

    @model_validator(mode="before")
    @classmethod
    def _as_the_source_is_used(cls, values: Any) -> Any:
        """Fill in what the source's adapter knows of its merchants, where the file says nothing."""
        source = section_class(SOURCES, DEFAULT_KIND, values.get("source")) if isinstance(values, dict) else None
        if source is None or not issubclass(source, SourceSection):
            return values
        filled = {
            "store": {"key_field": source.default_key_field},
            "eligibility": {"connection_type": source.default_connection_type},
        }
        known = {name: values.get(name) or {} for name in filled}
        return values | {name: {**filled[name], **each} for name, each in known.items() if isinstance(each, dict)}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        key = self.store.key_field
        if any(name.casefold() == key.casefold() for name in self.source.extra_field_names):
            raise ValueError(
                f"extra_fields of section 'source' names '{key}', which store.key_field fills with the Customer ID"
            )
        if len(self.terms_folded) != len(self.terms):
            raise ValueError("terms holds two ids that differ only in case; terms are compared without regard to it")
        for section, field, rules in (
            ("eligibility", "enabled", self.eligibility),
            ("contacts", "contact.enabled", self.contacts),
            ("locations", "location.enabled", self.locations),
        ):
            if rules.opt_in_required and field in self.source.unread:
                raise ValueError(
                    f"{section}.opt_in_required is true, but section 'source' names no place of '{field}': "
                    f"name one, or write {section}.opt_in_required: false"
                )
        return self

    def is_marked(self, field: str, connection_type: str) -> bool:
        """Whether a record with this connection type is meant for this sync; every one is where none is read.

        Args:
            field: The neutral name of where it comes from, such as ``contact.connection_type``.
            connection_type: The record's.
        """
        return field in self.source.unread or self.eligibility.is_marked(connection_type)

    @property
    def writes_reference(self) -> bool:
        """Whether the company's id is written into the source: not where the source has no place for it."""
        return self.erp.write_reference and "reference_id" not in self.source.unread

    @property
    def source_connection_id(self) -> str:
        """The Airflow connection that holds the source's address and secrets."""
        return f"{self.source.kind}_{self.id}"

    @property
    def target_connection_id(self) -> str:
        """The Airflow connection that holds the store's address and secrets."""
        return f"{self.target.kind}_{self.id}"

    @property
    def store_budget(self) -> str:
        """Name of the store's request budget; the same for all connectors that share the store."""
        return self.store.shared_as or self.id

    @property
    def erp_budget(self) -> str:
        """Name of the ERP's budget of requests and seats; the same for all connectors that share the ERP."""
        return self.erp.shared_as or self.id

    @property
    def push_dag_id(self) -> str:
        """Name of the DAG that syncs what push notifications named."""
        return f"customer_push__{self.id}"

    @property
    def push_connection_id(self) -> str:
        """The Airflow connection whose password is the secret of push notifications."""
        return f"{self.source.kind}_push_{self.id}"

    @property
    def store_pool(self) -> str:
        """The Airflow pool with one slot that makes loads of the store run one at a time."""
        return f"{self.target.kind}_{self.store_budget}"

    @property
    def erp_pool(self) -> str:
        """The Airflow pool that counts the ERP's session seats."""
        return f"{self.source.kind}_{self.erp_budget}"

    @property
    def dag_id(self) -> str:
        """Name of the sync DAG."""
        return f"customer_sync__{self.id}"

    @property
    def reconcile_dag_id(self) -> str:
        """Name of the reconciliation DAG."""
        return f"customer_reconcile__{self.id}"

    @property
    def doctor_dag_id(self) -> str:
        """Name of the DAG that looks at what stands in the way of a run."""
        return f"customer_doctor__{self.id}"

    def for_comparison(self) -> Self:
        """The connector with the smaller share of the store's budget that a comparison takes; it looks at everybody."""
        store = self.store.model_copy(update={"share": self.reconcile.store_share})
        erp = self.erp.model_copy(update={"server_filter": False})
        return self.model_copy(update={"store": store, "erp": erp})

    @cached_property
    def terms_folded(self) -> dict[str, TermsRule]:
        """The terms table by case-folded terms id."""
        return {key.casefold(): rule for key, rule in self.terms.items()}

    @cached_property
    def managed_methods(self) -> tuple[str, ...]:
        """Every payment method that the terms table names anywhere."""
        return tuple(sorted({code for rule in self.terms.values() for code in rule.payment_methods}))

    def reading_fingerprint(self) -> str:
        """Identify all by which a source reads customers: files with the same one are shown the same records."""
        rules, switches = self.eligibility, {"include", "opt_in_required"}
        return content_hash(
            [
                self.model_dump(mode="json", include={"source", "erp"}),
                self.contacts.model_dump(mode="json", include=switches),
                self.locations.model_dump(mode="json", include=switches),
                rules.opt_in_required,
                rules.model_dump(mode="json") if self.erp.server_filter else "",
            ]
        )

    def mapping_fingerprint(self) -> str:
        """Identify the rules and the mapping; when it changes, the next scheduled run reads everything."""
        parts = {"source", "eligibility", "contacts", "locations", "terms", "geography", "policy"}
        return content_hash(
            [
                self.model_dump(mode="json", include=parts),
                self.store.key_field,
                self.store.default_phone,
                *filter(None, [self.store.record_field]),
            ]
        )
