"""Turn a service of the compose file into a process of this machine: host names, ports and paths are moved, no more."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from distributed.compose_file import Service

LOOPBACK = "127.0.0.1"
"""The only address that anything listens on."""

STANDARD_PORTS = {
    "postgres": 5432,
    "redis": 6379,
    "airflow-apiserver": 8080,
    "airflow-scheduler": 8974,
    "statsd-exporter": 9125,
}
"""Ports on which the services listen inside their containers."""

_LISTENING = {
    # Read by the server's own programs, such as pg_isready.
    "postgres": {"PGPORT": "{port}"},
    "airflow-apiserver": {"AIRFLOW__API__HOST": LOOPBACK, "AIRFLOW__API__PORT": "{port}"},
    "airflow-scheduler": {
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": LOOPBACK,
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": "{port}",
    },
}
"""Settings that make a service listen on the loopback interface and its port here."""

_OPTIONS = {
    "redis": " --bind 127.0.0.1 --port {port}",
    # Logs lie in a folder that all share; its own server would listen on every interface.
    "airflow-worker": " --skip-serve-logs",
    "airflow-triggerer": " --skip-serve-logs",
}
"""What is added to a command for the same reason."""


@dataclass(frozen=True)
class Launch:
    """How a service, or one of its replicas, is started here.

    Attributes:
        name: Name of the process.
        service: The service that it is, or is a replica of.
        command: Program and arguments.
        environment: What the compose file says, moved.
        healthcheck: The compose file's test as a command; empty when there is none.
    """

    name: str
    service: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    healthcheck: tuple[str, ...]


@dataclass
class Machine:
    """Where the services are on this machine.

    Attributes:
        root: The project, whose folders the compose file mounts.
        home: Folder for volumes and for what containers would keep inside.
        mounted: Folders that replace others of the project, such as another folder of connector files:
            path in the container -> folder.
    """

    root: Path
    home: Path
    mounted: Mapping[str, Path] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def port_of(self, service: str) -> int:
        """The port on which a service listens here; the same at every call."""
        if service not in self.ports:
            self.ports[service] = free_port(taken=self.ports.values())
        return self.ports[service]

    def launches(self, service: Service) -> list[Launch]:
        """How each replica of a service is started.

        Args:
            service: The service, from the compose file.
        """
        numbers = range(1, service.replicas + 1)
        names = [service.name] if service.replicas == 1 else [f"{service.name}-{number}" for number in numbers]
        return [self._launch(service, name) for name in names]

    def _launch(self, service: Service, name: str) -> Launch:
        own = self.home / "containers" / name
        (own / "airflow").mkdir(parents=True, exist_ok=True)
        paths = self._paths(service, own)
        logs, shared = own / "airflow" / "logs", paths.get("/opt/airflow/logs")
        if shared is not None and not logs.is_symlink():
            logs.symlink_to(shared.resolve())
        port = self.port_of(service.name) if service.name in STANDARD_PORTS else 0
        listening = {key: value.format(port=port) for key, value in _LISTENING.get(service.name, {}).items()}
        # A container's host name is its own; that of a service with one replica is this machine's.
        host = name if service.replicas > 1 else socket.getfqdn()
        environment = {
            **{key: self._moved(value, service.name, paths) for key, value in service.environment.items()},
            **listening,
            "AIRFLOW__METRICS__STATSD_PORT": str(self.port_of("statsd-exporter")),
            "AIRFLOW_HOME": str(own / "airflow"),
            "HOSTNAME": host,
        }
        command = [self._moved(part, service.name, paths) for part in service.command]
        if service.name in _OPTIONS:
            command[-1] += _OPTIONS[service.name].format(port=port)
        kind, *test = service.healthcheck or ("NONE",)
        test = [self._moved(part, service.name, paths) for part in test]
        check = ("bash", "-c", test[0]) if kind == "CMD-SHELL" else tuple(test)
        return Launch(name, service.name, tuple(command), environment, check)

    def _paths(self, service: Service, own: Path) -> dict[str, Path]:
        paths = {place: self._folder(source) for place, source in service.volumes.items()}
        paths |= {place: folder for place, folder in self.mounted.items() if service.volumes}
        # Airflow's home of the image; its logs are a volume of all services.
        return {**paths, "/opt/airflow": own / "airflow"}

    def _folder(self, source: str) -> Path:
        if source.startswith("./"):
            return self.root / source
        volume = self.home / "volumes" / source
        volume.mkdir(parents=True, exist_ok=True)
        return volume

    def _moved(self, text: str, service: str, paths: Mapping[str, Path]) -> str:
        for place in sorted(paths, key=len, reverse=True):
            text = re.sub(rf"{re.escape(place)}(?=[/\s:\"']|$)", str(paths[place].resolve()), text)
        for other, standard in STANDARD_PORTS.items():
            here = f"{LOOPBACK}:{self.port_of(other)}"
            text = re.sub(rf"(?<=[@/]){re.escape(other)}(?::{standard})?(?=[/?\s]|$)", here, text)
        if service == "redis":
            text = text.replace("redis-cli ", f"redis-cli -p {self.port_of(service)} ")
        if service in STANDARD_PORTS:
            local = rf"(?:localhost|127\.0\.0\.1):{STANDARD_PORTS[service]}\b"
            text = re.sub(local, f"{LOOPBACK}:{self.port_of(service)}", text)
        return text


def free_port(taken: Iterable[int] = ()) -> int:
    """A port of the loopback interface on which nothing listens.

    Args:
        taken: Ports that were given out and may not be in use yet.
    """
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in set(taken):
            return port
