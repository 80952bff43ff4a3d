"""What the kinds of DAGs share: one DAG per connector file, its schedule, and a placeholder for a wrong file."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, get_parsing_context
from airflow.sdk.exceptions import AirflowTimetableInvalid

from customer_sync.errors import ConfigError
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import connector_paths, load_connector
from customer_sync.settings.shared_systems import refusals
from customer_sync_airflow.tasks.sync import refuse_broken_connector

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Earlier intervals do not exist for Airflow, so backfills begin here; params reach further back."""


def timetable_of(connector: Connector, schedule: str, setting: str) -> CronDataIntervalTimetable | None:
    """A connector's schedule, in UTC, with data intervals (backfills need them); none while it is inactive.

    Args:
        connector: The connector.
        schedule: Five cron columns.
        setting: Their name in the connector file.

    Raises:
        ConfigError: It is not a cron expression.
    """
    timetable = CronDataIntervalTimetable(schedule, timezone="UTC")
    try:
        timetable.validate()
    except AirflowTimetableInvalid as error:
        raise ConfigError(
            f"Connector file {connector.id}.yaml is wrong. {setting}: {schedule!r} is not a cron expression; "
            "write five columns such as '*/15 * * * *'. See docs/connector-file.md.",
            setting=setting,
        ) from error
    return timetable if connector.active else None


def broken_dag(path: Path, problem: str, *, prefix: str, first_task: str, schedule: str, **arguments: Any) -> DAG:
    """Build the placeholder of a connector whose file is wrong: visible, paused, and its run says what to repair.

    It keeps a schedule, so that a connector that was running and breaks becomes a row of failed
    runs and not silence.

    Args:
        path: The connector file.
        problem: The sentence that names file, field and remedy.
        prefix: Prefix of the DAG's id; the connector's id follows.
        first_task: Id of the task that reports the problem.
        schedule: Five cron columns.
        **arguments: Further arguments of the DAG; ``tags`` among them.
    """
    with DAG(
        dag_id=f"{prefix}{_id_part(path)}",
        description=f"The connector file {path.name} is wrong",
        doc_md=f"**This connector cannot run.** {problem}",
        schedule=CronDataIntervalTimetable(schedule, timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=True,
        default_args={"owner": "integration"},
        **{**arguments, "tags": [*arguments.get("tags", ()), "broken"]},
    ) as dag:
        refuse_broken_connector.override(task_id=first_task)(problem)
    return dag


def dags_of_all_connectors(
    prefix: str, build: Callable[[Connector], DAG | None], placeholder: Callable[[Path, str], DAG | None]
) -> dict[str, DAG]:
    """Build a DAG for every connector file; a wrong file takes down no other.

    A task's process parses the file as well and needs its own DAG only, so none but that one is built there.

    Args:
        prefix: Prefix of the DAGs' ids; the connectors' ids follow.
        build: Wires a connector's tasks; ``None`` where it has no such DAG.
        placeholder: Makes the DAG of a file that is wrong, from its path and the sentence that says why.

    Raises:
        ConfigError: There is no folder of connector files.
    """
    asked_for = get_parsing_context().dag_id
    if asked_for is not None and not asked_for.startswith(prefix):
        return {}
    found: dict[Path, Connector | ConfigError] = {}
    for path in connector_paths():
        try:
            found[path] = load_connector(path)
        except ConfigError as error:
            found[path] = error
    refused = refusals(each for each in found.values() if isinstance(each, Connector))
    dags: dict[str, DAG] = {}
    for path, connector in found.items():
        if asked_for is not None and asked_for != f"{prefix}{_id_part(path)}":
            continue
        checked = connector if isinstance(connector, ConfigError) else refused.get(connector.id, connector)
        dag = _dag_of(path, checked, build, placeholder)
        if dag is not None:
            dags.setdefault(dag.dag_id, dag)
    return dags


def _id_part(path: Path) -> str:
    """A connector file's part of its DAGs' ids; of a right one it is the connector's id."""
    return re.sub(r"[^\w.-]", "_", path.stem, flags=re.ASCII)


def _dag_of(
    path: Path,
    connector: Connector | ConfigError,
    build: Callable[[Connector], DAG | None],
    placeholder: Callable[[Path, str], DAG | None],
) -> DAG | None:
    if isinstance(connector, ConfigError):
        return placeholder(path, connector.message)
    try:
        return build(connector)
    except ConfigError as error:
        return placeholder(path, error.message)
