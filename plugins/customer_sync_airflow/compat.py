"""What differs between the versions of Airflow that this package runs on; nothing else asks for a version.

Each difference is looked for where it is, not taken from a version number: providers are upgraded apart from Airflow.
What cannot be had is left out, and :func:`lacking` says so in sentences that the health page shows.
"""

import inspect
from typing import Any, Final

import airflow.sdk.exceptions
from airflow.sdk.definitions.deadline import DeadlineAlert
from airflow.sdk.observability import stats as _stats

_PARKS_ITSELF: Final = hasattr(airflow.sdk.exceptions, "TaskAwaitingInput")
_DEADLINES_HAVE_NAMES: Final = "name" in inspect.signature(DeadlineAlert).parameters

PARKED: Final[tuple[type[BaseException], ...]] = tuple(
    getattr(airflow.sdk.exceptions, name)
    for name in ("TaskAwaitingInput", "TaskDeferred")
    if hasattr(airflow.sdk.exceptions, name)
)
"""What an approval raises to wait for a person: ``TaskAwaitingInput`` since 3.3, ``TaskDeferred`` before."""

metrics: Final[Any] = _stats if hasattr(_stats, "incr") else _stats.Stats
"""Airflow's ``incr``, ``gauge`` and ``timing``: functions since 3.3, of the class ``Stats`` before."""


def park_with(parked: BaseException, **arguments: Any) -> None:
    """Give a task that waits for a person further arguments for the method that goes on with the answer.

    They are parked with the task: they go when it is cleared, and nothing else can take their place.

    Args:
        parked: One of :data:`PARKED`, as it was raised.
        **arguments: By name, as JSON.
    """
    waiting: Any = parked
    waiting.kwargs = {**(waiting.kwargs or {}), **arguments}


def deadline_alert(*, name: str, **arguments: Any) -> DeadlineAlert:
    """Make an alert about a late run, with a name where Airflow has names for them (since 3.3).

    Args:
        name: Its name on Airflow's page of deadlines.
        **arguments: As for Airflow's class.
    """
    if _DEADLINES_HAVE_NAMES:
        arguments["name"] = name
    return DeadlineAlert(**arguments)


def lacking() -> list[str]:
    """What this Airflow cannot do for us, a sentence each; nothing from 3.3 on."""
    found = []
    if not _PARKS_ITSELF:
        found.append(
            "Before Airflow 3.3 the triggerer takes up a person's answer to a plan: where none runs, the run waits on."
        )
    if not _DEADLINES_HAVE_NAMES:
        found.append("Before Airflow 3.3 deadlines have no names: a late run is listed there without one.")
    return found
