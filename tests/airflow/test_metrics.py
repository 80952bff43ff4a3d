"""Measurements leave through Airflow's own metrics, and arrive at a collector."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.airflow.otlp_sink import running_otlp_sink

EMIT = """
from datetime import timedelta
from airflow.sdk._shared.observability.metrics import stats
from airflow.sdk.observability.metrics import stats_utils
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)  # as Airflow begins every task
from customer_sync_airflow.tasks.metrics import emit
from customer_sync.reporting.run_metrics import Measurement
emit([
    Measurement("counter", "customer_sync.customers", 7, {"connector": "knb", "outcome": "created"}),
    Measurement("counter", "customer_sync.customers", 2, {"connector": "knb", "outcome": "filtered"}),
    Measurement("gauge", "customer_sync.oldest_unsynced_change_s", 12.5, {"connector": "knb"}),
    Measurement("timing", "customer_sync.access_removal", timedelta(minutes=2), {"connector": "knb"}),
    Measurement("timing", "customer_sync.access_removal", timedelta(minutes=1), {"connector": "knb"}),
])
"""

TRACE = """
from airflow import settings  # which sets tracing up, in every process of Airflow
from opentelemetry import trace
with trace.get_tracer("ours").start_as_current_span("worker.load"):
    pass
trace.get_tracer_provider().force_flush()  # as Airflow ends every task
"""


def variables_for_opentelemetry(port: int) -> dict[str, str]:
    """What docs/deploying.md tells to set, with a collector of ours."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "deploying.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)`", text[text.index("**OpenTelemetry**") :], re.MULTILINE)
    return {name: value.replace("<collector>:4318", f"127.0.0.1:{port}") for name, value in rows}


def test_metrics_and_spans_arrive_with_the_variables_that_the_documentation_gives() -> None:
    """Both go to one address, over HTTP."""
    with running_otlp_sink() as sink:
        environment = os.environ | variables_for_opentelemetry(sink.port)
        command = [sys.executable, "-c", EMIT + TRACE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own text
        assert done.returncode == 0, done.stderr
    assert sink.total("customer_sync.customers", outcome="created") == 7
    assert "worker.load" in sink.spans


def test_measurements_arrive_with_their_tags_when_a_collector_listens() -> None:
    """Counters, gauges and durations arrive under Airflow's prefix, with connector and outcome as tags."""
    with running_otlp_sink() as sink:
        environment = os.environ | sink.environment()
        command = [sys.executable, "-c", EMIT]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own text
        assert done.returncode == 0, done.stderr
    assert sink.total("customer_sync.customers", outcome="created") == 7
    assert sink.total("customer_sync.customers", outcome="filtered") == 2
    assert [point.value for point in sink.of("customer_sync.oldest_unsynced_change_s")][-1] == 12.5
    assert sink.total("customer_sync.access_removal", connector="knb") == 180_000


def test_nothing_happens_when_no_collector_is_configured() -> None:
    """Without a metrics setting of the deployment a measurement is no more than a word."""
    done = subprocess.run([sys.executable, "-c", EMIT], capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own text
    assert done.returncode == 0, done.stderr
