"""Step one: ask the ERP for what changed in the window, and read these customers whole. (task: extract)

Customers, contacts and locations are three change streams; the ids that they name
are united and the full customers read (docs/api/acumatica.md#change-tracking). Each batch is
handed on as it is read, so memory does not grow with the number of customers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain

import msgspec

from customer_sync.errors import PlanRefused
from customer_sync.ledger import CustomerOutcome
from customer_sync.ledger.coordination.watermarks import MAPPING
from customer_sync.ledger.state.links import parked_number
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.machine import machine
from customer_sync.model.batch import Batch, BatchDescriptor, batch_label, pack_customers
from customer_sync.model.company import CompanyStatus
from customer_sync.model.customer import Customer
from customer_sync.model.operation import Action
from customer_sync.model.outcome import REMEDIES, Finding, LogEntry, Outcome, Reason
from customer_sync.planning.window import RunRequest, Window, is_full_due, resolve_window
from customer_sync.reporting.log_entry import closing_entry
from customer_sync.reporting.request_count import counting_requests
from customer_sync.run import Run
from customer_sync.sources.port import CustomerPage, Known, Source
from customer_sync.sources.read_ahead import read_ahead
from customer_sync.steps.as_before import AsBeforeCustomers
from customer_sync.steps.contract_gate import check_contract
from customer_sync.steps.stamps import bounded_stamps, marks_of, safe_stamps, trusted
from customer_sync.steps.unseen_links import UnseenLinks

FEWEST_OF_A_COPY = 5
"""Fewer customers than these may have been deleted and made anew under their numbers between two runs."""

MOST_WAITING = 500
"""So many customers that wait for somebody else's e-mail are looked at by one run."""

SAME_SIZE_BATCHES = 2
"""After so many batches the next ones are twice as large, up to the connector's ``batch.largest``."""


def begin_run(
    run: Run,
    request: RunRequest,
    *,
    is_backfill: bool = False,
    is_scheduled: bool = False,
    data_interval: tuple[datetime, datetime] | None = None,
) -> Window:
    """Decide what the run reads and insert the run row.

    Args:
        run: The run.
        request: Its params.
        is_backfill: Whether Airflow runs it for a past interval.
        is_scheduled: Whether nobody asked for it but the schedule: it becomes full once per tick of ``full_schedule``.
        data_interval: That interval, half-open.

    Returns:
        The window.
    """
    marks = run.ledger.watermarks.load()
    known = marks.get(MAPPING)
    window = resolve_window(
        request,
        streams=run.connector.source.streams,
        watermarks=marks,
        overlap_minutes=run.connector.window_overlap_minutes,
        is_backfill=is_backfill,
        data_interval=data_interval,
        mapping_changed=known is not None and known != run.mapping_fingerprint(),
        full_is_due=is_scheduled and not is_backfill and _full_is_due(run),
    )
    with run.ledger.write() as connection:
        run.ledger.runs.begin(
            connection,
            run.run_id,
            mode=window.mode,
            dry_run=request.dry_run,
            moves_watermark=window.moves_watermark,
            window={
                "why": window.why,
                "since": window.since,
                "until": window.until,
                "interval": list(window.interval or ()),
                "resume_after": window.resume_after,
                "mapping": run.mapping_fingerprint(),
            },
            stamps=None,
            resume_after="",
            plan_hash="",
        )
    return window


def _full_is_due(run: Run) -> bool:
    return is_full_due(run.connector.full_schedule, run.ledger.runs.last_good_start(mode="full"), utc_now())


