"""A collector of OTLP metrics and spans on the loopback address: what Airflow exports arrives here over real HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Point(NamedTuple):
    """One exported value, cumulative since its process began: of a histogram the sum of its values, in ms."""

    name: str
    tags: dict[str, str]
    value: float
    since_ns: int


class OtlpSink:
    """Keeps what arrived.

    Attributes:
        port: Where it listens.
        points: All values, in the order of their arrival.
        spans: Names of all spans, likewise.
    """

    def __init__(self, port: int, points: list[Point], spans: list[str]) -> None:
        self.port = port
        self.points = points
        self.spans = spans

    def environment(self) -> dict[str, str]:
        """Variables that make Airflow send its metrics here."""
        settings = {"OTEL_ON": "True", "OTEL_HOST": "127.0.0.1", "OTEL_PORT": str(self.port)}
        return {f"AIRFLOW__METRICS__{name}": value for name, value in settings.items()}

    def of(self, name: str) -> list[Point]:
        """Values of one metric, without Airflow's prefix."""
        return [point for point in self.points if point.name == f"airflow.{name}"]

    def total(self, name: str, **tags: str) -> float:
        """Sum over all processes of what carries these tags; a later value of a process replaces its earlier one."""
        latest = {
            (point.since_ns, *sorted(point.tags.items())): point.value
            for point in self.of(name)
            if tags.items() <= point.tags.items()
        }
        return sum(latest.values())


@contextmanager
def running_otlp_sink() -> Iterator[OtlpSink]:
    """Run it in a thread."""
    points: list[Point] = []
    spans: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                spans.extend(_span_names(ExportTraceServiceRequest.FromString(body)))
            else:
                points.extend(_points(ExportMetricsServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="otlp sink")
    thread.start()
    try:
        yield OtlpSink(server.server_address[1], points, spans)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _span_names(request: Any) -> Iterator[str]:
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            yield from (span.name for span in scope.spans)


def _points(request: Any) -> Iterator[Point]:
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kinds = (metric.sum, metric.gauge, metric.histogram, metric.exponential_histogram)
                for point in (point for kind in kinds for point in kind.data_points):
                    tags = {item.key: item.value.string_value for item in point.attributes}
                    yield Point(metric.name, tags, _value(point), point.start_time_unix_nano)


def _value(point: Any) -> float:
    if point.DESCRIPTOR.name.endswith("HistogramDataPoint"):
        return float(point.sum)
    return float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)
