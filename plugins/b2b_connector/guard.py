"""The operator between plan and write: it adds up the whole run's plan, and passes or refuses it.

It is an approval operator, so that a run can be made to wait for a person here; as yet it never
asks. Load maps over what it returns and has the trigger rule ``all_success``, so a refused plan
can never be passed (DESIGN section 4).
"""

# ruff: noqa: PLC0415 -- the step is imported when the task runs: the DAG processor parses often and runs none

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context

from b2b_connector.alerting import telling_of_refusal
from b2b_connector.batches import BatchNote, descriptor_of, pull_notes
from b2b_connector.run_context import open_run, request_of
from b2b_connector.task_log import print_lines
from b2b_connector.task_states import read_task_states
from customer_sync.errors import PlanRefused
from customer_sync.window import RunRequest


class Guard(ApprovalOperator):
    """Settles the run's plan.

    Args:
        connector_id: Id of the connector file.
        extract_task_id: Must be green, so that a failed reading never looks like "no customers".
        transform_task_id: Whose green instances hold the plan.
        **operator: As for any operator.
    """

    def __init__(
        self,
        *,
        connector_id: str,
        extract_task_id: str = "extract",
        transform_task_id: str = "transform",
        **operator: Any,
    ) -> None:
        super().__init__(
            subject="Apply the plan of this run?",
            body="The plan stands in this task's log.",
            defaults=self.REJECT,
            fail_on_reject=True,
            **operator,
        )
        self.connector_id = connector_id
        self.extract_task_id = extract_task_id
        self.transform_task_id = transform_task_id

    def execute(self, context: Context) -> list[BatchNote]:
        """Add up, settle and print the plan.

        Returns:
            A note for every batch that load is to apply; none for a dry run.

        Raises:
            AirflowFailException: The plan is refused, or there is none because extract failed.
        """
        from customer_sync.steps.guard import settle_plan

        with open_run(self.connector_id, context) as run:
            states = read_task_states(context)
            if not states.is_green(self.extract_task_id):
                raise PlanRefused(
                    f"{self.extract_task_id} did not succeed, so there is no plan: repair what its log "
                    "says and clear it together with the tasks after it."
                )
            notes = self._notes(context)
            pushed_by = {descriptor_of(note).key: note["pushed_by"] for note in notes}
            with telling_of_refusal(run):
                summary = settle_plan(run, [descriptor_of(note) for note in notes], self._request(context))
            print_lines(summary.lines)
            return [
                {"descriptor": descriptor.to_json(), "pushed_by": pushed_by[descriptor.key]}
                for descriptor in summary.descriptors
            ]

    def _request(self, context: Context) -> RunRequest:
        """The run's params, as far as a plan is bound by them."""
        return request_of(context)

    def _notes(self, context: Context) -> list[BatchNote]:
        """What the instances that are green now have planned."""
        indexes = read_task_states(context).green_indexes(self.transform_task_id)
        return pull_notes(context, self.transform_task_id, indexes)
