"""Removes what the syncs and reconciliations leave behind and nobody needs any longer.

| task | does |
|---|---|
| **remove_old_batches** | deletes old batch files: Airflow never does, and they hold personal data |
| **remove_old_reports** | deletes old reports |
| **clean_ledger** | deletes old lines of the connector log, and old runs with what belongs to them |

Each connector file says how long things are kept (`retention`). Links, writes without an answer, quarantine, and runs
that a later one depends on are never touched. A run whose batch files are gone cannot be cleared and repeated from the
middle; trigger a new one instead.
"""

from datetime import timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from customer_sync_airflow.dags.per_connector import one_run_at_a_time
from customer_sync_airflow.tasks.housekeeping import clean_ledger, remove_old_batches, remove_old_reports


def housekeeping_dag() -> DAG:
    """Wire the three tasks."""
    with one_run_at_a_time(
        dag_id="connector_housekeeping",
        description="Retention of what the customer syncs leave behind",
        doc_md=__doc__,
        schedule=CronDataIntervalTimetable("30 3 * * *", timezone="UTC"),
        params={
            "keep_days": Param(
                None,
                type=["null", "integer"],
                minimum=1,
                maximum=3650,
                title="Keep days",
                description="Batch files of that many days stay, so that their runs can be cleared and repeated. "
                "Empty: as each connector file says (retention.batch_file_days).",
            )
        },
        default_args={
            "owner": "integration",
            "retries": 1,
            "retry_delay": timedelta(minutes=5),
            "execution_timeout": timedelta(hours=6),
        },
        tags=["customer-sync", "maintenance"],
    ) as dag:
        remove_old_batches()
        remove_old_reports()
        clean_ledger()
    return dag
