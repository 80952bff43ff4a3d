"""What is off now (pools, connections, paused DAGs, open writes, quarantine), and what doctor saw when it last looked.

The page itself asks neither system: a task does, which holds the secrets of the connections.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.connection import Connection
from airflow.models.dag import DagModel
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from customer_sync.doctor.pools import MAKE_POOLS
from customer_sync.errors import ConfigError
from customer_sync.ledger import Ledger
from customer_sync.ledger.storage.schema import journal, quarantine, run
from customer_sync.ledger.story.examinations import last_looks
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import find_connector
from customer_sync_airflow.compat import lacking
from customer_sync_airflow.first_steps import connection_command
from customer_sync_airflow.pages.last_look import Look, look_of
from customer_sync_airflow.pages.ledger_source import ledger_engine
from customer_sync_airflow.pages.obstacles import dag_obstacles, missing_pools, pools_missing
from customer_sync_airflow.pages.rendering import age_of, page
from customer_sync_airflow.pages.rights import DAG_PREFIX, CurrentViewer

router = APIRouter()

_INTENT_IS_OLD = timedelta(hours=1)
_LEAST_STALE = timedelta(hours=1)
_MISSED_INTERVALS = 3


@dataclass(frozen=True)
class Sign:
    """One fact about a connector: ``bad`` stops the sync, ``warning`` asks for a look, ``info`` is good to know."""

    level: Literal["bad", "warning", "info", "good"]
    what: str
    remedy: str = ""
    view: str = ""


@router.get("/health")
def show_health(viewer: CurrentViewer, session: SessionDep) -> HTMLResponse:
    """The panel, as a page of its own."""
    looks = last_looks(ledger_engine(), viewer.connectors)
    panels = {
        name: Panel(
            signs,
            look_of(name, looks.get(name), session),
            may_act=viewer.may_act(name),
            pools=_pools_missing(name, session),
        )
        for name, signs in health_of(viewer.connectors, session).items()
    }
    makes_pools = any(panel.pools and panel.may_act for panel in panels.values()) and viewer.may_make_pools()
    is_at_work = any(panel.look.now == "work" for panel in panels.values())
    return page(
        "health.html.j2",
        nav="health",
        viewer=viewer,
        panels=panels,
        makes_pools=makes_pools,
        is_at_work=is_at_work,
        lacking=lacking(),
        make_pools=MAKE_POOLS,
    )


@dataclass(frozen=True)
class Panel:
    """One connector on the page.

    Attributes:
        signs: What is off now.
        look: What doctor saw.
        may_act: Whether the person may have it look.
        pools: Names of pools that are missing.
    """

    signs: list[Sign]
    look: Look
    may_act: bool
    pools: list[str]


def _pools_missing(connector_id: str, session: Any) -> list[str]:
    try:
        return pools_missing(find_connector(connector_id), session)
    except ConfigError:
        return []


def health_of(connectors: frozenset[str], session: Any) -> dict[str, list[Sign]]:
    """Signs of each connector, the worst first."""
    engine = ledger_engine()
    order = {"bad": 0, "warning": 1, "info": 2, "good": 3}
    return {
        name: sorted(_signs(name, engine, session), key=lambda sign: order[sign.level]) for name in sorted(connectors)
    }


def worst(health: dict[str, list[Sign]]) -> tuple[str, int]:
    """The worst level of all, and how many signs ask for a look."""
    levels = [sign.level for signs in health.values() for sign in signs]
    count = sum(level in ("bad", "warning") for level in levels)
    return ("bad" if "bad" in levels else "warning" if count else "good"), count


def _signs(connector_id: str, engine: sa.Engine, session: Any) -> list[Sign]:
    signs: list[Sign] = []
    try:
        connector = find_connector(connector_id)
    except ConfigError as error:
        signs.append(Sign("bad", "The connector file is wrong or gone.", error.message))
    else:
        signs += [Sign("bad", each.what, each.remedy) for each in missing_pools(connector, session)]
        signs += _connections(connector)
    signs += _dag(connector_id, engine, session) + _ledger(connector_id, engine)
    last = Ledger(engine, connector_id).examinations.last()
    if last is not None and not last.is_ok:
        bad = sum(check.ok is False for check in last.checks)
        what = f"The last look found {bad} {'thing' if bad == 1 else 'things'} in the way of a run."
        signs.append(Sign("bad", what, "Health says what to do about each."))
    return signs


def _connections(connector: Connector) -> list[Sign]:
    signs = []
    for name, kind in (
        (connector.source_connection_id, connector.source.kind),
        (connector.target_connection_id, connector.target.kind),
    ):
        try:
            Connection.get_connection_from_secrets(name)
        except Exception:  # noqa: BLE001 - a secrets backend may raise anything; each means that tasks get no connection
            remedy = f"Create it under Admin > Connections, or by the command: {connection_command(name, kind)}"
            signs.append(Sign("bad", f"The connection {name} cannot be read.", remedy))
    return signs


def _dag(connector_id: str, engine: sa.Engine, session: Any) -> list[Sign]:
    found = dag_obstacles(connector_id, session)
    signs = [Sign("warning" if each.is_paused else "bad", each.what, each.remedy) for each in found]
    dag = session.get(DagModel, f"{DAG_PREFIX}{connector_id}")
    if any(not each.is_paused for each in found):
        return signs
    good = sa.select(sa.func.max(run.c.ended_at_utc)).where(
        run.c.connector_id == connector_id, run.c.state == "success", run.c.dry_run.is_(False)
    )
    with engine.connect() as connection:
        last = connection.execute(good).scalar_one()
    if last is None:
        return [*signs, Sign("warning", "No run has succeeded yet.", "Trigger the DAG with mode full.")]
    age = datetime.now(UTC) - last.replace(tzinfo=last.tzinfo or UTC)
    seen = f"The last good run ended {age_of(last)} ago."
    if not dag.is_paused and (limit := _stale_after(dag)) is not None and age > limit:
        signs.append(Sign("warning", seen, "Look at the failed runs; the watermark does not move until one succeeds."))
    else:
        signs.append(Sign("good", seen))
    return signs


def _stale_after(dag: Any) -> timedelta | None:
    start, end = dag.next_dagrun_data_interval_start, dag.next_dagrun_data_interval_end
    if start is None or end is None:
        return None
    interval: timedelta = end - start
    return max(_MISSED_INTERVALS * interval, _LEAST_STALE)


def _ledger(connector_id: str, engine: sa.Engine) -> list[Sign]:
    ledger = Ledger(engine, connector_id)
    signs: list[Sign] = []
    is_open = sa.and_(journal.c.connector_id == connector_id, journal.c.state == "open")
    with engine.connect() as connection:
        count, oldest = connection.execute(
            sa.select(
                sa.func.coalesce(sa.func.sum(journal.c.part_count), 0), sa.func.min(journal.c.opened_at_utc)
            ).where(is_open)
        ).one()
        held = connection.execute(
            sa.select(sa.func.count(sa.distinct(quarantine.c.customer_id))).where(
                quarantine.c.connector_id == connector_id
            )
        ).scalar_one()
    if count:
        is_old = datetime.now(UTC) - oldest > _INTENT_IS_OLD
        what = f"{count} writes have no answer yet, the oldest for {age_of(oldest)}."
        signs.append(Sign("warning" if is_old else "info", what, "The next run reads them back before it writes."))
    if held:
        what = f"{held} {'customer is' if held == 1 else 'customers are'} in quarantine."
        signs.append(Sign("info", what, "Each row names field and remedy.", "attention"))
    waiting = ledger.runs.unfinished()
    if waiting:
        oldest_since = min(waiting.values())
        what = f"{len(waiting)} customers failed and are read again, the oldest for {age_of(oldest_since)}."
        signs.append(Sign("warning", what, "The next incremental run takes them up.", "attention"))
    signs += _push(ledger)
    aside = ledger.set_aside.count()
    if aside:
        signs.append(Sign("info", f"{aside} customers are set aside by hand.", "Their pages say by whom.", "set_aside"))
    return signs


def _push(ledger: Ledger) -> list[Sign]:
    """Facts about push notifications, where any ever came."""
    push = ledger.push.health()
    if not push.received:
        return []
    seen = f"{push.received} push notifications came, the last {age_of(push.last_received_at_utc)} ago."
    signs = [Sign("info", seen)]
    if push.missed:
        what = f"{push.missed} of {push.found} changes of the last week came without a push notification."
        signs.append(Sign("info", what, "Scheduled runs found them; check the ERP's push definition if they are many."))
    return signs
