"""Both twins over real HTTP, a connector and a ledger: the world in which the sync is tried."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from customer_sync.http.curl_transport import CurlTransport
from customer_sync.http.pacing import Pacer
from customer_sync.http.retry import RetryPolicy
from customer_sync.http.transport import HttpSettings, Transport
from customer_sync.ledger import Ledger
from customer_sync.model.batch import BatchDescriptor
from customer_sync.pipeline import run
from customer_sync.planning.window import RunRequest
from customer_sync.reconcile.in_process import reconcile
from customer_sync.reconcile.reconciliation import ReconcileReport
from customer_sync.reconcile.request import ReconcileRequest
from customer_sync.run import Run, Sink, discard
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import load_connector
from customer_sync.sources.acumatica.selection import Selection
from customer_sync.sources.acumatica.session import KeptTokens
from customer_sync.sources.acumatica.settings import AcumaticaSettings
from customer_sync.sources.acumatica.source import AcumaticaSource
from customer_sync.steps.audit import AuditReport, audit_run
from customer_sync.steps.early_removals import EarlyRemovals, PlannedBatchContent, remove_early
from customer_sync.steps.extract import begin_run, extract_batches
from customer_sync.steps.filter import filter_batch
from customer_sync.steps.guard import settle_plan
from customer_sync.steps.load import load_batch
from customer_sync.steps.transform import transform_batch
from customer_sync.targets.better_b2b.adapter import BetterB2BTarget
from customer_sync.targets.better_b2b.settings import BetterB2BSettings
from tests.adapters.erp_editor import ErpEditor

KEY_FIELD = "Acumatica Customer ID"
QUICK = RetryPolicy(attempts=3, total_s=1.5, first_delay_s=0.01, rng=lambda: 0.0)
"""As the product retries, without its pauses."""

Wrap = Callable[[Transport], Transport]


def call(url: str, method: str = "GET", body: Any = None) -> Any:
    """One request to a twin's control plane."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})  # noqa: S310 - a twin's address
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - a twin's address
        content = answer.read()
    return json.loads(content) if content else None


def shipped_connector() -> Connector:
    """The connector file that ships."""
    return load_connector(Path(__file__).resolve().parents[2] / "include" / "connectors" / "knb.yaml")


def _as_it_is(transport: Transport) -> Transport:
    return transport


def _sign_in(changes: dict[str, Any]) -> AcumaticaSettings:
    values = {"username": "admin", "password": "sandbox", "tenant": "Sandbox", "endpoint_name": "KNCommerce"}
    return AcumaticaSettings(**{**values, "page_size": 40, "session_limit_wait_s": 0.05, **changes})


