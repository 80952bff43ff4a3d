"""The last task of a reconciliation: it balances the run, and publishes page and tables where people find them."""

# ruff: noqa: PLC0415 -- the steps are imported when the task runs: the DAG processor parses often and runs none

from typing import Any

from airflow.sdk import BaseOperator, BaseOperatorLink, Context
from airflow.sdk.types import TaskInstanceKey

from customer_sync_airflow.addresses import logs_address
from customer_sync_airflow.tasks.private_values import unseal
from customer_sync_airflow.tasks.report_files import MATCHES_FILE, MATCHES_KEY, publish
from customer_sync_airflow.tasks.run_context import open_run
from customer_sync_airflow.tasks.task_log import print_lines
from customer_sync_airflow.tasks.task_states import read_task_states


class ReportLink(BaseOperatorLink):
    """The button on the task that opens the run's page in Connector Logs."""

    name = "Reconciliation report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Address of the page."""
        return _report_address(getattr(operator, "connector_id", ""), ti_key.run_id)


class PublishReport(BaseOperator):
    """Balances the reconciliation, writes its report, and fails when a task or a repair is unaccounted for.

    Args:
        connector_id: Id of the connector file.
        **operator: As for any operator.
    """

    operator_extra_links = (ReportLink(),)

    def __init__(self, *, connector_id: str, **operator: Any) -> None:
        super().__init__(**operator)
        self.connector_id = connector_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Close the run and publish its report.

        Returns:
            Where the page lies, and the differences by class: what a downstream DAG needs to know.

        Raises:
            AirflowFailException: The run is not balanced; the report is written all the same.
        """
        from customer_sync.errors import RunUnbalanced
        from customer_sync.reconcile.reconciliation import close_reconciliation

        with open_run(self.connector_id, context) as (run, _):
            failed = read_task_states(context).not_green(without=self.task_id)
            unbalanced: RunUnbalanced | None = None
            try:
                close_reconciliation(run, failed_tasks=failed)
            except RunUnbalanced as error:
                unbalanced = error
            matches = unseal(context["ti"].xcom_pull(task_ids="compare", key=MATCHES_KEY))
            extra = {MATCHES_FILE: matches} if isinstance(matches, str) else {}
            place = publish(run, extra) if run.ledger.runs.get(run.run_id) else ""
            if unbalanced is not None:
                raise unbalanced
            print_lines([f"Report: {place}", f"In Connector Logs: {_report_address(self.connector_id, run.run_id)}"])
            return {"report": place, "classes": run.ledger.differences.counts(run.run_id)}


def _report_address(connector_id: str, run_id: str) -> str:
    return logs_address("report", connector=connector_id, run_id=run_id)
