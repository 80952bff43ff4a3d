"""Computes a what-if: a dry run by the draft and one by the present file, each on a copy of what the ledger knows.

Both are dry runs like any other, by the same steps, over the same customers, which are read once. So the figures are
those of the dry run that follows. Ledger and ERP are only read; the store is not even that unless somebody asks for it.
(docs/architecture.md#what-if)
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from customer_sync.errors import ConfigError, SyncError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.clock import utc_now
from customer_sync.ledger.storage.planning_copy import copy_for_planning
from customer_sync.machine import machine
from customer_sync.pipeline import preview
from customer_sync.planning.window import RunRequest
from customer_sync.run import Run, Sink, discard
from customer_sync.settings.connector import Connector
from customer_sync.settings.differing_settings import differing_settings
from customer_sync.sources.port import Source
from customer_sync.steps.store_places import FRESH_FOR
from customer_sync.targets.port import PlanningStore, Target
from customer_sync.what_if.answer import SHOWN, Answer
from customer_sync.what_if.changed_fields import changed_fields
from customer_sync.what_if.figures import Planned, difference_of, figures_of
from customer_sync.what_if.kept_store import KeptStore
from customer_sync.what_if.one_reading import OneReading

_FULL = RunRequest(mode="full", dry_run=True)


@dataclass(frozen=True)
class Draft:
    """A draft of a connector's file: what it says, and its name for people."""

    connector: Connector
    name: str


@dataclass(frozen=True)
class Systems:
    """How a what-if reaches what it reads.

    Attributes:
        ledger: The connector's ledger; only turns and seats are taken in it.
        source_of: Makes a session with a connector's source.
        target_of: Makes a connection to a connector's store; nothing is sent by that.
        with_store: Whether the store is asked for its countries and states, and who shops there.
    """

    ledger: Ledger
    source_of: Callable[[Connector], Source]
    target_of: Callable[[Connector], Target]
    with_store: bool = False


def what_if(
    systems: Systems,
    present: Connector | ConfigError,
    draft: Draft | None = None,
    *,
    shown: int = SHOWN,
    sink: Sink = discard,
) -> Answer:
    """Compute what a run in mode full would do.

    Args:
        systems: What is read.
        present: The present file, or what is wrong with it.
        draft: What is tried; ``None``: the present file itself.
        shown: So many customers are named of each kind.
        sink: Is told how far it is.

    Raises:
        ConfigError: A setting is wrong, or the ledger keeps nothing of the store that planning needs.
        SyncError: A dry run by the file would stop as well.
    """
    with TemporaryDirectory() as folder, ExitStack() as stack:
        trial = _Trial(systems, Path(folder), stack, sink)
        if draft is not None:
            return trial.compared(present, draft, shown)
        if isinstance(present, ConfigError):
            raise present
        with trial.reading(present) as reading:
            planned = trial.planned(present, reading)
        return trial.answer(planned, None, shown)


@dataclass
class _Trial:
    """The plans of one what-if, and what a reader must know of how they were made."""

    systems: Systems
    folder: Path
    stack: ExitStack
    sink: Sink
    notes: list[str] = field(default_factory=list)
    read_requests: int = 0
    read_until_s: float = 0.0

    def __post_init__(self) -> None:
        self._base = self.folder / "base.db"
        copy_for_planning(self.systems.ledger.engine, self.systems.ledger.connector_id, self._base)

    def compared(self, present: Connector | ConfigError, draft: Draft, shown: int) -> Answer:
        """The draft's plan beside the present file's."""
        tried = draft.connector
        if isinstance(present, ConfigError):
            self.notes.append(f"The present file cannot be used, so nothing is compared. {present.message}")
            now = None
        elif present.reading_fingerprint() == tried.reading_fingerprint():
            with self.reading(tried) as reading:
                now = self._beside(present, reading)
                return self.answer(self.planned(tried, reading), now, shown, present, draft)
        else:
            self.notes.append(
                "The draft reads the ERP in another way than the present file, so it was read once for each: what "
                "changed there in between is part of the difference."
            )
            with self.reading(present) as reading:
                now = self._beside(present, reading)
        with self.reading(tried) as reading:
            planned = self.planned(tried, reading)
        return self.answer(planned, now, shown, present, draft)

    @contextmanager
    def reading(self, connector: Connector) -> Iterator[OneReading]:
        """A session whose pages are kept."""
        with self.systems.source_of(connector) as source:
            reading = OneReading(source, self.folder / f"pages-{uuid.uuid4().hex}")
            yield reading
            self.read_requests += source.requests_used().total

    def planned(self, connector: Connector, reading: OneReading) -> Planned:
        """A dry run on a copy of its own, which is open as long as the trial."""
        path = self.folder / f"{uuid.uuid4().hex}.db"
        path.touch(mode=0o600)
        copyfile(self._base, path)
        ledger = self.stack.enter_context(Ledger.open(connector.id, f"sqlite:///{path}"))
        run = Run(connector, ledger, f"what_if__{uuid.uuid4().hex}", sink=self.sink, leaves_files=False)
        found = preview(run, reading, self._store(connector, ledger), _FULL)
        self.read_until_s = max(self.read_until_s, reading.read_until_s)
        return Planned(run, found, self.systems.with_store)

    def answer(
        self,
        planned: Planned,
        now: Planned | None,
        shown: int,
        present: Connector | ConfigError | None = None,
        draft: Draft | None = None,
    ) -> Answer:
        """Put what was found together."""
        connector = planned.run.connector
        fields = changed_fields(planned, now)
        return Answer(
            connector_id=connector.id,
            source=connector.source.label,
            store=connector.target.label,
            file=draft.name if draft else "",
            settings=differing_settings(present, connector) if isinstance(present, Connector) else (),
            plan=figures_of(planned),
            now=figures_of(now) if now else None,
            difference=difference_of(planned, now, shown) if now else None,
            fields=fields,
            read_requests=self.read_requests,
            seconds_after_reading=round(machine().monotonic_s() - self.read_until_s, 3),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _beside(self, present: Connector, reading: OneReading) -> Planned | None:
        """The present file's plan; that it cannot be made is no reason not to try the draft."""
        try:
            return self.planned(present, reading)
        except SyncError as error:
            self.notes.append(f"A run with the present file would stop, so nothing is compared. {error.message}")
            return None

    def _store(self, connector: Connector, ledger: Ledger) -> PlanningStore:
        target = self.stack.enter_context(self.systems.target_of(connector))
        if self.systems.with_store:
            return target
        places = ledger.places.load(connector.store_budget, target.identity)
        store = KeptStore(connector.id, connector.target.label, target.identity, places)
        oldest = store.oldest_utc
        if oldest is not None and utc_now() - oldest > FRESH_FOR:
            self.notes.append(
                f"{connector.target.label}'s countries and states are those of {oldest:%Y-%m-%d %H:%M} UTC or later; a "
                "run asks for them again, and what changed there since is not in the figures."
            )
        return store
