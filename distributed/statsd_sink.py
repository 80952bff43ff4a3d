"""Takes the place of the StatsD exporter: receives the metrics that Airflow's processes send, and keeps ours."""

from __future__ import annotations

import socket
import threading

from distributed.on_loopback import LOOPBACK

PREFIX = "airflow.customer_sync."
"""How our metrics' names begin."""

_PACKET = 65_535


class StatsdSink:
    """A UDP socket on the loopback interface; it listens from its construction on.

    Args:
        port: Where.
    """

    def __init__(self, port: int) -> None:
        self._lines: set[str] = set()
        self._seen = 0
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, port))
        self._socket.settimeout(0.5)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="statsd", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._over.set()
        self._thread.join()
        self._socket.close()

    @property
    def seen(self) -> int:
        """How many metrics came, Airflow's own included."""
        with self._lock:
            return self._seen

    def ours(self) -> list[str]:
        """Our metrics as they came: name with tags, value, type."""
        with self._lock:
            return sorted(self._lines)

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                packet = self._socket.recv(_PACKET)
            except TimeoutError:
                continue
            lines = packet.decode("utf-8", errors="replace").splitlines()
            with self._lock:
                self._seen += len(lines)
                self._lines.update(line for line in lines if line.startswith(PREFIX))
