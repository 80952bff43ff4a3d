"""What doctor saw of a connector when it last looked, and whether it is looking now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

import sqlalchemy as sa
from airflow.models.dagrun import DagRun

from customer_sync.doctor.report import by_group, summary_of
from customer_sync.ledger.story.examinations import LastLook
from customer_sync.model.check import Check
from customer_sync_airflow.dags.doctor import PREFIX

At = Literal["rest", "work", "fault"]


@dataclass(frozen=True)
class Look:
    """The part of the page that shows it.

    Attributes:
        groups: Heading -> the checks under it; empty where nobody has looked yet.
        summary: How many there are of each level.
        is_ok: Whether nothing stands in the way of a run.
        at_utc: When it was; ``None`` where nobody has looked yet.
        now: ``work`` while a look is being taken or waits to be, ``fault`` where the newest one could not be taken.
        since_utc: Since when.
        address: The newest run of the DAG, for its log.
    """

    groups: list[tuple[str, list[Check]]] = field(default_factory=list)
    summary: str = ""
    is_ok: bool = True
    at_utc: datetime | None = None
    now: At = "rest"
    since_utc: datetime | None = None
    address: str = ""


def look_of(connector_id: str, last: LastLook | None, session: Any) -> Look:
    """What there is to show of one connector.

    Args:
        connector_id: Which.
        last: What was seen last.
        session: Airflow's database, for the runs of the DAG.
    """
    dag_id = f"{PREFIX}{connector_id}"
    newest = session.scalars(
        sa.select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).limit(1)
    ).first()
    state = str(getattr(newest.state, "value", newest.state)) if newest is not None else ""
    now: At = "work" if state in {"queued", "running"} else "fault" if state == "failed" else "rest"
    checks = last.checks if last is not None else ()
    return Look(
        groups=by_group(checks),
        summary=summary_of(checks) if checks else "",
        is_ok=last is None or last.is_ok,
        at_utc=last.at_utc if last is not None else None,
        now=now,
        since_utc=(newest.start_date or newest.queued_at) if newest is not None else None,
        address=f"../dags/{quote(dag_id)}/runs/{quote(newest.run_id, safe='')}" if newest is not None else "",
    )
