"""What the kinds of DAGs share: one DAG per connector file, its schedule, and a placeholder for a wrong file."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from airflow.sdk import DAG, CronDataIntervalTimetable, get_parsing_context
from airflow.sdk.definitions.template import literal
from airflow.sdk.exceptions import AirflowTimetableInvalid

# What Airflow itself reads schedules with; it brings no types.
from croniter import CroniterBadDateError, croniter  # type: ignore[import-untyped]

from customer_sync.errors import ConfigError
from customer_sync.one_line import one_line
from customer_sync.settings.connector import Connector
from customer_sync.settings.connector_file import connector_paths, load_connector
from customer_sync.settings.shared_systems import refusals
from customer_sync_airflow.first_steps import before_the_first_run
from customer_sync_airflow.tasks.sync import refuse_broken_connector

log = logging.getLogger(__name__)

_ID_CHARS = 200
"""Airflow takes 250 characters for a DAG's id."""

_SHOWN_CHARS = 200

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Earlier intervals do not exist for Airflow, so backfills begin here; params reach further back."""


one_run_at_a_time = partial(DAG, start_date=START, catchup=False, max_active_runs=1)
"""Makes a DAG whose runs wait for each other, and make up for nothing."""


def connector_dag(
    connector: Connector, dag_id: str, doc: str, *, schedule: str, setting: str, tags: Sequence[str], **arguments: Any
) -> DAG:
    """Make the DAG of one connector, for its tasks to be wired in.

    Args:
        connector: The connector.
        dag_id: Its id.
        doc: What people read of it.
        schedule: Five cron columns.
        setting: Their name in the connector file.
        tags: Of all DAGs of this kind.
        **arguments: Further arguments of the DAG.

    Raises:
        ConfigError: The schedule is none.
    """
    return one_run_at_a_time(
        dag_id=dag_id,
        doc_md=f"{doc}{before_the_first_run(connector)}\nConnector file: `{connector.id}.yaml`",
        schedule=timetable_of(connector, schedule, setting),
        default_args={"owner": connector.owner, "execution_timeout": task_timeout_of(connector)},
        tags=[*tags, connector.id, *([] if connector.active else ["inactive"])],
        **arguments,
    )


def timetable_of(connector: Connector, schedule: str, setting: str) -> CronDataIntervalTimetable | None:
    """A connector's schedule, in UTC, with data intervals (backfills need them); none while it is inactive.

    Raises:
        ConfigError: It is not a cron expression, or no day ever fits it.
    """
    timetable = CronDataIntervalTimetable(schedule, timezone="UTC")
    try:
        timetable.validate()
        croniter(schedule, START).get_next()
    except AirflowTimetableInvalid as error:
        raise _wrong_schedule(connector, setting, f"{schedule!r} is not a cron expression") from error
    except CroniterBadDateError as error:
        # Left alone, it would fail in the scheduler, beside the DAGs of all others.
        raise _wrong_schedule(connector, setting, f"there is no day that fits {schedule!r}") from error
    return timetable if connector.active else None


def _wrong_schedule(connector: Connector, setting: str, problem: str) -> ConfigError:
    return ConfigError(
        f"Connector file {connector.id}.yaml is wrong. {setting}: {problem}; write five columns such as "
        "'*/15 * * * *'. See docs/connector-file.md.",
        setting=setting,
    )


def task_timeout_of(connector: Connector) -> timedelta:
    """The longest that one try of a task may take; what goes on for longer hangs."""
    return timedelta(minutes=connector.task_timeout_minutes)


class Placeholder(NamedTuple):
    """What takes the place of a DAG whose connector file is wrong: visible, paused, and its run says what to repair.

    It keeps a schedule, so that a connector that was running and breaks becomes a row of failed
    runs and not silence.

    Attributes:
        first_task: Id of the task that reports the problem.
        schedule: Five cron columns.
        tags: Of all DAGs of this kind.
        arguments: Further arguments of the DAG, by the connector's id.
    """

    first_task: str
    schedule: str
    tags: Sequence[str]
    arguments: Callable[[str], Mapping[str, Any]] = lambda _connector_id: {}

    def dag(self, prefix: str, path: Path, problem: str) -> DAG:
        """Build it.

        Args:
            prefix: Prefix of the DAG's id; the connector's id follows.
            path: The connector file.
            problem: The sentence that names file, field and remedy.
        """
        with one_run_at_a_time(
            dag_id=f"{prefix}{_id_part(path)}",
            description=one_line(f"The connector file {path.name} is wrong"),
            doc_md=f"**This connector cannot run.** {one_line(problem)}",
            schedule=CronDataIntervalTimetable(self.schedule, timezone="UTC"),
            is_paused_upon_creation=True,
            default_args={"owner": "integration", "execution_timeout": timedelta(minutes=10)},
            tags=[*self.tags, "broken"],
            **self.arguments(path.stem),
        ) as dag:
            # The sentence quotes the file. As a template its braces would be filled in, with secrets if they ask for
            # some.
            refuse_broken_connector.override(task_id=self.first_task)(
                literal(one_line(problem))  # type: ignore[arg-type]  # Airflow hands over the text inside
            )
        return dag


def dags_of_all_connectors(
    prefix: str, build: Callable[[Connector], DAG | None], placeholder: Placeholder | None = None
) -> dict[str, DAG]:
    """Build a DAG for every connector file; a wrong file takes down no other.

    A task's process parses the file as well and needs its own DAG only, so none but that one is built there.

    Args:
        prefix: Prefix of the DAGs' ids; the connectors' ids follow.
        build: Wires a connector's tasks; ``None`` where it has no such DAG.
        placeholder: Takes the place of the DAG of a file that is wrong; by default nothing does.

    Raises:
        ConfigError: There is no folder of connector files.
    """
    asked_for = get_parsing_context().dag_id
    if asked_for is not None and not asked_for.startswith(prefix):
        return {}
    found = {path: _connector_of(path) for path in connector_paths()}
    refused = refusals(each for each in found.values() if isinstance(each, Connector))
    dags: dict[str, DAG] = {}
    for path, connector in found.items():
        if asked_for is not None and asked_for != f"{prefix}{_id_part(path)}":
            continue
        checked = refused.get(path.stem, connector)
        dag = _built(path, checked, build) if isinstance(checked, Connector) else checked
        if isinstance(dag, ConfigError):
            dag = placeholder and placeholder.dag(prefix, path, dag.message)
        if dag is not None:
            dags.setdefault(dag.dag_id, dag)
    return dags


def _id_part(path: Path) -> str:
    """A connector file's part of its DAGs' ids; of a right one it is the connector's id."""
    return re.sub(r"[^\w.-]", "_", path.stem, flags=re.ASCII)[:_ID_CHARS]


def _connector_of(path: Path) -> Connector | ConfigError:
    try:
        return load_connector(path)
    except ConfigError as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever one file does to us, the DAGs of all others are built
        return _unforeseen(path, error)


def _unforeseen(path: Path, error: Exception) -> ConfigError:
    log.error("The connector file %s could not be used", path, exc_info=error)
    return ConfigError(
        f"Connector file {path.name} could not be used ({type(error).__name__}: {str(error)[:_SHOWN_CHARS]}). The log "
        "of the DAG processor shows where; leave out settings until it can, and report it."
    )


def _built(path: Path, connector: Connector, build: Callable[[Connector], DAG | None]) -> DAG | ConfigError | None:
    try:
        return build(connector)
    except ConfigError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the same
        return _unforeseen(path, error)