@dataclass
class World:
    """Two twins, a connector and a ledger.

    Attributes:
        longest_work_s: How long the store is taken to work on a request, in seconds.
    """

    erp_url: str
    store_url: str
    connector: Connector
    ledger_url: str
    retry: RetryPolicy = field(default_factory=lambda: QUICK)
    wrap_erp: Wrap = _as_it_is
    wrap_store: Wrap = _as_it_is
    longest_work_s: float = 0.3

    # -- clients -----------------------------------------------------------------------------------

    def source(
        self, connector: Connector | None = None, *, tokens: KeptTokens | None = None, **changes: Any
    ) -> AcumaticaSource:
        """The ERP's twin as the connector's source, through the test's transport."""
        transport = self.wrap_erp(CurlTransport(HttpSettings(base_url=self.erp_url)))
        meant = connector or self.connector
        return AcumaticaSource(transport, _sign_in(changes), meant, retry=self.retry, tokens=tokens)

    def _editor(self, **changes: Any) -> ErpEditor:
        transport = CurlTransport(HttpSettings(base_url=self.erp_url))
        return ErpEditor(transport, _sign_in(changes), retry=self.retry)

    def store(self, connector: Connector | None = None, **changes: Any) -> BetterB2BTarget:
        """The store's twin as the connector's target, through the test's transport."""
        values: dict[str, Any] = {
            "token": "sandbox-token",
            "store_hash": "sandbox",
            "rate_limit_wait_s": 0.1,
            "read_timeout_s": 5.0,
        }
        # The twins are quick. Where a test says how long an answer is waited for, they may work that long.
        values["longest_work_s"] = changes.get("read_timeout_s", self.longest_work_s)
        transport = CurlTransport(HttpSettings(base_url=self.store_url))
        settings = BetterB2BSettings(**{**values, "rules": (connector or self.connector).store, **changes})
        return BetterB2BTarget(self.wrap_store(transport), settings, pacer=Pacer(0, share=1.0), retry=self.retry)

    # -- the product -------------------------------------------------------------------------------

    def sync(
        self,
        *,
        connector: Connector | None = None,
        run_id: str | None = None,
        sink: Sink = discard,
        **params: Any,
    ) -> AuditReport:
        """Run the pipeline once."""
        return run(
            connector or self.connector,
            self.source(connector),
            self.store(connector),
            self.ledger_url,
            RunRequest.model_validate(params),
            run_id=run_id,
            sink=sink,
        )

    def reconcile(
        self,
        *,
        run_id: str | None = None,
        sink: Sink = discard,
        decisions: str | None = None,
        keep_list: Callable[[str], None] = lambda _list: None,
        **params: Any,
    ) -> ReconcileReport:
        """Compare ERP, ledger and store once."""
        return reconcile(
            self.connector,
            self.source(),
            self.store(),
            self.ledger_url,
            ReconcileRequest.model_validate(params),
            run_id=run_id,
            sink=sink,
            decisions=decisions,
            keep_list=keep_list,
        )

    def with_rules(self, **sections: dict[str, Any]) -> World:
        """The same world under changed rules: ``with_rules(policy={"customer": "delete"})``."""
        changed = {name: getattr(self.connector, name).model_copy(update=new) for name, new in sections.items()}
        return replace(self, connector=self.connector.model_copy(update=changed))

    def with_file(self, **sections: Any) -> World:
        """The same world under a connector file with other sections, checked as a file is."""
        values = {**self.connector.model_dump(mode="json"), **sections}
        return replace(self, connector=Connector.model_validate(values))

    def ledger(self) -> Ledger:
        """The ledger, to look at."""
        return Ledger.open(self.connector.id, self.ledger_url)

    def outcomes(self, customer_id: str) -> list[tuple[str, str]]:
        """Outcome and reasons of a customer in all runs, oldest first."""
        with self.ledger() as ledger:
            story = ledger.stories.of(customer_id, runs=1000)
        runs = story.runs if story else []
        return [(run.outcome, ",".join(run.reasons)) for run in reversed(runs) if run.outcome]

    def last_outcome(self, customer_id: str) -> tuple[str, str]:
        """Outcome and reasons of a customer in the last run that read it."""
        return self.outcomes(customer_id)[-1]

    # -- the store ---------------------------------------------------------------------------------

    def companies(self) -> dict[str, dict[str, Any]]:
        """The store's companies that carry our key, by CustomerID."""
        return _by_key(self.store_state())

    def store_state(self) -> dict[str, Any]:
        """The whole store."""
        state: dict[str, Any] = call(f"{self.store_url}/_sandbox/state")
        return state

    def book(self) -> dict[str, dict[str, Any]]:
        """All that the store holds of our customers, without ids and times: see :func:`store_book`."""
        return store_book(self.store_state())

    def store_writes(self) -> list[dict[str, Any]]:
        """Requests to the store's API that write, oldest first."""
        rows: list[dict[str, Any]] = call(f"{self.store_url}/_sandbox/calls")
        return [row for row in rows if row["method"] != "GET" and "/api/" in row["path"]]

    def write_lines(self) -> list[str]:
        """The store's writes as ``PUT /users/20004 {"firstName": …}``, in the order in which they came."""
        return [
            f"{row['method']} {row['path'].split('/io', 1)[-1]} {row['body'] or ''}".strip()
            for row in self.store_writes()
        ]

    # -- faults and edits --------------------------------------------------------------------------

    def forget_calls(self) -> None:
        """Empty both call logs."""
        for url in (self.erp_url, self.store_url):
            call(f"{url}/_sandbox/calls", "DELETE")

    def erp_calls(self) -> list[dict[str, Any]]:
        """All requests to the ERP, oldest first."""
        rows: list[dict[str, Any]] = call(f"{self.erp_url}/_sandbox/calls")
        return rows

    def erp_faults(self, *faults: dict[str, Any]) -> None:
        """Set the ERP twin's faults."""
        call(f"{self.erp_url}/_sandbox/faults", "PUT", list(faults))

    def store_faults(self, *faults: dict[str, Any]) -> None:
        """Set the store twin's faults."""
        call(f"{self.store_url}/_sandbox/faults", "PUT", list(faults))

    def erp_settings(self, **settings: Any) -> None:
        """Turn switches of the ERP's twin."""
        call(f"{self.erp_url}/_sandbox/settings", "PUT", settings)

    def store_settings(self, **settings: Any) -> None:
        """Turn switches of the store's twin."""
        call(f"{self.store_url}/_sandbox/settings", "PUT", settings)

    def erp_state(self) -> dict[str, Any]:
        """All records of the ERP."""
        state: dict[str, Any] = call(f"{self.erp_url}/_sandbox/state")
        return state

    def seats_taken(self) -> int:
        """Sessions that are open in the ERP."""
        return len(self.erp_state()["sessions"])

    def edit(self, entity: str, **fields: Any) -> None:
        """Edit a record in the ERP as a person would, through a session of its own."""
        with self._editor() as erp:
            erp.edit(entity, fields)

    def edit_as(self, password: str, entity: str, **fields: Any) -> None:
        """Edit a record in an ERP whose password was changed."""
        with self._editor(password=password) as erp:
            erp.edit(entity, fields)

    def add(self, entity: str, **fields: Any) -> dict[str, Any]:
        """Make a record in the ERP as a person would."""
        with self._editor() as erp:
            return erp.add(entity, fields)

    def change_id(self, customer_id: str, new: str) -> None:
        """Give a customer another number in the ERP."""
        with self._editor() as erp:
            erp.change_id(customer_id, new)

    def delete(self, entity: str, key: str) -> None:
        """Delete a record in the ERP."""
        with self._editor() as erp:
            erp.delete(entity, key)

    def contact_ids(self, customer_id: str) -> list[int]:
        """ContactIDs of a customer, ascending."""
        contacts = self.erp_state()["contacts"]
        return sorted(row["ContactID"] for row in contacts if row["BusinessAccount"] == customer_id)

    def references(self) -> dict[str, str]:
        """CustomerID -> Commerce Reference ID in the ERP, where there is one."""
        selection = Selection("Customer", ("CustomerID", "CommerceReferenceID"))
        key, reference = selection.getter("CustomerID"), selection.getter("CommerceReferenceID")
        with self._editor() as erp:
            rows = [row for page in erp.read_in_key_order(selection) for row in page.rows]
        return {str(key(row)).strip(): str(reference(row)) for row in rows if reference(row)}


