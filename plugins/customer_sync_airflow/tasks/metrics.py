"""Hands a run's measurements to Airflow's metrics: StatsD or OTLP, whichever the deployment has, or neither."""

from collections.abc import Iterable
from datetime import timedelta

from customer_sync.reporting.run_metrics import Measurement
from customer_sync_airflow.compat import metrics


def emit(measurements: Iterable[Measurement]) -> None:
    """Emit measurements; Airflow sends them on when the task's process ends."""
    for kind, name, value, tags in measurements:
        if isinstance(value, timedelta):
            metrics.timing(name, value, tags=tags)
        elif kind == "gauge":
            metrics.gauge(name, value, tags=tags)
        else:
            metrics.incr(name, int(value), tags=tags)
