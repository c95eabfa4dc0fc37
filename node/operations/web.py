"""The web process: the Flask application behind Granian, on a socket the supervisor holds.

Why Granian, embedded and with our own bridge: docs/decisions.md. The socket stays open while this process is replaced,
so that a restart refuses no connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from node.config import Settings
from node.operations.bodies import Bodies
from node.operations.bridge import Bridge, Wsgi
from node.operations.sockets import BACKLOG

log = logging.getLogger("courtyard.web")

UPLOADS = ("/admin/peers/move",)
"""Paths, with all below them, on which a body may be as large as a file."""
MOST_CONNECTIONS = 4096
HEADER_SECONDS = 10
HEADER_BYTES = 16_384  # Request line and headers together; beyond that 431.
GOODBYE_SECONDS = 2.0
"""How long answers say `Connection: close` before connections are closed: clients then leave by themselves."""
LAST_CALLS_SECONDS = 0.4
"""After this long without a request, when no more connections are taken, nobody is left in the middle of one."""
LONGEST_GOODBYE = 6.0


class SocketServer(Server):
    """Granian's embedded server on a listening socket that is already there."""

    def __init__(self, application: Bridge, listener: socket.socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(
            application,
            address=host,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=MOST_CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=HEADER_BYTES),
            log_enabled=False,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        # The stubs know neither the arguments (descriptor, is it a unix socket, backlog) nor the attribute.
        self._ssp: Any = None
        # Granian closes the descriptor it is given, so it gets one of its own.
        self._descriptor = os.dup(self._listener.fileno())
        self._shd: Any = SocketHolder(self._descriptor, False, BACKLOG)  # type: ignore[call-arg]

    def take_no_more(self) -> None:
        """Leave new connections to the next process: Granian cannot, so it gets a socket to which nobody connects."""
        with socket.socket(self._listener.family, socket.SOCK_STREAM) as nobody:
            nobody.setblocking(False)
            nobody.bind((self._listener.getsockname()[0], 0))
            nobody.listen(1)
            os.dup2(nobody.fileno(), self._descriptor, inheritable=False)


def run(settings: Settings, listener: socket.socket, make: Callable[[Settings], Wsgi], ready: Callable[[Wsgi], None]) -> None:
    """Serve until SIGTERM or SIGINT; then finish what has begun and return. `ready` is called as soon as requests are taken."""
    _raise_open_files()
    application = make(settings)
    bridge = Bridge(application, settings.web_threads, Bodies(UPLOADS), origin_scheme="http")
    listener.setblocking(False)
    try:
        asyncio.run(_serve(bridge, listener, lambda: ready(application)))
    finally:
        bridge.close()
    log.info("web stopped")


async def _serve(bridge: Bridge, listener: socket.socket, ready: Callable[[], None]) -> None:
    server = SocketServer(bridge, listener)
    loop = asyncio.get_running_loop()

    goodbyes: list[asyncio.Task[None]] = []

    def leave() -> None:
        if not goodbyes:
            goodbyes.append(loop.create_task(_say_goodbye(bridge, server)))

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, leave)
    log.info("web listens", extra={"address": "{}:{}".format(*listener.getsockname()[:2]), "pid": os.getpid()})
    serving = loop.create_task(server.serve())
    await asyncio.sleep(0)  # its first step takes the socket
    try:
        ready()
    except BaseException:
        server.stop()
        raise
    await serving
    while bridge.in_flight:
        await asyncio.sleep(0.02)


async def _say_goodbye(bridge: Bridge, server: SocketServer) -> None:
    """Ask clients to leave, take no new ones, wait until those that were just coming in are answered; then stop."""
    bridge.is_closing = True
    latest = time.monotonic() + LONGEST_GOODBYE
    await asyncio.sleep(GOODBYE_SECONDS)
    server.take_no_more()
    await asyncio.sleep(LAST_CALLS_SECONDS)
    while time.monotonic() < min(latest, bridge.last_began + LAST_CALLS_SECONDS):
        await asyncio.sleep(0.02)
    server.stop()


def _raise_open_files() -> None:
    """Take as many file descriptors as we may: each connection needs one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