def _by_key(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for company in state["companies"]:
        for extra in company.get("extraFields") or []:
            if extra["fieldName"] == KEY_FIELD and extra["fieldValue"]:
                assert extra["fieldValue"] not in found, "two companies carry one key"
                found[extra["fieldValue"]] = company
    return found


_COMPANY = ("companyName", "companyEmail", "companyPhone", "addressLine1", "addressLine2", "city", "state", "country")
_USER = ("email", "firstName", "lastName", "phoneNumber")
_ADDRESS = ("firstName", "lastName", "addressLine1", "addressLine2", "city", "stateName", "stateCode", "countryName")
_FLAGS = ("isBilling", "isShipping", "isDefaultBilling", "isDefaultShipping")


def store_book(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the store holds of each customer in words of the store, without ids and times.

    Absent text is ``""``; users are ordered by e-mail, addresses by external id, so
    that two stores that mean the same are equal, and a double stands out.
    """
    roles = {role["id"]: role["name"] for role in state["roles"]}
    methods = state["payments"]["companies"]
    book = {}
    for key, company in _by_key(state).items():
        company_id = company["companyId"]
        users = [
            {**_texts(user, _USER), "role": roles[user["companyRoleId"]]}
            for user in state["users"]
            if user["companyId"] == company_id
        ]
        addresses = [
            {
                **_texts(address, (*_ADDRESS, "countryCode", "zipCode", "phoneNumber", "label", "externalId")),
                **{name: address[name] for name in _FLAGS},
            }
            for address in state["addresses"]
            if address["companyId"] == company_id
        ]
        book[key] = {
            **_texts(company, (*_COMPANY, "zipCode")),
            "status": company["companyStatus"],
            "extraFields": {extra["fieldName"]: extra["fieldValue"] for extra in company["extraFields"]},
            "users": sorted(users, key=lambda user: user["email"]),
            "addresses": sorted(addresses, key=lambda address: address["externalId"]),
            "payments": sorted(row["code"] for row in methods.get(str(company_id), []) if row["isEnabled"]),
            "terms": state["payment_terms"].get(str(company_id)),
        }
    return book


def _texts(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    return {name: record.get(name) or "" for name in names}


class Attempts:
    """A run taken apart as Airflow does it: every step can be repeated with the next try number.

    Batches wait in memory between the steps as they wait in XCom.
    """

    def __init__(self, world: World, run_id: str, **params: Any) -> None:
        self.world = world
        self.request = RunRequest.model_validate(params)
        self._ledger = world.ledger()
        self._run = Run(world.connector, self._ledger, run_id)
        self._plans: list[tuple[str, str, BatchDescriptor]] = []
        self._extracted: list[BatchDescriptor] = []

    def plan(self, *, can_ask: bool = False) -> Attempts:
        """Extract, filter, transform and guard; ``self.summary`` is what guard made of it."""
        window = begin_run(self._run.as_task("extract"), self.request)
        batches = []
        with self.world.source() as erp, self.world.store() as store:
            for content, descriptor in extract_batches(self._run.as_task("extract"), erp, window):
                self._extracted.append(descriptor)
                decided = filter_batch(self._run.as_task("filter"), content, descriptor)
                planned = transform_batch(self._run.as_task("transform"), content, *decided, self.request, target=store)
                batches.append((content, *planned))
        self.planned = [described for _, _, described in batches]
        self._contents = {described.key: (content, changes) for content, changes, described in batches}
        return self.guard(can_ask=can_ask)

    def guard(self, *, can_ask: bool = False) -> Attempts:
        """Settle the plan, once more if need be."""
        run_ = self._run.as_task("guard")
        self.summary = settle_plan(run_, self.planned, self.request, can_ask=can_ask, remove_early=self._remove_early)
        self._plans = [(*self._contents[described.key], described) for described in self.summary.descriptors]
        return self

    def _remove_early(self, descriptors: Sequence[BatchDescriptor], most: int) -> EarlyRemovals:
        batches = [PlannedBatchContent(*self._contents[each.key], each) for each in descriptors]
        with self.world.source() as source, self.world.store() as store:
            return remove_early(self._run.as_task("guard"), batches, most, target=store, source=source)

    def at(self, task: str) -> Run:
        """The run as one of its tasks sees it."""
        return self._run.as_task(task)

    def load(self, try_number: int = 1) -> Attempts:
        """Load every batch once."""
        run_ = replace(self._run, task="load", try_number=try_number)
        for content, changes, described in self._plans:
            with self.world.source() as source, self.world.store() as store:
                load_batch(run_, content, changes, described, target=store, source=source)
        return self

    def copy_for(self, world: World) -> Attempts:
        """The same planned run, to be loaded through another world's clients."""
        other = Attempts.__new__(Attempts)
        other.__dict__.update(self.__dict__, world=world)
        return other

    def audit(self, failed: tuple[str, ...] = ()) -> AuditReport:
        """Balance the run."""
        return audit_run(self._run.as_task("audit"), extracted=self._extracted, failed_tasks=failed)

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()


@contextmanager
def attempts(world: World, run_id: str, **params: Any) -> Iterator[Attempts]:
    """A run taken apart; its ledger is closed at the end."""
    parts = Attempts(world, run_id, **params)
    try:
        yield parts
    finally:
        parts.close()
