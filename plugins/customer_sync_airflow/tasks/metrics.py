"""Hands a run's measurements to Airflow's metrics: StatsD or OTLP, whichever the deployment has, or neither."""

from collections.abc import Iterable
from datetime import timedelta

from airflow.sdk.observability import stats

from customer_sync.reporting.run_metrics import Measurement


def emit(measurements: Iterable[Measurement]) -> None:
    """Emit measurements; Airflow sends them on when the task's process ends."""
    for kind, name, value, tags in measurements:
        if isinstance(value, timedelta):
            stats.timing(name, value, tags=tags)
        elif kind == "gauge":
            stats.gauge(name, value, tags=tags)
        else:
            stats.incr(name, int(value), tags=tags)
