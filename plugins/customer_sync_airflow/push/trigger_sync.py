"""The task that triggers the sync with the customers that were named."""

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException


class TriggerSync(TriggerDagRunOperator):
    """Triggers the sync, unless it is paused: a run of a paused DAG stays queued, and this task would wait for it.

    Airflow's operator has ``fail_when_dag_is_paused`` for that, which providers of 3.2's time refuse to be made with.
    """

    def execute(self, context: Context) -> Any:
        """Trigger the sync and wait for its end.

        Raises:
            AirflowFailException: The sync is paused.
        """
        if context["ti"].get_dag(self.trigger_dag_id).is_paused:
            raise AirflowFailException(
                f"{self.trigger_dag_id} is paused, so nothing was triggered. Unpause it: its next run finds these "
                "changes by their stamps."
            )
        return super().execute(context)