def extract_batches(run: Run, source: Source, window: Window) -> Iterator[tuple[str, BatchDescriptor]]:
    """Read the window's customers in batches.

    Args:
        run: The run, begun with :func:`begin_run`.
        source: The source; its session lasts as long as the iteration.
        window: What to read.

    Yields:
        The batch's content for XCom and its descriptor; nothing when nothing changed.

    Raises:
        ContractError: An answer does not fit, so that nothing may be concluded from it.
        ConfigError: A field that the connector file reads is no longer in the source.
    """
    started_s = machine().monotonic_s()
    with counting_requests(run, source=source):
        ids: list[str] = []
        stamps: dict[str, datetime] = {}
        if window.mode != "full":
            ids, stamps = _changed_ids(run, source, window)
            window = trusted(run, source, window)
        extraction = _Extraction(run, window)
        if window.mode == "full":
            check_contract(run, source)
            extraction.unseen = UnseenLinks(run.ledger.links)
            yield from extraction.cut(read_ahead(source.customers_after(window.resume_after, extraction.known)))
            stamps = {**marks_of(run), **extraction.stamps}
            yield from extraction.gone(source, extraction.not_shown())
            yield from extraction.lost_creations(source)
        else:
            if ids:
                check_contract(run, source)
            # Those that had to wait come first, or the overlap's would keep them waiting for ever.
            unfinished = run.ledger.runs.unfinished()
            waiting = [key for key in ids if key in unfinished]
            others = sorted(set(ids) - set(waiting))
            pages = (source.customers_of(keys, extraction.known) for keys in (waiting, others))
            yield from extraction.cut(read_ahead(chain.from_iterable(pages)))
            yield from extraction.gone(source, extraction.absent(ids))
            extraction.report_absent(ids)
        yield from extraction.former_records(source)
        stamps = bounded_stamps(stamps, source.now_utc())
    took = timedelta(seconds=machine().monotonic_s() - started_s)
    stamps = safe_stamps(stamps, took, run.connector.window_overlap_minutes)
    with run.ledger.write() as connection:
        if extraction.moved:
            # Filter and transform see one batch each; whose a contact is now may have come with another.
            described = (run.ledger.runs.get(run.run_id) or {}).get("window") or {}
            run.ledger.runs.update(connection, run.run_id, window={**described, "moved": extraction.moved})
        run.ledger.runs.update(
            connection,
            run.run_id,
            stamps={name: stamp.isoformat() for name, stamp in stamps.items()},
            resume_after=extraction.resume_after,
        )


