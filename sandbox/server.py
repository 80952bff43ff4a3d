"""Puts a twin on a socket: from the command line, or inside a test's process.

A twin's package offers `create_app(environment: TwinEnvironment) -> Twin` in its module `app`; `sandbox.twin` says
what both are. Everything under `/_sandbox`, the call log, the faults and the state file are added here, the same for
both. In tests:

    with running_acumatica(customers=50, seed=1) as twin:
        requests.get(twin.url + "/entity")
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import logging
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from sandbox.calls import CallLog
from sandbox.control import Control
from sandbox.faults import FaultList
from sandbox.persistence import StateFile
from sandbox.traffic import Traffic, TwinHttpProtocol
from sandbox.twin import Twin, TwinEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

APPLICATIONS = {"acumatica": "sandbox.acumatica.app", "better-b2b": "sandbox.better_b2b.app"}
_START_TIMEOUT_S = 30.0


class RefusedAddressError(ValueError):
    """The twin would listen beyond this machine without `--allow-remote`."""


@dataclass(slots=True)
class Assembled:
    """A twin with everything around it.

    Attributes:
        twin: The twin.
        traffic: The ASGI application to serve.
        environment: What it was started with.
        calls: Its call log.
        faults: Its faults.
        state_file: The file that follows its state, if any.
    """

    twin: Twin
    traffic: Traffic
    environment: TwinEnvironment
    calls: CallLog
    faults: FaultList
    state_file: StateFile | None


@dataclass(slots=True)
class RunningTwin:
    """A twin that listens in this process.

    Attributes:
        url: Its address, without a trailing slash.
        twin: The twin itself, to look at.
        environment: Clock and options, to look at.
    """

    url: str
    twin: Twin
    environment: TwinEnvironment


def assemble(
    name: str, environment: TwinEnvironment, state_path: Path | None = None, *, allow_remote: bool = False
) -> Assembled:
    """Build a twin and lay log, faults, control plane and state file around it.

    Raises:
        sandbox.persistence.StateFileError: The state file is not a state of this twin.
    """
    files: list[StateFile] = []

    def changed() -> None:
        for file in files:
            file.changed()

    environment.changed = changed
    clock = environment.clock
    twin: Twin = importlib.import_module(APPLICATIONS[name]).create_app(environment)
    calls = CallLog(clock)
    faults = FaultList(clock, twin.own_effects, twin.message_effects)
    environment.faults = faults

    def snapshot() -> dict[str, Any]:
        return {"data": twin.state(), "settings": twin.settings.changed(), "clock_offset_s": clock.offset_s}

    if state_path is not None:
        file = StateFile(state_path, name, snapshot)
        _continue_from(file.read(), twin, environment)
        files.append(file)
        file.changed()
        file.flush()
    control = Control(twin, clock, calls, faults, changed, allow_remote=allow_remote)
    return Assembled(
        twin=twin,
        traffic=Traffic(twin, clock, calls, faults, control),
        environment=environment,
        calls=calls,
        faults=faults,
        state_file=files[0] if files else None,
    )


def listen(host: str, port: int, *, allow_remote: bool = False) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        RefusedAddressError: The host is not a loopback address and `allow_remote` is off.
        OSError: The port is taken.
    """
    if not allow_remote and not _is_loopback(host):
        raise RefusedAddressError(f"{host} is not a loopback address; add --allow-remote if others shall reach it")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class AnnouncingServer(uvicorn.Server):
    """A uvicorn server that says when it listens and signals end it cleanly, not before."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets)
        self._on_started()


def make_server(assembled: Assembled, on_started: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """A uvicorn server for the assembled twin; uvicorn's own log stays silent below warnings."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        assembled.traffic,
        http=TwinHttpProtocol,
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
        backlog=4096,
    )
    return AnnouncingServer(config, on_started)


@contextlib.contextmanager
def running(
    name: str, *, state_path: Path | None = None, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> Iterator[RunningTwin]:
    """Run a twin in a thread of this process while the block runs.

    Args:
        name: `acumatica` or `better-b2b`.
        state_path: File that follows its state.
        host: Loopback address.
        port: Port; 0 takes a free one.
        **options: Fields of `TwinEnvironment`.
    """
    assembled = assemble(name, TwinEnvironment(**options), state_path)
    listener = listen(host, port)
    server = make_server(assembled)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=f"twin-{name}", daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        url = f"http://{host}:{listener.getsockname()[1]}"
        yield RunningTwin(url, assembled.twin, assembled.environment)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        if assembled.state_file is not None:
            assembled.state_file.flush()


def running_acumatica(**options: Any) -> contextlib.AbstractContextManager[RunningTwin]:
    """The ERP's twin in this process; options as for `running`."""
    return running("acumatica", **options)


def running_better_b2b(**options: Any) -> contextlib.AbstractContextManager[RunningTwin]:
    """The store's twin in this process; options as for `running`. Without a limit unless one is given."""
    return running("better-b2b", **options)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the twin did not start; its error is on standard error")
        time.sleep(0.005)


def _continue_from(saved: dict[str, Any] | None, twin: Twin, environment: TwinEnvironment) -> None:
    if saved is None:
        return
    environment.clock.advance_s(saved["clock_offset_s"])
    twin.settings.update(saved["settings"])
    twin.load(saved["data"])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
