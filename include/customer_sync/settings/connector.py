"""A connector's settings: one source of customers paired with one store, its rules and its budgets.

One YAML file per connector holds all that differs between merchants; it is
validated when it is read; addresses and secrets live in two Airflow connections.
Defaults follow docs/api/incumbent.md#eligibility and #field-map.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

from pydantic import Field, model_validator

from customer_sync.model.company import content_hash
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
from customer_sync.settings.run_rules import (
    ApprovalRules,
    BatchRules,
    GuardRules,
    Masking,
    ReconcileRules,
    RetentionRules,
)
from customer_sync.settings.section import Code, Section, setting
from customer_sync.settings.source_section import DEFAULT_KIND, ConfiguredSource, SourceSection
from customer_sync.settings.system_rules import SHARED_NAME, ErpRules, StoreRules
from customer_sync.settings.target_section import ConfiguredTarget


class Connector(Section):
    """One connector file."""

    id: str = setting(
        ...,
        "Name of the connector; the DAG, both connections and the pools are named after it. Required.",
        "knb",
        accepted="a lower-case letter, then lower-case letters, digits and `_`, at most 40; equal to the file's name",
        pattern=SHARED_NAME,
    )
    name: str = setting(
        "",
        "Name for people, shown in the UI.",
        "ERP to shop",
    )
    active: bool = setting(
        True,
        "Whether the connector has DAGs at all.",
        False,
    )
    schedule: str = setting(
        "*/15 * * * *",
        "When the sync starts by itself.",
        "*/30 * * * *",
        accepted="five cron columns, UTC",
    )
    full_schedule: str | None = setting(
        "30 2 * * *",
        "The first scheduled run after each tick reads everything: what no stamp shows is found then, "
        "and little is written where all is equal.",
        "0 3 * * 0",
        accepted="five cron columns, UTC, or null for never",
    )
    owner: str = setting(
        "integration",
        "Owner shown in Airflow.",
        "erp-team",
    )
    window_overlap_minutes: int = setting(
        10,
        "Minutes before the watermark from which an incremental run reads again, for stamps that were committed late.",
        30,
        ge=0,
        le=1440,
    )
    task_timeout_minutes: int = setting(
        720,
        "Longest that one try of a task of this connector may take; then Airflow ends it, and it signs "
        "out and is tried again. A person's approval is waited for beside it.",
        120,
        ge=5,
        le=10_080,
    )
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
