"""Removes what the syncs leave behind and nobody needs any longer.

| task | does |
|---|---|
| **remove_old_batches** | deletes batch files older than *keep_days*: Airflow never does, and they hold personal data |

A run whose batch files are gone cannot be cleared and repeated from the middle; trigger a new one instead.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from b2b_connector.housekeeping import remove_old_batches

with DAG(
    dag_id="connector_housekeeping",
    description="Retention of what the customer syncs leave behind",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("30 3 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params={
        "keep_days": Param(
            30,
            type="integer",
            minimum=1,
            maximum=3650,
            title="Keep days",
            description="Batch files of that many days stay, so that their runs can be cleared and repeated.",
        )
    },
    default_args={"owner": "integration", "retries": 1, "retry_delay": timedelta(minutes=5)},
    tags=["customer-sync", "maintenance"],
) as dag:
    remove_old_batches()
