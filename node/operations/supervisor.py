"""`courtyard run`: starts the parts of a node, keeps them alive, stops them in order. Light: no Flask, no SQLAlchemy.

The supervisor holds the listening socket, so connections wait (instead of being refused) while a web process is
replaced. Order: Valkey, migration, web, then workers and scheduler; and back: web (it finishes what it has begun),
workers and scheduler (they finish their job), Valkey.

Signals: SIGTERM and SIGINT stop everything within 30 seconds, a second one at once. SIGHUP replaces the web process
without an interruption.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from node.config import Settings
from node.operations import running, schema, valkey
from node.operations.parts import Part
from node.operations.sockets import listen

log = logging.getLogger("courtyard.supervisor")

WEB_STOP_SECONDS = 12.0
WORK_STOP_SECONDS = 12.0
VALKEY_STOP_SECONDS = 4.0
VALKEY_START_SECONDS = 20.0
TRIES_BEFORE_READY = 3
"""A web process that dies this often before it was ever ready will not get better by trying."""


class StartFailed(Exception):
    """The node cannot start. The text says why and what to do, in one line."""


class Supervisor:
    """The parts of one node on this machine. `announce` is told once, when the first web process is ready."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        announce: Callable[[str | None], None],
        program: Sequence[str] = (sys.executable, "-m", "node"),
    ) -> None:
        self.settings = settings
        self.program = program
        self.environ = {"MALLOC_ARENA_MAX": "2", **environ, "COURTYARD_DATA": str(settings.data_dir)}
        self.announce = announce
        self.parts: list[Part] = []
        self.web: Part | None = None
        self.leaving: list[Part] = []
        self.successor: Part | None = None
        self.was_ready = False
        self.signals: list[int] = []
        self.selector = selectors.DefaultSelector()
        self.pipes: dict[int, Part] = {}

    def run(self) -> None:
        """Start everything and return when everything has been stopped. Raises StartFailed."""
        self._catch_signals()
        lock = _lock(self.settings)
        listener = _listen(self.settings)
        try:
            self._start_valkey()
            self._migrate()
            self._start_web(listener)
            while not self._should_stop():
                self._tick()
            log.info("stopping")
        finally:
            self._stop()
            listener.close()
            lock.close()
        log.info("stopped")

    def _part(self, name: str, *arguments: str, fds: tuple[int, ...] = ()) -> Part:
        return Part(name, [*self.program, *arguments], self.environ, fds)

    def _start_valkey(self) -> None:
        if not self.settings.embedded_redis:
            return
        try:
            part = Part("valkey", valkey.command(self.settings.data_dir), self.environ)
        except (valkey.ValkeyMissing, OSError) as error:
            raise StartFailed(f"the embedded Valkey cannot start: {error}") from error
        part.start()
        self.parts.append(part)

    def _migrate(self) -> None:
        """Bring the database to the newest revision; meanwhile Valkey comes up."""
        if not schema.is_at_newest(self.settings):
            command = [*self.program, "migrate"]
            environ = {**self.environ, "NODE_PART": "migrate"}
            result = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
            if result.returncode:
                raise StartFailed("the database could not be migrated; see above, and `courtyard doctor`")
        if self.settings.embedded_redis and not valkey.wait_until_it_answers(self.settings.data_dir, VALKEY_START_SECONDS):
            raise StartFailed(f"the embedded Valkey does not answer: see {valkey.log_file(self.settings.data_dir)}")

    def _start_web(self, listener: socket.socket) -> None:
        self.web = self._part("web", "web", "--fd", str(listener.fileno()), fds=(listener.fileno(),))
        self._launch(self.web)

    def _start_work(self) -> None:
        """Start workers and scheduler: after the web process, which somebody is waiting for."""
        for index in range(1, self.settings.workers + 1):
            self.parts.append(self._part(f"worker-{index}", "worker", "--index", str(index)))
        self.parts.append(self._part("scheduler", "scheduler"))

    def _launch(self, part: Part) -> None:
        """Start a web process with a pipe through which it says that it is ready."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        part.start(("--ready-fd", str(writing)), (writing,))
        os.close(writing)
        self.pipes[reading] = part
        self.selector.register(reading, selectors.EVENT_READ)

    def _tick(self) -> None:
        """Wait for a signal, a death or a moment to start something; do what is due."""
        for key, _ in self.selector.select(self._seconds_to_next_start()):
            if key.fd in self.pipes:
                self._hear(key.fd)
            else:
                os.read(key.fd, 512)
        if signal.SIGHUP in self.signals:
            self.signals.remove(signal.SIGHUP)
            self._replace_web()
        self._look_after(time.monotonic())

    def _look_after(self, now: float) -> None:
        self.leaving = [part for part in self.leaving if part.is_running]
        for part in [*self.parts, *([self.web] if self.web else [])]:
            if part.process is not None and not part.is_running:
                part.note_death(now)
                if part is self.web and not self.was_ready and part.failures >= TRIES_BEFORE_READY:
                    raise StartFailed("the web server does not start; the lines above say why")
                if part.name == "valkey" and not self.was_ready and part.failures >= TRIES_BEFORE_READY:
                    raise StartFailed(f"the embedded Valkey does not start: see {valkey.log_file(self.settings.data_dir)}")
            if part.process is None and part.start_at <= now:
                if part.name == "valkey":
                    part.command = valkey.command(self.settings.data_dir)
                if part is self.web:
                    self._launch(part)
                else:
                    part.start()

    def _seconds_to_next_start(self) -> float | None:
        waiting = [part.start_at for part in [*self.parts, *([self.web] if self.web else [])] if part.process is None]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _hear(self, reading: int) -> None:
        """Read what a web process says about being ready, or that it is gone."""
        part = self.pipes.pop(reading)
        self.selector.unregister(reading)
        said = os.read(reading, 4096)
        os.close(reading)
        if not said:
            if part is self.successor:
                log.warning("the new web process did not start: the old one stays")
                self.successor = None
            return
        if part is self.successor and self.web is not None:
            self.web.ask_to_stop()
            self.leaving.append(self.web)
            self.web, self.successor = part, None
        if not self.was_ready:
            self.was_ready = True
            self.announce(json.loads(said).get("first_admin_link"))
            self._start_work()

    def _replace_web(self) -> None:
        """Start another web process on the same socket; when it is ready, the old one leaves."""
        if self.web is None or self.successor is not None or not self.was_ready:
            return
        self.successor = Part(self.web.name, self.web.command, self.web.environ, self.web.pass_fds)
        self._launch(self.successor)

    def _catch_signals(self) -> None:
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        self._wakers = (reading, writing)  # Kept, or they are closed.
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, lambda number, _frame: self.signals.append(number))
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self.selector.register(reading, selectors.EVENT_READ)

    def _should_stop(self) -> bool:
        return any(number in (signal.SIGTERM, signal.SIGINT) for number in self.signals)

    def _stop(self) -> None:
        """Stop in order, each group with its time; a second signal ends the patience."""
        web = [part for part in (self.web, self.successor, *self.leaving) if part is not None]
        work = [part for part in self.parts if part.name != "valkey"]
        store = [part for part in self.parts if part.name == "valkey"]
        self.signals.clear()
        for group, seconds in ((web, WEB_STOP_SECONDS), (work, WORK_STOP_SECONDS), (store, VALKEY_STOP_SECONDS)):
            for part in group:
                part.ask_to_stop()
            deadline = time.monotonic() + seconds
            while any(part.is_running for part in group) and time.monotonic() < deadline and not self._should_stop():
                time.sleep(0.02)
            for part in group:
                if part.is_running:
                    log.warning("killed: it did not stop in time", extra={"of": part.name})
                    part.kill()


def _lock(settings: Settings) -> IO[str]:
    """Make sure that one supervisor alone runs in a data folder. The lock goes with the process."""
    try:
        return running.take(settings)
    except running.AlreadyRunning as error:
        raise StartFailed(f"a node is running in {settings.data_dir} already (process {error})") from error


def _listen(settings: Settings) -> socket.socket:
    try:
        return listen(settings.bind_address)
    except OSError as error:
        raise StartFailed(f"cannot listen on COURTYARD_BIND={settings.bind}: {error.strerror}") from error
