"""One supervised process: how it is started, when it is started again, how it is stopped. Light."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger("courtyard.supervisor")

FIRST_WAIT = 0.2
LONGEST_WAIT = 5.0
STEADY_SECONDS = 10.0
"""A part that lived this long is well: its next death starts a new count."""
SET_PARENT_DEATH_SIGNAL = 1  # prctl(2), Linux


@dataclass
class Part:
    """A process the supervisor keeps alive. `name` is what its log lines say."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0

    @property
    def is_running(self) -> bool:
        """Say whether the process is there (it may not be ready yet)."""
        return self.process is not None and self.process.poll() is None

    def start(self, extra_arguments: Sequence[str] = (), extra_fds: tuple[int, ...] = ()) -> None:
        """Start the process in a session of its own: a Ctrl-C at the terminal reaches the supervisor alone."""
        self.process = subprocess.Popen(
            [*self.command, *extra_arguments],
            env={**self.environ, "NODE_PART": self.name},
            stdin=subprocess.DEVNULL,
            pass_fds=(*self.pass_fds, *extra_fds),
            start_new_session=True,
            preexec_fn=_die_with_parent,  # Safe: the supervisor has one thread.
        )
        self.started_at = time.monotonic()
        log.info("started", extra={"of": self.name, "pid": self.process.pid})

    def note_death(self, now: float) -> None:
        """Record that the process ended, and when to start it again: at once the first time, then later and later."""
        assert self.process is not None
        code = self.process.returncode
        lived = now - self.started_at
        self.failures = 0 if lived >= STEADY_SECONDS or code == 0 else self.failures + 1
        wait = wait_before_start(self.failures)
        if code == 0 and lived < 1:
            wait = 1.0  # It says all is well and leaves at once: nothing to hurry for.
        self.start_at = now + wait
        level = logging.INFO if code == 0 else logging.WARNING
        log.log(level, "ended", extra={"of": self.name, "why": ending(code), "again_in": f"{wait:.1f}s"})
        self.process = None

    def ask_to_stop(self) -> None:
        """Send SIGTERM, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, if it runs, and wait."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def wait_before_start(failures: int) -> float:
    """Return seconds to wait after `failures` deaths in a row (0: none that counts)."""
    if failures <= 0:
        return 0.0
    return min(float(FIRST_WAIT * 2 ** (failures - 1)), LONGEST_WAIT)


def ending(code: int) -> str:
    """Return in words how a process ended: `exit 1`, `SIGKILL`."""
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Have the kernel send SIGTERM when the supervisor is gone, however it went (kill -9 included). Linux."""
    if _libc is None:
        return
    parent = os.getppid()
    _libc.prctl(SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
