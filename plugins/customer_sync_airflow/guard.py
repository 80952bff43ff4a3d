"""The operator between plan and write: it adds up the whole run's plan, and passes it, refuses it or asks a person.

It is itself Airflow's approval operator. A run whose plan needs no yes passes at once; one that
does waits under *Required Actions* without a worker, and goes on with exactly the batches that were
shown. Load maps over what guard returns and has the trigger rule ``all_success``, so a refused or
rejected plan can never be passed (docs/architecture.md#guard).
"""

# ruff: noqa: PLC0415 -- the steps are imported when the task runs: the DAG processor parses often and runs none

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLRejectException
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context

from customer_sync.errors import PlanRefused
from customer_sync.planning.window import RunRequest
from customer_sync_airflow.addresses import logs_address
from customer_sync_airflow.alerting.callbacks import alert_about_plan, alert_on_refusal
from customer_sync_airflow.compat import PARKED, park_with
from customer_sync_airflow.tasks.batches import BatchNote, descriptor_of, pull_batch, pull_customers, pull_notes
from customer_sync_airflow.tasks.run_context import open_run, request_of
from customer_sync_airflow.tasks.task_log import print_lines
from customer_sync_airflow.tasks.task_states import read_task_states

if TYPE_CHECKING:
    from customer_sync.model.batch import BatchDescriptor
    from customer_sync.run import Run
    from customer_sync.steps.early_removals import EarlyRemovals
    from customer_sync.steps.guard import PlanSummary

UNNAMED = "somebody"
"""Who answered, where Airflow does not say."""


