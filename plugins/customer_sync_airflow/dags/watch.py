"""Checks that every connector has good runs, and sends alerts again that could not be sent.

| task | does |
|---|---|
| **check_last_success** | sends an alert for each connector that has had no good run for too long |

Whatever the reason: paused, hanging, failing, or never started. A run that never starts misses no deadline of its own,
so something else has to look; that is this DAG. It has a schedule as soon as one connector file names a channel under
`alerts`. It cannot detect that the scheduler itself has stopped: let your monitoring ask Airflow's
`/api/v2/monitor/health`, and look at the metric `oldest_unsynced_change_s`.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from customer_sync.settings.connector_file import watched_connectors
from customer_sync_airflow.alerting.watch import check_last_success
from customer_sync_airflow.dags.per_connector import one_run_at_a_time


def watch_dag() -> DAG:
    """Wire its task.

    Raises:
        ConfigError: There is no folder of connector files.
    """
    watched = list(watched_connectors())
    with one_run_at_a_time(
        dag_id="connector_watch",
        description="Sends an alert when a connector has had no good run for too long",
        doc_md=__doc__,
        schedule=CronDataIntervalTimetable("*/5 * * * *", timezone="UTC") if watched else None,
        is_paused_upon_creation=False,
        dagrun_timeout=timedelta(minutes=10),
        # It runs by itself from the first minute on, when not all of Airflow's parts need be up yet.
        default_args={
            "owner": "integration",
            "retries": 1,
            "retry_delay": timedelta(seconds=30),
            "execution_timeout": timedelta(minutes=4),
        },
        tags=["customer-sync", "maintenance"],
    ) as dag:
        check_last_success(watched)
    return dag
