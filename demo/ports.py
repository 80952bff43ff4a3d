"""Ports of the demonstration: the documented ones where they are free, others where they are not."""

from __future__ import annotations

import socket
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOPBACK = "127.0.0.1"
"""The only address that the demonstration listens on."""


@dataclass(frozen=True)
class Ports:
    """TCP ports on the loopback address.

    Attributes:
        erp: The ERP's twin.
        store: The store's twin.
        airflow: Airflow's pages and REST API.
        task_logs: Airflow's server of logs of running tasks.
        trigger_logs: The same for the triggerer.
    """

    erp: int = 8081
    store: int = 8082
    airflow: int = 8080
    task_logs: int = 8793
    trigger_logs: int = 8794


PREFERRED = Ports()
"""The ports that the documentation names."""


def choose(preferred: Ports = PREFERRED) -> tuple[Ports, tuple[str, ...]]:
    """Take the preferred ports, and free ones where these are busy.

    Args:
        preferred: The ports to take if they are free.

    Returns:
        The ports, and one sentence for each that is not the preferred one.
    """
    # All sockets stay open until every port is chosen, so that none is given out twice.
    held: list[socket.socket] = []
    chosen: dict[str, int] = {}
    notes: list[str] = []
    try:
        for field in fields(Ports):
            port = getattr(preferred, field.name)
            holder = _bound(port) or _bound(0)
            if holder is None:
                raise OSError(f"no free port on {LOOPBACK}")
            held.append(holder)
            chosen[field.name] = holder.getsockname()[1]
            if chosen[field.name] != port:
                notes.append(f"Port {port} is in use; {field.name.replace('_', ' ')} takes {chosen[field.name]}.")
    finally:
        _close(held)
    return Ports(**chosen), tuple(notes)


def _bound(port: int) -> socket.socket | None:
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As the servers do: a port whose last connections are only lingering is free.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((LOOPBACK, port))
    except OSError:
        holder.close()
        return None
    # Binding alone would succeed beside a server that has not begun to listen.
    holder.listen(1)
    return holder


def _close(sockets: Iterable[socket.socket]) -> None:
    for each in sockets:
        each.close()