class Guard(ApprovalOperator):
    """Settles the run's plan, and asks a person where the connector's ``approval`` says so.

    *Approve* applies exactly the plan that was shown. *Reject*, or no answer in time, writes nothing:
    the customers of the plan are skipped, the run fails, and the next run plans them again.

    Args:
        connector_id: Id of the connector file.
        extract_task_id: Must be green, so that a failed reading never looks like "no customers".
        transform_task_id: Whose green instances hold the plan.
        execution_timeout: Longest time for adding up and printing; waiting for a person does not count.
        **operator: As for any operator; ``notifiers`` are called when a person is asked.
    """

    def __init__(
        self,
        *,
        connector_id: str,
        extract_task_id: str = "extract",
        transform_task_id: str = "transform",
        execution_timeout: timedelta | None = None,
        **operator: Any,
    ) -> None:
        super().__init__(
            subject="Apply the plan of this run?",
            body="This task's log shows the plan.",
            defaults=self.REJECT,
            fail_on_reject=True,
            execution_timeout=None,
            **operator,
        )
        # Set afterwards: Airflow's operator would take it for the time that a person has to answer.
        self.execution_timeout = execution_timeout
        self.connector_id = connector_id
        self.extract_task_id = extract_task_id
        self.transform_task_id = transform_task_id

    def execute(self, context: Context) -> list[BatchNote]:
        """Add up, settle and print the plan; wait for a person where it needs a yes.

        Returns:
            A note for every batch that load is to apply; none for a dry run.

        Raises:
            AirflowFailException: The plan is refused, or there is none because extract failed.
            BaseException: One of `PARKED`: a person is asked; :meth:`execute_complete` goes on with the answer.
        """
        from customer_sync.steps.guard import settle_plan

        with open_run(self.connector_id, context) as (run, _):
            self._check_extract(context)
            planned = self._notes(context)
            pushed_by = {descriptor_of(note).key: note["pushed_by"] for note in planned}
            descriptors = [descriptor_of(note) for note in planned]
            if not descriptors:
                self._refresh_places(run)
            with alert_on_refusal(run):
                summary = settle_plan(
                    run,
                    descriptors,
                    self._request(context),
                    can_ask=True,
                    remove_early=partial(self._remove_early, context, run, planned),
                    count_shoppers=partial(self._count_shoppers, run),
                )
            print_lines(summary.lines)
            notes: list[BatchNote] = [
                {"descriptor": descriptor.to_json(), "pushed_by": pushed_by[descriptor.key]}
                for descriptor in summary.descriptors
            ]
            if summary.why_ask:
                self._ask(context, run, summary, notes)
            return notes

    def execute_complete(self, context: Context, event: dict[str, Any], notes: Sequence[BatchNote] = ()) -> Any:
        """Continue with a person's answer; no answer in time counts as no.

        Args:
            context: Airflow's context.
            event: The answer, as Airflow hands it over.
            notes: The batches that were shown; they were parked with the task.

        Returns:
            The notes, when the answer was yes.

        Raises:
            AirflowFailException: The answer was no, or the plan does not fit any more.
        """
        from customer_sync.steps.approval import approve_plan, reject_plan

        with open_run(self.connector_id, context) as (run, _):
            shown = [descriptor_of(note) for note in notes]
            who = None if event.get("timedout") else _name_of(event.get("responded_by_user"))
            try:
                super().execute_complete(context, event)
            except HITLRejectException as answer:
                raise PlanRefused(reject_plan(run, shown, by=who, at=_moment(event))) from answer
            present = [descriptor_of(note) for note in self._notes(context)]
            with alert_on_refusal(run):
                print_lines(approve_plan(run, shown, present, by=who or UNNAMED))
            return list(notes)

    def _remove_early(
        self,
        context: Context,
        run: "Run",
        notes: Sequence[BatchNote],
        descriptors: "Sequence[BatchDescriptor]",
        most: int,
    ) -> "EarlyRemovals":
        """Take access away from those who leave with these batches."""
        from customer_sync.steps.early_removals import PlannedBatchContent, remove_early
        from customer_sync_airflow.tasks.clients import erp_client, store_client

        of_batch = {descriptor_of(note).key: note for note in notes}

        def content(descriptor: "BatchDescriptor") -> "PlannedBatchContent":
            changes, _ = pull_batch(context, of_batch[descriptor.key], pushed_to=self.transform_task_id)
            return PlannedBatchContent(pull_customers(context, descriptor), changes, descriptor)

        with store_client(run) as target, erp_client(run) as source:
            return remove_early(run, map(content, descriptors), most, target=target, source=source)

    @staticmethod
    def _refresh_places(run: "Run") -> None:
        """Read what the store calls its places, once a day, where no transform did: nobody had to be judged."""
        from customer_sync.steps.store_places import PlaceReader, are_places_due
        from customer_sync_airflow.tasks.clients import store_client

        if are_places_due(run):
            with store_client(run) as target:
                PlaceReader(run, target).refresh()

    @staticmethod
    def _count_shoppers(run: "Run", emails: Sequence[str]) -> int | None:
        """Ask the store which of the new users shop there already; a plan is read also where it cannot say."""
        from customer_sync_airflow.tasks.clients import store_client

        with store_client(run) as target:
            return target.shoppers(emails)

    def _request(self, context: Context) -> RunRequest:
        """The run's params, as far as a plan is bound by them."""
        return request_of(context)

    def _notes(self, context: Context) -> list[BatchNote]:
        """What the instances that are green now have planned."""
        indexes = read_task_states(context).green_indexes(self.transform_task_id)
        return pull_notes(context, self.transform_task_id, indexes)

    def _check_extract(self, context: Context) -> None:
        """Refuse to take a failed reading for "no customers".

        Raises:
            PlanRefused: Extract is not green.
        """
        if not read_task_states(context).is_green(self.extract_task_id):
            raise PlanRefused(
                f"{self.extract_task_id} did not succeed, so there is no plan: repair what its log "
                "says and clear it together with the tasks after it."
            )

    def _ask(self, context: Context, run: "Run", summary: "PlanSummary", notes: Sequence[BatchNote]) -> None:
        from customer_sync.steps.approval import ask_for_approval

        self.subject, self.body, self.response_timeout = ask_for_approval(run, summary, link=_plan_address(run))
        alert_about_plan(run, f"waits for a person's approval: {' '.join(summary.why_ask)}")
        print_lines([*summary.why_ask, "A person is asked: Browse > Required Actions, or this task's own tab."])
        try:
            super().execute(context)
        except PARKED as waiting:
            park_with(waiting, notes=list(notes))
            raise


def _plan_address(run: "Run") -> str:
    """The Connector Logs page with the rows of this run."""
    return logs_address("log", connector=run.connector.id, run_id=run.run_id)


def _name_of(user: Any) -> str:
    """The name, else the id, of the user that answered."""
    found = user if isinstance(user, dict) else {}
    return str(found.get("name") or found.get("id") or UNNAMED)


def _moment(event: dict[str, Any]) -> datetime | None:
    at = event.get("responded_at")
    return at if isinstance(at, datetime) else None