class _Extraction:
    """Cuts a stream of pages into batches and books every customer."""

    def __init__(self, run: Run, window: Window) -> None:
        self._run = run
        self._window = window
        self._number = 0
        self._as_before = AsBeforeCustomers(run)
        self._shows_somebody = False
        self._seen: set[str] = set()
        self._last_id = ""
        self._linked = 0
        self._displaced: dict[str, str] = {}
        self._former_holders: set[str] = set()
        self._rows: dict[str, str] = {}
        self.unseen: UnseenLinks | None = None
        self.moved: dict[str, str] = {}
        self.resume_after = ""
        self.stamps: dict[str, datetime] = {}

    @property
    def known(self) -> Known:
        """What a source asks of the customers that it reads."""
        return self._as_before

    def cut(self, pages: Iterator[CustomerPage]) -> Iterator[tuple[str, BatchDescriptor]]:
        yield from self._cut(pages)
        self._as_before.finish()

    def _cut(self, pages: Iterator[CustomerPage]) -> Iterator[tuple[str, BatchDescriptor]]:
        customers: list[Customer] = []
        unreadable: dict[str, str] = {}
        for page in pages:
            for stream, stamp in page.stamps.items():
                self.stamps[stream] = max(stamp, self.stamps.get(stream, stamp))
            self._as_before.close(page.as_before)
            self._note_shown(page.as_before)
            customers.extend(page.customers)
            self._rows |= page.rows
            unreadable.update(page.unreadable)
            while len(customers) >= self._size():
                size = self._size()
                yield self._batch(customers[:size], unreadable)
                customers, unreadable = customers[size:], {}
                if self._number >= self._run.connector.batch.count:
                    self._stop_here(customers, pages)
                    return
        if customers or unreadable:
            yield self._batch(customers, unreadable)

    def _size(self) -> int:
        rules = self._run.connector.batch
        return int(min(rules.largest, rules.size * 2 ** (self._number // SAME_SIZE_BATCHES)))

    def _batch(self, customers: list[Customer], unreadable: dict[str, str]) -> tuple[str, BatchDescriptor]:
        ids = [customer.customer_id for customer in customers]
        self._note_displaced(customers)
        self._note_moved(customers)
        label = batch_label([*ids, *unreadable])
        rows = {key: row for key in ids if (row := self._rows.pop(key, None)) is not None}
        batch = Batch(key=f"batch_{self._number:03d}", label=label, items=tuple(customers), rows=rows)
        self._number += 1
        self._last_id = ids[-1] if ids else self._last_id
        words = self._run.words
        entries = [
            closing_entry(key, "", Outcome.QUARANTINED, [Reason.RECORD_UNREADABLE], words=words, message=detail)
            for key, detail in unreadable.items()
        ]
        outcomes = [CustomerOutcome(key, Outcome.QUARANTINED, (str(Reason.RECORD_UNREADABLE),)) for key in unreadable]
        findings = [
            (key, Finding(reason=Reason.RECORD_UNREADABLE, detail=detail)) for key, detail in unreadable.items()
        ]
        with self._run.ledger.write() as connection:
            self._run.ledger.runs.add_customers(connection, self._run.run_id, batch.key, [*ids, *unreadable])
            self._run.ledger.quarantine.replace(connection, self._run.run_id, list(unreadable), findings)
            self._run.record(connection, entries, outcomes)
        self._note_shown((*ids, *unreadable))
        self._run.sink(f"{batch.key}: {label}", entries)
        content, descriptor = pack_customers(batch)
        return content, msgspec.structs.replace(descriptor, count=len(ids) + len(unreadable))

    def _note_shown(self, customer_ids: Sequence[str]) -> None:
        """Remember whom the source showed."""
        self._shows_somebody |= bool(customer_ids)
        if self.unseen is not None:
            self.unseen.note(customer_ids)
        elif self._window.mode != "full":
            self._seen.update(key.casefold() for key in customer_ids)

    def _note_displaced(self, customers: Sequence[Customer]) -> None:
        """Remember whose numbers came with other records than those that are linked under them."""
        records = {customer.customer_id: customer.record_id for customer in customers if customer.record_id}
        linked = {key: record for key, record in self._run.ledger.links.records_at(records).items() if record}
        self._linked += len(linked)
        self._displaced |= {record: key for key, record in linked.items() if record != records[key]}

    def _note_moved(self, customers: Sequence[Customer]) -> None:
        """Remember whose contacts are now those of whom other customers' companies have users.

        A company is its record's: links bear the numbers of before until they follow, and numbers go round.
        """
        owners = {contact.contact_id: each for each in customers for contact in each.contacts}
        held = self._run.ledger.links.holders_of_contacts(owners)
        records = self._run.ledger.links.records_at(holder for _, holder in held)
        moved = {contact: holder for contact, holder in held if not _is_of(owners[contact], holder, records)}
        self.moved |= {contact: owners[contact].customer_id for contact in moved}
        self._former_holders.update(moved.values())

    def former_records(self, source: Source) -> Iterator[tuple[str, BatchDescriptor]]:
        """Read the records whose linked numbers, or whose users' contacts, are others' now, in this same run.

        Their companies follow them, and give those people up, also where nothing else says that they changed.

        Raises:
            PlanRefused: Most linked numbers came with new records, and the former ones are gone.
        """
        holders = self._holders_not_shown()
        sought = self._displaced.keys() | holders
        if not sought:
            return
        found: list[Customer] = []
        is_certain = True
        for page in source.customers_of_records(sorted(sought)):
            found.extend(page.customers)
            is_certain = is_certain and not page.unreadable
        lost = sought - {customer.record_id for customer in found}
        displaced, linked = len(lost & self._displaced.keys()), self._linked + self._as_before.linked
        if self._window.mode != "selected" and is_tenant_copied(displaced, linked):
            raise PlanRefused(
                f"tenant_copied: {displaced} of {linked} customers that have a company came with new record ids, "
                "and their former records are gone: the ERP looks like a copy of the tenant that was synced before. "
                "Nothing was written. If the tenant is the right one, give an empty ledger, as for a lost one, and "
                "reconcile with mode adopt; customers that were really made anew can be synced with mode 'selected'."
            )
        gone = lost if self._is_whole else lost & holders
        yield from self._beside([*self._not_extracted(found), *(self._gone_of(gone) if is_certain else ())])

    def _not_extracted(self, found: Sequence[Customer]) -> list[Customer]:
        known = self._run.ledger.runs.extracted(self._run.run_id, [customer.customer_id for customer in found])
        return [customer for customer in found if customer.customer_id not in known]

    def _holders_not_shown(self) -> set[str]:
        """The records of customers whose users' contacts are others' now, and who were not read themselves."""
        if not self._former_holders:
            return set()
        read = self._run.ledger.runs.extracted(self._run.run_id, self._former_holders)
        records = self._run.ledger.links.records_at(self._former_holders)
        return {record for key, record in records.items() if record and (key not in read or record in self._displaced)}

    def _gone_of(self, lost: Iterable[str]) -> list[Customer]:
        """Those of some lost records whose company has something to lose; whose number is another's now is parked."""
        parked = {parked_number(record): record for record in lost}
        # Filter parks a link when it sees whose its number is now, which may be before or after this.
        under = self._run.ledger.links.renamed(parked)
        linked = {under.get(number, number): number for number in parked}
        numbers = {key: linked[key] for key in self._with_something_to_lose(linked)}
        return [
            Customer(
                customer_id=number if parked[number] in self._displaced else key,
                record_id=parked[number],
                is_gone=True,
            )
            for key, number in numbers.items()
        ]

    def _with_something_to_lose(self, customer_ids: Iterable[str]) -> list[str]:
        ended = CompanyStatus.INACTIVE if self._run.connector.policy.customer == "deactivate" else None
        ledger = self._run.ledger
        links = ledger.links.load_hashes(customer_ids)
        # What was sent for them and not answered may keep something from others, and nobody else reads it back.
        unsure = ledger.intents.unanswered_by(ledger.links.records_at(links))
        return [key for key, link in links.items() if link.status != ended or key in unsure]

    def _beside(self, customers: Sequence[Customer]) -> Iterator[tuple[str, BatchDescriptor]]:
        """Batches of customers whose numbers do not say how far the source was read."""
        last_id = self._last_id
        while customers:
            size = self._size()
            yield self._batch(list(customers[:size]), {})
            customers = customers[size:]
        self._last_id = last_id

    @property
    def _is_whole(self) -> bool:
        """Whether this run, or the chain of runs that it ends, has read all that there is."""
        return self._window.mode == "full" and not self.resume_after

    def _stop_here(self, left: list[Customer], pages: Iterator[CustomerPage]) -> None:
        """The run has as many batches as it may: a full read goes on in the next run, single ids are remembered."""
        if not left and next(pages, None) is None:
            return
        if self._window.mode == "full":
            # Not the greatest id that was recorded: an unreadable customer may lie further on, and the ERP's order
            # of keys need not be ours.
            self.resume_after = self._last_id
        else:
            self._run.sink(f"{self._number} batches are as many as one run takes; the next run goes on", [])

    def not_shown(self) -> Iterator[list[str]]:
        """Customers with a company that no run of this complete read has shown, in parts; none while it goes on.

        A source that shows nobody at all is for guard to judge.
        """
        if not self._is_whole or not self._shows_somebody or self.unseen is None:
            return
        earlier = self._run.ledger.runs.parts_of_long_read(self._run.run_id) if self._window.resume_after else []
        for part in self.unseen.left():
            shown = {key for run_id in earlier for key in self._run.ledger.runs.extracted(run_id, part)}
            yield [key for key in part if key not in shown]

    def absent(self, ids: Iterable[str]) -> Iterator[list[str]]:
        """Customers that a person asked for by name and the source did not show."""
        if self._window.mode == "selected":
            yield [key for key in ids if key.casefold() not in self._seen]

    def gone(self, source: Source, candidates: Iterable[list[str]]) -> Iterator[tuple[str, BatchDescriptor]]:
        """Those of them whose company has something to lose, and whose record the source does not have either."""
        links = self._run.ledger.links
        for part in candidates:
            open_ones = self._with_something_to_lose(part)
            records = {record: key for key, record in links.records_at(open_ones).items() if record}
            there: list[Customer] = []
            for page in source.customers_of_records(sorted(records)) if records else ():
                for customer in page.customers:
                    records.pop(customer.record_id, None)
                there.extend(page.customers)
                if page.unreadable:
                    # Whose record it is that cannot be read is not known, so nobody of this part is certainly gone.
                    records.clear()
            if self._window.mode == "full":
                # The source may leave out those whom it need not show: what has become of them counts all the same.
                yield from self._beside(self._not_extracted(there))
            yield from self._beside(
                [Customer(customer_id=key, record_id=record, is_gone=True) for record, key in records.items()]
            )

    def lost_creations(self, source: Source) -> Iterator[tuple[str, BatchDescriptor]]:
        """Records whose company was sent without an answer, and that the source does not have any more.

        Load asks the store what became of it: a company that was made is withdrawn.
        """
        if not self._is_whole:
            return
        ledger = self._run.ledger
        open_ones = [each for each in ledger.intents.unanswered() if each.record_id]
        sent = {each.record_id: each.customer_id for each in open_ones if each.action == Action.CREATE_COMPANY}
        sent = {record: key for record, key in sent.items() if ledger.links.of_record(record) is None}
        for page in source.customers_of_records(sorted(sent)) if sent else ():
            for customer in page.customers:
                sent.pop(customer.record_id, None)
            if page.unreadable:
                return
        taken = ledger.runs.extracted(self._run.run_id, sent.values())
        numbers = {record: parked_number(record) if key in taken else key for record, key in sent.items()}
        yield from self._beside(
            [Customer(customer_id=key, record_id=record, is_gone=True) for record, key in numbers.items()]
        )

    def report_absent(self, ids: Iterable[str]) -> None:
        """Say which asked-for customers the ERP did not show; remember those that did not fit into this run."""
        absent = [key for key in ids if key.casefold() not in self._seen]
        if not absent:
            return
        is_full = self._number >= self._run.connector.batch.count
        with self._run.ledger.write() as connection:
            if is_full:
                self._run.ledger.runs.postpone(connection, absent)
                return
            self._run.ledger.runs.forget_unfinished(connection, absent)
            if self._window.mode != "selected":
                return
            entries = [_absent_entry(key) for key in absent]
            self._run.record(connection, entries)
        self._run.sink(f"{len(entries)} customers are not in the ERP", entries)


def _is_of(customer: Customer, holder: str, records: Mapping[str, str]) -> bool:
    """Whether a link under some number is a customer's."""
    record_id = records.get(holder)
    return record_id == customer.record_id if record_id and customer.record_id else holder == customer.customer_id


def is_tenant_copied(lost: int, linked: int) -> bool:
    """Whether so many lost records among the linked numbers of one run mean another tenant, not customers made anew."""
    return lost >= FEWEST_OF_A_COPY and lost * 2 > linked


def _absent_entry(customer_id: str) -> LogEntry:
    return LogEntry(
        customer_id=customer_id,
        level="warning",
        reasons=(str(Reason.NOT_IN_ERP),),
        message="asked for, not found",
        next_step=REMEDIES[Reason.NOT_IN_ERP],
    )


def _changed_ids(run: Run, source: Source, window: Window) -> tuple[list[str], dict[str, datetime]]:
    """Ids of the customers that a window names, in key order, and the largest stamp seen per stream."""
    ids: set[str] = set(window.customer_ids)
    stamps: dict[str, datetime] = {}
    if window.mode == "incremental":
        for change in source.changes(window.since, window.until):
            ids.update(change.owners)
            if change.latest_utc is not None:
                stamps[change.stream] = change.latest_utc
            if change.entity == "contact":
                # A contact that moved shows its new customer only; the old one must lose the user.
                ids.update(holder for _, holder in run.ledger.links.holders_of_contacts(change.records))
        ids.update(run.ledger.runs.unfinished())
        ids.update(run.ledger.emails.freed())
        ids.update(run.ledger.quarantine.waiting_customers(MOST_WAITING))
        ids.update(intent.customer_id for intent in run.ledger.intents.unanswered())
        if window.interval:
            ids.update(run.ledger.runs.of_interval(window.interval))
    if window.retry_quarantined:
        ids.update(run.ledger.quarantine.customer_ids())
    ids.discard("")
    return sorted(ids), stamps
